//! The WorkDocs protocol as data: operations, shapes, constraints, error codes.
//!
//! Nothing here knows what an operation does. Every table is held to the official service model
//! by `cargo xtask check-model`.

mod errors;
mod operations;

pub use errors::{ErrorBody, ErrorCode};
pub use operations::{Operation, Scope};
