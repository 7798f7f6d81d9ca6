//! What happened: each change writes it down in its own transaction, and those it concerns read it.

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    Activity, ActivityId, Call, Deed, Identity, ItemKind, OrganizationId, Power, Refusal,
    ResourceId, Subject, Timestamp, UserId, UserType,
};
use docharbor_metadata::{Activities, ActivityListing, ActivityPlace, Feed, ListedActivity, Tx};

use crate::notifications::tell;
use crate::{Error, Site, access, chain};

/// Activities that one transaction of the jobs removes, about.
const REMOVED_AT_ONCE: i64 = 1_000;

/// Windows of activities that are looked through for one page, so that a user whom few of a busy
/// site's activities concern gets them without calling again and again.
const WINDOWS_MAX: usize = 5;

/// How the protocol's words for what was done to a folder and to a document begin.
const FOLDER: &str = "FOLDER_";
const DOCUMENT: &str = "DOCUMENT_";

/// Which page of the activities is wanted.
#[derive(Clone, Debug)]
pub struct ActivitiesQuery {
    /// Those about one item alone.
    pub resource: Option<ResourceId>,
    /// What one user did alone.
    pub initiator: Option<UserId>,
    /// With what happened to the item because it happened to a folder above it.
    pub with_indirect: bool,
    /// After this moment.
    pub start: Option<Timestamp>,
    /// Before this moment.
    pub end: Option<Timestamp>,
    /// Of these types alone, by the protocol's words.
    pub types: Option<Vec<String>>,
    /// Behind this activity.
    pub after: Option<ActivityPlace>,
    /// At most so many.
    pub limit: i64,
}

impl Site {
    /// The id of what is going to happen.
    pub(crate) fn activity_id(&self) -> ActivityId {
        ActivityId::from_random(self.random())
    }

    /// Reads a page of what happened, newest first. Administrators read what happened in the site,
    /// users what they did, what was done to what is theirs or with them, and what happens to what
    /// they contribute to.
    pub async fn activities(
        &self,
        call: &Call,
        query: ActivitiesQuery,
    ) -> Result<Activities, Error> {
        if let (Some(start), Some(end)) = (query.start, query.end)
            && end <= start
        {
            return Err(Refusal::InvalidArgument {
                member: "EndTime",
                reason: "must be later than StartTime",
            }
            .into());
        }
        self.look_through((call.clone(), query), |tx, (call, query)| {
            Box::pin(page(tx, call, query))
        })
        .await
    }

    /// Reads a page of a whole site's activities, newest first, for a command.
    pub async fn all_activities(
        &self,
        organization: &OrganizationId,
        listing: ActivityListing,
    ) -> Result<Activities, Error> {
        self.read((organization.clone(), listing), |tx, (organization, listing)| {
            Box::pin(async move { Ok(tx.activities(organization, listing, TREE_WALK_MAX).await?) })
        })
        .await
    }

    /// Writes down that a caller was given a URL to a version's bytes. Nobody is kept from reading by
    /// a store that takes no changes, a full disk above all: then the audit alone knows.
    pub(crate) async fn record_download(&self, call: &Call, subject: Subject) {
        let activity =
            activity(call, &self.activity_id(), self.now(), Deed::DownloadedVersion, subject);
        let input = (call.organization().clone(), activity);
        let recorded = self
            .write(input, |tx, (organization, activity)| {
                Box::pin(record(tx, organization, activity))
            })
            .await;
        if let Err(error) = recorded {
            tracing::warn!(error = chain(&error), "a download is not among the activities");
        }
    }

    /// Removes activities that are older than they are kept.
    pub(crate) async fn forget_activities(
        &self,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        let before = self.now().plus_millis(-self.settings().activity_retention_ms);
        loop {
            let input = (organization.clone(), before);
            let removed = self
                .write(input, |tx, (organization, before)| {
                    Box::pin(async move {
                        Ok(tx.delete_old_activities(organization, *before, REMOVED_AT_ONCE).await?)
                    })
                })
                .await?;
            if removed == 0 {
                return Ok(());
            }
        }
    }
}

/// What a caller did to an item. What the deed has to tell beyond that is added to it.
pub(crate) fn activity(
    call: &Call,
    id: &ActivityId,
    moment: Timestamp,
    deed: Deed,
    subject: impl Into<Subject>,
) -> Activity {
    Activity {
        id: id.clone(),
        moment,
        initiator: call.caller().principal().to_owned(),
        deed,
        subject: subject.into(),
        original_name: None,
        original_parent: None,
        participants: Vec::new(),
        comment: None,
    }
}

