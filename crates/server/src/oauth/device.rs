//! The page on which a user types the code that a device shows, and says whether it may go on.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use docharbor_domain::Refusal;
use docharbor_site::{DEVICE_LIFETIME_MS, Error, WebSession};

use super::consent::{Question, ask, is_ours};
use crate::audit::Audited;
use crate::door::Door;
use crate::web::page::{failed, message, page, refused_form, with_error_name};
use crate::web::recorded::recorded;
use crate::web::sign_in::sign_in_first;
use crate::web::{Fields, session};

/// Where people type the code.
pub(super) const PATH: &str = "/device";

const UNKNOWN: &str = "No device waits with this code. Look at the device again: it may show another one \
                       by now, or belong to another site.";

/// What people type has eight letters; nobody is shown more back.
const TYPED_MAX_CHARS: usize = 16;

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage<'a> {
    problem: Option<&'a str>,
    user_code: &'a str,
    username: &'a str,
    site: &'a str,
}

/// Routes the page.
pub(super) fn router() -> axum::Router<Door> {
    axum::Router::new().route(PATH, get(show).post(submit))
}

/// `GET /device?user_code=…`: where the code is typed. One in the address is only filled in, because
/// whoever made the address may be anybody.
async fn show(State(door): State<Door>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(query) = Fields::of_query(&parts) else { return refused_form(&parts) };
    let shown = async {
        let Some(session) = session::signed_in(&door, &parts).await? else {
            return Ok(sign_in_first(&back(typed(&query))));
        };
        form(&door, &session, StatusCode::OK, typed(&query), None).await
    };
    shown.await.unwrap_or_else(|error| failed(&parts, &error))
}

/// `POST /device`: asks for consent to what the code stands for, and then does what was answered.
async fn submit(State(door): State<Door>, request: Request) -> Response {
    recorded(door, request, "EnterDeviceCode", |door, parts, body, audited| {
        Box::pin(async move {
            let Some(fields) = Fields::of_form(door, parts, body).await else {
                return refused_form(parts);
            };
            let answered = answer(door, parts, &fields, audited).await;
            answered.unwrap_or_else(|error| failed(parts, &error))
        })
    })
    .await
}

async fn answer(
    door: &Door,
    parts: &Parts,
    fields: &Fields,
    audited: &mut Audited,
) -> Result<Response, Error> {
    let Some(session) = session::signed_in(door, parts).await? else {
        return Ok(sign_in_first(&back(typed(fields))));
    };
    audited.person(&session.organization, Some(&session.user));
    let request = fields.get("request");
    let answered = match fields.get("answer") {
        "" => entered(door, parts, &session, typed(fields), audited).await,
        "allow" | "deny" if !is_ours(door, parts, PATH, request, fields.get("csrf")) => {
            return Ok(refused_form(parts));
        }
        "allow" => decided(door, parts, &session, request, true, audited).await,
        "deny" => decided(door, parts, &session, request, false, audited).await,
        _ => return Ok(refused_form(parts)),
    };
    match answered {
        Err(Error::Refused(refusal @ Refusal::LimitExceeded(_))) => {
            let (text, status) = (refusal.to_string(), StatusCode::TOO_MANY_REQUESTS);
            let mut response = form(door, &session, status, "", Some(&text)).await?;
            let retry_secs = HeaderValue::from(DEVICE_LIFETIME_MS / 1_000);
            response.headers_mut().insert(header::RETRY_AFTER, retry_secs);
            Ok(with_error_name(response, "TooManyAttempts"))
        }
        answered => answered,
    }
}

async fn entered(
    door: &Door,
    parts: &Parts,
    session: &WebSession,
    typed: &str,
    audited: &mut Audited,
) -> Result<Response, Error> {
    let found = door.site().pending_device(&session.organization, &session.user, typed).await?;
    let Some(pending) = found else {
        return unknown(door, session, typed).await;
    };
    audited.application(&pending.application.id);
    let question = Question {
        application: &pending.application,
        scopes: pending.scopes,
        redirect_uri: None,
        user_code: Some(&pending.user_code),
        action: PATH,
        request: &pending.user_code,
    };
    ask(door, parts, session, &question, &back(&pending.user_code)).await
}

async fn decided(
    door: &Door,
    parts: &Parts,
    session: &WebSession,
    user_code: &str,
    allow: bool,
    audited: &mut Audited,
) -> Result<Response, Error> {
    audited.renamed(if allow { "AllowDevice" } else { "DenyDevice" });
    let (organization, user) = (&session.organization, &session.user);
    let answered = door.site().answer_device(organization, user, user_code, allow).await?;
    let Some(application) = answered else {
        return unknown(door, session, user_code).await;
    };
    audited.application(&application.id);
    let (heading, text) = if allow {
        ("Allowed", "The device goes on by itself in a moment. You can close this page.")
    } else {
        ("Denied", "The device gets nothing. You can close this page.")
    };
    Ok(message(parts, StatusCode::OK, heading, text))
}

async fn unknown(door: &Door, session: &WebSession, typed: &str) -> Result<Response, Error> {
    let page = form(door, session, StatusCode::NOT_FOUND, typed, Some(UNKNOWN)).await?;
    Ok(with_error_name(page, "UnknownCode"))
}

async fn form(
    door: &Door,
    session: &WebSession,
    status: StatusCode,
    user_code: &str,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let username = &door.site().session_username(session).await?;
    let site = session.organization.as_str();
    Ok(page(status, &DevicePage { problem, user_code, username, site }))
}

/// What was typed as a code, if it can be one.
fn typed(fields: &Fields) -> &str {
    let typed = fields.get("user_code").trim();
    let is_like_one = |sign: char| sign.is_ascii_alphabetic() || "- ".contains(sign);
    let can_be = typed.len() <= TYPED_MAX_CHARS && typed.chars().all(is_like_one);
    if can_be { typed } else { "" }
}

/// Where a sign-in leads back to.
fn back(user_code: &str) -> String {
    match user_code {
        "" => PATH.to_owned(),
        code => format!("{PATH}?user_code={}", code.replace(' ', "-")),
    }
}
