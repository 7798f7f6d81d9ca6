"""What stands where: renamed, moved, recycled, restored, emptied; and what is refused on the way."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from client import outcome, refused, workdocs
from outcomes_world import FOLDER_ITEMS, TREE_LEVELS, World
from waiting import until

HIDDEN = "UnauthorizedResourceAccessException"
NOT_ALLOWED = "UnauthorizedOperationException"
PROHIBITED = "ProhibitedStateException"
EXISTS = "EntityAlreadyExistsException"
LIMIT = "LimitExceededException"
CONFLICTING = "ConflictingOperationException"


class Item:
    """A folder or a document, which are renamed, moved, recycled and deleted alike."""

    def __init__(self, site, kind, parent, name=None):
        self.site = site
        self.kind = kind
        self.upload = site.upload(parent, name=name) if kind == "document" else None
        self.id = self.upload.document if self.upload else site.folder(parent, name)

    def _call(self, operation, client, **members):
        member = "DocumentId" if self.upload else "FolderId"
        call = getattr(client or self.site.admin, f"{operation}_{self.kind}")
        return call(**{member: self.id}, **members)

    def update(self, client=None, **members):
        """Changes the item, and answers the status."""
        answer = self._call("update", client, **members)
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    def recycle(self, client=None):
        return self.update(client, ResourceState="RECYCLED")

    def restore(self, client=None, **members):
        return self.update(client, ResourceState="ACTIVE", **members)

    def delete(self, client=None):
        return self._call("delete", client)

    def read(self, client=None):
        return self._call("get", client)["Metadata"]

    @property
    def name(self):
        read = self.read()
        return read["LatestVersionMetadata"]["Name"] if self.upload else read["Name"]

    @property
    def place(self):
        """Where it stands, and in which state."""
        read = self.read()
        return read["ParentFolderId"], read["ResourceState"]


@pytest.fixture(params=["folder", "document"])
def kind(request):
    return request.param


@pytest.fixture
def item(site, folder, kind):
    """An item called `item`, alone in a folder."""
    return Item(site, kind, folder, "item")


@pytest.fixture(scope="module")
def as_ann(ann):
    return ann.client()


@pytest.fixture(scope="module")
def bob(site):
    return site.person()


@pytest.fixture(scope="module")
def as_bob(bob):
    return bob.client()


def contents(site, folder, client=None, **members):
    """The ids of a folder's items."""
    ids = []
    pages = (client or site.admin).get_paginator("describe_folder_contents").paginate(
        FolderId=folder, **members
    )
    for page in pages:
        ids += [listed["Id"] for listed in page["Folders"] + page["Documents"]]
    return ids


def share(site, resource, person, role):
    answer = site.admin.add_resource_permissions(
        ResourceId=resource, Principals=[{"Id": person.id, "Type": "USER", "Role": role}]
    )
    assert answer["ShareResults"][0]["Status"] == "SUCCESS", answer["ShareResults"]


def used(site, person):
    answer = site.admin.describe_users(UserIds=person.id, Fields="STORAGE_METADATA")
    return answer["Users"][0]["Storage"]["StorageUtilizedInBytes"]


# Names.


def test_an_item_is_renamed_and_nothing_else_of_it_changes(site, folder, item):
    before = item.read()
    assert item.update(Name="Übersicht 🎉") == 200
    after = item.read()
    assert item.name == "Übersicht 🎉"
    assert (after["Id"], after["CreatorId"], after["CreatedTimestamp"]) == (
        before["Id"], before["CreatorId"], before["CreatedTimestamp"],
    )
    assert after["ModifiedTimestamp"] >= before["ModifiedTimestamp"]
    assert item.place == (folder, "ACTIVE")
    assert contents(site, folder) == [item.id]
    Item(site, item.kind, folder, "item")


def test_a_renamed_document_s_name_is_its_latest_version_s(site, folder):
    first = site.upload(folder, b"1", "report.doc")
    second = site.upload_version(first.document, b"2")
    site.admin.update_document(DocumentId=first.document, Name="report.docx")
    names = {
        version["Id"]: version["Name"]
        for version in site.admin.describe_document_versions(DocumentId=first.document)[
            "DocumentVersions"
        ]
    }
    assert names == {first.version: "report.doc", second.version: "report.docx"}
    assert site.document_names(folder) == ["report.docx"]
    answer = requests.get(site.source(second), timeout=30)
    assert "report.docx" in answer.headers["content-disposition"]
    path = site.admin.get_document_path(DocumentId=first.document, Fields="NAME")["Path"]
    assert path["Components"][-1]["Name"] == "report.docx"


