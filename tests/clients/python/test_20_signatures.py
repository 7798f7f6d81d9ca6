"""Who may call at all: signatures that are right, wrong, old, incomplete or about something else."""

import datetime
import json
from dataclasses import replace

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from client import Request, refused, request_of, send, workdocs
from server import ROOT_KEY, ROOT_SECRET


@pytest.fixture
def call(site, folder):
    """A request that would be answered."""
    request = request_of(site.admin, "get_folder", FolderId=folder)
    assert send(request).status == 200
    return request


@pytest.fixture
def post(site, folder):
    """A request with a body that would make a folder."""
    return request_of(site.admin, "create_folder", ParentFolderId=folder, Name="signed")


def authorization(request):
    return request.headers["Authorization"]


def rejected(request, *codes):
    """The request is refused, with a text and a request id."""
    answer = send(request)
    assert answer.status == 403, answer.body
    assert answer.code in codes
    assert json.loads(answer.body)["Message"]
    assert answer.headers["x-amzn-requestid"]
    return answer


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2", "anywhere"])
def test_any_region_will_do(site, folder, region):
    client = workdocs(site.server, region=region)
    assert client.get_folder(FolderId=folder)["Metadata"]["Id"] == folder


def test_a_wrong_secret_and_an_unknown_key_get_the_same_text(site, folder):
    wrong = workdocs(site.server, key=(ROOT_KEY, ROOT_SECRET[:-1] + "X"))
    with refused("InvalidSignatureException") as known:
        wrong.get_folder(FolderId=folder)
    unknown = workdocs(site.server, key=("AKIA" + "A" * 16, ROOT_SECRET))
    with refused("UnrecognizedClientException") as not_known:
        unknown.get_folder(FolderId=folder)
    assert known.message == not_known.message
    assert known.message
    assert ROOT_SECRET[:-1] not in known.message


def test_a_key_made_while_the_server_runs_works_at_once(site, folder):
    key = site.server.key("second")
    client = workdocs(site.server, key=key)
    upload = site.initiate(client, ParentFolderId=folder, Name="by another key")
    creator = upload.metadata["LatestVersionMetadata"]["CreatorId"]
    assert creator.startswith("arn:aws:iam::") and creator.endswith(":user/second")


@pytest.mark.parametrize(("seconds", "accepted"), [
    (-290, True), (290, True), (-310, False), (310, False), (-86400, False), (86400, False),
])
def test_a_signature_holds_for_five_minutes(site, folder, monkeypatch, seconds, accepted):
    now = botocore.auth.get_current_datetime
    offset = datetime.timedelta(seconds=seconds)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a: now(*a) + offset)
    if accepted:
        site.admin.get_folder(FolderId=folder)
    else:
        with refused("InvalidSignatureException") as refusal:
            site.admin.get_folder(FolderId=folder)
        assert refusal.message.startswith(
            "Signature expired" if seconds < 0 else "Signature not yet current"
        )


def test_without_a_signature_nothing_is_answered(site, folder):
    client = workdocs(site.server, key=None)
    with refused("MissingAuthenticationTokenException"):
        client.get_folder(FolderId=folder)
    with refused("MissingAuthenticationTokenException"):
        client.create_folder(ParentFolderId=folder, Name="x")
    with refused("MissingAuthenticationTokenException"):
        client.describe_activities()


def incomplete(text):
    """Ways to leave a piece of an Authorization header out."""
    algorithm, _, rest = text.partition(" ")
    parts = [part.strip() for part in rest.split(",")]
    yield algorithm
    yield "AWS4-HMAC-SHA1 " + rest
    yield "Basic dXNlcjpwYXNz"
    yield rest
    for part in parts:
        yield f"{algorithm} " + ", ".join(other for other in parts if other != part)
        yield f"{algorithm} " + ", ".join([*parts, part])
        yield f"{algorithm} " + ", ".join(
            part.split("=")[0] + "=" if other == part else other for other in parts
        )


def test_an_incomplete_header_is_refused_as_such(call):
    for text in incomplete(authorization(call)):
        rejected(
            call.with_header("Authorization", text),
            "IncompleteSignatureException", "MissingAuthenticationTokenException",
        )


def test_every_byte_of_a_signature_matters(call):
    text = authorization(call)
    start = text.index("Signature=") + len("Signature=")
    for at in range(start, len(text)):
        other = "0" if text[at] != "0" else "1"
        changed = text[:at] + other + text[at + 1:]
        rejected(call.with_header("Authorization", changed), "InvalidSignatureException")
    rejected(
        call.with_header("Authorization", text[:start] + text[start:].upper()),
        "InvalidSignatureException", "IncompleteSignatureException",
    )


