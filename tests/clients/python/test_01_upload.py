"""A program uploads files and sees them."""

import hashlib
import os
import time
import unicodedata
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from client import refused, request_of, send

NAMES = {
    "plain": "report.pdf",
    "umlaut": "Übersicht für Jürgen.txt",
    "cjk": "四半期報告書.docx",
    "emoji": "🎉 party 👩‍👩‍👧 plan.md",
    "right to left": "דוח שנתי.pdf",
    "mixed direction": "تقرير Q3 (final).pdf",
    "255 characters": "n" * 255,
    "255 units of emoji": "🎉" * 127 + "x",
    "quotes": """it's "quoted" `twice`.txt""",
    "parent": "../../etc/passwd",
    "slashes": "a/b\\c/d.txt",
    "dot": ".",
    "blanks": "  leading and trailing  ",
    "percent": "100%25 & more?x=y#z;.txt",
    "line separator": "a\u2028b.txt",
}


@pytest.mark.parametrize("size", [0, 1, 20_000_000])
def test_an_upload_is_there_with_every_byte_and_its_md5(site, folder, size):
    content = os.urandom(size)
    upload = site.upload(folder, content, DocumentSizeInBytes=size)
    assert site.download(upload) == content
    version = site.admin.get_document_version(**upload.ids)["Metadata"]
    assert version["Size"] == size
    assert version["Signature"] == hashlib.md5(content).hexdigest()
    assert version["Status"] == "ACTIVE"


def test_an_upload_of_unknown_size_sent_in_chunks_is_taken_whole(site, folder):
    pieces = [os.urandom(100_000) for _ in range(5)]
    upload = site.initiate(ParentFolderId=folder, Name="chunked")
    upload.put(iter(pieces))
    upload.activate()
    assert site.download(upload) == b"".join(pieces)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_comes_back_as_it_was_given(site, folder, name):
    upload = site.upload(folder, name.encode(), name)
    document = site.admin.get_document(DocumentId=upload.document)["Metadata"]
    assert document["LatestVersionMetadata"]["Name"] == name
    assert site.document_names(folder) == [name]
    assert site.download(upload) == name.encode()


def test_initiate_answers_with_a_draft_and_where_to_send_the_bytes(site, ann, folder):
    before = time.time()
    upload = site.initiate(ParentFolderId=folder, Name="draft.txt", ContentType="text/plain")
    document, version = upload.metadata, upload.metadata["LatestVersionMetadata"]
    assert len(document["Id"]) == 64 and set(document["Id"]) <= set("0123456789abcdef")
    milliseconds, _, digits = version["Id"].partition("-")
    assert len(digits) == 64 and set(digits) <= set("0123456789abcdef")
    assert int(milliseconds) == round(version["CreatedTimestamp"].timestamp() * 1000)
    assert abs(int(milliseconds) / 1000 - before) < 60
    assert document["ParentFolderId"] == folder
    assert document["CreatorId"] == ann.id
    assert document["ResourceState"] == "ACTIVE"
    assert version["Status"] == "INITIALIZED"
    assert version["Name"] == "draft.txt"
    assert version["ContentType"] == "text/plain"
    assert version["CreatorId"].startswith("arn:aws:iam::")
    assert version.get("Size", 0) == 0
    assert "Signature" not in version
    assert len(upload.url) <= 1024
    assert set(parse_qs(urlsplit(upload.url).query)) >= {
        "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
        "X-Amz-SignedHeaders", "X-Amz-Signature",
    }
    assert parse_qs(urlsplit(upload.url).query)["X-Amz-Expires"] == ["900"]
    assert upload.headers["Content-Type"] == "text/plain"
    assert upload.headers["x-amz-server-side-encryption"] == "AES256"


def test_a_document_without_a_type_is_a_stream_of_octets(site, folder):
    upload = site.upload(folder)
    version = site.admin.get_document_version(**upload.ids)["Metadata"]
    assert version["ContentType"] == "application/octet-stream"


