"""Calls that nobody planned, from several callers, one after the other and many at once.

Whatever was called: no answer is the server's fault, what was promised is there, the data verifies
and everybody pays for exactly what they keep. DOCHARBOR_FUZZ_SEED and DOCHARBOR_FUZZ_STEPS choose
another walk, or a longer one.
"""

import collections
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests
from botocore import xform_name
from botocore.exceptions import ClientError

from client import MODEL, status_of
from site_story import PASSWORD, Person
from waiting import until

SEED = int(os.environ.get("DOCHARBOR_FUZZ_SEED", "20260722"))
STEPS = int(os.environ.get("DOCHARBOR_FUZZ_STEPS", "3000"))
SECONDS_MAX = 50 * max(1, STEPS / 3000)
THREADS = 6
# So many steps come by every operation.
STEPS_FOR_ALL = 2900
TRACE_MAX = 40

# Few, so that they meet.
NAMES = ["a", "b", "c", "A", "plan.txt", "plän 🎉", "../x"]
LABELS = ["red", "green", "blue", "a b", "x=y"]
SIZES = [0, 1, 100, 5_000, 70_000]
ROLES = ["VIEWER", "CONTRIBUTOR", "COOWNER", "OWNER"]
PUT_ANSWERS = {200, 400, 403, 404, 409, 413}
DOWNLOAD_ANSWERS = {200, 403, 404}
RESOURCE_MEMBERS = ["FolderId", "DocumentId", "ResourceId", "ParentFolderId", "Id"]
ACTIONS, WALKED = [], set()


@dataclass
class Version:
    """What a version is charged with, as far as those who uploaded it know."""

    document: str
    size: int
    is_declared: bool
    has_arrived: bool = False
    was_active: bool = False
    is_aborted: bool = False

    @property
    def charge(self):
        return self.size if not self.is_aborted and (self.is_declared or self.has_arrived) else 0


class Ids:
    """Every id that was ever answered, also of what is long gone."""

    def __init__(self, site, people):
        self.site = site
        self.people = people
        self.roots = [person.root for person in people]
        self.folders = [*self.roots, *(person.recycle_bin for person in people)]
        self.users = [person.id for person in people]
        self.passing_users = []
        self.documents, self.versions, self.drafts, self.comments = [], [], [], []
        self.documents_cut, self.gone = [], set()
        self.book = {}


