"""A site whose people come from an Active Directory: a domain controller of Samba's."""

import json
import re
import shlex

import pytest

from client import refused, workdocs
from directories import Samba, connect, sync, user_named
from server import REPOSITORY
from test_24_sign_in import Browser
from waiting import until

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


def test_the_command_of_the_readme_connects_by_an_account_that_may_do_nothing_special(
    make_site, samba
):
    site = make_site()
    samba.tool("user", "create", "docharbor", PASSWORD)
    (site.server.directory / "ca.pem").write_bytes(samba.authority.ca.read_bytes())
    readme = (REPOSITORY / "README.md").read_text()
    [command] = re.findall(r"^docharbor (directory connect .*?) < password$", readme, re.M | re.S)
    words = shlex.split(command.replace("\\\n", " "))
    # The names of the example are the domain's; it has only no address that everybody finds.
    at = words.index(f"ldaps://{samba.NAME}")
    words[at:at + 1] = [f"ldaps://{samba.ADDRESS}", "--server-name", samba.NAME]
    done = site.server.run(*words, str(site.server.data), stdin=f"{PASSWORD}\n")
    assert '"UsersAdded":4' in done.stdout
    assert user_named(site, "ann")["Status"] == "PENDING"
    samba.tool("user", "delete", "docharbor")


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


# Signing in on the page.


@pytest.fixture(scope="module")
def dora(connected, samba):
    """Somebody who was activated and whose address is not what Windows calls her by."""
    samba.tool("user", "create", "dora", PASSWORD, "--given-name=Dora", "--surname=Story",
               "--mail-address=Dora.Story@example.com")
    sync(connected)
    return connected.admin.activate_user(UserId=user_named(connected, "dora")["Id"])["User"]


def status_of_sign_in(site, name, password=PASSWORD):
    browser = Browser(site.server.url)
    answer = browser.sign_in(name, password)
    if answer.status_code == 303:
        assert "signed in as dora" in browser.open("/sign-in").text
    return answer.status_code


@pytest.mark.parametrize("name", [
    "dora", "DORA", "dora.story@example.com", "Dora.Story@Example.com",
])
def test_a_person_signs_in_by_name_and_by_address(connected, dora, name):
    assert status_of_sign_in(connected, name) == 303


# Of every name a few wrong ones only: after five the next has to wait.


@pytest.mark.parametrize(("name", "password"), [
    ("dora", "CANARY-wrong"), ("dora.story@example.com", "CANARY-wrong"), ("dora", ""),
])
def test_a_wrong_password_is_nobody_s(connected, dora, name, password):
    assert status_of_sign_in(connected, name, password) == 403


@pytest.mark.parametrize("name", [
    # What Windows takes for a name and the site does not know.
    "dora@corp.example.com", r"CORP\dora", "CN=dora,CN=Users,DC=corp,DC=example,DC=com",
    "dor*", "*)(sAMAccountName=dora",
])
def test_nobody_signs_in_by_what_is_no_name_of_the_site(connected, dora, name):
    assert status_of_sign_in(connected, name) == 403


def test_who_is_disabled_there_is_refused_before_the_next_sync(connected, samba, dora):
    open_before = Browser(connected.server.url)
    assert open_before.sign_in("dora", PASSWORD).status_code == 303
    samba.tool("user", "disable", "dora")
    try:
        assert user_named(connected, "dora")["Status"] == "ACTIVE"
        assert status_of_sign_in(connected, "dora") == 403
        sync(connected)
        assert user_named(connected, "dora")["Status"] == "INACTIVE"
    finally:
        samba.tool("user", "enable", "dora")
    # Enabled again there, she is let in once the site has read so.
    assert status_of_sign_in(connected, "dora") == 403
    sync(connected)
    assert status_of_sign_in(connected, "dora") == 303
    # What was open before ended then, and stays ended.
    assert "signed in as" not in open_before.open("/sign-in").text


def test_a_new_password_there_counts_at_once(connected, samba, dora):
    samba.tool("user", "setpassword", "dora", "--newpassword=CANARY-Other-passw0rd-2")
    assert status_of_sign_in(connected, "dora", "CANARY-Other-passw0rd-2") == 303
    samba.tool("user", "setpassword", "dora", f"--newpassword={PASSWORD}")


def test_the_referrals_in_a_controller_s_answers_are_left_alone(connected, samba, dora):
    # They lead to corp.example.com, which has no address here: following one fails.
    assert samba.referrals()
    assert '"Skipped":0' in sync(connected)
    assert status_of_sign_in(connected, "dora") == 303


# Without a command.


def test_the_server_reads_the_directory_by_itself_again_and_again(make_site, samba):
    site = make_site(DOCHARBOR_DIRECTORY_SYNC_INTERVAL="1s")
    join(site, samba)
    samba.tool("user", "create", "edda", PASSWORD, "--given-name=Edda", "--surname=Story")
    until("the new one is here", lambda: user_named(site, "edda"))
    samba.tool("user", "disable", "edda")
    until("she is inactive", lambda: user_named(site, "edda")["Status"] == "INACTIVE")
    samba.tool("user", "delete", "edda")
