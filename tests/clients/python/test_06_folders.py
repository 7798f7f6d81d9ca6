"""Folders: made, read, listed, found by their path, deleted."""

import pytest
import requests

from client import refused
from waiting import until


def contents(site, folder, **members):
    """The names of a folder's items, in the order they are listed."""
    pages = site.admin.get_paginator("describe_folder_contents").paginate(
        FolderId=folder, **members, PaginationConfig={"PageSize": 2}
    )
    names = []
    for page in pages:
        names += [item["Name"] for item in page["Folders"]]
        names += [item["LatestVersionMetadata"]["Name"] for item in page["Documents"]]
    return names


def test_a_user_has_a_root_and_a_bin(site, ann):
    root = site.admin.get_folder(FolderId=ann.root)["Metadata"]
    assert root["Name"] == "/"
    assert root["ParentFolderId"] == root["CreatorId"] == ann.id
    bin_ = site.admin.get_folder(FolderId=ann.recycle_bin)["Metadata"]
    assert bin_["CreatorId"] == ann.id
    assert bin_["Id"] != root["Id"]


def test_a_new_folder_is_empty_and_belongs_to_the_tree_s_owner(site, ann):
    made = site.admin.create_folder(ParentFolderId=ann.root, Name="Projects")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    folder = made["Metadata"]
    assert (folder["Name"], folder["ParentFolderId"]) == ("Projects", ann.root)
    assert folder["CreatorId"] == ann.id
    assert folder["ResourceState"] == "ACTIVE"
    assert (folder["Size"], folder["LatestVersionSize"], folder["Signature"]) == (0, 0, "")
    assert "Labels" not in folder
    assert folder["CreatedTimestamp"] == folder["ModifiedTimestamp"]
    assert site.admin.get_folder(FolderId=folder["Id"])["Metadata"] == folder


def test_a_user_makes_folders_by_token(site, ann):
    client = ann.client()
    made = client.create_folder(ParentFolderId=ann.root, Name="by token")["Metadata"]
    assert made["CreatorId"] == ann.id
    upload = site.initiate(client, ParentFolderId=made["Id"], Name="mine")
    assert upload.metadata["LatestVersionMetadata"]["CreatorId"] == ann.id
    upload.put(b"mine")
    upload.activate()
    assert client.get_document(DocumentId=upload.document)["Metadata"]["CreatorId"] == ann.id


def test_a_name_is_one_folder_s_only(site, folder):
    site.folder(folder, "one")
    with refused("EntityAlreadyExistsException") as refusal:
        site.folder(folder, "one")
    assert refusal.message
    site.folder(folder, "One")
    assert contents(site, folder) == ["One", "one"]


def test_a_folder_s_size_and_signature_are_those_of_what_it_holds(site, folder):
    inner = site.folder(folder)
    one = site.upload(folder, b"12345")
    site.upload_version(one.document, b"123")
    two = site.upload(inner, b"1234567890")
    site.initiate(ParentFolderId=folder, Name="no content yet")
    read = site.admin.get_folder(FolderId=folder)["Metadata"]
    assert (read["Size"], read["LatestVersionSize"]) == (18, 13)
    first = read["Signature"]
    assert len(first) == 32
    site.upload_version(two.document, b"other")
    assert site.admin.get_folder(FolderId=folder)["Metadata"]["Signature"] != first


FOLDERS = ["B folder", "a folder", "é folder"]
DOCUMENTS = ["10.txt", "9.txt", "Z.txt", "a.txt"]


@pytest.fixture(scope="module")
def listed(site, ann):
    """A folder with three folders, four documents and a draft."""
    listed = site.folder(ann.root, "listed")
    for name in ["a folder", "é folder", "B folder"]:
        site.folder(listed, name)
    for name in ["a.txt", "9.txt", "Z.txt", "10.txt"]:
        site.upload(listed, name.encode(), name)
    site.initiate(ParentFolderId=listed, Name="M draft")
    return listed


