"""For each operation a call that would succeed, made ready anew: what a provocation spoils."""

import functools

from outcomes import Attempt
from server import NOBODY_ENDPOINT
from site_story import PASSWORD

CALLS = {}


def call(operation):
    """Adds the members of a call, or a whole attempt, as the one of an operation."""
    def add(make):
        @functools.wraps(make)
        def prepare(world):
            made = make(world)
            return made if isinstance(made, Attempt) else Attempt(world.admin, made)

        CALLS[operation] = prepare
        return prepare

    return add


# Folders.


@call("CreateFolder")
def create_folder(world):
    parent = world.folder()
    return Attempt(world.admin, {"ParentFolderId": parent, "Name": "new"}, held=(parent,))


@call("GetFolder")
@call("GetFolderPath")
@call("DescribeFolderContents")
def some_folder(world):
    return {"FolderId": world.folder(world.folder())}


@call("UpdateFolder")
def update_folder(world):
    folder = world.folder(world.folder())
    return Attempt(world.admin, {"FolderId": folder, "Name": "renamed"}, held=(folder,))


@call("DeleteFolder")
def delete_folder(world):
    folder = world.folder(world.folder())
    return Attempt(world.admin, {"FolderId": folder}, held=(folder,))


@call("DeleteFolderContents")
def delete_folder_contents(world):
    folder = world.folder(world.folder())
    world.document(folder)
    return {"FolderId": folder}


# Documents and versions.


@call("GetDocument")
@call("GetDocumentPath")
@call("DescribeDocumentVersions")
def some_document(world):
    return {"DocumentId": world.document().document}


@call("UpdateDocument")
def update_document(world):
    document = world.document().document
    return Attempt(world.admin, {"DocumentId": document, "Name": "renamed"}, held=(document,))


@call("DeleteDocument")
def delete_document(world):
    document = world.document().document
    return Attempt(world.admin, {"DocumentId": document}, held=(document,))


@call("GetDocumentVersion")
def get_document_version(world):
    return world.document().ids


@call("InitiateDocumentVersionUpload")
def initiate(world):
    return {"ParentFolderId": world.folder(), "Name": "new"}


@call("UpdateDocumentVersion")
def update_document_version(world):
    draft = world.next_draft(world.document())
    members = draft.ids | {"VersionStatus": "ACTIVE"}
    return Attempt(world.admin, members, held=(draft.document,))


@call("AbortDocumentVersionUpload")
def abort(world):
    draft = world.next_draft(world.document())
    return Attempt(world.admin, draft.ids, held=(draft.document,))


@call("DeleteDocumentVersion")
def delete_document_version(world):
    older = world.document()
    world.next_version(older)
    members = older.ids | {"DeletePriorVersions": False}
    return Attempt(world.admin, members, held=(older.document,))


@call("RestoreDocumentVersions")
def restore_document_versions(world):
    attempt = delete_document_version(world)
    world.admin.delete_document_version(**attempt.members)
    document = attempt.members["DocumentId"]
    return Attempt(world.admin, {"DocumentId": document}, held=(document,))


# Permissions.


@call("AddResourcePermissions")
def add_resource_permissions(world):
    principal = {"Id": world.cleo.id, "Type": "USER", "Role": "VIEWER"}
    return {"ResourceId": world.document().document, "Principals": [principal]}


def shared_document(world):
    document = world.document().document
    world.share(document, "VIEWER", world.site.person())
    world.share(document, "CONTRIBUTOR")
    return document


@call("DescribeResourcePermissions")
@call("RemoveAllResourcePermissions")
def some_shared_document(world):
    return {"ResourceId": shared_document(world)}


@call("RemoveResourcePermission")
def remove_resource_permission(world):
    document = world.document().document
    friend = world.site.person()
    world.share(document, "CONTRIBUTOR", friend)
    return {"ResourceId": document, "PrincipalId": friend.id}


@call("GetResources")
def get_resources(world):
    return {"UserId": world.ann.id, "CollectionType": "SHARED_WITH_ME"}


# Labels, custom metadata, comments.


@call("CreateLabels")
def create_labels(world):
    return {"ResourceId": world.document().document, "Labels": ["label"]}


@call("DeleteLabels")
def delete_labels(world):
    members = create_labels(world).members
    world.admin.create_labels(**members)
    return members


@call("CreateCustomMetadata")
def create_custom_metadata(world):
    return {"ResourceId": world.document().document, "CustomMetadata": {"key": "value"}}


@call("DeleteCustomMetadata")
def delete_custom_metadata(world):
    members = create_custom_metadata(world).members
    world.admin.create_custom_metadata(**members)
    return {"ResourceId": members["ResourceId"], "Keys": ["key"]}


@call("CreateComment")
def create_comment(world):
    return world.document().ids | {"Text": "text"}


@call("DeleteComment")
def delete_comment(world):
    upload = world.document()
    return upload.ids | {"CommentId": world.comment(upload)}


@call("DescribeComments")
def describe_comments(world):
    upload = world.document()
    world.comment(upload)
    return upload.ids


# Users.


@call("CreateUser")
def create_user(world):
    return {
        "OrganizationId": world.organization, "Username": world.site.name("made"),
        "GivenName": "New", "Surname": "User", "Password": PASSWORD,
    }


@call("DeactivateUser")
@call("DeleteUser")
def some_user(world):
    return {"UserId": world.site.person().id}


@call("ActivateUser")
def activate_user(world):
    members = some_user(world).members
    world.admin.deactivate_user(**members)
    return members


@call("UpdateUser")
def update_user(world):
    return some_user(world).members | {"GivenName": "Changed"}


@call("DescribeActivities")
def describe_activities(world):
    return {"OrganizationId": world.organization}


@call("DescribeGroups")
def describe_groups(world):
    return {"OrganizationId": world.organization, "SearchQuery": "e"}


@call("SearchResources")
def search_resources(world):
    return {"OrganizationId": world.organization, "QueryText": "e"}


@call("DescribeRootFolders")
@call("GetCurrentUser")
def of_oneself(world):
    return Attempt(world.as_ann, {})


@call("DescribeUsers")
def describe_users(world):
    return {"OrganizationId": world.organization}


# Notifications.


@call("CreateNotificationSubscription")
def create_subscription(world):
    return {
        "OrganizationId": world.organization, "Endpoint": NOBODY_ENDPOINT, "Protocol": "HTTPS",
        "SubscriptionType": "ALL",
    }


@call("DeleteNotificationSubscription")
def delete_subscription(world):
    made = world.admin.create_notification_subscription(**create_subscription(world).members)
    return {
        "OrganizationId": world.organization,
        "SubscriptionId": made["Subscription"]["SubscriptionId"],
    }


@call("DescribeNotificationSubscriptions")
def describe_subscriptions(world):
    return {"OrganizationId": world.organization}
