//! URLs that carry their own signature: how bytes are sent and fetched without an access key.

use std::fmt;

use aws_sigv4::http_request::SignableBody;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use thiserror::Error;

use crate::header_form::{Scope, answer, is_access_key_id, is_region};
use crate::request::{QueryPair, SignedRequest, check_path, has_amz_prefix, query_pairs};
use crate::signing::{Form, SECRET_OF_NOBODY, Signing, sign_again};
use crate::{
    PRESIGNED_EXPIRES_MAX_SECS, PRESIGNED_SERVICE, Rejection, SKEW_MAX_MS, Secret, timestamp,
};

const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A transfer URL to mint. Whoever holds the URL may do what it says until it expires.
pub struct Presign<'a> {
    /// The only method the URL is for, upper case.
    pub method: &'a str,
    /// Where this server is reached, as `https://docs.example.org` or `http://127.0.0.1:8080`.
    pub scheme_and_host: &'a str,
    /// The percent-encoded path.
    pub path: &'a str,
    /// Further parameters, signed with the rest, not encoded yet.
    pub extra_query: &'a [(&'a str, &'a str)],
    /// The key that answers for the URL: when it is gone, so is the URL.
    pub access_key_id: &'a str,
    /// The secret of that key.
    pub secret: &'a Secret,
    /// The region to name in the credential.
    pub region: &'a str,
    /// The moment it is valid from, in milliseconds; it is cut to the second.
    pub now_ms: i64,
    /// How long it is valid, in seconds, at most [`PRESIGNED_EXPIRES_MAX_SECS`].
    pub expires_secs: u32,
}

/// What cannot be made into a URL, and why: a fault of the program that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cannot presign a URL: {0}")]
pub struct PresignError(&'static str);

impl Presign<'_> {
    /// The URL, whole.
    pub fn url(&self) -> Result<String, PresignError> {
        let host = self.check()?;
        let mut target = self.path.to_owned();
        for (at, (name, value)) in self.extra_query.iter().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            push_pair(&mut target, name, value);
        }
        let (instructions, _) = sign_again(Signing {
            method: self.method,
            target: &target,
            headers: vec![("host", &host.name)],
            payload: SignableBody::UnsignedPayload,
            form: Form::Url { expires_secs: self.expires_secs },
            access_key_id: self.access_key_id,
            secret: self.secret.expose(),
            region: self.region,
            service: PRESIGNED_SERVICE,
            signed_ms: self.now_ms,
        })
        .ok_or(PresignError("the parts do not make a URL"))?;
        let mut url = format!("{}{}{target}", host.scheme, host.name);
        for (at, (name, value)) in instructions.params().iter().enumerate() {
            url.push(if at == 0 && self.extra_query.is_empty() { '?' } else { '&' });
            push_pair(&mut url, name, value);
        }
        Ok(url)
    }

    fn check(&self) -> Result<Host, PresignError> {
        check_path(self.path).map_err(|_| PresignError("the path is not in its canonical form"))?;
        if self.extra_query.iter().any(|(name, _)| name.is_empty() || has_amz_prefix(name)) {
            return Err(PresignError("a further parameter has no name, or one of the protocol's"));
        }
        if !is_access_key_id(self.access_key_id) || !is_region(self.region) {
            return Err(PresignError(
                "the access key ID or the region has a character it may not have",
            ));
        }
        if !(1..=PRESIGNED_EXPIRES_MAX_SECS).contains(&self.expires_secs) {
            return Err(PresignError("it must be valid for 1 second to 7 days"));
        }
        if !(0..=timestamp::LATEST_MS).contains(&self.now_ms) {
            return Err(PresignError("the moment cannot be written in four digits of year"));
        }
        Host::read(self.scheme_and_host)
            .ok_or(PresignError("the host must be http:// or https:// and a name, without a path"))
    }
}