class TestListing:
    """Every sort, order and type."""

    def test_folders_come_first_and_each_kind_is_sorted_by_name(self, site, listed):
        assert contents(site, listed) == FOLDERS + DOCUMENTS

    @pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
    @pytest.mark.parametrize("kind", ["ALL", "FOLDER", "DOCUMENT"])
    def test_by_name(self, site, listed, kind, order):
        step = 1 if order == "ASCENDING" else -1
        expected = [] if kind == "DOCUMENT" else FOLDERS[::step]
        expected = expected + ([] if kind == "FOLDER" else DOCUMENTS[::step])
        assert contents(site, listed, Sort="NAME", Order=order, Type=kind) == expected

    @pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
    @pytest.mark.parametrize("kind", ["ALL", "FOLDER", "DOCUMENT"])
    def test_by_date(self, site, listed, kind, order):
        answer = site.admin.describe_folder_contents(
            FolderId=listed, Sort="DATE", Order=order, Type=kind
        )
        assert len(answer["Folders"]) == (0 if kind == "DOCUMENT" else 3)
        assert len(answer["Documents"]) == (0 if kind == "FOLDER" else 4)
        for items in (answer["Folders"], answer["Documents"]):
            keys = [(item["ModifiedTimestamp"], item["Id"]) for item in items]
            times = [time for time, _ in keys]
            assert times == sorted(times, reverse=order == "DESCENDING")
            if order == "ASCENDING":
                assert keys == sorted(keys)

    def test_drafts_are_among_the_documents_where_they_are_asked_for(self, site, listed):
        names = contents(site, listed, Include="INITIALIZED")
        assert names == FOLDERS + sorted([*DOCUMENTS, "M draft"])

    def test_both_lists_are_there_even_if_empty(self, site, folder):
        answer = site.admin.describe_folder_contents(FolderId=folder)
        assert (answer["Folders"], answer["Documents"]) == ([], [])
        assert "Marker" not in answer

    def test_a_listed_item_is_what_reading_it_alone_gives(self, site, listed):
        answer = site.admin.describe_folder_contents(FolderId=listed)
        for document in answer["Documents"]:
            alone = site.admin.get_document(DocumentId=document["Id"])["Metadata"]
            assert {name: alone[name] for name in document} == document
        for folder in answer["Folders"]:
            alone = site.admin.get_folder(FolderId=folder["Id"])["Metadata"]
            for name in ("Id", "Name", "CreatorId", "ParentFolderId", "ModifiedTimestamp"):
                assert folder[name] == alone[name]


@pytest.fixture(scope="module")
def levels(site, ann):
    """The ids from a root to a folder four levels down."""
    ids = [ann.root]
    for name in ["deep", "deeper", "deepest"]:
        ids.append(site.folder(ids[-1], name))
    return ids


@pytest.fixture(scope="module")
def document(site, levels):
    """A document in the deepest of the folders."""
    return site.upload(levels[-1], name="found.txt").document


class TestPaths:
    """Where an item is."""

    def test_a_path_goes_from_the_root_to_the_item(self, site, levels, document):
        path = site.admin.get_document_path(DocumentId=document, Fields="NAME")["Path"]
        assert [part["Id"] for part in path["Components"]] == [*levels, document]
        names = [part["Name"] for part in path["Components"]]
        assert names == ["/", "deep", "deeper", "deepest", "found.txt"]
        path = site.admin.get_folder_path(FolderId=levels[-1], Fields="NAME")["Path"]
        assert [part["Name"] for part in path["Components"]] == names[:-1]

    def test_names_come_only_where_they_are_asked_for(self, site, levels, document):
        for path in (
            site.admin.get_document_path(DocumentId=document)["Path"],
            site.admin.get_folder_path(FolderId=levels[-1])["Path"],
        ):
            assert all(set(part) == {"Id"} for part in path["Components"])

    @pytest.mark.parametrize("limit", [1, 2, 4, 999])
    def test_a_limit_keeps_the_levels_nearest_to_the_item(self, site, levels, document, limit):
        path = site.admin.get_document_path(DocumentId=document, Limit=limit)["Path"]
        assert [part["Id"] for part in path["Components"]] == [*levels, document][-limit:]
        path = site.admin.get_folder_path(FolderId=levels[-1], Limit=limit)["Path"]
        assert [part["Id"] for part in path["Components"]] == levels[-limit:]

    def test_a_root_s_path_is_itself(self, site, levels):
        path = site.admin.get_folder_path(FolderId=levels[0], Fields="NAME")["Path"]
        assert path["Components"] == [{"Id": levels[0], "Name": "/"}]


