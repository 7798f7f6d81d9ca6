"""Whatever botocore signs is taken as it was signed, and nothing else is: thousands of requests that
nobody wrote by hand, each of them also with a byte changed.

The seed is in the text of a failure; DOCHARBOR_FUZZ_SEED runs the same again.
"""

import hashlib
import json
import urllib.parse
from dataclasses import replace

import pytest

from client import MODEL, request_of
from conftest import ENGINES
from raw import ROUNDS, Message, Wires, dice, none_of, sign, summary
from server import ROOT_KEY, ROOT_SECRET

ACCEPTED = 3000 * ROUNDS
MUTATED = 8000 * ROUNDS
LABELLED = 40 * ROUNDS
NOT_LET_IN = {
    "MissingAuthenticationTokenException", "IncompleteSignatureException",
    "InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException",
}
# Where a path or a method is no operation's, nobody is asked who they are.
NO_OPERATION = "UnknownOperationException"

TEXTS = [
    "a", "Z", "0", "-", "_", ".", "~", " ", "+", "%", "&", "=", "/", "?", "#", ";", ":", "@", "!", "$",
    "'", "(", ")", "*", ",", "<", ">", "\"", "[", "]", "{", "}", "|", "\\", "^", "`", "é", "ü", "ß", "世",
    "界", "🎉", "\u0301", "\u200b", "\u202e", "%2F", "%25", "%%", "+%2B", "x-amz-", "\0", "\n", "\x7f",
]
HEADER_WORDS = ["a", "B", "two  blanks", " led", "trailed ", "", "a=b;c", "q, r", "\"quoted  text\"",
                "x" * 300, "%41", "AWS4-HMAC-SHA256", "   "]


@pytest.fixture(scope="module")
def engine():
    """What is tested here comes before any database."""
    return ENGINES[0]


@pytest.fixture(scope="module")
def wires(site):
    return Wires(site.server)


def text(random, least=0, most=8):
    return "".join(random.choice(TEXTS) for _ in range(random.randint(least, most)))


def segment(random):
    """A piece of a path, encoded as an SDK does or with no more escapes than there must be."""
    safe = random.choice(["", "-_.~", "-_.~!$&'()*+,;=:@"])
    while True:
        plain = text(random, 1)
        if plain.strip(".") and "\\" not in plain:
            return urllib.parse.quote(plain, safe=safe)


def query(random):
    names = [text(random, 1, 3), "labels", "includeCustomMetadata", "limit", "marker"]
    pairs = []
    for _ in range(random.choice([0, 0, 1, 2, 3, 8])):
        name = urllib.parse.quote(random.choice(names), safe="-_.~")
        value = urllib.parse.quote(text(random), safe="-_.~")
        # A parameter of the signature's own is another mechanism, which is refused beside this one.
        if not name.lower().startswith("x-amz-"):
            pairs.append(random.choice([f"{name}={value}", f"{name}={value}", f"{name}="]))
    return "&".join(pairs + pairs[:random.choice([0, 0, 1])])


def headers(random):
    names = ["Content-Type", "X-Amz-User-Agent", "x-amz-meta-a", "amz-sdk-request", "Accept", "X-Own"]
    chosen = random.sample(names, random.randint(0, 4))
    return [(name, random.choice(HEADER_WORDS)) for name in chosen]


def any_request(random, server):
    """Some operation's method and path with random ids, query, headers and body; signed."""
    model = MODEL.operation_model(random.choice(MODEL.operation_names))
    template = model.http["requestUri"].split("?")[0]
    path = "/".join(
        segment(random) if part.startswith("{") else part for part in template.split("/")
    )
    target = "?".join(part for part in (path, query(random)) if part)
    body = b""
    if model.http["method"] in ("POST", "PUT", "PATCH") and random.random() < 0.8:
        body = random.choice([b"{}", b"x", random.randbytes(random.randint(1, 200)),
                              json.dumps({text(random): text(random)}).encode()])
    given = headers(random)
    if random.random() < 0.3:
        given.append(("x-amz-content-sha256", hashlib.sha256(body).hexdigest()))
    message = sign(server, model.http["method"], target, given, body,
                   region=random.choice(["us-east-1", "eu-central-1", "x"]),
                   service=random.choice(["workdocs", "workdocs", "zocalo"]))
    if random.random() < 0.5:
        message = message.changing("Authorization", lambda value: value.replace(", ", ","))
    return message


