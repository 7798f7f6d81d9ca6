"""Values around every bound of the service model, and the requests that carry them.

Nothing here is written for one operation: a bound that the model gains is a case from then on.
"""

import json
import re
import urllib.parse
from dataclasses import dataclass

from client import MODEL

REFUSED, HARMLESS = "is refused", "changes nothing"
ALLOWED, ANY = "is no violation", "is answered"
BODY_MAX_BYTES = 1 << 20
DEEP = 10_000

# What the model leaves optional and a request means nothing without.
NEEDED = {
    "CreateFolder": ["Name"],
    "CreateUser": ["OrganizationId"],
    "DeleteCustomMetadata": ["DeleteAll"],
    "DeleteLabels": ["DeleteAll"],
    "DescribeActivities": ["OrganizationId"],
    "DescribeUsers": ["OrganizationId"],
    "GetResources": ["UserId"],
    "InitiateDocumentVersionUpload": ["ParentFolderId", "Name"],
    "UpdateDocument": ["Name"],
    "UpdateDocumentVersion": ["VersionStatus"],
    "UpdateFolder": ["Name"],
    "UpdateUser": ["GivenName"],
}

CHARACTERS = {
    "a blank": " ",
    "a slash": "/",
    "a backslash": "\\",
    "a parent": "../",
    "an encoded parent": "%2e%2e%2f",
    "an ampersand": "&",
    "a plus": "+",
    "a comma": ",",
    "a semicolon": ";",
    "a quote": "'\"",
    "an angle": "<script>",
    "U+0000": "\0",
    "U+0007": "\x07",
    "a line feed": "\n",
    "a carriage return": "\r\n",
    "U+007F": "\x7f",
    "U+0085": "\x85",
    "é": "é",
    "U+0100": "\u0100",
    "U+202D": "\u202d",
    "U+202E": "\u202e",
    "U+2028": "\u2028",
    "U+FEFF": "\ufeff",
    "U+FFFF": "\uffff",
    "an emoji": "🎉",
    "a full-width letter": "ａ",
    "an Arabic digit": "٣",
}

WRONG_TYPES = {
    "a text": "text",
    "a number": 7,
    "a fraction": 1.5,
    "true": True,
    "a list": [],
    "an object": {},
}
RIGHT_TYPES = {
    "string": {"a text"},
    "integer": {"a number"},
    "long": {"a number"},
    "boolean": {"true"},
    "timestamp": {"a number", "a fraction"},
    "list": {"a list"},
    "map": {"an object"},
    "structure": {"an object"},
}

MALFORMED_BODIES = {
    "a list as the body": b"[]",
    "null as the body": b"null",
    "a text as the body": b'"text"',
    "a body cut off": b'{"Name": "x',
    "something behind the body": b"{} x",
    "a second body": b"{}{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "NaN": b'{"unknown": NaN}',
    "a number beyond all bounds": b'{"unknown": 1e999}',
    "a NUL behind the body": b"{}\0",
    "an unknown member twice": b'{"unknown": 1, "unknown": 1}',
    "deep objects": b'{"unknown":' * DEEP + b"1" + b"}" * DEEP,
    "deep lists that never end": b'{"unknown": ' + b"[" * DEEP,
    "a name that is not UTF-8": b'{"\xff": 1}',
}


@dataclass(frozen=True)
class Raw:
    """Bytes that stand in a body as they are."""

    data: bytes


@dataclass(frozen=True)
class Encoded:
    """A text that stands in a path or a query as it is."""

    text: str


@dataclass(frozen=True)
class Value:
    """A value for a member, and what has to come of it."""

    label: str
    content: object
    verdict: str
    # The member within the member that a refusal has to name.
    named: str = None
    # The code of a refusal, where the member does not decide it.
    code: str = None


@dataclass(frozen=True)
class Case:
    """One request, and what has to come of it."""

    id: str
    operation: str
    method: str
    target: str
    headers: dict
    body: bytes
    verdict: str
    named: tuple = ()
    # `None`: whatever refuses it.
    codes: tuple = None
    # A signature over a target that cannot be decoded is refused before the target is looked at.
    by_token: bool = False


def bounds(shape):
    return shape.metadata.get("min"), shape.metadata.get("max")