@pytest.mark.parametrize("neighbour", ["folder", "document"])
def test_a_neighbour_s_name_cannot_be_taken(site, folder, item, neighbour):
    Item(site, neighbour, folder, "taken")
    with refused(EXISTS) as refusal:
        item.update(Name="taken")
    assert refusal.message
    assert item.name == "item"


def test_names_are_kept_as_given_and_compared_after_nfc(site, folder, item):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    neighbour = Item(site, "folder", folder, composed)
    with refused(EXISTS):
        item.update(Name=decomposed)
    neighbour.update(Name=decomposed)
    assert neighbour.name == decomposed
    neighbour.update(Name="other")
    item.update(Name=decomposed)
    assert item.name == decomposed
    with refused(EXISTS):
        neighbour.update(Name=composed)
    neighbour.update(Name=composed.upper())


def test_a_draft_s_name_is_free_for_others(site, folder, item):
    draft = site.initiate(ParentFolderId=folder, Name="wanted")
    item.update(Name="wanted")
    draft.put(b"late")
    with refused("ConcurrentModificationException"):
        draft.activate()
    assert item.name == "wanted"


# Moves.


def test_an_item_is_moved_and_renamed_in_one_call(site, folder, item):
    target = site.folder(folder)
    assert item.update(ParentFolderId=target, Name="moved") == 200
    assert (item.place, item.name) == ((target, "ACTIVE"), "moved")
    assert contents(site, folder) == [target]
    assert contents(site, target) == [item.id]


def test_a_folder_takes_everything_below_along(site, folder):
    top = site.folder(folder, "top")
    inner = site.folder(top, "inner")
    upload = site.upload(inner, b"deep", "deep.txt")
    target = site.folder(folder, "target")
    source = site.source(upload)
    site.admin.update_folder(FolderId=top, ParentFolderId=target)
    path = site.admin.get_document_path(DocumentId=upload.document, Fields="NAME")["Path"]
    assert [part["Name"] for part in path["Components"]][-4:] == [
        "target", "top", "inner", "deep.txt",
    ]
    assert requests.get(source, timeout=30).content == b"deep"
    assert site.admin.get_folder(FolderId=target)["Metadata"]["Size"] == 4


def test_a_move_to_where_it_stands_and_an_empty_update_change_nothing(site, folder, item):
    before = item.read()
    for members in ({}, {"ParentFolderId": folder}, {"ResourceState": "ACTIVE"}):
        assert item.update(**members) == 200
        assert item.read() == before
    assert item.update(ResourceState="ACTIVE", Name="renamed") == 200
    assert (item.name, item.place) == ("renamed", (folder, "ACTIVE"))


@pytest.mark.parametrize("neighbour", ["folder", "document"])
def test_a_name_taken_in_the_target_is_refused_unless_another_is_given(
    site, folder, item, neighbour
):
    target = site.folder(folder)
    Item(site, neighbour, target, "item")
    with refused(EXISTS):
        item.update(ParentFolderId=target)
    assert item.place == (folder, "ACTIVE")
    item.update(ParentFolderId=target, Name="another")
    assert item.place == (target, "ACTIVE")


def test_a_folder_cannot_come_to_stand_in_itself(site, folder):
    top = site.folder(folder)
    inner = site.folder(top)
    deepest = site.folder(inner)
    for target in (top, inner, deepest):
        with refused(CONFLICTING) as refusal:
            site.admin.update_folder(FolderId=top, ParentFolderId=target, Name=site.name())
        assert refusal.message
    assert site.admin.get_folder(FolderId=top)["Metadata"]["ParentFolderId"] == folder


