"""What breaks the model is refused with every offending member named, and changes nothing."""

import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client import Request, refused, request_of, send, workdocs
from server import ROOT_KEY, ROOT_SECRET
from site_story import PASSWORD

LONG_ID = "a" * 129
FOLDER, DOCUMENT, VERSION, ORGANIZATION = "$folder", "$document", "$version", "$organization"
USER = {
    "OrganizationId": ORGANIZATION, "Username": "valid", "GivenName": "V", "Surname": "D",
    "Password": PASSWORD,
}

CASES = [
    ("create_folder", {"ParentFolderId": FOLDER}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": ""}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": "n" * 256}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": "🎉" * 128}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": "a\x07b"}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": "a\nb"}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": "exe\u202efdp"}, ["Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": "a\x00b"}, ["Name"]),
    ("create_folder", {"Name": "orphan"}, ["ParentFolderId"]),
    ("create_folder", {"ParentFolderId": LONG_ID, "Name": "x"}, ["ParentFolderId"]),
    ("create_folder", {"ParentFolderId": "no blanks", "Name": ""}, ["ParentFolderId", "Name"]),
    ("create_folder", {"ParentFolderId": FOLDER, "Name": ["list"]}, ["Name"]),
    ("create_folder", {"ParentFolderId": 5, "Name": 6}, ["ParentFolderId", "Name"]),
    ("initiate_document_version_upload", {}, ["ParentFolderId"]),
    ("initiate_document_version_upload", {"ParentFolderId": FOLDER}, ["Name"]),
    ("initiate_document_version_upload", {"Name": "x"}, ["ParentFolderId"]),
    (
        "initiate_document_version_upload",
        {"ParentFolderId": FOLDER, "Name": "x", "ContentType": "t" * 129}, ["ContentType"],
    ),
    (
        "initiate_document_version_upload",
        {"ParentFolderId": FOLDER, "Name": "x", "DocumentSizeInBytes": -1},
        ["DocumentSizeInBytes"],
    ),
    (
        "initiate_document_version_upload",
        {"ParentFolderId": FOLDER, "Name": "x", "DocumentSizeInBytes": "ten"},
        ["DocumentSizeInBytes"],
    ),
    (
        "initiate_document_version_upload",
        {"ParentFolderId": FOLDER, "Name": "x" * 300, "Id": LONG_ID}, ["Name", "Id"],
    ),
    ("update_document_version", {"VersionStatus": "INITIALIZED", "$": "version"}, ["VersionStatus"]),
    ("update_document_version", {"VersionStatus": "gone", "$": "version"}, ["VersionStatus"]),
    ("update_document_version", {"VersionStatus": 1, "$": "version"}, ["VersionStatus"]),
    ("get_folder", {"FolderId": LONG_ID}, ["FolderId"]),
    ("get_folder", {"FolderId": "näh"}, ["FolderId"]),
    ("get_document", {"DocumentId": "a b"}, ["DocumentId"]),
    ("get_document_version", {"DocumentId": LONG_ID, "VersionId": "x/y"}, ["DocumentId", "VersionId"]),
    (
        "abort_document_version_upload", {"DocumentId": LONG_ID, "VersionId": LONG_ID},
        ["DocumentId", "VersionId"],
    ),
    ("abort_document_version_upload", {"DocumentId": DOCUMENT, "VersionId": "a b"}, ["VersionId"]),
    ("describe_folder_contents", {"FolderId": FOLDER, "Sort": "SIZE"}, ["Sort"]),
    (
        "describe_folder_contents", {"FolderId": FOLDER, "Order": "ASC", "Type": "file"},
        ["Order", "Type"],
    ),
    ("describe_folder_contents", {"FolderId": FOLDER, "Include": "a b"}, ["Include"]),
    ("get_folder_path", {"FolderId": FOLDER, "Fields": "N" * 257}, ["Fields"]),
    ("create_user", USER | {"Username": "two words"}, ["Username"]),
    ("create_user", USER | {"Username": "u" * 257}, ["Username"]),
    ("create_user", USER | {"Password": "abc"}, ["Password"]),
    ("create_user", USER | {"Password": "Aa1!" * 9}, ["Password"]),
    ("create_user", USER | {"EmailAddress": "nowhere"}, ["EmailAddress"]),
    ("create_user", USER | {"GivenName": "g" * 65, "Surname": ""}, ["GivenName", "Surname"]),
    ("create_user", {"OrganizationId": ORGANIZATION}, ["Username", "GivenName", "Surname", "Password"]),
    ("create_user", USER | {"StorageRule": {"StorageType": "LOTS"}}, ["StorageType"]),
    ("create_user", USER | {"StorageRule": {"StorageAllocatedInBytes": -1}}, ["StorageAllocatedInBytes"]),
    ("describe_users", {"OrganizationId": ORGANIZATION, "Sort": "AGE"}, ["Sort"]),
    ("describe_users", {"OrganizationId": ORGANIZATION, "Query": "q" * 513}, ["Query"]),
    ("update_user", {"UserId": "u 1", "Type": "BOSS"}, ["UserId", "Type"]),
]


@pytest.fixture(scope="module")
def world(site, ann):
    """What the cases point at, and how to see whether anything has changed."""
    folder = site.folder(ann.root, "validated")
    upload = site.initiate(ParentFolderId=folder, Name="untouched")
    upload.put(b"untouched")
    return {
        FOLDER: folder, DOCUMENT: upload.document, VERSION: upload.version,
        ORGANIZATION: site.server.organization_id,
    }


