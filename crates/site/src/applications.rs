//! Programs that ask users for access: registering them, and taking all of it back.

use docharbor_domain::{ApplicationId, OrganizationId, RedirectUri, Refusal, Scopes};
use docharbor_metadata::Application;

use crate::{Error, Site};

const NAME_MAX_CHARS: usize = 128;
const EMAIL_MAX_BYTES: usize = 254;
const REDIRECTS_MAX: usize = 20;

/// A program to be registered.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// What people are told it is called.
    pub name: String,
    /// Whom to ask about it.
    pub email: Option<String>,
    /// The most it may ask for.
    pub scopes: Scopes,
    /// Where users may be sent back to. A program that only shows codes to people needs none.
    pub redirect_uris: Vec<RedirectUri>,
}

impl Site {
    /// Registers a program.
    pub async fn create_application(
        &self,
        organization: &OrganizationId,
        new: NewApplication,
    ) -> Result<Application, Error> {
        let name = new.name.trim().to_owned();
        let count = name.chars().count();
        if count == 0 || NAME_MAX_CHARS < count || name.contains(char::is_control) {
            let reason = "must have 1 to 128 characters, none of them a control character";
            return Err(Refusal::Invalid { member: "name", reason }.into());
        }
        let is_email = |email: &String| {
            email.len() <= EMAIL_MAX_BYTES
                && email
                    .split_once('@')
                    .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
                && email.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !new.email.as_ref().is_none_or(is_email) {
            return Err(Refusal::Invalid { member: "email", reason: "must be an address" }.into());
        }
        let mut redirect_uris = new.redirect_uris;
        redirect_uris.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        redirect_uris.dedup();
        if REDIRECTS_MAX < redirect_uris.len() {
            let reason = "an application has at most 20 redirect URIs";
            return Err(Refusal::Invalid { member: "redirect_uri", reason }.into());
        }
        let application = Application {
            organization: organization.clone(),
            id: ApplicationId::from_random(self.random()),
            name,
            email: new.email,
            scopes: new.scopes,
            created: self.now(),
            redirect_uris,
        };
        self.write(application.clone(), |tx, application| {
            Box::pin(async move { Ok::<_, Error>(tx.insert_application(application).await?) })
        })
        .await?;
        Ok(application)
    }

    /// Reads every program of a site, by name.
    pub async fn applications(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<Application>, Error> {
        self.read(organization.clone(), |tx, organization| {
            Box::pin(async move { Ok(tx.applications(organization).await?) })
        })
        .await
    }

    /// Reads a program by its id, which tells its site.
    pub async fn application(&self, id: &ApplicationId) -> Result<Option<Application>, Error> {
        self.look_up(id.clone(), |tx, id| Box::pin(async move { Ok(tx.application(id).await?) }))
            .await
    }

    /// Deletes a program: its tokens and codes end with it, from the next request on.
    pub async fn delete_application(
        &self,
        organization: &OrganizationId,
        id: &ApplicationId,
    ) -> Result<(), Error> {
        let input = (organization.clone(), id.clone());
        let found = self
            .write(input, |tx, (organization, id)| {
                Box::pin(async move {
                    tx.lock_organization(organization).await?;
                    Ok::<_, Error>(tx.delete_application(organization, id).await?)
                })
            })
            .await?;
        if found {
            return Ok(());
        }
        Err(Refusal::NotFound { what: "the application", ids: vec![id.to_string()] }.into())
    }
}
