"""Whatever is sent by whoever has no business here: every path without credentials, and random bytes
for everything that is decoded. Nothing is given away, nothing fails inside, the server stays.

The seed is in the text of a failure; DOCHARBOR_FUZZ_SEED runs the same again.
"""

import base64
import json
import pathlib
import re
import socket
import urllib.parse

import pytest
import requests

from client import MODEL
from conftest import ENGINES
from raw import ROUNDS, Message, Wires, dice, none_of, sign, summary
from server import REPOSITORY, ROOT_SECRET

ENVIRONMENT_CANARY = "CANARYenvironmentCANARY"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")

# What anybody may open, and why. Everything else is refused or is not there.
PUBLIC = [
    # Load balancers and supervisors have no credentials; what they are told is one word.
    r"/health/(live|ready)",
    # Where people sign in, set the server up by its one-time link, and consent; each page is a form
    # that is worth nothing without a password, a link or a session.
    r"/(sign-?in|sign-?out|setup|device|oauth)(/.*)?",
    # Where programs find the addresses above; it names nothing else.
    r"/\.well-known/oauth-authorization-server",
    # The pages' style sheet.
    r"/assets/.*",
]
GUESSED = """
/ // /. /.. /%2e%2e/etc/passwd /..;/ /api /api/ /api/v1 /api/v1/ /api/v2/users /api/v1/unknown
/api/v1/folders/../users /api/v1//users /API/V1/USERS /api/v1/users/ /api/v1/users%2f /api/v1/users;a=b
/transfer /transfer/ /transfer/a /transfer/a/b/c /transfer/a/b/c/d /health /health/ /health/x
/metrics /debug /debug/pprof /debug/vars /env /.env /.git/config /actuator/env /server-status /info
/config /console /admin /internal /status /version /swagger /openapi.json /graphql /phpinfo.php
/minio/health/cluster /minio/bootstrap/v1/verify /minio/v2/metrics/cluster /rustfs/admin/v3/info
/dav /dav/a /workdocs /workdocs/index.html /ui /files /index.html /favicon.ico /robots.txt
/.well-known/openid-configuration /.well-known/acme-challenge/x /audit /log /logs /backup /meta.db
/master.key /data/meta.db /docharbor.toml /static/../meta.db /assets/../meta.db /assets/..%2fmeta.db
""".split()


@pytest.fixture(scope="module")
def engine():
    """What is refused here does not get as far as a database."""
    return ENGINES[0]


@pytest.fixture(scope="module")
def site(make_site):
    """The conftest looks through the log for panics when it ends."""
    return make_site(CANARY_VARIABLE=ENVIRONMENT_CANARY)


@pytest.fixture(scope="module")
def wires(site):
    return Wires(site.server)


@pytest.fixture(scope="module")
def world(site, ann):
    return World(site, ann)


@pytest.fixture(autouse=True)
def alive(site):
    """The process that was started is the one that still answers."""
    process = site.server.process.pid
    yield
    assert site.server.process.poll() is None and site.server.process.pid == process
    assert site.server.health("live") == 200


def failed(answer):
    return answer is not None and answer.status >= 500 and answer.status != 501


# Paths.


def paths():
    """Every path of the service model, every one in the source of the server, and guesses."""
    model = {
        MODEL.operation_model(name).http["requestUri"].split("?")[0] for name in MODEL.operation_names
    }
    source = set()
    for folder in ("crates/server/src", "crates/docharbor/src"):
        for path in (REPOSITORY / folder).rglob("*.rs"):
            source |= set(re.findall(r'"(/[A-Za-z0-9_{}*/.-]*)"', path.read_text()))
    assert "/health/live" in source and any("transfer" in path for path in source)
    filled = {re.sub(r"\{\*?\w+\}", "a", path) for path in model | source}
    return sorted(filled | {path + "/a" for path in filled} | set(GUESSED))


def is_public(path):
    return any(re.fullmatch(pattern, path) for pattern in PUBLIC)


