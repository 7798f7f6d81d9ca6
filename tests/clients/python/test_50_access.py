"""Who may do what: every operation, tried by everybody on everything, against a table that a person
can read; and what was taken away is gone at once, on every path."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from access_matrix import CASES, World, differences, operation_of, outcomes, read_table
from client import MODEL, outcome, refused
from site_story import Site

TABLE = read_table()
HIDDEN = "UnauthorizedResourceAccessException"


@pytest.fixture(scope="module")
def world(site):
    with ThreadPoolExecutor(8) as threads:
        yield World(site, Site(site.server.another_site()), threads)


# The matrix.


def test_every_operation_has_its_rows_and_nothing_else_has():
    assert {operation_of(title) for title in TABLE} == set(MODEL.operation_names)
    assert set(TABLE) == set(CASES)


@pytest.mark.parametrize("title", TABLE)
def test_everybody_gets_what_the_table_says(world, title):
    wrong = differences(title, TABLE[title], outcomes(world, title, TABLE[title]))
    assert not wrong, "\n" + "\n".join(wrong)


# What was taken away.


@pytest.fixture(scope="module")
def pair(site):
    """Somebody who reads and somebody who writes, each with a client."""
    people = [site.person(), site.person()]
    return [(person, person.client()) for person in people]


@pytest.fixture
def share(site, ann, pair):
    """Makes a share of a folder, or of the document in it."""
    return lambda kind: Share(site, ann, pair, kind)


class Share:
    """A folder with a document, and two to whom the one or the other is shared."""

    def __init__(self, site, owner, pair, kind):
        self.site = site
        (self.reader, self.reads), (self.writer, self.writes) = pair
        self.top = site.folder(owner.root)
        self.folder = site.folder(self.top)
        self.elsewhere = site.folder(owner.root)
        self.document = site.upload(self.folder, b"first")
        self.first = self.document.version
        self.latest = site.upload_version(self.document.document, b"content")
        self.shared = self.document.document if kind == "document" else self.folder
        self.grant(self.reader, "VIEWER")
        self.grant(self.writer, "CONTRIBUTOR")
        self.draft = site.initiate(self.writes, Id=self.document.document)
        self.downloads = [self.source(client) for client in (self.reads, self.writes)]
        self.bytes_arrive()

    def grant(self, person, role):
        principal = {"Id": person.id, "Type": "USER", "Role": role}
        answer = self.site.admin.add_resource_permissions(
            ResourceId=self.shared, Principals=[principal]
        )
        assert answer["ShareResults"][0]["Status"] == "SUCCESS"

    def take(self, person):
        self.site.admin.remove_resource_permission(ResourceId=self.shared, PrincipalId=person.id)

    def source(self, client):
        answer = client.get_document_version(**self.latest.ids, Fields="SOURCE")
        return answer["Metadata"]["Source"]["ORIGINAL"]

    def bytes_arrive(self):
        """Everything works before anything is taken away."""
        for url in self.downloads:
            assert requests.get(url, timeout=30).content == b"content"
        self.draft.put(b"draft")
        for client in (self.reads, self.writes):
            assert self.shared in collection(client)

    def document_calls(self):
        document = {"DocumentId": self.document.document}
        return [
            ("get_document", document),
            ("get_document_path", document),
            ("get_document_version", self.latest.ids),
            ("get_document_version", self.latest.ids | {"Fields": "SOURCE"}),
            ("get_document_version", document | {"VersionId": self.first}),
            ("describe_document_versions", document),
            ("describe_comments", self.latest.ids),
            ("describe_resource_permissions", {"ResourceId": self.document.document}),
        ]

    def folder_calls(self):
        folder = {"FolderId": self.folder}
        return [
            ("get_folder", folder),
            ("get_folder_path", folder),
            ("describe_folder_contents", folder),
            ("describe_resource_permissions", {"ResourceId": self.folder}),
        ]

    def write_calls(self):
        document = self.document.document
        return [
            ("update_document_version", self.draft.ids | {"VersionStatus": "ACTIVE"}),
            ("abort_document_version_upload", self.draft.ids),
            ("initiate_document_version_upload", {"Id": document}),
            ("create_comment", self.latest.ids | {"Text": "too late"}),
            ("create_labels", {"ResourceId": document, "Labels": ["late"]}),
        ]

    def closed(self, calls):
        """The calls of neither of the two are answered."""
        for client in (self.reads, self.writes):
            for operation, members in calls:
                assert outcome(getattr(client, operation), **members) == HIDDEN, operation

    def transfers_closed(self):
        for url in self.downloads:
            for method in ("GET", "HEAD"):
                answer = requests.request(method, url, timeout=30)
                assert answer.status_code in (403, 404), answer.text
                assert b"content" not in answer.content
        assert self.draft.try_put(b"too late").status_code in (403, 404)

    def nothing_listed(self):
        for client in (self.reads, self.writes):
            assert self.shared not in collection(client)


def collection(client):
    """The ids of what is shared with somebody."""
    answer = client.get_resources(Limit=999)
    return [item["Id"] for item in answer["Folders"] + answer["Documents"]]


def take_each(share):
    share.take(share.reader)
    share.take(share.writer)


def take_all(share):
    share.site.admin.remove_all_resource_permissions(ResourceId=share.shared)


def leave(share):
    for person, client in ((share.reader, share.reads), (share.writer, share.writes)):
        client.remove_resource_permission(ResourceId=share.shared, PrincipalId=person.id)


def recycle_folder(share):
    share.site.admin.update_folder(FolderId=share.folder, ResourceState="RECYCLED")


def recycle_above(share):
    share.site.admin.update_folder(FolderId=share.top, ResourceState="RECYCLED")


def delete_folder(share):
    share.site.admin.delete_folder(FolderId=share.folder)


def delete_above(share):
    share.site.admin.delete_folder_contents(FolderId=share.top)


def recycle_document(share):
    share.site.admin.update_document(
        DocumentId=share.document.document, ResourceState="RECYCLED"
    )


def delete_document(share):
    share.site.admin.delete_document(DocumentId=share.document.document)


def move_document(share):
    share.site.admin.update_document(
        DocumentId=share.document.document, ParentFolderId=share.elsewhere
    )


WITH_THE_FOLDER = [
    take_each, take_all, leave, recycle_folder, recycle_above, delete_folder, delete_above,
]


@pytest.mark.parametrize("end", WITH_THE_FOLDER, ids=lambda end: end.__name__)
def test_the_end_of_a_folder_s_share_closes_every_path_at_once(share, end):
    share = share("folder")
    end(share)
    share.closed(share.document_calls() + share.folder_calls() + share.write_calls())
    share.transfers_closed()
    share.nothing_listed()


@pytest.mark.parametrize(
    "end",
    [take_each, take_all, leave, recycle_document, recycle_above, delete_document, delete_folder],
    ids=lambda end: end.__name__,
)
def test_the_end_of_a_document_s_share_closes_every_path_at_once(share, end):
    share = share("document")
    end(share)
    share.closed(share.document_calls() + share.folder_calls() + share.write_calls())
    share.transfers_closed()
    share.nothing_listed()


@pytest.mark.parametrize(
    "end", [recycle_document, delete_document, move_document], ids=lambda end: end.__name__
)
def test_a_document_that_leaves_a_shared_folder_is_gone_for_its_readers_alone(share, end):
    share = share("folder")
    end(share)
    share.closed(share.document_calls() + share.write_calls())
    share.transfers_closed()
    for client in (share.reads, share.writes):
        contents = client.describe_folder_contents(FolderId=share.folder, Include="INITIALIZED")
        assert contents["Documents"] == []


def test_what_ended_left_nothing_behind(site, share):
    share = share("document")
    take_each(share)
    assert share.draft.try_put(b"too late").status_code in (403, 404)
    share.closed(share.write_calls())
    versions = site.admin.describe_document_versions(
        DocumentId=share.document.document, Include="INITIALIZED"
    )["DocumentVersions"]
    assert [version["Id"] for version in versions] == [
        share.draft.version, share.latest.version, share.first,
    ]
    # What had arrived before is still there for whoever may go on with it.
    site.admin.update_document_version(**share.draft.ids, VersionStatus="ACTIVE")
    assert site.download(share.draft) == b"draft"


def test_a_writer_who_may_only_read_from_now_on_keeps_the_way_out_and_loses_the_way_in(share):
    share = share("folder")
    share.grant(share.writer, "VIEWER")
    assert requests.get(share.downloads[1], timeout=30).content == b"content"
    assert share.draft.try_put(b"too late").status_code in (403, 404)
    for operation, members in share.write_calls():
        assert outcome(getattr(share.writes, operation), **members) == (
            "UnauthorizedOperationException"
        ), operation
    with refused("UnauthorizedOperationException"):
        share.writes.create_folder(ParentFolderId=share.folder, Name="too late")


def test_a_share_that_comes_back_opens_every_path_again(site, share):
    share = share("folder")
    take_each(share)
    share.transfers_closed()
    share.grant(share.reader, "VIEWER")
    share.grant(share.writer, "CONTRIBUTOR")
    share.bytes_arrive()
    assert outcome(share.reads.get_document, DocumentId=share.document.document) is None
    recycle_folder(share)
    share.transfers_closed()
    site.admin.update_folder(FolderId=share.folder, ResourceState="ACTIVE")
    share.bytes_arrive()


# What a role on one resource says about others.


def test_a_move_needs_a_role_at_both_ends(site, ann):
    mover = site.person()
    item, visible, hidden = (site.folder(ann.root) for _ in range(3))
    document = site.upload(ann.root).document
    for resource, role in ((item, "COOWNER"), (document, "COOWNER"), (visible, "VIEWER")):
        principal = {"Id": mover.id, "Type": "USER", "Role": role}
        site.admin.add_resource_permissions(ResourceId=resource, Principals=[principal])
    client = mover.client()
    for target, code in ((visible, "UnauthorizedOperationException"), (hidden, HIDDEN)):
        with refused(code):
            client.update_folder(FolderId=item, ParentFolderId=target)
        with refused(code):
            client.update_document(DocumentId=document, ParentFolderId=target)
    for target in (visible, hidden):
        contents = site.admin.describe_folder_contents(FolderId=target)
        assert (contents["Folders"], contents["Documents"]) == ([], [])


def test_the_first_uploader_has_a_co_owner_s_powers_while_a_contributor(site, ann):
    uploader, other = site.person(), site.person()
    folder = site.folder(ann.root)

    def grant(person, role):
        principal = {"Id": person.id, "Type": "USER", "Role": role}
        site.admin.add_resource_permissions(ResourceId=folder, Principals=[principal])

    for person in (uploader, other):
        grant(person, "CONTRIBUTOR")
    own, theirs = uploader.client(), other.client()
    upload = site.initiate(own, ParentFolderId=folder, Name="mine")
    upload.put(b"mine")
    upload.activate()
    second = site.initiate(theirs, Id=upload.document)
    second.put(b"theirs")
    second.activate()
    with refused("UnauthorizedOperationException"):
        theirs.update_document(DocumentId=upload.document, Name="theirs")
    own.update_document(DocumentId=upload.document, Name="still mine")
    own.delete_document_version(**second.ids, DeletePriorVersions=False)
    grant(uploader, "VIEWER")
    with refused("UnauthorizedOperationException"):
        own.delete_document(DocumentId=upload.document)
    grant(uploader, "CONTRIBUTOR")
    own.delete_document(DocumentId=upload.document)
