//! Group operations: decode, ask the site, encode.

use docharbor_domain::{Refusal, limits, search_words};
use docharbor_site::GroupListing;
use docharbor_wire::{
    DescribeGroupsRequest, DescribeGroupsResponse, GroupMetadata, IdType, MarkerType,
    PositiveIntegerType, Request as _,
};

use super::error::Problem;
use super::{Admitted, Reply, marker};

/// The most groups of a page, whatever was asked for: the model sets no bound.
const PAGE_SIZE_MAX: i64 = 999;

pub(super) async fn describe(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeGroupsRequest::decode(&admitted.input)?;
    let organization = request.organization_id.as_ref().map(IdType::as_str);
    admitted.call.require_organization(organization)?;
    let text = request.search_query.as_str();
    let words = search_words(text);
    if words.len() > limits::USER_QUERY_WORDS_MAX {
        return Err(Refusal::InvalidArgument {
            member: "SearchQuery",
            reason: "has more than 8 words; leave some out",
        }
        .into());
    }
    let list = format!("DescribeGroups|{}|{text:?}", admitted.call.organization());
    let site = admitted.door.site();
    let place = request.marker.as_ref().map(MarkerType::as_str);
    let after = marker::read_text(site, &list, place)?;
    let limit = request.limit.map_or(limits::PAGE_SIZE_DEFAULT, PositiveIntegerType::get);
    let listing = GroupListing { words, after, limit: limit.min(PAGE_SIZE_MAX) };
    let page = site.groups(&admitted.call, listing).await?;
    let next = page.next.map(|place| marker::write(site, &list, &place));
    let groups = page.groups.into_iter().map(|group| GroupMetadata {
        id: Some(group.id.as_str().to_owned()),
        name: Some(group.name),
    });
    Reply::json(&DescribeGroupsResponse { groups: groups.collect(), marker: next.transpose()? })
}