def test_nothing_is_open_without_credentials(site, wires):
    host = ("Host", urllib.parse.urlsplit(site.server.url).netloc)
    junk = [
        (), (("Authorization", ""),), (("Authorization", "Basic YWRtaW46YWRtaW4="),),
        (("Authorization", "Bearer "),), (("Authentication", ""),), (("Cookie", "docharbor="),),
        (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-User", "root")),
    ]
    requests_sent = [
        Message(method, path + query, (host, *headers), b"{}" if method in ("POST", "PUT") else b"")
        for path in paths() for method in METHODS for headers in junk[:7 if method == "GET" else 1]
        for query in ("", "?debug=1&admin=true")[:1 + (method == "GET" and not headers)]
    ]
    answers = list(wires.pool.map(wires.send, requests_sent))
    problems = []
    for message, answer in zip(requests_sent, answers):
        path = message.target.partition("?")[0]
        if answer is None:
            continue
        is_refused = answer.status in (400, 401, 403, 404, 405, 501)
        if failed(answer) or not is_refused and not is_public(path):
            problems.append(summary(message, answer))
        said = str(answer.headers).encode() + answer.body
        for text in (ENVIRONMENT_CANARY, ROOT_SECRET, str(site.server.directory), "rustc", "panicked"):
            if text.encode() in said:
                problems.append(f"{text} is told: {summary(message, answer)}")
        if answer.headers.get("Server") or answer.headers.get("Access-Control-Allow-Origin"):
            problems.append(f"a header too much: {summary(message, answer)}")
    none_of(problems)
    assert len(answers) > 500


def test_what_is_public_says_one_word(site):
    for path in ("/health/live", "/health/ready"):
        answer = requests.get(site.server.url + path, timeout=30)
        assert re.fullmatch(r"(live|ready)\n", answer.text)


# Bytes on the connection.


def test_bytes_that_are_no_request_end_their_connection_and_nothing_else(site, wires):
    random = dice("connection")
    place = ("127.0.0.1", site.server.port)
    good = b"GET /api/v1/users HTTP/1.1\r\nHost: a\r\nAuthorization: AWS4-HMAC-SHA256 x\r\n\r\n"
    samples = [
        b"\0" * 100, b"\xff" * 5000, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 200,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000,
        b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n", b"GET http://user:pw@host/a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT host:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
    ]
    for _ in range(150 * ROUNDS):
        data = bytearray(good)
        for _ in range(random.randint(1, 12)):
            place_in = random.randrange(len(data))
            data[place_in:place_in + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
        samples.append(bytes(data))
        samples.append(random.randbytes(random.randint(1, 400)))

    def problem(data):
        with socket.create_connection(place, timeout=20) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(65536)
            except ConnectionError:
                return None
        is_failure = re.match(rb"HTTP/1\.\d 50[0234]", answer)
        return f"{data[:300]!r}\n  answered {answer[:300]!r}" if is_failure else None

    none_of(wires.each(problem, samples))


# What is decoded.


class World:
    """Somebody with a token, whose requests are decoded as far as they go."""

    def __init__(self, site, ann):
        self.site = site
        self.host = ("Host", urllib.parse.urlsplit(site.server.url).netloc)
        self.token = ("Authentication", site.server.token(ann.username))
        self.folder = site.folder(ann.root)
        self.upload = site.upload(self.folder, bytes(range(256)) * 16)
        self.source = urllib.parse.urlsplit(site.source(self.upload))
        self.draft = urllib.parse.urlsplit(site.initiate(ParentFolderId=self.folder, Name="draft").url)
        for number in range(3):
            site.upload(self.folder, b"x", f"page {number}")

    def message(self, method, target, headers=(), body=b""):
        return Message(method, target, (self.host, *headers, self.token), body)


def junk_json(random, depth=0):
    """A JSON text of any shape, now and then one that is none."""
    kind = random.randrange(12 if depth < 4 else 9)
    if kind < 9:
        return random.choice([
            "null", "true", "-0", "1e400", "-1E-400", "9" * 400, "0.1", "00", "NaN", '""', '"\\u0000"',
            '"\\ud800"', '"\\q"', '"' + "a" * 300 + '"', "\"\U0001f389\"", "'a'", "[", "{", "}", ",",
            str(random.randint(-2**70, 2**70)), json.dumps(chr(random.randrange(0xD800))),
        ])
    names = ["Name", "ParentFolderId", "Principals", "Labels", "CustomMetadata", "Text", "", "a", "Id",
             "VersionStatus", "StorageRule", "NotificationOptions", "ResourceState"]
    items = [junk_json(random, depth + 1) for _ in range(random.randint(0, 4))]
    if kind == 9:
        return "[" * random.choice([1, 1, 40, 5000]) + ",".join(items) + "]"
    return "{" + ",".join(f"{json.dumps(random.choice(names))}:{item}" for item in items) + "}"


def with_body():
    for name in sorted(MODEL.operation_names):
        http = MODEL.operation_model(name).http
        if http["method"] in ("POST", "PUT", "PATCH"):
            yield http["method"], http["requestUri"].split("?")[0]


def test_no_body_makes_an_operation_fail_inside(world, wires):
    random = dice("bodies")
    messages = []
    for method, template in with_body():
        for _ in range(40 * ROUNDS):
            path = re.sub(r"\{\w+\}", lambda _: random.choice([world.folder, world.upload.document]),
                          template)
            text = junk_json(random).encode()
            body = random.choice([text, text, text, random.randbytes(random.randint(1, 300)),
                                  text[:random.randint(0, len(text))],
                                  b"{" + b'"a":{' * random.choice([3, 200, 20_000])])
            kind = random.choice(["application/json", "text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=a", "application/json; charset=utf-16"])
            messages.append(world.message(method, path, [("Content-Type", kind)], body))

    def problem(message):
        answer = wires.send(message)
        return summary(message, answer) if answer is None or failed(answer) else None

    none_of(wires.each(problem, messages))


def test_no_path_and_no_query_makes_an_operation_fail_inside(world, wires):
    random = dice("queries")
    pieces = ["%", "%zz", "%00", "%ff", "%c0%af", "%ed%a0%80", "%F0%9F%8E%89", "+", "a", ".", "..", "%2e",
              "%2f", ";", ":", "@", "=", "&", "&&", "~", "!", "'", "(", "\\", "|", "^", "`", "{", "}", "\"",
              world.folder, world.upload.document, "9" * 30, "-1", "true"]
    names = ["limit", "marker", "include", "sort", "order", "type", "fields", "labels", "keys", "principalId",
             "userIds", "query", "organizationId", "includeCustomMetadata", "versionid", "deleteAll", "a"]
    operations = [MODEL.operation_model(name).http for name in sorted(MODEL.operation_names)]
    messages = []
    for _ in range(1500 * ROUNDS):
        http = random.choice(operations)

        def junk(_=None, most=3):
            return "".join(random.choice(pieces) for _ in range(random.randint(1, most)))

        path = re.sub(
            r"\{\w+\}", lambda _: random.choice([world.folder, world.upload.document, junk()]),
            http["requestUri"].split("?")[0],
        )
        query = "&".join(
            f"{random.choice(names)}={junk(most=5)}" for _ in range(random.choice([0, 1, 1, 2, 5]))
        )
        messages.append(world.message(http["method"] if http["method"] != "DELETE" else "GET",
                                      f"{path}?{query}" if query else path))

    def problem(message):
        answer = wires.send(message)
        return summary(message, answer) if answer is None or failed(answer) else None

    none_of(wires.each(problem, messages))


def test_no_marker_but_ours_continues_a_list(site, world, wires):
    random = dice("markers")
    path = f"/api/v1/folders/{world.folder}/contents?limit=1"
    marker = site.admin.describe_folder_contents(FolderId=world.folder, Limit=1)["Marker"]
    place = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4))
    markers = {"", "a", "null", "=", marker + "a", marker[:-1], marker * 2, marker + "=", marker.swapcase()}
    for _ in range(300 * ROUNDS):
        data = bytearray(place)
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        data = bytes(data) if random.random() < 0.6 else random.randbytes(random.randint(0, 80))
        markers.add(base64.urlsafe_b64encode(data).decode().rstrip("="))
    own = world.message("GET", f"{path}&marker={urllib.parse.quote(marker)}")
    # The list was begun by the administrator: a marker is for the list and not for who reads it.
    assert wires.send(own).status == 200

    def problem(text):
        message = world.message("GET", f"{path}&marker={urllib.parse.quote(text, safe='')}")
        answer = wires.send(message)
        return None if answer.status == 400 else summary(message, answer)

    none_of(wires.each(problem, sorted(markers - {marker})))


