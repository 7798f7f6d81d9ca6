//! Searching: decode, ask the site, encode.

use docharbor_domain::{
    Contributor, FolderId, Item, Refusal, Script, SearchScope, Timestamp, limits,
};
use docharbor_site::{Collection, Hit, HitKind, SearchPlace, SearchRequest, SearchSort};
use docharbor_wire as wire;
use docharbor_wire::{
    AdditionalResponseFieldType, DateRangeType, Filters, IdType, LanguageCodeType, LongRangeType,
    NextMarkerType, OrderByFieldType, Request as _, ResponseItem, ResponseItemType,
    SearchCollectionType, SearchQueryScopeType, SearchResourceType, SearchResourcesRequest,
    SearchResourcesResponse, SearchResultsLimitType, SortOrder,
};

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn search(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = SearchResourcesRequest::decode(&admitted.input)?;
    let organization = request.organization_id.as_ref().map(IdType::as_str);
    admitted.call.require_organization(organization)?;
    if organization.is_none() && admitted.call.user_id().is_none() {
        return Err(Refusal::InvalidArgument {
            member: "OrganizationId",
            reason: "must not be null unless a user's token is given",
        }
        .into());
    }
    let fields = request.additional_response_fields.unwrap_or_default();
    let with_url = fields.contains(&AdditionalResponseFieldType::WebUrl);
    let wanted = SearchRequest {
        text: request.query_text.map(wire::SearchQueryType::into_inner),
        scope: scope(&request.query_scopes.unwrap_or_default()),
        ..filters(admitted, request.filters, order(request.order_by.as_deref()))?
    };
    // Another page size may go on where this one ended; all else makes another list.
    let (organization, user) = (admitted.call.organization(), admitted.call.user_id());
    let list = format!("SearchResources|{organization}|{user:?}|{wanted:?}");
    let site = admitted.door.site();
    let marker = request.marker.as_ref().map(NextMarkerType::as_str);
    let wanted = SearchRequest {
        after: marker
            .map(|marker| place(&marker::read_digits(site, &list, marker)?))
            .transpose()?,
        limit: request.limit.map_or(limits::PAGE_SIZE_DEFAULT, SearchResultsLimitType::get),
        ..wanted
    };
    let page = site.search(&admitted.call, wanted).await?;
    let base_url = with_url.then(|| admitted.door.base_url(admitted.parts));
    let next = page.next.map(|place| marker::write_digits(site, &list, &place_bytes(place)));
    Reply::json(&SearchResourcesResponse {
        items: page.hits.iter().map(|hit| item(hit, base_url.as_deref())).collect(),
        marker: next.transpose()?,
    })
}

/// A place among candidates counts what the caller may not see, so all places are of one length.
fn place_bytes(place: SearchPlace) -> [u8; 9] {
    let mut bytes = [u8::from(place.is_among_visible); 9];
    bytes[1..].copy_from_slice(&place.candidates.to_be_bytes());
    bytes
}

fn place(bytes: &[u8]) -> Result<SearchPlace, Refusal> {
    let read = || {
        let (kind, candidates) = bytes.split_first()?;
        let candidates = i64::from_be_bytes(candidates.try_into().ok()?);
        Some(SearchPlace { is_among_visible: *kind == 1, candidates })
    };
    read().ok_or(Refusal::InvalidArgument {
        member: "Marker",
        reason: "is none of this version; begin again without it",
    })
}

fn scope(scopes: &[SearchQueryScopeType]) -> SearchScope {
    let has = |scope| scopes.contains(&scope);
    match (has(SearchQueryScopeType::Name), has(SearchQueryScopeType::Content)) {
        (true, false) => SearchScope::Name,
        (false, true) => SearchScope::Content,
        (true, true) | (false, false) => SearchScope::All,
    }
}

/// The best matches come first, and everything else begins with the least.
fn order(order: Option<&[wire::SearchSortResult]>) -> (SearchSort, bool) {
    let order = order.and_then(<[_]>::first);
    let sort = match order.and_then(|order| order.field) {
        None | Some(OrderByFieldType::Relevance) => SearchSort::Relevance,
        Some(OrderByFieldType::Name) => SearchSort::Name,
        Some(OrderByFieldType::Size) => SearchSort::Size,
        Some(OrderByFieldType::CreatedTimestamp) => SearchSort::Created,
        Some(OrderByFieldType::ModifiedTimestamp) => SearchSort::Modified,
    };
    let descending = match order.and_then(|order| order.order) {
        Some(SortOrder::Asc) => false,
        Some(SortOrder::Desc) => true,
        None => sort == SearchSort::Relevance,
    };
    (sort, descending)
}

fn filters(
    admitted: &Admitted<'_>,
    filters: Option<Filters>,
    (sort, descending): (SearchSort, bool),
) -> Result<SearchRequest, Refusal> {
    let filters = filters.unwrap_or(NO_FILTERS);
    let principals = each(filters.principals, |principal| {
        let id = encode::principal_id(admitted, principal.id.as_str());
        (id, each(principal.roles, wire::PrincipalRoleType::as_str))
    });
    Ok(SearchRequest {
        text: None,
        scope: SearchScope::All,
        kinds: each(filters.resource_types, kind),
        scripts: each(filters.text_locales, scripts).concat(),
        categories: each(filters.content_categories, wire::ContentCategoryType::as_str),
        labels: each(filters.labels, wire::SearchLabel::into_inner),
        principals,
        ancestors: each(filters.ancestor_ids, |id| FolderId::new(id.into_inner())),
        collections: each(filters.search_collection_types, |collection| match collection {
            SearchCollectionType::Owned => Collection::Owned,
            SearchCollectionType::SharedWithMe => Collection::SharedWithMe,
        }),
        size_bytes: numbers(filters.size_range.as_ref())?,
        created: moments("CreatedRange", filters.created_range.as_ref())?,
        modified: moments("ModifiedRange", filters.modified_range.as_ref())?,
        sort,
        descending,
        after: None,
        limit: limits::PAGE_SIZE_DEFAULT,
    })
}

