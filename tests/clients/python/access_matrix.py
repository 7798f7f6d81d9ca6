"""The table of who may do what, and what it takes to try each of its cells against a server."""

import pathlib
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from botocore import xform_name
from botocore.exceptions import ClientError

from client import MODEL, status_of, workdocs
from server import NOBODY_ENDPOINT
from site_story import PASSWORD, Person

PATH = pathlib.Path(__file__).parents[1] / "access.txt"
ACTORS = [
    "administrator", "owner", "coowner", "contributor", "viewer", "guest", "stranger", "inactive",
    "other", "anonymous",
]
STATES = ["own", "shared", "inherited", "public", "recycled", "deleted"]
SITE = ["site"]
# A cell that says so is not tried: there is no such case.
IMPOSSIBLE = "-"
DONE = ("ok", "bare")
CODES = {
    "role": "UnauthorizedOperationException",
    "hidden": "UnauthorizedResourceAccessException",
    "state": "ProhibitedStateException",
    "missing": "EntityNotExistsException",
    "token": "UnrecognizedClientException",
    "login": "MissingAuthenticationTokenException",
}
WORDS = {code: word for word, code in CODES.items()}

GRANTS = {
    "coowner": "COOWNER", "contributor": "CONTRIBUTOR", "viewer": "VIEWER", "guest": "VIEWER",
    "inactive": "COOWNER",
}
# What a resource can have besides itself. A document has a second version in any case.
EVERYTHING = frozenset(
    ["draft", "deleted version", "comment", "label", "metadata", "version's metadata", "grant"]
)


def read_table(path=PATH):
    """The sections of the table by their titles, each a dictionary of (actor, state) to outcome."""
    sections, rows = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("["):
            title = line.strip("[]")
            assert title not in sections, f"{title} stands twice in {path.name}"
            rows = sections[title] = []
        elif line.strip() and not line.startswith("#"):
            rows.append(line.split())
    return {title: cells_of(title, rows) for title, rows in sections.items()}


def cells_of(title, rows):
    states, *lines = rows
    assert states in (STATES, SITE), f"{title} has the columns {states}"
    assert [line[0] for line in lines] == ACTORS, f"{title} has the rows of other actors"
    cells = {}
    for actor, *words in lines:
        assert len(words) == len(states), f"{title}: {actor} has {len(words)} cells"
        cells |= {(actor, state): word for state, word in zip(states, words)}
    unknown = set(cells.values()) - {IMPOSSIBLE, *DONE, *CODES}
    assert not unknown, f"{title} has outcomes that mean nothing: {unknown}"
    return cells


def operation_of(title):
    return title.partition(":")[0]


@dataclass
class Item:
    """A folder, a document or a user that calls are made about."""

    kind: str
    id: str
    name: str = None
    latest: str = None
    older: str = None
    draft: str = None
    comment: str = None


@dataclass(frozen=True)
class Turn:
    """One actor's call about one item."""

    world: "World"
    actor: str
    item: Item
    tree: str

    @property
    def document(self):
        return {"DocumentId": self.item.id}

    @property
    def folder(self):
        return {"FolderId": self.item.id}

    @property
    def resource(self):
        return {"ResourceId": self.item.id}

    @property
    def user(self):
        return {"UserId": self.item.id}

    @property
    def latest(self):
        return self.document | {"VersionId": self.item.latest}

    @property
    def draft(self):
        return self.document | {"VersionId": self.item.draft}

    @property
    def organization(self):
        return {"OrganizationId": self.world.site.server.organization_id}

    @property
    def target(self):
        """A folder of the same tree to which everybody with a role may move things."""
        return {"ParentFolderId": self.world.target(self.tree)}

    @property
    def me(self):
        """The actor as a principal; who is none of this site stands in for the viewer."""
        person = self.world.people.get(self.actor, self.world.people["viewer"])
        return {"PrincipalId": person.id}