/// What a verified URL allows, until when.
#[derive(PartialEq, Eq)]
pub struct PresignedGrant {
    /// The key that answers for it.
    pub access_key_id: String,
    /// The moment it is valid from, in milliseconds.
    pub issued_ms: i64,
    /// The last moment it is valid, in milliseconds.
    pub expires_ms: i64,
    /// The parameters beside those of the signature, decoded, in order.
    pub extra_query: Vec<(String, String)>,
}

impl fmt::Debug for PresignedGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PresignedGrant")
            .field("access_key_id", &self.access_key_id)
            .field("issued_ms", &self.issued_ms)
            .field("expires_ms", &self.expires_ms)
            .finish_non_exhaustive()
    }
}

/// Verifies a URL that [`Presign`] made, for the method it was signed for.
///
/// `secret_of` finds the secret of an access key; `None` refuses, so that a URL dies with its key.
/// `signed_method` is the request's own method, or `GET` for a `HEAD` request. What the query
/// does not sign may not matter: of the `x-amz-*` headers only those that say how the bytes are
/// to be checked or kept are let through, and the caller holds the bytes to them.
pub fn verify_presigned<'k>(
    request: &SignedRequest<'_>,
    signed_method: &str,
    secret_of: impl FnOnce(&str) -> Option<&'k Secret>,
    now_ms: i64,
) -> Result<PresignedGrant, Rejection> {
    request.check()?;
    check_other_mechanisms(request)?;
    if request.method != signed_method && (request.method, signed_method) != ("HEAD", "GET") {
        return Err(Rejection::InvalidSignature("The URL was signed for another method."));
    }
    let query = UrlQuery::read(request.query)?;
    let scope = Scope::read(&query.credential, &[PRESIGNED_SERVICE])?;
    let issued_ms = timestamp::parse(&query.date)
        .filter(|_| query.date.get(..8) == Some(scope.date))
        .ok_or(Rejection::Incomplete(
            "X-Amz-Date must be written as 20260102T030405Z, and on the day of the credential.",
        ))?;
    let expires_ms = issued_ms + i64::from(query.expires_secs) * 1000;
    check_life(&query.date, issued_ms, expires_ms, now_ms)?;
    let host = request
        .header("host")?
        .ok_or(Rejection::Incomplete("The host header must be sent and signed."))?;
    let target = if query.unsigned.is_empty() {
        request.path.to_owned()
    } else {
        format!("{}?{}", request.path, query.unsigned)
    };
    let secret = secret_of(scope.access_key_id);
    let (_, signature) = sign_again(Signing {
        method: signed_method,
        target: &target,
        headers: vec![("host", host)],
        payload: SignableBody::UnsignedPayload,
        form: Form::Url { expires_secs: query.expires_secs },
        access_key_id: scope.access_key_id,
        secret: secret.map_or(SECRET_OF_NOBODY, Secret::expose),
        region: scope.region,
        service: scope.service,
        signed_ms: issued_ms,
    })
    .ok_or(Rejection::InvalidSignature("The URL cannot be signed as it was received."))?;
    answer(&signature, &query.signature, secret.is_some())?;
    let access_key_id = scope.access_key_id.to_owned();
    Ok(PresignedGrant { access_key_id, issued_ms, expires_ms, extra_query: query.extra })
}

fn check_other_mechanisms(request: &SignedRequest<'_>) -> Result<(), Rejection> {
    for (name, _) in &request.headers {
        if matches!(*name, "authorization" | "authentication") {
            return Err(Rejection::Incomplete(
                "A presigned URL takes no Authorization or Authentication header beside it.",
            ));
        }
        let is_about_bytes =
            matches!(*name, "x-amz-content-sha256" | "x-amz-server-side-encryption")
                || name.starts_with("x-amz-checksum-");
        if has_amz_prefix(name) && !is_about_bytes {
            return Err(Rejection::Incomplete(
                "The URL does not sign this x-amz-* header; send it without.",
            ));
        }
    }
    Ok(())
}

