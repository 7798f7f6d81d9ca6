"""Provocations that many operations share: one rule each, for every operation it holds for."""

from dataclasses import replace

from outcomes import declares, provoke, reads
from outcomes_calls import CALLS
from outcomes_world import UNKNOWN_ITEM, UNKNOWN_VERSION

ITEM_MEMBERS = ("DocumentId", "FolderId", "ResourceId", "ParentFolderId")
USER_ADMINISTRATION = ("ActivateUser", "CreateUser", "DeactivateUser", "DeleteUser", "UpdateUser")
OF_NOTIFICATIONS = (
    "CreateNotificationSubscription", "DeleteNotificationSubscription",
    "DescribeNotificationSubscriptions",
)
OF_NO_ITEM = (
    *USER_ADMINISTRATION, *OF_NOTIFICATIONS, "DescribeActivities", "DescribeGroups",
    "DescribeRootFolders", "DescribeUsers",
    "GetCurrentUser", "GetResources", "SearchResources",
)
# What a viewer of an item may not do with it.
BEYOND_A_VIEWER = (
    "AddResourcePermissions", "CreateComment", "CreateCustomMetadata", "CreateFolder",
    "CreateLabels", "DeleteComment", "DeleteCustomMetadata", "DeleteDocument",
    "DeleteDocumentVersion", "DeleteFolder", "DeleteFolderContents", "DeleteLabels",
    "DescribeComments", "DescribeDocumentVersions", "InitiateDocumentVersionUpload",
    "RemoveAllResourcePermissions", "RemoveResourcePermission", "RestoreDocumentVersions",
    "UpdateDocument", "UpdateFolder",
)
# What cannot be done with an item that lies in a recycle bin.
NOT_IN_A_RECYCLE_BIN = (
    "AddResourcePermissions", "CreateComment", "CreateCustomMetadata", "CreateFolder",
    "CreateLabels", "DeleteComment", "DeleteCustomMetadata", "DeleteDocumentVersion",
    "DeleteLabels", "InitiateDocumentVersionUpload", "RestoreDocumentVersions", "UpdateDocument",
    "UpdateDocumentVersion", "UpdateFolder",
)
OF_A_VERSION = (
    "AbortDocumentVersionUpload", "CreateComment", "DeleteComment", "DeleteDocumentVersion",
    "DescribeComments", "GetDocumentVersion", "UpdateDocumentVersion",
)
# What only a token can ask.
OF_ONESELF = ("DescribeRootFolders", "GetCurrentUser")
OF_A_USER = ("ActivateUser", "DeactivateUser", "DeleteUser", "UpdateUser")


def spoiled(operation, spoil):
    """The operation's call, changed by `spoil(world, attempt)`."""
    return lambda world: spoil(world, CALLS[operation](world))


def with_members(attempt, **members):
    return replace(attempt, members=attempt.members | members)


def item_of(attempt):
    """The member that names the item, and the item."""
    return next((name, attempt.members[name]) for name in ITEM_MEMBERS if name in attempt.members)


def by(client):
    """Makes somebody else call."""
    return lambda world, attempt: replace(attempt, client=getattr(world, client))


def of_unknown_item(world, attempt):
    return with_members(attempt, **{item_of(attempt)[0]: UNKNOWN_ITEM})


def of_unknown_version(world, attempt):
    changed = with_members(attempt, VersionId=UNKNOWN_VERSION)
    return replace(changed, missing=[UNKNOWN_VERSION])


def of_version_elsewhere(world, attempt):
    elsewhere = world.document().version
    return replace(with_members(attempt, VersionId=elsewhere), missing=[elsewhere])


def of_unknown_user(world, attempt):
    unknown = world.unknown_user
    return replace(with_members(attempt, UserId=unknown), missing=[unknown])


def by_viewer(world, attempt):
    world.share(item_of(attempt)[1], "VIEWER")
    return replace(attempt, client=world.as_cleo)


def in_recycle_bin(world, attempt):
    name, item = item_of(attempt)
    if name in ("FolderId", "ParentFolderId"):
        world.recycle_folder(item)
    else:
        world.recycle_document(item)
    return attempt


