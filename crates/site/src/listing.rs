//! What is read in pages: a folder's contents, paths, versions, users.

use docharbor_domain::{
    Call, Document, DocumentId, DraftsShown, Folder, FolderId, Granted, Identity, Item, ItemKind,
    OrganizationId, PathStep, Power, Refusal, ResourceId, Sort, Standing, User, UserId, UserType,
    Version, VersionId, grant,
};
use docharbor_metadata::{ItemPath, Listing, Place, Tx, UserListing};

use crate::{Error, Site, access};

/// Which page of a folder's contents is wanted.
#[derive(Clone, Debug)]
pub struct ContentsQuery {
    /// The folder.
    pub folder: FolderId,
    /// Folders, documents, or first the ones and then the others.
    pub kinds: Kinds,
    /// In which order.
    pub sort: Sort,
    /// Backwards.
    pub descending: bool,
    /// With documents that have no ACTIVE version yet.
    pub include_initialized: bool,
    /// Behind this item of that kind.
    pub after: Option<(ItemKind, Place)>,
    /// At most so many.
    pub limit: i64,
}

/// Which kinds of items are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// Folders, then documents.
    All,
    /// One kind alone.
    Only(ItemKind),
}

/// A page of a folder's contents.
#[derive(Clone, Debug)]
pub struct ContentsPage {
    /// The folders on it.
    pub folders: Vec<Folder>,
    /// The documents on it.
    pub documents: Vec<Document>,
    /// Where the next page begins, if there is one.
    pub next: Option<(ItemKind, Place)>,
}

/// Which path is wanted.
#[derive(Clone, Debug)]
pub struct PathQuery {
    /// The folder or document it leads to.
    pub id: ResourceId,
    /// What the caller takes the item for.
    pub kind: ItemKind,
    /// At most so many levels, those nearest to the item.
    pub limit: Option<usize>,
}

/// A page of a document's versions.
#[derive(Clone, Debug)]
pub struct VersionsPage {
    /// The versions, newest first.
    pub versions: Vec<Version>,
    /// The ordinal the next page stays below, if there is one.
    pub next: Option<i64>,
}

/// Which users are wanted.
#[derive(Clone, Debug)]
pub enum UsersQuery {
    /// Those that are named.
    Ids(Vec<docharbor_domain::UserId>),
    /// Those that match.
    Matching(UserListing),
}

/// A page of users.
#[derive(Clone, Debug)]
pub struct UsersPage {
    /// The users on it.
    pub users: Vec<User>,
    /// How many there are on all pages.
    pub total: i64,
    /// The sort key and id behind which the next page begins, if there is one.
    pub next: Option<(String, String)>,
}

impl Site {
    /// Reads a page of a folder's contents.
    pub async fn folder_contents(
        &self,
        call: &Call,
        query: ContentsQuery,
    ) -> Result<ContentsPage, Error> {
        self.read((call.clone(), query), |tx, (call, query)| Box::pin(contents(tx, call, query)))
            .await
    }

    /// Reads the path of a folder or document, its root first.
    pub async fn path(&self, call: &Call, query: PathQuery) -> Result<Vec<PathStep>, Error> {
        self.read((call.clone(), query), |tx, (call, query)| Box::pin(path(tx, call, query))).await
    }

    /// Reads a page of a document's versions, those below an ordinal.
    pub async fn versions(
        &self,
        call: &Call,
        document: DocumentId,
        include_initialized: bool,
        before: Option<i64>,
        limit: i64,
    ) -> Result<VersionsPage, Error> {
        let input = (call.clone(), document, include_initialized, before, limit);
        self.read(input, |tx, (call, document, include_initialized, before, limit)| {
            let before = before.unwrap_or(i64::MAX);
            Box::pin(versions(tx, call, document, *include_initialized, before, *limit))
        })
        .await
    }

    /// Reads users of the caller's site.
    pub async fn users(&self, call: &Call, query: UsersQuery) -> Result<UsersPage, Error> {
        self.read((call.clone(), query), |tx, (call, query)| Box::pin(users(tx, call, query))).await
    }
}

async fn contents(tx: &mut Tx, call: &Call, query: &ContentsQuery) -> Result<ContentsPage, Error> {
    let folder = access::folder(tx, call, &query.folder, Power::View).await?;
    let begun = query.after.as_ref().map(|(kind, _)| *kind);
    let kinds: &[ItemKind] = match (query.kinds, begun) {
        (Kinds::Only(ItemKind::Folder), _) => &[ItemKind::Folder],
        (Kinds::Only(ItemKind::Document), _) | (Kinds::All, Some(ItemKind::Document)) => {
            &[ItemKind::Document]
        }
        (Kinds::All, None | Some(ItemKind::Folder)) => &[ItemKind::Folder, ItemKind::Document],
    };
    let drafts = drafts(&folder, call, query.include_initialized);
    // One more than the page holds tells whether another page follows.
    let wanted = query.limit + 1;
    let mut items = Vec::new();
    for kind in kinds {
        let found = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if found >= wanted {
            break;
        }
        let after = query.after.as_ref().filter(|(begun, _)| begun == kind);
        let listing = Listing {
            kind: *kind,
            sort: query.sort,
            descending: query.descending,
            drafts: drafts.clone(),
            include_recoverable: call.user_id().is_none(),
            after: after.map(|(_, place)| place.clone()),
            limit: wanted - found,
        };
        items.extend(tx.children(call.organization(), &query.folder, &listing).await?);
    }
    for item in &mut items {
        item.set_recycled(item.is_recycled() || folder.is_recycled());
    }
    Ok(page(items, query.limit))
}

