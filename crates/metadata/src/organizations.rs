//! The sites of a server.

use docharbor_domain::{OrganizationId, Timestamp};

use crate::StoreError;
use crate::driver::{Inserted, Lock, Tx};

const ORGANIZATIONS: &str = "
    SELECT id, account_id, alias, ordinal, created_ms FROM organization ORDER BY ordinal";

const ORGANIZATION: &str = "SELECT id FROM organization WHERE id = $1";

const INSERT_ORGANIZATION: &str = "
    INSERT INTO organization (id, account_id, alias, ordinal, created_ms)
    VALUES ($1, $2, $3, $4, $5)";

const SET_ALIAS: &str = "UPDATE organization SET alias = $2 WHERE id = $1";

const COUNT_USERS: &str = "SELECT COUNT(*) FROM site_user WHERE organization_id = $1";

/// A site as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its account, twelve digits, which stands in ARNs.
    pub account_id: String,
    /// Its short name, if it was given one.
    pub alias: Option<String>,
    /// Which of the server's sites it is; the first start makes the first.
    pub ordinal: i64,
    /// When it was made.
    pub created: Timestamp,
}

impl Tx {
    /// The sites of this server, the first one first.
    pub async fn organizations(&mut self) -> Result<Vec<Organization>, StoreError> {
        let rows = self.rows(ORGANIZATIONS, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(Organization {
                    id: OrganizationId::new(row.text(0)?),
                    account_id: row.text(1)?.to_owned(),
                    alias: row.text_opt(2)?.map(str::to_owned),
                    ordinal: row.int(3)?,
                    created: Timestamp::from_millis(row.int(4)?),
                })
            })
            .collect()
    }

    /// Holds a site until the transaction ends, where who administers it is decided.
    pub async fn lock_organization(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<(), StoreError> {
        self.row_locked(Lock::Update, ORGANIZATION, &[organization.into()]).await?;
        Ok(())
    }

    /// Adds a site, unless there is one with its id, its account, its alias or its ordinal.
    pub async fn insert_organization(
        &mut self,
        organization: &Organization,
    ) -> Result<Inserted, StoreError> {
        let args = [
            (&organization.id).into(),
            organization.account_id.as_str().into(),
            organization.alias.as_deref().into(),
            organization.ordinal.into(),
            organization.created.into(),
        ];
        self.insert_unique(INSERT_ORGANIZATION, &args).await
    }

    /// Gives a site its short name, or another one.
    pub async fn set_alias(
        &mut self,
        organization: &OrganizationId,
        alias: &str,
    ) -> Result<(), StoreError> {
        self.execute(SET_ALIAS, &[organization.into(), alias.into()]).await?;
        Ok(())
    }

    /// How many users a site has, those who may not sign in among them.
    pub async fn count_all_users(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<i64, StoreError> {
        match self.row(COUNT_USERS, &[organization.into()]).await? {
            Some(row) => row.int(0),
            None => Ok(0),
        }
    }
}