@pytest.mark.parametrize(("what", "other"), [
    ("/workdocs/", "/s3/"), ("/workdocs/", "/iam/"), ("/aws4_request", "/aws5_request"),
    ("/us-east-1/", "/us-east-2/"), ("/us-east-1/", "//"), ("SignedHeaders=host;", "SignedHeaders="),
    (ROOT_KEY + "/", ROOT_KEY + "/1999"),
])
def test_a_credential_is_for_this_service_and_day_and_host(call, what, other):
    assert what in authorization(call)
    rejected(
        call.with_header("Authorization", authorization(call).replace(what, other)),
        "InvalidSignatureException", "IncompleteSignatureException",
    )


def test_what_was_signed_is_what_counts(site, ann, call):
    for changed in (
        replace(call, url=call.url[:-1] + ("0" if call.url[-1] != "0" else "1")),
        replace(call, url=call.url + "?includeCustomMetadata=true"),
        replace(call, url=call.url + "/path"),
        replace(call, method="DELETE"),
        call.with_header("Host", "elsewhere.example"),
        call.with_header("X-Amz-Date", "20200101T000000Z"),
    ):
        rejected(changed, "InvalidSignatureException", "IncompleteSignatureException")


def test_a_body_that_was_exchanged_after_signing_is_refused(site, folder, post):
    body = json.dumps({"ParentFolderId": folder, "Name": "evil!!"}).encode()
    for other in (body, b"", post.body + b" ", post.body.replace(b"signed", b"Signed")):
        rejected(replace(post, body=other), "InvalidSignatureException")
    assert site.admin.describe_folder_contents(FolderId=folder)["Folders"] == []
    assert send(post).status == 201


@pytest.mark.parametrize(("name", "value"), [
    ("x-amz-security-token", "token"),
    ("x-amz-meta-anything", "1"),
    ("X-Amz-Target", "Other.Operation"),
    ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
])
def test_a_header_of_amazon_s_must_be_signed(post, name, value):
    rejected(
        post.with_header(name, value), "InvalidSignatureException", "IncompleteSignatureException"
    )


def signed_by_hand(site, method, path, body=b"", **headers):
    """A request signed by botocore with headers of our choice."""
    request = botocore.awsrequest.AWSRequest(
        method, site.server.url + path, headers=headers, data=body
    )
    credentials = botocore.credentials.Credentials(ROOT_KEY, ROOT_SECRET)
    botocore.auth.SigV4Auth(credentials, "workdocs", "us-east-1").add_auth(request)
    return Request(method, request.url, dict(request.headers.items()), body)


@pytest.mark.parametrize("value", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_a_body_cannot_be_left_unsigned(site, folder, value):
    body = json.dumps({"ParentFolderId": folder, "Name": "unsigned"}).encode()
    rejected(
        signed_by_hand(site, "POST", "/api/v1/folders", body, **{"X-Amz-Content-SHA256": value}),
        "InvalidSignatureException", "IncompleteSignatureException",
    )


def test_a_signature_in_the_url_is_none_here(site, folder):
    url = site.admin.generate_presigned_url("get_folder", Params={"FolderId": folder})
    rejected(
        Request("GET", url, {}, b""),
        "IncompleteSignatureException", "MissingAuthenticationTokenException",
        "InvalidSignatureException",
    )


def test_a_request_is_signed_in_one_way(site, folder, call):
    url = site.admin.generate_presigned_url("get_folder", Params={"FolderId": folder})
    both = replace(call, url=url)
    rejected(both, "IncompleteSignatureException", "InvalidSignatureException")


def test_two_signatures_are_one_too_many(site, call):
    class Twice(dict):
        def items(self):
            return [*super().items(), ("Authorization", self["Authorization"])]

    rejected(
        replace(call, headers=Twice(call.headers)),
        "IncompleteSignatureException", "InvalidSignatureException",
    )


@pytest.mark.parametrize("path", [
    "/api/v1/folders/%66%6f%6f", "/api/v1/folders/f%C3%BC", "/api/v1/folders/a%2Fb",
    "/api/v1/folders/a+b", "/api/v1/folders/a%20b", "/api/v1/folders/(a)~b",
    "/api/v1/folders/a?x=&y&z=%26%3D", "/api/v1/folders/a?b=2&b=1&a=%C3%BC",
])
def test_whatever_botocore_signs_is_understood_as_it_was_signed(site, path):
    answer = send(signed_by_hand(site, "GET", path))
    assert answer.code not in ("InvalidSignatureException", "IncompleteSignatureException")
    assert 400 <= answer.status < 500
