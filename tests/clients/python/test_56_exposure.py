"""What must not come out, by any door: secrets in logs, files and answers; a first start with a way in
that everybody knows; names that leave the database."""

import contextlib
import os
import pathlib
import re
import socket
import stat
import subprocess
import tempfile
import urllib.parse

import pytest
import requests

from client import MODEL, outcome, request_of, send, workdocs
from conftest import ENGINES
from raw import Wires, sign
from server import BINARY, NOBODY_ENDPOINT, ROOT_KEY, ROOT_SECRET, Server
from shapes import base_members, body_of, has_body, target_and_headers
from site_story import PASSWORD, Site
from waiting import until

# What the database must hold, since people get it back; of anything else it has no readable trace.
CANARY = "CANARY"
SECRET_CANARY = "SECRETCANARY"


@pytest.fixture(scope="module")
def engine():
    """The files that are searched are those of the first engine; the log is the same with each."""
    return ENGINES[0]


# Canaries.


def sensitive(shape, path=()):
    """The texts that the model calls sensitive, each by the way to it through structures and lists."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from sensitive(member, (*path, name))
    elif shape.type_name == "list":
        yield from sensitive(shape.member, (*path, 0))
    elif shape.type_name == "map":
        yield path, shape.key
        yield path, shape.value
    elif shape.type_name == "string" and not shape.enum:
        if shape.metadata.get("sensitive") or shape.name in ("CustomMetadataKeyType", "SharedLabel"):
            yield path, shape


def canary(path, shape):
    """A text that the shape allows and that nobody else writes."""
    if shape.name == "EmailAddressType":
        return f"{CANARY}@mail.example.com"
    if path[-1] in ("Password", "AuthenticationToken"):
        return SECRET_CANARY + "-1aA!"
    return CANARY + str(path[-1])[:8]


def filled(shape, known, broken=None):
    """A value of a shape with a canary in each sensitive text; `broken` makes each break the model."""
    if shape.type_name == "structure":
        return {
            name: known[name]() if callable(known.get(name)) else known[name]
            if name in known else filled(member, known, broken)
            for name, member in shape.members.items()
        }
    if shape.type_name == "list":
        return [filled(shape.member, known, broken)]
    if shape.type_name == "map":
        return {CANARY + (broken or ""): CANARY + (broken or "")}
    if shape.type_name == "string":
        text = shape.enum[0] if shape.enum else canary((shape.name,), shape)
        return text + (broken or "")
    return {"boolean": True, "timestamp": 0}.get(shape.type_name, 1)


class World:
    """One of everything that a call can be about."""

    def __init__(self, site):
        self.site, self.server = site, site.server
        self.person = site.person(
            Username=CANARY + "user", GivenName=CANARY + "given", Surname=CANARY + "surname",
            Password=SECRET_CANARY + "1aA!", EmailAddress=f"{CANARY}one@mail.example.com",
        )
        self.folder = site.folder(self.person.root, CANARY + "folder")
        self.upload = site.upload(self.folder, CANARY.encode() + b"content", CANARY + "document")
        self.draft = site.initiate(Id=self.upload.document)
        made = site.admin.create_comment(**self.upload.ids, Text=CANARY + "comment")
        self.known = {
            "FolderId": self.folder, "ParentFolderId": self.folder, "ResourceId": self.folder,
            "DocumentId": self.upload.document, "VersionId": self.upload.version,
            "CommentId": made["Comment"]["CommentId"], "OrganizationId": self.server.organization_id,
            "UserId": self.person.id, "PrincipalId": self.person.id,
            "SubscriptionId": site.admin.create_notification_subscription(
                OrganizationId=self.server.organization_id, Endpoint=NOBODY_ENDPOINT,
                Protocol="HTTPS", SubscriptionType="ALL",
            )["Subscription"]["SubscriptionId"],
        }

    def request(self, operation, broken=None, only_needed=False, drop=(), key=(ROOT_KEY, ROOT_SECRET)):
        model = MODEL.operation_model(operation)
        members = filled(model.input_shape, self.known, broken)
        if only_needed:
            needed = base_members(model, self.known)
            members = {name: value for name, value in members.items() if name in needed}
        for name in ("AuthenticationToken", *drop):
            members.pop(name, None)
        target, headers = target_and_headers(model, members)
        body = body_of(model, members) if has_body(model) else b""
        return sign(self.server, model.http["method"], target, headers.items(), body, key=key)


@pytest.fixture(scope="module")
def leaked():
    """Everything that a server wrote while every secret and every name was a canary."""
    server = Server(settings={"DOCHARBOR_LOG_LEVEL": "trace"})
    try:
        yield Leaks(Site(server))
    finally:
        server.remove()


class Leaks:
    """The server's life: each operation called well and badly, and what it left behind."""

    def __init__(self, site):
        self.server = site.server
        world = World(site)
        wires = Wires(self.server)
        self.token = self.server.token(world.person.username)
        self.key = self.server.key("canary")
        self.refusals, self.accepted = [], 0
        arguments = pathlib.Path(f"/proc/{self.server.process.pid}/cmdline").read_bytes()
        self.arguments = arguments.decode()
        self.signatures = self.transfers(site, world)
        self.given_out = self.identities(wires)
        # What deletes comes last.
        for operation in sorted(MODEL.operation_names, key=lambda name: (name.startswith("Delete"), name)):
            for request in self.requests(world, operation):
                answer = wires.send(request)
                assert answer.status < 500, (operation, answer)
                if answer.status >= 400:
                    self.refusals.append((operation, answer))
                else:
                    self.accepted += 1
        self.database = [
            path.read_bytes() for path in self.server.data.iterdir() if path.name.startswith("meta.db")
        ]
        self.server.stop()
        self.log = self.server.log()

    def requests(self, world, operation):
        token = ("Authentication", f"Bearer {SECRET_CANARY}")
        yield world.request(operation, only_needed=True)
        yield world.request(operation)
        yield world.request(operation, broken="\x07")
        yield world.request(operation, broken="\u202e" * 3)
        yield world.request(operation, broken="x" * 9000)
        yield world.request(operation, key=(ROOT_KEY, SECRET_CANARY))
        yield world.request(operation, key=("AKIA" + CANARY, SECRET_CANARY))
        yield world.request(operation).without("Authorization").having(*token)
        own = ("Authentication", self.token)
        for drop in ((), ("Name",), ("ParentFolderId", "Name")):
            yield world.request(operation, drop=drop).without("Authorization").without("x-amz-date") \
                .having(*own)

    def identities(self, wires):
        """Makes keys through the door of IAM; answers the secrets that were in the answers."""
        allow = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
        secrets = []
        for service, form in (
            ("iam", {"Action": "CreateUser", "UserName": CANARY + "iam"}),
            ("iam", {"Action": "PutUserPolicy", "UserName": CANARY + "iam", "PolicyName": CANARY,
                     "PolicyDocument": allow}),
            ("iam", {"Action": "CreateAccessKey", "UserName": CANARY + "iam"}),
            ("iam", {"Action": "CreateAccessKey", "UserName": CANARY + "nobody"}),
            ("iam", {"Action": "GetUser", "UserName": CANARY + "nobody", CANARY: SECRET_CANARY}),
            ("sts", {"Action": "GetSessionToken"}),
        ):
            version = "2011-06-15" if service == "sts" else "2010-05-08"
            body = urllib.parse.urlencode(form | {"Version": version}).encode()
            answer = wires.send(sign(self.server, "POST", "/", (), body, service=service))
            assert answer.status < 500, (form, answer)
            secrets += re.findall("<(?:SecretAccessKey|SessionToken)>([^<]+)<", answer.body.decode())
        assert len(secrets) == 3
        return secrets

    def transfers(self, site, world):
        """Uses transfer URLs well and badly; answers the signatures in them."""
        source = site.source(world.upload)
        for url in (source, world.draft.url):
            requests.put(url, data=CANARY.encode(), timeout=30)
            requests.get(url + SECRET_CANARY, timeout=30)
            requests.get(url, headers={"Cookie": SECRET_CANARY, "Referer": SECRET_CANARY}, timeout=30)
        requests.get(f"{site.server.url}/{CANARY}?token={SECRET_CANARY}", timeout=30)
        return [re.search("X-Amz-Signature=([0-9a-f]+)", url)[1] for url in (source, world.draft.url)]

    @property
    def secrets(self):
        return [SECRET_CANARY, ROOT_SECRET, PASSWORD, self.token, self.key[1], *self.signatures,
                *self.given_out]