def test_two_moves_at_once_never_make_a_cycle(site, folder):
    for _ in range(10):
        one, other = site.folder(folder), site.folder(folder)
        together = threading.Barrier(2)

        def move(folder_id, target):
            together.wait()
            return outcome(
                site.admin.update_folder, FolderId=folder_id, ParentFolderId=target
            )

        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(move, (one, other), (other, one)))
        assert outcomes.count(None) == 1
        assert set(outcomes) <= {None, CONFLICTING, "ConcurrentModificationException"}
        top = other if outcomes[0] is None else one
        assert site.admin.get_folder(FolderId=top)["Metadata"]["ParentFolderId"] == folder


@pytest.mark.parametrize("kept", ["root", "recycle_bin"])
@pytest.mark.parametrize(
    "members", [{"Name": "mine"}, {"ResourceState": "RECYCLED"}, {"ParentFolderId": None}],
    ids=["rename", "recycle", "move"],
)
def test_roots_and_bins_stay_as_they_are(site, ann, folder, kept, members):
    given = {name: value or folder for name, value in members.items()}
    before = site.admin.get_folder(FolderId=getattr(ann, kept))["Metadata"]
    with refused(PROHIBITED):
        site.admin.update_folder(FolderId=getattr(ann, kept), **given)
    after = site.admin.get_folder(FolderId=getattr(ann, kept))["Metadata"]
    assert (after["Name"], after["ParentFolderId"]) == (before["Name"], before["ParentFolderId"])


def test_nothing_is_moved_into_a_bin(site, ann, folder, item):
    with refused(PROHIBITED):
        item.update(ParentFolderId=ann.recycle_bin)
    assert item.place == (folder, "ACTIVE")
    item.recycle()
    with refused(PROHIBITED):
        item.restore(ParentFolderId=ann.recycle_bin)
    assert item.place == (ann.recycle_bin, "RECYCLED")


def test_a_target_that_is_recycled_deleted_unknown_or_no_folder_is_refused(site, folder, item):
    recycled, deleted = Item(site, "folder", folder), Item(site, "folder", folder)
    recycled.recycle()
    deleted.delete()
    document = site.upload(folder).document
    for target, code in (
        (recycled.id, PROHIBITED), (deleted.id, HIDDEN), ("0" * 64, HIDDEN), (document, HIDDEN),
    ):
        with refused(code):
            item.update(ParentFolderId=target)
    assert item.place == (folder, "ACTIVE")


def test_an_item_of_the_other_kind_is_none(site, folder, item):
    other = "folder" if item.kind == "document" else "document"
    member = {"folder": "FolderId", "document": "DocumentId"}[other]
    with refused(HIDDEN):
        getattr(site.admin, f"update_{other}")(**{member: item.id}, Name="mine")
    with refused(HIDDEN):
        getattr(site.admin, f"update_{other}")(**{member: item.id}, ResourceState="RECYCLED")
    assert (item.name, item.place) == ("item", (folder, "ACTIVE"))


@pytest.mark.parametrize("members", [
    {"ResourceState": "RECYCLED", "Name": "also"},
    {"ResourceState": "RECYCLED", "ParentFolderId": "0" * 64},
    {"ResourceState": "RECYCLING"},
    {"ResourceState": "RESTORING"},
    {"ResourceState": "nonsense"},
    {"Name": ""},
    {"Name": "n" * 256},
])
def test_what_cannot_be_asked_for_is_refused_and_changes_nothing(site, folder, item, members):
    unchecked = workdocs(site.server, validate=False)
    with refused("ValidationException") as refusal:
        item.update(unchecked, **members)
    offending = "ResourceState" if "ResourceState" in members else "Name"
    assert offending.lower() in refusal.message.lower()
    assert (item.name, item.place) == ("item", (folder, "ACTIVE"))


def test_a_draft_document_is_not_moved_renamed_or_recycled(site, folder):
    draft = site.initiate(ParentFolderId=folder, Name="draft")
    target = site.folder(folder)
    for members in (
        {"Name": "other"}, {"ParentFolderId": target}, {"ResourceState": "RECYCLED"},
    ):
        with refused(PROHIBITED):
            site.admin.update_document(DocumentId=draft.document, **members)
    draft.put(b"x")
    draft.activate()
    assert site.document_names(folder) == ["draft"]


