//! Document operations: decode, ask the site, encode.

use std::collections::BTreeMap;

use docharbor_domain::{
    CustomMetadata, DocumentId, FolderId, ItemKind, NewUpload, ResourceId, ResourceName, Timestamp,
    UploadTarget, Version, VersionId, limits,
};
use docharbor_site::{ItemUpdate, PathQuery, ThumbnailSize};
use docharbor_wire::{
    AbortDocumentVersionUploadRequest, DeleteDocumentRequest, DeleteDocumentVersionRequest,
    DescribeDocumentVersionsRequest, DescribeDocumentVersionsResponse, DocumentThumbnailType,
    EpochSeconds, GetDocumentPathRequest, GetDocumentPathResponse, GetDocumentRequest,
    GetDocumentResponse, GetDocumentVersionRequest, GetDocumentVersionResponse,
    InitiateDocumentVersionUploadRequest, InitiateDocumentVersionUploadResponse, LimitType,
    Request as _, RestoreDocumentVersionsRequest, SizeType, UpdateDocumentRequest,
    UpdateDocumentVersionRequest, UploadMetadata,
};

use super::error::Problem;
use super::folders::{levels, state_change};
use super::{Admitted, Reply, encode, marker};
use crate::door::Direction;

/// The media type of a document whose uploader named none.
const CONTENT_TYPE_DEFAULT: &str = "application/octet-stream";

pub(super) async fn initiate_upload(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = InitiateDocumentVersionUploadRequest::decode(&admitted.input)?;
    let moment = |moment: EpochSeconds| Timestamp::from_millis(moment.as_millis());
    let content_type = request.content_type.map_or_else(
        || CONTENT_TYPE_DEFAULT.to_owned(),
        docharbor_wire::DocumentContentType::into_inner,
    );
    let upload = NewUpload {
        target: UploadTarget::from_members(
            request.id.map(|id| DocumentId::new(id.into_inner())),
            request.parent_folder_id.map(|id| FolderId::new(id.into_inner())),
            request.name.map(|name| ResourceName::new(name.into_inner())),
        )?,
        content_type: content_type.clone(),
        declared_bytes: request.document_size_in_bytes.map(SizeType::get),
        content_created: request.content_created_timestamp.map(moment),
        content_modified: request.content_modified_timestamp.map(moment),
    };
    let begun = admitted.door.site().initiate_upload(&admitted.call, upload).await?.document;
    let url = admitted.transfer_url(Direction::Upload, &begun.id, &begun.latest.id)?;
    // Programs send these along because WorkDocs' own URLs asked for them; ours needs neither.
    let signed_headers = BTreeMap::from([
        ("Content-Type".to_owned(), content_type),
        ("x-amz-server-side-encryption".to_owned(), "AES256".to_owned()),
    ]);
    Reply::json(&InitiateDocumentVersionUploadResponse {
        metadata: encode::document(&begun),
        upload_metadata: UploadMetadata { upload_url: url, signed_headers },
    })
}

pub(super) async fn abort_upload(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = AbortDocumentVersionUploadRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let version = VersionId::new(request.version_id.into_inner());
    admitted.door.site().abort_upload(&admitted.call, document, version).await?;
    Ok(Reply::Empty)
}

pub(super) async fn update_version(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = UpdateDocumentVersionRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let version = VersionId::new(request.version_id.into_inner());
    let site = admitted.door.site();
    match request.version_status {
        Some(docharbor_wire::DocumentVersionStatus::Active) => {
            site.activate_version(&admitted.call, document, version).await?;
        }
        // Nothing to change, but the caller still learns whether the version is theirs to see.
        None => drop(site.version(&admitted.call, document, version).await?),
    }
    Ok(Reply::Empty)
}

pub(super) async fn get(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = GetDocumentRequest::decode(&admitted.input)?;
    let id = DocumentId::new(request.document_id.into_inner());
    let site = admitted.door.site();
    let (document, custom_metadata) = if request.include_custom_metadata == Some(true) {
        site.document_with_custom_metadata(&admitted.call, id).await?
    } else {
        (site.document(&admitted.call, id).await?, CustomMetadata::default())
    };
    let mut metadata = encode::document(&document);
    if let Some(latest) = &mut metadata.latest_version_metadata {
        latest.thumbnail = thumbnails(admitted, &document.id, &document.latest).await?;
    }
    Reply::json(&GetDocumentResponse { metadata, custom_metadata: custom_metadata.into_inner() })
}

