//! The doors: the only crate that knows HTTP.

pub mod accept;
pub mod access_log;
pub mod health;
pub mod observe;
pub mod request_id;
