//! GET and HEAD: a picture of a version on its way out.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use docharbor_site::ThumbnailSize;

use super::answer::Problem;
use super::download::{insert, names_tag};
use super::{Grant, not_ours};
use crate::access_log::OperationName;
use crate::door::{Door, thumbnail_name};

pub(super) async fn serve(door: &Door, parts: &Parts, grant: Grant) -> Result<Response, Problem> {
    let sizes = [ThumbnailSize::Small, ThumbnailSize::SmallHq, ThumbnailSize::Large];
    let size = sizes.into_iter().find(|size| grant.of.as_deref() == Some(thumbnail_name(*size)));
    let size = size.ok_or_else(not_ours)?;
    let picture =
        door.site().open_thumbnail(&grant.call, grant.document, grant.version, size).await?;
    let tag = format!("\"{}\"", picture.tag);
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), &tag);
    response.extensions_mut().insert(OperationName("GetThumbnail"));
    if names_tag(&parts.headers, &header::IF_NONE_MATCH, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let length = (picture.range.end - picture.range.start).to_string();
    insert(response.headers_mut(), &header::CONTENT_LENGTH, &length);
    if parts.method != Method::HEAD {
        *response.body_mut() = Body::from_stream(picture.reader.read_range(picture.range));
    }
    Ok(response)
}

/// Pixels that may stand in a page, and nothing else: whatever the bytes are, no browser takes them
/// for a document or a program.
fn describe(headers: &mut HeaderMap, tag: &str) {
    insert(headers, &header::ETAG, tag);
    for (name, value) in [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CONTENT_DISPOSITION, "inline"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