def test_the_canaries_were_taken_and_refused(leaked):
    """The tests below look for something that was there."""
    assert leaked.accepted > 20
    assert {operation for operation, _ in leaked.refusals} >= set(MODEL.operation_names)
    assert any(CANARY.encode() in data for data in leaked.database)


def test_no_log_line_of_any_level_has_a_secret_or_a_name(leaked):
    assert '"level":"DEBUG"' in leaked.log
    for text in (CANARY, *leaked.secrets):
        found = [line for line in leaked.log.splitlines() if text.lower() in line.lower()]
        assert not found, f"{text}: {found[:3]}"


def test_no_refusal_repeats_a_secret_or_what_was_refused(leaked):
    for operation, answer in leaked.refusals:
        said = answer.body.decode() + str(answer.headers)
        for text in leaked.secrets:
            assert text not in said, (operation, answer)
        # Only what the caller may see anyway, as the name that is taken, may come back.
        assert CANARY not in said, (operation, answer)


def test_no_secret_is_in_the_database_as_it_was_given(leaked):
    for data in leaked.database:
        for text in leaked.secrets:
            assert text.encode() not in data, text


def test_no_name_and_no_secret_is_in_any_other_file(leaked):
    names = set()
    for path in leaked.server.data.rglob("*"):
        names.add(path.name)
        assert CANARY.lower() not in path.name.lower()
        if path.is_file() and not path.name.startswith("meta.db"):
            data = path.read_bytes()
            is_content = data.startswith(CANARY.encode()) and "blobs" in path.parts
            assert is_content or CANARY.encode() not in data, path
            for text in leaked.secrets:
                assert text.encode() not in data, path
    assert "master.key" in names


