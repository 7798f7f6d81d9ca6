//! Builds the crate again when a migration is added: the compiler only watches those it knows.

#![expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
