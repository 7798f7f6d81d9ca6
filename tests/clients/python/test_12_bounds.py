"""Every member of every operation, below, at and above each of its bounds, out of the model itself.

A case that fails names itself; DOCHARBOR_BOUNDS_CASE with its name, or a part of it, runs it alone.
"""

import json
import os
import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client import COMMON_STATUS, MODEL, Request, outcome, send, workdocs
from server import ROOT_KEY, ROOT_SECRET
from shapes import ALLOWED, ANY, HARMLESS, REFUSED, Cases
from site_story import PASSWORD
from test_02_download import DISPOSITION

OPERATIONS = sorted(MODEL.operation_names)
ONLY = os.environ.get("DOCHARBOR_BOUNDS_CASE", "")
THREADS = 8
SHOWN_MAX = 20
COMMON_CODES = set(COMMON_STATUS) | {
    "RequestEntityTooLargeException", "SerializationException", "UnknownOperationException",
}
VIOLATION = re.compile(
    r"Value at '[^']*' failed to satisfy constraint: (Map (keys|value) must|Member must "
    r"(have length|have value|satisfy|not be null|not be given more than once|be a string|be a list"
    r"|be an object|be an integer|be true or false|be an ISO|be a timestamp))"
)


class World:
    """One of everything that a call can point at, owned by one person."""

    def __init__(self, site):
        self.site, self.admin = site, site.admin
        self.owner, self.reader, self.inactive = site.person(), site.person(), site.person()
        self.admin.update_user(UserId=self.owner.id, Type="ADMIN")
        self.token = site.server.token(self.owner.username)
        self.admin.deactivate_user(UserId=self.inactive.id)
        self.folder = site.folder(self.owner.root, "everything")
        site.folder(self.folder, "inner")
        self.document = site.upload(self.folder, b"first", "document").document
        self.version = site.upload_version(self.document, b"second").version
        self.draft = site.initiate(Id=self.document)
        self.draft.put(b"third")
        self.comment = self.comments()
        self.decorate()

    @property
    def ids(self):
        return {"DocumentId": self.document, "VersionId": self.version}

    def comments(self):
        return self.admin.create_comment(**self.ids, Text="comment")["Comment"]["CommentId"]

    def decorate(self):
        """Gives the folder and the document whatever can be taken from them."""
        reader = {"Id": self.reader.id, "Type": "USER", "Role": "VIEWER"}
        for resource in (self.folder, self.document):
            self.admin.add_resource_permissions(ResourceId=resource, Principals=[reader])
            self.admin.create_labels(ResourceId=resource, Labels=["kept"])
            self.admin.create_custom_metadata(ResourceId=resource, CustomMetadata={"kept": "kept"})

    def known(self, operation):
        """A value for each member that only this world knows."""
        is_of_draft = operation in ("AbortDocumentVersionUpload", "UpdateDocumentVersion")
        return {
            "FolderId": self.folder,
            "ParentFolderId": self.folder,
            "ResourceId": self.folder,
            "DocumentId": self.document,
            "VersionId": self.draft.version if is_of_draft else self.version,
            "CommentId": self.comment,
            "UserId": self.inactive.id if operation == "ActivateUser" else self.reader.id,
            "PrincipalId": self.reader.id,
            "SharePrincipal": {"Id": self.reader.id, "Type": "USER", "Role": "CONTRIBUTOR"},
            "OrganizationId": self.site.server.organization_id,
            "Name": lambda: self.site.name("named"),
            "Username": lambda: self.site.name("user"),
            "GivenName": "Changed",
            "Password": PASSWORD,
            "Endpoint": "https://127.0.0.1/x",
            "DeleteAll": True,
            "VersionStatus": "ACTIVE",
        }

    def state(self):
        """All that a call could have changed, in this world or beside it."""
        users = list(self.users())
        roots = [
            user[member] for user in users for member in ("RootFolderId", "RecycleBinFolderId")
            if user["Id"] in (self.owner.id, self.reader.id, self.inactive.id)
        ]
        return [users, *map(self.tree, roots)]

    def users(self):
        pages = self.admin.get_paginator("describe_users").paginate(
            OrganizationId=self.site.server.organization_id, Include="ALL",
            Fields="STORAGE_METADATA", PaginationConfig={"PageSize": 999},
        )
        for page in pages:
            yield from page["Users"]

    def tree(self, folder):
        """A folder with everything in it and everything about it."""
        listed = self.admin.describe_folder_contents(FolderId=folder, Include="INITIALIZED")
        about = told(self.admin.get_folder(FolderId=folder, IncludeCustomMetadata=True))
        documents = [self.about(document["Id"]) for document in listed["Documents"]]
        folders = [self.tree(inner["Id"]) for inner in listed["Folders"]]
        return [about, self.permissions(folder), documents, folders]

    def about(self, document):
        """A document with everything about it."""
        versions = told(self.admin.describe_document_versions(
            DocumentId=document, Include="INITIALIZED"
        ))
        comments = [
            told(self.admin.describe_comments(DocumentId=document, VersionId=version["Id"]))
            for version in versions["DocumentVersions"]
        ]
        about = told(self.admin.get_document(DocumentId=document, IncludeCustomMetadata=True))
        return [about, versions, comments, self.permissions(document)]

    def permissions(self, resource):
        return told(self.admin.describe_resource_permissions(ResourceId=resource))