def utf16_length(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def matches(shape, text):
    """Whether a text matches the shape's pattern, read over UTF-16 units as the model's are."""
    pattern = shape.metadata.get("pattern")
    units = text.encode("utf-16-le", "surrogatepass")
    halves = (int.from_bytes(units[at:at + 2], "little") for at in range(0, len(units), 2))
    return pattern is None or re.fullmatch(pattern, "".join(map(chr, halves)), re.ASCII)


def verdict(shape, text):
    """What the model says of a text; what no database and no header can hold is never allowed."""
    least, most = bounds(shape)
    if len(text) < (least or 0) or not matches(shape, text):
        return REFUSED
    if most is not None and utf16_length(text) > most:
        is_counted = len(text) > most or shape.name == "ResourceNameType"
        return REFUSED if is_counted else ANY
    if "\0" in text:
        return ANY if "pattern" in shape.metadata else REFUSED
    is_control = any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text)
    return ANY if is_control and "pattern" not in shape.metadata else ALLOWED


def text_of(shape, length):
    """A text of that length, which matches the shape's pattern if one can."""
    for filler, end in (("a", ""), ("1", ""), ("a", "@b.cd")):
        text = filler * (length - len(end)) + end
        if len(text) == length and matches(shape, text):
            return text
    return "a" * length


def simplest(shape, known, name=None):
    """The simplest value that a shape allows; `known` has those that only a site knows."""
    for key in (name, shape.name):
        if key in known:
            return known[key]() if callable(known[key]) else known[key]
    if shape.type_name == "structure":
        return {
            name: simplest(shape.members[name], known, name) for name in shape.required_members
        }
    if shape.type_name == "list":
        return [simplest(shape.member, known)]
    if shape.type_name == "map":
        return {"key": "value"}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else text_of(shape, max(bounds(shape)[0] or 1, 1))
    return {"boolean": False, "timestamp": 0}.get(shape.type_name, 1)


