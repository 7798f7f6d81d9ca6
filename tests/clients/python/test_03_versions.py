"""A program replaces what it uploaded; what is active never changes under anybody's eyes."""

import hashlib

import pytest
import requests

from client import refused


def latest(site, document):
    return site.admin.get_document(DocumentId=document)["Metadata"]["LatestVersionMetadata"]


def version_ids(site, document, **members):
    answer = site.admin.describe_document_versions(DocumentId=document, **members)
    return [version["Id"] for version in answer["DocumentVersions"]]


def test_a_new_version_replaces_the_old_one_at_activation_and_not_before(site, folder):
    old = site.upload(folder, b"old", "plan.txt")
    new = site.initiate(Id=old.document, Name="plan.txt")
    assert new.document == old.document
    assert new.version != old.version
    for step in (lambda: None, lambda: new.put(b"new")):
        step()
        shown = latest(site, old.document)
        assert (shown["Id"], shown["Status"]) == (old.version, "ACTIVE")
        assert version_ids(site, old.document) == [old.version]
        assert site.documents(folder)[0]["LatestVersionMetadata"]["Id"] == old.version
    new.activate()
    shown = latest(site, old.document)
    assert (shown["Id"], shown["Signature"]) == (new.version, hashlib.md5(b"new").hexdigest())
    assert version_ids(site, old.document) == [new.version, old.version]
    assert site.download(old) == b"old"
    assert site.download(new) == b"new"


def test_a_new_version_may_bring_a_new_name(site, folder):
    old = site.upload(folder, b"1", "draft.doc")
    new = site.upload_version(old.document, b"2", Name="final.docx")
    assert latest(site, old.document)["Name"] == "final.docx"
    assert site.document_names(folder) == ["final.docx"]
    old_version = site.admin.get_document_version(**old.ids)["Metadata"]
    assert old_version["Name"] == "draft.doc"
    assert site.admin.get_document_version(**new.ids)["Metadata"]["Name"] == "final.docx"
    site.upload(folder, name="draft.doc")


def test_a_new_version_keeps_the_name_where_none_is_given(site, folder):
    old = site.upload(folder, b"1", "keeps")
    site.upload_version(old.document, b"2")
    assert site.document_names(folder) == ["keeps"]


def test_a_new_version_cannot_take_a_neighbour_s_name(site, folder):
    site.upload(folder, name="neighbour")
    mine = site.upload(folder, name="mine")
    with refused("EntityAlreadyExistsException"):
        site.initiate(Id=mine.document, Name="neighbour")
    late = site.initiate(Id=mine.document, Name="free")
    late.put(b"x")
    site.folder(folder, "free")
    with refused("ConcurrentModificationException"):
        late.activate()
    assert latest(site, mine.document)["Id"] == mine.version


def test_drafts_are_listed_only_where_they_are_asked_for(site, folder):
    first = site.upload(folder, b"1")
    second = site.upload_version(first.document, b"2")
    draft = site.initiate(Id=first.document)
    assert version_ids(site, first.document) == [second.version, first.version]
    everything = [draft.version, second.version, first.version]
    assert version_ids(site, first.document, Include="INITIALIZED") == everything


def test_versions_are_listed_newest_first_and_page_by_page(site, folder):
    first = site.upload(folder, b"0")
    versions = [first.version]
    for number in range(1, 5):
        versions.insert(0, site.upload_version(first.document, b"%d" % number).version)
    for limit in (1, 2, 5, 999):
        pages = site.admin.get_paginator("describe_document_versions").paginate(
            DocumentId=first.document, PaginationConfig={"PageSize": limit}
        )
        pages = list(pages)
        assert [v["Id"] for page in pages for v in page["DocumentVersions"]] == versions
        assert all(len(page["DocumentVersions"]) <= limit for page in pages)
        assert "Marker" not in pages[-1]
    with refused("InvalidArgumentException"):
        site.admin.describe_document_versions(DocumentId=first.document, Marker="forged")


def test_a_source_of_every_listed_version_can_be_had(site, folder):
    upload = site.upload(folder, b"listed")
    answer = site.admin.describe_document_versions(DocumentId=upload.document, Fields="SOURCE")
    source = answer["DocumentVersions"][0]["Source"]["ORIGINAL"]
    assert requests.get(source, timeout=30).content == b"listed"


def test_sending_the_content_again_replaces_it_whole_while_it_is_a_draft(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="again")
    upload.put(b"the first and longer content")
    upload.put(b"second")
    upload.activate()
    assert site.download(upload) == b"second"
    version = site.admin.get_document_version(**upload.ids)["Metadata"]
    assert (version["Size"], version["Signature"]) == (6, hashlib.md5(b"second").hexdigest())


def test_a_failed_second_try_leaves_the_first_content(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="first stays", DocumentSizeInBytes=5)
    upload.put(b"12345")
    assert upload.try_put(b"123456").status_code == 400
    upload.activate()
    assert site.download(upload) == b"12345"


def test_after_activation_the_upload_url_is_dead_and_the_bytes_stay(site, folder):
    upload = site.upload(folder, b"for ever")
    for content in (b"changed!", b"", b"for ever"):
        assert upload.try_put(content).status_code == 403
    assert site.download(upload) == b"for ever"
    site.upload_version(upload.document, b"newer")
    assert upload.try_put(b"changed!").status_code == 403
    assert site.download(upload) == b"for ever"


def test_a_version_belongs_to_its_document(site, folder):
    one, other = site.upload(folder, b"1"), site.upload(folder, b"2")
    with refused("EntityNotExistsException") as refusal:
        site.admin.get_document_version(DocumentId=one.document, VersionId=other.version)
    assert refusal.response["EntityIds"] == [other.version]


@pytest.mark.parametrize("parent", ["own", "other"])
def test_a_new_version_stays_in_the_document_s_folder(site, folder, ann, parent):
    upload = site.upload(folder)
    if parent == "own":
        new = site.initiate(Id=upload.document, ParentFolderId=folder)
        assert new.metadata["ParentFolderId"] == folder
    else:
        with refused("InvalidArgumentException"):
            site.initiate(Id=upload.document, ParentFolderId=ann.root)