def test_a_tree_has_a_hundred_levels_and_no_more(site):
    root = site.person().root
    levels = [root]
    while len(levels) < TREE_LEVELS:
        levels.append(site.folder(levels[-1]))
    for kind in ("folder", "document"):
        moved = Item(site, kind, root)
        if kind == "folder":
            with refused(LIMIT) as refusal:
                moved.update(ParentFolderId=levels[-1])
            assert "100" in refusal.message
        moved.update(ParentFolderId=levels[-2])
        assert moved.place == (levels[-2], "ACTIVE")


# Between trees.


def test_a_folder_does_not_leave_its_owner_s_tree(site, folder, bob):
    item = Item(site, "folder", folder)
    with refused(PROHIBITED) as refusal:
        item.update(ParentFolderId=bob.root)
    assert refusal.message
    assert item.place == (folder, "ACTIVE")
    item.recycle()
    with refused(PROHIBITED):
        item.restore(ParentFolderId=bob.root)


def test_a_document_that_goes_to_another_tree_is_paid_for_there(site, folder, ann, bob, as_ann):
    shared = site.folder(bob.root)
    share(site, shared, ann, "CONTRIBUTOR")
    before = used(site, ann), used(site, bob)
    first = site.upload(folder, b"x" * 100)
    second = site.upload_version(first.document, b"y" * 50)
    site.upload_version(first.document, b"z" * 7)
    site.admin.delete_document_version(**second.ids, DeletePriorVersions=False)
    assert used(site, ann) == before[0] + 157
    as_ann.update_document(DocumentId=first.document, ParentFolderId=shared)
    assert (used(site, ann), used(site, bob)) == (before[0], before[1] + 157)
    moved = site.admin.get_document(DocumentId=first.document)["Metadata"]
    assert (moved["CreatorId"], moved["ParentFolderId"]) == (bob.id, shared)
    # A deleted version comes along and comes back.
    site.admin.restore_document_versions(DocumentId=first.document)
    assert site.download(second) == b"y" * 50
    site.admin.delete_document(DocumentId=first.document)
    until("the versions are gone", lambda: used(site, bob) == before[1])


def test_a_document_s_new_owner_must_have_room_for_all_its_versions(site, folder):
    tight = site.person(StorageRule={"StorageType": "QUOTA", "StorageAllocatedInBytes": 100})
    upload = site.upload(folder, b"x" * 60)
    site.upload_version(upload.document, b"y" * 41)
    with refused(LIMIT) as refusal:
        site.admin.update_document(DocumentId=upload.document, ParentFolderId=tight.root)
    assert "storage" in refusal.message
    assert used(site, tight) == 0
    fits = site.upload(folder, b"x" * 100)
    site.admin.update_document(DocumentId=fits.document, ParentFolderId=tight.root)
    assert used(site, tight) == 100


def test_whom_a_document_was_shared_with_owns_it_in_their_own_tree(site, folder, bob, as_bob):
    document = Item(site, "document", folder)
    share(site, document.id, bob, "COOWNER")
    document.update(as_bob, ParentFolderId=bob.root)
    answer = as_bob.describe_resource_permissions(ResourceId=document.id)
    assert [
        (principal["Id"], [(role["Role"], role["Type"]) for role in principal["Roles"]])
        for principal in answer["Principals"]
    ] == [(bob.id, [("OWNER", "DIRECT")])]
    document.recycle(as_bob)
    assert document.place == (bob.recycle_bin, "RECYCLED")


def test_a_move_takes_away_what_the_old_place_gave_and_gives_what_the_new_one_does(
    site, folder, item, bob, as_bob
):
    open_folder, closed = site.folder(folder), site.folder(folder)
    share(site, open_folder, bob, "VIEWER")
    with refused(HIDDEN):
        item.read(as_bob)
    item.update(ParentFolderId=open_folder)
    assert item.read(as_bob)["Id"] == item.id
    item.update(ParentFolderId=closed)
    with refused(HIDDEN):
        item.read(as_bob)


# The recycle bin.


