//! The page on which a user says whether a program may use their content, and what follows from it.

use askama::Template;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use docharbor_domain::{RedirectUri, Scopes};
use docharbor_site::{Application, Error, WebSession};
use subtle::ConstantTimeEq as _;

use super::asked::{Asked, Flow, Unasked, asked};
use crate::audit::Audited;
use crate::door::{Door, REGION};
use crate::web::page::{failed, message, page, page_leading_to, refused_form, see_other};
use crate::web::recorded::recorded;
use crate::web::sign_in::sign_in_first;
use crate::web::{Fields, session};

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    program: &'a str,
    email: Option<&'a str>,
    username: &'a str,
    site: &'a str,
    reads: bool,
    writes: bool,
    /// Where the answer goes, in a browser.
    host: Option<&'a str>,
    /// What a device shows, where one asks.
    user_code: Option<&'a str>,
    action: &'a str,
    request: &'a str,
    csrf: &'a str,
    back: &'a str,
}

#[derive(Template)]
#[template(path = "other_site.html")]
struct OtherSitePage<'a> {
    username: &'a str,
    site: &'a str,
    back: &'a str,
}

/// What a page asks consent to.
pub(super) struct Question<'a> {
    pub(super) application: &'a Application,
    pub(super) scopes: Scopes,
    pub(super) redirect_uri: Option<&'a RedirectUri>,
    pub(super) user_code: Option<&'a str>,
    /// Where the form goes.
    pub(super) action: &'a str,
    /// What the form carries.
    pub(super) request: &'a str,
}

/// `GET`: asks who is signed in, or lets them sign in first.
pub(super) async fn show(door: Door, request: Request, flow: Flow) -> Response {
    let (parts, _) = request.into_parts();
    let shown = async {
        let asked = asked(&door, flow, Fields::of_query(&parts)).await?;
        let back = format!("{}?{}", flow.path(), asked.query);
        let Some(session) = session::signed_in(&door, &parts).await? else {
            return Ok(sign_in_first(&back));
        };
        if session.organization != asked.application.organization {
            return Ok(other_site(&door, &session, &back).await?);
        }
        let question = Question {
            application: &asked.application,
            scopes: asked.scopes,
            redirect_uri: Some(&asked.redirect_uri),
            user_code: None,
            action: flow.path(),
            request: &asked.query,
        };
        Ok(ask(&door, &parts, &session, &question, &back).await?)
    };
    shown.await.unwrap_or_else(|unasked| unasked_page(&door, &parts, unasked))
}

/// `POST`: does what the user decided.
pub(super) async fn submit(door: Door, request: Request, flow: Flow) -> Response {
    recorded(door, request, "AllowApplication", move |door, parts, body, audited| {
        Box::pin(async move {
            let Some(fields) = Fields::of_form(door, parts, body).await else {
                return refused_form(parts);
            };
            let decided = decide(door, parts, flow, &fields, audited).await;
            decided.unwrap_or_else(|unasked| unasked_page(door, parts, unasked))
        })
    })
    .await
}

async fn decide(
    door: &Door,
    parts: &Parts,
    flow: Flow,
    fields: &Fields,
    audited: &mut Audited,
) -> Result<Response, Unasked> {
    let request = fields.get("request");
    let asked = asked(door, flow, Fields::parse(request.as_bytes())).await?;
    let Some(session) = session::signed_in(door, parts).await? else {
        return Ok(sign_in_first(&format!("{}?{}", flow.path(), asked.query)));
    };
    audited.person(&session.organization, Some(&session.user));
    audited.application(&asked.application.id);
    let is_of_site = session.organization == asked.application.organization;
    if !is_of_site || !is_ours(door, parts, flow.path(), request, fields.get("csrf")) {
        return Ok(refused_form(parts));
    }
    match fields.get("answer") {
        "allow" => allow(door, parts, flow, &session, &asked).await,
        "deny" => {
            audited.renamed("DenyApplication");
            let denied = [("error", "access_denied")];
            Ok(to_program(door, parts, flow, &asked.redirect_uri, &denied, &asked.state))
        }
        _ => Ok(refused_form(parts)),
    }
}

