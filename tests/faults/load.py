"""Mixed uploads by several threads, and what each answer promised about them.

Every effect that was answered is written to a ledger and flushed before the next call. What was not
answered may have happened or not: each thing is kept with all the states it may be in, and a check
narrows them to the one it finds, or fails.
"""

import hashlib
import json
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from client import workdocs

LANES = 8
GONE, DRAFT, ACTIVE = "GONE", "INITIALIZED", "ACTIVE"
HIDDEN = ("UnauthorizedResourceAccessException", "EntityNotExistsException")
# A lane with more documents than this rather removes than adds.
DOCUMENTS_MANY = 10


class Unanswered(Exception):
    """Whether the call had its effect, nobody told."""


@dataclass(frozen=True)
class Content:
    """Bytes, remembered by what they were made from."""

    seed: int
    size: int

    @property
    def bytes(self):
        return random.Random(self.seed).randbytes(self.size)


@dataclass
class Version:
    id: str
    url: str = None
    headers: dict = None
    states: set = field(default_factory=lambda: {DRAFT})
    # What may have been received; `None` is nothing.
    contents: set = field(default_factory=lambda: {None})

    def certainly(self, state):
        return self.states == {state}

    def active_contents(self):
        return self.contents - {None}


@dataclass
class Document:
    id: str
    name: str
    folder: object
    versions: list
    there: set = field(default_factory=lambda: {True})
    # Versions that were perhaps begun, by a call that was not answered.
    begun: int = 0
    touched: bool = True

    def drafts(self):
        return [version for version in self.versions if version.certainly(DRAFT) and version.url]

    def is_certain(self):
        return self.there == {True} and all(len(version.states) == 1 for version in self.versions)


@dataclass
class Folder:
    id: str
    name: str
    there: set = field(default_factory=lambda: {True})