pub(super) async fn get_version(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = GetDocumentVersionRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let id = VersionId::new(request.version_id.into_inner());
    let site = admitted.door.site();
    let (view, custom_metadata) = if request.include_custom_metadata == Some(true) {
        site.version_with_custom_metadata(&admitted.call, document.clone(), id).await?
    } else {
        (site.version(&admitted.call, document.clone(), id).await?, CustomMetadata::default())
    };
    let mut metadata = if view.may_download && encode::names(request.fields.as_ref(), "SOURCE") {
        if view.version.is_active() {
            site.note_download(&admitted.call, &view).await;
        }
        encode::version_with_source(admitted, Direction::Download, &document, &view.version)?
    } else {
        encode::version(&view.version)
    };
    metadata.thumbnail = thumbnails(admitted, &document, &view.version).await?;
    let custom_metadata = custom_metadata.into_inner();
    Reply::json(&GetDocumentVersionResponse { metadata, custom_metadata })
}

/// URLs of the pictures of a version that is shown to the caller.
async fn thumbnails(
    admitted: &Admitted<'_>,
    document: &DocumentId,
    version: &Version,
) -> Result<BTreeMap<DocumentThumbnailType, String>, Problem> {
    let site = admitted.door.site();
    if !site.has_thumbnails(&admitted.call, document.clone(), version.id.clone()).await? {
        return Ok(BTreeMap::new());
    }
    let sizes = [
        (DocumentThumbnailType::Small, ThumbnailSize::Small),
        (DocumentThumbnailType::SmallHq, ThumbnailSize::SmallHq),
        (DocumentThumbnailType::Large, ThumbnailSize::Large),
    ];
    let urls = sizes.into_iter().map(|(name, size)| {
        Ok((name, admitted.transfer_url(Direction::Thumbnail(size), document, &version.id)?))
    });
    urls.collect()
}

pub(super) async fn get_path(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = GetDocumentPathRequest::decode(&admitted.input)?;
    let query = PathQuery {
        id: ResourceId::new(request.document_id.into_inner()),
        kind: ItemKind::Document,
        limit: levels(request.limit),
    };
    let steps = admitted.door.site().path(&admitted.call, query).await?;
    let with_names = encode::names(request.fields.as_ref(), "NAME");
    Reply::json(&GetDocumentPathResponse { path: encode::path(&steps, with_names) })
}

pub(super) async fn describe_versions(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeDocumentVersionsRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let with_source = encode::names(request.fields.as_ref(), "SOURCE");
    // SOURCE asks for INITIALIZED versions too, by the reference's own words.
    let include_initialized = with_source || encode::names(request.include.as_ref(), "INITIALIZED");
    let list = format!(
        "DescribeDocumentVersions|{}|{document}|{include_initialized}",
        admitted.call.organization()
    );
    let site = admitted.door.site();
    let before: Option<i64> = marker::read(site, &list, request.marker.as_ref())?;
    let limit = request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get);
    let page =
        site.versions(&admitted.call, document.clone(), include_initialized, before, limit).await?;
    let next = page.next.map(|ordinal| marker::write(site, &list, &ordinal));
    let shown = page.versions.iter().map(|version| {
        if with_source {
            encode::version_with_source(admitted, Direction::ListedDownload, &document, version)
        } else {
            Ok(encode::version(version))
        }
    });
    Reply::json(&DescribeDocumentVersionsResponse {
        document_versions: shown.collect::<Result<_, _>>()?,
        marker: next.transpose()?,
    })
}

pub(super) async fn update(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = UpdateDocumentRequest::decode(&admitted.input)?;
    let update = ItemUpdate {
        id: ResourceId::new(request.document_id.into_inner()),
        kind: ItemKind::Document,
        name: request.name.map(|name| ResourceName::new(name.into_inner())),
        parent: request.parent_folder_id.map(|id| FolderId::new(id.into_inner())),
        state: state_change(request.resource_state)?,
    };
    admitted.door.site().update_item(&admitted.call, update).await?;
    Ok(Reply::Empty)
}

pub(super) async fn delete_version(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteDocumentVersionRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    let version = VersionId::new(request.version_id.into_inner());
    let with_prior = request.delete_prior_versions;
    admitted.door.site().delete_version(&admitted.call, document, version, with_prior).await?;
    Ok(Reply::Empty)
}

pub(super) async fn restore_versions(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = RestoreDocumentVersionsRequest::decode(&admitted.input)?;
    let document = DocumentId::new(request.document_id.into_inner());
    admitted.door.site().restore_versions(&admitted.call, document).await?;
    Ok(Reply::Empty)
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteDocumentRequest::decode(&admitted.input)?;
    let id = DocumentId::new(request.document_id.into_inner());
    admitted.door.site().delete_document(&admitted.call, id).await?;
    Ok(Reply::Empty)
}
