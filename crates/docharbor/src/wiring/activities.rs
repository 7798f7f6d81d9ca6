//! What the command about activities needs of the site.

use docharbor_domain::{Contributor, ItemKind, OrganizationId, Profile, Timestamp};
use docharbor_server::audit::iso_8601;
use docharbor_site::{ActivityListing, ActivityPlace, Feed, ListedActivity, Participant, Site};
use serde::Serialize;

use super::{beside, failed};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// Activities that are read at once.
const PAGE_SIZE: i64 = 999;

/// Between which moments; the first is in it.
#[derive(Clone, Copy)]
pub(crate) struct ActivitySpan {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// The activities of a site, a page at a time.
pub(crate) struct ActivityPages {
    site: Site,
    organization: OrganizationId,
    span: ActivitySpan,
    after: Option<ActivityPlace>,
    is_done: bool,
}

/// An activity as it is exported: a column or member for each thing there is to tell.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExportedActivity {
    time_stamp: String,
    #[serde(rename = "Type")]
    activity_type: String,
    initiator: String,
    initiator_name: String,
    resource_type: &'static str,
    resource_id: String,
    name: String,
    original_name: String,
    version_id: String,
    owner_id: String,
    owner_name: String,
    parent_id: String,
    original_parent_id: String,
    participants: String,
    comment_id: String,
}

impl ActivityPages {
    /// Opens the site's data, beside a server or not.
    pub(crate) async fn open(
        configuration: &Configuration,
        directory: &DataDirectory,
        master_key: &MasterKey,
        span: ActivitySpan,
    ) -> Result<Self, Failure> {
        let (site, organization) = beside(configuration, directory, master_key).await?;
        Ok(Self { site, organization, span, after: None, is_done: false })
    }

    /// The next page that holds something, if there is one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<ExportedActivity>>, Failure> {
        while !self.is_done {
            let listing = ActivityListing {
                feed: Feed::Site,
                initiator: None,
                start: self.span.from.map(|from| from.plus_millis(-1)),
                end: self.span.to,
                types: None,
                concerned: None,
                reads_shared: true,
                after: self.after.take(),
                limit: PAGE_SIZE,
            };
            let page = self.site.all_activities(&self.organization, listing).await;
            let page = page.map_err(|error| failed(&error))?;
            self.is_done = page.next.is_none();
            self.after = page.next;
            if !page.shown.is_empty() {
                return Ok(Some(page.shown.iter().map(exported).collect()));
            }
        }
        Ok(None)
    }
}

impl ExportedActivity {
    /// The columns, which stand above a table that has no rows as well.
    pub(crate) const COLUMNS: [&str; 15] = [
        "TimeStamp",
        "Type",
        "Initiator",
        "InitiatorName",
        "ResourceType",
        "ResourceId",
        "Name",
        "OriginalName",
        "VersionId",
        "OwnerId",
        "OwnerName",
        "ParentId",
        "OriginalParentId",
        "Participants",
        "CommentId",
    ];

    /// The same for a spreadsheet, which takes a text that begins so for a formula.
    pub(crate) fn without_formulas(&self) -> Self {
        let plain = |text: &str| {
            let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if is_formula { format!("'{text}") } else { text.to_owned() }
        };
        Self {
            name: plain(&self.name),
            original_name: plain(&self.original_name),
            initiator_name: plain(&self.initiator_name),
            owner_name: plain(&self.owner_name),
            participants: plain(&self.participants),
            ..self.clone()
        }
    }
}

fn exported(listed: &ListedActivity) -> ExportedActivity {
    let subject = &listed.subject;
    let (initiator, initiator_name) = match &listed.initiator {
        Contributor::Administrator(arn) => (arn.clone(), String::new()),
        Contributor::User(id, profile) => (id.to_string(), name(profile.as_ref())),
    };
    ExportedActivity {
        time_stamp: iso_8601(listed.moment.as_millis()),
        activity_type: listed.word.clone(),
        initiator,
        initiator_name,
        resource_type: match subject.kind {
            ItemKind::Folder => "FOLDER",
            ItemKind::Document => "DOCUMENT",
        },
        resource_id: subject.id.to_string(),
        name: subject.name.as_str().to_owned(),
        original_name: listed
            .original_name
            .as_ref()
            .map_or_else(String::new, |name| name.as_str().to_owned()),
        version_id: text(subject.version.as_ref()),
        owner_id: subject.owner.to_string(),
        owner_name: name(listed.owner.as_ref()),
        parent_id: text(subject.parent.as_ref()),
        original_parent_id: text(listed.original_parent.as_ref()),
        participants: listed.participants.iter().map(participant).collect::<Vec<_>>().join(" "),
        comment_id: text(listed.comment.as_ref().map(|(mention, _)| &mention.id)),
    }
}

fn text(id: Option<&impl std::fmt::Display>) -> String {
    id.map_or_else(String::new, ToString::to_string)
}

fn name(profile: Option<&Profile>) -> String {
    profile.map_or_else(String::new, |profile| profile.username.clone())
}

fn participant(participant: &Participant) -> String {
    match participant {
        Participant::User(id, _) => id.to_string(),
        Participant::Group(id, _) => id.to_string(),
    }
}
