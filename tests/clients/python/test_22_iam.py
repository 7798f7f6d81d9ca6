"""IAM through boto3 and the AWS command line: users, keys, policies, and what they change at once."""

import json
import pathlib
import subprocess
import sys
import time

import botocore.session
import pytest
import requests

from iam_story import ACCESS_DENIED, DENIED, UNKNOWN, document, error_of, service, statement, trust
from raw import Wire, sign

READ = document(statement("Allow", ["workdocs:Get*", "workdocs:Describe*", "ds:*", "ec2:CreateVpc"]))


@pytest.fixture(scope="module")
def iam(site):
    return service("iam", site.server, site.server.root)


@pytest.fixture
def user(site, iam):
    """A user with a key and no policy."""
    name = site.name("robot")
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return name, (made["AccessKeyId"], made["SecretAccessKey"])


def code(found):
    return found and found[0]


def allowed(site, key, folder, **_):
    client = service("workdocs", site.server, key)
    return error_of(client.get_folder, FolderId=folder)


def test_a_user_is_made_found_and_listed(site, iam):
    name = site.name("Robot")
    made = iam.create_user(UserName=name, Path="/robots/")["User"]
    assert made["Arn"].endswith(f":user/robots/{name}")
    assert made["UserId"].startswith("AIDA")
    assert iam.get_user(UserName=name.upper())["User"]["UserId"] == made["UserId"]
    assert code(error_of(iam.create_user, UserName=name.upper())) == "EntityAlreadyExists"
    others = [iam.create_user(UserName=site.name("robot"))["User"]["UserName"] for _ in range(4)]
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
    names = [user["UserName"] for page in pages for user in page["Users"]]
    assert {name, *others} <= set(names) and len(names) == len(set(names))
    listed = iam.list_users(PathPrefix="/robots/")["Users"]
    assert [user["UserName"] for user in listed] == [name]
    iam.delete_user(UserName=name)
    assert error_of(iam.get_user, UserName=name) == ("NoSuchEntity", 404)


def test_a_name_or_policy_too_long_is_refused_before_wildcards_are_held_against_it(site, iam):
    name = site.name("starry")
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    key = made["AccessKeyId"], made["SecretAccessKey"]
    stars = f"arn:aws:iam::*:user/*{'a' * 9_000}b"
    policy = document(statement("Allow", ["iam:*", "sts:*"], stars))
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    narrow = service("iam", site.server, key)
    begun = time.monotonic()
    for member, call in (("UserName", narrow.get_user), ("PathPrefix", narrow.list_users)):
        assert error_of(call, **{member: "/" + "a" * 900_000}) == ("ValidationError", 400)
    assert error_of(narrow.get_user, UserName="a" * 1_000) == ACCESS_DENIED
    # Holding the wildcards against it would take minutes.
    assert time.monotonic() - begun < 5
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("*"))
    role = iam.get_role(RoleName=name)["Role"]["Arn"]
    sts = service("sts", site.server, site.server.root)
    long = document(statement("Allow", "*", [stars, stars]))
    asked = {"RoleArn": role, "RoleSessionName": "session", "Policy": long}
    assert error_of(sts.assume_role, **asked) == ("ValidationError", 400)


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "a\x1b[2J"])
def test_a_key_s_name_stands_in_a_line_and_in_an_arn(site, name):
    said = site.server.run("key", "create", "--name", name, str(site.server.data), expect=2).stderr
    assert "control characters" in said