@dataclass(frozen=True)
class Case:
    """How an operation is called for one section of the table."""

    kind: str
    members: Callable
    needs: tuple = ()
    changes: bool = True
    # The actor has begun a draft or written a comment, so nobody else can take the turn.
    mine: str = None
    word: Callable = lambda answer: "ok"


def shared(answer):
    """The outcome of a share, whose refusals stand inside the answer."""
    return "ok" if answer["ShareResults"][0]["Status"] == "SUCCESS" else "FAILURE"


def downloadable(answer):
    return "ok" if "ORIGINAL" in answer["Metadata"].get("Source", {}) else "bare"


def reads(kind, members, **others):
    return Case(kind, members, changes=False, **others)


def both_kinds(title, members, **others):
    """One section about documents and one about folders."""
    title += "," if ":" in title else ":"
    return {
        f"{title} of a {kind}": Case(kind, members, **others)
        for kind in ("document", "folder")
    }


def updates(operation, kind):
    """What one call can do to a folder or a document."""
    identity = f"{kind.capitalize()}Id"
    state = {"recycle": "RECYCLED", "restore": "ACTIVE"}
    return {
        f"{operation}: rename": Case(
            kind, lambda t: {identity: t.item.id, "Name": t.world.site.name("renamed")}
        ),
        f"{operation}: move": Case(kind, lambda t: {identity: t.item.id} | t.target),
    } | {
        f"{operation}: {verb}": Case(
            kind, lambda t, state=state: {identity: t.item.id, "ResourceState": state}
        )
        for verb, state in state.items()
    }


def drafts(operation, **members):
    return {
        f"{operation}: of a draft that somebody else began": Case(
            "document", lambda t: t.draft | members, needs=("draft",)
        ),
        f"{operation}: of a draft that the actor began": Case(
            "document", lambda t: t.draft | members, needs=("draft",), mine="draft"
        ),
    }


def upload(t, **members):
    return members | {"ContentType": "text/plain"}


def new_user(t):
    return t.organization | {
        "Username": t.world.site.name("made"), "GivenName": "Made", "Surname": "Here",
        "Password": PASSWORD,
    }


def subscribed(t):
    """A subscription that is there to be deleted."""
    made = t.world.site.admin.create_notification_subscription(
        **t.organization, Endpoint=NOBODY_ENDPOINT, Protocol="HTTPS", SubscriptionType="ALL"
    )
    return made["Subscription"]["SubscriptionId"]


def comment(t):
    return t.latest | {"CommentId": t.item.comment}


METADATA = {"CustomMetadata": {"key": "value of the call"}}
BYSTANDER = {"Type": "USER", "Role": "CONTRIBUTOR"}

