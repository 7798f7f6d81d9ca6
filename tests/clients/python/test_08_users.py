"""Users: made, found, changed, sent away."""

import pytest

from client import refused
from site_story import PASSWORD


@pytest.fixture(scope="module")
def organization(site):
    return site.server.organization_id


@pytest.fixture(scope="module")
def people(site):
    """Users whom the stories about finding look for, by user name."""
    made = [
        ("mmajor", "Márcia", "Oliveira", "marcia@example.com"),
        ("mateo", "Mateo", "Jackson", "mateo.j@example.com"),
        ("maria.g", "María", "García", None),
        ("zoe", "Zoë", "Müller", None),
        ("inactive", "Maurice", "Gone", None),
    ]
    people = {}
    for username, given_name, surname, email in made:
        members = {"EmailAddress": email} if email else {}
        people[username] = site.person(
            Username=username, GivenName=given_name, Surname=surname, **members
        )
    site.admin.deactivate_user(UserId=people["inactive"].id)
    return people


def usernames(answer):
    return [user["Username"] for user in answer["Users"]]


# Made.


def test_a_new_user_is_active_and_has_folders_and_a_quota(site, organization):
    answer = site.admin.create_user(
        OrganizationId=organization, Username="new.user", GivenName="New", Surname="User",
        Password=PASSWORD, EmailAddress="new.user@example.com", TimeZoneId="Europe/Berlin",
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    user = answer["User"]
    assert user["Id"].startswith("S-1-5-21-") and user["Id"].endswith(f"&{organization}")
    assert user["OrganizationId"] == organization
    assert (user["Username"], user["GivenName"], user["Surname"]) == ("new.user", "New", "User")
    assert user["EmailAddress"] == "new.user@example.com"
    assert user["TimeZoneId"] == "Europe/Berlin"
    assert (user["Status"], user["Type"]) == ("ACTIVE", "USER")
    assert user["RootFolderId"] != user["RecycleBinFolderId"]
    assert user["Storage"] == {
        "StorageUtilizedInBytes": 0,
        "StorageRule": {"StorageAllocatedInBytes": 1 << 40, "StorageType": "QUOTA"},
    }
    assert user["CreatedTimestamp"] == user["ModifiedTimestamp"]


@pytest.mark.parametrize("again", ["twin", "TWIN"])
def test_a_user_name_is_one_user_s_only_whatever_its_case(site, organization, again):
    members = {
        "OrganizationId": organization, "GivenName": "T", "Surname": "W", "Password": PASSWORD,
    }
    if again == "twin":
        site.admin.create_user(**members, Username="twin")
    with refused("EntityAlreadyExistsException") as refusal:
        site.admin.create_user(**members, Username=again)
    assert refusal.message


@pytest.mark.parametrize("password", ["password", "PASSWORD1", "Short1!", "12345678!"])
def test_a_password_must_be_worth_the_name(site, organization, password):
    with refused("ValidationException") as refusal:
        site.person(Username="weak", Password=password)
    assert "Password" in refusal.message
    assert password not in refusal.message
    found = site.admin.describe_users(OrganizationId=organization, Query="weak", Include="ALL")
    assert found["Users"] == []


def test_a_tiny_quota_is_a_quota(site):
    rule = {"StorageType": "QUOTA", "StorageAllocatedInBytes": 1048576}
    user = site.person(StorageRule=rule)
    described = site.admin.describe_users(UserIds=user.id, Fields="STORAGE_METADATA")["Users"][0]
    assert described["Storage"]["StorageRule"] == rule


def test_a_default_quota_is_the_operator_s_to_set(make_site):
    site = make_site(DOCHARBOR_USERS_DEFAULT_QUOTA="5GiB")
    user = site.admin.describe_users(UserIds=site.person().id, Fields="STORAGE_METADATA")["Users"][0]
    assert user["Storage"]["StorageRule"]["StorageAllocatedInBytes"] == 5 << 30


def test_nobody_is_made_in_an_organization_that_is_not_there(site):
    with refused("UnauthorizedResourceAccessException"):
        site.person(OrganizationId="d-0000000000")


# Found.


@pytest.mark.parametrize(("query", "found"), [
    ("Ma", ["maria.g", "mateo", "mmajor"]),
    ("ma j", ["mateo"]),
    ("MÁRC", ["mmajor"]),
    ("marcia", ["mmajor"]),
    ("zoe mull", ["zoe"]),
    ("mateo.j@ex", ["mateo"]),
    ("liveira", []),
    ("%", []),
    ("_", []),
    ("'; DROP TABLE site_user; --", []),
])
def test_every_word_of_a_query_begins_a_name(site, organization, people, query, found):
    answer = site.admin.describe_users(OrganizationId=organization, Query=query)
    assert usernames(answer) == found
    assert answer["TotalNumberOfUsers"] == len(found)


def test_inactive_users_are_found_only_by_asking_for_all(site, organization, people):
    members = {"OrganizationId": organization, "Query": "maurice"}
    assert usernames(site.admin.describe_users(**members)) == []
    assert usernames(site.admin.describe_users(**members, Include="ACTIVE_PENDING")) == []
    found = site.admin.describe_users(**members, Include="ALL")["Users"]
    assert [user["Status"] for user in found] == ["INACTIVE"]
    assert found[0]["GivenName"] == "Maurice"


def test_users_are_found_by_their_ids(site, people):
    wanted = [people["zoe"].id, people["mateo"].id]
    answer = site.admin.describe_users(UserIds=",".join(wanted))
    assert {user["Id"] for user in answer["Users"]} == set(wanted)
    assert answer["TotalNumberOfUsers"] == 2
    answer = site.admin.describe_users(
        OrganizationId=people["zoe"].site.server.organization_id,
        UserIds=people["zoe"].id, Query="mateo",
    )
    assert usernames(answer) == ["zoe"]


def test_storage_is_told_only_where_it_is_asked_for(site, people):
    user = site.admin.describe_users(UserIds=people["zoe"].id)["Users"][0]
    assert "Storage" not in user
    site.upload(people["zoe"].root, b"12345")
    user = site.admin.describe_users(UserIds=people["zoe"].id, Fields="STORAGE_METADATA")["Users"][0]
    assert user["Storage"]["StorageUtilizedInBytes"] == 5


@pytest.mark.parametrize(("sort", "key"), [
    ("USER_NAME", lambda user: user["Username"].lower()),
    ("STORAGE_LIMIT", lambda user: user["Storage"]["StorageRule"]["StorageAllocatedInBytes"]),
    ("STORAGE_USED", lambda user: user["Storage"]["StorageUtilizedInBytes"]),
    ("USER_STATUS", None),
    ("FULL_NAME", None),
])
def test_users_are_sorted_and_paged_without_loss(site, organization, people, sort, key):
    for number in range(4):
        name = f"sorted-{sort.lower()}-{number}"
        rule = {"StorageType": "QUOTA", "StorageAllocatedInBytes": 1000 - number % 3}
        user = site.person(Username=name, GivenName=f"G{number % 2}", StorageRule=rule)
        site.upload(user.root, b"x" * (number % 3))
    members = {
        "OrganizationId": organization, "Sort": sort, "Include": "ALL",
        "Fields": "STORAGE_METADATA",
    }
    everybody = None
    for order in ("ASCENDING", "DESCENDING"):
        pages = list(site.admin.get_paginator("describe_users").paginate(
            **members, Order=order, PaginationConfig={"PageSize": 3}
        ))
        users = [user for page in pages for user in page["Users"]]
        ids = [user["Id"] for user in users]
        assert len(ids) == len(set(ids))
        assert "Marker" not in pages[-1]
        assert {page["TotalNumberOfUsers"] for page in pages} == {len(users)}
        everybody = everybody or set(ids)
        assert set(ids) == everybody
        if key:
            keys = [key(user) for user in users]
            assert keys == sorted(keys, reverse=order == "DESCENDING")
    if sort == "FULL_NAME":
        names = [(user["GivenName"], user["Username"]) for user in users]
        given = [name for name, username in names if username.startswith("sorted-full_name")]
        assert given == ["G1", "G1", "G0", "G0"]
    if sort == "USER_STATUS":
        statuses = [user["Status"] for user in users]
        assert statuses in (sorted(statuses), sorted(statuses, reverse=True))


def test_an_administrator_names_an_organization_or_users(site):
    with refused("ValidationException") as refusal:
        site.admin.describe_users()
    assert "OrganizationId" in refusal.message
    with refused("UnauthorizedResourceAccessException"):
        site.admin.describe_users(OrganizationId="d-0000000000")


# Changed.


def test_what_an_update_names_changes_and_nothing_else(site):
    user = site.person(EmailAddress="keep@example.com")
    rule = {"StorageType": "UNLIMITED"}
    answer = site.admin.update_user(
        UserId=user.id, GivenName="Anna", Type="ADMIN", StorageRule=rule, Locale="de",
        TimeZoneId="Asia/Tokyo",
    )["User"]
    assert (answer["GivenName"], answer["Surname"]) == ("Anna", "Story")
    assert (answer["Type"], answer["Locale"], answer["TimeZoneId"]) == ("ADMIN", "de", "Asia/Tokyo")
    assert answer["Storage"]["StorageRule"]["StorageType"] == "UNLIMITED"
    found = site.admin.describe_users(UserIds=user.id)["Users"][0]
    assert found["EmailAddress"] == "keep@example.com"
    assert found["GivenName"] == "Anna"
    again = site.admin.update_user(UserId=user.id, Surname="New")["User"]
    assert (again["GivenName"], again["Surname"], again["Type"]) == ("Anna", "New", "ADMIN")


def test_the_rights_of_a_power_user_are_given_and_taken(site):
    user = site.person()
    given = site.admin.update_user(UserId=user.id, GrantPoweruserPrivileges="TRUE")["User"]
    assert given["Type"] == "POWERUSER"
    taken = site.admin.update_user(UserId=user.id, GrantPoweruserPrivileges="FALSE")["User"]
    assert taken["Type"] == "USER"


def test_a_user_is_deactivated_and_activated_and_keeps_everything(site):
    user = site.person()
    upload = site.upload(user.root, b"kept")
    answer = site.admin.deactivate_user(UserId=user.id)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    found = site.admin.describe_users(UserIds=user.id, Include="ALL")["Users"]
    assert [one["Status"] for one in found] == ["INACTIVE"]
    activated = site.admin.activate_user(UserId=user.id)["User"]
    assert (activated["Id"], activated["Status"]) == (user.id, "ACTIVE")
    assert "Storage" in activated
    assert site.download(upload) == b"kept"


def test_a_user_is_deleted_with_everything(site, organization):
    user = site.person(Username="to.delete")
    folder = site.folder(user.root)
    upload = site.upload(folder, b"lost")
    client = user.client()
    answer = site.admin.delete_user(UserId=user.id)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    found = site.admin.describe_users(
        OrganizationId=organization, Query="to.delete", Include="ALL"
    )
    assert found["Users"] == []
    for read in (
        lambda: site.admin.get_folder(FolderId=user.root),
        lambda: site.admin.get_folder(FolderId=folder),
        lambda: site.admin.get_document(DocumentId=upload.document),
    ):
        with refused("UnauthorizedResourceAccessException"):
            read()
    with refused("UnrecognizedClientException"):
        client.get_folder(FolderId=folder)
    site.person(Username="to.delete")


def test_a_user_that_does_not_exist(site, organization):
    unknown = f"S-1-5-21-1-2-3-4&{organization}"
    for call in (
        lambda: site.admin.update_user(UserId=unknown, GivenName="X"),
        lambda: site.admin.activate_user(UserId=unknown),
        lambda: site.admin.deactivate_user(UserId=unknown),
        lambda: site.admin.delete_user(UserId=unknown),
    ):
        with refused("EntityNotExistsException") as refusal:
            call()
        assert refusal.response["EntityIds"] == [unknown]


# By token.


def test_only_administrators_manage_users(site, organization):
    plain, other = site.person(), site.person()
    client = plain.client()
    members = {
        "OrganizationId": organization, "Username": "by.token", "GivenName": "B",
        "Surname": "T", "Password": PASSWORD,
    }
    for call in (
        lambda: client.create_user(**members),
        lambda: client.update_user(UserId=other.id, GivenName="X"),
        lambda: client.deactivate_user(UserId=other.id),
        lambda: client.activate_user(UserId=other.id),
        lambda: client.delete_user(UserId=other.id),
    ):
        with refused("UnauthorizedOperationException"):
            call()
    site.admin.update_user(UserId=plain.id, Type="ADMIN")
    made = client.create_user(**members)["User"]
    assert client.update_user(UserId=made["Id"], GivenName="X")["User"]["GivenName"] == "X"
    client.delete_user(UserId=made["Id"])


def test_a_guest_searches_nobody_but_finds_who_shares_with_them(site, organization, people):
    guest = site.guest()
    client = guest.client()
    for members in ({}, {"OrganizationId": organization, "Include": "ALL"}, {"Query": guest.username}):
        answer = client.describe_users(**members)
        assert [user["Id"] for user in answer["Users"]] == [guest.id]
        assert answer["TotalNumberOfUsers"] == 1
        assert "Marker" not in answer
    for query in ("ma", "mateo.j@ex"):
        assert client.describe_users(Query=query)["Users"] == []
        assert site.person().client().describe_users(Query=query)["Users"]
    folder = client.get_resources()["Folders"][0]
    sharer = client.describe_users(UserIds=folder["CreatorId"])["Users"]
    assert [user["Id"] for user in sharer] == [folder["CreatorId"]]