/// Writes down what happened, in the transaction in which it happens. Every change of an item comes
/// by here.
pub(crate) async fn record(
    tx: &mut Tx,
    organization: &OrganizationId,
    activity: &Activity,
) -> Result<(), Error> {
    tx.insert_activity(organization, activity).await?;
    tell(tx, organization, activity).await
}

async fn page(tx: &mut Tx, call: &Call, query: &ActivitiesQuery) -> Result<Activities, Error> {
    let organization = call.organization();
    let item = match &query.resource {
        Some(id) => subject_of(tx, call, id).await?,
        None => None,
    };
    let mut listing = ActivityListing {
        feed: feed(query, item.as_ref()),
        initiator: initiator(call, query)?,
        start: query.start,
        end: query.end,
        types: types(query, item.as_ref()),
        concerned: call.user_id().filter(|_| !reads_site(call)).cloned(),
        reads_shared: !is_guest(call),
        after: query.after.clone(),
        limit: query.limit,
    };
    let mut found = tx.activities(organization, &listing, TREE_WALK_MAX).await?;
    for _ in 1..WINDOWS_MAX {
        let missing = query.limit - i64::try_from(found.shown.len()).unwrap_or(i64::MAX);
        let Some(next) = found.next.clone().filter(|_| missing > 0) else { break };
        listing = ActivityListing { after: Some(next), limit: missing, ..listing };
        let more = tx.activities(organization, &listing, TREE_WALK_MAX).await?;
        found.shown.extend(more.shown);
        found.next = more.next;
    }
    if let Some(item) = &item {
        found.shown.iter_mut().for_each(|activity| bring_down(activity, item));
    }
    Ok(found)
}

/// Whether a caller reads what happened in the whole site.
fn reads_site(call: &Call) -> bool {
    call.is_administration()
}

fn is_guest(call: &Call) -> bool {
    match &call.caller().identity {
        Identity::Administrator(_) => false,
        Identity::User(user) => user.user_type == UserType::MinimalUser,
    }
}

/// The item the activities are about; nothing where it is gone and only its activities are left, which
/// are there for those alone who read what happened in the site.
async fn subject_of(tx: &mut Tx, call: &Call, id: &ResourceId) -> Result<Option<Subject>, Error> {
    if !reads_site(call) {
        let item = access::item(tx, call, id, Power::ReadHistory).await?;
        return Ok(Some(item.get().into()));
    }
    let organization = call.organization();
    if let Some(found) = tx.item(organization, id, None).await? {
        return Ok(Some(Subject::from(&found.resource)));
    }
    if tx.has_activities(organization, id).await? {
        return Ok(None);
    }
    Err(Refusal::Hidden.into())
}

fn feed(query: &ActivitiesQuery, item: Option<&Subject>) -> Feed {
    match (&query.resource, &query.initiator) {
        (Some(id), _) => {
            Feed::Resource { id: id.clone(), with_indirect: query.with_indirect && item.is_some() }
        }
        (None, Some(initiator)) => Feed::Initiator(initiator.clone()),
        (None, None) => Feed::Site,
    }
}

/// Whose activities alone are wanted. Users ask what they did, administrators what anybody did.
fn initiator(call: &Call, query: &ActivitiesQuery) -> Result<Option<UserId>, Refusal> {
    match &query.initiator {
        Some(other) if !reads_site(call) && call.user_id() != Some(other) => Err(
            Refusal::NotAllowed("only administrators ask what somebody else did; leave UserId out"),
        ),
        initiator => Ok(initiator.clone()),
    }
}

/// The types that are wanted, as they are written down: what happened to a document by way of a folder
/// was written down about the folder.
fn types(query: &ActivitiesQuery, item: Option<&Subject>) -> Option<Vec<String>> {
    let types = query.types.clone()?;
    let is_document = item.is_some_and(|item| item.kind == ItemKind::Document);
    if !(query.with_indirect && is_document) {
        return Some(types);
    }
    let of_document = types.into_iter().filter(|word| !word.starts_with(FOLDER));
    let with_folders = of_document.flat_map(|word| {
        let above = word.strip_prefix(DOCUMENT).map(|deed| format!("{FOLDER}{deed}"));
        [Some(word), above].into_iter().flatten()
    });
    Some(with_folders.collect())
}

/// Shows what happened to a folder above as what it was for the item below.
fn bring_down(activity: &mut ListedActivity, item: &Subject) {
    if !activity.is_indirect {
        return;
    }
    activity.subject = item.clone();
    if item.kind == ItemKind::Document
        && let Some(deed) = activity.word.strip_prefix(FOLDER)
    {
        activity.word = format!("{DOCUMENT}{deed}");
    }
}