fn drafts<T>(granted: &Granted<T>, call: &Call, is_wanted: bool) -> DraftsShown {
    if is_wanted { granted.drafts_shown(call) } else { DraftsShown::None }
}

fn page(mut items: Vec<Item>, limit: i64) -> ContentsPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|item| {
        let kind = match item {
            Item::Folder(_) => ItemKind::Folder,
            Item::Document(_) => ItemKind::Document,
        };
        let place = Place {
            name_key: item.name().key(),
            modified_ms: item.modified().as_millis(),
            id: item.id().to_owned(),
        };
        (kind, place)
    });
    let mut page = ContentsPage { folders: Vec::new(), documents: Vec::new(), next };
    for item in items {
        match item {
            Item::Folder(folder) => page.folders.push(folder),
            Item::Document(document) => page.documents.push(*document),
        }
    }
    page
}

async fn path(tx: &mut Tx, call: &Call, query: &PathQuery) -> Result<Vec<PathStep>, Error> {
    let found = tx.path(call.organization(), &query.id, call.user_id()).await?;
    let granted: Granted<ItemPath> = grant(found, call, Power::View)?;
    if let Some(creator) = &granted.get().draft_of
        && !granted.may_finish_draft_of(creator, call)
    {
        return Err(Refusal::Hidden.into());
    }
    let held = granted.held();
    let mut path = granted.into_inner();
    if path.is_document != (query.kind == ItemKind::Document) {
        return Err(Refusal::Hidden.into());
    }
    // The names of folders above what was shared are their owner's own business.
    if held != Standing::Owner {
        path.steps.drain(..path.first_shared.unwrap_or(0));
    }
    let above = path.steps.len().saturating_sub(query.limit.unwrap_or(usize::MAX));
    Ok(path.steps.split_off(above))
}

async fn versions(
    tx: &mut Tx,
    call: &Call,
    document: &DocumentId,
    include_initialized: bool,
    before: i64,
    limit: i64,
) -> Result<VersionsPage, Error> {
    let granted = access::document(tx, call, document, Power::ReadHistory).await?;
    let organization = call.organization();
    let drafts = drafts(&granted, call, include_initialized);
    let mut versions = tx.versions(organization, document, &drafts, before, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = versions.len() > most;
    versions.truncate(most);
    let next: Option<VersionId> =
        versions.last().filter(|_| has_more).map(|version| version.id.clone());
    let next = match next {
        Some(id) => tx.version_ordinal(organization, document, &id).await?,
        None => None,
    };
    Ok(VersionsPage { versions, next })
}

async fn users(tx: &mut Tx, call: &Call, query: &UsersQuery) -> Result<UsersPage, Error> {
    let organization = call.organization();
    match query {
        UsersQuery::Ids(ids) => {
            let mut users = Vec::with_capacity(ids.len());
            let mut missing = Vec::new();
            for id in ids {
                match tx.user(organization, id).await? {
                    Some(user) => users.push(user),
                    None => missing.push(id.as_str().to_owned()),
                }
            }
            if !missing.is_empty() {
                return Err(Refusal::NotFound { what: "the user", ids: missing }.into());
            }
            let total = i64::try_from(users.len()).unwrap_or(i64::MAX);
            Ok(UsersPage { users, total, next: None })
        }
        UsersQuery::Matching(listing) => {
            if let Some(guest) = guest(call) {
                return only(tx, organization, guest, listing).await;
            }
            let host = host(call);
            let total = tx.count_users(organization, listing, host).await?;
            let listing = UserListing { limit: listing.limit + 1, ..listing.clone() };
            let mut rows = tx.users(organization, &listing, host).await?;
            let most = usize::try_from(listing.limit - 1).unwrap_or(usize::MAX);
            let has_more = rows.len() > most;
            rows.truncate(most);
            let next = rows
                .last()
                .filter(|_| has_more)
                .map(|(user, key)| (key.clone(), user.id.as_str().to_owned()));
            Ok(UsersPage { users: rows.into_iter().map(|(user, _)| user).collect(), total, next })
        }
    }
}

/// The caller, if they are a guest: who works here, and their addresses, is not a guest's to search.
/// The ids a guest is told of, those who share with them, they may still ask about.
fn guest(call: &Call) -> Option<&UserId> {
    match &call.caller().identity {
        Identity::User(user) if user.user_type == UserType::MinimalUser => Some(&user.id),
        Identity::User(_) | Identity::Administrator(_) => None,
    }
}

/// The caller, if whom others invited is none of their business: everybody but administrators.
fn host(call: &Call) -> Option<&UserId> {
    match &call.caller().identity {
        Identity::User(user) if user.user_type != UserType::Admin => Some(&user.id),
        Identity::User(_) | Identity::Administrator(_) => None,
    }
}

/// The page of a list that has nobody but this user, if its query finds them.
async fn only(
    tx: &mut Tx,
    organization: &OrganizationId,
    id: &UserId,
    listing: &UserListing,
) -> Result<UsersPage, Error> {
    let found = tx.user(organization, id).await?.filter(|user| {
        let text = user.search_text();
        listing.words.iter().all(|word| text.contains(&format!(" {word}")))
    });
    let users: Vec<User> = found.into_iter().collect();
    let total = i64::try_from(users.len()).unwrap_or(i64::MAX);
    Ok(UsersPage { users, total, next: None })
}
