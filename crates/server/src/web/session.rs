//! The cookie by which a browser is known.

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use docharbor_site::{Error, WebSession};

use crate::door::Door;

/// Who is signed in in the browser that sent a request.
pub(crate) async fn signed_in(door: &Door, parts: &Parts) -> Result<Option<WebSession>, Error> {
    match cookie(door, parts) {
        Some(text) => door.site().web_session(text).await,
        None => Ok(None),
    }
}

/// The text of our cookie. Two of its name could be somebody else's doing, and are none.
pub(crate) fn cookie<'a>(door: &Door, parts: &'a Parts) -> Option<&'a str> {
    let name = name(door, parts);
    let headers = parts.headers.get_all(header::COOKIE).iter();
    // Other programs of this host may have cookies that are no text.
    let mut ours = headers
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let first = ours.next()?;
    if ours.next().is_some() {
        return None;
    }
    std::str::from_utf8(first).ok()
}

/// Gives the browser a cookie, or takes it away where the text is empty.
pub(crate) fn set(door: &Door, parts: &Parts, response: &mut Response, text: &str) {
    let name = name(door, parts);
    let secure = if is_secure(door, parts) { "; Secure" } else { "" };
    let life = if text.is_empty() { "; Max-Age=0" } else { "" };
    let cookie = format!("{name}={text}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

/// A name that browsers take from this very host alone, where they can.
fn name(door: &Door, parts: &Parts) -> &'static str {
    if is_secure(door, parts) { "__Host-docharbor" } else { "docharbor" }
}

fn is_secure(door: &Door, parts: &Parts) -> bool {
    door.base_url(parts).starts_with("https://")
}