def test_what_is_recycled_lies_in_its_owner_s_bin_and_comes_back(site, folder, ann, as_ann, item):
    before = item.read()
    assert item.recycle(as_ann) == 200
    assert item.place == (ann.recycle_bin, "RECYCLED")
    assert contents(site, folder) == []
    for client in (site.admin, as_ann):
        assert item.id in contents(site, ann.recycle_bin, client)
    assert item.recycle(as_ann) == 200
    Item(site, item.kind, folder, "another")
    assert item.restore(as_ann) == 200
    assert item.place == (folder, "ACTIVE")
    assert item.id not in contents(site, ann.recycle_bin)
    assert item.read()["CreatedTimestamp"] == before["CreatedTimestamp"]


def test_a_recycled_document_is_read_and_comes_back_with_all_it_had(site, folder, bob, as_bob):
    first = site.upload(folder, b"first", "kept")
    second = site.upload_version(first.document, b"second")
    share(site, first.document, bob, "VIEWER")
    site.admin.create_labels(ResourceId=first.document, Labels=["kept"])
    comment = site.admin.create_comment(**second.ids, Text="kept")["Comment"]["CommentId"]
    site.admin.update_document(DocumentId=first.document, ResourceState="RECYCLED")
    for upload, content in ((first, b"first"), (second, b"second")):
        assert site.download(upload) == content
    site.admin.update_document(DocumentId=first.document, ResourceState="ACTIVE")
    shown = as_bob.get_document(DocumentId=first.document)["Metadata"]
    assert (shown["Labels"], shown["ResourceState"]) == (["kept"], "ACTIVE")
    assert shown["LatestVersionMetadata"]["Id"] == second.version
    comments = site.admin.describe_comments(**second.ids)["Comments"]
    assert [one["CommentId"] for one in comments] == [comment]
    assert site.download(first) == b"first"


def test_what_is_recycled_holds_no_name_and_many_of_one_name_lie_in_a_bin(site, folder, kind):
    items = []
    for _ in range(3):
        items.append(Item(site, kind, folder, "again"))
        items[-1].recycle()
    assert {item.name for item in items} == {"again"}
    items[0].restore()
    with refused(EXISTS):
        items[1].restore()
    items[1].restore(Name="again, restored")
    items[2].restore(ParentFolderId=site.folder(folder), Name="elsewhere")
    assert [item.name for item in items] == ["again", "again, restored", "elsewhere"]


def test_a_restored_item_goes_where_it_is_told_or_home_or_to_the_root(site, folder, ann, kind):
    told, home, lost = site.folder(folder), Item(site, "folder", folder), site.name("lost")
    item = Item(site, kind, home.id, lost)
    item.recycle()
    item.restore(ParentFolderId=told)
    assert item.place == (told, "ACTIVE")
    item.update(ParentFolderId=home.id)
    item.recycle()
    home.update(Name="home, renamed")
    item.restore()
    assert item.place == (home.id, "ACTIVE")
    item.recycle()
    home.recycle()
    item.restore()
    assert item.place == (ann.root, "ACTIVE")
    home.restore()
    item.update(ParentFolderId=home.id)
    item.recycle()
    home.delete()
    item.restore()
    assert item.place == (ann.root, "ACTIVE")


class TestBelowARecycledFolder:
    """What stands in a folder that was recycled."""

    @pytest.fixture
    def top(self, site, folder):
        return Item(site, "folder", folder)

    @pytest.fixture
    def below(self, site, top, kind):
        below = Item(site, kind, site.folder(top.id))
        top.recycle()
        return below

    def test_it_is_recycled_too_and_stands_where_it_stood(self, site, top, below):
        parent, state = below.place
        assert state == "RECYCLED"
        assert contents(site, parent) == [below.id]
        assert site.admin.get_folder(FolderId=parent)["Metadata"]["ParentFolderId"] == top.id

    def test_it_comes_back_with_its_folder(self, top, below):
        parent, _ = below.place
        top.restore()
        assert below.place == (parent, "ACTIVE")

    def test_it_comes_back_alone(self, site, ann, folder, top, below):
        below.restore()
        assert below.place == (ann.root, "ACTIVE")
        top.restore()
        assert below.place == (ann.root, "ACTIVE")

    def test_it_comes_back_to_where_it_is_told_but_not_into_what_is_recycled(
        self, site, folder, top, below
    ):
        parent, _ = below.place
        for target in (top.id, parent):
            with refused(PROHIBITED):
                below.restore(ParentFolderId=target)
        assert below.place == (parent, "RECYCLED")
        below.restore(ParentFolderId=folder)
        assert below.place == (folder, "ACTIVE")

    def test_it_is_not_changed_there(self, site, folder, below):
        parent, _ = below.place
        for members in ({"Name": "renamed"}, {"ParentFolderId": folder}):
            with refused(PROHIBITED):
                below.update(**members)
        assert below.recycle() == 200
        assert below.place == (parent, "RECYCLED")

    def test_it_is_deleted_for_good(self, site, top, below):
        below.delete()
        top.restore()
        with refused(HIDDEN):
            below.read()


