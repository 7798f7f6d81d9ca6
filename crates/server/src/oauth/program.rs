//! What programs ask for by themselves: tokens for codes, codes for a device, and where all of it is.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use docharbor_domain::{Refusal, Scopes};
use docharbor_site::{
    APPLICATION_TOKEN_LIFETIME_MS, Application, CodeClaim, DEVICE_INTERVAL_MS, DEVICE_LIFETIME_MS,
    Error, Issued, Meaning, Ungranted, chain,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::asked::{application_id, scopes};
use super::{Flow, device};
use crate::audit::{Audited, ErrorName};
use crate::door::Door;
use crate::web::Fields;
use crate::web::recorded::recorded;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TOKEN_PATH: &str = "/oauth/token";
const DEVICE_AUTHORIZATION_PATH: &str = "/oauth/device_authorization";

/// How long a verifier may be, as RFC 7636 has it.
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// When who begins too many devices may try again, in seconds.
const RETRY_SECS: u64 = 600;

/// Why a program gets nothing, in the words of the RFCs.
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl Refused {
    fn new(error: &'static str, description: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.to_owned() }
    }

    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = json_response(self.status, &body);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECS));
        }
        response.extensions_mut().insert(ErrorName(self.error));
        response
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let (status, name, text) = match error.meaning() {
            Meaning::Refused(refusal @ Refusal::LimitExceeded(_)) => {
                (StatusCode::TOO_MANY_REQUESTS, "slow_down", refusal.to_string())
            }
            Meaning::Refused(refusal) => {
                (StatusCode::BAD_REQUEST, "invalid_grant", refusal.to_string())
            }
            Meaning::Dependency | Meaning::Busy | Meaning::Unavailable => {
                tracing::error!(error = chain(&error), "a store failed");
                let text = "a store of this server does not answer; try again in a moment";
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", text.to_owned())
            }
            Meaning::Fault => {
                tracing::error!(error = chain(&error), "a defect");
                let text = "this server made a mistake; its operator finds it by the request id";
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", text.to_owned())
            }
        };
        Self { status, error: name, description: text }
    }
}

impl From<Ungranted> for Refused {
    fn from(why: Ungranted) -> Self {
        let (error, text) = match why {
            Ungranted::InvalidGrant => (
                "invalid_grant",
                "the code is unknown, was used, is over, or is not for this application, redirect \
                 URI and verifier",
            ),
            Ungranted::Pending => ("authorization_pending", "nobody has answered yet"),
            Ungranted::SlowDown => ("slow_down", "ask five seconds after the last time"),
            Ungranted::Denied => ("access_denied", "the user denied it"),
            Ungranted::Expired => ("expired_token", "nobody answered in time; begin again"),
        };
        Self::new(error, text)
    }
}

/// Routes what programs ask for by themselves.
pub(super) fn router() -> axum::Router<Door> {
    axum::Router::new()
        .route(TOKEN_PATH, axum::routing::post(token))
        .route(DEVICE_AUTHORIZATION_PATH, axum::routing::post(begin_device))
        .route("/.well-known/oauth-authorization-server", axum::routing::get(discovery))
}

/// `POST /oauth/token`: exchanges a code for a token.
async fn token(State(door): State<Door>, request: Request) -> Response {
    recorded(door, request, "CreateToken", |door, _, body, audited| {
        Box::pin(async move {
            match issue(door, Fields::of_body(body).await, audited).await {
                Ok(issued) => json_response(
                    StatusCode::OK,
                    &json!({
                        "access_token": *issued.text,
                        "token_type": "Bearer",
                        "expires_in": APPLICATION_TOKEN_LIFETIME_MS / 1_000,
                        "scope": issued.scopes.names(),
                    }),
                ),
                Err(refused) => refused.into_response(),
            }
        })
    })
    .await
}

async fn issue(
    door: &Door,
    fields: Option<Fields>,
    audited: &mut Audited,
) -> Result<Issued, Refused> {
    let fields = fields.ok_or_else(unreadable)?;
    match fields.get("grant_type") {
        "authorization_code" => {
            let application = client(door, &fields, audited).await?;
            let claim = CodeClaim {
                code: Zeroizing::new(given(&fields, "code")?.to_owned()),
                application: application.id,
                redirect_uri: given(&fields, "redirect_uri")?.to_owned(),
                challenge: challenge(given(&fields, "code_verifier")?)?,
            };
            Ok(door.site().redeem_code(claim).await??)
        }
        DEVICE_GRANT => {
            let application = client(door, &fields, audited).await?;
            let code = given(&fields, "device_code")?;
            Ok(door.site().redeem_device(code, &application.id).await??)
        }
        "" => Err(Refused::new("invalid_request", "grant_type is missing")),
        _ => {
            let text = format!("grant_type must be authorization_code or {DEVICE_GRANT}");
            Err(Refused::new("unsupported_grant_type", &text))
        }
    }
}

