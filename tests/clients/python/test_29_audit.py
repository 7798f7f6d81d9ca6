"""Every call leaves one record, which tells who did what, gives nothing away and cannot be changed."""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from audit_log import AuditLog
from client import MODEL, outcome, refused, request_of, send, workdocs
from iam_story import service
from server import ROOT_KEY, ROOT_SECRET
from site_story import PASSWORD
from test_24_sign_in import Browser
from test_40_operations import members_for
from waiting import until

OPERATIONS = sorted(MODEL.operation_names)
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
LOOKS = ("Get", "Describe", "Search")


@pytest.fixture(scope="module")
def log(site):
    return AuditLog(site.server)


def call(client, operation, members):
    """The id of a request, and the code it was refused with if it was."""
    try:
        answer = getattr(client, xform_name(operation))(**members)
        code = None
    except ClientError as error:
        answer = error.response
        code = answer["Error"]["Code"]
    return answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], code


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_leaves_exactly_one_record(site, ann, log, operation):
    known = {
        "OrganizationIdType": site.server.organization_id,
        "AuthenticationHeaderType": site.server.token(ann.username),
    }
    members = members_for(MODEL.operation_model(operation).input_shape, known)
    by_token = "AuthenticationToken" in members
    request_id, code = call(site.admin, operation, members)
    record = log.one(request_id)
    assert record["eventVersion"] == "1.09"
    assert record["eventSource"] == "workdocs.amazonaws.com"
    assert record["eventName"] == operation
    assert record["readOnly"] is operation.startswith(LOOKS)
    assert record.get("errorCode") == code
    assert ISO.fullmatch(record["eventTime"])
    assert str(uuid.UUID(record["eventID"])) == record["eventID"] != request_id
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert record["userAgent"].startswith("Boto3/")
    assert record["eventType"] == "AwsApiCall"
    assert record["managementEvent"] is True
    assert record["recipientAccountId"] == "000000000000"
    identity = record["userIdentity"]
    if by_token:
        assert (identity["type"], identity["principalId"]) == ("Unknown", ann.id)
        assert record["requestParameters"]["authenticationToken"] == HIDDEN
    else:
        assert identity["type"] == "IAMUser"
        assert identity["accessKeyId"] == ROOT_KEY
        assert identity["arn"].startswith("arn:aws:iam::000000000000:user/")
    assert record["resources"][0]["ARN"].endswith(f":organization/{site.server.organization_id}")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_is_not_let_in_leaves_a_record_too(site, log, operation):
    shape = MODEL.operation_model(operation).input_shape
    members = members_for(shape, {"OrganizationIdType": site.server.organization_id})
    request = request_of(site.admin, xform_name(operation), **members)
    forged = request.headers["Authorization"][:-4] + "0000"
    for authorization, code, key in [
        (None, "MissingAuthenticationTokenException", None),
        (forged, "InvalidSignatureException", ROOT_KEY),
    ]:
        sent = request.with_header("Authorization", authorization)
        answer = send(sent if authorization else sent.with_header("Authentication", None))
        assert answer.code == code
        record = log.one(answer.headers["x-amzn-requestid"])
        assert (record["eventName"], record["errorCode"]) == (operation, code)
        assert record["userIdentity"]["accountId"] == "ANONYMOUS_PRINCIPAL"
        assert record["userIdentity"].get("accessKeyId") == key
        # What somebody says whom nobody knows is not written down.
        assert record["requestParameters"] is None
        assert "resources" not in record


def test_what_is_no_operation_leaves_a_record(site, log):
    answer = requests.get(f"{site.server.url}/api/v1/CANARYnothing", timeout=30)
    record = log.one(answer.headers["x-amzn-requestid"])
    assert record["eventName"] == "UnknownOperation"
    assert record["errorCode"] == "UnknownOperationException"
    assert "CANARYnothing" not in log.text()


