//! The request as it was received, and the parts of it that only one reading may have.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::Rejection;

/// More headers than this are refused: the server's own limit is lower.
const HEADERS_MAX: usize = 256;

/// The request line and headers exactly as received, before anything is decoded.
pub struct SignedRequest<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path as sent, still percent-encoded.
    pub path: &'a str,
    /// What follows the `?` as sent, still percent-encoded; empty without one.
    pub query: &'a str,
    /// Names in lower case, in the order received, repeated ones kept.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

/// The SHA-256 of a body in lower-case hex, as [`crate::verify`] takes it.
pub fn payload_sha256_hex(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

impl<'a> SignedRequest<'a> {
    /// The only value of a header; a repeated one is refused, since it has two readings.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&'a str>, Rejection> {
        let mut values = self.headers.iter().filter(|(candidate, _)| *candidate == name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Rejection::Incomplete(
                "A header that takes part in the signature is sent more than once.",
            ));
        }
        header_text(value).map(Some)
    }

    /// The request target as sent.
    pub(crate) fn target(&self) -> Cow<'a, str> {
        if self.query.is_empty() {
            Cow::Borrowed(self.path)
        } else {
            Cow::Owned(format!("{}?{}", self.path, self.query))
        }
    }

    /// Refuses what two readers could read differently: see the two checks it calls.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        if HEADERS_MAX < self.headers.len() {
            return Err(Rejection::Incomplete("The request has too many headers."));
        }
        check_path(self.path)?;
        query_pairs(self.query).try_for_each(|pair| pair.map(|_| ()))
    }
}

pub(crate) fn header_text(value: &[u8]) -> Result<&str, Rejection> {
    std::str::from_utf8(value).map_err(|_| {
        Rejection::Incomplete("A header that takes part in the signature is not UTF-8.")
    })
}

/// Refuses paths that canonicalisation would change: the router would see another path than the
/// one that was signed.
pub(crate) fn check_path(path: &str) -> Result<(), Rejection> {
    let unclear = Err(Rejection::InvalidSignature(
        "The path must begin with one '/', be percent-encoded, and have no empty, '.' or '..' \
         segments.",
    ));
    let Some(segments) = path.strip_prefix('/') else { return unclear };
    if !is_encoded(segments, b"?#\\") {
        return unclear;
    }
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let decoded: Cow<'_, [u8]> = percent_decode_str(segment).into();
        let is_inner = segments.peek().is_some();
        if matches!(&*decoded, b"." | b"..") || (is_inner && decoded.is_empty()) {
            return unclear;
        }
    }
    Ok(())
}

/// A query parameter as sent and as understood.
pub(crate) struct QueryPair<'a> {
    pub(crate) raw: &'a str,
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

impl QueryPair<'_> {
    /// Whether the name is one of the protocol's, however it is written.
    pub(crate) fn is_amz(&self) -> bool {
        has_amz_prefix(&self.name)
    }
}

pub(crate) fn has_amz_prefix(name: &str) -> bool {
    name.as_bytes().get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"x-amz-"))
}

/// The parameters in order. A bare `+`, a broken escape and bytes that are not UTF-8 are refused:
/// canonicalisation would map each of them to the same text as another query.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = Result<QueryPair<'_>, Rejection>> {
    query.split('&').filter(move |_| !query.is_empty()).map(|raw| {
        let unclear = || {
            Rejection::InvalidSignature(
                "The query must be percent-encoded UTF-8 (a space is %20, a plus is %2B) without \
                 empty parameters.",
            )
        };
        if raw.is_empty() || !is_encoded(raw, b"+#") {
            return Err(unclear());
        }
        let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
        let decode = |text| percent_decode_str(text).decode_utf8().map_err(|_| unclear());
        Ok(QueryPair { raw, name: decode(name)?, value: decode(value)? })
    })
}

/// Whether all is printable ASCII but `excluded`, and each `%` begins an escape.
fn is_encoded(text: &str, excluded: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => {
            bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        }
        _ => byte.is_ascii_graphic() && !excluded.contains(byte),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_one_reading_is_accepted() {
        for path in
            ["/", "/a", "/a/", "/api/v1/users/S-1-1%26d-2", "/a/...", "/a/.b", "/%2Fa", "/a:b@(c)"]
        {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn a_path_that_canonicalisation_would_change_is_refused() {
        for path in [
            "",
            "a",
            "*",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/a/.",
            "/a/./b",
            "/a/../b",
            "/..",
            "/%2e",
            "/a/%2E%2e/b",
            "/.%2e",
            "/%",
            "/%2",
            "/%zz",
            "/a b",
            "/é",
            "/a?b",
            "/a#b",
            "/a\\b",
            "/a\n",
            "/\u{7f}",
        ] {
            assert!(matches!(check_path(path), Err(Rejection::InvalidSignature(_))), "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded_in_order() {
        let pairs: Vec<_> = query_pairs("labels=b&labels=a%20%26&empty=&bare&eq=a=b")
            .map(|pair| pair.map(|pair| (pair.name.into_owned(), pair.value.into_owned())))
            .collect::<Result<_, _>>()
            .unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            pairs,
            [("labels", "b"), ("labels", "a &"), ("empty", ""), ("bare", ""), ("eq", "a=b")]
        );
        assert_eq!(query_pairs("").count(), 0);
    }

    #[test]
    fn a_query_with_two_readings_is_refused() {
        for query in [
            "a=b+c", "a=%", "a=%4", "a=%zz", "a=%FF", "%C3=1", "&", "a&&b", "a&", "a b", "a=é",
            "a#b",
        ] {
            assert!(query_pairs(query).any(|pair| pair.is_err()), "{query}");
        }
    }

    #[test]
    fn a_repeated_header_has_no_value() {
        let request = SignedRequest {
            method: "GET",
            path: "/",
            query: "",
            headers: vec![("host", b"a".as_slice()), ("host", b"a"), ("x", b"\xff"), ("y", b"1")],
        };
        assert!(matches!(request.header("host"), Err(Rejection::Incomplete(_))));
        assert!(matches!(request.header("x"), Err(Rejection::Incomplete(_))));
        assert_eq!(request.header("y"), Ok(Some("1")));
        assert_eq!(request.header("z"), Ok(None));
    }
}
