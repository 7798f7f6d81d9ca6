"""Provocations of single operations, by error."""

from dataclasses import replace

from outcomes import Attempt, provoke, provokes
from outcomes_calls import CALLS
from outcomes_everywhere import with_members
from outcomes_world import UNKNOWN_COMMENT, UNKNOWN_ITEM, UNKNOWN_VERSION
from site_story import Site


# UnauthorizedOperation.


@provokes("DescribeGroups", "UnauthorizedOperation", "a guest asks")
def groups_for_a_guest(world):
    return Attempt(world.as_guest, {"SearchQuery": "e"})


@provokes("DescribeActivities", "UnauthorizedOperation", "a user asks what somebody else did")
def activities_of_another(world):
    return Attempt(world.as_bob, {"UserId": world.ann.id})


@provokes("DescribeActivities", "UnauthorizedResourceAccess", "the item never was")
def activities_of_nothing(world):
    return with_members(CALLS["DescribeActivities"](world), ResourceId=UNKNOWN_ITEM)


@provokes("DescribeActivities", "InvalidArgument", "a type is none")
def activities_of_no_type(world):
    return with_members(CALLS["DescribeActivities"](world), ActivityTypes="FOLDER_EATEN")


# EntityAlreadyExists.


@provokes("CreateFolder", "EntityAlreadyExists", "a folder has the name")
def folder_name_taken(world):
    parent = world.folder()
    world.folder(parent, "taken")
    return Attempt(world.admin, {"ParentFolderId": parent, "Name": "taken"})


@provokes("CreateFolder", "EntityAlreadyExists", "a document has the name")
def folder_name_taken_by_document(world):
    parent = world.folder()
    world.document(parent, "taken")
    return Attempt(world.admin, {"ParentFolderId": parent, "Name": "taken"})


@provokes("InitiateDocumentVersionUpload", "EntityAlreadyExists", "a document has the name")
def document_name_taken(world):
    return folder_name_taken_by_document(world)


@provokes("InitiateDocumentVersionUpload", "EntityAlreadyExists", "a folder has the name")
def document_name_taken_by_folder(world):
    return folder_name_taken(world)


@provokes("CreateUser", "EntityAlreadyExists", "another user has the name, in other letters")
def username_taken(world):
    return with_members(CALLS["CreateUser"](world), Username=world.bob.username.upper())


@provokes("UpdateDocument", "EntityAlreadyExists", "another item of the folder has the new name")
def document_renamed_to_taken(world):
    folder = world.folder()
    world.folder(folder, "taken")
    document = world.document(folder).document
    return Attempt(world.admin, {"DocumentId": document, "Name": "taken"})


@provokes("UpdateDocument", "EntityAlreadyExists", "an item of the target folder has its name")
def document_moved_to_taken(world):
    target = world.folder()
    world.document(target, "taken")
    document = world.document(name="taken").document
    return Attempt(world.admin, {"DocumentId": document, "ParentFolderId": target})


@provokes("UpdateDocument", "EntityAlreadyExists", "its name was taken while it was recycled")
def document_restored_to_taken(world):
    folder = world.folder()
    document = world.document(folder, "taken").document
    world.recycle_document(document)
    world.document(folder, "taken")
    return Attempt(world.admin, {"DocumentId": document, "ResourceState": "ACTIVE"})


@provokes("UpdateFolder", "EntityAlreadyExists", "another item of the folder has the new name")
def folder_renamed_to_taken(world):
    parent = world.folder()
    world.document(parent, "taken")
    return Attempt(world.admin, {"FolderId": world.folder(parent), "Name": "taken"})


@provokes("UpdateFolder", "EntityAlreadyExists", "an item of the target folder has its name")
def folder_moved_to_taken(world):
    target = world.folder()
    world.folder(target, "taken")
    moved = world.folder(world.folder(), "taken")
    return Attempt(world.admin, {"FolderId": moved, "ParentFolderId": target})


