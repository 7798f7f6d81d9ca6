//! What the commands about administrators need of the site.

use docharbor_domain::{Refusal, UserId};
use docharbor_site::{Error, FirstAdministrator, OsRandom, Random as _};
use zeroize::Zeroizing;

use super::deed::Deed;
use super::{beside, failed};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;
use crate::secret::Secret;

/// What the setup link of a site carries, while it waits for its first administrator.
pub(crate) async fn setup_token(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Secret, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let token = site.setup_token(&organization).await.map_err(|error| failed(&error))?;
    token.map(|token| Secret::new(token.to_string())).ok_or_else(|| {
        Failure::failed(
            "There is no setup link",
            "the site has an administrator already",
            "give one another password: docharbor admin reset-password NAME",
        )
    })
}

/// Makes a user who administers the site.
pub(crate) async fn create_administrator(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    username: &str,
    password: &Secret,
) -> Result<UserId, Failure> {
    const WHAT: &str = "No administrator was made";
    if docharbor_wire::UsernameType::parse("name", username).is_err() {
        return Err(Failure::usage(
            WHAT,
            "a user name has letters, digits, and the signs - + . _ alone",
            "choose another name",
        ));
    }
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "CreateAdministrator").await?;
    let administrator = FirstAdministrator {
        username: username.to_owned(),
        password: Zeroizing::new(password.expose().to_owned()),
    };
    let made = deed.site.create_administrator(&organization, administrator).await;
    if let Ok(user) = &made {
        deed.made("userId", user.id.as_str());
    }
    deed.done(made.map(|user| user.id).map_err(|error| match error {
        Error::Refused(refusal @ Refusal::AlreadyExists(_)) => Failure::failed(
            WHAT,
            refusal,
            "choose another name, or let the user administer the site: \
             aws workdocs update-user --user-id ID --type ADMIN",
        ),
        Error::Refused(refusal) => Failure::usage(WHAT, refusal, "choose another password"),
        error => failed(&error),
    }))
}

/// Gives a user another password, and ends every session of theirs.
pub(crate) async fn reset_password(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    user: &str,
    password: &Secret,
) -> Result<(), Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "ResetPassword").await?;
    deed.about_user(&organization, user).await;
    let password = Zeroizing::new(password.expose().to_owned());
    let reset = deed.site.reset_password(&organization, user, password).await;
    deed.done(reset.map_err(|error| match error {
        Error::Refused(refusal @ Refusal::NotFound { .. }) => Failure::failed(
            "No password was changed",
            refusal,
            "list the users: aws workdocs describe-users --organization-id ID",
        ),
        Error::Refused(refusal) => {
            Failure::usage("No password was changed", refusal, "choose another password")
        }
        error => failed(&error),
    }))
}

/// A password nobody chose, which keeps every rule a site can have: of all four classes, whatever the
/// random part has, and as long as a password can be.
pub(crate) fn random_password() -> Secret {
    let mut random = [0_u8; 14];
    OsRandom.fill(&mut random);
    Secret::new(format!("aA1!{}", hex::encode(random)))
}
