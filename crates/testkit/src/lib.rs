//! What tests of several crates share: a PostgreSQL of their own, a clock, builders.

pub mod postgres;