@provokes("UpdateFolder", "EntityAlreadyExists", "its name was taken while it was recycled")
def folder_restored_to_taken(world):
    parent = world.folder()
    folder = world.folder(parent, "taken")
    world.recycle_folder(folder)
    world.folder(parent, "taken")
    return Attempt(world.admin, {"FolderId": folder, "ResourceState": "ACTIVE"})


# EntityNotExists.


@provokes("DescribeUsers", "EntityNotExists", "one of the UserIds names nobody")
def user_among_others_unknown(world):
    ids = f"{world.bob.id},{world.unknown_user}"
    return Attempt(world.admin, {"UserIds": ids}, missing=[world.unknown_user])


@provokes("DeleteComment", "EntityNotExists", "the comment never was")
def comment_unknown(world):
    members = world.document().ids | {"CommentId": UNKNOWN_COMMENT}
    return Attempt(world.admin, members, missing=[UNKNOWN_COMMENT])


@provokes("DeleteComment", "EntityNotExists", "the comment is another version's")
def comment_elsewhere(world):
    first = world.document()
    comment = world.comment(first)
    members = world.next_version(first).ids | {"CommentId": comment}
    return Attempt(world.admin, members, missing=[comment])


@provokes("DeleteDocumentVersion", "EntityNotExists", "the version is deleted already")
def version_deleted_before(world):
    attempt = CALLS["DeleteDocumentVersion"](world)
    world.admin.delete_document_version(**attempt.members)
    return Attempt(world.admin, attempt.members, missing=[attempt.members["VersionId"]])


@provokes("AbortDocumentVersionUpload", "EntityNotExists", "the draft is somebody else's")
def foreign_draft_aborted(world):
    draft = world.next_draft(world.document())
    world.share(draft.document, "CONTRIBUTOR")
    return Attempt(world.as_cleo, draft.ids, missing=[draft.version])


@provokes("UpdateDocumentVersion", "EntityNotExists", "the draft is somebody else's")
def foreign_draft_finished(world):
    attempt = foreign_draft_aborted(world)
    return with_members(attempt, VersionStatus="ACTIVE")


def of_metadata(operation, members):
    """A version is named, and there is no such one."""
    for how, item in (
        ("the version never was", lambda world: world.document().document),
        ("a folder has no versions", lambda world: world.folder()),
    ):
        provoke(operation, "EntityNotExists", how, lambda world, item=item: Attempt(
            world.admin,
            members | {"ResourceId": item(world), "VersionId": UNKNOWN_VERSION},
            missing=[UNKNOWN_VERSION],
        ))


of_metadata("CreateCustomMetadata", {"CustomMetadata": {"key": "value"}})
of_metadata("DeleteCustomMetadata", {"Keys": ["key"]})


# ProhibitedState.


@provokes("AbortDocumentVersionUpload", "ProhibitedState", "the version is ACTIVE")
def active_version_aborted(world):
    return Attempt(world.admin, world.document().ids)


@provokes("UpdateDocumentVersion", "ProhibitedState", "the content has not arrived")
def version_without_content(world):
    draft = world.site.initiate(ParentFolderId=world.folder(), Name="empty")
    return Attempt(world.admin, draft.ids | {"VersionStatus": "ACTIVE"})


@provokes("CreateComment", "ProhibitedState", "the version is INITIALIZED")
def comment_on_draft(world):
    return Attempt(world.admin, world.next_draft(world.document()).ids | {"Text": "early"})


@provokes("DeleteDocumentVersion", "ProhibitedState", "the version is INITIALIZED")
def draft_deleted_as_version(world):
    draft = world.next_draft(world.document())
    return Attempt(world.admin, draft.ids | {"DeletePriorVersions": False})


@provokes("UpdateDocument", "ProhibitedState", "the document has no ACTIVE version")
def draft_document_renamed(world):
    draft = world.site.initiate(ParentFolderId=world.folder(), Name="draft")
    return Attempt(world.admin, {"DocumentId": draft.document, "Name": "renamed"})


