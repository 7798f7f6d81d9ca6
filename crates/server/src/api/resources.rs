//! Operations on folders and documents taken together: decode, ask the site, encode.

use docharbor_domain::{ItemKind, limits};
use docharbor_site::{SharedPlace, SharedQuery};
use docharbor_wire::{
    GetResourcesRequest, GetResourcesResponse, LimitType, Request as _, ResourceCollectionType,
};

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn get(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = GetResourcesRequest::decode(&admitted.input)?;
    let user = request.user_id.map(|id| encode::user_id(admitted, id.as_str()));
    match request.collection_type {
        None | Some(ResourceCollectionType::SharedWithMe) => {}
    }
    // Whoever leaves the user out asks for themselves.
    let whose = user.as_ref().or(admitted.call.user_id());
    let list = format!("GetResources|{}|{whose:?}", admitted.call.organization());
    let site = admitted.door.site();
    let after: Option<(ItemKind, String, String)> =
        marker::read(site, &list, request.marker.as_ref())?;
    let query = SharedQuery {
        user,
        after: after.map(|(kind, name_key, id)| SharedPlace { kind, name_key, id }),
        limit: request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get),
    };
    let page = site.shared_with(&admitted.call, query).await?;
    let next = page.next.map(|place| {
        let place = (place.kind, place.name_key, place.id);
        marker::write(site, &list, &place)
    });
    Reply::json(&GetResourcesResponse {
        folders: page.folders.iter().map(|folder| encode::folder(folder, None)).collect(),
        documents: page.documents.iter().map(encode::document).collect(),
        marker: next.transpose()?,
    })
}
