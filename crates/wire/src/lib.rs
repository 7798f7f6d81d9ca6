//! The WorkDocs protocol as data: operations, shapes, constraints, error codes.