@provokes("CreateFolder", "ProhibitedState", "the parent is a recycle bin")
@provokes("InitiateDocumentVersionUpload", "ProhibitedState", "the parent is a recycle bin")
def made_in_recycle_bin(world):
    return Attempt(world.admin, {"ParentFolderId": world.ann.recycle_bin, "Name": "new"})


@provokes("InitiateDocumentVersionUpload", "ProhibitedState", "the document is recycled")
def version_of_recycled_document(world):
    document = world.document().document
    world.recycle_document(document)
    return Attempt(world.admin, {"Id": document})


@provokes("UpdateDocument", "ProhibitedState", "the target is a recycle bin")
def document_moved_to_bin(world):
    document = world.document().document
    return Attempt(
        world.admin, {"DocumentId": document, "ParentFolderId": world.ann.recycle_bin}
    )


@provokes("UpdateFolder", "ProhibitedState", "the target is a recycle bin")
def folder_moved_to_bin(world):
    return Attempt(
        world.admin, {"FolderId": world.folder(), "ParentFolderId": world.ann.recycle_bin}
    )


@provokes("UpdateFolder", "ProhibitedState", "the target is in somebody else's tree")
def folder_moved_to_another_tree(world):
    return Attempt(world.admin, {"FolderId": world.folder(), "ParentFolderId": world.bob.root})


def of_special_folders(operation, members):
    """A root folder and a recycle bin stay as they are."""
    for what, attribute in (("root folder", "root"), ("recycle bin", "recycle_bin")):
        provoke(
            operation, "ProhibitedState", f"the item is a {what}",
            lambda world, attribute=attribute: Attempt(
                world.admin, members(world, getattr(world.ann, attribute))
            ),
        )


of_special_folders("UpdateFolder", lambda world, folder: {"FolderId": folder, "Name": "renamed"})
of_special_folders("DeleteFolder", lambda world, folder: {"FolderId": folder})
of_special_folders("AddResourcePermissions", lambda world, folder: {
    "ResourceId": folder,
    "Principals": [{"Id": world.cleo.id, "Type": "USER", "Role": "VIEWER"}],
})


@provokes("UpdateUser", "ProhibitedState", "a user would become a guest")
def user_made_guest(world):
    return Attempt(world.admin, {"UserId": world.site.person().id, "Type": "MINIMALUSER"})


# ConflictingOperation.


@provokes("UpdateFolder", "ConflictingOperation", "it would be moved into itself")
def folder_moved_into_itself(world):
    folder = world.folder()
    return Attempt(world.admin, {"FolderId": folder, "ParentFolderId": folder})


@provokes("UpdateFolder", "ConflictingOperation", "it would be moved below itself")
def folder_moved_below_itself(world):
    folder = world.folder()
    below = world.folder(world.folder(folder))
    return Attempt(world.admin, {"FolderId": folder, "ParentFolderId": below})


def two_names(world):
    """A folder with a document named `new` whose version before was named `old`."""
    folder = world.folder()
    first = world.document(folder, "old")
    return folder, first, world.next_version(first, "new")


@provokes("DeleteDocumentVersion", "ConflictingOperation", "the older version's name was taken")
def older_name_taken(world):
    folder, _, latest = two_names(world)
    world.document(folder, "old")
    return Attempt(world.admin, latest.ids | {"DeletePriorVersions": False})


@provokes("RestoreDocumentVersions", "ConflictingOperation", "the deleted version's name was taken")
def deleted_name_taken(world):
    folder, _, latest = two_names(world)
    world.admin.delete_document_version(**latest.ids, DeletePriorVersions=False)
    world.document(folder, "new")
    return Attempt(world.admin, {"DocumentId": latest.document})


# ConcurrentModification.


@provokes("UpdateDocumentVersion", "ConcurrentModification", "the name was taken meanwhile")
def name_taken_since(world):
    folder = world.folder()
    draft = world.site.initiate(ParentFolderId=folder, Name="raced")
    draft.put(b"late")
    world.document(folder, "raced")
    return Attempt(world.admin, draft.ids | {"VersionStatus": "ACTIVE"})


