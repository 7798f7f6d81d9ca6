"""A site whose people come from an Active Directory: a domain controller of Samba's."""

import json

import pytest

from client import refused, workdocs
from directories import Samba, connect, sync, user_named

PASSWORD = "CANARY-Person-passw0rd-1"
BIND = f"CN=Administrator,CN=Users,{Samba.BASE}"


@pytest.fixture(scope="module")
def samba(engine):
    del engine  # What is changed in the directory is of one run with one database.
    samba = Samba()
    try:
        for name in ("ann", "bob", "cleo"):
            samba.tool("user", "create", name, PASSWORD, f"--given-name={name.title()}",
                       "--surname=Story", f"--mail-address={name}@example.com")
        samba.tool("user", "disable", "cleo")
        for name, member in (("inner", "ann"), ("outer", "inner")):
            samba.tool("group", "add", name)
            samba.tool("group", "addmembers", name, member)
        yield samba
    finally:
        samba.remove()


def join(site, samba, url="ldaps://127.0.0.9", *more, **options):
    return connect(
        site, url, samba.authority.ca, "--server-name", samba.NAME, *more,
        kind="active-directory", base=samba.BASE, bind=BIND,
        **{"password": samba.PASSWORD} | options,
    )


@pytest.fixture(scope="module")
def connected(site, samba):
    join(site, samba)
    return site


def test_starttls_does_as_well_and_a_certificate_of_another_name_does_not(make_site, samba):
    site = make_site()
    assert '"UsersAdded":3' in join(site, samba, "ldap://127.0.0.9", "--start-tls")
    other = connect(
        make_site(), "ldaps://127.0.0.9", samba.authority.ca, kind="active-directory",
        base=samba.BASE, bind=BIND, password=samba.PASSWORD, expect=1)
    assert "of another name" in other


def test_people_have_the_ids_the_directory_gave_them_and_the_disabled_are_inactive(
    connected, samba
):
    shown = samba.tool("user", "show", "ann", "--attributes=objectSid")
    sid = next(line.split()[1] for line in shown.splitlines() if line.startswith("objectSid"))
    ann = user_named(connected, "ann")
    assert ann["Id"] == f"{sid}&{connected.server.organization_id}"
    assert (ann["Status"], ann["GivenName"]) == ("PENDING", "Ann")
    assert ann["EmailAddress"] == "ann@example.com"
    assert user_named(connected, "cleo")["Status"] == "INACTIVE"
    assert user_named(connected, "Administrator") is None


def test_a_nested_group_gives_access(connected, samba):
    people = {}
    for name in ("ann", "bob"):
        connected.admin.activate_user(UserId=user_named(connected, name)["Id"])
        token = connected.server.token(name)
        people[name] = workdocs(connected.server, key=None, token=token)
    listed = connected.server.run("group", "list", str(connected.server.data)).stdout
    outer = next(one for one in map(json.loads, listed.splitlines()) if one["Name"] == "outer")
    assert outer["Id"].startswith("S-1-5-21-")
    root = user_named(connected, "bob")["RootFolderId"]
    folder = people["bob"].create_folder(ParentFolderId=root, Name="shared")["Metadata"]["Id"]
    with refused("UnauthorizedResourceAccessException"):
        people["ann"].get_folder(FolderId=folder)
    connected.admin.add_resource_permissions(
        ResourceId=folder, Principals=[{"Id": outer["Id"], "Type": "GROUP", "Role": "VIEWER"}])
    people["ann"].get_folder(FolderId=folder)


def test_who_is_renamed_disabled_and_enabled_stays_who_they_are(connected, samba):
    before = user_named(connected, "bob")
    samba.tool("user", "rename", "bob", "--samaccountname=robert", "--force-new-cn=Robert Story")
    samba.tool("user", "disable", "robert")
    sync(connected)
    renamed = user_named(connected, "robert")
    assert (renamed["Id"], renamed["Status"]) == (before["Id"], "INACTIVE")
    samba.tool("user", "enable", "robert")
    sync(connected)
    assert user_named(connected, "robert")["Status"] == before["Status"]
