//! The doors: the only crate that knows HTTP.

pub mod accept;
pub mod access_log;
mod api;
pub mod audit;
mod auth;
mod door;
mod form;
pub mod health;
mod iam;
mod notifications;
mod oauth;
pub mod observe;
pub mod request_id;
mod transfer;
mod web;

use axum::Router;

pub use door::{Door, DoorSettings};

/// The WorkDocs API, the transfers its URLs lead to, what links in notifications lead to, IAM and
/// STS, and the pages people sign in and consent on.
pub fn doors(door: &Door) -> Router {
    api::router(door.clone())
        .merge(iam::router(door.clone()))
        .merge(transfer::router(door.clone()))
        .merge(notifications::router(door.clone()))
        .merge(web::router(door.clone()))
        .merge(oauth::router(door.clone()))
}
