//! The signature that SDKs send in the Authorization header.

use std::fmt;

use aws_sigv4::http_request::SignableBody;
use subtle::ConstantTimeEq;

use crate::request::{SignedRequest, has_amz_prefix, header_text, query_pairs};
use crate::signing::{Form, SECRET_OF_NOBODY, Signing, sign_again};
use crate::{Rejection, SKEW_MAX_MS, Secret, timestamp};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

/// What a request says about its signature, well formed and not yet verified. It keeps the
/// request that it was read from, so that no other one can be verified in its place.
pub struct Claim<'a> {
    request: &'a SignedRequest<'a>,
    scope: Scope<'a>,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
    date: &'a str,
    signed_ms: i64,
    content_sha256: Option<&'a str>,
    session_token: Option<&'a str>,
}

impl<'a> Claim<'a> {
    /// The access key to look up, from letters, digits and `_` only.
    pub fn access_key_id(&self) -> &'a str {
        self.scope.access_key_id
    }

    /// The region the request was signed for; any is accepted.
    pub fn region(&self) -> &'a str {
        self.scope.region
    }

    /// The service the request was signed for: one of those that [`parse`] was given.
    pub fn service(&self) -> &'a str {
        self.scope.service
    }

    /// When the request was signed, in milliseconds.
    pub fn signed_ms(&self) -> i64 {
        self.signed_ms
    }

    /// The signed `x-amz-security-token`, which belongs to temporary credentials.
    pub fn session_token(&self) -> Option<&'a str> {
        self.session_token
    }

    /// Whether the signature covers the header of this lower-case name.
    pub fn signs(&self, header: &str) -> bool {
        self.signed_headers.binary_search(&header).is_ok()
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claim")
            .field("access_key_id", &self.scope.access_key_id)
            .field("region", &self.scope.region)
            .field("signed_ms", &self.signed_ms)
            .finish_non_exhaustive()
    }
}

/// Reads the signature of a request for one of `services`, and refuses every form that has two
/// readings or leaves something that matters unsigned. No secret and no clock is needed.
pub fn parse<'a>(
    request: &'a SignedRequest<'a>,
    services: &[&str],
) -> Result<Claim<'a>, Rejection> {
    // A parameter that cannot be read is refused by `check`, once there is a signature at all.
    let in_query = query_pairs(request.query).flatten().any(|pair| pair.is_amz());
    let Some(authorization) = request.header("authorization")? else {
        return Err(if in_query {
            Rejection::Incomplete(
                "Signatures in the query are not accepted here: sign the request in its headers.",
            )
        } else {
            Rejection::MissingAuthentication
        });
    };
    if in_query {
        return Err(Rejection::Incomplete(
            "X-Amz-* query parameters beside an Authorization header: use one of the two.",
        ));
    }
    request.check()?;
    let parts = Parts::read(authorization)?;
    let scope = Scope::read(parts.credential, services)?;
    let signed_headers = read_signed_headers(parts.signed_headers)?;
    check_headers(request, &signed_headers)?;
    let date = request.header("x-amz-date")?.ok_or(Rejection::Incomplete(
        "The request has no x-amz-date header, which says when it was signed.",
    ))?;
    let signed_ms = timestamp::parse(date)
        .ok_or(Rejection::Incomplete("x-amz-date must be written as 20260102T030405Z."))?;
    if date.get(..8) != Some(scope.date) {
        return Err(Rejection::InvalidSignature(
            "The date of the credential scope is not the day of x-amz-date.",
        ));
    }
    Ok(Claim {
        request,
        scope,
        signed_headers,
        signature: parts.signature,
        date,
        signed_ms,
        content_sha256: request.header("x-amz-content-sha256")?,
        session_token: request.header("x-amz-security-token")?,
    })
}

/// Holds a claim to the body that came with it, to the time, and to the secret of its access key.
///
/// `body_sha256_hex` is the hash of the body received ([`crate::payload_sha256_hex`]), never one
/// that the request names. `secret` is `None` when the access key is unknown: the same work is
/// done, and the answer differs from that to a wrong signature in its variant only, not its text.
pub fn verify(
    claim: &Claim<'_>,
    body_sha256_hex: &str,
    secret: Option<&Secret>,
    now_ms: i64,
) -> Result<(), Rejection> {
    check_window(claim.date, claim.signed_ms, now_ms)?;
    if claim.content_sha256.is_some_and(|named| named != body_sha256_hex) {
        return Err(Rejection::InvalidSignature(
            "x-amz-content-sha256 is not the SHA-256 of the body received, in lower-case hex; \
             unsigned and streaming payloads are not accepted.",
        ));
    }
    let headers = headers_to_sign(claim)?;
    let target = claim.request.target();
    let signature = sign_again(Signing {
        method: claim.request.method,
        target: &target,
        headers,
        payload: SignableBody::Precomputed(body_sha256_hex.to_owned()),
        form: Form::Header,
        access_key_id: claim.scope.access_key_id,
        secret: secret.map_or(SECRET_OF_NOBODY, Secret::expose),
        region: claim.scope.region,
        service: claim.scope.service,
        signed_ms: claim.signed_ms,
    })
    .map(|(_, signature)| signature)
    .ok_or(Rejection::InvalidSignature("The request cannot be signed as it was received."))?;
    answer(&signature, claim.signature, secret.is_some())
}