def texts(shape):
    """Texts around the bounds of a shape, and with characters of every kind."""
    if shape.enum:
        yield from words(shape)
        return
    least, most = bounds(shape)
    around = {bound + step for bound in (least, most) if bound is not None for step in (-1, 0, 1)}
    for length in sorted(length for length in around if 0 <= length):
        text = text_of(shape, length)
        yield Value(f"{length} characters", text, verdict(shape, text))
    if most is not None and matches(shape, "🎉"):
        for label, text in {
            f"{most} UTF-16 units of emoji": "🎉" * (most // 2) + "x" * (most % 2),
            f"emoji beyond {most} UTF-16 units": "🎉" * (most // 2 + 1),
        }.items():
            yield Value(label, text, verdict(shape, text))
    some = text_of(shape, max(least or 0, 8))
    for label, character in CHARACTERS.items():
        text = character + some if label == "a parent" else some + character
        yield Value(f"with {label}", text, verdict(shape, text))


def words(shape):
    """The words of an enumeration, and some beside them."""
    for word in shape.enum:
        # A resource passes through these states by itself; nobody can ask for them.
        is_passing = word in ("RESTORING", "RECYCLING")
        yield Value(f"the word {word}", word, ANY if is_passing else ALLOWED)
    first = shape.enum[0]
    wrong = {"", "NO_SUCH_WORD", first.swapcase(), f"{first} ", f" {first}", f"{first}\0", "null"}
    for word in sorted(wrong - set(shape.enum)):
        yield Value(f"the word {word!r}", word, REFUSED)


def numbers(shape):
    """Numbers around the bounds of a shape, and around those of its width."""
    least, most = bounds(shape)
    for bound in (least, most):
        for number in () if bound is None else (bound - 1, bound, bound + 1):
            is_within = (least is None or least <= number) and (most is None or number <= most)
            yield Value(f"{number}", number, ALLOWED if is_within else REFUSED)
    for number in (2**63, -(2**63) - 1, 10**40):
        yield Value(f"{number}", number, REFUSED)
    yield Value("a negative number", -1, ANY if least is None else REFUSED)
    if most is None:
        greatest = 2 ** (31 if shape.type_name == "integer" else 63) - 1
        yield Value(f"{greatest}", greatest, ALLOWED)


def in_text(shape):
    """Values of a member of a path, a query string or a header."""
    if shape.type_name == "string":
        yield from texts(shape)
    elif shape.type_name == "list":
        yield from sizes(shape)
        for value in in_text(shape.member):
            if value.label != "twice":
                yield inside(value, [value.content])
    elif shape.type_name == "boolean":
        yield from spelled(["true", "false"], ["", "True", "TRUE", "1", "yes", "null", "true "])
    elif shape.type_name == "timestamp":
        yield from spelled(
            ["2026-11-22T23:26:17Z"],
            ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-22T25:00:00Z", "9" * 400],
        )
    else:
        yield from numbers(shape)
        yield from spelled([], ["", "ten", "1.0", "+1", "01", "1e2", "0x1", " 1", "１", "1\0"])
    if shape.type_name != "list":
        value = simplest(shape, {})
        yield Value("twice", [value, value], REFUSED)


def spelled(right, wrong):
    yield from (Value(f"{text!r}", text, ALLOWED) for text in right)
    yield from (Value(f"{text!r:.40}", text, REFUSED) for text in wrong)


def in_json(shape):
    """Values of a member of a body."""
    right = RIGHT_TYPES[shape.type_name]
    for label in WRONG_TYPES.keys() - right:
        yield Value(label, WRONG_TYPES[label], REFUSED)
    yield from malformed(shape)
    if shape.type_name == "string":
        yield from texts(shape)
    elif shape.type_name in ("integer", "long"):
        yield from numbers(shape)
    elif shape.type_name == "boolean":
        yield from (Value(f"{value}", value, ALLOWED) for value in (True, False))
    elif shape.type_name == "timestamp":
        yield from (Value(f"{value}", value, ALLOWED) for value in (0, 1_700_000_000.5))
        yield Value("beyond the calendar", 1e18, REFUSED)
    elif shape.type_name == "list":
        yield from lists(shape)
    elif shape.type_name == "map":
        yield from maps(shape)
    else:
        yield from structures(shape)


def malformed(shape):
    """What stands where the value should and makes the whole body none."""
    texts = {
        "deep lists": b"[" * DEEP + b"]" * DEEP,
        "bytes that are not UTF-8": b'"a\xff\xfe"',
        "an overlong slash": b'"a\xc0\xaf"',
        "a surrogate in UTF-8": b'"a\xed\xa0\x80"',
        "half a surrogate": b'"a\\ud83c"',
        "a NUL byte": b'"a\x00b"',
        "nothing": b"",
    }
    for label, data in texts.items():
        yield Value(label, Raw(data), REFUSED, code="SerializationException")


def sizes(shape):
    """Lists around the bounds of how many elements they have."""
    least, most = bounds(shape)
    for bound in (least, most):
        for size in () if bound is None else (bound - 1, bound, bound + 1):
            is_within = (least or 0) <= size and (most is None or size <= most)
            if 0 <= size:
                elements = [element(shape.member, number) for number in range(size)]
                yield Value(f"{size} elements", elements, ALLOWED if is_within else REFUSED)


def element(shape, number):
    """An element of a list, other than its neighbours where it is a text."""
    if shape.type_name != "string":
        return simplest(shape, {})
    return shape.enum[number % len(shape.enum)] if shape.enum else f"element{number}"


def lists(shape):
    yield from sizes(shape)
    yield Value("an element that is null", [None], REFUSED)
    for value in in_json(shape.member):
        # A list of nothing is a list.
        if value.content != Raw(b""):
            yield inside(value, [value.content])


def maps(shape):
    least, most = bounds(shape)
    for size in (least - 1, least, most, most + 1):
        entries = {f"key{number}": "value" for number in range(size)}
        yield Value(f"{size} entries", entries, ALLOWED if least <= size <= most else REFUSED)
    yield Value("a value that is null", {"key": None}, REFUSED)
    yield Value("a key twice", Raw(b'{"key": "a", "key": "a"}'), REFUSED,
                code="SerializationException")
    for value in texts(shape.key):
        yield inside(value, {value.content: "value"}, "a key of ")
    for value in in_json(shape.value):
        yield inside(value, {"key": value.content}, "a value of ")


def structures(shape):
    base = simplest(shape, {})
    for name, member in shape.members.items():
        for value in in_json(member):
            yield Value(f"{name}: {value.label}", base | {name: value.content}, value.verdict,
                        value.named or name, value.code)
        yield Value(f"{name}: null", base | {name: None}, absence(shape, name), name)
        pair = dump({name: simplest(member, {})})[1:-1]
        yield Value(f"{name}: twice", Raw(b"{%s, %s}" % (pair, pair)), REFUSED,
                    code="SerializationException")
    for name in shape.required_members:
        rest = {key: value for key, value in base.items() if key != name}
        yield Value(f"{name}: missing", rest, REFUSED, name)


def absence(shape, name):
    return REFUSED if name in shape.required_members else ALLOWED


def inside(value, content, prefix="an element of "):
    """A value that stands in a list or a map."""
    return Value(prefix + value.label, content, value.verdict, value.named, value.code)


def dump(value):
    """Writes JSON, with what is raw in its place."""
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, dict):
        return b"{%s}" % b", ".join(dump(key) + b": " + dump(item) for key, item in value.items())
    if isinstance(value, list):
        return b"[%s]" % b", ".join(map(dump, value))
    return json.dumps(value, ensure_ascii=False).encode()


def place(shape):
    """Where a member travels, and under which name."""
    return shape.serialization.get("location", "body"), shape.serialization.get("name")


def in_words(value):
    """A value as it stands in a path, a query string or a header."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def quoted(value):
    if isinstance(value, Encoded):
        return value.text
    return urllib.parse.quote(in_words(value), safe="")


def has_body(model):
    shape = model.input_shape
    return any(place(member)[0] == "body" for member in shape.members.values())


def target_and_headers(model, members):
    """A call's path with its query string, and its headers."""
    path, query, headers = model.http["requestUri"], [], {}
    for name, value in members.items():
        location, wire_name = place(model.input_shape.members[name])
        if location == "uri":
            # A path has room for one value.
            value = value[0] if isinstance(value, list) else value
            path = path.replace(f"{{{wire_name}}}", quoted(value))
        elif location == "querystring":
            values = value if isinstance(value, list) else [value]
            query += [f"{wire_name}={quoted(value)}" for value in values]
        elif location == "header":
            headers[wire_name] = in_words(value)
    return path + ("?" + "&".join(query) if query else ""), headers


def body_of(model, members):
    shape = model.input_shape
    return dump({
        place(shape.members[name])[1] or name: value
        for name, value in members.items() if place(shape.members[name])[0] == "body"
    })


def base_members(model, known):
    """A call that would change something if it were not refused."""
    shape = model.input_shape
    names = [*shape.required_members, *NEEDED.get(model.name, [])]
    return {
        name: simplest(shape.members[name], known, name)
        for name in names if name != "AuthenticationToken"
    }


class Cases:
    """All the cases of one operation on one site."""

    def __init__(self, operation, known):
        self.model = MODEL.operation_model(operation)
        self.shape = self.model.input_shape
        self.known = known

    def __iter__(self):
        for name in self.shape.members:
            yield from self.of_member(name)
        yield from self.of_query()
        yield from self.of_body()

    def of_member(self, name):
        shape = self.shape.members[name]
        location, _ = place(shape)
        if location == "header":
            yield from self.of_token(name)
            return
        for value in (in_json if location == "body" else in_text)(shape):
            if location != "uri" or value.label != "twice":
                yield self.with_value(name, location, value)
        yield from {
            "uri": self.in_path, "querystring": self.in_query, "body": self.in_body
        }[location](name)

    def with_value(self, name, location, value):
        """The call with one member set."""
        if location == "uri" and value.content == "":
            # Without it the path is another one, which may be no operation's.
            return self.case(f"{name}: {value.label}", {name: ""}, REFUSED)
        codes = (value.code,) if value.code else self.codes(name)
        named = () if value.code else (value.named or name,)
        return self.case(
            f"{name}: {value.label}", {name: value.content}, value.verdict, named, codes
        )

    def codes(self, name):
        """The code for a member that breaks the model."""
        declared = {error.name for error in self.model.error_shapes}
        if name in ("Marker", "Limit") and "InvalidArgumentException" in declared:
            return ("InvalidArgumentException",)
        return ("ValidationException",)

    def of_token(self, name):
        """A token is looked at before the model; whatever is none is refused as that."""
        least, most = bounds(self.shape.members[name])
        for length in (0, least, most - 1, most, most + 1):
            yield self.case(f"{name}: {length} characters", {name: "a" * length}, REFUSED)

    def in_path(self, name):
        for text in ("%ff", "%zz", "%c0%af", "%", "a%00b"):
            case = self.case(f"{name}: {text}", {name: Encoded(text)}, REFUSED, (name,),
                             ("ValidationException",))
            yield replaced(case, by_token=True)
        for text in (".", "..", "../..", "%2e%2e", "..%2f..", "a/../b", "a//b", "a\\b", ";", "?"):
            # Dots alone are an id like another, which nothing has.
            is_id = set(urllib.parse.unquote(text)) == {"."}
            case = self.case(
                f"{name}: the path {text}", {name: Encoded(text)}, HARMLESS if is_id else REFUSED
            )
            yield from (replaced(case, by_token=True), replaced(case, id=case.id + " signed"))

    def in_query(self, name):
        for text in ("%ff", "%zz", "%c0%af", "%"):
            case = self.case(f"{name}: {text}", {name: Encoded(text)}, REFUSED, (),
                             ("ValidationException",))
            yield replaced(case, by_token=True)
        if name in self.shape.required_members:
            yield self.without(name)

    def in_body(self, name):
        is_needed = name in NEEDED.get(self.model.name, [])
        verdict = ANY if is_needed else absence(self.shape, name)
        yield self.case(f"{name}: null", {name: None}, verdict, (name,), self.codes(name))
        if name in self.shape.required_members:
            yield self.without(name)
        pair = dump({name: simplest(self.shape.members[name], self.known, name)})[1:-1]
        yield self.with_body(f"{name}: twice", self.adding(b"%s, %s" % (pair, pair), name))

    def of_query(self):
        for query, verdict in {
            "unknown=1": ALLOWED, "unknown=1&unknown=2": ALLOWED, "&&": ALLOWED,
            "%zz=1": REFUSED, "unknown=%ff": REFUSED,
        }.items():
            codes = ("ValidationException",)
            case = self.case(f"the query {query}", {}, verdict, (), codes)
            mark = "&" if "?" in case.target else "?"
            target = case.target + mark + query
            yield replaced(case, target=target, by_token=verdict == REFUSED)

    def of_body(self):
        padding = BODY_MAX_BYTES - len(self.body())
        yield self.with_body(
            "a body above the limit", self.body() + b" " * (padding + 1),
            ("RequestEntityTooLargeException",),
        )
        if not has_body(self.model):
            return
        yield replaced(
            self.case("a body of the limit", {}, ALLOWED), body=self.body() + b" " * padding
        )
        yield self.case("an unknown member", {}, ALLOWED, body=self.adding(b'"unknown": [{}]'))
        for label, body in MALFORMED_BODIES.items():
            yield self.with_body(label, body)

    def body(self):
        return body_of(self.model, base_members(self.model, self.known))

    def adding(self, text, without=None):
        """The body of the call with a piece of JSON more."""
        members = base_members(self.model, self.known)
        members.pop(without, None)
        rest = body_of(self.model, members)[1:-1]
        return b"{%s%s%s}" % (rest, b", " if rest else b"", text)

    def with_body(self, label, body, codes=("SerializationException",)):
        return self.case(label, {}, REFUSED, (), codes, body)

    def without(self, name):
        members = base_members(self.model, self.known)
        members.pop(name)
        return self.made(f"{name}: missing", members, REFUSED, (name,), ("ValidationException",))

    def case(self, label, changed, verdict, named=(), codes=None, body=None):
        members = base_members(self.model, self.known) | changed
        return self.made(label, members, verdict, named, codes, body)

    def made(self, label, members, verdict, named=(), codes=None, body=None):
        target, headers = target_and_headers(self.model, members)
        if has_body(self.model) or body is not None:
            body = body_of(self.model, members) if body is None else body
            headers["Content-Type"] = "application/json"
        return Case(
            f"{self.model.name}, {label}", self.model.name, self.model.http["method"], target,
            headers, body or b"", verdict, named, codes,
        )


def replaced(case, **changes):
    return Case(**(case.__dict__ | changes))
