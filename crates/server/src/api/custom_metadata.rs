//! Custom metadata operations: decode, ask the site, encode.

use docharbor_domain::{CustomMetadata, ResourceId, VersionId};
use docharbor_site::Subject;
use docharbor_wire::{
    CreateCustomMetadataRequest, CreateCustomMetadataResponse, CustomMetadataKeyType,
    DeleteCustomMetadataRequest, DeleteCustomMetadataResponse, DocumentVersionIdType, Request as _,
    ResourceIdType,
};

use super::error::Problem;
use super::labels::selection;
use super::{Admitted, Reply};

pub(super) async fn create(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = CreateCustomMetadataRequest::decode(&admitted.input)?;
    let subject = subject(request.resource_id, request.version_id);
    let entries = request.custom_metadata.into_iter();
    let entries = entries.map(|(key, value)| (key.into_inner(), value.into_inner())).collect();
    let entries = CustomMetadata::new(entries);
    admitted.door.site().create_custom_metadata(&admitted.call, subject, entries).await?;
    Reply::json(&CreateCustomMetadataResponse {})
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteCustomMetadataRequest::decode(&admitted.input)?;
    let subject = subject(request.resource_id, request.version_id);
    let keys = request.keys.unwrap_or_default().into_iter().map(CustomMetadataKeyType::into_inner);
    let entries = selection(request.delete_all, keys.collect(), "Keys")?;
    admitted.door.site().delete_custom_metadata(&admitted.call, subject, entries).await?;
    Reply::json(&DeleteCustomMetadataResponse {})
}

fn subject(id: ResourceIdType, version: Option<DocumentVersionIdType>) -> Subject {
    Subject {
        id: ResourceId::new(id.into_inner()),
        version: version.map(|version| VersionId::new(version.into_inner())),
    }
}