def test_no_header_of_a_transfer_makes_it_fail_inside(world, wires):
    random = dice("transfers")
    pieces = ["bytes=", "bytes", "=", "-", ",", "0", "1", "4095", "4096", "9" * 19, "9" * 40, " ", "*", "\"",
              "W/", "a", "/", "-0", "+1", "0x1", "bytes=0-0,1-1", "bytes=" + "0-," * 400,
              "Tue, 24 Nov 2026 00:00:00 GMT", "é", "aws-chunked", "gzip", "chunked", "AAAA", "="]
    reading = ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "Accept-Encoding",
               "If-Unmodified-Since", "Accept"]
    writing = ["Content-MD5", "x-amz-checksum-sha256", "x-amz-checksum-crc32", "x-amz-checksum-crc64nvme",
               "x-amz-content-sha256", "Content-Encoding", "Content-Type", "Content-Range", "If-Match"]
    content = bytes(range(256)) * 16
    problems = []

    def junk():
        return "".join(random.choice(pieces) for _ in range(random.randint(1, 5))).strip()

    for _ in range(400 * ROUNDS):
        for method, url, names in (("GET", world.source, reading), ("PUT", world.draft, writing)):
            headers = tuple((name, junk()) for name in random.sample(names, random.randint(1, 3)))
            body = b"bytes" if method == "PUT" else b""
            message = Message(method, f"{url.path}?{url.query}", (world.host, *headers), body)
            answer = wires.send(message)
            if failed(answer) or answer is None:
                problems.append(summary(message, answer))
            elif method == "GET" and answer.status == 206:
                first, last = map(int, re.match(r"bytes (\d+)-(\d+)/4096", answer.headers["Content-Range"])
                                  .groups())
                if answer.body != content[first:last + 1]:
                    problems.append("other bytes than those of the range: " + summary(message, answer))
            elif method == "GET" and answer.status == 200 and answer.body != content:
                problems.append("other bytes: " + summary(message, answer))
    none_of(problems)


