//! The one way to a resource: with what it is needed for, and the proof that the caller may.

use docharbor_domain::{Call, Document, DocumentId, Folder, FolderId, Granted, Item, Role, grant};
use docharbor_metadata::Tx;

use crate::Error;

/// A folder, for a caller who needs it in a role.
pub(crate) async fn folder(
    tx: &mut Tx,
    call: &Call,
    id: &FolderId,
    needed: Role,
) -> Result<Granted<Folder>, Error> {
    let found = tx.item(call.organization(), &id.clone().into()).await?;
    let granted: Granted<Item> = grant(found, call, needed)?;
    Ok(granted.folder()?)
}

/// A document, for a caller who needs it in a role. One without an ACTIVE version is a draft, and
/// exists only for those who may finish it.
pub(crate) async fn document(
    tx: &mut Tx,
    call: &Call,
    id: &DocumentId,
    needed: Role,
) -> Result<Granted<Document>, Error> {
    let found = tx.item(call.organization(), &id.clone().into()).await?;
    let granted = grant(found, call, needed)?.document()?;
    let latest = &granted.get().latest;
    if !latest.is_active() && !granted.may_finish(latest, call) {
        return Err(docharbor_domain::Refusal::Hidden.into());
    }
    Ok(granted)
}
