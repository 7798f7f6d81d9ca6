//! What the commands about administrators need of the site.

use docharbor_domain::Refusal;
use docharbor_site::{Error, OsRandom, Random as _};
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
