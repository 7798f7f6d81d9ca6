"""Several sites on one server: making them, choosing one, and nothing of the one in the other."""

import json
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.exceptions import ClientError

from access_matrix import CASES, World, read_table
from client import outcome, refused, request_of, send, workdocs
from site_story import Site
from test_30_retries import INVOCATION
from twins import Rows, content, differences, make_twin, shows_the_twin
from waiting import until

HIDDEN = "UnauthorizedResourceAccessException"
NONSENSE = "0" * 64


@pytest.fixture(scope="module")
def other(site):
    """A second site of the same server."""
    return Site(site.server.another_site("--alias", "atlas"))


@pytest.fixture(scope="module")
def server(make_site):
    """A server for the stories that are about all of its sites."""
    return make_site().server


@pytest.fixture(scope="module")
def second(server):
    """A site whose id sorts before the first one's."""
    return server.another_site("--organization-id", "d-0000000001", "--alias", "atlas")


@pytest.fixture(scope="module")
def guest_of_other(other):
    return other.person()


def command(server, *arguments, environment=None, expect=0):
    """Runs a command in a shell that knows no site, or the one that it is told."""
    done = subprocess.run(
        [server.binary, *arguments, str(server.data)], capture_output=True, text=True, timeout=60,
        env=server.environment() | (environment or {}), cwd=server.directory,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def sites_of(server):
    lines = command(server, "site", "list").stdout.splitlines()
    return [json.loads(line) for line in lines]


class TestCommands:
    """Which site a command is about."""

    def test_a_site_is_served_from_the_next_request_on_and_after_a_restart(self, server, second):
        admin = workdocs(second)
        for _ in range(2):
            assert admin.describe_users(OrganizationId=second.organization_id)["Users"] == []
            server.restart()
        assert '"sites":2' in server.log().replace(" ", "")

    def test_the_list_has_the_first_site_first_and_accounts_that_differ(self, server, second):
        first, other = sites_of(server)
        assert first == {
            "OrganizationId": server.organization_id, "Alias": None,
            "AccountId": "000000000000", "Users": 0,
        }
        assert (other["OrganizationId"], other["Alias"]) == ("d-0000000001", "atlas")
        assert len(other["AccountId"]) == 12 and other["AccountId"] != first["AccountId"]

    def test_what_belongs_to_a_site_is_not_given_to_another(self, server, second):
        for taken in (
            ("--organization-id", "d-0000000001"), ("--organization-id", server.organization_id),
            ("--alias", "atlas"), ("--alias", "Atlas"), ("--alias", "d-0000000002"),
            ("--organization-id", "atlas"),
        ):
            command(server, "site", "create", *taken, expect=2)
        assert len(sites_of(server)) == 2

    def test_an_alias_is_given_and_changed(self, server, second):
        def alias(site, name, expect=0):
            done = subprocess.run(
                [server.binary, "site", "alias", site, name, str(server.data)],
                env=server.environment(), cwd=server.directory, capture_output=True, text=True,
            )
            assert done.returncode == expect, done.stderr
            return done

        alias("atlas", "borealis")
        alias("d-0000000001", "atlas")
        alias(server.organization_id, "atlas", expect=2)
        assert "d-0000000001 (atlas)" in alias("nobody", "somebody", expect=2).stderr
        assert [site["Alias"] for site in sites_of(server)] == [None, "atlas"]

    def test_without_a_word_about_which_nothing_is_done(self, server, second):
        for arguments in (("env",), ("key", "create"), ("group", "create", "Readers"),
                          ("token", "create", "--user", "nobody")):
            for unknown in ({}, {"DOCHARBOR_ORGANIZATION_ID": "d-00000000ff"}):
                told = command(server, *arguments, environment=unknown, expect=2).stderr
                assert server.organization_id in told and "d-0000000001 (atlas)" in told

    def test_the_flag_is_stronger_than_the_shell_s_own_site(self, server, second):
        def chosen(*arguments, shell=None):
            environment = {"DOCHARBOR_ORGANIZATION_ID": shell} if shell else None
            done = command(server, "env", "--shell", "json", *arguments, environment=environment)
            printed = json.loads(done.stdout)
            return printed["DOCHARBOR_ORGANIZATION_ID"], printed["AWS_ACCESS_KEY_ID"]

        first = server.organization_id, server.root[0]
        other = "d-0000000001", second.root[0]
        assert chosen(shell=first[0]) == first
        assert chosen(shell=other[0]) == other
        assert chosen("--organization-id", "atlas", shell=first[0]) == other
        assert chosen("--organization-id", other[0]) == other
        assert chosen("--organization-id", first[0], shell=other[0]) == first
        command(server, "env", "--organization-id", "nobody", expect=2)

    def test_the_only_site_is_meant_whatever_the_shell_was_told_elsewhere(self, make_site):
        server = make_site().server
        elsewhere = {"DOCHARBOR_ORGANIZATION_ID": "d-00000000ff"}
        printed = command(server, "env", "--shell", "json", environment=elsewhere).stdout
        assert json.loads(printed)["DOCHARBOR_ORGANIZATION_ID"] == server.organization_id

    def test_verify_looks_at_all_sites_and_says_which_is_wrong(self, server, second):
        rows, person = Rows(server), Site(second).person()
        change = "UPDATE site_user SET storage_used_bytes = {} WHERE organization_id = 'd-0000000001'"
        rows.change(change.format(7))
        findings = json.loads(command(server, "verify", "--json", expect=1).stdout)["findings"]
        assert {finding["organization"] for finding in findings} == {"d-0000000001"}
        assert person.id in json.dumps(findings)
        told = command(server, "verify", expect=1).stdout
        assert told.startswith("d-0000000001  ")
        rows.change(change.format(0))
        command(server, "verify")

    def test_the_jobs_work_for_every_site(self, server, second):
        rows, other = Rows(server), Site(second)
        person = other.person(Username="leaver")
        top = other.folder(person.root)
        other.upload(other.folder(top))
        other.admin.delete_folder(FolderId=top)
        left = f"SELECT COUNT(*) FROM resource WHERE organization_id = 'd-0000000001' AND id = '{top}'"
        until("the deleted folder is gone", lambda: rows.ask(left)[0][0] == 0)


class TestApart:
    """Credentials, ids, names, URLs, markers and retries of one site mean nothing in another."""

    def test_the_other_s_id_is_as_good_as_none(self, site, other, ann):
        theirs = {"OrganizationId": other.server.organization_id}
        nobodys = {"OrganizationId": "d-00000000ff"}
        user = {"Username": "x", "GivenName": "X", "Surname": "X", "Password": "CANARY-passw0rd"}
        for client in (site.admin, ann.client()):
            for operation, members in (("describe_users", {}), ("create_user", user)):
                answers = [
                    refusal_of(getattr(client, operation), **members | organization)
                    for organization in (theirs, nobodys)
                ]
                assert answers[0] == answers[1]
            assert answers[0][0] in (HIDDEN, "UnauthorizedOperationException")
        assert other.admin.describe_users(**theirs)["Users"] is not None

    def test_what_stands_in_the_other_does_not_exist(self, site, other, ann, guest_of_other):
        upload = other.upload(guest_of_other.root)
        for client in (site.admin, ann.client()):
            for operation, member, identity, nobody in (
                ("get_folder", "FolderId", guest_of_other.root, NONSENSE),
                ("describe_folder_contents", "FolderId", guest_of_other.root, NONSENSE),
                ("get_document", "DocumentId", upload.document, NONSENSE),
                ("delete_document", "DocumentId", upload.document, NONSENSE),
                ("describe_resource_permissions", "ResourceId", upload.document, NONSENSE),
                ("get_resources", "UserId", guest_of_other.id, guest_of_other.id[:-1] + "x"),
                ("deactivate_user", "UserId", guest_of_other.id, guest_of_other.id[:-1] + "x"),
            ):
                call = getattr(client, operation)
                theirs = refusal_of(call, **{member: identity})
                nobodys = refusal_of(call, **{member: nobody})
                swapped = (theirs[0], theirs[1].replace(identity, nobody))
                assert swapped == nobodys, operation
        assert other.download(upload) == b"content"

    def test_a_principal_of_the_other_is_refused(self, site, other, ann, guest_of_other):
        folder = site.folder(ann.root)
        done = other.server.run("group", "create", other.name("group"), str(other.server.data))
        for kind, identity in (
            ("USER", guest_of_other.id), ("GROUP", done.stdout.strip()),
            ("ORGANIZATION", other.server.organization_id),
        ):
            principal = {"Id": identity, "Type": kind, "Role": "VIEWER"}
            try:
                [result] = site.admin.add_resource_permissions(
                    ResourceId=folder, Principals=[principal]
                )["ShareResults"]
                assert result["Status"] == "FAILURE", kind
            except ClientError as error:
                assert kind == "ORGANIZATION", error
        listed = site.admin.describe_resource_permissions(ResourceId=folder)["Principals"]
        assert [principal["Id"] for principal in listed] == [ann.id]

    def test_a_token_beside_the_other_s_signature_is_refused(self, site, other, guest_of_other):
        token = other.server.token(guest_of_other.username)
        mixed = workdocs(site.server, token=token)
        with refused("UnrecognizedClientException"):
            mixed.get_folder(FolderId=guest_of_other.root)
        theirs = workdocs(site.server, key=other.server.root)
        theirs.get_folder(FolderId=guest_of_other.root)
        with refused(HIDDEN):
            theirs.describe_users(OrganizationId=site.server.organization_id)

    def test_the_same_user_name_is_a_user_of_each(self, site, other):
        name = site.name("same")
        own, theirs = site.person(Username=name), other.person(Username=name)
        assert own.id != theirs.id
        for person, stranger in ((own, theirs), (theirs, own)):
            client = person.client()
            client.get_folder(FolderId=person.root)
            with refused(HIDDEN):
                client.get_folder(FolderId=stranger.root)

    def test_a_marker_of_the_other_is_refused(self, site, other):
        for each in (site, other):
            each.person(), each.person()
        own, theirs = (
            {"OrganizationId": each.server.organization_id, "Limit": 1} for each in (site, other)
        )
        marker = other.admin.describe_users(**theirs)["Marker"]
        other.admin.describe_users(**theirs, Marker=marker)
        assert outcome(site.admin.describe_users, **own, Marker=marker) is not None

    def test_a_repeated_call_is_another_one_in_the_other(self, site, other, ann, guest_of_other):
        invocation = str(uuid.uuid4())
        name = site.name("folder")
        made = set()
        for each, person in ((site, ann), (other, guest_of_other)):
            request = request_of(
                each.admin, "create_folder", ParentFolderId=person.root, Name=name
            ).with_header(INVOCATION, invocation)
            first, second = send(request), send(request)
            assert (first.status, first.body) == (201, second.body)
            made.add(json.loads(first.body)["Metadata"]["Id"])
        assert len(made) == 2


@pytest.fixture(scope="module")
def twins(make_site):
    with ThreadPoolExecutor(8) as threads:
        yield Twins(make_site(), threads)


class TestTwins:
    """Two sites with the same ids and names, and every operation in the one."""

    @pytest.mark.parametrize("title", CASES)
    def test_no_operation_reads_or_changes_the_other(self, twins, title):
        twins.call(title)

    def test_the_same_document_has_each_site_s_own_bytes(self, twins):
        own, theirs = twins.site, twins.twin
        # The copy has the same ids.
        assert own.download(twins.upload) == b"content"
        assert theirs.download(twins.upload) == content(len(b"content"))
        answer = theirs.admin.get_document(DocumentId=twins.upload.document)
        assert shows_the_twin(answer)
        client = workdocs(theirs.server, key=None, token=twins.token)
        assert client.get_document(DocumentId=twins.upload.document)["Metadata"]["Id"]

    def test_a_url_of_the_one_is_none_of_the_other(self, twins):
        pair = twins.site.server.organization_id, twins.twin.server.organization_id
        for site, (own, other) in ((twins.site, pair), (twins.twin, pair[::-1])):
            url = site.source(twins.upload)
            assert own in url and other not in url
            assert requests.get(url, timeout=30).status_code == 200
            assert requests.get(url.replace(own, other), timeout=30).status_code == 403


class Twins:
    """A site with an item for every operation, and its twin."""

    ACTORS = ("administrator", "owner")

    def __init__(self, site, threads):
        self.site = site
        self.twin = Site(site.server.another_site())
        self.table = read_table()
        self.world = World(site, self.twin, threads)
        self.upload = site.upload(self.world.people["owner"].root)
        self.items = dict(threads.map(self.prepare, [
            (title, actor) for title in CASES for actor in self.ACTORS
        ]))
        self.world.target("owner")
        rows = self.rows = Rows(site.server)
        until("nothing is left to remove", lambda: not rows.ask("SELECT 1 FROM purge"))
        make_twin(rows, site, self.twin)
        self.token = self.twin.server.token(self.world.people["owner"].username)
        self.before = self.state()
        self.seen = []
        for actor in self.ACTORS:
            self.world.clients[actor].meta.events.register("after-call.workdocs", self.keep)

    def keep(self, parsed, **_):
        self.seen.append(parsed)

    def state(self):
        return self.rows.of(self.twin.server.organization_id)

    def column(self, title):
        if CASES[title].kind == "user":
            return "site"
        return "recycled" if title.endswith(": restore") else "shared"

    def prepare(self, key):
        title, actor = key
        case, column = CASES[title], self.column(title)
        if case.changes:
            return key, self.world.make(
                case.kind, column, "owner", frozenset(case.needs), actor, case.mine
            )
        return key, self.world.standard((case.kind, column, "owner"))

    def call(self, title):
        for actor in self.ACTORS:
            self.seen.clear()
            word = self.world.word(title, actor, self.items[title, actor], "owner")
            expected = self.table[title][actor, self.column(title)]
            assert expected in ("-", word), (actor, word)
            assert self.seen and not shows_the_twin(self.seen), actor
            after = self.state()
            changed, self.before = differences(self.before, after), after
            assert not changed, (actor, changed)


def refusal_of(call, **members):
    """What a call is refused with: the code and the words."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message")