def test_no_form_makes_the_door_of_iam_fail_inside(site, wires):
    """Signed by the administrator, so that each is read to its end and obeyed if it says anything."""
    random = dice("forms")
    actions = ["GetUser", "ListUsers", "GetUserPolicy", "GetRole", "ListAccessKeys", "AssumeRole",
               "GetCallerIdentity", "GetSessionToken", "PutUserPolicy", "CreateUser", "Nonsense", ""]
    names = ["UserName", "RoleName", "PolicyName", "PolicyDocument", "RoleArn", "DurationSeconds", "Marker",
             "MaxItems", "Path", "Version", "RoleSessionName", "ExternalId", "Tags.member.1.Key", "", "a"]
    values = ["", "a", "../a", "%00", "%ff", "%zz", "%", "+", "9" * 30, "-1", "1e9", "%F0%9F%8E%89", "*",
              "arn:aws:iam::000000000000:role/a", "arn:::::", "%7B%7D", "%5B" * 3000, "null", "a" * 5000]
    messages = []
    for _ in range(400 * ROUNDS):
        pairs = [f"Action={random.choice(actions)}"] * random.choice([0, 1, 1, 1, 1, 2])
        pairs += ["Version=" + random.choice(["2010-05-08", "2011-06-15", "x"])]
        pairs += [f"{random.choice(names)}={random.choice(values)}" for _ in range(random.randint(0, 4))]
        body = random.choice([b"", random.randbytes(50)]) if random.random() < 0.1 else (
            "&".join(random.sample(pairs, len(pairs))).encode()
        )
        messages.append(sign(site.server, "POST", "/", [("Content-Type", "x-www-form-urlencoded")], body,
                             service=random.choice(["iam", "sts"])))

    def problem(message):
        answer = wires.send(message)
        return summary(message, answer) if answer is None or answer.status >= 500 else None

    none_of(wires.each(problem, messages))


def test_no_text_that_is_no_policy_is_taken_for_one(site, tmp_path):
    """Each is a run of the command, so they are few; the parser itself is tried with more beside it."""
    allow = {"Effect": "Allow", "Action": "workdocs:*", "Resource": "*"}

    def policy(**changes):
        return json.dumps({"Version": "2012-10-17", "Statement": allow | changes})

    texts = [
        "", "null", "[]", "{}", "\0", "{" * 5000, "[" * 100_000, policy()[:-1], policy() * 2,
        json.dumps({"Version": "2008-10-17", "Statement": allow}), json.dumps({"Statement": allow}),
        json.dumps({"Version": "2012-10-17"}), json.dumps({"Version": "2012-10-17", "Statement": 1}),
        policy(Effect="allow"), policy(Effect="Permit"), policy(Effect=None), policy(Effect=["Allow"]),
        policy(Action=7), policy(Action={"a": 1}), policy(NotAction="a:b"), policy(Surprise=1),
        policy(Condition={"Own": {}}), policy(Condition=[]), policy(Resource=1), policy(Effect=""),
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":' + json.dumps(allow) + "}",
        '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}',
    ]
    for number, text in enumerate(texts):
        path = pathlib.Path(tmp_path / f"{number}.json")
        path.write_text(text)
        done = site.server.run(
            "key", "create", "--name", f"garbage{number}", "--policy", str(path), str(site.server.data),
            expect=2,
        )
        assert done.stdout == "" and "panick" not in done.stderr, text[:200]
