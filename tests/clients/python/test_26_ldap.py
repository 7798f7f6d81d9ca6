"""A site whose people come from an LDAP directory: who they are, and what happens without it."""

import contextlib
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import outcome, refused, workdocs
from directories import (
    BASE, PERSON_PASSWORD, Elsewhere, Slapd, connect, group_dn, listens, person_dn, sync, user_named,
)
from test_24_sign_in import Browser
from waiting import until

FAILED_DEPENDENCY = "FailedDependencyException"
PEOPLE = 250


@pytest.fixture(scope="module")
def slapd(engine):
    del engine  # What its people are named is of one run with one database.
    slapd = Slapd()
    slapd.people([f"person{number}" for number in range(PEOPLE)])
    yield slapd
    slapd.remove()


@pytest.fixture(scope="module")
def site(make_site):
    """It reads its directory when it is told to, so that nothing is asked beside a story."""
    return make_site(DOCHARBOR_DIRECTORY_SYNC_INTERVAL="1d")


@pytest.fixture(scope="module")
def connected(site, slapd):
    connect(site, slapd.tls_url, slapd.authority.ca, "--page-size", "50")
    return site


def joined(site, slapd, uid):
    """Somebody of the directory who was activated; a client that acts as them, and their user."""
    slapd.person(uid)
    sync(site)
    user = site.admin.activate_user(UserId=user_named(site, uid)["Id"])["User"]
    token = site.server.token(uid)
    return workdocs(site.server, key=None, token=token), user


@contextlib.contextmanager
def stopped(slapd):
    slapd.stop()
    try:
        yield
    finally:
        slapd.start()


def overtakes(fast, slow):
    """Whether a call that began later is answered earlier."""
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(slow)
        fast()
        return not waiting.done()


@contextlib.contextmanager
def hung(slapd):
    slapd.freeze()
    try:
        yield
    finally:
        slapd.thaw()


# Connecting.


@pytest.mark.parametrize("url", ["tls_url", "url"])
def test_a_directory_is_read_over_tls_from_the_first_byte_or_after_starttls(make_site, slapd, url):
    site = make_site()
    more = ["--start-tls"] if url == "url" else []
    printed = connect(site, getattr(slapd, url), slapd.authority.ca, *more)
    assert f'"UsersAdded":{PEOPLE}' in printed


def test_what_cannot_be_trusted_or_used_is_not_connected(make_site, slapd):
    site = make_site()
    other = Slapd()
    other.stop()
    ca, url = slapd.authority.ca, slapd.tls_url
    assert "nobody whom we trust" in connect(site, url, None, expect=1)
    assert "of another name" in connect(
        site, url, ca, "--server-name", "elsewhere.example.com", expect=1)
    assert "ldaps:// or StartTLS" in connect(site, slapd.url, ca, expect=1)
    assert "refuses the account" in connect(site, url, ca, password="wrong", expect=1)
    assert "anonymously" in connect(site, url, ca, password="", expect=2)
    assert "cannot be reached" in connect(site, other.tls_url, ca, expect=1)
    assert "no people" in connect(site, url, ca, "--user-filter", "(uid=nobody)", expect=1)
    other.remove()
    assert "not connected" in site.server.run(
        "directory", "status", str(site.server.data), expect=1).stderr


# People and groups.


def test_everybody_is_read_though_the_directory_gives_a_page_at_a_time(connected):
    answer = connected.admin.describe_users(
        OrganizationId=connected.server.organization_id, Query="person", Limit=1)
    assert answer["TotalNumberOfUsers"] >= PEOPLE
    user = answer["Users"][0]
    assert user["Status"] == "PENDING" and user["Type"] == "USER"
    assert user["Id"].startswith("S-1-5-21-")
    assert user["Id"].endswith(f"&{connected.server.organization_id}")


def test_nobody_is_made_where_people_come_from_a_directory(connected):
    with refused("UnauthorizedOperationException") as refusal:
        connected.person()
    assert "directory" in refusal.message