def test_whatever_botocore_signs_is_let_in(site, wires):
    random = dice("accepted")

    def problem(message):
        answer = wires.send(message)
        is_answered = answer and (answer.status < 500 or answer.status == 501)
        if not is_answered or answer.code in NOT_LET_IN or answer.status == 403 and not answer.code:
            return summary(message, answer)
        return None

    none_of(wires.each(problem, [any_request(random, site.server) for _ in range(ACCEPTED)]))


def test_what_botocore_signs_with_another_secret_is_not_let_in(site, wires):
    random = dice("another secret")
    key = (ROOT_KEY, ROOT_SECRET[:-1])

    def problem(message):
        again = sign(site.server, message.method, message.target, (), message.body, key=key)
        answer = wires.send(again)
        return None if answer.code == "InvalidSignatureException" else summary(again, answer)

    messages = [any_request(random, site.server) for _ in range(ACCEPTED // 10)]
    none_of(wires.each(problem, messages))


def test_a_repeated_parameter_means_what_was_signed(site, wires, folder):
    """The labels taken are exactly those of the query, however many and however they are written."""
    random = dice("labels")
    letters = "abcXYZ019._+-/= "
    for _ in range(LABELLED):
        labels = {
            random.choice(letters[:-1]) + "".join(random.choices(letters, k=random.randint(0, 6)))
            for _ in range(8)
        }
        gone = set(random.sample(sorted(labels), random.randint(1, len(labels) - 1)))
        site.admin.create_labels(ResourceId=folder, Labels=sorted(labels))
        asked = random.sample(sorted(gone), len(gone))
        pairs = "&".join(f"labels={urllib.parse.quote(label, safe='-_.~')}" for label in asked)
        message = sign(site.server, "DELETE", f"/api/v1/resources/{folder}/labels?{pairs}")
        answer = wires.send(message)
        left = set(site.admin.get_folder(FolderId=folder)["Metadata"].get("Labels", []))
        if answer.status != 200 or left != labels - gone:
            none_of([summary(message, answer) + f"\n  left {left} of {labels}"])
        site.admin.delete_labels(ResourceId=folder, DeleteAll=True)


# Mutations.


CLASSES = {
    "the other case": lambda byte, _: bytes([byte]).swapcase(),
    "a neighbour": lambda byte, _: bytes([byte ^ 1]),
    "a letter": lambda _, random: random.choice(b"abcxyzABCXYZ").to_bytes(),
    "a digit": lambda _, random: random.choice(b"0123456789").to_bytes(),
    "a mark": lambda _, random: random.choice(b"%&+=/?#;:.,~-_ ").to_bytes(),
    "a control": lambda _, random: random.choice(b"\0\t\x0b\x1b\x7f\n\r").to_bytes(),
    "a high byte": lambda _, random: random.choice(b"\x80\xc3\xa9\xff").to_bytes(),
    "nothing": lambda _, __: b"",
    "it twice": lambda byte, _: bytes([byte, byte]),
}


def bases(site, folder):
    """Requests that succeed, and that change something whenever they do; sent by nobody as they are."""
    document = site.upload(folder, b"kept", "kept").document
    post = json.dumps({"ParentFolderId": folder, "Name": "intruder"}).encode()
    labels = json.dumps({"Labels": ["intruder", "a b"]}).encode()
    extra = [("Content-Type", "application/json"), ("x-amz-meta-a", "one two"), ("X-Own", "it's, so")]
    folder_path, document_path = f"/api/v1/folders/{folder}", f"/api/v1/documents/{document}"
    digest = ("x-amz-content-sha256", hashlib.sha256(post).hexdigest())
    for method, target, given, body in (
        ("POST", "/api/v1/folders", extra, post),
        ("POST", "/api/v1/folders", [*extra, digest], post),
        ("PUT", f"/api/v1/resources/{folder}/labels", extra, labels),
        ("PATCH", folder_path, extra, b'{"Name": "renamed"}'),
        ("DELETE", folder_path, (), b""),
        ("DELETE", document_path, (), b""),
        ("DELETE", f"/api/v1/resources/{folder}/labels?deleteAll=true&labels=x", (), b""),
        ("GET", f"{folder_path}?includeCustomMetadata=true", extra[1:], b""),
    ):
        yield sign(site.server, method, target, given, body)


def mutated(random, message):
    """A base with one byte changed, put in or left out; `None` if it says the same as before."""
    pieces = list(message.pieces())
    # Bodies are longer than all the rest, so the piece is chosen first and the byte in it then.
    at = random.choice([at for at in range(1, len(pieces), 2) if pieces[at]])
    piece = pieces[at]
    place = random.randrange(len(piece))
    name = random.choice(list(CLASSES))
    change = CLASSES[name](piece[place], random)
    is_body = at == len(pieces) - 1
    # The length is part of the framing and not of what is signed.
    if change == piece[place:place + 1] or (is_body and len(change) != 1):
        return None
    pieces[at] = piece[:place] + change + piece[place + 1:]
    is_value = 5 <= at and at % 4 == 3
    if is_value and folded(pieces[at]) == folded(piece):
        return None
    if at % 4 == 1 and 5 <= at and pieces[at].lower() == piece.lower():
        return None
    if at == 3 and same_target(pieces[at], piece):
        return None
    return Mutant(message, b"".join(pieces), f"{piece[:60]!r} at {place}: {name}")


class Mutant:
    def __init__(self, message, data, label):
        self.message, self.data, self.label = message, data, label


def folded(value):
    words = b" ".join(value.split())
    # Some signers write a blank between the parts of an Authorization header and some do not.
    return words.replace(b", ", b",") if words.startswith(b"AWS4-") else words


def same_target(one, other):
    """Whether two targets differ in how they are written only."""
    def read(target):
        path, _, rest = target.partition(b"?")
        return path, [
            tuple(map(urllib.parse.unquote_to_bytes, pair.partition(b"=")[::2]))
            for pair in rest.split(b"&")
        ]

    return read(one) == read(other)


def test_no_request_is_let_in_after_one_byte_was_changed(site, wires, ann):
    random = dice("mutated")
    folder = site.folder(ann.root, "untouched")
    site.admin.create_labels(ResourceId=folder, Labels=["kept"])
    messages = list(bases(site, folder))
    before = state(site, ann, folder)

    def problem(mutant):
        answer = wires.exchange(mutant.data, mutant.message.method)
        # A request that is none is refused by the parser of HTTP, with no code of the protocol's.
        if answer is None or answer.code in NOT_LET_IN | {NO_OPERATION}:
            return None
        if not answer.code and answer.status in (400, 404, 405, 431):
            return None
        # A path cut down to `/` leads to the door of IAM, which refuses in words of its own.
        if answer.status == 403 and answer.body.startswith(b"<ErrorResponse"):
            return None
        return f"{mutant.label}\n{mutant.data!r}\n  answered {answer.status} {answer.body[:200]}"

    mutants = (mutated(random, random.choice(messages)) for _ in range(MUTATED))
    none_of(wires.each(problem, [mutant for mutant in mutants if mutant]))
    assert state(site, ann, folder) == before
    # They were good until then: this one, for one, would have been taken.
    assert wires.send(messages[0]).status == 201


def state(site, ann, folder):
    listed = site.admin.describe_folder_contents(FolderId=folder, Include="INITIALIZED")
    around = site.admin.describe_folder_contents(FolderId=ann.root, Include="INITIALIZED")
    about = site.admin.get_folder(FolderId=folder, IncludeCustomMetadata=True)
    return [
        {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        for answer in (listed, around, about)
    ]


@pytest.mark.parametrize("part", ["Credential", "SignedHeaders", "Signature"])
def test_every_byte_of_every_part_of_the_authorization_matters(wires, site, folder, part):
    message = sign(site.server, "GET", f"/api/v1/folders/{folder}")
    value = message.value("Authorization")
    start = value.index(part)
    end = value.find(", ", start)
    problems = []
    for place in range(start, end if 0 <= end else len(value)):
        for other in {value[place].swapcase(), chr(ord(value[place]) ^ 1)} - {value[place]}:
            changed = value[:place] + other + value[place + 1:]
            forged = message.changing("Authorization", lambda _, changed=changed: changed)
            answer = wires.send(forged)
            if answer.status != 403 or answer.code not in NOT_LET_IN:
                problems.append(summary(forged, answer))
    none_of(problems)
    assert wires.send(message).status == 200


# Modes of the payload hash.


MODES = [
    None, "right", "wrong", "upper case", "", "UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "streaming-unsigned-payload-trailer",
    "required", hashlib.sha256(b"").hexdigest(),
]


def in_mode(mode, body):
    """The header of a mode, if it has one."""
    digest = hashlib.sha256(body).hexdigest()
    named = {"right": digest, "wrong": "0" * 64, "upper case": digest.upper()}
    return [] if mode is None else [("x-amz-content-sha256", named.get(mode, mode))]


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_of_the_payload_hash_makes_a_wrong_signature_right(site, wires, ann, mode):
    parent = site.folder(ann.root)
    body = json.dumps({"ParentFolderId": parent, "Name": "by mode"}).encode()
    for key, is_right in (((ROOT_KEY, ROOT_SECRET), True), ((ROOT_KEY, "wrong" * 8), False),
                          (("AKIA" + "Q" * 16, ROOT_SECRET), False)):
        message = sign(site.server, "POST", "/api/v1/folders", in_mode(mode, body), body, key=key)
        answer = wires.send(message)
        is_taken = is_right and mode in (None, "right")
        assert answer.status == (201 if is_taken else 403), summary(message, answer)
        forged = message.changing("Authorization", lambda value: value[:-64] + "0" * 64)
        assert wires.send(forged).status == 403
        unsigned = message.without("Authorization")
        assert wires.send(unsigned).code == "MissingAuthenticationTokenException"
    names = [one["Name"] for one in site.admin.describe_folder_contents(FolderId=parent)["Folders"]]
    assert names == (["by mode"] if mode in (None, "right") else [])


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_of_the_payload_hash_makes_a_wrong_upload_url_right(site, wires, ann, mode):
    upload = site.initiate(ParentFolderId=ann.root, Name=site.name("mode"))
    parts = urllib.parse.urlsplit(upload.url)
    headers = (("Host", parts.netloc), *in_mode(mode, b"evil"))
    for query in (parts.query[:-64] + "0" * 64, "", "holder=x"):
        answer = wires.send(Message("PUT", f"{parts.path}?{query}", headers, b"evil"))
        assert answer.status in (400, 403)
    assert upload.try_put(b"good").status_code == 200


# Bodies.


def test_no_other_body_is_taken_under_a_signature(site, wires, ann):
    random = dice("bodies")
    parent = site.folder(ann.root)
    message = sign(
        site.server, "POST", "/api/v1/folders", [("Content-Type", "application/json")],
        json.dumps({"ParentFolderId": parent, "Name": "é signed"}, ensure_ascii=False).encode(),
    )
    body = message.body
    bodies = {body[:-1], body + b" ", b" " + body, body + body, b"", b"\xef\xbb\xbf" + body,
              body.replace(b"\xc3\xa9", b"e\xcc\x81"), body.replace(b'": "', b'":"')}
    for _ in range(200 * ROUNDS):
        place = random.randrange(len(body))
        flipped = bytes([body[place] ^ (1 << random.randrange(8))])
        bodies.add(body[:place] + flipped + body[place + 1:])

    def problem(other):
        forged = replace(message, body=other)
        answer = wires.send(forged)
        is_refused = answer.status == 403 and answer.code == "InvalidSignatureException"
        return None if is_refused else summary(forged, answer)

    none_of(wires.each(problem, sorted(bodies - {body})))
    assert site.admin.describe_folder_contents(FolderId=parent)["Folders"] == []


def test_a_body_in_chunks_is_held_to_the_same_signature(site, wires, ann):
    parent = site.folder(ann.root)
    body = json.dumps({"ParentFolderId": parent, "Name": "chunked"}).encode()
    message = sign(site.server, "POST", "/api/v1/folders", (), body)
    head = replace(message, body=b"").having("Transfer-Encoding", "chunked").data()

    def chunked(content):
        half = len(content) // 2
        pieces = [content[:half], content[half:], b""]
        return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)

    assert wires.exchange(chunked(body.replace(b"chunked", b"changed")), "POST").status == 403
    assert wires.exchange(chunked(body + b" "), "POST").status == 403
    assert wires.exchange(chunked(body), "POST").status == 201


def test_two_lengths_are_no_request(site, wires, ann):
    """What a proxy and this server could read differently is answered by neither."""
    parent = site.folder(ann.root)
    body = json.dumps({"ParentFolderId": parent, "Name": "smuggled"}).encode()
    message = sign(site.server, "POST", "/api/v1/folders", (), body)
    for name, value in (("Content-Length", "0"), ("Transfer-Encoding", "xchunked"),
                        ("Content-Length", "+5"), ("Content-Length", f"{len(body)}, 0")):
        answer = wires.send(message.having(name, value))
        assert answer is None or answer.status in (400, 403, 501), (name, value, answer)
    assert site.admin.describe_folder_contents(FolderId=parent)["Folders"] == []


def test_the_sdk_s_own_request_is_taken_byte_for_byte(site, wires, folder):
    request = request_of(site.admin, "get_folder", FolderId=folder)
    parts = urllib.parse.urlsplit(request.url)
    host = (("Host", parts.netloc),)
    message = Message("GET", parts.path, host + tuple(request.headers.items()))
    assert wires.send(message).status == 200
