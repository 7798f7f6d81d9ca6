//! Which account a site has: asked once, for no site ever gets another one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use docharbor_domain::OrganizationId;
use docharbor_site::Site;

use super::ACCOUNT_ID;

/// The accounts that were asked for.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<HashMap<OrganizationId, String>>);

impl Accounts {
    /// The account of a site; that of the first one while the database cannot tell.
    pub(super) async fn of(&self, site: &Site, organization: &OrganizationId) -> String {
        if let Some(account) = self.known(organization) {
            return account;
        }
        // A call must not fail because of its record, and the record names the site itself.
        let rows = site.organization_rows().await.unwrap_or_default();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(rows.into_iter().map(|row| (row.id, row.account_id)));
        known.get(organization).map_or_else(|| ACCOUNT_ID.to_owned(), Clone::clone)
    }

    fn known(&self, organization: &OrganizationId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(organization).cloned()
    }
}
