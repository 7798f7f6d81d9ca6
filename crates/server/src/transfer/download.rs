//! GET and HEAD: the bytes of a version on their way out.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use docharbor_site::Download;
use futures::StreamExt as _;

use super::Grant;
use super::answer::Problem;
use super::disposition::attachment;
use super::range::{Part, part};
use crate::access_log::OperationName;
use crate::door::Door;

/// Up to this size the bytes are put into the answer at once, so that it leaves as one segment.
const AT_ONCE_MAX_BYTES: u64 = 64 * 1024;

pub(super) async fn serve(door: &Door, parts: &Parts, grant: Grant) -> Result<Response, Problem> {
    let Grant { call, document, version, is_listed, .. } = grant;
    let download = door.site().open_download(&call, document.clone(), version.clone()).await?;
    let mut response = respond(parts, &download).await?;
    if is_listed && parts.method == Method::GET && begins(&response) {
        let view = door.site().version(&call, document, version).await?;
        door.site().note_download(&call, &view).await;
    }
    response.extensions_mut().insert(OperationName("GetContent"));
    Ok(response)
}

/// Whether the first byte goes out: whoever goes on with a download does not begin another one.
fn begins(response: &Response) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    match response.status() {
        StatusCode::OK => true,
        StatusCode::PARTIAL_CONTENT => {
            range.is_some_and(|range| range.as_bytes().starts_with(b"bytes 0-"))
        }
        _ => false,
    }
}

async fn respond(parts: &Parts, download: &Download) -> Result<Response, Problem> {
    let size_bytes = download.reader.size_bytes();
    let tag = format!("\"{}\"", download.md5);
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), download, &tag);
    if names_tag(&parts.headers, &header::IF_NONE_MATCH, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    if parts.headers.contains_key(header::IF_MATCH)
        && !names_tag(&parts.headers, &header::IF_MATCH, &tag)
    {
        *response.status_mut() = StatusCode::PRECONDITION_FAILED;
        return Ok(response);
    }
    let range = match part(wanted(&parts.headers, &tag), size_bytes) {
        Part::Unsatisfiable => return Err(Problem::Range { size_bytes }),
        Part::Whole => 0..size_bytes,
        Part::Some(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let value = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
            insert(response.headers_mut(), &header::CONTENT_RANGE, &value);
            range
        }
    };
    let length = (range.end - range.start).to_string();
    insert(response.headers_mut(), &header::CONTENT_LENGTH, &length);
    if parts.method != Method::HEAD {
        *response.body_mut() = body(download, range).await;
    }
    Ok(response)
}

/// The Range header, unless If-Range says that it was meant for other bytes.
fn wanted<'a>(headers: &'a HeaderMap, tag: &str) -> Option<&'a str> {
    let is_for_these = headers.get(header::IF_RANGE).is_none_or(|value| value == tag);
    headers.get(header::RANGE).filter(|_| is_for_these)?.to_str().ok()
}

pub(super) fn names_tag(headers: &HeaderMap, name: &HeaderName, tag: &str) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',')
            .map(str::trim)
            .any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag)
    })
}

/// Everything that says what the bytes are, and that they are nothing a browser may run.
fn describe(headers: &mut HeaderMap, download: &Download, tag: &str) {
    let content_type = HeaderValue::from_str(&download.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_DISPOSITION, attachment(download.name.as_str()));
    insert(headers, &header::ETAG, tag);
    if let Ok(millis) = u64::try_from(download.modified.as_millis()) {
        let modified = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(millis));
        insert(headers, &header::LAST_MODIFIED, &modified);
    }
    for (name, value) in [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

pub(super) fn insert(headers: &mut HeaderMap, name: &HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name.clone(), value);
    }
}

async fn body(download: &Download, range: Range<u64>) -> Body {
    let is_small = range.end - range.start <= AT_ONCE_MAX_BYTES;
    let mut stream = download.reader.read_range(range);
    if !is_small {
        return Body::from_stream(stream);
    }
    match stream.next().await {
        // A short range of a long blob may come in two pieces.
        Some(Ok(bytes)) => match stream.next().await {
            None => Body::from(bytes),
            Some(next) => Body::from_stream(futures::stream::iter([Ok(bytes), next]).chain(stream)),
        },
        Some(Err(error)) => {
            Body::from_stream(futures::stream::iter([Err::<bytes::Bytes, _>(error)]))
        }
        None => Body::empty(),
    }
}