def told(answer):
    """An answer without what is true of this one call only."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@pytest.fixture(scope="module")
def world(site):
    """What must never change."""
    return World(site)


@pytest.fixture(scope="module")
def scratch(site):
    """What calls that are let through may change as they like."""
    return World(site)


def chosen(operation, known, *verdicts):
    cases = [case for case in Cases(operation, known) if case.verdict in verdicts]
    return [case for case in cases if ONLY in case.id]


def answered(world, case):
    """Sends the case, signed by the administrator or with the token of the world's owner."""
    url = world.site.server.url + case.target
    if case.by_token:
        headers = case.headers | {"Authentication": f"Bearer {world.token}"}
        return send(Request(case.method, url, headers, case.body))
    request = AWSRequest(case.method, url, headers=dict(case.headers), data=case.body)
    SigV4Auth(Credentials(ROOT_KEY, ROOT_SECRET), "workdocs", "us-east-1").add_auth(request)
    return send(Request(case.method, url, dict(request.headers.items()), case.body))


def all_answered(world, cases):
    """The cases that were answered wrongly, each with what is wrong."""
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(lambda case: wrong(case, answered(world, case)), cases)
        return [f"{case.id}: {what}" for case, what in zip(cases, found) if what]


def wrong(case, answer):
    """What is wrong with an answer; nothing if it is as it has to be."""
    message = message_of(answer)
    said = f"answered {answer.status} {answer.code} {message!r}"
    if answer.status >= 500 or not answer.headers.get("x-amzn-requestid"):
        return said
    if answer.status >= 400 and (not message or answer.code not in codes_of(case.operation)):
        return f"{said}, which the operation does not declare or which says nothing"
    if case.verdict == REFUSED:
        return wrongly_refused(case, answer, message, said)
    if case.verdict == ALLOWED and answer.status >= 400 and is_violation(answer, message):
        return f"{said}, though the model allows it"
    return None


def wrongly_refused(case, answer, message, said):
    if answer.status < 400:
        return f"{said}, though the model forbids it"
    if case.codes and answer.code not in case.codes:
        return f"{said}, not {' or '.join(case.codes)}"
    for member in case.named:
        if not re.search(rf"\b{member}\b", message, re.IGNORECASE):
            return f"{said}, which does not name {member}"
    return None


def is_violation(answer, message):
    is_unread = answer.code in ("SerializationException", "RequestEntityTooLargeException")
    return is_unread or VIOLATION.search(message)


def message_of(answer):
    try:
        return json.loads(answer.body).get("Message", "") if answer.body else ""
    except ValueError:
        return ""


def codes_of(operation):
    declared = {error.name for error in MODEL.operation_model(operation).error_shapes}
    return declared | COMMON_CODES


def none_of(problems):
    """Fails with the first of the problems, and with how to have one of them again."""
    if problems:
        shown = "\n".join(problems[:SHOWN_MAX])
        pytest.fail(
            f"{len(problems)} cases were answered wrongly; these and perhaps more:\n{shown}\n"
            "Run one again with DOCHARBOR_BOUNDS_CASE='what stands before its answer'.",
            pytrace=False,
        )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_breaks_the_model_is_refused_and_changes_nothing(world, operation):
    cases = chosen(operation, world.known(operation), REFUSED, HARMLESS)
    before = world.state()
    none_of(all_answered(world, cases))
    assert world.state() == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_the_model_allows_is_never_refused_as_breaking_it(scratch, operation):
    cases = chosen(operation, scratch.known(operation), ALLOWED, ANY)
    none_of(all_answered(scratch, cases))


@pytest.mark.parametrize("operation", sorted(MODEL.operation_names))
def test_every_member_of_every_operation_has_its_cases(operation):
    cases = list(Cases(operation, {}))
    members = MODEL.operation_model(operation).input_shape.members
    for member in members:
        of_member = [case for case in cases if case.id.startswith(f"{operation}, {member}: ")]
        refused = [case for case in of_member if case.verdict == REFUSED]
        assert len(of_member) >= 5 and len(refused) >= 4, member
    assert len(cases) >= 6 + 5 * len(members)
    assert len({case.id for case in cases}) == len(cases)