class Walk:
    """One caller after the other, each with the next call that chance gives them."""

    def __init__(self, ids, clients, seed, is_alone):
        self.ids, self.clients, self.is_alone = ids, clients, is_alone
        self.random = random.Random(seed)
        self.seed, self.step = seed, 0
        self.admin = clients["admin"]
        self.trace = collections.deque(maxlen=TRACE_MAX)
        self.succeeded = collections.Counter()

    def run(self, steps, deadline):
        actions, weights = zip(*ACTIONS)
        try:
            while self.step < steps and time.monotonic() < deadline:
                self.step += 1
                self.random.choices(actions, weights)[0](self)
        except Exception as error:
            trace = "\n".join(self.trace)
            raise AssertionError(
                f"{error!r}\nin step {self.step} of the walk with DOCHARBOR_FUZZ_SEED={SEED} "
                f"(this thread's own: {self.seed}), after\n{trace}"
            ) from error

    def anybody(self):
        return self.random.choices(["admin", "ann", "bob", "guest"], [3, 5, 4, 1])[0]

    def chance(self, share):
        return self.random.random() < share

    def one_of(self, things):
        return self.random.choice(things)

    def some(self, things, most):
        return self.random.sample(things, self.random.randint(1, most))

    def recent(self, things, made_up="A1b2c3d4"):
        """One of what has ever been there, the latest and what is still there before others; now
        and then a made-up one."""
        if not things or self.chance(0.03):
            return made_up
        for _ in range(6):
            back = min(int(self.random.expovariate(0.1)), len(things) - 1)
            thing = self.one_of(things) if self.chance(0.4) else things[-1 - back]
            if resource_of(thing) not in self.ids.gone:
                break
        return thing

    def folder(self):
        if self.chance(0.35):
            return self.one_of(self.ids.roots)
        return self.recent(self.ids.documents if self.chance(0.02) else self.ids.folders)

    def document(self):
        return self.recent(self.ids.folders if self.chance(0.02) else self.ids.documents)

    def version(self):
        """A document and one of its versions, or one of another's."""
        document, version = self.recent(self.ids.versions, ("A1b2c3d4", "A1b2c3d4"))
        if self.chance(0.03):
            document = self.document()
        return {"DocumentId": document, "VersionId": version}

    def draft(self):
        """A version that was begun not long ago, with where to send its bytes."""
        return self.recent(self.ids.drafts, None)

    def resource(self):
        return self.folder() if self.chance(0.5) else self.document()

    def name(self):
        return self.one_of(NAMES)

    def entries(self, most):
        """Custom metadata with a few of a dozen keys."""
        keys = self.some([f"key{number}" for number in range(12)], most)
        return {key: self.one_of(LABELS) for key in keys}

    def call(self, operation, who=None, **members):
        """Makes a call; its answer, or nothing if it was refused as the operation may."""
        who = who or self.anybody()
        said = f"{self.step}: {who} {operation} {shortened(members)}"
        try:
            answer = getattr(self.clients[who], xform_name(operation))(**members)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        else:
            self.trace.append(f"{said} -> done")
            self.succeeded[operation] += 1
            return answer
        self.trace.append(f"{said} -> {status} {code}")
        self.note_what_is_gone(who, code, members)
        assert code in refusals_of(operation), self.trace[-1]
        assert status == status_of(code) < 500, self.trace[-1]
        return None

    def note_what_is_gone(self, who, code, members):
        """What not even an administrator sees is gone."""
        named = [members[name] for name in RESOURCE_MEMBERS if name in members]
        if (who, code) == ("admin", "UnauthorizedResourceAccessException") and len(named) == 1:
            self.ids.gone.update(named)

    def seen(self, resource):
        """A folder's or document's metadata, labels and custom metadata as the administrator's."""
        if resource in self.ids.documents:
            answer = self.admin.get_document(DocumentId=resource, IncludeCustomMetadata=True)
        else:
            answer = self.admin.get_folder(FolderId=resource, IncludeCustomMetadata=True)
        return answer["Metadata"] | {"CustomMetadata": answer.get("CustomMetadata", {})}


def resource_of(thing):
    """The folder or document that an id, or what an id stands in, belongs to."""
    if isinstance(thing, tuple):
        return thing[0]["DocumentId"] if isinstance(thing[0], dict) else thing[0]
    return thing


def shortened(members):
    return " ".join(f"{name}={str(value)[:80]}" for name, value in members.items())


def refusals_of(operation):
    declared = {error.name for error in MODEL.operation_model(operation).error_shapes}
    return declared | {"ValidationException"}


def action(weight, *operations):
    """Makes a function a step of the walks."""
    def register(function):
        ACTIONS.append((function, weight))
        WALKED.update(operations)
        return function

    return register


@action(9, "CreateFolder")
def create_folder(walk):
    parent, name = walk.folder(), walk.name()
    answer = walk.call("CreateFolder", ParentFolderId=parent, Name=name)
    if answer:
        folder = answer["Metadata"]["Id"]
        walk.ids.folders.append(folder)
        if walk.is_alone:
            seen = walk.seen(folder)
            assert (seen["Name"], seen["ParentFolderId"]) == (name, parent)
            assert seen["ResourceState"] == "ACTIVE"


@action(9, "InitiateDocumentVersionUpload")
def begin_a_document(walk):
    begin(walk, ParentFolderId=walk.folder(), Name=walk.name())


