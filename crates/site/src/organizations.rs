//! Several sites on one server: making them, telling them apart, finding the one that is meant.

use docharbor_domain::{OrganizationId, Refusal};
use docharbor_metadata::{Inserted, Organization};

use crate::setup::{FIRST_ORDINAL, ROOT_KEY_NAME};
use crate::{Error, NewAccessKey, Site};

/// The longest alias: as long as a label of a host's name may be.
const ALIAS_MAX_CHARS: usize = 63;

/// How many accounts there are: an account is twelve digits.
const ACCOUNTS: u64 = 1_000_000_000_000;

/// A site as whoever runs the server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationView {
    /// The site.
    pub organization: Organization,
    /// How many users it has.
    pub users: i64,
}

/// What a further site may be given; what is missing is made up.
#[derive(Clone, Debug, Default)]
pub struct NewOrganization {
    /// Its id.
    pub id: Option<OrganizationId>,
    /// Its short name; without one it has none.
    pub alias: Option<String>,
}

impl Site {
    /// Makes a further site, with a key of its own that administers it.
    pub async fn create_organization(
        &self,
        wanted: NewOrganization,
    ) -> Result<(OrganizationId, NewAccessKey), Error> {
        if let Some(alias) = &wanted.alias {
            check_alias(alias)?;
        }
        let id = wanted.id.unwrap_or_else(|| OrganizationId::from_random(self.random()));
        let key = self.new_access_key();
        let sealed = self.keyring().seal(&id, &key.id, &key.secret, self.random())?;
        let organization = Organization {
            id: id.clone(),
            account_id: account_of(self.random()),
            alias: wanted.alias,
            ordinal: FIRST_ORDINAL,
            created: self.now(),
        };
        let input = (organization, key.id.clone(), sealed);
        self.write(input, |tx, (organization, key, sealed)| {
            Box::pin(async move {
                let Some(first) = tx.organizations().await?.into_iter().next() else {
                    return Err(Error::Fault("the first site is made by the server's first start"));
                };
                // Whoever else makes a site waits here, so that the last ordinal stays the last.
                tx.lock_organization(&first.id).await?;
                let others = tx.organizations().await?;
                refuse_taken(&others, organization)?;
                let last = others.iter().map(|other| other.ordinal).max();
                let ordinal = last.unwrap_or(FIRST_ORDINAL) + 1;
                let organization = Organization { ordinal, ..organization.clone() };
                match tx.insert_organization(&organization).await? {
                    Inserted::Yes => {}
                    Inserted::Duplicate => return Err(Error::Changing),
                }
                let (id, now) = (&organization.id, organization.created);
                tx.insert_access_key(id, key, ROOT_KEY_NAME, sealed, None, now).await?;
                Ok(())
            })
        })
        .await?;
        Ok((id, key))
    }

    /// Gives a site a short name, or another one.
    pub async fn set_alias(&self, organization: &OrganizationId, alias: &str) -> Result<(), Error> {
        check_alias(alias)?;
        let input = (organization.clone(), alias.to_owned());
        self.write(input, |tx, (organization, alias)| {
            Box::pin(async move {
                let others = tx.organizations().await?;
                let Some(first) = others.first() else { return Err(Refusal::Hidden.into()) };
                tx.lock_organization(&first.id).await?;
                let others = tx.organizations().await?;
                if others.iter().any(|o| o.id != *organization && o.alias.as_ref() == Some(alias)) {
                    return Err(ALIAS_TAKEN.into());
                }
                Ok(tx.set_alias(organization, alias).await?)
            })
        })
        .await
    }

    /// The sites of this server, the first one first.
    pub async fn organization_rows(&self) -> Result<Vec<Organization>, Error> {
        self.look_up((), |tx, ()| Box::pin(async move { Ok(tx.organizations().await?) })).await
    }

    /// The sites of this server, each with how many users it has.
    pub async fn organization_views(&self) -> Result<Vec<OrganizationView>, Error> {
        self.read((), |tx, ()| {
            Box::pin(async move {
                let mut views = Vec::new();
                for organization in tx.organizations().await? {
                    let users = tx.count_all_users(&organization.id).await?;
                    views.push(OrganizationView { organization, users });
                }
                Ok(views)
            })
        })
        .await
    }

    /// The site that an id or an alias names.
    pub async fn organization_named(&self, name: &str) -> Result<Option<Organization>, Error> {
        let rows = self.organization_rows().await?;
        Ok(rows
            .into_iter()
            .find(|row| row.id.as_str() == name || row.alias.as_deref() == Some(name)))
    }

    /// The sites of this server.
    pub(crate) async fn organizations(&self) -> Result<Vec<OrganizationId>, Error> {
        Ok(self.organization_rows().await?.into_iter().map(|row| row.id).collect())
    }
}

const ALIAS_TAKEN: Refusal = Refusal::AlreadyExists("another site of this server has this alias");

fn refuse_taken(others: &[Organization], new: &Organization) -> Result<(), Refusal> {
    if others.iter().any(|other| other.id == new.id) {
        return Err(Refusal::AlreadyExists("this server has a site with this id"));
    }
    if new.alias.is_some() && others.iter().any(|other| other.alias == new.alias) {
        return Err(ALIAS_TAKEN);
    }
    Ok(())
}

/// An alias can stand in a host's name and is never mistaken for an id.
fn check_alias(alias: &str) -> Result<(), Refusal> {
    let is_label = (1..=ALIAS_MAX_CHARS).contains(&alias.len())
        && alias.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !alias.starts_with('-')
        && !alias.ends_with('-');
    if is_label && !OrganizationId::is_well_formed(alias) {
        return Ok(());
    }
    Err(Refusal::Invalid {
        member: "alias",
        reason: "write 1 to 63 of a-z, 0-9 and hyphens, none at an end, and not what an id looks like",
    })
}

/// Accounts tell the sites' ARNs apart; the first site's is all zeros.
fn account_of(bytes: [u8; 8]) -> String {
    format!("{:012}", 1 + u64::from_be_bytes(bytes) % (ACCOUNTS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_a_label_of_a_host_name_and_no_id() {
        for good in ["a", "atlas", "atlas-2", "d-9f3a61c04", &"a".repeat(63)] {
            assert_eq!(check_alias(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "Atlas", "a.b", "a_b", "ä", "d-9f3a61c04b", &"a".repeat(64)] {
            assert!(check_alias(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits_and_is_never_the_first_sites() {
        assert_eq!(account_of([0; 8]), "000000000001");
        assert_eq!(account_of((ACCOUNTS - 1).to_be_bytes()), "000000000001");
        assert_eq!(account_of((ACCOUNTS - 2).to_be_bytes()), "999999999999");
        assert_eq!(account_of([0xff; 8]).len(), 12);
    }
}