def test_the_content_s_own_times_are_echoed_only_where_they_were_given(site, folder):
    made = datetime(2001, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    changed = datetime(2021, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    with_times = site.upload(
        folder, ContentCreatedTimestamp=made, ContentModifiedTimestamp=changed
    )
    version = site.admin.get_document_version(**with_times.ids)["Metadata"]
    assert version["ContentCreatedTimestamp"] == made
    assert version["ContentModifiedTimestamp"] == changed
    version = site.admin.get_document_version(**site.upload(folder).ids)["Metadata"]
    assert "ContentCreatedTimestamp" not in version
    assert "ContentModifiedTimestamp" not in version


def test_a_draft_is_invisible_until_it_is_activated(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="later")
    upload.put(b"x")
    assert site.documents(folder) == []
    drafts = site.documents(folder, Include="INITIALIZED")
    assert [draft["Id"] for draft in drafts] == [upload.document]
    upload.activate()
    assert [document["Id"] for document in site.documents(folder)] == [upload.document]
    assert [d["Id"] for d in site.documents(folder, Include="INITIALIZED")] == [upload.document]


def test_activation_answers_with_an_empty_body_and_again_changes_nothing(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="twice")
    upload.put(b"x")
    answer = send(request_of(
        site.admin, "update_document_version", **upload.ids, VersionStatus="ACTIVE"
    ))
    assert (answer.status, answer.body) == (200, b"")
    before = site.admin.get_document(DocumentId=upload.document)["Metadata"]
    assert upload.activate()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert site.admin.get_document(DocumentId=upload.document)["Metadata"] == before


def test_activation_before_the_content_has_arrived_is_refused(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="empty-handed")
    with refused("ProhibitedStateException"):
        upload.activate()
    version = site.admin.get_document_version(**upload.ids)["Metadata"]
    assert version["Status"] == "INITIALIZED"
    upload.put(b"now")
    upload.activate()
    assert site.download(upload) == b"now"


def test_a_name_that_an_active_document_has_cannot_be_taken(site, folder):
    site.upload(folder, name="taken")
    with refused("EntityAlreadyExistsException"):
        site.initiate(ParentFolderId=folder, Name="taken")
    with refused("EntityAlreadyExistsException"):
        site.folder(folder, "taken")
    assert site.document_names(folder, Include="INITIALIZED") == ["taken"]


def test_a_name_that_a_folder_has_cannot_be_taken(site, folder):
    site.folder(folder, "both")
    with refused("EntityAlreadyExistsException"):
        site.initiate(ParentFolderId=folder, Name="both")


def test_a_draft_holds_no_name(site, folder):
    site.initiate(ParentFolderId=folder, Name="wanted")
    site.upload(folder, name="wanted")
    assert site.document_names(folder) == ["wanted"]


@pytest.mark.parametrize("taker", ["document", "folder"])
def test_a_name_taken_meanwhile_is_found_at_activation(site, folder, taker):
    late = site.initiate(ParentFolderId=folder, Name="race")
    late.put(b"late")
    if taker == "document":
        first = site.upload(folder, b"first", "race")
    else:
        first = site.folder(folder, "race")
    with refused("ConcurrentModificationException"):
        late.activate()
    assert site.admin.get_document_version(**late.ids)["Metadata"]["Status"] == "INITIALIZED"
    if taker == "document":
        site.admin.delete_document(DocumentId=first.document)
    else:
        site.admin.delete_folder(FolderId=first)
    late.activate()
    assert site.download(late) == b"late"


def test_names_that_look_the_same_are_one_name_and_case_is_kept(site, folder):
    composed = unicodedata.normalize("NFC", "Café")
    decomposed = unicodedata.normalize("NFD", "Café")
    assert composed != decomposed
    site.upload(folder, name=decomposed)
    with refused("EntityAlreadyExistsException"):
        site.initiate(ParentFolderId=folder, Name=composed)
    with refused("EntityAlreadyExistsException"):
        site.folder(folder, composed)
    site.upload(folder, name=composed.lower())
    assert sorted(site.document_names(folder)) == sorted([decomposed, composed.lower()])


def test_deleting_a_document_frees_its_name_and_ends_its_urls(site, folder):
    upload = site.upload(folder, name="deleted")
    source = site.source(upload)
    answer = send(request_of(site.admin, "delete_document", DocumentId=upload.document))
    assert (answer.status, answer.body) == (204, b"")
    with refused("UnauthorizedResourceAccessException"):
        site.admin.get_document(DocumentId=upload.document)
    with refused("UnauthorizedResourceAccessException"):
        site.admin.delete_document(DocumentId=upload.document)
    assert site.documents(folder) == []
    assert upload.try_put(b"x", url=source).status_code in (403, 405)
    assert requests.get(source, timeout=30).status_code in (403, 404)
    site.upload(folder, name="deleted")
