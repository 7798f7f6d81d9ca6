"""Users' tokens: alone, beside a signature, expired, too narrow."""

import datetime
import hashlib
import json
import time

import pytest
import requests
from botocore import xform_name
from botocore.exceptions import ClientError

from client import MODEL, refused, request_of, send, workdocs
from server import ROOT_KEY
from test_40_operations import members_for
from site_story import Site
from waiting import until_clock


@pytest.fixture(scope="module")
def bob(site):
    return site.person()


def with_token(site, token, **options):
    return workdocs(site.server, key=None, token=token, **options)


def test_a_token_alone_sees_what_its_user_sees(site, ann, folder, bob):
    client = ann.client()
    assert client.get_folder(FolderId=folder)["Metadata"]["Id"] == folder
    with refused("UnauthorizedResourceAccessException"):
        bob.client().get_folder(FolderId=folder)


def test_a_token_may_be_called_a_bearer_s(site, ann, folder):
    request = request_of(ann.client(), "get_folder", FolderId=folder)
    token = request.headers["Authentication"]
    assert send(request.with_header("Authentication", f"Bearer {token}")).status == 200
    assert send(request.with_header("Authentication", f"Bearer{token}")).status == 403


def test_either_header_takes_a_token_and_a_bad_one_in_either_is_unknown(site, bob):
    request = request_of(bob.client(), "get_current_user").with_header("Authentication", None)
    token = site.server.token(bob.username)
    for header, text in (
        ("Authentication", "{}"), ("Authentication", "Bearer {}"), ("Authentication", "bearer {}"),
        ("Authorization", "Bearer {}"), ("Authorization", "bearer {}"),
    ):
        answer = send(request.with_header(header, text.format(token)))
        assert json.loads(answer.body)["User"]["Id"] == bob.id
        answer = send(request.with_header(header, text.format(token[:-1])))
        assert (answer.status, answer.code) == (403, "UnrecognizedClientException")
    # A token that no scheme names is no signature either.
    answer = send(request.with_header("Authorization", token))
    assert (answer.status, answer.code) == (403, "IncompleteSignatureException")


def test_beside_a_signature_the_token_says_who_is_asking(site, folder, bob):
    both = workdocs(site.server, token=site.server.token(bob.username))
    assert both.get_folder(FolderId=bob.root)["Metadata"]["CreatorId"] == bob.id
    with refused("UnauthorizedResourceAccessException") as refusal:
        both.get_folder(FolderId=folder)
    assert f"Principal [{bob.id}]" in refusal.message


@pytest.mark.parametrize("token", ["x", "nonsense", "a" * 8199])
def test_an_unknown_token_is_refused_and_never_falls_back_to_the_signature(site, folder, token):
    for client in (with_token(site, token), workdocs(site.server, token=token)):
        with refused("UnrecognizedClientException") as refusal:
            client.get_folder(FolderId=folder)
        assert token == "x" or token not in refusal.message