def test_an_activated_person_works_as_any_user(connected, slapd):
    ann, user = joined(connected, slapd, "worker")
    assert user["Status"] == "ACTIVE"
    folder = ann.create_folder(ParentFolderId=user["RootFolderId"], Name="mine")["Metadata"]
    assert ann.get_folder(FolderId=folder["Id"])["Metadata"]["Name"] == "mine"


def test_a_group_in_a_group_gives_its_people_access(connected, slapd):
    owner, user = joined(connected, slapd, "owner")
    member, _ = joined(connected, slapd, "nested")
    slapd.group("inner", person_dn("nested"))
    slapd.group("outer", group_dn("inner"), f"cn=nobody,{BASE}")
    sync(connected)
    folder = owner.create_folder(ParentFolderId=user["RootFolderId"], Name="shared")["Metadata"]
    listed = connected.server.run("group", "list", str(connected.server.data)).stdout
    groups = {one["Name"]: one["Id"] for one in map(json.loads, listed.splitlines())}
    with refused("UnauthorizedResourceAccessException"):
        member.get_folder(FolderId=folder["Id"])
    connected.admin.add_resource_permissions(
        ResourceId=folder["Id"],
        Principals=[{"Id": groups["outer"], "Type": "GROUP", "Role": "VIEWER"}])
    member.get_folder(FolderId=folder["Id"])
    slapd.modify(f"dn: {group_dn('outer')}\nchangetype: modify\ndelete: member\n"
                 f"member: {group_dn('inner')}\n")
    sync(connected)
    with refused("UnauthorizedResourceAccessException"):
        member.get_folder(FolderId=folder["Id"])


def test_who_is_gone_is_inactive_and_keeps_everything_and_comes_back(connected, slapd):
    ann, user = joined(connected, slapd, "leaver")
    slapd.rename("leaver", "renamed")
    sync(connected)
    renamed = user_named(connected, "renamed")
    assert (renamed["Id"], renamed["Status"]) == (user["Id"], "ACTIVE")
    slapd.delete(person_dn("renamed"))
    sync(connected)
    assert user_named(connected, "renamed")["Status"] == "INACTIVE"
    with refused("UnauthorizedOperationException"):
        ann.get_folder(FolderId=user["RootFolderId"])
    assert connected.admin.get_folder(FolderId=user["RootFolderId"])


def test_a_name_that_is_taken_is_skipped_and_never_merged(make_site, slapd):
    site = make_site()
    built_in = site.person(Username="person7")
    printed = connect(site, slapd.tls_url, slapd.authority.ca)
    assert '"Skipped":1' in printed
    assert user_named(site, "person7")["Id"] == built_in.id
    built_in.client().get_folder(FolderId=built_in.root)


# Signing in.


def signed_in(site, name, password=PERSON_PASSWORD):
    """The id of the user who signs in so; none if nobody does."""
    secret = site.server.directory / "person-password"
    secret.write_text(password)
    done = subprocess.run(
        [site.server.binary, "directory", "try-sign-in", "--password-file", str(secret), "--", name,
         str(site.server.data)],
        env=site.server.environment() | site.server.known(), capture_output=True, text=True,
        timeout=60,
    )
    assert done.returncode == 0 or "Nobody signs in so" in done.stderr, done.stderr
    return done.stdout.strip() or None


def test_the_directory_decides_whose_a_name_and_password_are(connected):
    user = user_named(connected, "person1")
    assert signed_in(connected, "person1") == user["Id"]
    assert signed_in(connected, "person1", "wrong") is None
    assert signed_in(connected, "nobody") is None


@pytest.mark.parametrize("name", [
    "*", "person*", "*)(uid=*", "person1)(uid=*", "person1)(|(uid=person1", "\\70erson1", "",
    "(person1)", person_dn("person1"), "x" * 300,
])
def test_no_name_is_more_than_a_name(connected, name):
    assert signed_in(connected, name) is None


def test_an_empty_password_is_nobody_s(connected):
    assert signed_in(connected, "person1", "") is None


