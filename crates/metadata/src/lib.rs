//! What is remembered. The only crate that contains SQL.
