//! What the site speaks of, in the protocol's shapes.

use std::collections::BTreeMap;

use docharbor_domain::{
    Contributor, Document, Folder, FolderKind, FolderTotals, PathStep, Principal, Profile,
    StorageRule, Timestamp, User, UserId, UserStatus, UserType, Version,
};
use docharbor_wire as wire;
use docharbor_wire::EpochSeconds;

use super::Admitted;
use super::error::Problem;
use crate::door::Direction;

/// A folder. Its totals are shown where it stands alone.
pub(super) fn folder(folder: &Folder, totals: Option<&FolderTotals>) -> wire::FolderMetadata {
    let parent = match folder.kind {
        FolderKind::Ordinary => folder.parent.as_ref().map(|parent| parent.as_str().to_owned()),
        FolderKind::Root | FolderKind::RecycleBin => Some(folder.owner.as_str().to_owned()),
    };
    wire::FolderMetadata {
        id: folder.id.as_str().to_owned(),
        name: Some(folder.name.as_str().to_owned()),
        creator_id: Some(folder.owner.as_str().to_owned()),
        parent_folder_id: parent,
        created_timestamp: Some(moment(folder.created)),
        modified_timestamp: Some(moment(folder.modified)),
        resource_state: Some(state(folder.is_recycled)),
        signature: totals.map(|totals| totals.signature.clone()),
        labels: folder.labels.clone(),
        size: totals.map(|totals| totals.size_bytes),
        latest_version_size: totals.map(|totals| totals.latest_version_size_bytes),
    }
}

/// A document with the version that stands for it.
pub(super) fn document(document: &Document) -> wire::DocumentMetadata {
    wire::DocumentMetadata {
        id: document.id.as_str().to_owned(),
        creator_id: Some(document.owner.as_str().to_owned()),
        parent_folder_id: Some(document.parent.as_str().to_owned()),
        created_timestamp: Some(moment(document.created)),
        modified_timestamp: Some(moment(document.modified)),
        latest_version_metadata: Some(version(&document.latest)),
        resource_state: Some(state(document.is_recycled)),
        labels: document.labels.clone(),
    }
}

fn state(is_recycled: bool) -> wire::ResourceStateType {
    if is_recycled { wire::ResourceStateType::Recycled } else { wire::ResourceStateType::Active }
}

/// A version. An INITIALIZED one has no size and no signature to show.
pub(super) fn version(version: &Version) -> wire::DocumentVersionMetadata {
    let content = version.content();
    wire::DocumentVersionMetadata {
        id: version.id.as_str().to_owned(),
        name: Some(version.name.as_str().to_owned()),
        content_type: Some(version.content_type.clone()),
        size: Some(content.map_or(0, |content| content.size_bytes)),
        signature: content.map(|content| content.md5.clone()),
        status: Some(match content {
            Some(_) => wire::DocumentStatusType::Active,
            None => wire::DocumentStatusType::Initialized,
        }),
        created_timestamp: Some(moment(version.created)),
        modified_timestamp: Some(moment(version.modified)),
        content_created_timestamp: version.content_created.map(moment),
        content_modified_timestamp: version.content_modified.map(moment),
        creator_id: Some(version.creator.clone()),
        thumbnail: BTreeMap::new(),
        source: BTreeMap::new(),
    }
}

/// A version with a URL to its bytes, if it has any to give.
pub(super) fn version_with_source(
    admitted: &Admitted<'_>,
    direction: Direction,
    id: &docharbor_domain::DocumentId,
    shown: &Version,
) -> Result<wire::DocumentVersionMetadata, Problem> {
    let mut metadata = version(shown);
    if shown.is_active() {
        let url = admitted.transfer_url(direction, id, &shown.id)?;
        metadata.source.insert(wire::DocumentSourceType::Original, url);
    }
    Ok(metadata)
}

/// A path, with the names where they were asked for.
pub(super) fn path(steps: &[PathStep], with_names: bool) -> wire::ResourcePath {
    let component = |step: &PathStep| wire::ResourcePathComponent {
        id: step.id.clone(),
        name: with_names.then(|| step.name.as_str().to_owned()),
    };
    wire::ResourcePath { components: steps.iter().map(component).collect() }
}