CASES = {
    **drafts("AbortDocumentVersionUpload"),
    "ActivateUser": Case("user", lambda t: t.user),
    **both_kinds(
        "AddResourcePermissions",
        lambda t: t.resource | {"Principals": [BYSTANDER | {"Id": t.world.bystander.id}]},
        word=shared,
    ),
    "CreateComment": Case("document", lambda t: t.latest | {"Text": "of the call"}),
    **both_kinds("CreateCustomMetadata", lambda t: t.resource | METADATA),
    "CreateCustomMetadata: of a version": Case(
        "document", lambda t: t.resource | METADATA | {"VersionId": t.item.latest}
    ),
    "CreateFolder": Case(
        "folder", lambda t: {"ParentFolderId": t.item.id, "Name": t.world.site.name("made")}
    ),
    **both_kinds("CreateLabels", lambda t: t.resource | {"Labels": ["call"]}),
    "CreateNotificationSubscription": Case("user", lambda t: t.organization | {
        "Endpoint": NOBODY_ENDPOINT, "Protocol": "HTTPS", "SubscriptionType": "ALL",
    }),
    "CreateUser": Case("user", new_user),
    "DeactivateUser": Case("user", lambda t: t.user),
    "DeleteComment: somebody else's": Case("document", comment, needs=("comment",)),
    "DeleteComment: the actor's own": Case(
        "document", comment, needs=("comment",), mine="comment"
    ),
    **both_kinds(
        "DeleteCustomMetadata", lambda t: t.resource | {"Keys": ["key"]}, needs=("metadata",)
    ),
    "DeleteCustomMetadata: of a version": Case(
        "document", lambda t: t.resource | {"VersionId": t.item.latest, "DeleteAll": True},
        needs=("version's metadata",),
    ),
    "DeleteDocument": Case("document", lambda t: t.document),
    "DeleteDocumentVersion": Case("document", lambda t: t.document | {
        "VersionId": t.item.older, "DeletePriorVersions": False,
    }),
    "DeleteFolder": Case("folder", lambda t: t.folder),
    "DeleteFolderContents": Case("folder", lambda t: t.folder),
    **both_kinds("DeleteLabels", lambda t: t.resource | {"Labels": ["label"]}, needs=("label",)),
    "DeleteNotificationSubscription": Case("user", lambda t: t.organization | {
        "SubscriptionId": subscribed(t),
    }),
    "DeleteUser": Case("user", lambda t: t.user),
    "DescribeActivities": reads("user", lambda t: t.organization),
    "DescribeComments": reads("document", lambda t: t.latest),
    "DescribeDocumentVersions": reads("document", lambda t: t.document),
    "DescribeFolderContents": reads("folder", lambda t: t.folder),
    "DescribeGroups": reads("user", lambda t: t.organization | {"SearchQuery": "e"}),
    "DescribeNotificationSubscriptions": reads("user", lambda t: t.organization),
    **both_kinds("DescribeResourcePermissions", lambda t: t.resource, changes=False),
    "DescribeRootFolders": reads("user", lambda t: {}),
    "DescribeUsers": reads("user", lambda t: t.organization),
    "GetCurrentUser": reads("user", lambda t: {}),
    "GetDocument": reads("document", lambda t: t.document),
    "GetDocumentPath": reads("document", lambda t: t.document),
    "GetDocumentVersion: the latest": reads("document", lambda t: t.latest),
    "GetDocumentVersion: the latest, to download": reads(
        "document", lambda t: t.latest | {"Fields": "SOURCE"}, word=downloadable
    ),
    "GetDocumentVersion: an older one": reads(
        "document", lambda t: t.document | {"VersionId": t.item.older}
    ),
    "GetFolder": reads("folder", lambda t: t.folder),
    "GetFolderPath": reads("folder", lambda t: t.folder),
    "GetResources: the actor's own": reads("user", lambda t: {}),
    "GetResources: another user's": reads("user", lambda t: t.user),
    "InitiateDocumentVersionUpload: of a new document": Case(
        "folder", lambda t: upload(t, ParentFolderId=t.item.id, Name=t.world.site.name("made"))
    ),
    "InitiateDocumentVersionUpload: of a new version": Case(
        "document", lambda t: upload(t, Id=t.item.id)
    ),
    **both_kinds("RemoveAllResourcePermissions", lambda t: t.resource, needs=("grant",)),
    **both_kinds(
        "RemoveResourcePermission: somebody else's",
        lambda t: t.resource | {"PrincipalId": t.world.bystander.id}, needs=("grant",),
    ),
    **both_kinds("RemoveResourcePermission: the actor's own", lambda t: t.resource | t.me),
    "RestoreDocumentVersions": Case(
        "document", lambda t: t.document, needs=("deleted version",)
    ),
    "SearchResources": reads("user", lambda t: t.organization | {"QueryText": "e"}),
    **updates("UpdateDocument", "document"),
    **drafts("UpdateDocumentVersion", VersionStatus="ACTIVE"),
    **updates("UpdateFolder", "folder"),
    "UpdateUser": Case("user", lambda t: t.user | {"GivenName": "Changed"}),
}


