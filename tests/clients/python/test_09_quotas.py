"""The owner of a tree pays for every version in it, drafts included."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from client import outcome, refused


@pytest.fixture
def tight(site):
    """A user with room for a hundred bytes."""
    return site.person(StorageRule={"StorageType": "QUOTA", "StorageAllocatedInBytes": 100})


def used(site, user):
    answer = site.admin.describe_users(UserIds=user.id, Fields="STORAGE_METADATA")
    return answer["Users"][0]["Storage"]["StorageUtilizedInBytes"]


def begin(site, user, size, name=None):
    return site.initiate(
        ParentFolderId=user.root, Name=name or site.name(), DocumentSizeInBytes=size
    )


def test_what_would_not_fit_is_refused_before_it_is_sent(site, tight):
    with refused("StorageLimitWillExceedException") as refusal:
        begin(site, tight, 101)
    assert refusal.message
    assert used(site, tight) == 0
    assert site.documents(tight.root, Include="INITIALIZED") == []
    site.upload(tight.root, b"x" * 100, DocumentSizeInBytes=100)


def test_a_full_store_takes_nothing_more(site, tight):
    full = site.upload(tight.root, b"x" * 100)
    with refused("StorageLimitExceededException"):
        begin(site, tight, 1)
    with refused("StorageLimitExceededException"):
        site.initiate(ParentFolderId=tight.root, Name="of unknown size")
    site.admin.delete_document(DocumentId=full.document)
    site.upload(tight.root, b"y" * 100)


def test_a_draft_is_charged_with_its_announced_size_until_it_is_aborted(site, tight):
    draft = begin(site, tight, 60)
    assert used(site, tight) == 60
    with refused("StorageLimitWillExceedException"):
        begin(site, tight, 41)
    draft.abort()
    assert used(site, tight) == 0
    begin(site, tight, 100)


def test_a_draft_of_unknown_size_is_charged_with_what_arrives(site, tight):
    draft = site.initiate(ParentFolderId=tight.root, Name="grows")
    draft.put(b"x" * 40)
    assert used(site, tight) == 40
    draft.put(b"x" * 30)
    assert used(site, tight) == 30
    assert 400 <= draft.try_put(b"x" * 101).status_code < 500
    assert used(site, tight) == 30
    draft.activate()
    assert site.download(draft) == b"x" * 30


def test_every_version_is_paid_for(site, tight):
    first = site.upload(tight.root, b"x" * 40)
    site.upload_version(first.document, b"y" * 40)
    assert used(site, tight) == 80
    with refused("StorageLimitWillExceedException"):
        site.initiate(Id=first.document, DocumentSizeInBytes=21)
    site.admin.delete_document(DocumentId=first.document)
    assert used(site, tight) == 0


def test_a_raised_quota_makes_room_and_a_lowered_one_takes_nothing_away(site, tight):
    upload = site.upload(tight.root, b"x" * 100)
    for allocated, size, code in (
        (150, 51, "StorageLimitWillExceedException"),
        (50, 1, "StorageLimitExceededException"),
    ):
        rule = {"StorageType": "QUOTA", "StorageAllocatedInBytes": allocated}
        site.admin.update_user(UserId=tight.id, StorageRule=rule)
        with refused(code):
            begin(site, tight, size)
    assert site.download(upload) == b"x" * 100
    site.admin.update_user(UserId=tight.id, StorageRule={"StorageType": "UNLIMITED"})
    site.upload(tight.root, b"x" * 1000, DocumentSizeInBytes=1000)


def test_sixteen_at_once_never_take_more_than_there_is(site, tight):
    def attempt(number):
        return outcome(
            site.admin.initiate_document_version_upload,
            ParentFolderId=tight.root, Name=f"racer {number}", DocumentSizeInBytes=30,
        )

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(attempt, range(16)))
    assert outcomes.count(None) == 3
    assert set(outcomes) == {None, "StorageLimitWillExceedException"}
    assert used(site, tight) == 90


def test_bytes_beyond_the_quota_are_refused_and_do_not_stay_on_the_disk(site, tight):
    def stored():
        blobs = (site.server.data / "blobs").rglob("*")
        return sum(blob.stat().st_size for blob in blobs if blob.is_file())

    before = stored()
    draft = site.initiate(ParentFolderId=tight.root, Name="endless")
    for chunked in (False, True):
        content = b"x" * 3_000_000
        body = (part for part in [content]) if chunked else content
        # A server that has heard enough may close before it has read it all.
        with contextlib.suppress(requests.ConnectionError):
            assert requests.put(draft.url, data=body, timeout=60).status_code == 413
    assert stored() == before
    assert used(site, tight) == 0
    draft.put(b"x" * 100)
    draft.activate()


@pytest.mark.parametrize("size", [5 * 2**40 + 1, 2**63 - 1])
def test_a_size_no_version_can_have_is_refused(site, size):
    unlimited = site.person(StorageRule={"StorageType": "UNLIMITED"})
    with refused("ValidationException") as refusal:
        begin(site, unlimited, size)
    assert "DocumentSizeInBytes" in refusal.message
    assert used(site, unlimited) == 0
    site.upload(unlimited.root, b"still works", DocumentSizeInBytes=11)