def test_a_filled_tree_is_gone_at_once_and_its_name_is_free(site, folder, ann):
    top = site.folder(folder, "tree")
    inner = site.folder(site.folder(top))
    deep = site.upload(inner, b"deep")
    draft = site.initiate(ParentFolderId=inner, Name="draft")
    source = site.source(deep)
    answer = site.admin.delete_folder(FolderId=top)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    for read in (
        lambda: site.admin.get_folder(FolderId=top),
        lambda: site.admin.get_folder(FolderId=inner),
        lambda: site.admin.describe_folder_contents(FolderId=inner),
        lambda: site.admin.get_folder_path(FolderId=inner),
        lambda: site.admin.get_document(DocumentId=deep.document),
        lambda: site.admin.get_document_path(DocumentId=deep.document),
        lambda: site.admin.get_document_version(**deep.ids),
        lambda: site.admin.describe_document_versions(DocumentId=deep.document),
        lambda: site.initiate(Id=deep.document),
        lambda: site.initiate(ParentFolderId=inner, Name="new"),
        lambda: site.folder(inner),
        lambda: site.admin.delete_folder(FolderId=top),
        draft.activate,
        draft.abort,
    ):
        with refused("UnauthorizedResourceAccessException"):
            read()
    assert draft.try_put(b"x").status_code == 403
    assert requests.get(source, timeout=30).status_code in (403, 404)
    assert contents(site, folder) == []
    site.upload(site.folder(folder, "tree"), b"new", "new")


def test_what_was_deleted_no_longer_counts_as_stored(site):
    dora = site.person()
    folder = site.folder(dora.root)
    site.upload(folder, b"x" * 1000)

    def used():
        answer = site.admin.describe_users(UserIds=dora.id, Fields="STORAGE_METADATA")
        return answer["Users"][0]["Storage"]["StorageUtilizedInBytes"]

    assert used() == 1000
    site.admin.delete_folder(FolderId=folder)
    until("the background removes the rows", lambda: used() == 0)


@pytest.mark.parametrize("kept", ["root", "recycle_bin"])
def test_a_root_and_a_bin_cannot_be_deleted(site, ann, kept):
    with refused("ProhibitedStateException"):
        site.admin.delete_folder(FolderId=getattr(ann, kept))
    site.admin.get_folder(FolderId=getattr(ann, kept))


def test_what_does_not_exist_is_no_folder_and_no_document(site, folder):
    document = site.upload(folder).document
    for unknown in ("0" * 64, "a-name", document):
        with refused("UnauthorizedResourceAccessException") as refusal:
            site.admin.get_folder(FolderId=unknown)
        assert "[workdocs:GetFolder]" in refusal.message
    with refused("UnauthorizedResourceAccessException"):
        site.admin.get_document(DocumentId=folder)


def test_somebody_else_s_folder_looks_like_none(site, folder):
    client = site.person().client()
    document = site.upload(folder).document
    for call in (
        lambda: client.get_folder(FolderId=folder),
        lambda: client.describe_folder_contents(FolderId=folder),
        lambda: client.create_folder(ParentFolderId=folder, Name="mine now"),
        lambda: client.delete_folder(FolderId=folder),
        lambda: client.get_folder_path(FolderId=folder),
        lambda: client.get_document(DocumentId=document),
        lambda: client.delete_document(DocumentId=document),
        lambda: client.describe_document_versions(DocumentId=document),
        lambda: site.initiate(client, ParentFolderId=folder, Name="mine now"),
        lambda: site.initiate(client, Id=document),
    ):
        with refused("UnauthorizedResourceAccessException"):
            call()
    assert len(contents(site, folder)) == 1