def bearer(server, token):
    """A client that sends a token with every call, those too whose model has no member for it."""
    client = workdocs(server, key=None, validate=False)

    def with_token(params, **_):
        params["headers"]["Authentication"] = token

    client.meta.events.register("before-call.workdocs", with_token)
    return client


class World:
    """The actors on a server, and the resources they turn to."""

    def __init__(self, site, elsewhere, threads):
        self.site = site
        self.elsewhere = elsewhere
        self.threads = threads
        self.admin = workdocs(site.server, validate=False)
        self.made = {}
        self.lock = threading.Lock()
        self.bystander = site.person()
        names = ["owner", "coowner", "contributor", "viewer", "stranger", "inactive"]
        self.people = dict(zip(names, threads.map(lambda _: site.person(), names)))
        self.people["guest"] = self.invited_guest()
        self.clients = dict(zip(self.people, threads.map(self.client_of, self.people.values())))
        self.foreigner = elsewhere.person()
        self.clients |= {
            "administrator": self.admin,
            "other": bearer(site.server, elsewhere.server.token(self.foreigner.username)),
            "anonymous": workdocs(site.server, key=None, validate=False),
        }
        self.admin.deactivate_user(UserId=self.people["inactive"].id)
        first = site.upload(self.people["owner"].root)
        self.principals = {actor: person.id for actor, person in self.people.items()}
        self.principals["other"] = self.foreigner.id
        self.principals["administrator"] = first.metadata["LatestVersionMetadata"]["CreatorId"]

    def client_of(self, person):
        return bearer(self.site.server, self.site.server.token(person.username))

    def invited_guest(self):
        """A guest as an invitation makes them, with room for what is put into their tree here."""
        folder = self.site.folder(self.people["owner"].root)
        invitation = {"Id": "guest@example.com", "Type": "INVITE", "Role": "VIEWER"}
        answer = self.admin.add_resource_permissions(ResourceId=folder, Principals=[invitation])
        identity = answer["ShareResults"][0]["InviteePrincipalId"]
        user = self.admin.activate_user(UserId=identity)["User"]
        assert user["Type"] == "MINIMALUSER"
        self.admin.update_user(UserId=identity, StorageRule={"StorageType": "UNLIMITED"})
        return Person(self.site, user)

    def once(self, key, make):
        """What was made under a key, made now if nobody has yet."""
        with self.lock:
            is_new = key not in self.made
            future = self.made.setdefault(key, Future())
        if is_new:
            try:
                future.set_result(make())
            except Exception as error:
                future.set_exception(error)
        return future.result()

    def forget(self, key):
        with self.lock:
            del self.made[key]

    def standard(self, key):
        """The item with everything that all calls share which are not expected to change it."""
        return self.once(key, lambda: self.make(*key, needs=EVERYTHING))

    def make(self, kind, state, tree, needs, actor=None, mine=None):
        """A new item in a state, with what a call needs of it."""
        if kind == "user":
            return Item("user", self.site.person().id)
        if tree == "other":
            return self.make_elsewhere(kind)
        parent = self.above(tree) if state == "inherited" else self.people[tree].root
        item = self.document(parent, needs) if kind == "document" else self.folder(parent, needs)
        self.share(item, state, needs)
        if mine and actor in self.people and actor != "inactive":
            self.do_mine(item, actor, mine)
        if state == "recycled":
            update = self.clients[tree].update_document if kind == "document" else (
                self.clients[tree].update_folder
            )
            update(**{f"{kind.capitalize()}Id": item.id, "ResourceState": "RECYCLED"})
        elif state == "deleted" and kind == "document":
            self.admin.delete_document(DocumentId=item.id)
        elif state == "deleted":
            self.admin.delete_folder(FolderId=item.id)
        return item

    def make_elsewhere(self, kind):
        """An item of the foreigner's, for the fields of whose like any id will do."""
        root = self.foreigner.root
        if kind == "folder":
            return Item(kind, self.elsewhere.folder(root))
        made = self.elsewhere.upload(root)
        return Item(kind, made.document, None, *[made.version] * 4)

    def document(self, parent, needs):
        name = self.site.name("document")
        made = self.site.upload(parent, b"first", name)
        document, versions = made.document, [made.version]
        for content in (b"second", b"third")[: 2 if "deleted version" in needs else 1]:
            versions.append(self.site.upload_version(document, content).version)
        item = Item("document", document, name, versions[-1], versions[-2])
        if "deleted version" in needs:
            self.admin.delete_document_version(
                DocumentId=document, VersionId=versions[0], DeletePriorVersions=False
            )
        if "draft" in needs:
            item.draft = self.begin(self.admin, document)
        if "comment" in needs:
            item.comment = self.remark(self.admin, item)
        if "version's metadata" in needs:
            self.admin.create_custom_metadata(
                ResourceId=document, VersionId=item.latest, CustomMetadata={"key": "value"}
            )
        self.decorate(item, needs)
        return item

    def folder(self, parent, needs):
        name = self.site.name("folder")
        item = Item("folder", self.site.folder(parent, name), name)
        self.site.folder(item.id, "inside")
        self.decorate(item, needs)
        return item

    def decorate(self, item, needs):
        if "label" in needs:
            self.admin.create_labels(ResourceId=item.id, Labels=["label"])
        if "metadata" in needs:
            self.admin.create_custom_metadata(
                ResourceId=item.id, CustomMetadata={"key": "value"}
            )

    def begin(self, client, document):
        """A draft whose content has arrived."""
        draft = self.site.initiate(client, Id=document)
        draft.put(b"draft")
        return draft.version

    def remark(self, client, item):
        answer = client.create_comment(
            DocumentId=item.id, VersionId=item.latest, Text="as it was made"
        )
        return answer["Comment"]["CommentId"]

    def do_mine(self, item, actor, mine):
        if mine == "draft":
            item.draft = self.begin(self.clients[actor], item.id)
        else:
            item.comment = self.remark(self.clients[actor], item)

    def share(self, item, state, needs):
        principals = []
        if state in ("shared", "recycled", "deleted"):
            principals += self.everybody()
        if state == "public":
            principals.append({"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"})
        if "grant" in needs:
            principals.append({"Id": self.bystander.id, "Type": "USER", "Role": "VIEWER"})
        if principals:
            self.grant(item.id, principals)

    def everybody(self):
        return [
            {"Id": self.people[actor].id, "Type": "USER", "Role": role}
            for actor, role in GRANTS.items()
        ]

    def grant(self, resource, principals):
        answer = self.admin.add_resource_permissions(ResourceId=resource, Principals=principals)
        failed = [result for result in answer["ShareResults"] if result["Status"] != "SUCCESS"]
        assert not failed, failed

    def above(self, tree):
        """A folder in a folder that everybody holds their role on."""

        def make():
            top = self.site.folder(self.people[tree].root)
            self.grant(top, self.everybody())
            return self.site.folder(top)

        return self.once(("above", tree), make)

    def target(self, tree):
        def make():
            if tree == "other":
                return self.foreigner.root
            folder = self.site.folder(self.people[tree].root)
            if tree == "owner":
                self.grant(folder, self.everybody())
            return folder

        return self.once(("target", tree), make)

    def look(self, item):
        """Everything that an administrator sees of an item."""
        if item.kind == "user":
            users = {"OrganizationId": self.site.server.organization_id, "Include": "ALL"}
            calls = [("describe_users", users | {"Limit": 999})]
        elif item.kind == "folder":
            folder = {"FolderId": item.id}
            calls = [
                ("get_folder", folder | {"IncludeCustomMetadata": True}),
                ("describe_folder_contents", folder | {"Include": "INITIALIZED"}),
                ("describe_resource_permissions", {"ResourceId": item.id}),
            ]
        else:
            document = {"DocumentId": item.id}
            version = document | {"VersionId": item.latest}
            calls = [
                ("get_document", document | {"IncludeCustomMetadata": True}),
                ("describe_document_versions", document | {"Include": "INITIALIZED"}),
                ("get_document_version", version | {"IncludeCustomMetadata": True}),
                ("describe_comments", version),
                ("describe_resource_permissions", {"ResourceId": item.id}),
            ]
        return [self.seen(operation, members) for operation, members in calls]

    def seen(self, operation, members):
        try:
            answer = getattr(self.admin, operation)(**members)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def word(self, title, actor, item, tree):
        """The outcome of an actor's call about an item."""
        operation = operation_of(title)
        members = CASES[title].members(Turn(self, actor, item, tree))
        try:
            answer = getattr(self.clients[actor], xform_name(operation))(**members)
        except ClientError as error:
            return self.refusal(operation, actor, error.response)
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != MODEL.operation_model(operation).http.get("responseCode", 200):
            return f"status {status}"
        return CASES[title].word(answer)

    def refusal(self, operation, actor, answer):
        code, message = answer["Error"]["Code"], answer["Error"].get("Message")
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        word = WORDS.get(code)
        if word is None or status != status_of(code):
            return f"{code} with status {status}: {message}"
        text = (
            f"Principal [{self.principals.get(actor)}] is not allowed to execute "
            f"[workdocs:{operation}] on the resource."
        )
        return f"hidden, but saying: {message}" if word == "hidden" and message != text else word