def test_a_change_tells_what_it_was_asked_and_what_it_made(site, ann, log):
    answer = ann.client().create_folder(ParentFolderId=ann.root, Name="CANARYmade")
    record = log.one(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"])
    assert record["requestParameters"] == {
        "authenticationToken": HIDDEN, "parentFolderId": ann.root, "name": HIDDEN,
    }
    made = record["responseElements"]["metadata"]
    assert made["id"] == answer["Metadata"]["Id"]
    assert made["parentFolderId"] == ann.root
    assert "CANARYmade" not in json.dumps(record)


def test_transfers_leave_records(site, ann, log):
    upload = site.initiate(ParentFolderId=ann.root, Name="CANARYtransfer")
    sent = upload.try_put(b"content")
    upload.activate()
    fetched = requests.get(site.source(upload), timeout=30)
    forged = requests.get(site.source(upload)[:-4] + "0000", timeout=30)
    for answer, name, read_only, code in [
        (sent, "PutContent", False, None),
        (fetched, "GetContent", True, None),
        (forged, "GetContent", True, "SignatureDoesNotMatch"),
    ]:
        record = log.one(answer.headers["x-amzn-requestid"])
        assert (record["eventName"], record["readOnly"]) == (name, read_only)
        assert (record.get("errorCode"), record["managementEvent"]) == (code, False)
        if code is None:
            assert record["userIdentity"]["accessKeyId"] == ROOT_KEY
            assert record["requestParameters"] == {
                "documentId": upload.document, "versionId": upload.version,
            }
    assert "X-Amz-Signature" not in log.text()


# Forms.


def record_of(log, answer):
    return log.one(answer.headers["x-amzn-requestid"])


def hasty(*answers):
    """Those that have to wait; an answer that is an error counts as nothing by itself."""
    return [answer for answer in answers if answer.status_code == 429]


def test_every_sign_in_leaves_a_record_of_whose_name_it_had(site, log):
    person = site.person(EmailAddress=f"{site.name('mail')}@example.com")
    user = {"type": "Unknown", "principalId": person.id, "accountId": "000000000000"}
    browser = Browser(site.server.url)

    def held(answer, name, identity, outcome, code):
        record = record_of(log, answer)
        assert (record["eventName"], record["eventSource"]) == (name, "signin.amazonaws.com")
        assert (record["eventType"], record["readOnly"]) == ("AwsConsoleSignIn", False)
        assert (record["sourceIPAddress"], record["requestParameters"]) == ("127.0.0.1", None)
        assert record["userIdentity"] == identity, record
        assert (record["responseElements"], record.get("errorCode")) == (outcome, code)
        return record

    nobody = {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    failure, success = {"ConsoleLogin": "Failure"}, {"ConsoleLogin": "Success"}
    done = browser.sign_in(person.username, PASSWORD)
    record = held(done, "ConsoleLogin", user, success, None)
    assert record["resources"][0]["ARN"].endswith(f":organization/{site.server.organization_id}")
    held(browser.submit("/sign-out"), "SignOut", user, None, None)
    held(browser.submit("/sign-out"), "SignOut", nobody, None, None)
    held(browser.sign_in("CANARYnobody", "CANARYwrong"), "ConsoleLogin", nobody, failure,
         "FailedAuthentication")
    forged = browser.submit("/sign-in", origin="https://evil.example", name=person.username)
    held(forged, "ConsoleLogin", nobody, failure, "RefusedForm")
    name = person.username.upper()
    for _ in range(5):
        held(browser.sign_in(name, "CANARYwrong"), "ConsoleLogin", user, failure,
             "FailedAuthentication")
    # The first wait is a second, which this machine may take for the attempt itself; the next double.
    [hurried] = until("one has to wait", lambda: hasty(browser.sign_in(name, "CANARYwrong")))
    held(hurried, "ConsoleLogin", user, failure, "TooManyAttempts")
    assert "canary" not in log.text().lower()


def test_the_first_administrator_leaves_a_record(make_site):
    own = make_site()
    log = AuditLog(own.server)
    link = own.server.run("admin", "setup-link", str(own.server.data)).stdout.strip()
    token = link.split("token=")[1]
    browser = Browser(own.server.url)
    fields = {
        "token": token, "name": "canary.avery", "given_name": "CANARYgiven", "surname": "CANARYs",
        "password": "CANARY-passw0rd", "again": "CANARY-passw0rd",
    }
    weak = record_of(log, browser.submit("/setup", **(fields | {"again": "CANARYother"})))
    assert (weak["errorCode"], weak["responseElements"]) == ("ValidationError", None)
    record = record_of(log, browser.submit("/setup", **fields))
    users = own.admin.describe_users(OrganizationId=own.server.organization_id)["Users"]
    assert [record["responseElements"]] == [{"user": {"id": user["Id"]}} for user in users]
    assert (record["eventName"], record.get("errorCode")) == ("SetUp", None)
    assert record["resources"][0]["ARN"].endswith(own.server.organization_id)
    assert "canary" not in log.text().lower() and token not in log.text()


def test_who_goes_away_before_the_answer_leaves_a_record_too(site, log):
    person = site.person()
    host = urllib.parse.urlsplit(site.server.url)
    body = f"name={person.username}&password=wrong".encode()
    head = f"POST /sign-in HTTP/1.1\r\nHost: {host.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host.hostname, host.port)) as connection:
        connection.sendall(head.encode() + body)
    until("the attempt is recorded", lambda: person.id in log.text())


# Access keys.


def test_who_made_a_key_and_which_is_recorded_and_its_secret_is_not(site, log):
    iam = service("iam", site.server, site.server.root)
    sts = service("sts", site.server, site.server.root)
    name = site.name("canary")
    iam.create_user(UserName=name)

    def record(call, **members):
        answer = call(**members)
        return answer, log.one(answer["ResponseMetadata"]["RequestId"])

    made, said = record(iam.create_access_key, UserName=name)
    key = made["AccessKey"]
    assert said["requestParameters"] == {"userName": HIDDEN}
    assert said["responseElements"] == {"accessKey": {"accessKeyId": key["AccessKeyId"]}}
    for call, more in ((iam.update_access_key, {"Status": "Inactive"}), (iam.delete_access_key, {})):
        _, said = record(call, UserName=name, AccessKeyId=key["AccessKeyId"], **more)
        assert said["requestParameters"] == {"userName": HIDDEN, "accessKeyId": key["AccessKeyId"]}
    begun, said = record(sts.get_session_token)
    temporary = begun["Credentials"]
    assert said["responseElements"] == {"credentials": {"accessKeyId": temporary["AccessKeyId"]}}
    outcome(iam.delete_access_key, UserName=name, AccessKeyId=key["SecretAccessKey"])
    text = log.text()
    for secret in (key["SecretAccessKey"], temporary["SecretAccessKey"], temporary["SessionToken"], name):
        assert secret not in text


# Commands.


def test_every_command_that_changes_something_leaves_a_record(make_site):
    site = make_site()
    log = AuditLog(site.server)
    person = site.person(Username="canary.ann")
    policy = site.server.directory / "policy.json"
    policy.write_text('{"Version":"2012-10-17","Statement":[]}')
    seen = 0

    def run(*arguments, stdin="", expect=0):
        """What a command printed, and its one record."""
        nonlocal seen
        printed = site.server.run(*arguments, str(site.server.data), stdin=stdin, expect=expect).stdout
        records = log.of_commands()
        assert len(records) == seen + 1, (arguments, records[seen:])
        seen += 1
        record = records[-1]
        assert (record["eventSource"], record["readOnly"]) == ("command.docharbor", False)
        assert record["userIdentity"] == {
            "type": "Operator", "principalId": f"uid:{os.getuid()}",
            "accountId": record["recipientAccountId"],
        }
        about = f":organization/{site.server.organization_id}"
        assert arguments[:2] == ("site", "create") or record["resources"][0]["ARN"].endswith(about)
        assert ("errorCode" in record) is (expect != 0)
        return printed.strip(), record["eventName"], record["requestParameters"], record["responseElements"]

    by_user = {"userId": person.id}
    token, *said = run("token", "create", "--user", person.username)
    assert said == ["CreateToken", by_user, None]
    (listed,) = site.server.run("token", "list", str(site.server.data)).stdout.splitlines()
    token_id = json.loads(listed)["TokenId"]
    assert run("token", "revoke", token)[1:] == ("RevokeToken", {"tokenId": HIDDEN}, None)
    assert run("token", "revoke", token_id, expect=1)[1:] == ("RevokeToken", {"tokenId": token_id}, None)
    assert run("admin", "reset-password", person.username, "--generate")[1:] == (
        "ResetPassword", by_user, None)
    made, *said = run("admin", "create", "CANARYadmin", stdin="CANARY-passw0rd-3")
    assert said == ["CreateAdministrator", None, {"userId": made}]
    printed, *said = run("key", "create", "--name", "CANARYkey", "--policy", str(policy))
    key = json.loads(printed)
    assert said == ["CreateAccessKey", None, {"accessKeyId": key["AccessKeyId"]}]
    assert run("key", "delete", key["AccessKeyId"])[1:] == (
        "DeleteAccessKey", {"accessKeyId": key["AccessKeyId"]}, None)
    assert run("key", "delete", key["SecretAccessKey"], expect=1)[1:] == (
        "DeleteAccessKey", {"accessKeyId": HIDDEN}, None)
    group, *said = run("group", "create", "CANARYgroup")
    assert said == ["CreateGroup", None, {"groupId": group}]
    for verb, name in (("add-member", "AddGroupMember"), ("remove-member", "RemoveGroupMember")):
        assert run("group", verb, group, person.username)[1:] == (
            name, {"groupId": group, "memberId": HIDDEN}, None)
    assert run("group", "delete", "CANARYgroup")[1:] == ("DeleteGroup", {"groupId": HIDDEN}, None)
    printed, *said = run("application", "create", "CANARYapp")
    app = json.loads(printed)["AppId"]
    assert said == ["CreateApplication", None, {"appId": app}]
    assert run("application", "delete", app)[1:] == ("DeleteApplication", {"appId": app}, None)
    assert run("directory", "disconnect", expect=1)[1:] == ("DisconnectDirectory", None, None)
    assert run("site", "alias", site.server.organization_id, "canary-alias")[1] == "SetSiteAlias"
    other, name, _, made = run("site", "create")
    other = json.loads(other)
    assert (name, made) == ("CreateSite", {
        "organizationId": other["OrganizationId"], "accessKeyId": other["AccessKeyId"],
    })
    text = log.text()
    for secret in (token, key["SecretAccessKey"], other["SecretAccessKey"], "canary"):
        assert secret.lower() not in text.lower(), secret
    said = log.check()
    assert f"commands: {seen} records in 1 files\ncommands: unbroken up to {seen}:" in said

    # Readers find both chains, and either holds what a check printed of it.
    names = [json.loads(line)["eventName"] for line in shown(log, "tail", "--json", "-n", "999")]
    assert {"CreateUser", "CreateGroup", "AuditLogOpened"} <= set(names)
    last = re.search(r"commands: unbroken up to (\S+)", said).group(1)
    assert "commands: unbroken" in log.check("--holds", last)
    assert "not in the log" in log.check("--holds", last[:-1] + "x", expect=1)

    # One site's alone.
    own = ("--organization-id", other["OrganizationId"])
    names = [json.loads(line)["eventName"] for line in shown(log, "tail", "--json", *own)]
    assert names == ["CreateSite"]
    exported = json.loads("".join(shown(log, "export", *own)))["Records"]
    assert [record["eventName"] for record in exported] == ["CreateSite"]
    first = ("--organization-id", site.server.organization_id)
    for record in json.loads("".join(shown(log, "export", *first)))["Records"]:
        assert record["resources"][0]["ARN"].endswith(site.server.organization_id)
    assert "organization" in site.server.run("audit", "tail", "--organization-id", "x", expect=2).stderr


def shown(log, verb, *arguments):
    return log.server.run("audit", verb, *arguments, str(log.server.data)).stdout.splitlines()


def test_commands_at_once_are_one_chain_and_their_files_the_server_s(make_site):
    site = make_site()
    log = AuditLog(site.server)
    person = site.person()
    if os.geteuid() == 0:
        os.chown(site.server.data, 65534, 65534)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: site.server.token(person.username), range(12)))
    assert "commands: unbroken up to 12:" in log.check()
    owners = {path.stat().st_uid for path in [log.commands, *log.commands.iterdir()]}
    assert owners == {site.server.data.stat().st_uid}
    newest = sorted(log.commands.glob("*.jsonl"))[-1]
    whole = newest.read_bytes()
    for damaged in (whole[:-20], whole.replace(b"Operator", b"operator", 1), whole[whole.index(b"\n") + 1:]):
        newest.write_bytes(damaged)
        assert "commands: broken: " in log.check(expect=1)
    newest.write_bytes(whole)
    assert "commands: unbroken up to 12:" in log.check()
    # The server's log says how far the other one came: it can be neither removed nor put back.
    until("the server has seen it", lambda: any(
        record["additionalEventData"]["sequence"] == 12
        for record in log.records() if record["eventName"] == "CommandsRecorded"))
    # Stopped, so that it does not see the other log as well and tell of that.
    site.server.stop()
    kept = log.commands.rename(log.commands.with_name("kept"))
    assert "commands: broken: " in log.check(expect=1)
    for _ in range(13):
        site.server.token(person.username)
    assert "record 12 is not the one" in log.check(expect=1)
    shutil.rmtree(log.commands)
    kept.rename(log.commands)
    assert "commands: unbroken up to 12:" in log.check()


