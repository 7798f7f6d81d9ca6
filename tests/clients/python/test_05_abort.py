"""AbortDocumentVersionUpload: at each stage of an upload, and each outcome its page names."""

import contextlib
import sqlite3
import time

import psycopg
import pytest

from client import refused, request_of, send, workdocs
from waiting import until


@pytest.fixture
def draft(site, folder):
    """An upload whose content has arrived."""
    upload = site.initiate(ParentFolderId=folder, Name="draft")
    upload.put(b"draft")
    return upload


def abort_request(client, upload):
    return request_of(client, "abort_document_version_upload", **upload.ids)


# Each stage.


@pytest.mark.parametrize("stage", ["before the content", "after the content"])
def test_aborting_the_first_version_takes_the_document_with_it(site, folder, stage):
    upload = site.initiate(ParentFolderId=folder, Name="gone")
    if stage == "after the content":
        upload.put(b"content")
    answer = send(abort_request(site.admin, upload))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-amzn-requestid"]
    with refused("UnauthorizedResourceAccessException"):
        site.admin.get_document(DocumentId=upload.document)
    with refused("UnauthorizedResourceAccessException"):
        upload.activate()
    assert site.documents(folder, Include="INITIALIZED") == []
    assert upload.try_put(b"too late").status_code == 403
    site.upload(folder, name="gone")


def test_an_sdk_sees_an_abort_as_an_empty_204(draft):
    answer = draft.abort()
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 204
    assert answer == {}


