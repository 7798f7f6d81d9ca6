//! The pages people sign in on. They work without JavaScript.

pub(crate) mod page;
pub(crate) mod recorded;
pub(crate) mod session;
mod setup;
pub(crate) mod sign_in;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::BytesMut;
use http_body_util::BodyExt as _;

use crate::door::Door;
use crate::form;

/// The most bytes of a form; the longest honest one has some hundred.
const FORM_MAX_BYTES: usize = 16 << 10;

/// What is in a form or a query, each name once.
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Reads a query string.
    pub(crate) fn of_query(parts: &Parts) -> Option<Self> {
        Self::parse(parts.uri.query().unwrap_or_default().as_bytes())
    }

    /// Reads a form that a page of ours sent, and no other site's page made a browser send.
    pub(crate) async fn of_form(door: &Door, parts: &Parts, body: Body) -> Option<Self> {
        let ours = door.base_url(parts);
        let mut origins = parts.headers.get_all(header::ORIGIN).iter();
        let mut sites = parts.headers.get_all("sec-fetch-site").iter();
        let is_ours = origins.all(|origin| origin.as_bytes() == ours.as_bytes())
            && sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
        if !is_ours {
            return None;
        }
        Self::of_body(body).await
    }

    /// Reads a form that a program sent.
    pub(crate) async fn of_body(mut body: Body) -> Option<Self> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.ok()?.into_data() else { continue };
            if bytes.len() + chunk.len() > FORM_MAX_BYTES {
                return None;
            }
            bytes.extend_from_slice(&chunk);
        }
        Self::parse(&bytes)
    }

    /// Reads names and values as forms and queries have them.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in form::decode(text)? {
            // Two values would have two readings.
            if fields.insert(name, value).is_some() {
                return None;
            }
        }
        Some(Self(fields))
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Routes the pages.
pub(crate) fn router(door: Door) -> Router {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", axum::routing::post(sign_in::leave))
        .route("/setup", get(setup::show).post(setup::submit))
        .route("/assets/docharbor.css", get(style))
        .with_state(door)
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../templates/docharbor.css")).into_response()
}