KEPT_NAMES = {
    "a parent": "../x",
    "many parents": "../" * 40 + "etc/passwd",
    "a root": "/etc/passwd",
    "a parent of Windows": "..\\x",
    "a drive": "C:\\Windows\\win.ini",
    "a share": "\\\\host\\share",
    "an encoded parent": "%2e%2e%2fx",
    "one dot": ".",
    "two dots": "..",
    "a device": "CON",
    "a stream": "x.txt::$DATA",
    "a home": "~",
    "a hidden file": ".htaccess",
    "an option": "--help",
    "a command": "$(id)`id`;|&",
    "a quote": 'x"; filename="y.exe',
    "an encoded name": "x\"; filename*=UTF-8''y.exe",
    "a tag": "<script>alert(1)</script>",
    "a query": "' OR 1=1 --",
    "a wildcard": "*?[%_]",
    "a blank": " ",
    "DEL": "a\x7fb",
    "a next line": "a\x85b",
    "a left-to-right override": "a\u202db",
    "a right-to-left mark": "a\u200fb",
    "isolates": "a\u2067b\u2069c",
    "a line separator": "a\u2028b\u2029c",
    "a byte order mark": "\ufeffa",
    "no character": "a\ufffe\uffffb",
    "a private use": "\ue000",
    "a zero width joiner": "👩\u200d👩",
    "a last plane": "\U0010fffd",
    "a full-width dot": "．．／x",
    "a long one": "../" * 85,
}

FORBIDDEN_NAMES = {
    "nothing": "",
    "NUL": "x\0.txt",
    "a right-to-left override": "exe\u202efdp.txt",
    "a line feed": "x\ny",
    "a header": "x\r\nSet-Cookie: a=b",
    "a tabulator": "x\ty",
    "an escape": "\x1b[2J",
    "a unit separator": "\x1f",
    "too long a way up": "../" * 85 + "x",
}


@pytest.fixture(scope="module")
def shelf(site, ann):
    return site.folder(ann.root, "path tricks")


@pytest.mark.parametrize("name", KEPT_NAMES.values(), ids=KEPT_NAMES.keys())
def test_a_document_may_have_a_name_that_is_a_path_and_stays_where_it_is(site, shelf, name):
    folder = site.folder(shelf)
    upload = site.upload(folder, name.encode(), name)
    assert site.document_names(folder) == [name]
    read = site.admin.get_document(DocumentId=upload.document)["Metadata"]
    assert read["LatestVersionMetadata"]["Name"] == name
    path = site.admin.get_document_path(DocumentId=upload.document, Fields="NAME")["Path"]
    assert [step["Name"] for step in path["Components"]][-1] == name
    answer = requests.get(site.source(upload), timeout=30)
    assert answer.content == name.encode()
    is_saved_as(answer.headers["Content-Disposition"], name)


def is_saved_as(disposition, name):
    """A browser keeps the name; one that cannot read it saves under another, never elsewhere."""
    found = DISPOSITION.fullmatch(disposition)
    assert found, disposition
    fallback, encoded = found.groups()
    assert urllib.parse.unquote(encoded, errors="strict") == name
    assert fallback.isascii() and fallback.isprintable()
    assert not set(fallback) & set("/\\")
    assert fallback.strip(" .") or not name.strip(" ."), "a fallback is never a directory"


@pytest.mark.parametrize("name", KEPT_NAMES.values(), ids=KEPT_NAMES.keys())
def test_a_folder_may_have_a_name_that_is_a_path_and_stays_where_it_is(site, shelf, name):
    parent = site.folder(shelf)
    folder = site.folder(parent, name)
    assert site.admin.get_folder(FolderId=folder)["Metadata"]["Name"] == name
    listed = site.admin.describe_folder_contents(FolderId=parent)["Folders"]
    assert [one["Name"] for one in listed] == [name]
    path = site.admin.get_folder_path(FolderId=folder, Fields="NAME")["Path"]
    assert [step["Name"] for step in path["Components"]][-1] == name


def test_a_folder_takes_any_of_these_names_later(site, shelf):
    folder = site.folder(shelf)
    for name in KEPT_NAMES.values():
        site.admin.update_folder(FolderId=folder, Name=name)
        assert site.admin.get_folder(FolderId=folder)["Metadata"]["Name"] == name


def test_a_document_takes_any_of_these_names_later(site, shelf):
    upload = site.upload(site.folder(shelf))
    for name in KEPT_NAMES.values():
        site.admin.update_document(DocumentId=upload.document, Name=name)
        answer = requests.get(site.source(upload), timeout=30)
        is_saved_as(answer.headers["Content-Disposition"], name)


@pytest.mark.parametrize("name", FORBIDDEN_NAMES.values(), ids=FORBIDDEN_NAMES.keys())
def test_a_name_that_the_model_forbids_is_refused_everywhere(site, world, name):
    before = world.state()
    admin = workdocs(site.server, validate=False)
    calls = [
        (admin.create_folder, {"ParentFolderId": world.folder}),
        (admin.initiate_document_version_upload, {"ParentFolderId": world.folder}),
        (admin.initiate_document_version_upload, {"Id": world.document}),
        (admin.update_folder, {"FolderId": world.folder}),
        (admin.update_document, {"DocumentId": world.document}),
    ]
    codes = {outcome(call, **members, Name=name) for call, members in calls}
    assert codes == {"ValidationException"}
    assert world.state() == before