def test_a_token_with_one_letter_changed_is_unknown(site, ann, folder):
    token = site.server.token(ann.username)
    for at in (0, len(token) // 2, len(token) - 1):
        other = "A" if token[at] != "A" else "B"
        with refused("UnrecognizedClientException"):
            with_token(site, token[:at] + other + token[at + 1:]).get_folder(FolderId=folder)


def test_beside_a_token_the_signature_must_be_right(site, ann, folder):
    token = site.server.token(ann.username)
    wrong = workdocs(site.server, key=(ROOT_KEY, "wrong" * 8), token=token)
    with refused("InvalidSignatureException"):
        wrong.get_folder(FolderId=folder)
    unknown = workdocs(site.server, key=("AKIA" + "B" * 16, "wrong" * 8), token=token)
    with refused("UnrecognizedClientException"):
        unknown.get_folder(FolderId=folder)


def test_nobody_can_add_a_token_to_what_somebody_else_signed(site, folder, bob):
    request = request_of(site.admin, "get_folder", FolderId=folder)
    token = site.server.token(bob.username)
    for name, value in (("Authentication", token), ("Authentication", f"Bearer {token}")):
        answer = send(request.with_header(name, value))
        assert (answer.status, answer.code) == (403, "IncompleteSignatureException")
    assert send(request).status == 200


def test_a_transfer_url_ends_with_the_activity_of_whom_it_was_given_to(site):
    person = site.person()
    upload = site.initiate(person.client(), ParentFolderId=person.root, Name="late")
    done = site.upload(person.root, b"content")
    answer = person.client().get_document_version(**done.ids, Fields="SOURCE")
    source = answer["Metadata"]["Source"]["ORIGINAL"]
    assert requests.get(source, timeout=30).content == b"content"
    site.admin.deactivate_user(UserId=person.id)
    assert requests.get(source, timeout=30).status_code == 403
    assert requests.put(upload.url, b"late", timeout=30).status_code == 403
    site.admin.activate_user(UserId=person.id)
    assert requests.get(source, timeout=30).content == b"content"
    assert requests.put(upload.url, b"late", timeout=30).status_code == 200


def test_an_expired_token_is_refused_as_expired(site, ann, folder):
    token = site.server.token(ann.username, "--expires", "1s")
    client = with_token(site, token)
    until_clock(time.time() + 1.1)
    with refused("ExpiredTokenException"):
        client.get_folder(FolderId=folder)
    with refused("ExpiredTokenException"):
        workdocs(site.server, token=token).get_folder(FolderId=folder)


@pytest.mark.parametrize(("operation", "code"), [
    ("get_folder", "UnauthorizedOperationException"),
    ("get_folder_path", "UnauthorizedOperationException"),
    # Of the two it declares only the other.
    ("describe_folder_contents", "UnauthorizedResourceAccessException"),
])
def test_a_token_for_writing_does_not_read(site, ann, folder, operation, code):
    call = getattr(ann.client("--scopes", "write"), operation)
    with refused(code):
        call(FolderId=folder)
    getattr(ann.client("--scopes", "read"), operation)(FolderId=folder)


def test_a_token_for_reading_does_not_write(site, ann, folder):
    client = ann.client("--scopes", "read")
    upload = site.upload(folder)
    for call in (
        lambda: client.create_folder(ParentFolderId=folder, Name="x"),
        lambda: site.initiate(client, ParentFolderId=folder, Name="x"),
        lambda: client.update_document_version(**upload.ids, VersionStatus="ACTIVE"),
        lambda: client.abort_document_version_upload(**upload.ids),
        lambda: client.delete_document(DocumentId=upload.document),
        lambda: client.delete_folder(FolderId=folder),
    ):
        with refused("UnauthorizedOperationException"):
            call()
    assert len(site.documents(folder)) == 1


# The developer guide names the beginnings; what begins otherwise is decided here.
READS = ("Get", "Describe", "SearchResources")
WRITES = (
    "Create", "Update", "Delete", "Initiate", "Abort", "Add", "Remove", "ActivateUser", "DeactivateUser",
    "RestoreDocumentVersions",
)


@pytest.fixture(scope="module")
def administrator(site):
    person = site.person()
    site.admin.update_user(UserId=person.id, Type="ADMIN")
    scopes = {"read": ["--scopes", "read"], "write": ["--scopes", "write"], "both": []}
    tokens = {name: site.server.token(person.username, *options) for name, options in scopes.items()}
    return person, {name: with_header(site, token) for name, token in tokens.items()}


def with_header(site, token):
    """A client that sends a token also where the model has no member for it."""
    client = workdocs(site.server, key=None, validate=False)

    def put(params, **_):
        params["headers"]["Authentication"] = token

    client.meta.events.register("before-call.workdocs", put)
    return client


@pytest.mark.parametrize("operation", sorted(MODEL.operation_names))
def test_every_operation_asks_for_its_scope_and_for_no_other(site, administrator, operation):
    person, clients = administrator
    needed = [scope for scope, begins in (("read", READS), ("write", WRITES)) if operation.startswith(begins)]
    assert len(needed) == 1
    model = MODEL.operation_model(operation)
    known = {"OrganizationIdType": site.server.organization_id, "AuthenticationHeaderType": None}
    members = members_for(model.input_shape, known)
    members.pop("AuthenticationToken", None)
    if operation == "DescribeFolderContents":
        members["FolderId"] = person.root
    declared = [shape.name for shape in model.error_shapes]
    lacking = next(code for code in (
        "UnauthorizedOperationException", "UnauthorizedResourceAccessException",
    ) if code in declared)
    for name, client in clients.items():
        call = getattr(client, xform_name(operation))
        if name not in (*needed, "both"):
            with refused(lacking) as refusal:
                call(**members)
            if lacking == "UnauthorizedOperationException":
                assert "scopes do not cover" in refusal.message
            continue
        try:
            call(**members)
        except ClientError as error:
            answered = error.response["Error"]
            assert "scopes" not in answered.get("Message", ""), answered
            assert operation != "DescribeFolderContents", answered


def test_a_token_survives_a_restart_and_ends_with_the_user_s_activity(site, folder):
    carl = site.person()
    client = carl.client()
    site.server.restart()
    client.get_folder(FolderId=carl.root)
    site.admin.deactivate_user(UserId=carl.id)
    with refused("UnauthorizedOperationException"):
        client.get_folder(FolderId=carl.root)


def test_a_token_is_for_a_user_that_exists(site):
    done = site.server.run("token", "create", "--user", "nobody", str(site.server.data), expect=1)
    assert done.stdout == ""
    assert "no user" in done.stderr


def listed(site, *arguments):
    done = site.server.run("token", "list", *arguments, str(site.server.data))
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_tokens_are_listed_by_their_ids_without_their_texts(site, bob):
    person = site.person()
    texts = [
        site.server.token(person.username, "--expires", "2h"),
        site.server.token(person.username, "--scopes", "read"),
    ]
    site.server.token(person.username, "--expires", "1s")
    until_clock(time.time() + 1.1)
    first, second = listed(site, "--user", person.username)
    assert first.keys() == {"TokenId", "Username", "Scopes", "Created", "Expires", "AppId"}
    assert (first["Username"], first["AppId"]) == (person.username, None)
    assert first["Scopes"] == ["workdocs.content.read", "workdocs.content.write"]
    assert second["Scopes"] == ["workdocs.content.read"]
    began, ends = (datetime.datetime.fromisoformat(first[at]) for at in ("Created", "Expires"))
    assert ends - began == datetime.timedelta(hours=2)
    named = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    assert [first["TokenId"], second["TokenId"]] == named

    site.server.token(bob.username)
    everybody = listed(site)
    assert {person.username, bob.username} <= {token["Username"] for token in everybody}
    assert first in everybody
    shown = json.dumps(everybody)
    assert not any(text[3:40] in shown for text in texts)
    done = site.server.run("token", "list", "--user", "nobody", str(site.server.data), expect=1)
    assert (done.stdout, "no user" in done.stderr) == ("", True)


@pytest.mark.parametrize("named", ["id", "text", "id on stdin", "text on stdin"])
def test_a_revoked_token_ends_with_the_next_request_and_no_other_does(site, named):
    person = site.person()
    client, other = person.client(), person.client()
    token, _ = listed(site, "--user", person.username)
    text = request_of(client, "get_current_user").headers["Authentication"]
    name = token["TokenId"] if named.startswith("id") else text
    client.get_current_user()
    argument, stdin = ("-", f"{name}\n") if named.endswith("stdin") else (name, "")
    revoke = ("token", "revoke", argument, str(site.server.data))
    assert site.server.run(*revoke, stdin=stdin).stdout == ""
    with refused("UnrecognizedClientException"):
        client.get_current_user()
    assert other.get_current_user()["User"]["Id"] == person.id
    # A second time there is nothing left to end, and what was given is not repeated.
    done = site.server.run(*revoke, stdin=stdin, expect=1)
    assert "No token was revoked" in done.stderr
    assert name not in done.stderr


def test_nothing_is_revoked_by_what_names_no_token(site, bob):
    client = bob.client()
    text = request_of(client, "get_current_user").headers["Authentication"]
    for name in ("", "0" * 16, "%", text[:-1], text[:16], bob.id, bob.username):
        site.server.run("token", "revoke", name, str(site.server.data), expect=1)
    client.get_current_user()


def test_a_site_neither_lists_nor_revokes_the_tokens_of_another(site, bob):
    other = Site(site.server.another_site("--alias", "tokens-apart"))
    mine = bob.client()
    theirs = other.person()
    client = theirs.client()
    [token] = listed(other)
    assert token["Username"] == theirs.username
    assert token not in listed(site)
    text = request_of(client, "get_current_user").headers["Authentication"]
    for name in (token["TokenId"], text):
        site.server.run("token", "revoke", name, str(site.server.data), expect=1)
    client.get_current_user()
    other.server.run("token", "revoke", token["TokenId"], str(site.server.data))
    with refused("UnrecognizedClientException"):
        client.get_current_user()
    mine.get_current_user()


def test_a_policy_says_what_a_key_may_do(site, folder):
    statement = {"Effect": "Allow", "Action": ["workdocs:Get*", "zocalo:Describe*"], "Resource": "*"}
    key = site.server.key("reader", {"Version": "2012-10-17", "Statement": statement})
    client = workdocs(site.server, key=key)
    client.get_folder(FolderId=folder)
    client.describe_folder_contents(FolderId=folder)
    with refused("UnauthorizedResourceAccessException") as refusal:
        client.create_folder(ParentFolderId=folder, Name="x")
    assert "user/reader] is not allowed to execute [workdocs:CreateFolder]" in refusal.message
    with refused("UnauthorizedResourceAccessException"):
        client.delete_folder(FolderId=folder)


def test_a_policy_that_is_not_understood_is_not_taken(site, tmp_path):
    statement = {"Effect": "Allow", "Action": "workdocs:*", "Resource": "*", "Condition": {"Own": {}}}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    done = site.server.run(
        "key", "create", "--name", "x", "--policy", str(path), str(site.server.data), expect=2
    )
    assert done.stdout == ""
    assert done.stderr


# What only a token can ask.


def test_a_token_asks_who_it_is_and_where_its_folders_are(site, bob):
    user = bob.client().get_current_user()["User"]
    assert (user["Id"], user["Username"], user["RootFolderId"], user["Storage"]["StorageRule"]) == (
        bob.id, bob.username, bob.root, {"StorageAllocatedInBytes": 1 << 40, "StorageType": "QUOTA"}
    )
    assert user["OrganizationId"] == site.server.organization_id
    folders = bob.client().describe_root_folders()["Folders"]
    assert [(one["Id"], one["CreatorId"]) for one in folders] == [
        (bob.root, bob.id), (bob.recycle_bin, bob.id)
    ]
    assert folders[0]["Name"] == "/"
    assert folders[0]["ParentFolderId"] == bob.id


def test_the_two_folders_come_page_by_page(bob, ann):
    first = bob.client().describe_root_folders(Limit=1)
    second = bob.client().describe_root_folders(Limit=1, Marker=first["Marker"])
    assert [one["Id"] for one in first["Folders"] + second["Folders"]] == [
        bob.root, bob.recycle_bin
    ]
    assert "Marker" not in second
    with refused("InvalidArgumentException"):
        ann.client().describe_root_folders(Limit=1, Marker=first["Marker"])


def test_an_access_key_is_no_user(site):
    unchecked = workdocs(site.server, validate=False)
    for call in (unchecked.get_current_user, unchecked.describe_root_folders):
        with refused("UnauthorizedOperationException") as refusal:
            call()
        assert "token" in refusal.message