def test_no_secret_is_in_the_process_s_arguments(leaked):
    for text in (ROOT_SECRET, CANARY, leaked.token):
        assert text not in leaked.arguments


# Files.


NAMES = [
    "../../../../tmp/docharbor-escaped", "..\\..\\docharbor-escaped", "/tmp/docharbor-escaped",
    "docharbor-escaped%00.txt", "%2e%2e%2f%2e%2e%2fdocharbor-escaped", "..", ".", "~", "CON", "NUL",
    "meta.db", "master.key", "🎉" * 127, "docharbor-escaped/" * 10, "file:///tmp/docharbor-escaped",
]
OURS = re.compile(
    r"master\.key|lock|endpoint|setup-url|meta\.db(-wal|-shm|-journal)?|staging(/[0-9a-f.-]+)?"
    r"|audit(/head|/[0-9TZ-]+\.jsonl)?|blobs(/d-[0-9a-z]{10}(/[0-9a-f]{2}(/[0-9a-f]{64})?)?)?"
)


def test_no_name_becomes_a_path(site, ann):
    """Through every operation that takes a name, of whatever is named; the files are ours alone."""
    admin = workdocs(site.server, validate=False)
    outside = everything_in(site.server.directory, site.server.data)
    parent = site.folder(ann.root)
    document, folder = site.upload(parent).document, site.folder(parent)
    for name in NAMES:
        calls = [
            (admin.create_folder, {"ParentFolderId": parent, "Name": name}),
            (admin.update_folder, {"FolderId": folder, "Name": name}),
            (admin.update_document, {"DocumentId": document, "Name": name}),
            (admin.create_labels, {"ResourceId": folder, "Labels": [name]}),
            (admin.create_custom_metadata, {"ResourceId": folder, "CustomMetadata": {"k": name}}),
            (admin.create_user, {"OrganizationId": site.server.organization_id, "Username": name,
                                 "GivenName": name, "Surname": name, "Password": PASSWORD}),
        ]
        for call, members in calls:
            assert outcome(call, **members) in (
                None, "ValidationException", "EntityAlreadyExistsException", "LimitExceededException",
            )
        # A name that is taken in a folder is taken for a document too.
        upload = site.upload(site.folder(parent), name.encode(), name, ContentType="text/plain")
        assert site.download(upload) == name.encode()
        for path in ("/transfer/", "/api/v1/documents/"):
            requests.get(site.server.url + path + requests.utils.quote(name, safe=""), timeout=30)
    assert everything_in(site.server.directory, site.server.data) == outside
    assert not list(pathlib.Path("/tmp").glob("docharbor-escaped*"))
    for path in site.server.data.rglob("*"):
        assert OURS.fullmatch(str(path.relative_to(site.server.data))), path
        assert not path.is_symlink()
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def everything_in(directory, without):
    """The files beside the data directory, which are the test's own."""
    return {path for path in directory.rglob("*") if without not in (path, *path.parents)}


