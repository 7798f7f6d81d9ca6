//! The doors: the only crate that knows HTTP.