def test_a_command_that_cannot_be_recorded_does_nothing(make_site):
    site = make_site()
    person = site.person()
    (site.server.data / "audit-commands").write_text("a file where the log belongs")
    said = site.server.run("token", "create", "--user", person.username, str(site.server.data), expect=1)
    assert "could not be recorded" in said.stderr and not said.stdout
    assert site.server.run("token", "list", str(site.server.data)).stdout == ""
    off = site.server.settings | {"DOCHARBOR_AUDIT": "off"}
    site.server.settings = off
    assert site.server.token(person.username)


# What is in no record.


def canary_for(shape, name):
    """A value of a shape that is a secret wherever the model lets one be."""
    if shape.type_name == "structure":
        return {name: canary_for(member, name) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [canary_for(shape.member, name)]
    if shape.type_name == "map":
        return {"CANARYkey": "CANARYvalue"}
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "timestamp":
        return 1
    if shape.type_name in ("integer", "long"):
        return 1
    if shape.enum:
        return shape.enum[0]
    return f"CANARY{name}@example.com"[: shape.metadata.get("max", 100)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_that_a_person_could_write_is_in_a_record(site, log, operation):
    shape = MODEL.operation_model(operation).input_shape
    client = workdocs(site.server, validate=False)
    members = canary_for(shape, "") if shape else {}
    members.pop("AuthenticationToken", None)
    request_id, _ = call(client, operation, members)
    record = log.one(request_id)
    assert record["userIdentity"]["type"] == "IAMUser"
    assert "canary" not in json.dumps(record).lower(), record


def test_no_secret_of_a_whole_story_is_in_any_file_of_the_log(make_site):
    site = make_site(DOCHARBOR_AUDIT_FILE_SIZE="4KiB")
    log = AuditLog(site.server)
    person = site.person(
        Username="canary.username", GivenName="CANARYgiven", Surname="CANARYsurname",
        Password="CANARYpassw0rd!", EmailAddress="canary.mail@example.com",
    )
    token = site.server.token(person.username)
    client = workdocs(site.server, key=None, token=token)
    upload = site.upload(person.root, b"CANARYcontent", "CANARYdocument.txt")
    url = site.source(upload)
    assert site.download(upload) == b"CANARYcontent"
    client.create_comment(**upload.ids, Text="CANARYcomment")
    client.create_labels(ResourceId=upload.document, Labels=["CANARYlabel"])
    client.create_custom_metadata(
        ResourceId=upload.document, CustomMetadata={"CANARYkey": "CANARYvalue"}
    )
    site.admin.add_resource_permissions(
        ResourceId=upload.document,
        Principals=[{"Id": site.person().id, "Type": "USER", "Role": "VIEWER"}],
        NotificationOptions={"SendEmail": True, "EmailMessage": "CANARYmessage"},
    )
    outcome(site.admin.search_resources, QueryText="CANARYquery")
    outcome(workdocs(site.server, key=(ROOT_SECRET, "CANARYwrong")).get_folder, FolderId=person.root)
    outcome(workdocs(site.server, key=None, token="CANARYtoken").get_folder, FolderId=person.root)
    # A marker holds where a list goes on, which may be a name.
    for _ in range(2):
        site.folder(person.root, f"CANARY{uuid.uuid4()}")
    page = site.admin.describe_folder_contents(FolderId=person.root, Limit=1)
    site.admin.describe_folder_contents(FolderId=person.root, Limit=1, Marker=page["Marker"])
    agent = requests.get(f"{site.server.url}/api/v1/me", headers={"User-Agent": "a\tb" + "c" * 999})
    assert len(log.one(agent.headers["x-amzn-requestid"])["userAgent"]) == 256
    site.server.stop()
    text = log.text()
    assert len(log.files()) > 3
    signatures = re.findall(r"X-Amz-Signature=(\w+)", upload.url + url)
    for secret in ("canary", token, ROOT_SECRET, PASSWORD, page["Marker"], *signatures):
        assert secret.lower() not in text.lower(), secret
    assert "unbroken" in log.check()


def test_a_thousand_calls_at_once_are_one_unbroken_chain(site, ann, log):
    before = len(log.lines())

    def one(number):
        if number % 4:
            return call(site.admin, "GetFolder", {"FolderId": ann.root})[0]
        name = {"ParentFolderId": ann.root, "Name": f"parallel-{number}"}
        return call(site.admin, "CreateFolder", name)[0]

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(one, range(1000)))
    until("all are recorded", lambda: before + 1000 <= len(log.lines()))
    assert "unbroken" in log.check()
    lines = log.lines()
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    recorded = [line["record"].get("requestID") for line in lines]
    assert sorted(ids) == sorted(one for one in recorded if one in set(ids))


def test_after_a_kill_every_acknowledged_change_has_its_record(make_site):
    site = make_site(DOCHARBOR_AUDIT_FILE_SIZE="64KiB")
    log = AuditLog(site.server)
    root = site.person().root
    acknowledged = []

    def load(worker):
        client = workdocs(site.server)
        for number in range(10_000):
            try:
                made = {"ParentFolderId": root, "Name": f"{worker}-{number}"}
                request_id, code = call(client, "CreateFolder", made)
            except (ConnectionError, HTTPClientError):
                return
            assert code is None
            acknowledged.append(request_id)

    for round in range(1, 4):
        with ThreadPoolExecutor(8) as pool:
            for worker in range(8):
                pool.submit(load, f"{round}-{worker}")
            until("changes are made", lambda: round * 100 <= len(acknowledged))
            site.server.kill()
        assert "broken:" not in log.check()
        recorded = [record.get("requestID") for record in log.records()]
        assert set(acknowledged) <= set(recorded)
        assert len(recorded) - recorded.count(None) == len(set(recorded) - {None})
        site.server.start()
        assert "unbroken" in log.check()
    assert 1 < len(log.files())


def test_whatever_is_done_to_the_files_is_found(make_site, tmp_path):
    site = make_site(DOCHARBOR_AUDIT_FILE_SIZE="16KiB")
    log = AuditLog(site.server)
    root = site.person().root
    for _ in range(60):
        site.folder(root)
    site.server.stop()
    assert "unbroken" in log.check()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    whole = tmp_path / "whole"
    shutil.copytree(log.directory, whole)

    def change_a_byte(files):
        path = chance.choice([*files, log.directory / "head"])
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)

    def on_lines(change):
        def damage(files):
            path = chance.choice(files)
            lines = path.read_bytes().splitlines(keepends=True)
            change(lines, chance.randrange(1, len(lines)))
            path.write_bytes(b"".join(lines))
        return damage

    def swap(lines, at):
        lines[at - 1], lines[at] = lines[at], lines[at - 1]

    def truncate(files):
        path = chance.choice(files)
        os.truncate(path, chance.randrange(path.stat().st_size))

    def exchange(files):
        one, other = chance.sample(files, 2)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)

    damages = {
        "a byte": (change_a_byte, 25),
        "a line removed": (on_lines(lambda lines, at: lines.pop(at)), 4),
        "a line twice": (on_lines(lambda lines, at: lines.insert(at, lines[at])), 4),
        "two lines swapped": (on_lines(swap), 4),
        "a line moved to the end": (on_lines(lambda lines, at: lines.append(lines.pop(at - 1))), 4),
        "a file cut off": (truncate, 6),
        "a file removed": (lambda files: chance.choice(files).unlink(), 4),
        "two files exchanged": (exchange, 2),
        "the last file removed": (lambda files: files[-1].unlink(), 1),
        "the head removed": (lambda files: (log.directory / "head").unlink(), 1),
        "everything removed": (lambda files: [path.unlink() for path in log.directory.iterdir()], 1),
    }
    for name, (damage, times) in damages.items():
        for _ in range(times):
            damage(log.files())
            said = log.check(expect=1)
            assert "broken: " in said, (name, said)
            shutil.rmtree(log.directory)
            shutil.copytree(whole, log.directory)
    last = re.search(r"unbroken up to (\S+)", log.check()).group(1)
    assert "unbroken" in log.check("--holds", last)
    assert "not in the log" in log.check("--holds", last[:-1] + "x", expect=1)