/// Compares in constant time, and decides on the key only after that.
pub(crate) fn answer(ours: &str, theirs: &str, is_known: bool) -> Result<(), Rejection> {
    let is_equal = bool::from(ours.as_bytes().ct_eq(theirs.as_bytes()));
    match (is_known, is_equal) {
        (true, true) => Ok(()),
        (true, false) => Err(Rejection::SignatureMismatch),
        (false, _) => Err(Rejection::UnrecognizedClient),
    }
}

/// Who signed, for when and for what: the parts of a credential.
pub(crate) struct Scope<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl<'a> Scope<'a> {
    pub(crate) fn read(credential: &'a str, services: &[&str]) -> Result<Self, Rejection> {
        const FORM: Rejection = Rejection::Incomplete(
            "Credential must be ACCESS-KEY-ID/YYYYMMDD/REGION/SERVICE/aws4_request.",
        );
        let mut parts = credential.split('/');
        let mut part = || parts.next().ok_or(FORM);
        let (access_key_id, date, region) = (part()?, part()?, part()?);
        let (service, terminator) = (part()?, part()?);
        if parts.next().is_some()
            || !is_access_key_id(access_key_id)
            || !is_region(region)
            || date.len() != 8
        {
            return Err(FORM);
        }
        if !services.contains(&service) || terminator != TERMINATOR {
            return Err(Rejection::InvalidSignature(
                "The credential must be scoped to the service workdocs and end in aws4_request.",
            ));
        }
        Ok(Self { access_key_id, date, region, service })
    }
}

pub(crate) fn is_access_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(crate) fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The three parts of an Authorization header.
struct Parts<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn read(authorization: &'a str) -> Result<Self, Rejection> {
        let parts = authorization
            .strip_prefix(ALGORITHM)
            .filter(|parts| parts.starts_with(' '))
            .ok_or(Rejection::Incomplete("Authorization must begin with AWS4-HMAC-SHA256."))?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        // Some clients write a space after the comma and some do not.
        for part in parts.split(',') {
            let slot = match part.trim_matches(' ').split_once('=') {
                Some(("Credential", value)) => (&mut credential, value),
                Some(("SignedHeaders", value)) => (&mut signed_headers, value),
                Some(("Signature", value)) => (&mut signature, value),
                Some(_) | None => {
                    return Err(Rejection::Incomplete(
                        "Authorization may hold Credential, SignedHeaders and Signature only.",
                    ));
                }
            };
            if slot.0.replace(slot.1).is_some() {
                return Err(Rejection::Incomplete("Authorization holds a part twice."));
            }
        }
        Ok(Self {
            credential: credential
                .ok_or(Rejection::Incomplete("Authorization has no Credential."))?,
            signed_headers: signed_headers
                .ok_or(Rejection::Incomplete("Authorization has no SignedHeaders."))?,
            signature: signature
                .filter(|signature| !signature.is_empty())
                .ok_or(Rejection::Incomplete("Authorization has no Signature."))?,
        })
    }
}

/// The names must be as a signer writes them, or two lists would stand for one signature.
fn read_signed_headers(list: &str) -> Result<Vec<&str>, Rejection> {
    let names: Vec<&str> = list.split(';').collect();
    let is_written_well = names.iter().all(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
    });
    if !is_written_well || !names.is_sorted_by(|left, right| left < right) {
        return Err(Rejection::Incomplete(
            "SignedHeaders must be lower-case names, sorted, each once, separated by ';'.",
        ));
    }
    Ok(names)
}

fn check_headers(request: &SignedRequest<'_>, signed: &[&str]) -> Result<(), Rejection> {
    let is_signed = |name: &str| signed.binary_search(&name).is_ok();
    if !is_signed("host") || request.header("host")?.is_none() {
        return Err(Rejection::Incomplete("The host header must be sent and signed."));
    }
    for (name, _) in &request.headers {
        if !has_amz_prefix(name) {
            continue;
        }
        if !is_signed(name) {
            return Err(Rejection::Incomplete("Every x-amz-* header that is sent must be signed."));
        }
        request.header(name)?;
    }
    let is_sent = |name: &&str| request.headers.iter().any(|(candidate, _)| candidate == name);
    if !signed.iter().all(is_sent) {
        return Err(Rejection::Incomplete(
            "A header named in SignedHeaders is not in the request.",
        ));
    }
    Ok(())
}

/// Refuses a request signed too long ago or too far ahead.
pub(crate) fn check_window(date: &str, signed_ms: i64, now_ms: i64) -> Result<(), Rejection> {
    let earliest_ms = now_ms.saturating_sub(SKEW_MAX_MS);
    if signed_ms < earliest_ms {
        return Err(Rejection::Expired {
            signed: date.to_owned(),
            earliest: timestamp::format(earliest_ms),
            now: timestamp::format(now_ms),
        });
    }
    let latest_ms = now_ms.saturating_add(SKEW_MAX_MS);
    if latest_ms < signed_ms {
        return Err(Rejection::NotYetValid {
            signed: date.to_owned(),
            latest: timestamp::format(latest_ms),
            now: timestamp::format(now_ms),
        });
    }
    Ok(())
}

/// Exactly the headers the claim names, in the order received.
fn headers_to_sign<'a>(claim: &Claim<'a>) -> Result<Vec<(&'a str, &'a str)>, Rejection> {
    let request = claim.request;
    let signed = request.headers.iter().filter(|(name, _)| claim.signs(name));
    signed.map(|(name, value)| Ok((*name, header_text(value)?))).collect()
}