/// `POST /oauth/device_authorization`: gives a device the codes with which it waits.
async fn begin_device(State(door): State<Door>, request: Request) -> Response {
    recorded(door, request, "StartDeviceAuthorization", |door, parts, body, audited| {
        Box::pin(async move {
            let begun = begin(door, parts, Fields::of_body(body).await, audited).await;
            match begun {
                Ok(answer) => json_response(StatusCode::OK, &answer),
                Err(refused) => refused.into_response(),
            }
        })
    })
    .await
}

async fn begin(
    door: &Door,
    parts: &Parts,
    fields: Option<Fields>,
    audited: &mut Audited,
) -> Result<Value, Refused> {
    let fields = fields.ok_or_else(unreadable)?;
    let application = client(door, &fields, audited).await?;
    let scopes = scopes(&application, fields.get("scope")).ok_or_else(|| {
        let text = "scope names what there is not, or what the application is not registered for";
        Refused::new("invalid_scope", text)
    })?;
    let begun = door.site().begin_device(&application, scopes, door.client_ip(parts)).await?;
    let verification_uri = format!("{}{}", door.base_url(parts), device::PATH);
    Ok(json!({
        "device_code": *begun.device_code,
        "user_code": begun.user_code,
        "verification_uri_complete": format!("{verification_uri}?user_code={}", begun.user_code),
        "verification_uri": verification_uri,
        "expires_in": DEVICE_LIFETIME_MS / 1_000,
        "interval": DEVICE_INTERVAL_MS / 1_000,
    }))
}

/// `GET /.well-known/oauth-authorization-server`: where programs find what, as RFC 8414 has it.
async fn discovery(State(door): State<Door>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let issuer = door.base_url(&parts);
    let scopes: Vec<&str> = Scopes { read: true, write: true }.names().split(' ').collect();
    let at = |path: &str| format!("{issuer}{path}");
    let described = BTreeMap::from([
        ("issuer", json!(issuer)),
        ("authorization_endpoint", json!(at(Flow::Code.path()))),
        ("token_endpoint", json!(at(TOKEN_PATH))),
        ("device_authorization_endpoint", json!(at(DEVICE_AUTHORIZATION_PATH))),
        ("scopes_supported", json!(scopes)),
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query"])),
        ("grant_types_supported", json!(["authorization_code", DEVICE_GRANT])),
        ("token_endpoint_auth_methods_supported", json!(["none"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ]);
    json_response(StatusCode::OK, &json!(described))
}

/// The application that asks. None of them has a secret: what a program is shipped with, all have.
async fn client(
    door: &Door,
    fields: &Fields,
    audited: &mut Audited,
) -> Result<Application, Refused> {
    let found = match application_id(given(fields, "client_id")?) {
        Some(id) => door.site().application(&id).await?,
        None => None,
    };
    let application = found.ok_or_else(|| {
        let text = "no application is registered under this client_id";
        Refused::new("invalid_client", text)
    })?;
    audited.person(&application.organization, None);
    audited.application(&application.id);
    Ok(application)
}

fn given<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Refused> {
    match fields.get(name) {
        "" => Err(Refused::new("invalid_request", &format!("{name} is missing"))),
        value => Ok(value),
    }
}

fn unreadable() -> Refused {
    let text =
        "the body must be a form with every parameter once, in UTF-8, and not longer than 16 KiB";
    Refused::new("invalid_request", text)
}

/// What the challenge of a verifier must have been.
fn challenge(verifier: &str) -> Result<String, Refused> {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !VERIFIER_CHARS.contains(&verifier.len()) || !verifier.bytes().all(is_unreserved) {
        let text = "code_verifier must have 43 to 128 letters, digits and the signs - . _ ~";
        return Err(Refused::new("invalid_request", text));
    }
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_a_verifier_is_the_one_of_the_rfc() {
        let made = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").ok();
        assert_eq!(made.as_deref(), Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        for bad in ["a".repeat(42), "a".repeat(129), format!("{}=", "a".repeat(43)), "ä".repeat(43)]
        {
            assert!(challenge(&bad).is_err(), "{bad}");
        }
        assert!(challenge(&"a".repeat(128)).is_ok());
    }
}
