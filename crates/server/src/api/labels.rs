//! Label operations: decode, ask the site, encode.

use docharbor_domain::ResourceId;
use docharbor_site::Selection;
use docharbor_wire::{
    CreateLabelsRequest, CreateLabelsResponse, DeleteLabelsRequest, DeleteLabelsResponse,
    Request as _, SharedLabel, Violations,
};

use super::error::Problem;
use super::{Admitted, Reply};

pub(super) async fn create(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = CreateLabelsRequest::decode(&admitted.input)?;
    let id = ResourceId::new(request.resource_id.into_inner());
    let labels = request.labels.into_iter().map(SharedLabel::into_inner).collect();
    admitted.door.site().create_labels(&admitted.call, id, labels).await?;
    Reply::json(&CreateLabelsResponse {})
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteLabelsRequest::decode(&admitted.input)?;
    let id = ResourceId::new(request.resource_id.into_inner());
    let labels = request.labels.unwrap_or_default().into_iter().map(SharedLabel::into_inner);
    let labels = selection(request.delete_all, labels.collect(), "Labels")?;
    admitted.door.site().delete_labels(&admitted.call, id, labels).await?;
    Reply::json(&DeleteLabelsResponse {})
}

/// What a deletion is about. One that says nothing of it is a mistake of the caller's.
pub(super) fn selection(
    delete_all: Option<bool>,
    names: Vec<String>,
    member: &'static str,
) -> Result<Selection, Violations> {
    match (delete_all, names.is_empty()) {
        (Some(true), _) => Ok(Selection::All),
        (Some(false) | None, false) => Ok(Selection::Named(names)),
        (Some(false) | None, true) => {
            Err(Violations::of(member, "Member must not be empty unless DeleteAll is true"))
        }
    }
}