/// A user, with what they store where it was asked for.
pub(super) fn user(user: &User, with_storage: bool) -> wire::User {
    wire::User {
        id: Some(user.id.as_str().to_owned()),
        username: Some(user.username.clone()),
        email_address: user.email.clone(),
        given_name: said(&user.given_name),
        surname: said(&user.surname),
        organization_id: Some(user.organization.as_str().to_owned()),
        root_folder_id: Some(user.root_folder.as_str().to_owned()),
        recycle_bin_folder_id: Some(user.recycle_bin.as_str().to_owned()),
        status: Some(user_status(user.status)),
        user_type: Some(user_type(user.user_type)),
        created_timestamp: Some(moment(user.created)),
        modified_timestamp: Some(moment(user.modified)),
        time_zone_id: user.time_zone.clone(),
        locale: user.locale.as_deref().and_then(wire::LocaleType::parse),
        storage: with_storage.then(|| wire::UserStorageMetadata {
            storage_utilized_in_bytes: Some(user.storage_used_bytes),
            storage_rule: Some(storage_rule(user.storage_rule)),
        }),
    }
}

/// A user with nothing to say of them.
pub(super) fn nobody() -> wire::User {
    wire::User {
        id: None,
        username: None,
        email_address: None,
        given_name: None,
        surname: None,
        organization_id: None,
        root_folder_id: None,
        recycle_bin_folder_id: None,
        status: None,
        user_type: None,
        created_timestamp: None,
        modified_timestamp: None,
        time_zone_id: None,
        locale: None,
        storage: None,
    }
}

/// A user as those who work on the same document see them; of a deleted one the id alone is left.
pub(super) fn contributor(id: &UserId, profile: Option<&Profile>) -> wire::User {
    let user = wire::User { id: Some(id.as_str().to_owned()), ..nobody() };
    let Some(profile) = profile else { return user };
    wire::User {
        username: Some(profile.username.clone()),
        given_name: said(&profile.given_name),
        surname: said(&profile.surname),
        status: Some(user_status(profile.status)),
        user_type: Some(user_type(profile.user_type)),
        ..user
    }
}

/// Who wrote a comment, where it is listed. Unlike a new comment's, a listed one's administrator has no
/// id: programs were told so.
pub(super) fn listed_contributor(by: &Contributor) -> wire::User {
    match by {
        Contributor::Administrator(arn) => wire::User {
            username: Some(arn.clone()),
            user_type: Some(wire::UserType::User),
            ..nobody()
        },
        Contributor::User(id, profile) => contributor(id, profile.as_ref()),
    }
}

fn user_status(status: UserStatus) -> wire::UserStatusType {
    match status {
        UserStatus::Active => wire::UserStatusType::Active,
        UserStatus::Inactive => wire::UserStatusType::Inactive,
        UserStatus::Pending => wire::UserStatusType::Pending,
    }
}

fn user_type(user_type: UserType) -> wire::UserType {
    match user_type {
        UserType::User => wire::UserType::User,
        UserType::Admin => wire::UserType::Admin,
        UserType::PowerUser => wire::UserType::PowerUser,
        UserType::MinimalUser => wire::UserType::MinimalUser,
        UserType::WorkspacesUser => wire::UserType::WorkSpacesUser,
    }
}

/// A name, unless it is that of somebody who was invited and has told none yet.
fn said(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

fn storage_rule(rule: StorageRule) -> wire::StorageRuleType {
    wire::StorageRuleType {
        storage_allocated_in_bytes: rule.allocated_bytes(),
        storage_type: Some(match rule {
            StorageRule::Unlimited => wire::StorageType::Unlimited,
            StorageRule::Quota(_) => wire::StorageType::Quota,
        }),
    }
}

/// A user's id; one without the organization's suffix is taken for one of the caller's site.
pub(super) fn user_id(admitted: &Admitted<'_>, text: &str) -> UserId {
    if text.contains('&') {
        UserId::new(text)
    } else {
        UserId::new(format!("{text}&{}", admitted.call.organization()))
    }
}

/// The id of a principal whose type is not told.
pub(super) fn principal_id(admitted: &Admitted<'_>, text: &str) -> String {
    if text == Principal::ANONYMOUS_ID || text == admitted.call.organization().as_str() {
        text.to_owned()
    } else {
        user_id(admitted, text).as_str().to_owned()
    }
}

/// Whether a comma-separated list of words has a word.
pub(super) fn names(list: Option<&wire::FieldNamesType>, word: &str) -> bool {
    list.is_some_and(|list| list.as_str().split(',').any(|name| name == word))
}

pub(super) fn moment(moment: Timestamp) -> EpochSeconds {
    EpochSeconds::from_millis(moment.as_millis())
}
