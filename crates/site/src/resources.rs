//! Folders and documents taken together: what is shared with a user.

use docharbor_domain::{Call, Document, Folder, Identity, Item, Refusal, UserId};
use docharbor_metadata::{SharedPlace, Tx};

use crate::{Error, Site};

/// Which page of what is shared with a user is wanted.
#[derive(Clone, Debug)]
pub struct SharedQuery {
    /// The user; without one, whoever is asking.
    pub user: Option<UserId>,
    /// Behind this place.
    pub after: Option<SharedPlace>,
    /// At most so many.
    pub limit: i64,
}

/// A page of what is shared with a user: folders, then documents, each by name.
#[derive(Clone, Debug)]
pub struct SharedPage {
    /// The folders on it.
    pub folders: Vec<Folder>,
    /// The documents on it.
    pub documents: Vec<Document>,
    /// Where the next page begins, if there is one.
    pub next: Option<SharedPlace>,
}

impl Site {
    /// Reads a page of what others share with a user, or with a group of theirs, by name. Users ask
    /// for themselves, administrators for anybody.
    pub async fn shared_with(&self, call: &Call, query: SharedQuery) -> Result<SharedPage, Error> {
        self.read((call.clone(), query), |tx, (call, query)| Box::pin(shared_with(tx, call, query)))
            .await
    }
}

async fn shared_with(tx: &mut Tx, call: &Call, query: &SharedQuery) -> Result<SharedPage, Error> {
    let organization = call.organization();
    let user = match (&call.caller().identity, &query.user) {
        (Identity::User(caller), None) => caller.id.clone(),
        (Identity::User(caller), Some(named)) if caller.id == *named => named.clone(),
        (Identity::User(_), Some(_)) => {
            let reason = "only administrators ask what is shared with somebody else";
            return Err(Refusal::NotAllowed(reason).into());
        }
        (Identity::Administrator(_), None) => {
            return Err(Refusal::Invalid {
                member: "UserId",
                reason: "must not be null unless a user's token is given",
            }
            .into());
        }
        (Identity::Administrator(_), Some(named)) => {
            tx.user(organization, named).await?.ok_or(Refusal::Hidden)?.id
        }
    };
    // One more than the page holds tells whether another page follows.
    let after = query.after.as_ref();
    let items = tx.shared_with(organization, &user, after, query.limit + 1).await?;
    Ok(page(items, query.limit))
}

fn page(mut items: Vec<Item>, limit: i64) -> SharedPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(SharedPlace::of);
    let mut page = SharedPage { folders: Vec::new(), documents: Vec::new(), next };
    for item in items {
        match item {
            Item::Folder(folder) => page.folders.push(folder),
            Item::Document(document) => page.documents.push(*document),
        }
    }
    page
}
