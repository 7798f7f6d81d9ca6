//! Signing in and out in a browser.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use docharbor_domain::OrganizationId;
use docharbor_site::{Attempt, Error, SignIn};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::page::{failed, page, refused_form, see_other, with_error_name};
use super::recorded::recorded;
use super::{Fields, session};
use crate::audit::{Audited, CONSOLE_LOGIN};
use crate::door::Door;

/// The longest path a sign-in leads back to.
pub(crate) const NEXT_MAX_BYTES: usize = 4_096;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    problem: Option<&'a str>,
    next: &'a str,
    asks_site: bool,
    site: &'a str,
    name: &'a str,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    username: &'a str,
    site: &'a str,
}

/// `GET /sign-in?next=PATH`: the form, or who is signed in already.
pub(super) async fn show(State(door): State<Door>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(query) = Fields::of_query(&parts) else { return refused_form(&parts) };
    let shown = async {
        let Some(session) = session::signed_in(&door, &parts).await? else {
            return form(&door, &query, StatusCode::OK, None).await;
        };
        if let Some(next) = local(query.get("next")) {
            return Ok(see_other(next));
        }
        let username = door.site().session_username(&session).await?;
        let site = session.organization.as_str();
        Ok(page(StatusCode::OK, &SignedInPage { username: &username, site }))
    };
    shown.await.unwrap_or_else(|error| failed(&parts, &error))
}

/// `POST /sign-in`: one answer for every name and password that do not belong together.
pub(super) async fn submit(State(door): State<Door>, request: Request) -> Response {
    recorded(door, request, CONSOLE_LOGIN, |door, parts, body, audited| {
        Box::pin(async move {
            let Some(fields) = Fields::of_form(door, parts, body).await else {
                return refused_form(parts);
            };
            let signed_in = sign_in(door, parts, &fields, audited).await;
            signed_in.unwrap_or_else(|error| failed(parts, &error))
        })
    })
    .await
}

/// `POST /sign-out`: ends the session here and in the browser.
pub(super) async fn leave(State(door): State<Door>, request: Request) -> Response {
    recorded(door, request, "SignOut", |door, parts, body, audited| {
        Box::pin(async move {
            let Some(fields) = Fields::of_form(door, parts, body).await else {
                return refused_form(parts);
            };
            let left = sign_out(door, parts, &fields, audited).await;
            left.unwrap_or_else(|error| failed(parts, &error))
        })
    })
    .await
}

async fn sign_out(
    door: &Door,
    parts: &Parts,
    fields: &Fields,
    audited: &mut Audited,
) -> Result<Response, Error> {
    if let Some(session) = session::signed_in(door, parts).await?
        && let Some(text) = session::cookie(door, parts)
    {
        audited.person(&session.organization, Some(&session.user));
        door.site().sign_out(&session.organization, text).await?;
    }
    let next = local(fields.get("next"));
    let mut response = next.map_or_else(|| see_other("/sign-in"), sign_in_first);
    session::set(door, parts, &mut response, "");
    Ok(response)
}

async fn sign_in(
    door: &Door,
    parts: &Parts,
    fields: &Fields,
    audited: &mut Audited,
) -> Result<Response, Error> {
    let (site, name) = (fields.get("site").trim(), fields.get("name").trim());
    let (organization, name) = match site_of(door, site).await? {
        Some(organization) => {
            audited.person(&organization, None);
            let user = door.site().user_signing_in(&organization, name).await?;
            audited.person(&organization, user.as_ref());
            (organization, name.to_owned())
        }
        // A site nobody has is answered as a name nobody has: after as long, and with as many tries.
        None => match door.site().organization().await? {
            Some(first) => (first, format!("{site}\u{1}{name}")),
            None => return wrong(door, fields).await,
        },
    };
    let attempt = Attempt {
        organization,
        name,
        password: Zeroizing::new(fields.get("password").to_owned()),
        address: door.client_ip(parts),
    };
    match door.site().sign_in(attempt).await? {
        SignIn::Done(cookie) => {
            let mut response = see_other(local(fields.get("next")).unwrap_or("/sign-in"));
            session::set(door, parts, &mut response, &cookie);
            Ok(response)
        }
        SignIn::Wrong => wrong(door, fields).await,
        SignIn::Wait { retry_ms } => {
            let seconds = retry_ms.max(1).div_euclid(1_000) + 1;
            let text = format!("Too many attempts were wrong. Try again in {seconds} seconds.");
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = form(door, fields, status, Some(&text)).await?;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            Ok(with_error_name(response, "TooManyAttempts"))
        }
    }
}

async fn wrong(door: &Door, fields: &Fields) -> Result<Response, Error> {
    const WRONG: &str = "The name or the password is wrong.";
    let page = form(door, fields, StatusCode::FORBIDDEN, Some(WRONG)).await?;
    Ok(with_error_name(page, "FailedAuthentication"))
}

/// Lets somebody sign in, and brings them back.
pub(crate) fn sign_in_first(next: &str) -> Response {
    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
    see_other(&format!("/sign-in?next={next}"))
}

async fn form(
    door: &Door,
    fields: &Fields,
    status: StatusCode,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let asks_site = door.site().organization_rows().await?.len() > 1;
    let next = local(fields.get("next")).unwrap_or_default();
    let (site, name) = (fields.get("site"), fields.get("name"));
    Ok(page(status, &SignInPage { problem, next, asks_site, site, name }))
}

/// The site somebody wants to enter: the one they name, or the only one.
async fn site_of(door: &Door, named: &str) -> Result<Option<OrganizationId>, Error> {
    let rows = door.site().organization_rows().await?;
    if let [only] = rows.as_slice() {
        return Ok(Some(only.id.clone()));
    }
    Ok(door.site().organization_named(named).await?.map(|row| row.id))
}

/// A path on this server: nothing a browser could take for another host.
fn local(next: &str) -> Option<&str> {
    let mut bytes = next.bytes();
    let begins = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (begins && is_plain && next.len() <= NEXT_MAX_BYTES).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_nowhere_but_to_this_server() {
        for good in ["/", "/oauth?app_id=1&state=%2F%2F", "/device"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\\b",
            " /",
            "javascript:alert(1)",
            "/ä",
            "evil.example",
            "/%0d%0a\r\n",
        ] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(NEXT_MAX_BYTES))), None);
    }
}
