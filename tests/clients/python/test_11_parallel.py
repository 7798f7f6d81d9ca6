"""Many at once: of those who want the same, one gets it and the others are told."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import outcome

THREADS = 16
GONE = {"EntityNotExistsException", "UnauthorizedResourceAccessException"}


def at_once(*calls):
    """Runs the calls together, each in a thread; answers their outcomes in order."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [done.result() for done in [threads.submit(call) for call in calls]]


def activation(site, upload):
    return lambda: outcome(
        site.admin.update_document_version, **upload.ids, VersionStatus="ACTIVE"
    )


def abortion(site, upload):
    return lambda: outcome(site.admin.abort_document_version_upload, **upload.ids)


@pytest.mark.parametrize("attempt", range(5))
@pytest.mark.parametrize("first_version", [True, False])
def test_a_draft_is_activated_or_aborted_and_never_both(site, folder, first_version, attempt):
    if first_version:
        upload = site.initiate(ParentFolderId=folder, Name="contested")
    else:
        upload = site.initiate(Id=site.upload(folder, b"base", "contested").document)
    upload.put(b"contested")
    half = THREADS // 2
    outcomes = at_once(*[
        make(site, upload) for _ in range(half) for make in (activation, abortion)
    ])
    activations, abortions = outcomes[::2], outcomes[1::2]
    allowed = {"ConcurrentModificationException"}
    if None in activations:
        assert None not in abortions
        assert set(activations) <= allowed | {None}
        assert set(abortions) <= allowed | {"ProhibitedStateException"}
        assert site.download(upload) == b"contested"
    else:
        assert abortions.count(None) == 1
        assert set(abortions) <= allowed | GONE | {None}
        assert set(activations) <= allowed | GONE
        names = [] if first_version else ["contested"]
        assert site.document_names(folder, Include="INITIALIZED") == names


def test_sixteen_aborts_are_one(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="aborted")
    outcomes = at_once(*[abortion(site, upload)] * THREADS)
    assert outcomes.count(None) == 1
    assert set(outcomes) <= GONE | {None, "ConcurrentModificationException"}


def test_of_sixteen_drafts_of_one_name_one_is_activated(site, folder):
    uploads = [site.initiate(ParentFolderId=folder, Name="one name") for _ in range(THREADS)]
    for upload in uploads:
        upload.put(upload.version.encode())
    outcomes = at_once(*[activation(site, upload) for upload in uploads])
    assert outcomes.count(None) == 1
    assert set(outcomes) == {None, "ConcurrentModificationException"}
    winner = uploads[outcomes.index(None)]
    assert [document["Id"] for document in site.documents(folder)] == [winner.document]
    assert site.download(winner) == winner.version.encode()


def test_of_sixteen_folders_of_one_name_one_is_made(site, folder):
    def make():
        return outcome(site.admin.create_folder, ParentFolderId=folder, Name="one name")

    outcomes = at_once(*[make] * THREADS)
    assert outcomes.count(None) == 1
    assert set(outcomes) == {None, "EntityAlreadyExistsException"}


def test_of_many_contents_sent_at_once_one_wins_whole(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="overwritten")
    contents = [os.urandom(500_000 + number) for number in range(8)]
    answers = at_once(*[lambda c=content: upload.try_put(c).status_code for content in contents])
    assert 200 in answers
    assert set(answers) <= {200, 409}
    upload.activate()
    stored = site.download(upload)
    assert stored in contents
    version = site.admin.get_document_version(**upload.ids)["Metadata"]
    assert (version["Size"], version["Signature"]) == (
        len(stored), hashlib.md5(stored).hexdigest()
    )


def test_sixteen_new_versions_at_once_are_all_kept(site, folder):
    document = site.upload(folder, b"first").document
    uploads = [site.initiate(Id=document) for _ in range(THREADS)]
    for upload in uploads:
        upload.put(upload.version.encode())
    calls = [activation(site, upload) for upload in uploads]
    outcomes = at_once(*calls)
    assert set(outcomes) <= {None, "ConcurrentModificationException"}
    active = {u.version for u, result in zip(uploads, outcomes) if result is None}
    answer = site.admin.describe_document_versions(DocumentId=document)
    assert active <= {version["Id"] for version in answer["DocumentVersions"]}
    latest = site.admin.get_document(DocumentId=document)["Metadata"]["LatestVersionMetadata"]
    assert latest["Id"] == answer["DocumentVersions"][0]["Id"]


def test_nothing_comes_to_stand_in_a_folder_that_is_being_deleted(site, folder):
    doomed = site.folder(folder)
    drafts = [site.initiate(ParentFolderId=doomed, Name=f"d{n}") for n in range(6)]
    for draft in drafts:
        draft.put(b"x")
    outcomes = at_once(
        *[activation(site, draft) for draft in drafts[:3]],
        lambda: outcome(site.admin.delete_folder, FolderId=doomed),
        *[activation(site, draft) for draft in drafts[3:]],
        *[
            lambda n=n: outcome(site.admin.create_folder, ParentFolderId=doomed, Name=f"f{n}")
            for n in range(6)
        ],
    )
    assert set(outcomes) <= GONE | {None, "ConcurrentModificationException"}
    if outcomes[3] is not None:
        site.admin.delete_folder(FolderId=doomed)
    answer = site.admin.describe_folder_contents(FolderId=folder, Include="INITIALIZED")
    assert (answer["Folders"], answer["Documents"]) == ([], [])
    for draft in drafts:
        assert outcome(site.admin.get_document, DocumentId=draft.document) in GONE