# Limits.


@provokes("CreateFolder", "LimitExceeded", "the folder holds 100,000 items")
@provokes("InitiateDocumentVersionUpload", "LimitExceeded", "the folder holds 100,000 items")
def made_in_full_folder(world):
    crowded = world.crowded
    members = {"ParentFolderId": crowded.full_folder, "Name": "one more"}
    return Attempt(crowded.admin, members, world=crowded)


@provokes("UpdateDocument", "LimitExceeded", "the target folder holds 100,000 items")
def document_moved_to_full_folder(world):
    crowded = world.crowded
    document = crowded.document().document
    members = {"DocumentId": document, "ParentFolderId": crowded.full_folder}
    return Attempt(crowded.admin, members, world=crowded)


@provokes("UpdateFolder", "LimitExceeded", "the target folder holds 100,000 items")
def folder_moved_to_full_folder(world):
    crowded = world.crowded
    members = {"FolderId": crowded.folder(), "ParentFolderId": crowded.full_folder}
    return Attempt(crowded.admin, members, world=crowded)


@provokes("CreateFolder", "LimitExceeded", "the tree would have 101 levels")
def made_too_deep(world):
    return Attempt(world.admin, {"ParentFolderId": world.deepest_folder, "Name": "deeper"})


@provokes("UpdateFolder", "LimitExceeded", "the tree would have 101 levels")
def folder_moved_too_deep(world):
    members = {"FolderId": world.folder(), "ParentFolderId": world.deepest_folder}
    return Attempt(world.admin, members)


@provokes("UpdateDocument", "LimitExceeded", "the new owner has no room for it")
def document_moved_to_full_owner(world):
    rule = {"StorageType": "QUOTA", "StorageAllocatedInBytes": 1}
    poor = world.site.person(StorageRule=rule)
    document = world.document().document
    return Attempt(world.admin, {"DocumentId": document, "ParentFolderId": poor.root})


def begun_with_quota(world, room, size):
    """An upload for somebody who has stored ten bytes."""
    rule = {"StorageType": "QUOTA", "StorageAllocatedInBytes": 10 + room}
    tight = world.site.person(StorageRule=rule)
    world.site.upload(tight.root, b"x" * 10)
    return Attempt(
        world.admin,
        {"ParentFolderId": tight.root, "Name": "one more", "DocumentSizeInBytes": size},
    )


@provokes("InitiateDocumentVersionUpload", "StorageLimitExceeded", "the owner's quota is used up")
def quota_used_up(world):
    return begun_with_quota(world, room=0, size=1)


@provokes("InitiateDocumentVersionUpload", "StorageLimitWillExceed", "it exceeds the room left")
def quota_too_small(world):
    return begun_with_quota(world, room=5, size=6)


@provokes("CreateLabels", "TooManyLabels", "it would be the 21st label")
def label_too_many(world):
    document = world.document().document
    labels = [f"label {number}" for number in range(20)]
    world.admin.create_labels(ResourceId=document, Labels=labels)
    return Attempt(world.admin, {"ResourceId": document, "Labels": ["one more"]})


@provokes("CreateNotificationSubscription", "TooManySubscriptions", "it would be the 257th")
def subscription_too_many(world):
    other = Site(world.site.server.another_site())
    members = CALLS["CreateNotificationSubscription"](world).members
    members = members | {"OrganizationId": other.server.organization_id}
    for _ in range(256):
        other.admin.create_notification_subscription(**members)
    return Attempt(other.admin, members)


@provokes("CreateCustomMetadata", "CustomMetadataLimitExceeded", "it would be the 9th key")
def key_too_many(world):
    document = world.document().document
    keys = {f"key{number}": "value" for number in range(8)}
    world.admin.create_custom_metadata(ResourceId=document, CustomMetadata=keys)
    return Attempt(world.admin, {"ResourceId": document, "CustomMetadata": {"one": "more"}})


# InvalidArgument, InvalidCommentOperation, InvalidOperation.


