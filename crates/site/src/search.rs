//! Finding folders, documents, versions and comments by their words.

use docharbor_domain::{
    Call, FolderId, Identity, Power, Refusal, SEARCH_WORDS_MAX, Script, SearchScope, Timestamp,
    UserType,
};
use docharbor_metadata::{Hit, HitKind, Search, SearchFilters, SearchPlace, SearchSort, Tx};
use docharbor_search::analyse;

use crate::{Error, Site, access};

/// Whose items are looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Those of the user who asks.
    Owned,
    /// Those of others.
    SharedWithMe,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// What was typed; without it everything is found.
    pub text: Option<String>,
    /// Which texts are looked through.
    pub scope: SearchScope,
    /// Which kinds of things are wanted; with none, all but older versions.
    pub kinds: Vec<HitKind>,
    /// Which script the content is in; with none, any.
    pub scripts: Vec<Script>,
    /// Which categories, by the protocol's words.
    pub categories: Vec<&'static str>,
    /// Which labels, one of them.
    pub labels: Vec<String>,
    /// Who has which roles, one of them.
    pub principals: Vec<(String, Vec<&'static str>)>,
    /// Below which folders, one of them.
    pub ancestors: Vec<FolderId>,
    /// Whose.
    pub collections: Vec<Collection>,
    /// How large, in bytes.
    pub size_bytes: (Option<i64>, Option<i64>),
    /// Made when.
    pub created: (Option<Timestamp>, Option<Timestamp>),
    /// Changed when.
    pub modified: (Option<Timestamp>, Option<Timestamp>),
    /// In which order.
    pub sort: SearchSort,
    /// Backwards.
    pub descending: bool,
    /// Behind this place.
    pub after: Option<SearchPlace>,
    /// At most so many.
    pub limit: i64,
}

/// A page of what was found.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// What was found.
    pub hits: Vec<Hit>,
    /// Where the next page begins, if there may be one.
    pub next: Option<SearchPlace>,
}

impl Site {
    /// Finds what matches and the caller may see.
    pub async fn search(&self, call: &Call, request: SearchRequest) -> Result<SearchPage, Error> {
        let query = match &request.text {
            None => None,
            Some(text) => match analyse::query(text, request.scope) {
                Ok(Some(query)) => Some(query),
                // What has no word in it is found nowhere.
                Ok(None) => return Ok(SearchPage::default()),
                Err(analyse::TooManyWords) => {
                    const _: () = assert!(SEARCH_WORDS_MAX == 64, "the reason names the number");
                    return Err(Refusal::InvalidArgument {
                        member: "QueryText",
                        reason: "has more than 64 words; leave some out",
                    }
                    .into());
                }
            },
        };
        let search = search(call, &request, query)?;
        let input = (call.clone(), request.ancestors, search);
        self.look_through(input, |tx, (call, ancestors, search)| {
            Box::pin(find(tx, call, ancestors, search))
        })
        .await
    }
}

fn search(
    call: &Call,
    request: &SearchRequest,
    query: Option<docharbor_domain::SearchQuery>,
) -> Result<Search, Refusal> {
    let is_own = match (&call.caller().identity, request.collections.as_slice()) {
        (_, []) => None,
        (Identity::Administrator(_), _) => {
            return Err(Refusal::InvalidArgument {
                member: "SearchCollectionTypes",
                reason: "is about the user who asks: send a user's token",
            });
        }
        (Identity::User(_), collections) => {
            let has = |collection| collections.contains(&collection);
            match (has(Collection::Owned), has(Collection::SharedWithMe)) {
                (true, true) => None,
                (is_owned, _) => Some(is_owned),
            }
        }
    };
    let is_guest = match &call.caller().identity {
        Identity::User(user) => user.user_type == UserType::MinimalUser,
        Identity::Administrator(_) => false,
    };
    Ok(Search {
        user: call.user_id().cloned(),
        is_guest,
        query,
        filters: SearchFilters {
            kinds: request.kinds.clone(),
            scripts: request.scripts.iter().map(|script| script.as_str()).collect(),
            categories: request.categories.clone(),
            labels: request.labels.clone(),
            principals: request.principals.clone(),
            ancestors: request.ancestors.iter().map(|id| id.as_str().to_owned()).collect(),
            is_own,
            size_bytes: request.size_bytes,
            created: request.created,
            modified: request.modified,
        },
        sort: request.sort,
        descending: request.descending,
        after: request.after,
        limit: request.limit,
    })
}

async fn find(
    tx: &mut Tx,
    call: &Call,
    ancestors: &[FolderId],
    search: &Search,
) -> Result<SearchPage, Error> {
    // Where an item stands is not told to those who see it and not the folder above.
    for folder in ancestors {
        access::folder(tx, call, folder, Power::View).await?;
    }
    let found = tx.search(call.organization(), search).await?;
    let Some((hits, next)) = found else {
        return Err(Refusal::InvalidArgument {
            member: "Marker",
            reason: "does not continue this search any more; begin again without it",
        }
        .into());
    };
    Ok(SearchPage { hits, next })
}