def test_nothing_is_written_to_what_is_recycled(site, folder, bob):
    top = Item(site, "folder", folder)
    upload = site.upload(top.id)
    draft = site.initiate(Id=upload.document)
    draft.put(b"late")
    top.recycle()
    for write in (
        lambda: site.folder(top.id),
        lambda: site.initiate(ParentFolderId=top.id, Name="new"),
        lambda: site.initiate(Id=upload.document),
        draft.activate,
        lambda: site.admin.delete_document_version(**upload.ids, DeletePriorVersions=False),
        lambda: site.admin.restore_document_versions(DocumentId=upload.document),
        lambda: site.admin.update_folder(FolderId=top.id, Name="new"),
        lambda: site.admin.update_document(DocumentId=upload.document, Name="new"),
        lambda: site.admin.create_comment(**upload.ids, Text="late"),
        lambda: site.admin.create_custom_metadata(
            ResourceId=upload.document, CustomMetadata={"late": "1"}
        ),
    ):
        with refused(PROHIBITED):
            write()
    with refused(NOT_ALLOWED):
        site.admin.create_labels(ResourceId=upload.document, Labels=["late"])
    assert draft.try_put(b"later").status_code == 403
    top.restore()
    draft.activate()
    assert site.download(draft) == b"late"


def test_only_the_owner_and_administrators_see_what_is_recycled(
    site, folder, ann, as_ann, bob, as_bob, item
):
    share(site, item.id, bob, "COOWNER")
    assert item.read(as_bob)["Id"] == item.id
    item.recycle(as_bob)
    for client in (as_ann, site.admin):
        assert item.read(client)["ResourceState"] == "RECYCLED"
    for call in (
        lambda: item.read(as_bob),
        lambda: item.restore(as_bob),
        lambda: item.delete(as_bob),
        lambda: as_bob.describe_folder_contents(FolderId=ann.recycle_bin),
        lambda: as_bob.get_folder(FolderId=ann.recycle_bin),
    ):
        with refused(HIDDEN):
            call()
    item.restore(as_ann)
    assert item.read(as_bob)["ResourceState"] == "ACTIVE"


def test_what_is_recycled_in_a_shared_folder_goes_to_the_tree_s_owner(site, folder, ann, bob):
    share(site, folder, bob, "COOWNER")
    client = bob.client()
    upload = site.initiate(client, ParentFolderId=folder, Name="mine")
    upload.put(b"mine")
    upload.activate()
    client.update_document(DocumentId=upload.document, ResourceState="RECYCLED")
    assert upload.document in contents(site, ann.recycle_bin)
    assert upload.document not in contents(site, bob.recycle_bin)
    with refused(HIDDEN):
        client.get_document(DocumentId=upload.document)


@pytest.mark.parametrize("role", ["VIEWER", "CONTRIBUTOR"])
def test_who_may_only_read_or_contribute_moves_nothing(site, folder, item, role):
    person = site.person()
    client = person.client()
    target = site.folder(folder)
    share(site, folder, person, role)
    for members in (
        {"Name": "theirs"}, {"ParentFolderId": target}, {"ResourceState": "RECYCLED"},
    ):
        with refused(NOT_ALLOWED):
            item.update(client, **members)
    assert (item.name, item.place) == ("item", (folder, "ACTIVE"))


# Emptied.


