//! The one way to a resource: with what it is needed for, and the proof that the caller may.

use docharbor_domain::{
    Call, Document, DocumentId, Folder, FolderId, Granted, Item, Power, Refusal, ResourceId, grant,
};
use docharbor_metadata::Tx;

use crate::Error;

/// A folder or document, for a caller who needs a power over it. A document without an ACTIVE
/// version is a draft, and exists only for those who may finish it.
pub(crate) async fn item(
    tx: &mut Tx,
    call: &Call,
    id: &ResourceId,
    power: Power,
) -> Result<Granted<Item>, Error> {
    let found = tx.item(call.organization(), id, call.user_id()).await?;
    // A draft must not be told from nothing by the refusal of a power over it.
    let granted = grant(found, call, Power::View)?;
    if let Item::Document(document) = granted.get()
        && !document.latest.is_active()
        && !granted.may_finish(&document.latest, call)
    {
        return Err(Refusal::Hidden.into());
    }
    granted.require(power)?;
    Ok(granted)
}

/// A folder, for a caller who needs a power over it.
pub(crate) async fn folder(
    tx: &mut Tx,
    call: &Call,
    id: &FolderId,
    power: Power,
) -> Result<Granted<Folder>, Error> {
    let granted = item(tx, call, &id.clone().into(), Power::View).await?.folder()?;
    granted.require(power)?;
    Ok(granted)
}

/// A document, for a caller who needs a power over it.
pub(crate) async fn document(
    tx: &mut Tx,
    call: &Call,
    id: &DocumentId,
    power: Power,
) -> Result<Granted<Document>, Error> {
    let granted = item(tx, call, &id.clone().into(), Power::View).await?.document()?;
    granted.require(power)?;
    Ok(granted)
}