# The first start.


class FirstStart:
    """A server that was told nothing but where its data go, by a careless shell."""

    def __init__(self, directory, variables=()):
        self.data = directory / "data"
        self.log_path = directory / "log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", BINARY, "serve", str(self.data),
                 "--listen", "127.0.0.1:0"],
                env=kept | dict(variables), cwd=directory, umask=0,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        until("it listens", lambda: self.endpoint.exists() and self.endpoint.read_text().strip())
        self.url = self.endpoint.read_text().strip()
        self.port = int(self.url.rsplit(":", 1)[1])
        until("it is ready", lambda: requests.get(self.url + "/health/ready", timeout=30).status_code == 200)

    @property
    def endpoint(self):
        assert self.process.poll() is None, self.log_path.read_text()
        return self.data / "endpoint"

    def sockets(self):
        """The sockets on which the process listens, as lines of /proc/net."""
        inodes = set()
        for link in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes |= set(re.findall(r"^socket:\[(\d+)\]$", os.readlink(link)))
        found = []
        for table in ("tcp", "tcp6", "udp", "udp6"):
            path = pathlib.Path(f"/proc/net/{table}")
            for line in path.read_text().splitlines()[1:] if path.exists() else []:
                fields = line.split()
                if fields[9] in inodes and (table.startswith("udp") or fields[3] == "0A"):
                    found.append((table, fields[1]))
        return found


@pytest.fixture(scope="module")
def fresh():
    with tempfile.TemporaryDirectory(prefix="docharbor-fresh-") as directory:
        server = FirstStart(pathlib.Path(directory))
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait()


USUAL = [
    ("admin", "admin"), ("admin", "password"), ("admin", "changeme"), ("root", "root"), ("test", "test"),
    ("docharbor", "docharbor"), ("minioadmin", "minioadmin"), ("rustfsadmin", "rustfsadmin"),
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), ("AKIDEXAMPLE", "secret"),
    ("AKIA" + "0" * 16, "0" * 40), ("0" * 20, "0" * 40), ("access", "secret"), ("dev", "dev"),
    (ROOT_KEY, ROOT_SECRET), ("AKIA" + "A" * 16, ""),
]


@pytest.mark.parametrize(("key", "secret"), USUAL, ids=[key for key, _ in USUAL])
def test_no_key_that_everybody_knows_opens_a_fresh_server(fresh, key, secret):
    answer = Wires(fresh).send(sign(fresh, "GET", "/api/v1/users", key=(key, secret)))
    assert (answer.status, answer.code) == (403, "UnrecognizedClientException")


@pytest.mark.parametrize("token", ["admin", "token", "test", "docharbor", "dh_", "dh_" + "0" * 72, "null"])
def test_no_token_that_everybody_knows_opens_a_fresh_server(fresh, token):
    for name, value in (("Authentication", token), ("Authorization", f"Bearer {token}"),
                        ("Cookie", f"docharbor={token}")):
        answer = requests.get(f"{fresh.url}/api/v1/users", headers={name: value}, timeout=30)
        assert answer.status_code == 403, (name, answer.text)


def test_nothing_of_a_fresh_server_is_open_to_other_users_of_the_machine(fresh):
    assert stat.S_IMODE(fresh.data.stat().st_mode) == 0o700
    for path in fresh.data.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, f"{path.name}: {mode:o}"


