//! What the commands about users' tokens need of the site.

use std::time::Duration;

use docharbor_domain::{Refusal, Scopes};
use docharbor_server::audit::iso_8601;
use docharbor_site::Error;
use serde::Serialize;

use super::deed::Deed;
use super::{beside, failed, millis};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;
use crate::secret::Secret;

/// What to do where the site has no user of a name.
const FIND_USER: &str = "list the users: aws workdocs describe-users --organization-id ID";

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TokenScope {
    /// To look and to download
    Read,
    /// To change and to upload
    Write,
}

/// Makes a token with which its bearer acts as `user`.
pub(crate) async fn create_token(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    user: &str,
    scopes: &[TokenScope],
    lifetime: Duration,
) -> Result<Secret, Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "CreateToken").await?;
    deed.about_user(&organization, user).await;
    let scopes = Scopes {
        read: scopes.contains(&TokenScope::Read),
        write: scopes.contains(&TokenScope::Write),
    };
    let token = deed.site.create_token(&organization, user, scopes, millis(lifetime)).await;
    deed.done(match token {
        Ok(token) => Ok(Secret::new(token.to_string())),
        Err(Error::Refused(Refusal::NotFound { .. })) => Err(Failure::failed(
            "No token was made",
            "the site has no user of this name",
            FIND_USER,
        )),
        Err(error) => Err(failed(&error)),
    })
}

/// A token, as `docharbor token list` prints it: never its text.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedToken {
    token_id: String,
    username: String,
    scopes: Vec<&'static str>,
    created: String,
    expires: String,
    /// The application that asked for it.
    app_id: Option<String>,
}

/// The tokens of the site, or of one user, that have not ended, oldest first.
pub(crate) async fn list_tokens(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    user: Option<&str>,
) -> Result<Vec<ListedToken>, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    match site.tokens(&organization, user).await {
        Ok(tokens) => Ok(tokens.into_iter().map(listed).collect()),
        Err(Error::Refused(Refusal::NotFound { .. })) => Err(Failure::failed(
            "No tokens were listed",
            "the site has no user of this name",
            FIND_USER,
        )),
        Err(error) => Err(failed(&error)),
    }
}

/// Ends a token, named by its id or by its text, from the next request on.
pub(crate) async fn revoke_token(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    id_or_text: &Secret,
) -> Result<(), Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "RevokeToken").await?;
    deed.about("tokenId", id_or_text.expose());
    deed.done(match deed.site.revoke_token(&organization, id_or_text.expose()).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(Refusal::NotFound { .. })) => Err(Failure::failed(
            "No token was revoked",
            "the site has no token of this id or text: it was revoked before, ended, or is \
             another site's",
            "list the tokens that work: docharbor token list",
        )),
        Err(error) => Err(failed(&error)),
    })
}

fn listed(token: docharbor_site::ListedToken) -> ListedToken {
    ListedToken {
        token_id: token.id,
        username: token.username,
        scopes: token.scopes.names().split(' ').collect(),
        created: iso_8601(token.created.as_millis()),
        expires: iso_8601(token.expires.as_millis()),
        app_id: token.application.map(|id| id.to_string()),
    }
}