def test_a_name_that_two_have_is_nobody_s(connected, slapd):
    slapd.person("double")
    slapd.add(f"dn: uid=double,ou=groups,{BASE}\nobjectClass: inetOrgPerson\nuid: double\n"
              f"cn: double\nsn: Story\nuserPassword: {PERSON_PASSWORD}\n")
    sync(connected)
    assert signed_in(connected, "double") is None
    assert signed_in(connected, "person2")


def test_a_name_nobody_has_takes_the_directory_as_many_steps(connected, slapd):
    joined(connected, slapd, "stepper")

    def steps(name):
        before = len(slapd.asked())
        answer = Browser(connected.server.url).sign_in(name, "CANARYwrong")
        assert answer.status_code == 403
        said = slapd.asked()[before:]
        return {step: said.count(step) for step in ("ACCEPT from", "BIND dn=", "SRCH base=")}

    assert steps("stepper") == steps("CANARYnobody")
    # What is none of the site's names is none that the directory could take for one of its own.
    assert "CANARYnobody" not in slapd.asked()


def test_who_is_activated_signs_in_on_the_page_by_name_and_by_address(connected, slapd):
    joined(connected, slapd, "visitor")
    for name in ("visitor", "VISITOR", "visitor@example.com", "Visitor@Example.com"):
        browser = Browser(connected.server.url)
        assert browser.sign_in(name, PERSON_PASSWORD).status_code == 303, name
        assert "signed in as visitor" in browser.open("/sign-in").text
    for name in ("visitor", "visitor@example.com"):
        assert Browser(connected.server.url).sign_in(name, "CANARYwrong").status_code == 403


def test_no_referral_is_followed(connected, make_site, slapd):
    elsewhere = Elsewhere()
    referral = slapd.refer("elsewhere", elsewhere.url)
    try:
        joined(connected, slapd, "neighbour")
        assert signed_in(connected, "neighbour")
        # In place of an answer as a whole it is a refusal.
        said = connect(make_site(), slapd.tls_url, slapd.authority.ca, base=referral, expect=1)
        assert "error: " in said
        assert not elsewhere.was_visited()
        # It was there to be followed, and who follows it is noticed.
        listens("127.0.0.1", int(elsewhere.url.rsplit(":", 1)[1]))
        assert elsewhere.was_visited()
        assert slapd.refers(elsewhere.url)
    finally:
        slapd.forget(referral)


# Without the directory.


@pytest.mark.parametrize("trouble", [stopped, hung])
def test_who_comes_from_a_directory_that_fails_is_told_so_and_all_others_go_on(
    connected, slapd, trouble
):
    ann, user = joined(connected, slapd, f"waiter-{trouble.__name__}")
    draft = ann.initiate_document_version_upload(ParentFolderId=user["RootFolderId"], Name="d")
    members = {
        "DocumentId": draft["Metadata"]["Id"],
        "VersionId": draft["Metadata"]["LatestVersionMetadata"]["Id"],
    }
    with trouble(slapd):
        until("the directory is missed", lambda: outcome(
            ann.get_folder, FolderId=user["RootFolderId"]) == FAILED_DEPENDENCY)
        time_of = time.monotonic()
        with refused(FAILED_DEPENDENCY):
            ann.abort_document_version_upload(**members)
        assert time.monotonic() - time_of < 10
        begun = time.monotonic()
        connected.admin.get_folder(FolderId=user["RootFolderId"])
        assert time.monotonic() - begun < 2
        if trouble is hung:
            until("an administrator is answered while others wait for the directory", lambda: overtakes(
                lambda: connected.admin.get_folder(FolderId=user["RootFolderId"]),
                lambda: outcome(ann.get_folder, FolderId=user["RootFolderId"])))
        assert connected.server.health("ready") == 200
    until("service is back", lambda: outcome(
        ann.get_folder, FolderId=user["RootFolderId"]) is None)
    ann.abort_document_version_upload(**members)
    assert PERSON_PASSWORD not in connected.server.log()
