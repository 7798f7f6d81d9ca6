//! Labels: given to folders and documents, and taken away.

use docharbor_domain::limits::LABELS_MAX;
use docharbor_domain::{Call, Power, Refusal, ResourceId};
use docharbor_metadata::Tx;

use crate::folders::changing;
use crate::{Error, Site, access};

/// Which of the labels or custom metadata of something are to go.
#[derive(Clone)]
pub enum Selection {
    /// All there are.
    All,
    /// Those of these names; names that nothing has are passed over.
    Named(Vec<String>),
}

#[derive(Clone)]
struct Change<T> {
    call: Call,
    id: ResourceId,
    labels: T,
}

impl Site {
    /// Gives a folder or document labels beside those it has.
    pub async fn create_labels(
        &self,
        call: &Call,
        id: ResourceId,
        labels: Vec<String>,
    ) -> Result<(), Error> {
        let input = Change { call: call.clone(), id, labels };
        self.change(call, input, |tx, input| Box::pin(create(tx, input))).await
    }

    /// Takes labels away from a folder or document.
    pub async fn delete_labels(
        &self,
        call: &Call,
        id: ResourceId,
        labels: Selection,
    ) -> Result<(), Error> {
        let input = Change { call: call.clone(), id, labels };
        self.change(call, input, |tx, input| Box::pin(delete(tx, input))).await
    }
}

async fn create(tx: &mut Tx, input: &Change<Vec<String>>) -> Result<(), Error> {
    let organization = input.call.organization();
    access::item(tx, &input.call, &input.id, Power::Contribute).await?;
    hold(tx, &input.call, &input.id).await?;
    tx.insert_labels(organization, &input.id, &input.labels).await?;
    if tx.count_labels(organization, &input.id).await? > LABELS_MAX {
        return Err(Refusal::TooManyLabels.into());
    }
    Ok(())
}

async fn delete(tx: &mut Tx, input: &Change<Selection>) -> Result<(), Error> {
    let organization = input.call.organization();
    access::item(tx, &input.call, &input.id, Power::Contribute).await?;
    hold(tx, &input.call, &input.id).await?;
    match &input.labels {
        Selection::All => tx.delete_all_labels(organization, &input.id).await?,
        Selection::Named(names) => tx.delete_labels(organization, &input.id, names).await?,
    }
    Ok(())
}

/// Holds an item that was just found, so that what is counted of it stays true and nobody recycles or
/// removes it meanwhile.
pub(crate) async fn hold(tx: &mut Tx, call: &Call, id: &ResourceId) -> Result<(), Error> {
    if tx.hold_live_item(call.organization(), id).await? { Ok(()) } else { Err(changing()) }
}
