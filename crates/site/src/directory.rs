//! The connected directory of a site: what is kept about it, and whether it answers.

mod sync;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docharbor_directory::{Directory, DirectoryError, Settings};
use docharbor_domain::{Call, Caller, Identity, OrganizationId, Refusal, Timestamp, UserId};
use tokio::sync::Mutex as Turn;

use crate::{Error, Site, chain};

pub use sync::SyncReport;

/// How long an answer of a directory is believed.
const BELIEVED_MS: i64 = 2_000;

/// Whether the directories answered when they were asked last.
#[derive(Default)]
pub(crate) struct Probes {
    by_site: Mutex<HashMap<OrganizationId, Arc<Turn<Option<Probe>>>>>,
}

struct Probe {
    at: Timestamp,
    answered: bool,
}

impl Probes {
    fn of(&self, organization: &OrganizationId) -> Arc<Turn<Option<Probe>>> {
        let mut all = self.by_site.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(organization.clone()).or_default())
    }
}

/// What a directory that was just asked says of itself.
#[derive(Clone, Debug)]
pub struct DirectoryStatus {
    /// Where it is and what it is asked for.
    pub settings: Settings,
    /// When everybody was read last.
    pub synced: Option<Timestamp>,
}

impl Site {
    /// Connects a site to a directory, once it lets us in and has people.
    pub async fn connect_directory(
        &self,
        organization: &OrganizationId,
        settings: Settings,
        password: &str,
    ) -> Result<(), Error> {
        let directory = self.parts.directories.directory(settings.clone(), password)?;
        directory.check().await?;
        if directory.first_page().await? == 0 {
            return Err(DirectoryError::Nobody.into());
        }
        let json = serde_json::to_string(&settings)
            .map_err(|_| Error::Fault("the settings of a directory could not be written"))?;
        let sealed = self.keyring().seal_directory(organization, password, self.random())?;
        let input = (organization.clone(), json, sealed);
        self.write(input, |tx, (organization, json, sealed)| {
            Box::pin(async move { Ok(tx.set_directory(organization, json, sealed).await?) })
        })
        .await
    }

    /// Forgets the directory of a site. Its users and groups stay as they are. False if there was
    /// none.
    pub async fn disconnect_directory(&self, organization: &OrganizationId) -> Result<bool, Error> {
        self.write(organization.clone(), |tx, organization| {
            Box::pin(async move { Ok(tx.delete_directory(organization).await?) })
        })
        .await
    }

    /// What is kept about the directory of a site, if it has one.
    pub async fn directory_status(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<DirectoryStatus>, Error> {
        let row = self
            .look_up(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.directory(organization).await?) })
            })
            .await?;
        row.map(|row| Ok(DirectoryStatus { settings: read(&row.settings)?, synced: row.synced }))
            .transpose()
    }

    /// Asks the directory of a site whether it answers. False if the site has none.
    pub async fn check_directory(&self, organization: &OrganizationId) -> Result<bool, Error> {
        let Some(directory) = self.directory_of(organization).await? else { return Ok(false) };
        directory.check().await?;
        Ok(true)
    }

    /// Holds a call by somebody of a connected directory until it is known that the directory
    /// answers: it alone says who they are. Nobody else waits for it.
    pub async fn require_directory(&self, call: &Call) -> Result<(), Error> {
        self.require_directory_of(call.caller()).await
    }

    async fn require_directory_of(&self, caller: &Caller) -> Result<(), Error> {
        match &caller.identity {
            Identity::User(user) if user.from_directory => {}
            Identity::User(_) | Identity::Administrator(_) => return Ok(()),
        }
        let organization = &caller.organization;
        let probe = self.directories.of(organization);
        // One asks, all others wait for what it hears: a directory that is back is not stormed.
        let mut last = probe.lock().await;
        if let Some(probe) = &*last {
            let age_ms = self.now().as_millis().saturating_sub(probe.at.as_millis());
            if (0..BELIEVED_MS).contains(&age_ms) {
                return if probe.answered { Ok(()) } else { Err(DirectoryError::TimedOut.into()) };
            }
        }
        let asked = self.check_directory(organization).await;
        if !matches!(asked, Ok(_) | Err(Error::Directory(_))) {
            return asked.map(drop);
        }
        *last = Some(Probe { at: self.now(), answered: asked.is_ok() });
        asked.map(drop)
    }

    /// Asks the directory whether a name and password are somebody's, and whose. None too where the
    /// site has no directory.
    pub async fn directory_sign_in(
        &self,
        organization: &OrganizationId,
        username: &str,
        password: &str,
    ) -> Result<Option<UserId>, Error> {
        let Some(directory) = self.directory_of(organization).await? else { return Ok(None) };
        let Some(key) = directory.authenticate(username, password).await? else { return Ok(None) };
        let input = (organization.clone(), key);
        self.look_up(input, |tx, (organization, key)| {
            Box::pin(async move { Ok(tx.user_by_directory_key(organization, key).await?) })
        })
        .await
    }

    /// Refuses to make users where a directory says who there is.
    pub(crate) async fn require_no_directory(
        &self,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        match self.directory_status(organization).await? {
            None => Ok(()),
            Some(_) => Err(Refusal::NotAllowed(
                "the people of this site come from its directory; add them there",
            )
            .into()),
        }
    }

    /// Reads the directories of all sites again and again, until it is dropped.
    pub async fn run_directories(&self) {
        let millis = u64::try_from(self.settings().directory_sync_interval_ms).unwrap_or_default();
        let mut tick = tokio::time::interval(Duration::from_millis(millis.max(1_000)));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.sync_directories().await {
                tracing::warn!(error = chain(&error), "a directory could not be read, will go on");
            }
        }
    }

    /// Reads the directories of all sites once. One that fails keeps no other from being read.
    async fn sync_directories(&self) -> Result<(), Error> {
        let mut failure = None;
        for organization in self.organizations().await? {
            if let Err(error) = self.sync_directory(&organization).await {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn directory_of(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<Arc<dyn Directory>>, Error> {
        let row = self
            .look_up(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.directory(organization).await?) })
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        let password = self.keyring().open_directory(organization, &row.sealed_password)?;
        Ok(Some(self.parts.directories.directory(read(&row.settings)?, &password)?))
    }
}

fn read(settings: &str) -> Result<Settings, Error> {
    serde_json::from_str(settings)
        .map_err(|_| Error::Fault("the stored settings of a directory cannot be read"))
}
