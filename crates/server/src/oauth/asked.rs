//! What a program asks a user for, read out of the address it sent the browser to, and held to how the
//! program was registered.

use axum::http::StatusCode;
use docharbor_domain::{ApplicationId, RedirectUri, Scopes};
use docharbor_site::{Application, Error};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::door::Door;
use crate::web::Fields;
use crate::web::sign_in::NEXT_MAX_BYTES;

/// The characters that no URI ever needs to have encoded are left as they are.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The length of a SHA-256 in base 64 without padding.
const CHALLENGE_CHARS: usize = 43;

/// Which way a token comes to a program that a browser is sent back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// The token itself is in the address, as WorkDocs' developer guide has it.
    Implicit,
    /// A code is in the address, which the program exchanges for the token.
    Code,
}

impl Flow {
    /// Where programs send browsers, and the page sends its form.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Implicit => "/oauth",
            Self::Code => "/oauth/authorize",
        }
    }

    /// The parameters that mean something; others are left out.
    const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Implicit => &["app_id", "auth_type", "redirect_uri", "scopes", "state"],
            Self::Code => &[
                "response_type",
                "client_id",
                "redirect_uri",
                "scope",
                "state",
                "code_challenge",
                "code_challenge_method",
            ],
        }
    }
}

/// What was asked, found good.
pub(super) struct Asked {
    pub(super) application: Application,
    pub(super) redirect_uri: RedirectUri,
    pub(super) scopes: Scopes,
    /// Empty where the program gave none.
    pub(super) state: String,
    /// The SHA-256 of the verifier; empty in the implicit flow.
    pub(super) challenge: String,
    /// The parameters once more, encoded by us.
    pub(super) query: String,
}

/// Why a user is not asked.
pub(super) enum Unasked {
    /// It is told to the person alone: who made the request may be anybody.
    Page(&'static str),
    /// It is told to the program, where it was registered to be told.
    Program {
        redirect_uri: RedirectUri,
        state: String,
        error: &'static str,
        description: &'static str,
    },
    /// We could not find out.
    Failed(Error),
}

impl From<Error> for Unasked {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Unasked {
    /// The status of the page.
    pub(super) const STATUS: StatusCode = StatusCode::BAD_REQUEST;
}

/// Holds a request to how its program was registered. `None` is a query that could not be read.
pub(super) async fn asked(
    door: &Door,
    flow: Flow,
    fields: Option<Fields>,
) -> Result<Asked, Unasked> {
    let fields = fields.ok_or(Unasked::Page(
        "The program that sent you here gave a parameter twice, or one that is no text.",
    ))?;
    let query = encoded(flow, &fields);
    if flow.path().len() + 1 + query.len() > NEXT_MAX_BYTES {
        return Err(Unasked::Page("The address that the program sent you to is too long."));
    }
    match flow {
        Flow::Implicit => implicit(door, &fields, query).await,
        Flow::Code => code(door, &fields, query).await,
    }
}

async fn implicit(door: &Door, fields: &Fields, query: String) -> Result<Asked, Unasked> {
    let application = registered(door, fields.get("app_id")).await?;
    let redirect_uri = redirect_uri(&application, fields.get("redirect_uri"))?;
    if fields.get("auth_type") != "ImplicitGrant" {
        return Err(Unasked::Page(
            "The program that sent you here asked for a kind of access that this server does not \
             give under this address: auth_type must be ImplicitGrant.",
        ));
    }
    let scopes = scopes(&application, fields.get("scopes")).ok_or(Unasked::Page(
        "The program that sent you here asked for scopes that there are not, or that it is not \
         registered for.",
    ))?;
    let state = fields.get("state").to_owned();
    Ok(Asked { application, redirect_uri, scopes, state, challenge: String::new(), query })
}

async fn code(door: &Door, fields: &Fields, query: String) -> Result<Asked, Unasked> {
    let application = registered(door, fields.get("client_id")).await?;
    let redirect_uri = redirect_uri(&application, fields.get("redirect_uri"))?;
    let state = fields.get("state").to_owned();
    let wrong = |error, description| Unasked::Program {
        redirect_uri: redirect_uri.clone(),
        state: state.clone(),
        error,
        description,
    };
    match fields.get("response_type") {
        "code" => {}
        "" => return Err(wrong("invalid_request", "response_type is missing")),
        _ => return Err(wrong("unsupported_response_type", "response_type must be code")),
    }
    let asked_scopes = scopes(&application, fields.get("scope"));
    let text = "scope names what there is not, or what the application is not registered for";
    let scopes = asked_scopes.ok_or_else(|| wrong("invalid_scope", text))?;
    if fields.get("code_challenge_method") != "S256" {
        return Err(wrong("invalid_request", "code_challenge_method must be S256"));
    }
    let challenge = fields.get("code_challenge").to_owned();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if challenge.len() != CHALLENGE_CHARS || !challenge.bytes().all(is_base64) {
        let text = "code_challenge must be a SHA-256 in base64url without padding";
        return Err(wrong("invalid_request", text));
    }
    Ok(Asked { application, redirect_uri, scopes, state, challenge, query })
}

/// The id of an application, if the text can be one.
pub(super) fn application_id(text: &str) -> Option<ApplicationId> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == 32 && text.bytes().all(is_hex)).then(|| ApplicationId::new(text))
}

/// The scopes that are asked for: all that are registered where none is named.
pub(super) fn scopes(application: &Application, named: &str) -> Option<Scopes> {
    if named.is_empty() {
        return Some(application.scopes);
    }
    Scopes::named(named).filter(|scopes| scopes.within(application.scopes))
}

async fn registered(door: &Door, id: &str) -> Result<Application, Unasked> {
    let found = match application_id(id) {
        Some(id) => door.site().application(&id).await?,
        None => None,
    };
    found.ok_or(Unasked::Page(
        "No program is registered under the id in this request. It may have been deleted.",
    ))
}

/// A person is sent back to nothing but a URI that was registered, byte for byte.
fn redirect_uri(application: &Application, asked: &str) -> Result<RedirectUri, Unasked> {
    let mut registered = application.redirect_uris.iter();
    registered.find(|uri| uri.as_str() == asked).cloned().ok_or(Unasked::Page(
        "The program is not registered to have people sent back to the address in this request. \
         You were not sent there, and nothing was told to it.",
    ))
}

/// The parameters of a request as we write them, those left out that mean nothing.
fn encoded(flow: Flow, fields: &Fields) -> String {
    let given = flow.parameters().iter().map(|name| (name, fields.get(name)));
    let pairs = given.filter(|(_, value)| !value.is_empty());
    let texts =
        pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, &ENCODED)));
    texts.collect::<Vec<_>>().join("&")
}
