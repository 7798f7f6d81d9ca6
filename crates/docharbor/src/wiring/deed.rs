//! What a command changes, and the record of it.

use std::sync::Arc;

use docharbor_domain::OrganizationId;
use docharbor_server::audit::{AuditRecord, CommandEvent};
use docharbor_server::request_id::RequestIds;
use docharbor_site::{Clock as _, Organization, Site, SystemClock, chain};

use super::{organizations, site_beside};
use crate::audit::{ChainKey, CommandLog};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// A change that a command is about to make.
pub(super) struct Deed {
    pub(super) site: Site,
    log: Option<CommandLog>,
    event: CommandEvent,
}

impl Deed {
    /// Opens a site a server may have open too, for something that is recorded under a name.
    pub(super) async fn begin(
        configuration: &Configuration,
        directory: &DataDirectory,
        master_key: &MasterKey,
        name: &'static str,
    ) -> Result<(Self, OrganizationId), Failure> {
        let mut deed = Self::of_server(configuration, directory, master_key, name).await?;
        let organization = organizations::chosen(&deed.site, configuration).await?;
        let id = organization.id.clone();
        deed.of_site(organization);
        Ok((deed, id))
    }

    /// The same where no site is chosen.
    pub(super) async fn of_server(
        configuration: &Configuration,
        directory: &DataDirectory,
        master_key: &MasterKey,
        name: &'static str,
    ) -> Result<Self, Failure> {
        let key = ChainKey::new(master_key.bytes());
        let (path, settings) = (directory.path(), configuration.audit);
        let log = settings
            .is_on
            .then(|| CommandLog::open(path, key, settings, Arc::new(SystemClock)))
            .transpose()
            .map_err(|error| {
                Failure::failed(
                    "Nothing was done, because it could not be recorded",
                    error,
                    "make room on the disk of DIR/audit-commands and let the user of this process \
                     write to it, or do without: DOCHARBOR_AUDIT=off",
                )
            })?;
        let site = site_beside(configuration, directory, master_key).await?;
        let uid = rustix::process::getuid().as_raw();
        Ok(Self { site, log, event: CommandEvent::new(name, uid) })
    }

    /// Notes which site it is about.
    pub(super) fn of_site(&mut self, organization: Organization) {
        self.event.organization = Some((organization.id, organization.account_id));
    }

    /// Notes what it is about.
    pub(super) fn about(&mut self, member: &'static str, id: &str) {
        self.event.parameters.push((member, id.to_owned()));
    }

    /// Notes which user of the site it is about.
    pub(super) async fn about_user(&mut self, organization: &OrganizationId, name: &str) {
        // What the command itself asks of the database says what is wrong with it.
        let found = self.site.user_signing_in(organization, name).await;
        if let Ok(Some(user)) = found {
            self.about("userId", user.as_str());
        }
    }

    /// Notes what it made.
    pub(super) fn made(&mut self, member: &'static str, id: &str) {
        self.event.made.push((member, id.to_owned()));
    }

    /// Records how it ended, and answers that.
    pub(super) fn done<T>(&mut self, ended: Result<T, Failure>) -> Result<T, Failure> {
        self.event.is_done = ended.is_ok();
        let Some(log) = &self.log else { return ended };
        let id = RequestIds::new().next();
        let now_ms = SystemClock.now().as_millis();
        let record = AuditRecord::of_a_command(&self.event, now_ms, id.as_str());
        match (log.record(&record), ended) {
            (Ok(()), ended) => ended,
            (Err(_), Err(failure)) => Err(failure),
            (Err(error), Ok(_)) => Err(Failure::failed(
                "It was done, but could not be recorded, so nothing is printed",
                chain(&error),
                "make room on the disk of DIR/audit-commands and let the user of this process \
                 write to it; then do it again",
            )),
        }
    }
}