def tree_of(actor, state):
    """In whose tree the item stands that an actor turns to."""
    return "owner" if state != "own" or actor == "administrator" else actor


def outcomes(world, title, expected):
    """What came out of every cell of a section.

    Calls that should change nothing share one item for each state, which is looked at before the
    first and after the last of them; a call that should change something has one of its own.
    """
    case = CASES[title]
    alone, together = [], defaultdict(list)
    for (actor, state), word in expected.items():
        if word == IMPOSSIBLE:
            continue
        if case.mine or (case.changes and word in DONE):
            alone.append((actor, state))
        else:
            key = (case.kind, state, tree_of(actor, state))
            together[key].append((actor, state))
    got = {}
    for part in world.threads.map(lambda key: of_group(world, title, key, together[key]), together):
        got |= part
    with_needs = [(cell, case.needs, expected[cell] in DONE) for cell in alone]
    for part in world.threads.map(lambda one: of_one(world, title, *one), with_needs):
        got |= part
    return got


def of_group(world, title, key, cells):
    tree = key[2]
    try:
        item = world.standard(key)
    except ClientError as error:
        return dict.fromkeys(cells, f"nothing to try it on: {error}")
    before = world.look(item) if CASES[title].changes else None
    got = {cell: world.word(title, cell[0], item, tree) for cell in cells}
    if not CASES[title].changes or world.look(item) == before:
        return got
    # One of them changed it. Each again on an item of its own, to say which.
    world.forget(key)
    for cell in cells:
        got |= of_one(world, title, cell, EVERYTHING, may_change=False)
    if not any(CHANGED in word for word in got.values()):
        got = {cell: f"{word}, but together they changed it" for cell, word in got.items()}
    return got


CHANGED = ", but it was changed"


def of_one(world, title, cell, needs, may_change):
    actor, state = cell
    case, tree = CASES[title], tree_of(actor, state)
    try:
        item = world.make(case.kind, state, tree, frozenset(needs), actor, case.mine)
    except ClientError as error:
        return {cell: f"nothing to try it on: {error}"}
    before = None if may_change else world.look(item)
    word = world.word(title, actor, item, tree)
    if not may_change and world.look(item) != before:
        word += CHANGED
    return {cell: word}


def differences(title, expected, got):
    """A line for every cell in which the table and the server differ."""
    return [
        f"{title} by {actor}, {state}: expected {word}, got {got.get((actor, state))}"
        for (actor, state), word in expected.items()
        if word not in (IMPOSSIBLE, got.get((actor, state)))
    ]