def test_a_policy_about_a_name_holds_however_a_request_writes_it(site, iam):
    name, role = site.name("Guarded"), site.name("Guarded")
    iam.create_user(UserName=name, Path="/boss/")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("*"))
    arns = [f"arn:aws:iam::000000000000:user/boss/{name}", f"arn:aws:iam::000000000000:role/{role}"]
    policy = {"Version": "2012-10-17", "Statement": [
        statement("Allow", "iam:*"), statement("Deny", "iam:*", arns),
    ]}
    narrow = service("iam", site.server, site.server.key("narrow", policy))
    everything = document(statement("Allow", "*"))
    for written in (name, name.upper(), name.lower()):
        for call, members in [
            (narrow.get_user, {}), (narrow.create_access_key, {}), (narrow.delete_user, {}),
            (narrow.put_user_policy, {"PolicyName": "p", "PolicyDocument": everything}),
        ]:
            assert error_of(call, UserName=written, **members) == ACCESS_DENIED, written
    for written in (role, role.upper(), role.lower()):
        for call, members in [
            (narrow.get_role, {}), (narrow.delete_role, {}),
            (narrow.put_role_policy, {"PolicyName": "p", "PolicyDocument": everything}),
            (narrow.update_assume_role_policy, {"PolicyDocument": trust("*")}),
        ]:
            assert error_of(call, RoleName=written, **members) == ACCESS_DENIED, written


@pytest.mark.parametrize("name", ["with space", "a/b", "ü", "x" * 65])
def test_a_name_that_iam_would_not_take_is_refused(iam, name):
    assert error_of(iam.create_user, UserName=name) == ("ValidationError", 400)


def test_a_user_may_do_nothing_until_a_policy_says_so_and_only_what_it_says(site, iam, user, folder):
    name, key = user
    assert allowed(site, key, folder) == DENIED
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=READ)
    assert allowed(site, key, folder) is None
    client = service("workdocs", site.server, key)
    assert error_of(client.delete_folder, FolderId=folder) == DENIED
    deny = document(statement("Deny", "workdocs:GetFolder"))
    iam.put_user_policy(UserName=name, PolicyName="no", PolicyDocument=deny)
    assert allowed(site, key, folder) == DENIED
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == ["no", "read"]
    got = iam.get_user_policy(UserName=name, PolicyName="no")["PolicyDocument"]
    assert got == json.loads(deny)
    iam.delete_user_policy(UserName=name, PolicyName="no")
    assert allowed(site, key, folder) is None
    iam.delete_user_policy(UserName=name, PolicyName="read")
    assert allowed(site, key, folder) == DENIED
    missing = error_of(iam.delete_user_policy, UserName=name, PolicyName="read")
    assert missing == ("NoSuchEntity", 404)


