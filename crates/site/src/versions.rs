//! Versions of a document that are deleted and brought back.

use docharbor_domain::{
    ActivityId, Call, Deed, Document, DocumentId, OrganizationId, Power, Refusal, Subject,
    Timestamp, VersionId,
};
use docharbor_metadata::Tx;

use crate::activities::{activity, record};
use crate::folders::changing;
use crate::{Error, Site, access};

#[derive(Clone)]
struct Deletion {
    call: Call,
    document: DocumentId,
    version: VersionId,
    with_prior: bool,
    now: Timestamp,
    activity: ActivityId,
}

#[derive(Clone)]
struct Restoration {
    call: Call,
    document: DocumentId,
    deleted_after: Timestamp,
    now: Timestamp,
    activity: ActivityId,
}

impl Site {
    /// Deletes an ACTIVE version, and all before it where asked. They are kept for as long as what
    /// is recycled, and can be brought back meanwhile.
    pub async fn delete_version(
        &self,
        call: &Call,
        document: DocumentId,
        version: VersionId,
        with_prior: bool,
    ) -> Result<(), Error> {
        let (now, activity) = (self.now(), self.activity_id());
        let input = Deletion { call: call.clone(), document, version, with_prior, now, activity };
        self.change(call, input, |tx, input| Box::pin(delete(tx, input))).await
    }

    /// Brings all deleted versions of a document back; a user those of the recycle bin's time.
    pub async fn restore_versions(&self, call: &Call, document: DocumentId) -> Result<(), Error> {
        let now = self.now();
        let deleted_after = match call.user_id() {
            Some(_) => now.plus_millis(-self.settings().recycle_bin_retention_ms),
            None => Timestamp::from_millis(i64::MIN),
        };
        let activity = self.activity_id();
        let input = Restoration { call: call.clone(), document, deleted_after, now, activity };
        self.change(call, input, |tx, input| Box::pin(restore(tx, input))).await
    }
}

async fn delete(tx: &mut Tx, input: &Deletion) -> Result<(), Error> {
    let Deletion { call, document: id, version, with_prior, now, .. } = input;
    let organization = call.organization();
    let granted = access::document(tx, call, id, Power::ManageVersions).await?;
    let document = granted.get();
    lock(tx, organization, document).await?;
    // Read now that nobody can delete it or activate another one.
    let found = tx.version(organization, id, version).await?;
    let found = granted.show(found, version, call)?;
    if !found.is_active() {
        return Err(Refusal::ProhibitedState(
            "the version is INITIALIZED: abort its upload instead",
        )
        .into());
    }
    let ordinal = tx.version_ordinal(organization, id, version).await?;
    let prior = ordinal.filter(|_| *with_prior);
    if tx.delete_active_versions(organization, id, version, prior, *now).await? == 0 {
        return Err(changing());
    }
    show_newest(tx, organization, document, *now).await?;
    let subject = Subject { name: found.name, version: Some(version.clone()), ..document.into() };
    let done = activity(call, &input.activity, *now, Deed::DeletedVersion, subject);
    record(tx, organization, &done).await
}

async fn restore(tx: &mut Tx, input: &Restoration) -> Result<(), Error> {
    let Restoration { call, document: id, deleted_after, now, .. } = input;
    let organization = call.organization();
    let granted = access::document(tx, call, id, Power::ManageVersions).await?;
    let document = granted.get();
    lock(tx, organization, document).await?;
    if tx.restore_versions(organization, id, *deleted_after).await? == 0 {
        return Err(
            Refusal::InvalidOperation("the document has no deleted version to restore").into()
        );
    }
    show_newest(tx, organization, document, *now).await?;
    record(tx, organization, &activity(call, &input.activity, *now, Deed::Restored, document)).await
}

async fn lock(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &Document,
) -> Result<(), Error> {
    let resource = document.id.clone().into();
    tx.lock_item(organization, &document.parent, &resource).await?.ok_or_else(changing)?;
    Ok(())
}

/// Lets the newest ACTIVE version stand for the document, under its own name.
async fn show_newest(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &Document,
    now: Timestamp,
) -> Result<(), Error> {
    let newest = tx.newest_active_version(organization, &document.id).await?;
    let Some((version, name)) = newest else {
        return Err(Refusal::InvalidOperation(
            "this is the last version of the document: delete the document instead",
        )
        .into());
    };
    if !tx.show_version(organization, &document.id, &version, &name, now).await? {
        return Err(Refusal::Conflicting(
            "another item of the folder has the name of the version that would come up; rename \
             that item first",
        )
        .into());
    }
    tx.touch_folder(organization, &document.parent, now).await?;
    Ok(())
}