def test_a_damaged_log_is_gone_on_with_and_stays_damaged(make_site):
    site = make_site()
    log = AuditLog(site.server)
    root = site.person().root
    site.server.stop()
    os.truncate(log.files()[-1], log.files()[-1].stat().st_size - 10)
    site.server.start()
    site.folder(root)
    assert "broken: " in log.check(expect=1)
    # The damaged file is left as it is; the new one begins with what was found.
    assert len(log.files()) == 2
    opened = json.loads(log.files()[-1].read_text().splitlines()[0])["record"]
    assert opened["eventName"] == "AuditLogOpened"
    assert "damaged" in opened["additionalEventData"]["log"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")
def test_a_log_without_room_refuses_changes_and_nothing_else(make_site):
    site = make_site()
    log = AuditLog(site.server)
    root = site.person().root
    site.server.stop()
    place = log.directory
    kept = place.rename(place.with_name("audit-kept"))
    place.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "docharbor-audit", str(place)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        place.rmdir()
        kept.rename(place)
        pytest.skip("no tmpfs can be mounted")
    try:
        for path in kept.iterdir():
            shutil.copy(path, place)
        site.server.start()
        process = site.server.process
        made = fill_and_recover(site, log, root)
        assert site.server.process is process and process.poll() is None
        names = {folder["Name"] for folder in folders(site, root)}
        assert names == made
        site.server.stop()
        assert "unbroken" in log.check()
        for path in kept.iterdir():
            path.unlink()
        for path in place.iterdir():
            shutil.copy(path, kept)
    finally:
        site.server.kill()
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()
        kept.rename(place)
    site.server.start()


def folders(site, root):
    return site.admin.describe_folder_contents(FolderId=root, Type="FOLDER", Limit=999)["Folders"]


def fill_and_recover(site, log, root):
    """Answers the names of the folders that were made."""
    made = {"before"}
    site.folder(root, "before")
    filler = log.directory / "filler"
    with open(filler, "wb", buffering=0) as out:
        for size in (4096, 1):
            try:
                while True:
                    out.write(bytes(size))
            except OSError:
                continue
    # The log took some room ahead, and answers from it until it is half used.
    refusals = []
    while len(refusals) < 5:
        name = f"full-{len(made)}-{len(refusals)}"
        code = outcome(site.admin.create_folder, ParentFolderId=root, Name=name)
        if code is None:
            made.add(name)
        else:
            assert code == "ServiceUnavailableException"
            refusals.append(name)
    # What was refused had no effect; nobody comes in unseen, either.
    refused_form = Browser(site.server.url).sign_in("nobody", "wrong")
    assert refused_form.status_code == 503 and "cannot write its records" in refused_form.text
    assert site.admin.get_folder(FolderId=root)["Metadata"]["Id"] == root
    assert {folder["Name"] for folder in folders(site, root)} == made
    assert site.server.health("ready") == 200
    filler.unlink()

    def again():
        return outcome(site.admin.create_folder, ParentFolderId=root, Name="after") is None

    until("changes are taken again", again)
    refused_ones = [one for one in log.records() if one.get("errorCode") == "ServiceUnavailableException"]
    # What was refused for want of room is on record, now that there is some.
    assert 5 <= len(refused_ones)
    return made | {"after"}


def test_the_commands_read_the_log_beside_the_server(site, ann, log):
    request_id, _ = call(site.admin, "GetFolder", {"FolderId": ann.root})
    record = log.one(request_id)
    data = str(site.server.data)
    tail = site.server.run("audit", "tail", "-n", "5", "--json", data).stdout.splitlines()
    assert len(tail) == 5
    assert record in [json.loads(line) for line in tail]
    lines = site.server.run("audit", "tail", data).stdout.splitlines()
    assert len(lines) == 10
    assert any(request_id in line and "GetFolder ok 127.0.0.1" in line for line in lines)

    def export(*arguments):
        return json.loads(site.server.run("audit", "export", *arguments, data).stdout)["Records"]

    everything = export()
    assert record in everything
    assert {"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName"} <= set(record)
    day = record["eventTime"][:10]
    assert export("--to", "2000-01-01") == []
    assert record in export("--from", day)
    assert record not in export("--to", record["eventTime"])
    site.server.run("audit", "export", "--from", "yesterday", data, expect=2)


def test_tail_goes_on_with_new_records(site, ann):
    data = str(site.server.data)
    tail = subprocess.Popen(
        ["setpriv", "--pdeathsig=KILL", site.server.binary, "audit", "tail", "-f", "-n", "0", "--json", data],
        env=site.server.environment(), stdout=subprocess.PIPE, text=True,
    )
    try:
        seen = None
        # Until the follower is there, records of calls may be before its time.
        with ThreadPoolExecutor(1) as pool:
            line = pool.submit(tail.stdout.readline)
            while not line.done():
                seen, _ = call(site.admin, "GetFolder", {"FolderId": ann.root})
            assert json.loads(line.result())["eventName"] == "GetFolder"
        assert seen
    finally:
        tail.kill()
        tail.wait()
        tail.stdout.close()


def test_without_audit_there_are_no_records(make_site):
    site = make_site(DOCHARBOR_AUDIT="off")
    site.person()
    log = AuditLog(site.server)
    assert not log.directory.exists()
    assert "there is no audit log" in log.check(expect=1)


def test_another_sites_key_leaves_no_parameters(site, log):
    with refused("UnrecognizedClientException") as refusal:
        workdocs(site.server, key=("AKIAABCDEFGHIJKLMNOP", "x" * 40)).get_folder(FolderId="0" * 64)
    request_id = refusal.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    identity = log.one(request_id)["userIdentity"]
    assert (identity["type"], identity["accessKeyId"]) == ("AWSAccount", "AKIAABCDEFGHIJKLMNOP")


def test_each_record_names_the_site_it_belongs_to(site, log):
    other = site.server.another_site()
    client = workdocs(site.server, key=other.root)
    answer = client.create_user(
        OrganizationId=other.organization_id, Username="twin", GivenName="Twin", Surname="Story",
        Password=PASSWORD,
    )
    request_id = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    record = log.one(request_id)
    account = record["userIdentity"]["accountId"]
    assert account == record["recipientAccountId"] != "000000000000"
    organization = f":{account}:organization/{other.organization_id}"
    assert record["resources"][0]["ARN"].endswith(organization)
