//! What changing calls were answered, so that an SDK's next attempt has no second effect.

use docharbor_domain::{OrganizationId, Timestamp};

use crate::StoreError;
use crate::driver::{Inserted, Tx};

const ANSWER: &str = "SELECT answer FROM answer WHERE organization_id = $1 AND retry_key = $2";

const INSERT: &str = "
    INSERT INTO answer (organization_id, retry_key, answer, created_ms) VALUES ($1, $2, $3, $4)";

const DELETE_OLD: &str = "DELETE FROM answer WHERE organization_id = $1 AND created_ms < $2";

impl Tx {
    /// What a call of this key was answered.
    pub async fn answer(
        &mut self,
        organization: &OrganizationId,
        retry_key: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = self.row(ANSWER, &[organization.into(), retry_key.into()]).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Keeps an answer, in the transaction of the effect it tells of. A duplicate means that another
    /// attempt at the same call got there first.
    pub async fn insert_answer(
        &mut self,
        organization: &OrganizationId,
        retry_key: &str,
        answer: &str,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let args = [organization.into(), retry_key.into(), answer.into(), now.into()];
        self.insert_unique(INSERT, &args).await
    }

    /// Removes answers given before a moment.
    pub async fn delete_old_answers(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(DELETE_OLD, &[organization.into(), before.into()]).await
    }
}