fn check_life(date: &str, issued_ms: i64, expires_ms: i64, now_ms: i64) -> Result<(), Rejection> {
    if expires_ms < now_ms {
        return Err(Rejection::Expired {
            signed: timestamp::format(expires_ms),
            earliest: timestamp::format(now_ms),
            now: timestamp::format(now_ms),
        });
    }
    // Another node may have minted it by a clock ahead of ours, within the usual bound.
    let latest_ms = now_ms.saturating_add(SKEW_MAX_MS);
    if latest_ms < issued_ms {
        return Err(Rejection::NotYetValid {
            signed: date.to_owned(),
            latest: timestamp::format(latest_ms),
            now: timestamp::format(now_ms),
        });
    }
    Ok(())
}

/// The query of a presigned URL, each parameter of the signature there exactly once.
struct UrlQuery {
    credential: String,
    date: String,
    expires_secs: u32,
    signature: String,
    /// The other parameters as sent.
    unsigned: String,
    /// The other parameters, decoded.
    extra: Vec<(String, String)>,
}

impl UrlQuery {
    const NAMES: [&'static str; 6] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ];

    fn read(query: &str) -> Result<Self, Rejection> {
        let mut found: [Option<String>; 6] = Default::default();
        let (mut unsigned, mut extra) = (String::new(), Vec::new());
        for pair in query_pairs(query) {
            let pair: QueryPair<'_> = pair?;
            if !pair.is_amz() {
                if !unsigned.is_empty() {
                    unsigned.push('&');
                }
                unsigned.push_str(pair.raw);
                extra.push((pair.name.into_owned(), pair.value.into_owned()));
                continue;
            }
            let slot = Self::NAMES.iter().zip(&mut found).find(|(name, _)| **name == pair.name);
            let Some((_, slot)) = slot else {
                return Err(Rejection::Incomplete(
                    "The URL has an X-Amz-* parameter it may not have.",
                ));
            };
            if slot.replace(pair.value.into_owned()).is_some() {
                return Err(Rejection::Incomplete("The URL has an X-Amz-* parameter twice."));
            }
        }
        if found.iter().all(Option::is_none) {
            return Err(Rejection::MissingAuthentication);
        }
        let [
            Some(algorithm),
            Some(credential),
            Some(date),
            Some(expires),
            Some(headers),
            Some(signature),
        ] = found
        else {
            return Err(Rejection::Incomplete("The URL lacks an X-Amz-* parameter."));
        };
        if algorithm != "AWS4-HMAC-SHA256" || headers != "host" {
            return Err(Rejection::Incomplete(
                "X-Amz-Algorithm must be AWS4-HMAC-SHA256 and X-Amz-SignedHeaders host.",
            ));
        }
        let expires_secs = read_expires(&expires).ok_or(Rejection::Incomplete(
            "X-Amz-Expires must be a number of seconds from 1 to 604800.",
        ))?;
        Ok(Self { credential, date, expires_secs, signature, unsigned, extra })
    }
}

fn read_expires(text: &str) -> Option<u32> {
    let secs: u32 = text.parse().ok()?;
    // `+5` and `05` would be signed as `5`: only one way to write it is accepted.
    let is_canonical = text.starts_with(|first: char| ('1'..='9').contains(&first));
    (is_canonical && secs <= PRESIGNED_EXPIRES_MAX_SECS).then_some(secs)
}

/// The start of a URL as clients will send it back: lower case, without a default port.
struct Host {
    scheme: &'static str,
    name: String,
}

impl Host {
    fn read(scheme_and_host: &str) -> Option<Self> {
        let (scheme, name, default_port) = match scheme_and_host.split_once("://")? {
            ("http", name) => ("http://", name, ":80"),
            ("https", name) => ("https://", name, ":443"),
            _ => return None,
        };
        let name = name.strip_suffix(default_port).unwrap_or(name);
        let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        (!name.is_empty() && name.bytes().all(is_host_byte))
            .then(|| Self { scheme, name: name.to_ascii_lowercase() })
    }
}

fn push_pair(url: &mut String, name: &str, value: &str) {
    url.extend(encode(name));
    url.push('=');
    url.extend(encode(value));
}

fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NOT_UNRESERVED)
}
