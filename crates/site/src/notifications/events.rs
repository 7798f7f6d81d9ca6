//! What of all that happens subscribers are told: what is done to documents.

use docharbor_domain::{
    Activity, Deed, EntityType, Event, EventAction, ItemKind, OrganizationId, uuid_of_moment,
};
use docharbor_metadata::Tx;

use crate::Error;

/// Tells whoever subscribed of an activity, in the transaction of the change: it is kept for them with
/// the change, or not at all.
pub(crate) async fn tell(
    tx: &mut Tx,
    organization: &OrganizationId,
    activity: &Activity,
) -> Result<(), Error> {
    if let Some(event) = event(organization, activity) {
        tx.insert_event(organization, &event).await?;
    }
    Ok(())
}

fn event(organization: &OrganizationId, activity: &Activity) -> Option<Event> {
    let Activity { subject, .. } = activity;
    let action = match (subject.kind, action(activity.deed)) {
        (ItemKind::Document, Some(action)) => action,
        (ItemKind::Document, None) | (ItemKind::Folder, _) => return None,
    };
    let document = (EntityType::Document, subject.id.as_str());
    let folder = (EntityType::Folder, subject.parent.as_ref().map_or("", |id| id.as_str()));
    let ((entity_type, entity_id), (parent_entity_type, parent_entity_id)) =
        match (action, &subject.version) {
            (EventAction::UploadDocumentVersion, Some(version)) => {
                ((EntityType::DocumentVersion, version.as_str()), document)
            }
            _ => (document, folder),
        };
    Some(Event {
        id: message_id(organization, activity),
        action,
        entity_type,
        entity_id: entity_id.to_owned(),
        parent_entity_type,
        parent_entity_id: parent_entity_id.to_owned(),
        created: activity.moment,
    })
}

/// What subscribers call a deed; some they are not told of.
const fn action(deed: Deed) -> Option<EventAction> {
    match deed {
        Deed::DeletedDocument => Some(EventAction::DeleteDocument),
        Deed::UploadedVersion => Some(EventAction::UploadDocumentVersion),
        Deed::Renamed => Some(EventAction::RenameDocument),
        Deed::Moved => Some(EventAction::MoveDocument),
        Deed::Recycled => Some(EventAction::RecycleDocument),
        Deed::Shared
        | Deed::ChangedPermission
        | Deed::CreatedLink
        | Deed::ChangedLinkPermission => Some(EventAction::ShareDocument),
        Deed::Unshared | Deed::RemovedLink => Some(EventAction::RevokeShareDocument),
        Deed::CreatedFolder
        | Deed::DeletedFolder
        | Deed::DeletedVersion
        | Deed::DownloadedVersion
        | Deed::AddedComment
        | Deed::DeletedComment
        | Deed::Restored => None,
    }
}

/// An activity has one message, whoever gets it and however often: its id follows from the activity's.
/// What happens later has a later id, and so the outbox is written at its end alone.
fn message_id(organization: &OrganizationId, activity: &Activity) -> String {
    let text = format!("{organization}|{}|{}", activity.moment.as_millis(), activity.id);
    let hash = blake3::hash(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    uuid_of_moment(activity.moment, bytes)
}