@pytest.mark.parametrize("stage", ["before the content", "after the content"])
def test_aborting_a_second_version_leaves_the_first_as_it_was(site, folder, stage):
    first = site.upload(folder, b"first", "stays")
    before = site.admin.get_document(DocumentId=first.document)["Metadata"]
    second = site.initiate(Id=first.document, Name="renamed")
    if stage == "after the content":
        second.put(b"second")
    assert second.abort()["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert site.admin.get_document(DocumentId=first.document)["Metadata"] == before
    answer = site.admin.describe_document_versions(
        DocumentId=first.document, Include="INITIALIZED"
    )
    assert [version["Id"] for version in answer["DocumentVersions"]] == [first.version]
    assert site.download(first) == b"first"
    assert second.try_put(b"too late").status_code == 403
    third = site.upload_version(first.document, b"third")
    assert site.download(third) == b"third"


def test_of_two_drafts_of_a_new_document_one_is_aborted_and_one_finished(site, folder):
    one = site.initiate(ParentFolderId=folder, Name="two drafts")
    two = site.initiate(Id=one.document)
    one.abort()
    two.put(b"two")
    two.activate()
    assert site.download(two) == b"two"
    assert site.document_names(folder) == ["two drafts"]


# Each outcome.


def test_a_version_that_never_was_under_a_visible_document(site, folder):
    upload = site.upload(folder)
    unknown = "1500000000000-" + "0" * 64
    with refused("EntityNotExistsException") as refusal:
        site.admin.abort_document_version_upload(DocumentId=upload.document, VersionId=unknown)
    assert refusal.response["EntityIds"] == [unknown]
    assert refusal.message


def test_an_aborted_second_version_does_not_exist_any_more(site, folder):
    second = site.initiate(Id=site.upload(folder).document)
    second.abort()
    with refused("EntityNotExistsException") as refusal:
        second.abort()
    assert refusal.response["EntityIds"] == [second.version]


def test_an_active_version_cannot_be_aborted(site, folder):
    upload = site.upload(folder, b"active")
    with refused("ProhibitedStateException") as refusal:
        upload.abort()
    assert "INITIALIZED" in refusal.message
    assert site.download(upload) == b"active"


def test_a_document_that_never_was_and_one_of_somebody_else_look_the_same(site, draft):
    bob = site.person()
    client = bob.client()
    unknown = {"DocumentId": "0" * 64, "VersionId": draft.version}
    with refused("UnauthorizedResourceAccessException") as refusal:
        client.abort_document_version_upload(**draft.ids)
    assert refusal.message == (
        f"Principal [{bob.id}] is not allowed to execute"
        " [workdocs:AbortDocumentVersionUpload] on the resource."
    )
    hidden = send(abort_request(client, draft))
    missing = send(request_of(client, "abort_document_version_upload", **unknown))
    assert_same_refusal(hidden, missing)
    draft.activate()


def test_a_key_whose_policy_denies_is_told_nothing(site, draft):
    allow = {"Effect": "Allow", "Action": "workdocs:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "workdocs:Abort*", "Resource": "*"}
    key = site.server.key("no-abort", {"Version": "2012-10-17", "Statement": [allow, deny]})
    client = workdocs(site.server, key=key)
    client.get_document_version(**draft.ids)
    with refused("UnauthorizedResourceAccessException") as refusal:
        client.abort_document_version_upload(**draft.ids)
    assert "user/no-abort] is not allowed to execute [workdocs:Abort" in refusal.message
    unknown = {"DocumentId": "0" * 64, "VersionId": draft.version}
    denied = send(abort_request(client, draft))
    missing = send(request_of(client, "abort_document_version_upload", **unknown))
    assert_same_refusal(denied, missing)
    draft.activate()


def assert_same_refusal(one, other):
    """Not a byte but the request id tells the two apart."""
    assert one.status == other.status == 404
    assert one.body == other.body
    names = [name.lower() for name in one.headers.keys()]
    assert names == [name.lower() for name in other.headers.keys()]
    for name in set(names) - {"x-amzn-requestid", "date"}:
        assert one.headers[name] == other.headers[name]


def test_the_token_of_a_user_who_was_deactivated(site):
    carl = site.person()
    client = carl.client()
    draft = site.initiate(client, ParentFolderId=carl.root, Name="draft")
    site.admin.deactivate_user(UserId=carl.id)
    with refused("UnauthorizedOperationException"):
        client.abort_document_version_upload(**draft.ids)
    site.admin.activate_user(UserId=carl.id)
    client.abort_document_version_upload(**draft.ids)


def test_a_token_that_may_only_read(site, ann, draft):
    client = ann.client("--scopes", "read")
    client.get_document_version(**draft.ids)
    with refused("UnauthorizedOperationException"):
        client.abort_document_version_upload(**draft.ids)
    ann.client("--scopes", "write").abort_document_version_upload(**draft.ids)


@contextlib.contextmanager
def held(site, item):
    """Another session holds a document or a folder while the block runs."""
    if site.server.database_url:
        with psycopg.connect(site.server.database_url) as session:
            locked = session.execute(
                "SELECT id FROM resource WHERE id = %s FOR UPDATE", [item]
            )
            assert locked.rowcount == 1
            yield
    else:
        with contextlib.closing(sqlite3.connect(database_file(site.server))) as session:
            session.execute("BEGIN IMMEDIATE")
            yield
            session.rollback()


def database_file(server):
    """The SQLite database in the data directory."""
    def is_database(path):
        with path.open("rb") as file:
            return file.read(15) == b"SQLite format 3"

    found = [path for path in server.data.iterdir() if path.is_file() and is_database(path)]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("what", ["document", "folder"])
def test_a_document_or_its_folder_that_somebody_else_is_changing(site, folder, draft, what):
    begun = time.monotonic()
    with held(site, draft.document if what == "document" else folder):
        with refused("ConcurrentModificationException") as refusal:
            draft.abort()
        assert time.monotonic() - begun < 10
    assert refusal.message
    assert draft.abort()["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_reader_is_not_held_up_by_somebody_who_changes(site, draft):
    with held(site, draft.document):
        assert site.admin.get_document_version(**draft.ids)["Metadata"]["Id"] == draft.version


class TestADatabaseThatDoesNotAnswer:
    """Only PostgreSQL is something that can be away."""

    @pytest.fixture(autouse=True)
    def postgres_only(self, engine):
        if engine != "postgres":
            pytest.skip("SQLite is inside the server's process")

    def answers_503_and_recovers(self, site, draft, take_away, bring_back):
        take_away()
        try:
            begun = time.monotonic()
            with refused("ServiceUnavailableException") as refusal:
                draft.abort()
            assert time.monotonic() - begun < 10
            assert refusal.message
            until("the server is not ready", lambda: site.server.health("ready") == 503)
            assert site.server.health("live") == 200
        finally:
            bring_back()
        until("the server is ready again", lambda: site.server.health("ready") == 200)
        assert site.admin.get_document_version(**draft.ids)["Metadata"]["Status"] == "INITIALIZED"
        draft.activate()
        assert site.download(draft) == b"draft"

    def test_because_it_hangs(self, site, draft, cluster):
        self.answers_503_and_recovers(site, draft, cluster.freeze, cluster.thaw)

    def test_because_it_is_down(self, site, draft, cluster):
        self.answers_503_and_recovers(site, draft, cluster.stop, cluster.start)
