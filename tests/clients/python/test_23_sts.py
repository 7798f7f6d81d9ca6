"""STS through boto3: roles, sessions, and everything that must end or narrow them."""

import json

import pytest
import requests

from iam_story import (
    ACCESS_DENIED, DENIED, UNKNOWN, credentials, document, error_of, service, statement, trust,
)

READ = document(statement("Allow", ["workdocs:Get*", "workdocs:Describe*"]))
ASSUME = document(statement("Allow", "sts:AssumeRole"))


@pytest.fixture(scope="module")
def iam(site):
    return service("iam", site.server, site.server.root)


@pytest.fixture(scope="module")
def user(site, iam):
    """A user who may assume roles and nothing else."""
    name = site.name("robot")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="assume", PolicyDocument=ASSUME)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return name, arn, (made["AccessKeyId"], made["SecretAccessKey"])


@pytest.fixture
def role(site, iam, user):
    """A role that reads, and trusts the user."""
    name = site.name("reader")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": user[1]}))
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=READ)
    return made["Role"]


def assume(site, key, role, **members):
    members = {"RoleArn": role["Arn"], "RoleSessionName": "night"} | members
    return service("sts", site.server, key).assume_role(**members)


def refusal(site, key, role, **members):
    sts = service("sts", site.server, key)
    members = {"RoleArn": role["Arn"], "RoleSessionName": "night"} | members
    return error_of(sts.assume_role, **members)


def reads(site, key, folder):
    return error_of(service("workdocs", site.server, key).get_folder, FolderId=folder)


def test_everybody_with_a_key_may_ask_who_they_are(site, user):
    found = service("sts", site.server, user[2]).get_caller_identity()
    assert found["Arn"] == user[1] and found["UserId"].startswith("AIDA")
    root = service("sts", site.server, site.server.root).get_caller_identity()
    assert root["Account"] == found["Account"] and len(root["Account"]) == 12


def test_the_guides_program_assumes_a_role_and_works_with_it(site, user, role, folder, ann):
    answer = assume(site, user[2], role, DurationSeconds=900)
    key = credentials(answer)
    assert key[0].startswith("ASIA")
    arn = answer["AssumedRoleUser"]["Arn"]
    assert arn.endswith(f":assumed-role/{role['RoleName']}/night")
    assert reads(site, user[2], folder) == DENIED
    assert reads(site, key, folder) is None
    client = service("workdocs", site.server, key)
    users = client.describe_users(OrganizationId=site.server.organization_id)["Users"]
    assert ann.id in [found["Id"] for found in users]
    assert error_of(client.delete_folder, FolderId=folder) == DENIED
    identity = service("sts", site.server, key).get_caller_identity()
    assert identity["Arn"] == arn
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_what_a_role_may_do_and_whether_it_is_there_counts_at_the_next_request(
    site, iam, user, role, folder
):
    key = credentials(assume(site, user[2], role))
    name = role["RoleName"]
    assert error_of(iam.delete_role, RoleName=name) == ("DeleteConflict", 409)
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    assert reads(site, key, folder) == DENIED
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=READ)
    assert reads(site, key, folder) is None
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    iam.delete_role(RoleName=name)
    assert reads(site, key, folder) == UNKNOWN


def test_a_session_ends_with_the_key_it_was_got_with(site, iam, user, role, folder):
    made = iam.create_access_key(UserName=user[0])["AccessKey"]
    own = (made["AccessKeyId"], made["SecretAccessKey"])
    first, second = (credentials(assume(site, own, role)) for _ in range(2))
    assert reads(site, first, folder) is None
    iam.update_access_key(UserName=user[0], AccessKeyId=own[0], Status="Inactive")
    assert reads(site, first, folder) == UNKNOWN
    iam.update_access_key(UserName=user[0], AccessKeyId=own[0], Status="Active")
    assert reads(site, second, folder) == UNKNOWN
    third = credentials(assume(site, own, role))
    iam.delete_access_key(UserName=user[0], AccessKeyId=own[0])
    assert reads(site, third, folder) == UNKNOWN


def test_a_session_policy_narrows_and_never_widens(site, user, role, folder):
    narrow = document(statement("Allow", "workdocs:DescribeUsers"))
    wide = document(statement("Allow", "*"))
    assert reads(site, credentials(assume(site, user[2], role, Policy=narrow)), folder) == DENIED
    key = credentials(assume(site, user[2], role, Policy=wide))
    assert reads(site, key, folder) is None
    client = service("workdocs", site.server, key)
    assert error_of(client.delete_folder, FolderId=folder) == DENIED
    broken = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]})
    assert refusal(site, user[2], role, Policy=broken) == ("MalformedPolicyDocument", 400)