@action(8, "InitiateDocumentVersionUpload")
def begin_a_version(walk):
    name = {"Name": walk.name()} if walk.chance(0.5) else {}
    begin(walk, Id=walk.document(), **name)


def begin(walk, **members):
    size, is_declared = walk.one_of(SIZES), walk.chance(0.6)
    if is_declared:
        members["DocumentSizeInBytes"] = size
    answer = walk.call("InitiateDocumentVersionUpload", **members)
    if answer is None:
        return
    document = answer["Metadata"]["Id"]
    version = answer["Metadata"]["LatestVersionMetadata"]["Id"]
    walk.ids.book[version] = Version(document, size, is_declared)
    if document not in walk.ids.documents:
        walk.ids.documents.append(document)
    walk.ids.versions.append((document, version))
    draft = (document, version, answer["UploadMetadata"]["UploadUrl"])
    walk.ids.drafts.append(draft)
    if walk.is_alone:
        ids = {"DocumentId": document, "VersionId": version}
        seen = walk.admin.get_document_version(**ids)["Metadata"]
        assert seen["Status"] == "INITIALIZED"
    if walk.chance(0.6):
        send_the_bytes(walk, draft)
    if walk.chance(0.6):
        activate(walk, draft)


def bytes_of(version, size):
    """What is uploaded as a version, so that everybody knows it."""
    return (version.encode() * (size // len(version) + 1))[:size]


@action(9, "InitiateDocumentVersionUpload")
def send_the_bytes(walk, draft=None):
    draft = draft or walk.draft()
    if draft is None:
        return
    _, version, url = draft
    known = walk.ids.book[version]
    content = bytes_of(version, known.size)
    is_wrong = known.is_declared and walk.chance(0.15)
    answer = requests.put(url, data=content + b"x" if is_wrong else content, timeout=30)
    walk.trace.append(f"{walk.step}: PUT {version[:16]} {is_wrong=} -> {answer.status_code}")
    assert answer.status_code in PUT_ANSWERS - ({200} if is_wrong else set()), answer.text
    if answer.status_code == 200:
        known.has_arrived = True


@action(9, "UpdateDocumentVersion")
def activate(walk, draft=None):
    ids = ids_of(walk, draft or walk.draft())
    answer = walk.call("UpdateDocumentVersion", **ids, VersionStatus="ACTIVE")
    if answer:
        known = walk.ids.book[ids["VersionId"]]
        known.was_active = True
        if walk.is_alone:
            seen = walk.admin.get_document_version(**ids, Fields="SOURCE")["Metadata"]
            assert (seen["Status"], seen["Size"]) == ("ACTIVE", known.size)
            content = requests.get(seen["Source"]["ORIGINAL"], timeout=30).content
            assert content == bytes_of(ids["VersionId"], known.size)


def ids_of(walk, draft):
    """A draft's ids, or now and then those of whatever version."""
    if draft is None or walk.chance(0.1):
        return walk.version()
    return {"DocumentId": draft[0], "VersionId": draft[1]}


@action(2, "AbortDocumentVersionUpload")
def abort(walk):
    ids = ids_of(walk, walk.draft())
    if walk.call("AbortDocumentVersionUpload", **ids):
        walk.ids.book[ids["VersionId"]].is_aborted = True
        is_gone(walk, "GetDocumentVersion", **ids)


def is_gone(walk, operation, **members):
    if walk.is_alone:
        answer = walk.call(operation, "admin", **members)
        assert answer is None, f"{operation} still finds {members}"


@action(4, "GetDocumentVersion")
def download(walk):
    ids = walk.version()
    answer = walk.call("GetDocumentVersion", **ids, Fields="SOURCE", IncludeCustomMetadata=True)
    if answer and "Source" in answer["Metadata"]:
        got = requests.get(answer["Metadata"]["Source"]["ORIGINAL"], timeout=30)
        assert got.status_code in ({200} if walk.is_alone else DOWNLOAD_ANSWERS)
        if got.status_code == 200:
            size = walk.ids.book[ids["VersionId"]].size
            assert got.content == bytes_of(ids["VersionId"], size)


@action(2, "GetFolder", "GetFolderPath")
def look_at_a_folder(walk):
    folder = walk.folder()
    walk.call("GetFolder", FolderId=folder, IncludeCustomMetadata=walk.chance(0.5))
    walk.call("GetFolderPath", FolderId=folder, Fields="NAME", Limit=walk.one_of([1, 2, 999]))


@action(2, "GetDocument", "GetDocumentPath")
def look_at_a_document(walk):
    document = walk.document()
    walk.call("GetDocument", DocumentId=document, IncludeCustomMetadata=walk.chance(0.5))
    walk.call("GetDocumentPath", DocumentId=document, Fields="NAME")


@action(4, "DescribeFolderContents")
def list_a_folder(walk):
    members = {
        "FolderId": walk.folder(),
        "Sort": walk.one_of(["DATE", "NAME"]),
        "Order": walk.one_of(["ASCENDING", "DESCENDING"]),
        "Type": walk.one_of(["ALL", "DOCUMENT", "FOLDER"]),
        "Limit": walk.one_of([1, 3, 999]),
    }
    if walk.chance(0.3):
        members["Include"] = "INITIALIZED"
    page_on(walk, "DescribeFolderContents", members)


def page_on(walk, operation, members):
    """The first two pages of a list."""
    who = walk.anybody()
    answer = walk.call(operation, who, **members)
    if answer and "Marker" in answer:
        walk.call(operation, who, **members, Marker=answer["Marker"])


@action(2, "DescribeDocumentVersions")
def list_versions(walk):
    include = {"Include": "INITIALIZED"} if walk.chance(0.3) else {}
    members = {"DocumentId": walk.document(), "Limit": walk.one_of([1, 2, 999])}
    page_on(walk, "DescribeDocumentVersions", members | include)


@action(1, "DescribeUsers")
def list_users(walk):
    walk.call(
        "DescribeUsers", OrganizationId=walk.ids.site.server.organization_id,
        Include=walk.one_of(["ALL", "ACTIVE_PENDING"]), Fields="STORAGE_METADATA",
    )


@action(1, "DescribeGroups")
def list_groups(walk):
    walk.call(
        "DescribeGroups", SearchQuery=walk.one_of(["g", "e", "a b"]), Limit=walk.one_of([1, 999])
    )


@action(1, "GetCurrentUser")
def look_at_oneself(walk):
    walk.call("GetCurrentUser", who=walk.one_of(["ann", "bob", "guest"]))


@action(1, "DescribeRootFolders")
def look_at_ones_roots(walk):
    who = walk.one_of(["ann", "bob", "guest"])
    walk.call("DescribeRootFolders", who=who, Limit=walk.one_of([1, 999]))


@action(1, "DescribeUsers")
def look_at_users(walk):
    walk.call("DescribeUsers", UserIds=walk.recent([*walk.ids.users, *walk.ids.passing_users]))


@action(2, "DeleteDocument")
def delete_a_document(walk):
    document = walk.document()
    if walk.call("DeleteDocument", DocumentId=document):
        is_gone(walk, "GetDocument", DocumentId=document)


@action(2, "DeleteFolder")
def delete_a_folder(walk):
    folder = walk.folder()
    if walk.call("DeleteFolder", FolderId=folder):
        is_gone(walk, "GetFolder", FolderId=folder)


@action(1, "DeleteFolderContents")
def empty_a_folder(walk):
    folder = walk.folder()
    if walk.call("DeleteFolderContents", FolderId=folder) and walk.is_alone:
        left = walk.admin.describe_folder_contents(FolderId=folder, Include="INITIALIZED")
        assert (left["Folders"], left["Documents"]) == ([], [])


@action(8, "UpdateFolder")
def change_a_folder(walk):
    change(walk, "UpdateFolder", walk.folder(), "FolderId")


@action(8, "UpdateDocument")
def change_a_document(walk):
    change(walk, "UpdateDocument", walk.document(), "DocumentId")


def change(walk, operation, resource, member):
    """Renames, moves, recycles, restores, or several of these at once."""
    changes = {}
    if walk.chance(0.5):
        changes["Name"] = walk.name()
    if walk.chance(0.4):
        changes["ParentFolderId"] = walk.folder()
    if walk.chance(0.3):
        changes["ResourceState"] = "ACTIVE"
    if walk.chance(0.15):
        changes = {"ResourceState": "RECYCLED"}
    if walk.call(operation, **{member: resource}, **changes) is None or not walk.is_alone:
        return
    seen = walk.seen(resource)
    seen.setdefault("Name", seen.get("LatestVersionMetadata", {}).get("Name"))
    for name, value in changes.items():
        assert seen[name] == value, f"{name} is {seen[name]}"


@action(6, "AddResourcePermissions", "DescribeResourcePermissions")
def share(walk):
    resource, principals = walk.resource(), principals_of(walk)
    answer = walk.call("AddResourcePermissions", ResourceId=resource, Principals=principals)
    if answer is None:
        return
    results = answer["ShareResults"]
    assert [one["PrincipalId"] for one in results] == [one["Id"] for one in principals]
    if walk.is_alone:
        wanted = {
            one.get("InviteePrincipalId") or one["PrincipalId"]: given["Role"]
            for one, given in zip(results, principals) if one["Status"] == "SUCCESS"
        }
        for principal, role in wanted.items():
            assert role in direct_roles(walk, resource, principal), f"{principal} has not {role}"


def principals_of(walk):
    people = [{"Id": user, "Type": "USER"} for user in walk.ids.users + walk.ids.passing_users[-1:]]
    others = [
        {"Id": walk.ids.site.server.organization_id, "Type": "ORGANIZATION"},
        {"Id": "anonymous", "Type": "ANONYMOUS"},
        {"Id": walk.one_of(["guest1@example.com", "guest2@example.com"]), "Type": "INVITE"},
        {"Id": "A1b2c3d4", "Type": walk.one_of(["USER", "GROUP"])},
    ]
    return [
        one | {"Role": walk.random.choices(ROLES, [5, 5, 3, 1])[0]}
        for one in walk.some([*people, *people, *others], 3)
    ]


def direct_roles(walk, resource, principal=None):
    """The roles given on the resource itself, to one principal or to all."""
    chosen = {"PrincipalId": principal} if principal else {}
    answer = walk.admin.describe_resource_permissions(ResourceId=resource, **chosen)
    return [
        role["Role"] for one in answer["Principals"] for role in one["Roles"]
        if role["Type"] == "DIRECT"
    ]


@action(2, "RemoveResourcePermission", "DescribeResourcePermissions")
def unshare(walk):
    resource = walk.resource()
    principal = walk.one_of([*walk.ids.users, "anonymous", walk.ids.site.server.organization_id])
    removed = walk.call("RemoveResourcePermission", ResourceId=resource, PrincipalId=principal)
    if removed and walk.is_alone:
        assert direct_roles(walk, resource, principal) == []


@action(0.5, "RemoveAllResourcePermissions", "DescribeResourcePermissions")
def unshare_with_all(walk):
    resource = walk.resource()
    if walk.call("RemoveAllResourcePermissions", ResourceId=resource) and walk.is_alone:
        assert set(direct_roles(walk, resource)) <= {"OWNER"}


@action(2, "DescribeResourcePermissions")
def list_permissions(walk):
    members = {"ResourceId": walk.resource(), "Limit": walk.one_of([1, 2, 999])}
    page_on(walk, "DescribeResourcePermissions", members)


@action(1, "GetResources")
def list_what_is_shared(walk):
    members = {"UserId": walk.one_of(walk.ids.users), "Limit": walk.one_of([1, 2, 999])}
    page_on(walk, "GetResources", members)


@action(3, "CreateLabels")
def label(walk):
    resource, labels = walk.resource(), walk.some(LABELS, 3)
    if walk.call("CreateLabels", ResourceId=resource, Labels=labels) and walk.is_alone:
        assert set(labels) <= set(walk.seen(resource)["Labels"])


@action(2, "DeleteLabels")
def unlabel(walk):
    resource, labels = walk.resource(), walk.some(LABELS, 3)
    chosen = {"DeleteAll": True} if walk.chance(0.3) else {"Labels": labels}
    if walk.call("DeleteLabels", ResourceId=resource, **chosen) and walk.is_alone:
        left = walk.seen(resource).get("Labels", [])
        assert not left if "DeleteAll" in chosen else not set(labels) & set(left)


@action(3, "CreateCustomMetadata")
def annotate(walk):
    resource, entries = walk.resource(), walk.entries(3)
    call = {"ResourceId": resource, "CustomMetadata": entries}
    if walk.call("CreateCustomMetadata", **call) and walk.is_alone:
        assert walk.seen(resource)["CustomMetadata"].items() >= entries.items()


@action(2, "CreateCustomMetadata")
def annotate_a_version(walk):
    ids, entries = walk.version(), walk.entries(2)
    call = {"ResourceId": ids["DocumentId"], "VersionId": ids["VersionId"]}
    if walk.call("CreateCustomMetadata", **call, CustomMetadata=entries) and walk.is_alone:
        answer = walk.admin.get_document_version(**ids, IncludeCustomMetadata=True)
        assert answer["CustomMetadata"].items() >= entries.items()


@action(2, "DeleteCustomMetadata")
def unannotate(walk):
    resource, keys = walk.resource(), list(walk.entries(3))
    chosen = {"DeleteAll": True} if walk.chance(0.3) else {"Keys": keys}
    if walk.call("DeleteCustomMetadata", ResourceId=resource, **chosen) and walk.is_alone:
        left = walk.seen(resource)["CustomMetadata"].keys()
        assert not left if "DeleteAll" in chosen else not set(keys) & left


@action(4, "CreateComment", "DescribeComments")
def comment(walk):
    ids, members = walk.version(), {"Text": walk.name()}
    if walk.ids.comments and walk.chance(0.5):
        of, parent = walk.recent(walk.ids.comments, walk.ids.comments[0])
        ids, members = (of if walk.chance(0.9) else ids), members | {"ParentId": parent}
    if walk.chance(0.3):
        members["Visibility"] = walk.one_of(["PUBLIC", "PRIVATE"])
    answer = walk.call("CreateComment", **ids, **members)
    if answer:
        made = answer["Comment"]["CommentId"]
        walk.ids.comments.append((ids, made))
        if walk.is_alone:
            assert made in comments_of(walk, ids)


def comments_of(walk, ids):
    pages = walk.admin.get_paginator("describe_comments").paginate(**ids)
    return {one["CommentId"]: one for page in pages for one in page["Comments"]}


@action(2, "DeleteComment", "DescribeComments")
def uncomment(walk):
    if walk.ids.comments:
        ids, made = walk.recent(walk.ids.comments, walk.ids.comments[0])
        if walk.call("DeleteComment", **ids, CommentId=made) and walk.is_alone:
            left = comments_of(walk, ids).get(made, {"Status": "DELETED"})
            assert left["Status"] == "DELETED" and "Text" not in left


@action(2, "DescribeComments")
def list_comments(walk):
    ids = walk.recent(walk.ids.comments, (walk.version(), None))[0]
    page_on(walk, "DescribeComments", ids | {"Limit": walk.one_of([1, 999])})


@action(5, "DeleteDocumentVersion", "DescribeDocumentVersions")
def delete_a_version(walk):
    ids, with_prior = dispensable(walk), walk.chance(0.3)
    answer = walk.call("DeleteDocumentVersion", **ids, DeletePriorVersions=with_prior)
    if answer:
        walk.ids.documents_cut.append(ids["DocumentId"])
        if walk.is_alone:
            assert ids["VersionId"] not in versions_of(walk.admin, ids["DocumentId"])


def dispensable(walk):
    """A version that is perhaps not its document's only one."""
    active = [version for version in list(walk.ids.book.items()) if version[1].was_active]
    count = collections.Counter(known.document for _, known in active)
    spare = [(known.document, version) for version, known in active if count[known.document] > 1]
    if not spare or walk.chance(0.2):
        return walk.version()
    document, version = walk.recent(spare, spare[0])
    return {"DocumentId": document, "VersionId": version}


def versions_of(admin, document):
    pages = admin.get_paginator("describe_document_versions").paginate(
        DocumentId=document, Include="INITIALIZED"
    )
    return {one["Id"]: one for page in pages for one in page["DocumentVersions"]}


@action(3, "RestoreDocumentVersions", "DescribeDocumentVersions")
def restore_versions(walk):
    document = walk.recent(walk.ids.documents_cut)
    if walk.call("RestoreDocumentVersions", DocumentId=document) and walk.is_alone:
        there = versions_of(walk.admin, document)
        for version, known in walk.ids.book.items():
            assert known.document != document or not known.was_active or version in there


@action(1, "UpdateUser")
def change_a_quota(walk):
    rule = walk.one_of([
        {"StorageType": "UNLIMITED"},
        {"StorageType": "QUOTA", "StorageAllocatedInBytes": walk.one_of([1_000, 200_000])},
        {"StorageType": "UNLIMITED"},
    ])
    walk.call("UpdateUser", UserId=walk.one_of(walk.ids.users), StorageRule=rule)


@action(0.5, "DeactivateUser", "ActivateUser")
def turn_a_user_away_and_let_them_in_again(walk):
    user = walk.one_of(walk.ids.users)
    walk.call("DeactivateUser", "admin", UserId=user)
    look_at_a_folder(walk)
    walk.call("ActivateUser", "admin", UserId=user)


@action(1, "CreateNotificationSubscription", "DescribeNotificationSubscriptions",
        "DeleteNotificationSubscription")
def subscribe_and_think_better_of_it(walk):
    organization = {"OrganizationId": walk.ids.site.server.organization_id}
    made = walk.call(
        "CreateNotificationSubscription", walk.one_of(["admin", "ann"]),
        Endpoint="https://localhost:9/", Protocol="HTTPS", SubscriptionType="ALL", **organization,
    )
    walk.call("DescribeNotificationSubscriptions", Limit=walk.one_of([1, 999]), **organization)
    if made:
        walk.call(
            "DeleteNotificationSubscription", "admin",
            SubscriptionId=made["Subscription"]["SubscriptionId"], **organization,
        )


@action(2, "DescribeActivities")
def look_at_what_happened(walk):
    members = walk.one_of([{}, {"ResourceId": walk.one_of(walk.ids.folders)}])
    walk.call(
        "DescribeActivities", OrganizationId=walk.ids.site.server.organization_id,
        IncludeIndirectActivities=walk.chance(0.5), Limit=walk.one_of([1, 100]), **members,
    )


@action(2, "SearchResources")
def search_for_a_name(walk):
    walk.call(
        "SearchResources", OrganizationId=walk.ids.site.server.organization_id,
        QueryText=walk.one_of(NAMES), Limit=walk.one_of([1, 100]),
    )


@action(0.7, "CreateUser")
def take_on_a_user(walk):
    answer = walk.call(
        "CreateUser", walk.one_of(["admin", "admin", "ann"]),
        OrganizationId=walk.ids.site.server.organization_id,
        Username=walk.ids.site.name("passing"), GivenName="P", Surname="S", Password=PASSWORD,
    )
    if answer:
        walk.ids.passing_users.append(answer["User"]["Id"])
        walk.ids.folders.append(answer["User"]["RootFolderId"])


@action(0.7, "DeleteUser")
def dismiss_a_user(walk):
    if walk.ids.passing_users:
        user = walk.recent(walk.ids.passing_users)
        if walk.call("DeleteUser", walk.one_of(["admin", "admin", "bob"]), UserId=user):
            is_gone(walk, "ActivateUser", UserId=user)


@pytest.fixture
def ids(make_site):
    """A new site with three people who share it, one of them a guest."""
    site = make_site()
    people = [site.person(), site.person()]
    return Ids(site, [*people, guest_of(site, people[0])])


def guest_of(site, host):
    """Somebody from outside who was invited to see a folder."""
    invited = {"Id": "guest@example.com", "Type": "INVITE", "Role": "VIEWER"}
    answer = site.admin.add_resource_permissions(
        ResourceId=site.folder(host.root), Principals=[invited]
    )
    guest = answer["ShareResults"][0]["InviteePrincipalId"]
    return Person(site, site.admin.activate_user(UserId=guest)["User"])


def clients_of(ids):
    people = dict(zip(("ann", "bob", "guest"), ids.people))
    clients = {name: person.client() for name, person in people.items()}
    return clients | {"admin": ids.site.admin}


def ends_well(ids):
    """Everybody pays for what is in their tree, and the data keeps every invariant."""
    admin = ids.site.admin
    for person in ids.people:
        charge = sum(map(charge_of(ids), documents_below(admin, person)))
        until(
            f"{person.username} is charged with {charge}, not {used(admin, person)}",
            lambda: used(admin, person) == charge,
        )
    ids.site.server.stop()
    ids.site.server.verify()


def used(admin, person):
    users = admin.describe_users(UserIds=person.id, Fields="STORAGE_METADATA")["Users"]
    return users[0]["Storage"]["StorageUtilizedInBytes"]


def documents_below(admin, person):
    """Every document of a person's, wherever it lies, met once."""
    met, folders = [], [person.root, person.recycle_bin]
    for folder in folders:
        pages = admin.get_paginator("describe_folder_contents").paginate(
            FolderId=folder, Include="INITIALIZED"
        )
        for page in pages:
            folders += [one["Id"] for one in page["Folders"]]
            met += [one["Id"] for one in page["Documents"]]
    assert len(set(folders)) == len(folders) and len(set(met)) == len(met)
    return met


def charge_of(ids):
    """What a document's owner pays for all its versions, the deleted ones too."""
    charges = collections.Counter()
    for version in ids.book.values():
        charges[version.document] += version.charge
    return charges.__getitem__


def walked(ids, walks):
    """Goes all the walks at once, and looks at what they leave."""
    print(f"again: DOCHARBOR_FUZZ_SEED={SEED} DOCHARBOR_FUZZ_STEPS={STEPS}")
    deadline = time.monotonic() + SECONDS_MAX
    with ThreadPoolExecutor(len(walks)) as threads:
        going = [threads.submit(walk.run, STEPS // len(walks), deadline) for walk in walks]
    for walk in going:
        walk.result()
    ends_well(ids)


def test_no_call_of_a_long_walk_fails_and_every_promise_of_it_is_kept(ids):
    walk = Walk(ids, clients_of(ids), SEED, is_alone=True)
    walked(ids, [walk])
    if walk.step >= STEPS_FOR_ALL:
        assert WALKED <= set(walk.succeeded), f"never once: {WALKED - set(walk.succeeded)}"


def test_no_call_of_many_walks_at_once_fails_and_the_data_stays_whole(ids):
    clients = clients_of(ids)
    walked(ids, [
        Walk(ids, clients, f"{SEED} {number}", is_alone=False) for number in range(THREADS)
    ])


def test_a_walk_knows_every_operation_that_changes_anything():
    looking = ("Get", "Describe", "Search")
    changing = {name for name in MODEL.operation_names if not name.startswith(looking)}
    assert changing <= WALKED