class Ledger:
    """What was answered, durable before the next call is made."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "ab", buffering=0)
        self.effects = 0
        self.lock = threading.Lock()

    def note(self, lane, effect, *about):
        with self.lock:
            self.file.write(json.dumps([lane, effect, *about]).encode() + b"\n")
            self.effects += 1
        os.fdatasync(self.file.fileno())


class Lane:
    """What one thread does, in a folder of its own."""

    def __init__(self, number, client, root, ledger, large_bytes):
        self.number = number
        self.client = client
        self.root = Folder(root, "root")
        self.ledger = ledger
        self.large_bytes = large_bytes
        self.folders = []
        self.documents = []
        self.unanswered = set()
        self.names = 0
        self.random = None

    # What it does.

    def run(self, seed, stop):
        self.random = random.Random(seed)
        while not stop.is_set():
            try:
                self._step()
            except Unanswered:
                stop.wait(0.05)

    def _step(self):
        documents = [
            document for document in self.documents
            if document.is_certain() and document.folder.there == {True}
        ]
        drafts = [(document, draft) for document in documents for draft in document.drafts()]
        chance = self.random.random()
        if drafts and chance < 0.62:
            self._draft_step(*self.random.choice(drafts))
        elif len(documents) > DOCUMENTS_MANY or chance < 0.68:
            self._remove(documents)
        elif chance < 0.72:
            self._create_folder()
        elif documents and chance < 0.85:
            self._begin_version(self.random.choice(documents))
        else:
            self._begin_document()

    def _draft_step(self, document, draft):
        document.touched = True
        chance = self.random.random()
        if chance < 0.1:
            self._abort(document, draft)
        elif len(draft.contents) == 1 and None not in draft.contents and chance < 0.9:
            self._activate(document, draft)
        else:
            self._put(draft)

    def _remove(self, documents):
        folders = [folder for folder in self.folders if folder.there == {True}]
        if folders and self.random.random() < 0.2:
            self._delete_folder(self.random.choice(folders))
        elif documents:
            self._delete_document(self.random.choice(documents))

    def _name(self, kind):
        self.names += 1
        return f"{kind} {self.number}-{self.names} ü📄"

    def _call(self, operation, **members):
        """Makes a call that must be taken, or is not answered."""
        try:
            return getattr(self.client, operation)(**members)
        except (HTTPClientError, ConnectionError) as error:
            raise Unanswered(operation) from error
        except ClientError as error:
            if 500 <= error.response["ResponseMetadata"]["HTTPStatusCode"]:
                raise Unanswered(operation) from error
            raise

    def _place(self):
        folders = [folder for folder in self.folders if folder.there == {True}]
        return self.random.choice([self.root, self.root, *folders])

    def _create_folder(self):
        name = self._name("folder")
        self.unanswered.add(name)
        made = self._call("create_folder", ParentFolderId=self.root.id, Name=name)["Metadata"]
        self.unanswered.discard(name)
        self.folders.append(Folder(made["Id"], name))
        self.ledger.note(self.number, "folder created", made["Id"])

    def _delete_folder(self, folder):
        folder.there = {True, False}
        self._call("delete_folder", FolderId=folder.id)
        folder.there = {False}
        self.ledger.note(self.number, "folder deleted", folder.id)

    def _begin_document(self):
        name, folder = self._name("document"), self._place()
        self.unanswered.add(name)
        answer = self._call(
            "initiate_document_version_upload", ParentFolderId=folder.id, Name=name
        )
        self.unanswered.discard(name)
        version = begun_version(answer)
        self.documents.append(Document(answer["Metadata"]["Id"], name, folder, [version]))
        self.ledger.note(self.number, "document begun", answer["Metadata"]["Id"], version.id)

    def _begin_version(self, document):
        document.touched = True
        document.begun += 1
        answer = self._call("initiate_document_version_upload", Id=document.id)
        document.begun -= 1
        document.versions.append(begun_version(answer))
        self.ledger.note(self.number, "version begun", document.id, document.versions[-1].id)

    def _put(self, draft):
        large = self.random.random() < 0.04
        sizes = (1 << 20, self.large_bytes) if large else (0, 300 * 1024)
        content = Content(self.random.getrandbits(32), self.random.randint(*sizes))
        draft.contents = draft.contents | {content}
        try:
            answer = requests.put(
                draft.url, data=content.bytes, headers=draft.headers, timeout=30
            )
        except requests.RequestException as error:
            raise Unanswered("PUT") from error
        if 500 <= answer.status_code:
            raise Unanswered("PUT")
        assert answer.status_code == 200, answer.text
        draft.contents = {content}
        self.ledger.note(self.number, "content received", draft.id, content.seed, content.size)

    def _activate(self, document, draft):
        draft.states = {DRAFT, ACTIVE}
        self._call(
            "update_document_version", DocumentId=document.id, VersionId=draft.id,
            VersionStatus="ACTIVE",
        )
        draft.states = {ACTIVE}
        self.ledger.note(self.number, "version active", document.id, draft.id)

    def _abort(self, document, draft):
        draft.states = {DRAFT, GONE}
        only = len(document.versions) == 1
        if only:
            document.there = {True, False}
        self._call(
            "abort_document_version_upload", DocumentId=document.id, VersionId=draft.id
        )
        draft.states = {GONE}
        if only:
            document.there = {False}
        else:
            document.versions.remove(draft)
        self.ledger.note(self.number, "upload aborted", document.id, draft.id)

    def _delete_document(self, document):
        document.there = {True, False}
        self._call("delete_document", DocumentId=document.id)
        document.there = {False}
        self.ledger.note(self.number, "document deleted", document.id)

    # What is found afterwards.

    def check(self, everything):
        """Compares all there is with what was promised, then knows it for certain."""
        listed_folders, listed = self._list(self.root)
        self._check_folders(listed_folders)
        for folder in self.folders:
            if folder.there == {True}:
                folders, documents = self._list(folder)
                assert not folders, folder
                listed |= documents
        for document in self.documents:
            self._check_document(document, listed.pop(document.id, None), everything)
        for found in listed.values():
            self._adopt_document(found)
        self.documents = [document for document in self.documents if document.there == {True}]
        self.folders = [folder for folder in self.folders if folder.there == {True}]
        self.unanswered.clear()

    def _list(self, folder):
        folders, documents, marker = {}, {}, {}
        while True:
            page = self.client.describe_folder_contents(
                FolderId=folder.id, Include="INITIALIZED", Type="ALL", Limit=100, **marker
            )
            folders |= {one["Id"]: one for one in page.get("Folders", [])}
            documents |= {one["Id"]: one for one in page.get("Documents", [])}
            if not page.get("Marker"):
                return folders, documents
            marker = {"Marker": page["Marker"]}

    def _check_folders(self, listed):
        for folder in self.folders:
            there = folder.id in listed
            assert there in folder.there, f"folder {folder} is{'' if there else ' not'} there"
            if not there:
                self._is_hidden("get_folder", FolderId=folder.id)
            folder.there = {there}
            listed.pop(folder.id, None)
        for found in listed.values():
            assert found["Name"] in self.unanswered, f"nobody made folder {found}"
            self.folders.append(Folder(found["Id"], found["Name"]))

    def _is_hidden(self, operation, **members):
        try:
            getattr(self.client, operation)(**members)
        except ClientError as error:
            assert error.response["Error"]["Code"] in HIDDEN, error
        else:
            raise AssertionError(f"{operation} {members} finds what is gone")

    def _check_document(self, document, found, everything):
        there = found is not None
        if document.folder.there == {False}:
            assert not there, f"{document} is there without its folder"
            self._is_hidden("get_document", DocumentId=document.id)
            document.there = {False}
            return
        assert there in document.there, f"{document} is{'' if there else ' not'} there"
        document.there = {there}
        if not there:
            self._is_hidden("get_document", DocumentId=document.id)
        elif everything or document.touched:
            self._check_versions(document)
        if there:
            self._check_latest(document, found["LatestVersionMetadata"])
        document.touched = False

    def _check_latest(self, document, found):
        assert found["Name"] == document.name
        active = [version for version in document.versions if version.certainly(ACTIVE)]
        if not active:
            assert found["Status"] == DRAFT, found
            return
        latest = [version for version in active if version.id == found["Id"]]
        assert latest and found["Status"] == ACTIVE, f"{found} is not of {document}"
        assert_is(found, latest[0].active_contents())

    def _check_versions(self, document):
        answer = self.client.describe_document_versions(
            DocumentId=document.id, Include="INITIALIZED", Fields="SOURCE", Limit=30
        )
        assert not answer.get("Marker")
        found = {version["Id"]: version for version in answer["DocumentVersions"]}
        for version in document.versions:
            seen = found.pop(version.id, None)
            state = seen["Status"] if seen else GONE
            assert state in version.states, f"{version} of {document.id} is {state}"
            version.states = {state}
            if state == ACTIVE:
                self._check_content(seen, version)
        document.versions = [one for one in document.versions if not one.certainly(GONE)]
        for unknown in found.values():
            assert unknown["Status"] == DRAFT and document.begun, f"nobody began {unknown}"
            document.begun -= 1
            document.versions.append(Version(unknown["Id"]))
        document.begun = 0

    def _check_content(self, seen, version):
        content = assert_is(seen, version.active_contents())
        got = requests.get(seen["Source"]["ORIGINAL"], timeout=30)
        assert got.status_code == 200, got.text
        assert got.content == content.bytes, f"{version} has other bytes"
        version.contents = {content}

    def _adopt_document(self, found):
        latest = found["LatestVersionMetadata"]
        assert latest["Name"] in self.unanswered, f"nobody made {found}"
        assert latest["Status"] == DRAFT, f"nobody made {found} active"
        folder = next(
            one for one in [self.root, *self.folders] if one.id == found["ParentFolderId"]
        )
        self.documents.append(
            Document(found["Id"], latest["Name"], folder, [Version(latest["Id"])])
        )


def begun_version(answer):
    upload = answer["UploadMetadata"]
    version = answer["Metadata"]["LatestVersionMetadata"]["Id"]
    return Version(version, upload["UploadUrl"], upload["SignedHeaders"])


def assert_is(metadata, contents):
    """Finds the content a version's metadata speaks of among those it may have."""
    for content in contents:
        if hashlib.md5(content.bytes).hexdigest() == metadata["Signature"]:
            assert content.size == metadata["Size"], metadata
            return content
    raise AssertionError(f"{metadata} is none of {contents}")