def test_a_role_is_assumed_only_by_whom_both_sides_allow(site, iam, user, role):
    other = site.name("robot")
    iam.create_user(UserName=other)
    made = iam.create_access_key(UserName=other)["AccessKey"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])
    assert refusal(site, key, role) == ACCESS_DENIED
    iam.put_user_policy(UserName=other, PolicyName="assume", PolicyDocument=ASSUME)
    assert refusal(site, key, role) == ACCESS_DENIED, "the role does not trust this user"
    everybody = trust({"AWS": "*"})
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=everybody)
    assume(site, key, role)
    iam.delete_user_policy(UserName=other, PolicyName="assume")
    assert refusal(site, key, role) == ACCESS_DENIED, "the user's policies do not allow it"
    missing = role | {"Arn": role["Arn"] + "-not-there"}
    assert refusal(site, user[2], missing) == ACCESS_DENIED


def test_a_rule_about_a_role_is_one_about_its_sessions(site, iam, user, role, folder):
    for operator, held in (("ArnEquals", DENIED), ("ArnNotEquals", None)):
        condition = {operator: {"aws:PrincipalArn": role["Arn"]}}
        deny = document(statement("Deny", "workdocs:*", Condition=condition))
        iam.put_role_policy(RoleName=role["RoleName"], PolicyName="deny", PolicyDocument=deny)
        assert reads(site, credentials(assume(site, user[2], role)), folder) == held, operator


def test_an_external_id_keeps_a_deputy_from_being_confused(site, iam, user, role):
    condition = {"StringEquals": {"sts:ExternalId": "customer-42"}}
    text = trust({"AWS": user[1]}, Condition=condition)
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=text)
    assert refusal(site, user[2], role) == ACCESS_DENIED
    assert refusal(site, user[2], role, ExternalId="customer-43") == ACCESS_DENIED
    assume(site, user[2], role, ExternalId="customer-42")


def test_a_session_token_belongs_to_its_key_and_to_no_other(site, user, role, folder):
    one, two = (credentials(assume(site, user[2], role)) for _ in range(2))
    last = "0" if one[2][-1] != "0" else "1"
    for key in (
        one[:2],
        (*one[:2], two[2]),
        (*one[:2], one[2][:-1] + last),
        (*one[:2], one[2] + "0"),
        (*user[2], one[2]),
        (*site.server.root, one[2]),
        (one[0], two[1], one[2]),
    ):
        found = reads(site, key, folder)
        assert found in (UNKNOWN, ("InvalidSignatureException", 403)), key[0]
        sts = service("sts", site.server, key)
        assert error_of(sts.get_caller_identity)[1] == 403
    answer = requests.get(
        f"{site.server.url}/api/v1/folders/{folder}", headers={"Authentication": one[2]}, timeout=30
    )
    assert answer.status_code == 403
    assert reads(site, one, folder) is None


def test_a_session_of_ones_own_may_what_its_key_may(site, iam, user, folder):
    sts = service("sts", site.server, site.server.root)
    key = credentials(sts.get_session_token(DurationSeconds=900))
    assert reads(site, key, folder) is None
    service("iam", site.server, key).list_users()
    own = service("sts", site.server, user[2])
    narrow = credentials(own.get_session_token())
    assert reads(site, narrow, folder) == DENIED
    limited = site.server.key("limited", json.loads(READ))
    limited = credentials(service("sts", site.server, limited).get_session_token())
    assert reads(site, limited, folder) is None
    client = service("workdocs", site.server, limited)
    assert error_of(client.delete_folder, FolderId=folder) == DENIED
    again = service("sts", site.server, key)
    assert error_of(again.get_session_token) == ACCESS_DENIED


@pytest.mark.parametrize("seconds", [899, 3601, 43201])
def test_a_session_is_neither_too_short_nor_too_long(site, user, role, seconds):
    assert refusal(site, user[2], role, DurationSeconds=seconds) == ("ValidationError", 400)


def test_a_transfer_url_of_a_session_ends_with_the_session(site, iam, user, role, folder):
    upload = site.upload(folder)
    key = credentials(assume(site, user[2], role))
    client = service("workdocs", site.server, key)
    answer = client.get_document_version(
        DocumentId=upload.document, VersionId=upload.version, Fields="SOURCE"
    )
    url = answer["Metadata"]["Source"]["ORIGINAL"]
    assert requests.get(url, timeout=30).status_code == 200
    iam.delete_role_policy(RoleName=role["RoleName"], PolicyName="read")
    iam.delete_role(RoleName=role["RoleName"])
    assert requests.get(url, timeout=30).status_code in (403, 404)