def test_a_fresh_server_listens_once_and_on_the_loopback(fresh):
    [(table, address)] = fresh.sockets()
    host, port = address.split(":")
    assert (table, int(port, 16)) == ("tcp", fresh.port)
    assert socket.inet_ntoa(int(host, 16).to_bytes(4, "little")) == "127.0.0.1"


def test_a_server_that_dies_leaves_no_memory_behind(fresh):
    limits = pathlib.Path(f"/proc/{fresh.process.pid}/limits").read_text()
    assert re.search(r"^Max core file size\s+0\s+0\s", limits, re.MULTILINE), limits


@pytest.mark.parametrize("name", ["root_secret_access_key", "master_key", "admin_password"])
def test_a_configuration_with_a_secret_that_everybody_may_read_is_refused(tmp_path, name):
    path = tmp_path / "docharbor.toml"
    path.write_text(f'{name} = "{"ab" * 32}"\n')
    path.chmod(0o644)
    done = subprocess.run(
        [BINARY, "serve", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
        env={"PATH": os.environ["PATH"]}, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 2
    assert "chmod 600" in done.stderr and "abab" not in done.stderr + done.stdout
    assert not (tmp_path / "data").exists()


# Forwarded headers.


FORWARDED = {
    "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "666", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Server": "evil.example",
    "Forwarded": "for=10.0.0.1;host=evil.example;proto=https", "X-Real-IP": "10.0.0.1",
    "X-Original-URL": "/api/v1/users", "X-Rewrite-URL": "/api/v1/users", "X-HTTP-Method-Override": "DELETE",
    "True-Client-IP": "10.0.0.1", "CF-Connecting-IP": "10.0.0.1", "Via": "1.1 evil.example",
}


@pytest.mark.parametrize("name", FORWARDED)
def test_a_header_of_proxies_from_somebody_who_is_none_changes_nothing(site, folder, name):
    plain = send(request_of(site.admin, "get_folder", FolderId=folder))
    forged = request_of(site.admin, "get_folder", FolderId=folder).with_header(name, FORWARDED[name])
    answer = send(forged)
    assert (answer.status, answer.body) == (200, plain.body)
    request = request_of(site.admin, "initiate_document_version_upload", ParentFolderId=folder, Name="x")
    answer = send(request.with_header(name, FORWARDED[name]))
    assert answer.status == 201
    assert b"evil" not in answer.body and b"https:" not in answer.body and b"666/" not in answer.body


@pytest.mark.parametrize(("proxy", "forwarded", "is_let_in"), [
    (None, None, False),
    (None, "10.0.0.1", False),
    ("192.0.2.0/24", "10.0.0.1", False),
    ("127.0.0.0/8", "10.0.0.1", True),
    ("127.0.0.0/8", None, False),
    ("127.0.0.0/8", "203.0.113.9", False),
    # Whatever the client wrote itself stands to the left of what the proxy added.
    ("127.0.0.0/8", "10.0.0.1, 203.0.113.9", False),
    ("127.0.0.0/8", "203.0.113.9, 10.0.0.1", True),
    ("127.0.0.0/8", "10.0.0.1, 127.0.0.9", True),
    ("127.0.0.0/8", "nonsense", False),
    ("127.0.0.0/8", "10.0.0.1, nonsense", False),
])
def test_a_policy_about_addresses_believes_named_proxies_alone(
    make_site, proxied, proxy, forwarded, is_let_in
):
    """A key for the office network is of no use to who only says to be there."""
    if proxy not in proxied:
        site = make_site(**({"DOCHARBOR_TRUSTED_PROXY": proxy} if proxy else {}))
        condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
        policy = {"Version": "2012-10-17", "Statement": statement}
        proxied[proxy] = site, site.server.key("office", policy), site.person().root
    site, key, folder = proxied[proxy]
    request = request_of(workdocs(site.server, key=key), "get_folder", FolderId=folder)
    answer = send(request.with_header("X-Forwarded-For", forwarded))
    assert (answer.status == 200) == is_let_in, answer.body
    if not is_let_in:
        assert answer.code == "UnauthorizedResourceAccessException"


@pytest.fixture(scope="module")
def proxied():
    """A server for each setting, with a key for the office network and a folder to look at."""
    return {}