def test_the_contents_of_a_folder_are_deleted_and_the_folder_stays(site, folder):
    top = site.folder(folder, "top")
    inner = site.folder(top, "inner")
    uploads = [site.upload(top, b"x", "document"), site.upload(inner, b"y")]
    draft = site.initiate(ParentFolderId=top, Name="draft")
    sources = [site.source(upload) for upload in uploads]
    answer = site.admin.delete_folder_contents(FolderId=top)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert contents(site, top, Include="INITIALIZED") == []
    for upload, source in zip(uploads, sources):
        with refused(HIDDEN):
            site.admin.get_document(DocumentId=upload.document)
        with refused(HIDDEN):
            site.admin.update_document(DocumentId=upload.document, ResourceState="ACTIVE")
        assert requests.get(source, timeout=30).status_code in (403, 404)
    with refused(HIDDEN):
        site.admin.get_folder(FolderId=inner)
    assert draft.try_put(b"late").status_code == 403
    shown = site.admin.get_folder(FolderId=top)["Metadata"]
    assert (shown["Name"], shown["Size"], shown["ResourceState"]) == ("top", 0, "ACTIVE")
    site.upload(site.folder(top, "inner"), b"new", "document")
    site.admin.delete_folder_contents(FolderId=site.folder(folder))


def test_a_bin_and_a_root_are_emptied(site):
    dora = site.person()
    client = dora.client()
    items = [Item(site, kind, dora.root) for kind in ("folder", "document", "folder")]
    inner = site.upload(items[0].id, b"x" * 1000)
    for item in items[:2]:
        item.recycle()
    assert set(contents(site, dora.recycle_bin)) == {item.id for item in items[:2]}
    client.delete_folder_contents(FolderId=dora.recycle_bin)
    assert contents(site, dora.recycle_bin) == []
    for item in items[:2]:
        with refused(HIDDEN):
            item.restore()
    with refused(HIDDEN):
        site.admin.get_document(DocumentId=inner.document)
    until("nothing is charged any more", lambda: used(site, dora) == 0)
    assert contents(site, dora.root) == [items[2].id]
    client.delete_folder_contents(FolderId=dora.root)
    assert contents(site, dora.root) == []
    site.upload(dora.root)


def test_a_recycled_folder_is_emptied_and_restored_empty(site, folder):
    top = Item(site, "folder", folder)
    site.upload(top.id)
    top.recycle()
    site.admin.delete_folder_contents(FolderId=top.id)
    top.restore()
    assert contents(site, top.id) == []


def test_who_may_empty_a_folder(site, folder):
    person = site.person()
    client = person.client()
    upload = site.upload(folder)
    with refused(HIDDEN):
        client.delete_folder_contents(FolderId=folder)
    for role in ("VIEWER", "CONTRIBUTOR"):
        share(site, folder, person, role)
        with refused(NOT_ALLOWED):
            client.delete_folder_contents(FolderId=folder)
    assert contents(site, folder) == [upload.document]
    share(site, folder, person, "COOWNER")
    client.delete_folder_contents(FolderId=folder)
    assert contents(site, folder) == []
    with refused(HIDDEN):
        site.admin.delete_folder_contents(FolderId=upload.document)


# A full folder.


def test_a_folder_takes_its_hundred_thousandth_item_and_not_one_more(make_site):
    site = make_site()
    owner = site.person()
    full, beside = site.folder(owner.root, "full"), site.folder(owner.root, "beside")
    World(site).fill(full, FOLDER_ITEMS - 1)
    last = Item(site, "document", full, "last")
    late = [Item(site, kind, beside) for kind in ("folder", "document")]
    recycled = Item(site, "document", beside)
    recycled.recycle()
    for put in (
        lambda: site.folder(full),
        lambda: site.initiate(ParentFolderId=full, Name="one more"),
        lambda: late[0].update(ParentFolderId=full),
        lambda: late[1].update(ParentFolderId=full),
        lambda: recycled.restore(ParentFolderId=full),
    ):
        with refused(LIMIT) as refusal:
            put()
        assert "100" in refusal.message
    last.update(Name="renamed within")
    last.recycle()
    late[0].update(ParentFolderId=full)
    with refused(LIMIT):
        last.restore()
    last.restore(ParentFolderId=beside)
    site.admin.delete_folder_contents(FolderId=full)
    assert contents(site, full) == []
    late[1].update(ParentFolderId=full)