def below_recycled_folder(world, attempt):
    name, item = item_of(attempt)
    if name in ("FolderId", "ParentFolderId"):
        above = world.admin.get_folder(FolderId=item)["Metadata"]["ParentFolderId"]
        if above == world.ann.root:
            above, attempt = item, with_members(attempt, **{name: world.folder(item)})
    else:
        above = world.admin.get_document(DocumentId=item)["Metadata"]["ParentFolderId"]
    world.recycle_folder(above)
    return attempt


class Dora:
    """Who comes from the directory; she is known once the directory is."""

    def __init__(self, world):
        self.world = world

    def __getattr__(self, name):
        return getattr(self.world.as_dora, name)


def by_dora(operation):
    """Prepares the call on a site whose directory is connected when everything is prepared."""
    return lambda world: replace(CALLS[operation](world.abroad), client=Dora(world.abroad))


def declared(operation, wanted, otherwise):
    """The error of the two that an operation declares."""
    return wanted if declares(operation, wanted) else otherwise


def unauthorized(operation):
    return declared(operation, "UnauthorizedOperation", "UnauthorizedResourceAccess")


for name in CALLS:
    provoke(name, "UnauthorizedResourceAccess", "the access key's policy denies it",
            spoiled(name, by("as_denied")))
    scope, client = ("writing", "as_ann_writing") if reads(name) else ("reading", "as_ann_reading")
    provoke(name, unauthorized(name), f"the token is for {scope} only", spoiled(name, by(client)))
    if declares(name, "ServiceUnavailable"):
        provoke(name, "ServiceUnavailable", "PostgreSQL does not answer",
                CALLS[name], meanwhile="away", engine="postgres")
    if declares(name, "FailedDependency"):
        provoke(name, "FailedDependency", "the directory the user comes from does not answer",
                by_dora(name), meanwhile="unreachable")
    if name not in OF_NO_ITEM:
        provoke(name, "UnauthorizedResourceAccess", "the item never was",
                spoiled(name, of_unknown_item))
        provoke(name, "UnauthorizedResourceAccess", "the item is not shared with the user",
                spoiled(name, by("as_bob")))
    if declares(name, "ConcurrentModification"):
        provoke(name, "ConcurrentModification", "another session holds the item for long",
                CALLS[name], meanwhile="held")
    elif not reads(name) and declares(name, "ServiceUnavailable"):
        provoke(name, "ServiceUnavailable", "another program holds the SQLite database for long",
                CALLS[name], meanwhile="locked", engine="sqlite")

for name in USER_ADMINISTRATION:
    provoke(name, "UnauthorizedOperation", "the user is no administrator",
            spoiled(name, by("as_bob")))

for name in OF_NOTIFICATIONS:
    provoke(name, "UnauthorizedResourceAccess", "the user is no administrator",
            spoiled(name, by("as_bob")))

for name in BEYOND_A_VIEWER:
    provoke(name, "UnauthorizedOperation", "the user is a viewer of the item",
            spoiled(name, by_viewer))

for name in NOT_IN_A_RECYCLE_BIN:
    error = declared(name, "ProhibitedState", "UnauthorizedOperation")
    provoke(name, error, "the item is recycled", spoiled(name, in_recycle_bin))
    provoke(name, error, "a folder above the item is recycled",
            spoiled(name, below_recycled_folder))

for name in OF_A_VERSION:
    provoke(name, "EntityNotExists", "the version never was", spoiled(name, of_unknown_version))
    provoke(name, "EntityNotExists", "the version is another document's",
            spoiled(name, of_version_elsewhere))

for name in OF_A_USER:
    provoke(name, "EntityNotExists", "the user never was", spoiled(name, of_unknown_user))

for name in CALLS:
    if declares(name, "InvalidArgument") and name not in ("GetDocument", "GetFolder"):
        if reads(name):
            provoke(
                name, "InvalidArgument", "the Marker is made up",
                spoiled(name, lambda world, attempt: with_members(attempt, Marker="made-up")),
            )
            provoke(
                name, "InvalidArgument", "the Limit is 0",
                spoiled(name, lambda world, attempt: replace(
                    with_members(attempt, Limit=0),
                    client=world.as_ann_unchecked if name in OF_ONESELF else world.unchecked,
                )),
            )
