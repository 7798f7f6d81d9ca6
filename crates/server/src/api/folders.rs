//! Folder operations: decode, ask the site, encode.

use docharbor_domain::{
    CustomMetadata, FolderId, ItemKind, ResourceId, ResourceName, Sort, limits,
};
use docharbor_site::{ContentsQuery, ItemUpdate, Kinds, PathQuery, Place, StateChange};
use docharbor_wire::{
    CreateFolderRequest, CreateFolderResponse, DeleteFolderContentsRequest, DeleteFolderRequest,
    DescribeFolderContentsRequest, DescribeFolderContentsResponse, DescribeRootFoldersRequest,
    DescribeRootFoldersResponse, FolderContentType, GetFolderPathRequest, GetFolderPathResponse,
    GetFolderRequest, GetFolderResponse, LimitType, OrderType, Request as _, ResourceSortType,
    ResourceStateType, UpdateFolderRequest, Violations,
};

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn create(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = CreateFolderRequest::decode(&admitted.input)?;
    let Some(name) = request.name else {
        return Err(Violations::of("Name", "Member must not be null").into());
    };
    let parent = FolderId::new(request.parent_folder_id.into_inner());
    let name = ResourceName::new(name.into_inner());
    let folder = admitted.door.site().create_folder(&admitted.call, parent, name).await?;
    let empty = docharbor_domain::FolderTotals::default();
    Reply::json(&CreateFolderResponse { metadata: encode::folder(&folder, Some(&empty)) })
}

pub(super) async fn get(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = GetFolderRequest::decode(&admitted.input)?;
    let id = FolderId::new(request.folder_id.into_inner());
    let site = admitted.door.site();
    let (view, custom_metadata) = if request.include_custom_metadata == Some(true) {
        site.folder_with_custom_metadata(&admitted.call, id).await?
    } else {
        (site.folder(&admitted.call, id).await?, CustomMetadata::default())
    };
    Reply::json(&GetFolderResponse {
        metadata: encode::folder(&view.folder, view.totals.as_ref()),
        custom_metadata: custom_metadata.into_inner(),
    })
}

pub(super) async fn update(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = UpdateFolderRequest::decode(&admitted.input)?;
    let update = ItemUpdate {
        id: ResourceId::new(request.folder_id.into_inner()),
        kind: ItemKind::Folder,
        name: request.name.map(|name| ResourceName::new(name.into_inner())),
        parent: request.parent_folder_id.map(|id| FolderId::new(id.into_inner())),
        state: state_change(request.resource_state)?,
    };
    admitted.door.site().update_item(&admitted.call, update).await?;
    Ok(Reply::Empty)
}

/// What a `ResourceState` asks for. The states in between are the server's own.
pub(super) fn state_change(
    state: Option<ResourceStateType>,
) -> Result<Option<StateChange>, Problem> {
    match state {
        None => Ok(None),
        Some(ResourceStateType::Active) => Ok(Some(StateChange::Restore)),
        Some(ResourceStateType::Recycled) => Ok(Some(StateChange::Recycle)),
        Some(ResourceStateType::Restoring | ResourceStateType::Recycling) => {
            let text = "Member must satisfy enum value set: [ACTIVE, RECYCLED]";
            Err(Violations::of("ResourceState", text).into())
        }
    }
}

pub(super) async fn delete_contents(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteFolderContentsRequest::decode(&admitted.input)?;
    let id = FolderId::new(request.folder_id.into_inner());
    admitted.door.site().delete_folder_contents(&admitted.call, id).await?;
    Ok(Reply::Empty)
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteFolderRequest::decode(&admitted.input)?;
    let id = FolderId::new(request.folder_id.into_inner());
    admitted.door.site().delete_folder(&admitted.call, id).await?;
    Ok(Reply::Empty)
}

pub(super) async fn get_path(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = GetFolderPathRequest::decode(&admitted.input)?;
    let query = PathQuery {
        id: ResourceId::new(request.folder_id.into_inner()),
        kind: ItemKind::Folder,
        limit: levels(request.limit),
    };
    let steps = admitted.door.site().path(&admitted.call, query).await?;
    let with_names = encode::names(request.fields.as_ref(), "NAME");
    Reply::json(&GetFolderPathResponse { path: encode::path(&steps, with_names) })
}

/// The number of levels a path may have.
pub(super) fn levels(limit: Option<LimitType>) -> Option<usize> {
    limit.and_then(|limit| usize::try_from(limit.get()).ok())
}

/// Which of the two folders the next page begins with; nothing else can be in a marker.
#[derive(serde::Serialize, serde::Deserialize)]
struct SecondFolder;

pub(super) async fn describe_roots(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeRootFoldersRequest::decode(&admitted.input)?;
    let call = &admitted.call;
    let list = format!("DescribeRootFolders|{}|{:?}", call.organization(), call.user_id());
    let site = admitted.door.site();
    let after: Option<SecondFolder> = marker::read(site, &list, request.marker.as_ref())?;
    let folders = site.root_folders(call).await?;
    let from = usize::from(after.is_some());
    let limit = request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = folders.iter().skip(from).take(limit);
    let next = (from + limit < folders.len()).then(|| marker::write(site, &list, &SecondFolder));
    Reply::json(&DescribeRootFoldersResponse {
        folders: page.map(|folder| encode::folder(folder, None)).collect(),
        marker: next.transpose()?,
    })
}

pub(super) async fn describe_contents(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeFolderContentsRequest::decode(&admitted.input)?;
    let kinds = match request.content_type {
        None | Some(FolderContentType::All) => Kinds::All,
        Some(FolderContentType::Folder) => Kinds::Only(ItemKind::Folder),
        Some(FolderContentType::Document) => Kinds::Only(ItemKind::Document),
    };
    let sort = match request.sort {
        None | Some(ResourceSortType::Name) => Sort::Name,
        Some(ResourceSortType::Date) => Sort::Date,
    };
    let descending = request.order == Some(OrderType::Descending);
    let include_initialized = encode::names(request.include.as_ref(), "INITIALIZED");
    let folder = FolderId::new(request.folder_id.into_inner());
    let list = format!(
        "DescribeFolderContents|{}|{folder}|{kinds:?}|{sort:?}|{descending}|{include_initialized}",
        admitted.call.organization()
    );
    let site = admitted.door.site();
    let after: Option<(ItemKind, String, i64, String)> =
        marker::read(site, &list, request.marker.as_ref())?;
    let query = ContentsQuery {
        folder,
        kinds,
        sort,
        descending,
        include_initialized,
        after: after
            .map(|(kind, name_key, modified_ms, id)| (kind, Place { name_key, modified_ms, id })),
        limit: request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get),
    };
    let page = site.folder_contents(&admitted.call, query).await?;
    let next = page.next.map(|(kind, place)| {
        let place = (kind, place.name_key, place.modified_ms, place.id);
        marker::write(site, &list, &place)
    });
    Reply::json(&DescribeFolderContentsResponse {
        folders: page.folders.iter().map(|folder| encode::folder(folder, None)).collect(),
        documents: page.documents.iter().map(encode::document).collect(),
        marker: next.transpose()?,
    })
}