async fn allow(
    door: &Door,
    parts: &Parts,
    flow: Flow,
    session: &WebSession,
    asked: &Asked,
) -> Result<Response, Unasked> {
    let Asked { application, redirect_uri, scopes, state, challenge, .. } = asked;
    let (site, user) = (door.site(), &session.user);
    Ok(match flow {
        Flow::Implicit => {
            let issued = site.grant_token(application, user, *scopes).await?;
            // WorkDocs spells the parameter with one c, and programs read what it sent.
            let given = [
                ("acessToken", issued.text.as_str()),
                ("accessToken", issued.text.as_str()),
                ("region", REGION),
            ];
            to_program(door, parts, flow, redirect_uri, &given, state)
        }
        Flow::Code => {
            let code = site.grant_code(application, user, *scopes, redirect_uri, challenge).await?;
            to_program(door, parts, flow, redirect_uri, &[("code", &code)], state)
        }
    })
}

/// Sends the browser back to the program, and tells nobody where it came from.
fn to_program(
    door: &Door,
    parts: &Parts,
    flow: Flow,
    redirect_uri: &RedirectUri,
    given: &[(&str, &str)],
    state: &str,
) -> Response {
    let issuer = door.base_url(parts);
    let mut parameters = given.to_vec();
    if !state.is_empty() {
        parameters.push(("state", state));
    }
    if flow == Flow::Code {
        parameters.push(("iss", &issuer));
    }
    let mut response = see_other(&redirect_uri.with_query(&parameters));
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(location) = headers.get_mut(header::LOCATION) {
        location.set_sensitive(true);
    }
    response
}

fn unasked_page(door: &Door, parts: &Parts, unasked: Unasked) -> Response {
    match unasked {
        Unasked::Page(text) => {
            let text = format!("{text} Go back, and tell whoever runs the program.");
            message(parts, Unasked::STATUS, "This program cannot ask you", &text)
        }
        Unasked::Program { redirect_uri, state, error, description } => {
            let given = [("error", error), ("error_description", description)];
            to_program(door, parts, Flow::Code, &redirect_uri, &given, &state)
        }
        Unasked::Failed(error) => failed(parts, &error),
    }
}

/// The page with the question.
pub(super) async fn ask(
    door: &Door,
    parts: &Parts,
    session: &WebSession,
    question: &Question<'_>,
    back: &str,
) -> Result<Response, Error> {
    let username = door.site().session_username(session).await?;
    let Question { application, scopes, redirect_uri, user_code, action, request } = question;
    let consent = ConsentPage {
        program: &application.name,
        email: application.email.as_deref(),
        username: &username,
        site: session.organization.as_str(),
        reads: scopes.read,
        writes: scopes.write,
        host: redirect_uri.map(RedirectUri::host),
        user_code: *user_code,
        action,
        request,
        csrf: &csrf(door, parts, action, request),
        back,
    };
    Ok(match redirect_uri {
        Some(uri) => page_leading_to(StatusCode::OK, &consent, form_target(uri)),
        None => page(StatusCode::OK, &consent),
    })
}

async fn other_site(door: &Door, session: &WebSession, back: &str) -> Result<Response, Error> {
    let username = door.site().session_username(session).await?;
    let site = session.organization.as_str();
    Ok(page(StatusCode::FORBIDDEN, &OtherSitePage { username: &username, site, back }))
}

/// What a browser is told that the form may lead to. Its rules know no address in brackets.
fn form_target(uri: &RedirectUri) -> &str {
    match uri.origin().split_once("//[") {
        Some((scheme, _)) => scheme,
        None => uri.origin(),
    }
}

/// What proves that a form was shown to who sends it, with these very words in it.
fn csrf(door: &Door, parts: &Parts, action: &str, request: &str) -> String {
    let session = session::cookie(door, parts).unwrap_or_default();
    // No path has a line end in it, and no cookie either.
    door.site().keyring().sign_consent(format!("{session}\n{action}\n{request}").as_bytes())
}

/// Whether a form is one that we showed to who sends it.
pub(super) fn is_ours(door: &Door, parts: &Parts, action: &str, request: &str, tag: &str) -> bool {
    csrf(door, parts, action, request).as_bytes().ct_eq(tag.as_bytes()).into()
}
