//! PUT: the bytes of a version on their way in.

use std::io;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use docharbor_domain::limits::VERSION_SIZE_MAX_BYTES;
use docharbor_site::Expected;
use futures::{StreamExt as _, TryStreamExt as _};

use super::answer::Problem;
use super::{UPLOAD, admit};
use crate::access_log::OperationName;
use crate::audit::Audited;
use crate::door::Door;

pub(super) async fn serve(
    door: &Door,
    parts: &Parts,
    body: Body,
    audited: &mut Audited,
) -> Result<Response, Problem> {
    let grant = admit(door, parts, "PUT", UPLOAD, audited).await?;
    let expected = expected(&parts.headers)?;
    let incoming = door.site().open_upload(&grant.call, grant.document, grant.version).await?;
    if let (Some(declared), Some(announced)) = (incoming.declared_bytes, expected.size_bytes)
        && declared != announced
    {
        return Err(Problem::Header(
            "Content-Length is not the DocumentSizeInBytes of the upload.",
        ));
    }
    let stream = body.into_data_stream().map_err(io::Error::other).boxed();
    let stored = door.site().receive(&incoming, stream, expected).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    response.extensions_mut().insert(OperationName("PutContent"));
    if let Ok(tag) = format!("\"{}\"", hex::encode(stored.md5)).parse() {
        response.headers_mut().insert("etag", tag);
    }
    Ok(response)
}

/// What the client says of the bytes it sends; every word of it is held against them.
fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let encoding = text(headers, "content-encoding")?;
    let hash = text(headers, "x-amz-content-sha256")?;
    if encoding.is_some_and(|encoding| encoding.contains("aws-chunked"))
        || hash.is_some_and(|hash| hash.starts_with("STREAMING-"))
    {
        return Err(Problem::Encoding);
    }
    let payload_hash = hash.filter(|hash| *hash != "UNSIGNED-PAYLOAD").map(|hash| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes)
            .map(|()| bytes)
            .map_err(|_| Problem::Header("x-amz-content-sha256 must be 64 hexadecimal digits."))
    });
    let checksum = base64_header(headers, "x-amz-checksum-sha256")?;
    let sha256 = match (payload_hash.transpose()?, checksum) {
        (Some(hash), Some(checksum)) if hash != checksum => {
            return Err(Problem::Header("The two SHA-256 of the headers differ."));
        }
        (hash, checksum) => hash.or(checksum),
    };
    let size_bytes = match text(headers, "content-length")? {
        Some(length) => {
            Some(length.parse().map_err(|_| Problem::Header("Content-Length must be a number."))?)
        }
        None => None,
    };
    Ok(Expected {
        size_bytes,
        size_max_bytes: VERSION_SIZE_MAX_BYTES,
        md5: base64_header(headers, "content-md5")?,
        sha256,
        crc32: base64_header(headers, "x-amz-checksum-crc32")?.map(u32::from_be_bytes),
    })
}

fn base64_header<const N: usize>(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<Option<[u8; N]>, Problem> {
    let Some(value) = text(headers, name)? else { return Ok(None) };
    let bytes = STANDARD.decode(value).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
    bytes.map(Some).ok_or(Problem::Header("A checksum header is not the base64 of its digest."))
}

/// The one value of a header. Two of a kind would leave open which one counts.
fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str()).transpose();
    match (first, values.next()) {
        (Ok(first), None) => Ok(first),
        (Err(_), _) | (_, Some(_)) => {
            Err(Problem::Header("A header about the bytes is not text, or was sent twice."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_the_client_says_of_the_bytes_is_read_or_refused() {
        let md5 = STANDARD.encode([1; 16]);
        let sha = STANDARD.encode([2; 32]);
        let read = expected(&headers(&[
            ("content-length", "3"),
            ("content-md5", &md5),
            ("x-amz-checksum-sha256", &sha),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-amz-checksum-crc32", "AAAAAQ=="),
        ]))
        .unwrap();
        assert_eq!((read.size_bytes, read.md5, read.crc32), (Some(3), Some([1; 16]), Some(1)));
        assert_eq!(read.sha256, Some([2; 32]));
        for bad in [
            headers(&[("content-md5", "x")]),
            headers(&[("content-md5", &md5), ("content-md5", &md5)]),
            headers(&[("x-amz-checksum-crc32", &md5)]),
            headers(&[("x-amz-content-sha256", "abc")]),
            headers(&[("content-length", "-1")]),
            headers(&[("x-amz-checksum-sha256", &sha), ("x-amz-content-sha256", &"0".repeat(64))]),
        ] {
            assert!(matches!(expected(&bad), Err(Problem::Header(_))));
        }
        let chunked = headers(&[("content-encoding", "aws-chunked,gzip")]);
        assert!(matches!(expected(&chunked), Err(Problem::Encoding)));
    }
}