@pytest.mark.parametrize(
    "effect, condition, passes",
    [
        ("Allow", {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ("Allow", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ("Allow", {"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, False),
        ("Allow", {"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}}, False),
        ("Allow", {"DateGreaterThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}}, True),
        ("Deny", {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ("Deny", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, True),
        ("Allow", {"StringEquals": {"Resource.OrganizationId": "d-ffffffffff"}}, False),
    ],
)
def test_a_condition_is_held_against_the_request(site, iam, user, folder, effect, condition, passes):
    name, key = user
    statements = [statement(effect, "workdocs:*", Condition=condition)]
    if effect == "Deny":
        statements.append(statement("Allow", "workdocs:*"))
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
    assert allowed(site, key, folder) == (None if passes else DENIED)


@pytest.mark.parametrize(
    "elements",
    [
        {"Condition": {"StringEquals": {"aws:UserAgent": "x"}}},
        {"Condition": {"Fuzzy": {"aws:SourceIp": "x"}}},
        {"Principal": "*"},
        {"Sometimes": True},
        {"Effect": "Perhaps"},
        {"Action": "workdocs"},
        {"Resource": "arn:aws:s3:::bucket"},
    ],
)
def test_a_policy_with_what_is_not_understood_is_refused_when_written(iam, user, elements):
    text = document(statement("Allow", "workdocs:*", **{}) | elements)
    refused = error_of(iam.put_user_policy, UserName=user[0], PolicyName="p", PolicyDocument=text)
    assert refused == ("MalformedPolicyDocument", 400)


def test_a_key_that_is_inactive_or_deleted_is_unknown_at_once(site, iam, user, folder):
    name, key = user
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=READ)
    assert allowed(site, key, folder) is None
    change = {"UserName": name, "AccessKeyId": key[0]}
    iam.update_access_key(**change, Status="Inactive")
    assert allowed(site, key, folder) == UNKNOWN
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    iam.update_access_key(**change, Status="Active")
    assert allowed(site, key, folder) is None
    iam.delete_access_key(**change)
    assert allowed(site, key, folder) == UNKNOWN
    assert error_of(iam.delete_access_key, **change) == ("NoSuchEntity", 404)


def test_a_user_has_two_keys_at_the_most_and_cannot_be_deleted_with_any(iam, user):
    name, key = user
    second = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    assert error_of(iam.create_access_key, UserName=name) == ("LimitExceeded", 409)
    assert error_of(iam.delete_user, UserName=name) == ("DeleteConflict", 409)
    for each in (key[0], second):
        iam.delete_access_key(UserName=name, AccessKeyId=each)
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=READ)
    assert error_of(iam.delete_user, UserName=name) == ("DeleteConflict", 409)
    iam.delete_user_policy(UserName=name, PolicyName="read")
    iam.delete_user(UserName=name)


def test_iam_is_for_keys_whose_policies_allow_it(site, iam, user):
    name, key = user
    own = service("iam", site.server, key)
    assert error_of(own.list_users) == ACCESS_DENIED
    other = site.name("robot")
    text = document(statement("Allow", "iam:*User", f"arn:aws:iam::*:user/{other}"))
    iam.put_user_policy(UserName=name, PolicyName="iam", PolicyDocument=text)
    own.create_user(UserName=other)
    assert own.get_user(UserName=other)["User"]["UserName"] == other
    assert error_of(own.create_user, UserName=site.name("robot")) == ACCESS_DENIED
    everything = document(statement("Allow", "*"))
    grab = error_of(own.put_user_policy, UserName=name, PolicyName="x", PolicyDocument=everything)
    assert grab == ACCESS_DENIED


def test_a_users_token_never_reaches_iam(site, ann):
    token = site.server.token(ann.username)
    body = {"Action": "ListUsers", "Version": "2010-05-08"}
    for headers in ({"Authentication": token}, {"Authorization": f"Bearer {token}"}, {}):
        answer = requests.post(site.server.url + "/", data=body, headers=headers, timeout=30)
        assert answer.status_code == 403 and b"<Error>" in answer.content
        assert token not in answer.text


def test_a_signature_for_one_service_is_none_for_another(site, ann):
    key = site.server.root
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    wire = Wire(site.server)
    calls = {
        "iam": b"Action=ListUsers&Version=2010-05-08",
        "sts": b"Action=GetCallerIdentity&Version=2011-06-15",
    }
    for right, body in calls.items():
        for signed in ("iam", "sts", "workdocs", "s3"):
            message = sign(site.server, "POST", "/", form, body, key, service=signed)
            answer = wire.exchange(message.data(), "POST")
            assert (answer.status == 200) == (signed == right), (right, signed, answer.body)
    for signed in ("iam", "sts", "workdocs"):
        message = sign(site.server, "GET", f"/api/v1/folders/{ann.root}", (), b"", key, service=signed)
        answer = wire.exchange(message.data())
        assert (answer.status == 200) == (signed == "workdocs"), (signed, answer.body)
    wire.close()


def test_what_is_not_supported_is_refused_and_not_left_out(site, iam):
    name = site.name("robot")
    tags = [{"Key": "a", "Value": "b"}]
    assert error_of(iam.create_user, UserName=name, Tags=tags) == ("ValidationError", 400)
    assert error_of(iam.get_user, UserName=name) == ("NoSuchEntity", 404)
    assert error_of(iam.create_group, GroupName=name) == ("InvalidAction", 400)


def test_every_operation_lets_in_only_whom_a_policy_allows(site, iam, user):
    """The table: each of the 44 operations against an allow, another's allow, a deny, and nothing."""
    name, key = user
    operations = botocore.session.get_session().get_service_model("workdocs").operation_names
    assert len(operations) == 44
    client = service("workdocs", site.server, key)
    wire = Wire(site.server)
    paths = {o: client.meta.service_model.operation_model(o).http for o in operations}

    def is_denied(operation):
        http = paths[operation]
        target = http["requestUri"].split("?")[0]
        for label in ("ResourceId", "DocumentId", "VersionId", "FolderId", "UserId",
                      "OrganizationId", "SubscriptionId", "PrincipalId"):
            target = target.replace("{%s}" % label, "0" * 64)
        message = sign(site.server, http["method"], target, (), b"", key)
        answer = wire.exchange(message.data(), http["method"])
        return f"[workdocs:{operation}]" in answer.body.decode() and name in answer.body.decode()

    for at, operation in enumerate(operations):
        other = operations[at - 1]
        rules = {
            "none": [],
            "other": [statement("Allow", f"workdocs:{other}")],
            "deny": [statement("Allow", "*"), statement("Deny", f"workdocs:{operation}")],
        }
        for rule, statements in rules.items():
            text = document(*statements)
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text)
            assert is_denied(operation), (operation, rule)
    wire.close()


def test_a_key_of_the_operator_s_ends_at_once_with_all_that_was_begun_with_it(site, folder):
    data = str(site.server.data)

    def listed():
        done = site.server.run("key", "list", data)
        return {key["AccessKeyId"]: key for key in map(json.loads, done.stdout.splitlines())}

    name = site.name("operator")
    key, other = site.server.key(name), site.server.key(name)
    begun = service("sts", site.server, key).get_session_token()["Credentials"]
    session = begun["AccessKeyId"], begun["SecretAccessKey"], begun["SessionToken"]
    assert (listed()[key[0]]["Name"], listed()[key[0]]["Status"]) == (name, "Active")
    # A session is no key that anybody keeps.
    assert session[0] not in listed()
    assert [allowed(site, one, folder) for one in (key, session)] == [None, None]
    site.server.run("key", "delete", key[0], data)
    assert [allowed(site, one, folder) for one in (key, session)] == [UNKNOWN, UNKNOWN]
    assert allowed(site, other, folder) is None
    assert key[0] not in listed() and other[0] in listed()
    assert "does not exist" in site.server.run("key", "delete", key[0], data, expect=1).stderr
    root = site.server.root
    assert "root key cannot be deleted" in site.server.run("key", "delete", root[0], data, expect=1).stderr
    assert allowed(site, root, folder) is None


def test_the_command_line_makes_a_key_with_a_narrow_policy(site, ann, tmp_path):
    aws = str(pathlib.Path(sys.executable).with_name("aws"))
    endpoint = ["--endpoint-url", site.server.url, "--output", "json", "--region", "us-east-1"]

    def run(key, *arguments, expect=0):
        environment = site.server.environment() | {
            "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1],
        }
        if len(key) == 3:
            environment["AWS_SESSION_TOKEN"] = key[2]
        done = subprocess.run([aws, *arguments, *endpoint], env=environment, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == expect, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr

    root, name = site.server.root, site.name("cli")
    run(root, "iam", "create-user", "--user-name", name)
    policy = ["--user-name", name, "--policy-name", "read", "--policy-document", READ]
    run(root, "iam", "put-user-policy", *policy)
    key = run(root, "iam", "create-access-key", "--user-name", name)["AccessKey"]
    key = (key["AccessKeyId"], key["SecretAccessKey"])
    assert run(key, "sts", "get-caller-identity")["Arn"].endswith(f"user/{name}")
    run(key, "workdocs", "get-folder", "--folder-id", ann.root)
    assert "UnauthorizedResourceAccess" in run(
        key, "workdocs", "delete-folder", "--folder-id", ann.root, expect=255)
    role = site.name("role")
    run(root, "iam", "create-role", "--role-name", role, "--assume-role-policy-document",
        trust({"AWS": "*"}))
    run(root, "iam", "put-role-policy", "--role-name", role, *policy[2:])
    assert run(root, "iam", "list-role-policies", "--role-name", role)["PolicyNames"] == ["read"]
    arn = run(root, "iam", "get-role", "--role-name", role)["Role"]["Arn"]
    given = run(root, "sts", "assume-role", "--role-arn", arn, "--role-session-name", "night")
    given = given["Credentials"]
    session = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert run(session, "sts", "get-caller-identity")["Arn"].endswith(f"assumed-role/{role}/night")
    run(session, "workdocs", "get-folder", "--folder-id", ann.root)