const NO_FILTERS: Filters = Filters {
    text_locales: None,
    content_categories: None,
    resource_types: None,
    labels: None,
    principals: None,
    ancestor_ids: None,
    search_collection_types: None,
    size_range: None,
    created_range: None,
    modified_range: None,
};

fn each<T, U>(values: Option<Vec<T>>, convert: impl Fn(T) -> U) -> Vec<U> {
    values.unwrap_or_default().into_iter().map(convert).collect()
}

fn kind(kind: SearchResourceType) -> HitKind {
    match kind {
        SearchResourceType::Folder => HitKind::Folder,
        SearchResourceType::Document => HitKind::Document,
        SearchResourceType::Comment => HitKind::Comment,
        SearchResourceType::DocumentVersion => HitKind::Version,
    }
}

/// The scripts a language is written in: which language a text is in is not looked at any closer.
fn scripts(language: LanguageCodeType) -> &'static [Script] {
    match language {
        LanguageCodeType::Default => &[],
        LanguageCodeType::Arabic | LanguageCodeType::Persian => &[Script::Arabic],
        LanguageCodeType::Bulgarian | LanguageCodeType::Russian => &[Script::Cyrillic],
        LanguageCodeType::Bengali => &[Script::Bengali],
        LanguageCodeType::Greek => &[Script::Greek],
        LanguageCodeType::Hindi => &[Script::Devanagari],
        LanguageCodeType::Japanese => &[Script::Kana, Script::Han],
        LanguageCodeType::Korean => &[Script::Hangul],
        LanguageCodeType::Thai => &[Script::Thai],
        LanguageCodeType::Chinese => &[Script::Han],
        LanguageCodeType::Danish
        | LanguageCodeType::German
        | LanguageCodeType::Czech
        | LanguageCodeType::English
        | LanguageCodeType::Spanish
        | LanguageCodeType::Finnish
        | LanguageCodeType::French
        | LanguageCodeType::Hungarian
        | LanguageCodeType::Indonesian
        | LanguageCodeType::Italian
        | LanguageCodeType::Lithuanian
        | LanguageCodeType::Latvian
        | LanguageCodeType::Dutch
        | LanguageCodeType::Norwegian
        | LanguageCodeType::Portuguese
        | LanguageCodeType::Romanian
        | LanguageCodeType::Swedish
        | LanguageCodeType::Swahili
        | LanguageCodeType::Turkish => &[Script::Latin],
    }
}

fn numbers(range: Option<&LongRangeType>) -> Result<(Option<i64>, Option<i64>), Refusal> {
    let Some(range) = range else { return Ok((None, None)) };
    let (from, to) =
        (range.start_value.map(wire::LongType::get), range.end_value.map(wire::LongType::get));
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(backwards("SizeRange"));
    }
    Ok((from, to))
}

type Moments = (Option<Timestamp>, Option<Timestamp>);

fn moments(member: &'static str, range: Option<&DateRangeType>) -> Result<Moments, Refusal> {
    let Some(range) = range else { return Ok((None, None)) };
    let moment = |at: wire::EpochSeconds| Timestamp::from_millis(at.as_millis());
    let (from, to) = (range.start_value.map(moment), range.end_value.map(moment));
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(backwards(member));
    }
    Ok((from, to))
}

fn backwards(member: &'static str) -> Refusal {
    Refusal::InvalidArgument { member, reason: "ends before it begins" }
}

fn item(hit: &Hit, base_url: Option<&str>) -> ResponseItem {
    let (document, folder) = match &hit.item {
        Item::Document(document) => (Some(document.as_ref()), None),
        Item::Folder(folder) => (None, Some(folder)),
    };
    let place = if document.is_some() { "document" } else { "folder" };
    let web_url = base_url
        .map(|base_url| format!("{base_url}/workdocs/index.html#/{place}/{}", hit.item.id()));
    let is = |kind| hit.kind == kind;
    ResponseItem {
        resource_type: match hit.kind {
            HitKind::Folder => ResponseItemType::Folder,
            HitKind::Document => ResponseItemType::Document,
            HitKind::Version => ResponseItemType::DocumentVersion,
            HitKind::Comment => ResponseItemType::Comment,
        },
        web_url,
        document_metadata: document.filter(|_| is(HitKind::Document)).map(encode::document),
        folder_metadata: folder.map(|folder| encode::folder(folder, None)),
        comment_metadata: hit.comment.as_ref().map(|comment| wire::CommentMetadata {
            comment_id: Some(comment.id.as_str().to_owned()),
            contributor: Some(encode::listed_contributor(&comment.contributor)),
            created_timestamp: Some(encode::moment(comment.created)),
            comment_status: Some(wire::CommentStatusType::Published),
            recipient_id: comment.recipient.clone(),
            contributor_id: Some(match &comment.contributor {
                Contributor::Administrator(arn) => arn.clone(),
                Contributor::User(id, _) => id.as_str().to_owned(),
            }),
        }),
        document_version_metadata: document
            .filter(|_| is(HitKind::Version))
            .map(|document| encode::version(&document.latest)),
    }
}