@provokes("CreateNotificationSubscription", "InvalidArgument", "the endpoint is not public")
def endpoint_not_public(world):
    attempt = CALLS["CreateNotificationSubscription"](world)
    return with_members(attempt, Endpoint="https://169.254.169.254/latest/meta-data/")


@provokes("DeleteNotificationSubscription", "EntityNotExists", "the subscription never was")
def subscription_never_was(world):
    unknown = "00000000-0000-4000-8000-000000000000"
    attempt = with_members(CALLS["DeleteNotificationSubscription"](world), SubscriptionId=unknown)
    return replace(attempt, missing=[unknown])


@provokes("InitiateDocumentVersionUpload", "InvalidArgument", "the document is in another folder")
def version_with_another_parent(world):
    members = {"Id": world.document().document, "ParentFolderId": world.folder()}
    return Attempt(world.admin, members)


@provokes("CreateComment", "InvalidCommentOperation", "the parent never was")
def reply_to_unknown_parent(world):
    members = world.document().ids | {"Text": "reply", "ParentId": UNKNOWN_COMMENT}
    return Attempt(world.admin, members)


@provokes("CreateComment", "InvalidCommentOperation", "the thread never was")
def reply_in_unknown_thread(world):
    members = world.document().ids | {"Text": "reply", "ThreadId": UNKNOWN_COMMENT}
    return Attempt(world.admin, members)


@provokes("CreateComment", "InvalidCommentOperation", "the parent is deleted")
def reply_to_deleted_comment(world):
    upload = world.document()
    parent = world.comment(upload)
    world.comment(upload, ParentId=parent, ThreadId=parent)
    world.admin.delete_comment(**upload.ids, CommentId=parent)
    return Attempt(world.admin, upload.ids | {"Text": "reply", "ParentId": parent})


@provokes("DeleteDocumentVersion", "InvalidOperation", "it is the only version")
def only_version_deleted(world):
    return Attempt(world.admin, world.document().ids | {"DeletePriorVersions": False})


@provokes("DeleteDocumentVersion", "InvalidOperation", "no version would be left with it")
def all_versions_deleted(world):
    latest = world.next_version(world.document())
    return Attempt(world.admin, latest.ids | {"DeletePriorVersions": True})


@provokes("RestoreDocumentVersions", "InvalidOperation", "none is deleted")
def nothing_to_restore(world):
    return Attempt(world.admin, {"DocumentId": world.document().document})


# People.


@provokes("UpdateUser", "DeactivatingLastSystemUser", "the site has no other active administrator")
def last_administrator_demoted(world):
    lonely = world.lonely
    return Attempt(lonely.admin, {"UserId": lonely.ann.id, "Type": "USER"}, world=lonely)


@provokes("CreateUser", "UnauthorizedResourceAccess", "the organization never was")
def user_of_unknown_organization(world):
    return with_members(CALLS["CreateUser"](world), OrganizationId="d-0000000000")


@provokes("DescribeUsers", "UnauthorizedResourceAccess", "the organization never was")
def users_of_unknown_organization(world):
    return Attempt(world.admin, {"OrganizationId": "d-0000000000"})


@provokes("GetResources", "UnauthorizedResourceAccess", "the user never was")
def resources_of_unknown_user(world):
    return Attempt(world.admin, {"UserId": world.unknown_user})


@provokes("GetResources", "UnauthorizedOperation", "the user is somebody else")
def resources_of_another(world):
    return Attempt(world.as_bob, {"UserId": world.ann.id})


@provokes("RemoveResourcePermission", "UnauthorizedOperation", "the principal is the owner")
def owner_removed(world):
    members = {"ResourceId": world.document().document, "PrincipalId": world.ann.id}
    return Attempt(world.admin, members)


@provokes("DeleteComment", "UnauthorizedOperation", "the comment is somebody else's")
def foreign_comment_deleted(world):
    upload = world.document()
    world.share(upload.document, "CONTRIBUTOR")
    return Attempt(world.as_cleo, upload.ids | {"CommentId": world.comment(upload)})
