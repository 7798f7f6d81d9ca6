//! Activities: decode, ask the site, encode.

use docharbor_domain::{
    CommentMention, Contributor, Identity, ItemKind, Profile, Refusal, ResourceId, Timestamp,
    UserId, limits,
};
use docharbor_site::{ActivitiesQuery, ActivityPlace, ListedActivity, Participant};
use docharbor_wire as wire;
use docharbor_wire::{
    ActivityType, CommentMetadata, CommentStatusType, DescribeActivitiesRequest,
    DescribeActivitiesResponse, EpochSeconds, GroupMetadata, IdType, LimitType, Participants,
    Request as _, ResourceMetadata, ResourceType, UserMetadata,
};

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn describe(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeActivitiesRequest::decode(&admitted.input)?;
    let organization = request.organization_id.as_ref().map(IdType::as_str);
    let is_administrator = matches!(admitted.call.caller().identity, Identity::Administrator(_));
    if is_administrator && organization.is_none() {
        return Err(Refusal::Invalid {
            member: "OrganizationId",
            reason: "must not be null unless a user's token is given",
        }
        .into());
    }
    admitted.call.require_organization(organization)?;
    let types = match &request.activity_types {
        Some(names) => Some(types(names.as_str())?),
        None => None,
    };
    let query = ActivitiesQuery {
        resource: request.resource_id.as_ref().map(|id| ResourceId::new(id.as_str())),
        initiator: request.user_id.as_ref().map(|id| encode::user_id(admitted, id.as_str())),
        with_indirect: request.include_indirect_activities == Some(true),
        start: request.start_time.map(moment),
        end: request.end_time.map(moment),
        types,
        after: None,
        limit: request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get),
    };
    // Another page size may go on where this one ended; all else makes another list.
    let of = (&query.resource, &query.initiator, query.with_indirect, query.start, query.end);
    let list = format!(
        "DescribeActivities|{}|{:?}|{of:?}|{:?}",
        admitted.call.organization(),
        admitted.call.user_id(),
        query.types
    );
    let site = admitted.door.site();
    let place = request.marker.as_ref().map(wire::SearchMarkerType::as_str);
    let after: Option<(i64, String)> = marker::read_text(site, &list, place)?;
    let after = after.map(|(moment_ms, id)| ActivityPlace { moment_ms, id });
    let page = site.activities(&admitted.call, ActivitiesQuery { after, ..query }).await?;
    let next = page.next.map(|place| marker::write(site, &list, &(place.moment_ms, place.id)));
    Reply::json(&DescribeActivitiesResponse {
        user_activities: page.shown.iter().map(|one| activity(admitted, one)).collect(),
        marker: next.transpose()?,
    })
}

fn moment(moment: EpochSeconds) -> Timestamp {
    Timestamp::from_millis(moment.as_millis())
}

/// Reads a list of types. A word that is none would silently leave everything out.
fn types(names: &str) -> Result<Vec<String>, Refusal> {
    let words = names.split(',').filter(|word| !word.is_empty());
    let types: Option<Vec<String>> = words
        .map(|word| ActivityType::parse(word).map(|known| known.as_str().to_owned()))
        .collect();
    types.ok_or(Refusal::InvalidArgument {
        member: "ActivityTypes",
        reason: "names a type that there is not; the types are those of ActivityType, with commas \
                 between them",
    })
}

fn activity(admitted: &Admitted<'_>, shown: &ListedActivity) -> wire::Activity {
    let subject = &shown.subject;
    let activity_type = ActivityType::parse(&shown.word);
    let is_deleted = activity_type == Some(ActivityType::DocumentCommentDeleted);
    wire::Activity {
        activity_type,
        time_stamp: Some(encode::moment(shown.moment)),
        is_indirect_activity: Some(shown.is_indirect),
        organization_id: Some(admitted.call.organization().as_str().to_owned()),
        initiator: Some(person(&shown.initiator)),
        participants: participants(&shown.participants),
        resource_metadata: Some(ResourceMetadata {
            resource_type: Some(match subject.kind {
                ItemKind::Folder => ResourceType::Folder,
                ItemKind::Document => ResourceType::Document,
            }),
            name: Some(subject.name.as_str().to_owned()),
            original_name: shown.original_name.as_ref().map(|name| name.as_str().to_owned()),
            id: Some(subject.id.as_str().to_owned()),
            version_id: subject.version.as_ref().map(|id| id.as_str().to_owned()),
            owner: Some(user(&subject.owner, shown.owner.as_ref())),
            parent_id: subject.parent.as_ref().map(|id| id.as_str().to_owned()),
        }),
        original_parent: shown.original_parent.as_ref().map(|id| ResourceMetadata {
            resource_type: Some(ResourceType::Folder),
            name: None,
            original_name: None,
            id: Some(id.as_str().to_owned()),
            version_id: None,
            owner: None,
            parent_id: None,
        }),
        comment_metadata: shown
            .comment
            .as_ref()
            .map(|(mention, by)| comment(mention, by, is_deleted)),
    }
}

fn person(who: &Contributor) -> UserMetadata {
    match who {
        Contributor::Administrator(arn) => unnamed(arn),
        Contributor::User(id, profile) => user(id, profile.as_ref()),
    }
}

/// A user with their names; of a deleted one the id alone is left.
fn user(id: &UserId, profile: Option<&Profile>) -> UserMetadata {
    let said = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    UserMetadata {
        given_name: profile.and_then(|profile| said(&profile.given_name)),
        surname: profile.and_then(|profile| said(&profile.surname)),
        ..unnamed(id.as_str())
    }
}

fn unnamed(id: &str) -> UserMetadata {
    UserMetadata {
        id: Some(id.to_owned()),
        username: None,
        given_name: None,
        surname: None,
        email_address: None,
    }
}

fn participants(all: &[Participant]) -> Option<Participants> {
    if all.is_empty() {
        return None;
    }
    let mut shown = Participants { users: Vec::new(), groups: Vec::new() };
    for participant in all {
        match participant {
            Participant::User(id, profile) => shown.users.push(user(id, profile.as_ref())),
            Participant::Group(id, name) => shown
                .groups
                .push(GroupMetadata { id: Some(id.as_str().to_owned()), name: name.clone() }),
        }
    }
    Some(shown)
}

fn comment(mention: &CommentMention, by: &Contributor, is_deleted: bool) -> CommentMetadata {
    CommentMetadata {
        comment_id: Some(mention.id.as_str().to_owned()),
        contributor: Some(encode::listed_contributor(by)),
        created_timestamp: Some(encode::moment(mention.created)),
        comment_status: Some(if is_deleted {
            CommentStatusType::Deleted
        } else {
            CommentStatusType::Published
        }),
        recipient_id: mention.recipient.clone(),
        contributor_id: Some(mention.contributor.clone()),
    }
}
