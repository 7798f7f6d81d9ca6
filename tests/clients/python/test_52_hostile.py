"""Somebody with a token who wants more than is theirs, or to make the server slow for others."""

import base64

import pytest
import requests

from client import outcome, refused
from waiting import until

HIDDEN = "UnauthorizedResourceAccessException"
THREAD_LENGTH = 150


@pytest.fixture(scope="module")
def mallory(site):
    return site.person()


@pytest.fixture(scope="module")
def as_mallory(mallory):
    return mallory.client()


@pytest.fixture(scope="module")
def as_ann(ann):
    return ann.client()


def give(site, resource, person, role):
    answer = site.admin.add_resource_permissions(
        ResourceId=resource, Principals=[{"Id": person.id, "Type": "USER", "Role": role}]
    )
    assert [one["Status"] for one in answer["ShareResults"]] == ["SUCCESS"]


def pages(call, **members):
    """Every page of a list, one entry each."""
    marker = {}
    while True:
        answer = call(Limit=1, **members, **marker)
        yield answer
        if "Marker" not in answer:
            return
        marker = {"Marker": answer["Marker"]}


def text_of(marker):
    return base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4))


# What paths and pages tell of drafts that are not the caller's.


@pytest.mark.parametrize("role", ["VIEWER", "CONTRIBUTOR"])
def test_the_path_of_somebody_else_s_draft_is_no_path(site, folder, mallory, as_mallory, as_ann, role):
    give(site, folder, mallory, role)
    draft = site.initiate(as_ann, ParentFolderId=folder, Name=site.name("draft")).document
    unknown = outcome(as_mallory.get_document_path, DocumentId="0" * 64)
    assert outcome(as_mallory.get_document_path, DocumentId=draft) == unknown == HIDDEN
    assert outcome(as_ann.get_document_path, DocumentId=draft) is None


@pytest.mark.parametrize("role", ["VIEWER", "CONTRIBUTOR"])
def test_pages_of_a_folder_tell_nothing_of_the_drafts_of_others(
    site, folder, mallory, as_mallory, as_ann, role
):
    give(site, folder, mallory, role)
    drafts = [
        site.initiate(as_ann, ParentFolderId=folder, Name=f"takeover-{number}") for number in (1, 2)
    ]
    shown = [site.upload(folder, name=name) for name in ("a first", "z last")]
    for sort in ("NAME", "DATE"):
        answers = list(
            pages(
                as_mallory.describe_folder_contents, FolderId=folder, Include="INITIALIZED",
                Sort=sort,
            )
        )
        documents = [[one["Id"] for one in answer["Documents"]] for answer in answers]
        # No page is short of an entry that was left out of it.
        assert sorted(documents) == sorted([upload.document] for upload in shown)
        for answer in answers[:-1]:
            place = text_of(answer["Marker"])
            assert b"takeover" not in place
            assert not any(draft.document.encode() in place for draft in drafts)


def test_who_began_a_draft_and_the_owner_still_list_it(site, folder, mallory, as_mallory, as_ann):
    give(site, folder, mallory, "CONTRIBUTOR")
    draft = site.initiate(as_mallory, ParentFolderId=folder, Name="mine")
    other = site.initiate(as_ann, ParentFolderId=folder, Name="not mine")

    def listed(client):
        answers = pages(
            client.describe_folder_contents, FolderId=folder, Include="INITIALIZED", Type="DOCUMENT"
        )
        return [one["Id"] for answer in answers for one in answer["Documents"]]

    assert listed(as_mallory) == [draft.document]
    assert listed(as_ann) == [draft.document, other.document]
    assert listed(site.admin) == [draft.document, other.document]


def test_pages_of_versions_tell_nothing_of_the_drafts_of_others(
    site, folder, mallory, as_mallory, as_ann
):
    give(site, folder, mallory, "CONTRIBUTOR")
    upload = site.upload(folder)

    def listed(client):
        answers = pages(
            client.describe_document_versions, DocumentId=upload.document, Include="INITIALIZED"
        )
        return [[one["Id"] for one in answer["DocumentVersions"]] for answer in answers]

    draft = site.initiate(as_ann, Id=upload.document, Name="takeover")
    assert listed(as_mallory) == [[upload.version]]
    mine = site.initiate(as_mallory, Id=upload.document)
    assert listed(as_mallory) == [[mine.version], [upload.version]]
    assert listed(as_ann) == [[mine.version], [draft.version], [upload.version]]


# What a recycle bin tells of what its owner no longer sees.


def test_the_size_of_a_recycle_bin_is_that_of_what_its_owner_sees_in_it(make_site):
    site = make_site(DOCHARBOR_RECYCLE_BIN_RETENTION="0d")
    owner = site.person()
    client = owner.client()
    upload = site.upload(owner.root, b"bytes")
    client.update_document(DocumentId=upload.document, ResourceState="RECYCLED")

    def is_hidden():
        # What is deleted wakes the jobs.
        client.delete_folder(FolderId=site.folder(owner.root))
        return not client.describe_folder_contents(FolderId=owner.recycle_bin)["Documents"]

    until("the document is in the recovery bin", is_hidden)
    assert client.get_folder(FolderId=owner.recycle_bin)["Metadata"]["Size"] == 0
    assert site.admin.get_folder(FolderId=owner.recycle_bin)["Metadata"]["Size"] == len(b"bytes")


# What is taken along.


def test_who_takes_a_document_out_of_a_share_pays_and_keeps_no_way_back(
    site, folder, ann, mallory, as_mallory, as_ann
):
    give(site, folder, mallory, "COOWNER")
    upload = site.upload(folder, b"bytes")
    source = as_ann.get_document_version(**upload.ids, Fields="SOURCE")["Metadata"]["Source"]
    as_mallory.update_document(DocumentId=upload.document, ParentFolderId=mallory.root)
    assert outcome(as_ann.get_document, DocumentId=upload.document) == HIDDEN
    assert requests.get(source["ORIGINAL"], timeout=60).status_code == 403
    used = site.admin.describe_users(UserIds=mallory.id, Fields="STORAGE_METADATA")["Users"][0]
    assert used["Storage"]["StorageUtilizedInBytes"] >= len(b"bytes")
    # Nor does it come back by the door of the recycle bin.
    as_mallory.update_document(DocumentId=upload.document, ResourceState="RECYCLED")
    with refused(HIDDEN):
        as_ann.update_document(DocumentId=upload.document, ResourceState="ACTIVE")
    bin_of_ann = as_ann.describe_folder_contents(FolderId=ann.recycle_bin)
    assert upload.document not in [one["Id"] for one in bin_of_ann["Documents"]]


# What costs others nothing.


def test_a_long_thread_of_deleted_comments_goes_with_its_last_reply(site, folder, as_ann):
    upload = site.upload(folder)
    last = as_ann.create_comment(**upload.ids, Text="first")["Comment"]["CommentId"]
    for _ in range(THREAD_LENGTH):
        reply = as_ann.create_comment(**upload.ids, Text="reply", ParentId=last)["Comment"]
        as_ann.delete_comment(**upload.ids, CommentId=last)
        last = reply["CommentId"]
    comments = as_ann.describe_comments(**upload.ids, Limit=999)["Comments"]
    assert [one["Status"] for one in comments] == ["DELETED"] * THREAD_LENGTH + ["PUBLISHED"]
    as_ann.delete_comment(**upload.ids, CommentId=last)
    assert as_ann.describe_comments(**upload.ids)["Comments"] == []
