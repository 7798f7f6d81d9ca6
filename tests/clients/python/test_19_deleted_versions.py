"""Versions that are deleted and brought back; and what time makes of what was thrown away."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from client import outcome, refused, workdocs
from waiting import until

HIDDEN = "UnauthorizedResourceAccessException"
NOT_ALLOWED = "UnauthorizedOperationException"
PROHIBITED = "ProhibitedStateException"
CONFLICTING = "ConflictingOperationException"
UNKNOWN = "EntityNotExistsException"
LAST = "InvalidOperationException"


class Versions:
    """A document of which every version has its own name and content."""

    def __init__(self, site, parent, count=3):
        self.site = site
        self.folder = parent
        self.name = site.name("document")
        self.uploads = [site.upload(parent, self.content(1), self.name_of(1))]
        self.document = self.uploads[0].document
        for _ in range(1, count):
            self.add()

    def name_of(self, number):
        return f"{self.name}, version {number}"

    def content(self, number):
        return b"%03d" % number

    def add(self):
        number = len(self.uploads) + 1
        self.uploads.append(
            self.site.upload_version(
                self.document, self.content(number), Name=self.name_of(number)
            )
        )

    def version(self, number):
        return self.uploads[number - 1]

    def delete(self, number, prior=False, client=None):
        return (client or self.site.admin).delete_document_version(
            **self.version(number).ids, DeletePriorVersions=prior
        )

    def restore(self, client=None):
        return (client or self.site.admin).restore_document_versions(DocumentId=self.document)

    def listed(self, client=None, **members):
        """The numbers of the versions that are listed, in their order."""
        numbers = {upload.version: at for at, upload in enumerate(self.uploads, start=1)}
        pages = (client or self.site.admin).get_paginator("describe_document_versions").paginate(
            DocumentId=self.document, PaginationConfig={"PageSize": 2}, **members
        )
        return [
            numbers[version["Id"]] for page in pages for version in page["DocumentVersions"]
        ]

    def stand(self, *numbers):
        """Holds the document to these versions, the latest first, and to no others."""
        assert self.listed() == self.listed(Include="INITIALIZED") == list(numbers)
        latest = self.site.admin.get_document(DocumentId=self.document)["Metadata"]
        latest = latest["LatestVersionMetadata"]
        assert latest["Id"] == self.version(numbers[0]).version
        assert (latest["Name"], latest["Status"]) == (self.name_of(numbers[0]), "ACTIVE")
        assert latest["Name"] in self.site.document_names(self.folder)
        for number in range(1, len(self.uploads) + 1):
            if number in numbers:
                assert self.site.download(self.version(number)) == self.content(number)
            else:
                with refused(UNKNOWN) as refusal:
                    self.site.admin.get_document_version(**self.version(number).ids)
                assert refusal.response["EntityIds"] == [self.version(number).version]


@pytest.fixture
def versions(site, folder):
    """A document with three versions."""
    return Versions(site, folder)


def used(site, person):
    answer = site.admin.describe_users(UserIds=person.id, Fields="STORAGE_METADATA")
    return answer["Users"][0]["Storage"]["StorageUtilizedInBytes"]


def share(site, resource, person, role):
    answer = site.admin.add_resource_permissions(
        ResourceId=resource, Principals=[{"Id": person.id, "Type": "USER", "Role": role}]
    )
    assert answer["ShareResults"][0]["Status"] == "SUCCESS", answer["ShareResults"]


# Deleted.


@pytest.mark.parametrize(("number", "prior", "left"), [
    (1, False, [3, 2]),
    (2, False, [3, 1]),
    (3, False, [2, 1]),
    (1, True, [3, 2]),
    (2, True, [3]),
])
def test_a_version_is_deleted_alone_or_with_all_before_it(versions, number, prior, left):
    answer = versions.delete(number, prior)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    versions.stand(*left)
    answer = versions.restore()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    versions.stand(3, 2, 1)


def test_the_last_version_stays(site, folder, versions):
    with refused(LAST) as refusal:
        versions.delete(3, prior=True)
    assert refusal.message
    versions.stand(3, 2, 1)
    versions.delete(2, prior=True)
    for prior in (False, True):
        with refused(LAST):
            versions.delete(3, prior)
    # A draft is no version to be left with.
    draft = site.initiate(Id=versions.document)
    with refused(LAST):
        versions.delete(3)
    draft.abort()
    versions.stand(3)


def test_what_is_deleted_cannot_be_deleted_again(versions):
    versions.delete(2)
    for prior in (False, True):
        with refused(UNKNOWN) as refusal:
            versions.delete(2, prior)
        assert refusal.response["EntityIds"] == [versions.version(2).version]
    versions.stand(3, 1)


def test_a_version_of_another_document_is_unknown(site, folder, versions):
    other = site.upload(folder)
    with refused(UNKNOWN):
        site.admin.delete_document_version(
            DocumentId=versions.document, VersionId=other.version, DeletePriorVersions=False
        )
    with refused(HIDDEN):
        site.admin.delete_document_version(
            DocumentId="0" * 64, VersionId=other.version, DeletePriorVersions=False
        )
    assert site.download(other) == b"content"


def test_whether_prior_versions_go_too_must_be_said(site, versions):
    client = workdocs(site.server, validate=False)
    with refused("ValidationException") as refusal:
        client.delete_document_version(**versions.version(1).ids)
    assert "deletepriorversions" in refusal.message.lower()
    versions.stand(3, 2, 1)


def test_an_upload_that_is_going_on_is_aborted_and_not_deleted(site, versions):
    draft = site.initiate(Id=versions.document)
    for prior in (False, True):
        with refused(PROHIBITED):
            site.admin.delete_document_version(**draft.ids, DeletePriorVersions=prior)
    draft.abort()
    versions.stand(3, 2, 1)


def test_two_at_once_never_delete_the_last_two_versions(site, folder):
    for _ in range(10):
        versions = Versions(site, folder, 2)
        together = threading.Barrier(2)

        def delete(number):
            together.wait()
            return outcome(
                site.admin.delete_document_version,
                **versions.version(number).ids, DeletePriorVersions=False,
            )

        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(delete, (1, 2)))
        assert outcomes.count(None) == 1
        assert set(outcomes) <= {None, LAST, "ConcurrentModificationException"}
        versions.stand(2 if outcomes[0] is None else 1)


def test_a_new_version_comes_on_top_of_what_is_left(versions):
    versions.delete(3)
    versions.add()
    versions.stand(4, 2, 1)
    versions.restore()
    versions.stand(4, 3, 2, 1)


def test_an_upload_begun_before_becomes_the_latest_after(site, folder, versions):
    draft = site.initiate(Id=versions.document, Name=versions.name_of(4))
    draft.put(versions.content(4))
    versions.delete(3)
    draft.activate()
    versions.uploads.append(draft)
    versions.stand(4, 2, 1)
    versions.restore()
    versions.stand(4, 3, 2, 1)


# Out of reach, and still paid for.


def test_the_urls_of_a_deleted_version_give_nothing_any_more(site, versions):
    sources = [site.source(versions.version(number)) for number in (1, 2, 3)]
    versions.delete(2, prior=True)
    for source in sources[:2]:
        for method in ("GET", "HEAD"):
            answer = requests.request(method, source, timeout=30)
            assert answer.status_code in (403, 404)
            assert versions.content(1) not in answer.content
            assert versions.content(2) not in answer.content
    assert requests.get(sources[2], timeout=30).content == versions.content(3)
    assert versions.version(2).try_put(b"changed").status_code == 403
    for call in (versions.version(2).activate, versions.version(2).abort):
        with refused(UNKNOWN):
            call()
    versions.restore()
    assert site.download(versions.version(2)) == versions.content(2)


def test_deleted_versions_are_paid_for_and_no_longer_counted_as_contents(site):
    owner = site.person(StorageRule={"StorageType": "QUOTA", "StorageAllocatedInBytes": 9})
    folder = site.folder(owner.root)
    versions = Versions(site, folder)
    assert used(site, owner) == 9
    versions.delete(2, prior=True)
    assert used(site, owner) == 9
    assert site.admin.get_folder(FolderId=folder)["Metadata"]["Size"] == 3
    with refused("StorageLimitExceededException"):
        site.initiate(ParentFolderId=folder, Name="more", DocumentSizeInBytes=1)
    versions.restore()
    assert used(site, owner) == 9
    versions.delete(1)
    site.admin.delete_document(DocumentId=versions.document)
    assert used(site, owner) == 0


# Names.


def test_an_older_name_that_was_taken_meanwhile_keeps_the_latest_from_going(
    site, folder, versions
):
    neighbour = site.folder(folder, versions.name_of(2))
    with refused(CONFLICTING) as refusal:
        versions.delete(3)
    assert refusal.message
    versions.stand(3, 2, 1)
    versions.delete(2)
    versions.stand(3, 1)
    site.admin.update_folder(FolderId=neighbour, Name="free again")
    versions.restore()
    versions.delete(3)
    versions.stand(2, 1)


def test_a_latest_name_that_was_taken_meanwhile_keeps_versions_from_coming_back(
    site, folder, versions
):
    versions.delete(3)
    neighbour = site.upload(folder, name=versions.name_of(3))
    with refused(CONFLICTING):
        versions.restore()
    versions.stand(2, 1)
    site.admin.update_document(DocumentId=neighbour.document, Name="free again")
    versions.restore()
    versions.stand(3, 2, 1)


def test_there_must_be_something_to_restore(versions):
    for _ in range(2):
        with refused(LAST) as refusal:
            versions.restore()
        assert refusal.message
        versions.delete(1)
        versions.restore()


# Who, and where.


@pytest.mark.parametrize(("shared", "role", "code"), [
    ("folder", None, HIDDEN),
    ("folder", "VIEWER", NOT_ALLOWED),
    ("folder", "CONTRIBUTOR", NOT_ALLOWED),
    ("folder", "COOWNER", None),
    ("document", "VIEWER", NOT_ALLOWED),
    ("document", "CONTRIBUTOR", None),
    ("document", "COOWNER", None),
])
def test_who_deletes_versions_and_brings_them_back(site, folder, versions, shared, role, code):
    person = site.person()
    client = person.client()
    if role:
        share(site, folder if shared == "folder" else versions.document, person, role)
    delete = {**versions.version(2).ids, "DeletePriorVersions": False}
    assert outcome(client.delete_document_version, **delete) == code
    if code:
        versions.delete(2)
    assert outcome(client.restore_document_versions, DocumentId=versions.document) == code
    versions.stand(*([3, 1] if code else [3, 2, 1]))


def test_the_versions_of_what_is_recycled_stay_as_they_are(site, folder, versions):
    versions.delete(1)
    for recycle in (
        lambda state: site.admin.update_document(
            DocumentId=versions.document, ResourceState=state
        ),
        lambda state: site.admin.update_folder(FolderId=folder, ResourceState=state),
    ):
        recycle("RECYCLED")
        for call in (lambda: versions.delete(2), versions.restore):
            with refused(PROHIBITED):
                call()
        assert versions.listed() == [3, 2]
        recycle("ACTIVE")
    versions.stand(3, 2)
    versions.restore()
    versions.stand(3, 2, 1)


def test_deleted_versions_go_into_the_bin_and_out_of_it_with_their_document(versions, site):
    versions.delete(3)
    site.admin.update_document(DocumentId=versions.document, ResourceState="RECYCLED")
    site.admin.update_document(DocumentId=versions.document, ResourceState="ACTIVE")
    versions.stand(2, 1)
    versions.restore()
    versions.stand(3, 2, 1)


# What time makes of it.


@pytest.fixture(scope="module")
def hasty(make_site):
    """A site whose users may bring things back for a second, and its administrators for a year."""
    return make_site(
        DOCHARBOR_RECYCLE_BIN_RETENTION="1s", DOCHARBOR_RECOVERY_BIN_RETENTION="365d"
    )


@pytest.fixture(scope="module")
def hastier(make_site):
    """A site that keeps what is thrown away for five seconds, and then not at all."""
    return make_site(DOCHARBOR_RECYCLE_BIN_RETENTION="5s", DOCHARBOR_RECOVERY_BIN_RETENTION="0d")


def in_time(site, owner, what, holds):
    """Waits for the jobs, which a deletion wakes."""
    def looked():
        site.admin.delete_folder(FolderId=site.folder(owner.root))
        return holds()

    return until(what, looked, seconds=40, every=0.2)


def listed(client, folder):
    answer = client.describe_folder_contents(FolderId=folder)
    return {item["Id"] for item in answer["Folders"] + answer["Documents"]}


def test_after_its_time_in_the_recycle_bin_only_administrators_see_an_item(hasty):
    site, owner = hasty, hasty.person()
    client = owner.client()
    top = site.folder(owner.root)
    below = site.upload(top, b"below")
    document = site.upload(owner.root, b"alone")
    site.admin.update_folder(FolderId=top, ResourceState="RECYCLED")
    client.update_document(DocumentId=document.document, ResourceState="RECYCLED")
    in_time(
        site, owner, "the bin is empty for its owner",
        lambda: listed(client, owner.recycle_bin) == set(),
    )
    for call in (
        lambda: client.get_folder(FolderId=top),
        lambda: client.get_document(DocumentId=below.document),
        lambda: client.get_document(DocumentId=document.document),
        lambda: client.update_folder(FolderId=top, ResourceState="ACTIVE"),
        lambda: client.update_document(DocumentId=below.document, ResourceState="ACTIVE"),
        lambda: client.delete_document(DocumentId=document.document),
    ):
        with refused(HIDDEN):
            call()
    assert listed(site.admin, owner.recycle_bin) == {top, document.document}
    shown = site.admin.get_folder(FolderId=top)["Metadata"]
    assert (shown["ParentFolderId"], shown["ResourceState"]) == (owner.recycle_bin, "RECYCLED")
    assert used(site, owner) == 10
    site.admin.update_folder(FolderId=top, ResourceState="ACTIVE")
    assert client.get_document(DocumentId=below.document)["Metadata"]["ResourceState"] == "ACTIVE"
    assert site.download(below) == b"below"
    site.admin.delete_folder_contents(FolderId=owner.recycle_bin)
    with refused(HIDDEN):
        site.admin.get_document(DocumentId=document.document)


def test_after_the_recycle_bin_s_time_only_administrators_restore_versions(hasty):
    site, owner = hasty, hasty.person()
    client = owner.client()
    versions = Versions(site, owner.root)
    versions.delete(2, client=client)

    def is_over():
        code = outcome(client.restore_document_versions, DocumentId=versions.document)
        if code is None:
            versions.delete(2, client=client)
        return code == LAST

    until("the time is over for the owner", is_over, every=1.2)
    versions.stand(3, 1)
    versions.restore()
    versions.stand(3, 2, 1)


def test_after_its_time_in_the_recovery_bin_an_item_is_gone_with_all_it_held(hastier):
    site, owner = hastier, hastier.person()
    top = site.folder(owner.root)
    below = site.upload(top, b"below")
    kept = site.upload(owner.root, b"kept")
    document = site.upload(owner.root, b"alone", "a name")
    site.admin.update_folder(FolderId=top, ResourceState="RECYCLED")
    site.admin.update_document(DocumentId=document.document, ResourceState="RECYCLED")
    in_time(
        site, owner, "the bin is empty", lambda: listed(site.admin, owner.recycle_bin) == set()
    )
    for call in (
        lambda: site.admin.get_folder(FolderId=top),
        lambda: site.admin.update_folder(FolderId=top, ResourceState="ACTIVE"),
        lambda: site.admin.get_document(DocumentId=below.document),
        lambda: site.admin.update_document(DocumentId=document.document, ResourceState="ACTIVE"),
    ):
        with refused(HIDDEN):
            call()
    in_time(site, owner, "nothing is charged any more", lambda: used(site, owner) == 4)
    assert site.download(kept) == b"kept"
    site.upload(owner.root, name="a name")


def test_what_was_restored_in_time_stays(hastier):
    site, owner = hastier, hastier.person()
    restored, recycled = site.upload(owner.root, b"stays"), site.folder(owner.root)
    site.admin.update_document(DocumentId=restored.document, ResourceState="RECYCLED")
    site.admin.update_document(DocumentId=restored.document, ResourceState="ACTIVE")
    site.admin.update_folder(FolderId=recycled, ResourceState="RECYCLED")
    in_time(
        site, owner, "the other is gone",
        lambda: outcome(site.admin.get_folder, FolderId=recycled) == HIDDEN,
    )
    assert site.download(restored) == b"stays"


def test_after_their_time_deleted_versions_are_gone_and_no_longer_paid_for(hastier):
    site, owner = hastier, hastier.person()
    versions = Versions(site, owner.root)
    site.admin.create_comment(**versions.version(1).ids, Text="goes with its version")
    versions.delete(2, prior=True)
    assert used(site, owner) in (9, 3)
    in_time(site, owner, "the versions are gone", lambda: used(site, owner) == 3)
    with refused(LAST):
        versions.restore()
    versions.stand(3)
