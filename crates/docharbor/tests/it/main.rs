//! The binary as a person or a script meets it.

mod command_line;
#[expect(clippy::unwrap_used, reason = "a test that cannot start its server has failed")]
mod process;