class Load:
    """All lanes on one server."""

    def __init__(self, server, parent, seed, ledger, large_bytes=4 << 20):
        client = workdocs(server)
        self.ledger = Ledger(ledger)
        self.seed = seed
        self.rounds = 0
        self.lanes = []
        for number in range(LANES):
            made = client.create_folder(ParentFolderId=parent, Name=f"lane {number}")
            self.lanes.append(
                Lane(number, client, made["Metadata"]["Id"], self.ledger, large_bytes)
            )

    def run_until(self, fault):
        """Lets all lanes work until `fault` returns, which it is called to do meanwhile."""
        stop = threading.Event()
        self.rounds += 1
        with ThreadPoolExecutor(LANES) as threads:
            running = [
                threads.submit(lane.run, f"{self.seed} {self.rounds} {lane.number}", stop)
                for lane in self.lanes
            ]
            try:
                fault()
            finally:
                stop.set()
            for lane in running:
                lane.result()

    def check(self, everything=False):
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda lane: lane.check(everything), self.lanes))

    def abort_all(self):
        """Gives up every upload, so that only what is active still has bytes."""
        for lane in self.lanes:
            for document in lane.documents:
                for version in document.versions:
                    if version.certainly(DRAFT):
                        lane.client.abort_document_version_upload(
                            DocumentId=document.id, VersionId=version.id
                        )
                document.versions = [one for one in document.versions if one.certainly(ACTIVE)]
            lane.documents = [document for document in lane.documents if document.versions]

    def active(self):
        """How many versions have bytes."""
        return sum(
            version.certainly(ACTIVE)
            for lane in self.lanes for document in lane.documents for version in document.versions
        )
