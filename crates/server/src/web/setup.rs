//! The first administrator of a site, made by whoever holds the link that the server showed.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use docharbor_domain::{PasswordRule, Refusal, UserType};
use docharbor_site::{Error, NewUser};
use serde_json::json;
use zeroize::Zeroizing;

use super::Fields;
use super::page::{failed, message, page, refused_form, see_other, with_error_name};
use super::recorded::recorded;
use crate::audit::Audited;
use crate::door::Door;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage<'a> {
    problem: Option<&'a str>,
    site: &'a str,
    token: &'a str,
    name: &'a str,
    given_name: &'a str,
    surname: &'a str,
    rule: PasswordRule,
}

/// `GET /setup?token=…`: the form, while the link works.
pub(super) async fn show(State(door): State<Door>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(query) = Fields::of_query(&parts) else { return refused_form(&parts) };
    form(&door, &parts, &query, StatusCode::OK, None)
        .await
        .unwrap_or_else(|error| failed(&parts, &error))
}

/// `POST /setup`: makes the administrator, who signs in then as everybody does.
pub(super) async fn submit(State(door): State<Door>, request: Request) -> Response {
    recorded(door, request, "SetUp", |door, parts, body, audited| {
        Box::pin(async move {
            let Some(fields) = Fields::of_form(door, parts, body).await else {
                return refused_form(parts);
            };
            match set_up(door, &fields, audited).await {
                Ok(()) => see_other("/sign-in"),
                Err(Error::Refused(refusal)) => {
                    let text = refusal.to_string();
                    let status = StatusCode::BAD_REQUEST;
                    let shown = form(door, parts, &fields, status, Some(&text)).await;
                    let shown = shown.unwrap_or_else(|error| failed(parts, &error));
                    with_error_name(shown, "ValidationError")
                }
                Err(error) => failed(parts, &error),
            }
        })
    })
    .await
}

async fn set_up(door: &Door, fields: &Fields, audited: &mut Audited) -> Result<(), Error> {
    let invalid = |member, reason| Error::from(Refusal::Invalid { member, reason });
    let password = Zeroizing::new(fields.get("password").to_owned());
    if *password != fields.get("again") {
        return Err(invalid("password", "the two passwords are not the same"));
    }
    let username = fields.get("name").trim();
    docharbor_wire::UsernameType::parse("name", username)
        .map_err(|_| invalid("user name", "has letters, digits, and the signs - + . _ alone"))?;
    let named = |field, member| {
        docharbor_wire::UserAttributeValueType::parse(member, fields.get(field).trim())
            .map(docharbor_wire::UserAttributeValueType::into_inner)
            .map_err(|_| invalid(member, "must have 1 to 64 characters"))
    };
    let administrator = NewUser {
        username: username.to_owned(),
        password,
        email: None,
        given_name: named("given_name", "given name")?,
        surname: named("surname", "surname")?,
        time_zone: None,
        storage_rule: None,
        user_type: UserType::Admin,
    };
    let made = door.site().set_up(fields.get("token"), administrator).await?;
    audited.person(&made.organization, None);
    audited.made(&json!({ "User": { "Id": made.id.as_str() } }));
    Ok(())
}

async fn form(
    door: &Door,
    parts: &Parts,
    fields: &Fields,
    status: StatusCode,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let token = fields.get("token");
    let Some(organization) = door.site().waiting_site(token).await? else {
        let text = "The link was mistyped, belongs to another server, or was used: the site has an \
                    administrator. Sign in, or let the operator give you another password.";
        return Ok(message(parts, StatusCode::NOT_FOUND, "This link does not work", text));
    };
    let site = organization.as_str();
    let [name, given_name, surname] = ["name", "given_name", "surname"].map(|n| fields.get(n));
    let rule = door.site().password_rule();
    Ok(page(status, &SetupPage { problem, site, token, name, given_name, surname, rule }))
}
