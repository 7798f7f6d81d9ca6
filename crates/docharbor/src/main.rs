//! The docharbor binary: commands, configuration, and the only wiring.

fn main() {}