def state(site, world):
    """Everything a wrong call could have changed."""
    answers = [
        site.admin.describe_folder_contents(FolderId=world[FOLDER], Include="INITIALIZED"),
        site.admin.describe_users(OrganizationId=world[ORGANIZATION], Include="ALL"),
    ]
    for answer in answers:
        del answer["ResponseMetadata"]
    return answers


@pytest.mark.parametrize(("operation", "members", "named"), CASES, ids=str)
def test_every_offending_member_is_named(site, world, operation, members, named):
    members = {
        name: world.get(value, value) if isinstance(value, str) else value
        for name, value in members.items()
    }
    if members.pop("$", None):
        members |= {"DocumentId": world[DOCUMENT], "VersionId": world[VERSION]}
    before = state(site, world)
    client = workdocs(site.server, validate=False)
    with refused("ValidationException") as refusal:
        getattr(client, operation)(**members)
    for member in named:
        assert member.lower() in refusal.message.lower()
    assert state(site, world) == before


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "null": b"null",
    "text": b'"text"',
    "not UTF-8": b'{"Name": "\xff\xfe"}',
    "half a surrogate": b'{"ParentFolderId": "x", "Name": "\\ud83c"}',
    "something behind": b'{"ParentFolderId": "x", "Name": "y"} z',
    "a member twice": b'{"ParentFolderId": "x", "Name": "y", "Name": "z"}',
    "deep": b'{"Name": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a huge number": b'{"ParentFolderId": "x", "Name": 1e999}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_says_nothing_is_refused_with_a_text(site, world, body):
    request = resigned(site, "/api/v1/folders", body)
    answer = send(request)
    assert answer.status in (400, 404), answer.body
    assert answer.code in (
        "ValidationException", "SerializationException", "UnauthorizedResourceAccessException"
    )
    assert json.loads(answer.body)["Message"]


def resigned(site, path, body, method="POST"):
    """A request with a body that botocore would never serialise, signed like any other."""
    request = AWSRequest(
        method, site.server.url + path, headers={"Content-Type": "application/json"}, data=body
    )
    SigV4Auth(Credentials(ROOT_KEY, ROOT_SECRET), "workdocs", "us-east-1").add_auth(request)
    return Request(method, request.url, dict(request.headers.items()), body)


def test_a_structure_is_no_text(site, world):
    members = USER | {"OrganizationId": world[ORGANIZATION], "StorageRule": "big"}
    answer = send(resigned(site, "/api/v1/users", json.dumps(members).encode()))
    assert (answer.status, answer.code) == (400, "ValidationException")
    assert "storagerule" in json.loads(answer.body)["Message"].lower()


def test_a_body_without_end_is_refused_without_being_kept(site):
    answer = send(resigned(site, "/api/v1/folders", b" " * (4 << 20)))
    assert answer.status in (400, 413)


def test_members_of_tomorrow_are_ignored(site, folder):
    body = json.dumps({"ParentFolderId": folder, "Name": "future", "Colour": {"of": "tomorrow"}})
    assert send(resigned(site, "/api/v1/folders", body.encode())).status == 201


def test_null_is_as_good_as_absent(site, folder):
    body = json.dumps({"ParentFolderId": folder, "Name": "null", "Id": None, "ContentType": None})
    assert send(resigned(site, "/api/v1/documents", body.encode())).status == 201


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/api/v1/nothing"),
    ("PUT", "/api/v1/folders"),
    ("DELETE", "/api/v1/folders"),
    ("GET", "/api/v1/folders/a/../b"),
    ("GET", "/api/v1//folders/x"),
])
def test_a_path_that_is_no_operation_is_refused_and_named_as_such(site, method, path):
    answer = send(resigned(site, path, b"", method))
    assert 400 <= answer.status < 500
    assert answer.headers["x-amzn-requestid"]
    assert json.loads(answer.body)["Message"]


def test_a_limit_and_a_marker_are_refused_by_the_name_the_operation_declares(site, world):
    client = workdocs(site.server, validate=False)
    for members in ({"Limit": 1000}, {"Marker": "m" * 2049}, {"Marker": ""}):
        with refused("InvalidArgumentException"):
            client.describe_users(OrganizationId=world[ORGANIZATION], **members)
    with refused("ValidationException") as refusal:
        client.get_folder_path(FolderId=world[FOLDER], Limit=1000)
    assert "limit" in refusal.message.lower()


def test_what_was_typed_never_comes_back_in_a_refusal(site, world):
    client = workdocs(site.server, validate=False)
    secret = "CANARY\x07secret"
    for operation, members in (
        ("create_folder", {"ParentFolderId": world[FOLDER], "Name": secret}),
        ("create_user", USER | {"OrganizationId": world[ORGANIZATION], "Password": "CANARY\u4e2d"}),
    ):
        with refused("ValidationException") as refusal:
            getattr(client, operation)(**members)
        assert "CANARY" not in refusal.message


def test_a_query_that_was_not_signed_is_refused_whatever_it_says(site):
    request = request_of(site.admin, "describe_users", OrganizationId=site.server.organization_id)
    for extra in ("&", "&&x", "&limit=1&limit=2", "&%zz", "&a=%ff"):
        answer = send(Request(
            request.method, request.url + extra, request.headers, request.body
        ))
        assert 400 <= answer.status < 500, extra
