//! Who is asking: a signature, a user's token, or both. One answer for every way to be nobody.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use docharbor_domain::{AccessKeyId, Caller};
use docharbor_sigv4::{Claim, Rejection, Secret, SignedRequest};
use docharbor_site::{Error, Site, TokenHolder};

/// The signing names the API is called under; `zocalo` is the service's first name.
const SERVICES: &[&str] = &["workdocs", "zocalo"];

/// Why nobody in particular is asking.
#[derive(Debug)]
pub(crate) enum AuthError {
    /// The signature is missing, broken or not accepted.
    Rejected(Rejection),
    /// The token is not known.
    UnknownToken,
    /// The token's time is over.
    ExpiredToken,
    /// The request says twice, and so not clearly, who is asking.
    Ambiguous(&'static str),
    /// The site could not find out.
    Site(Error),
}

impl From<Rejection> for AuthError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Error> for AuthError {
    fn from(error: Error) -> Self {
        Self::Site(error)
    }
}

/// Whether a request says at all who it is from; one that does not is refused before its body is
/// read.
pub(crate) fn claims_identity(parts: &Parts) -> bool {
    parts.headers.contains_key("authorization")
        || parts.headers.contains_key("authentication")
        || parts.uri.query().is_some_and(|query| query.to_ascii_lowercase().contains("x-amz-"))
}

/// Finds out who sent an API request.
///
/// A token decides who is asking, also beside a signature; both must be valid then, and a bad token
/// never falls back to the signature.
pub(crate) async fn authenticate(
    site: &Site,
    parts: &Parts,
    body_sha256_hex: &str,
) -> Result<Caller, AuthError> {
    let token = token_of(&parts.headers)?;
    let is_signed = authorizations(&parts.headers).any(|value| !is_bearer(value))
        || parts.uri.query().is_some_and(|query| query.to_ascii_lowercase().contains("x-amz-"));
    match (token, is_signed) {
        (None, _) => signer(site, parts, body_sha256_hex, false).await,
        (Some(token), false) => bearer(site, token).await,
        (Some(token), true) => {
            let signer = signer(site, parts, body_sha256_hex, true).await?;
            let bearer = bearer(site, token).await?;
            if bearer.organization == signer.organization {
                Ok(bearer)
            } else {
                Err(AuthError::UnknownToken)
            }
        }
    }
}

/// The request as a signature is made over it: everything as it was sent.
pub(crate) fn signed_request(parts: &Parts) -> SignedRequest<'_> {
    SignedRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect(),
    }
}

async fn signer(
    site: &Site,
    parts: &Parts,
    body_sha256_hex: &str,
    has_token: bool,
) -> Result<Caller, AuthError> {
    let request = signed_request(parts);
    let claim = docharbor_sigv4::parse(&request, SERVICES)?;
    // A token decides who is asking: nobody may add one to what somebody else signed.
    if has_token && !claim.signs("authentication") {
        const UNSIGNED: Rejection =
            Rejection::Incomplete("A token beside a signature must be signed: authentication.");
        return Err(UNSIGNED.into());
    }
    holder_of(site, &claim, body_sha256_hex).await
}

/// Finds out who signed a request of the services beside the API, which know no users' tokens.
pub(crate) async fn authenticate_signer(
    site: &Site,
    parts: &Parts,
    body_sha256_hex: &str,
    services: &[&str],
) -> Result<(Caller, String), AuthError> {
    if token_of(&parts.headers)?.is_some() {
        const TEXT: &str = "Users' tokens are for the WorkDocs API only; sign with an access key.";
        return Err(AuthError::Ambiguous(TEXT));
    }
    let request = signed_request(parts);
    let claim = docharbor_sigv4::parse(&request, services)?;
    let caller = holder_of(site, &claim, body_sha256_hex).await?;
    Ok((caller, claim.service().to_owned()))
}

async fn holder_of(
    site: &Site,
    claim: &Claim<'_>,
    body_sha256_hex: &str,
) -> Result<Caller, AuthError> {
    let holder = site.key_holder(&AccessKeyId::new(claim.access_key_id())).await?;
    // A key without its session token, or beside another's, is as good as unknown.
    let holder = holder.filter(|holder| holder.accepts(claim.session_token()));
    let secret = holder.as_ref().map(|holder| Secret::new(holder.secret.to_string()));
    let now = site.now();
    docharbor_sigv4::verify(claim, body_sha256_hex, secret.as_ref(), now.as_millis())?;
    let holder = holder.ok_or(AuthError::Rejected(Rejection::UnrecognizedClient))?;
    if holder.has_expired(now) {
        return Err(AuthError::ExpiredToken);
    }
    Ok(holder.caller)
}

async fn bearer(site: &Site, token: &str) -> Result<Caller, AuthError> {
    match site.token_holder(token).await? {
        TokenHolder::User(caller) => Ok(caller),
        TokenHolder::Expired => Err(AuthError::ExpiredToken),
        TokenHolder::Unknown => Err(AuthError::UnknownToken),
    }
}

/// The token of a request: raw or `Bearer` in `Authentication`, or `Authorization: Bearer`.
fn token_of(headers: &HeaderMap) -> Result<Option<&str>, AuthError> {
    let named = headers.get_all("authentication").iter();
    let named = named.map(|value| value.to_str().map(without_scheme));
    let standard = authorizations(headers).filter(|value| is_bearer(value));
    let mut tokens = named.chain(standard.map(|value| Ok(without_scheme(value))));
    let first = tokens.next().transpose().map_err(|_| AuthError::UnknownToken)?;
    match tokens.next() {
        None => Ok(first),
        Some(_) => Err(AuthError::Ambiguous("A request carries one token; send it once.")),
    }
}

fn authorizations(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    // What is not text is left to the signature's parser, which refuses it.
    headers.get_all("authorization").iter().map(|value| value.to_str().unwrap_or_default())
}

fn is_bearer(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}

fn without_scheme(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) | None => value.trim(),
    }
}
