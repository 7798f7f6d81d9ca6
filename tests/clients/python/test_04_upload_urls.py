"""An upload URL does one thing, until it expires, and for exactly the bytes that were announced."""

import base64
import calendar
import hashlib
import http.client
import socket
import time
import zlib
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests

from client import Request, refused, send
from waiting import until, until_clock


def unchanged(upload):
    """Nothing has arrived: the upload cannot be activated."""
    with refused("ProhibitedStateException"):
        upload.activate()


def with_query(url, change):
    parts = urlsplit(url)
    pairs = change(parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def replaced(name, change):
    return lambda pairs: [(n, change(v) if n == name else v) for n, v in pairs]


def flipped(text):
    return text[:-1] + ("0" if text[-1] != "0" else "1")


MUTATIONS = {
    "algorithm": replaced("X-Amz-Algorithm", lambda _: "AWS4-HMAC-SHA1"),
    "key": replaced("X-Amz-Credential", lambda v: "AKIA" + "A" * 16 + v[v.index("/"):]),
    "credential's day": replaced("X-Amz-Credential", lambda v: v.replace("/20", "/21", 1)),
    "region": replaced("X-Amz-Credential", lambda v: v.replace("/us-", "/eu-", 1) + "x"),
    "date": replaced("X-Amz-Date", lambda v: v[:-2] + ("0Z" if v[-2] != "0" else "1Z")),
    "longer life": replaced("X-Amz-Expires", lambda _: "901"),
    "endless life": replaced("X-Amz-Expires", lambda _: "99999999"),
    "no life": replaced("X-Amz-Expires", lambda _: "-1"),
    "signed headers": replaced("X-Amz-SignedHeaders", lambda v: v + ";x-evil"),
    "signature": replaced("X-Amz-Signature", flipped),
    "empty signature": replaced("X-Amz-Signature", lambda _: ""),
    "one parameter more": lambda pairs: [*pairs, ("x", "1")],
    "a parameter twice": lambda pairs: [*pairs, pairs[-1]],
    "nothing": lambda _: [],
}


@pytest.fixture(scope="module")
def target(site, ann):
    """An upload that no attack may reach."""
    return site.initiate(ParentFolderId=ann.root, Name="target")


@pytest.mark.parametrize("change", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_a_changed_url_is_refused(target, change):
    url = with_query(target.url, change)
    assert url != target.url
    answer = target.try_put(b"evil", url=url)
    assert answer.status_code == 403
    assert answer.headers["x-amzn-requestid"]
    unchanged(target)


def test_leaving_any_parameter_out_is_refused(target):
    for gone, _ in parse_qsl(urlsplit(target.url).query):
        url = with_query(target.url, lambda pairs: [pair for pair in pairs if pair[0] != gone])
        assert target.try_put(b"evil", url=url).status_code == 403, gone
    unchanged(target)


def test_a_url_is_for_one_version(site, folder, target):
    other = site.initiate(ParentFolderId=folder, Name="other")
    mixed = urlunsplit(urlsplit(other.url)._replace(query=urlsplit(target.url).query))
    assert target.try_put(b"evil", url=mixed).status_code == 403
    unchanged(target)
    unchanged(other)


def test_a_changed_path_is_refused(target):
    parts = urlsplit(target.url)
    for path in (flipped(parts.path), parts.path + "/", "/" + parts.path, parts.path + "%20"):
        answer = target.try_put(b"evil", url=urlunsplit(parts._replace(path=path)))
        assert answer.status_code in (403, 404), path
    unchanged(target)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "PATCH"])
def test_an_upload_url_only_uploads(target, method):
    answer = requests.request(method, target.url, data=b"evil", timeout=30)
    assert answer.status_code in (403, 405)
    unchanged(target)


def test_a_download_url_only_downloads(site, folder):
    upload = site.upload(folder, b"mine")
    source = site.source(upload)
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        answer = requests.request(method, source, data=b"evil", timeout=30)
        assert answer.status_code in (403, 405)
    assert site.download(upload) == b"mine"


@pytest.mark.parametrize("change", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_a_changed_download_url_is_refused(site, ann, change):
    upload = site.upload(ann.root, b"secret content")
    answer = requests.get(with_query(site.source(upload), change), timeout=30)
    assert answer.status_code == 403
    assert b"secret content" not in answer.content


@pytest.mark.parametrize("headers", [
    {},
    {"Content-Type": "text/x-other", "x-amz-server-side-encryption": "AES256"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"User-Agent": "curl/8", "Accept": "*/*", "Expect": "100-continue", "X-Own": "1"},
], ids=["none", "other type", "form", "curl"])
def test_a_put_is_taken_whatever_headers_a_program_sends(site, folder, headers):
    upload = site.initiate(ParentFolderId=folder, Name="headers", ContentType="text/plain")
    assert upload.try_put(b"content", headers).status_code == 200
    upload.activate()
    assert site.download(upload) == b"content"
    version = site.admin.get_document_version(**upload.ids)["Metadata"]
    assert version["ContentType"] == "text/plain"


@pytest.mark.parametrize("content", [b"", b"123456789", b"12345678901"])
@pytest.mark.parametrize("chunked", [False, True])
def test_another_size_than_announced_is_refused(site, folder, content, chunked):
    upload = site.initiate(ParentFolderId=folder, Name="ten", DocumentSizeInBytes=10)
    sent = iter([content]) if chunked and content else content
    answer = upload.try_put(sent)
    assert answer.status_code == 400
    assert answer.text
    unchanged(upload)
    upload.put(b"1234567890")
    upload.activate()


def test_a_transfer_that_breaks_off_stores_nothing(site, folder):
    upload = site.initiate(ParentFolderId=folder, Name="broken")
    parts = urlsplit(upload.url)
    for framing, piece in (
        ("Content-Length: 10", b"12345"),
        ("Transfer-Encoding: chunked", b"5\r\n12345\r\n"),
    ):
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
            head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n{framing}\r\n\r\n"
            connection.sendall(head.encode() + piece)
            connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            try:
                answer.begin()
            except (http.client.BadStatusLine, ConnectionError):
                pass
            else:
                assert answer.status == 400
        unchanged(upload)


def md5_of(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def sha256_of(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def crc32_of(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(("name", "digest"), [
    ("Content-MD5", md5_of),
    ("x-amz-checksum-sha256", sha256_of),
    ("x-amz-checksum-crc32", crc32_of),
    ("x-amz-content-sha256", lambda content: hashlib.sha256(content).hexdigest()),
])
def test_a_digest_that_is_sent_along_is_held_to(site, folder, name, digest):
    upload = site.initiate(ParentFolderId=folder, Name="digest")
    for wrong in (digest(b"other"), "nonsense", ""):
        answer = upload.try_put(b"content", upload.headers | {name: wrong})
        assert answer.status_code == 400, wrong
        assert answer.text
        unchanged(upload)
    answer = upload.try_put(b"content", upload.headers | {name: digest(b"content")})
    assert answer.status_code == 200, answer.text
    upload.activate()
    assert site.download(upload) == b"content"


@pytest.mark.parametrize("name", ["Authorization", "Authentication", "x-amz-acl", "x-amz-date"])
def test_a_header_that_the_url_does_not_sign_cannot_matter(target, name):
    answer = target.try_put(b"evil", target.headers | {name: "anything"})
    assert answer.status_code == 403
    unchanged(target)


def test_an_encoding_that_is_not_understood_is_never_stored_as_content(target):
    answer = target.try_put(b"evil", target.headers | {"Content-Encoding": "aws-chunked"})
    assert answer.status_code in (400, 415, 501)
    unchanged(target)


def test_a_host_that_the_url_was_not_signed_for_is_refused(target):
    answer = send(Request("PUT", target.url, {"Host": "evil.example"}, b"evil"))
    assert answer.status == 403
    unchanged(target)


def test_urls_expire_when_they_say(make_site):
    # One of them at a time: what is not looked at has all the time that a busy machine may need.
    site = make_site(DOCHARBOR_UPLOAD_URL_LIFETIME="3s")
    folder = site.person().root
    upload = site.initiate(ParentFolderId=folder, Name="too late")
    expires = until_expired(upload.url)
    assert upload.try_put(b"late").status_code == 403
    assert expires <= time.time()
    unchanged(upload)
    site = make_site(DOCHARBOR_DOWNLOAD_URL_LIFETIME="3s")
    in_time = site.upload(site.person().root, b"in time", "in time")
    source = site.source(in_time)
    until_expired(source)
    assert requests.get(source, timeout=30).status_code == 403
    assert until("a new URL works in time", lambda: downloaded(site, in_time)) == b"in time"


def downloaded(site, upload):
    """What a URL that is used at once gives; none where this machine took all of its life for that."""
    answer = requests.get(site.source(upload), timeout=30)
    return answer.content if answer.ok else None


def until_expired(url):
    pairs = dict(parse_qsl(urlsplit(url).query))
    assert pairs["X-Amz-Expires"] == "3"
    signed = calendar.timegm(time.strptime(pairs["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    until_clock(signed + 4)
    return signed + 4


def test_a_draft_that_nobody_finishes_is_reaped_as_if_aborted(make_site):
    site = make_site(DOCHARBOR_UPLOAD_EXPIRY="8s")
    folder = site.person().root
    kept = site.upload(folder, b"kept", "kept")
    second = site.initiate(Id=kept.document)
    upload = site.initiate(ParentFolderId=folder, Name="forgotten")
    upload.put(b"forgotten")
    until(
        "the drafts are reaped",
        lambda: len(site.documents(folder, Include="INITIALIZED")) == 1
        and len(site.admin.describe_document_versions(
            DocumentId=kept.document, Include="INITIALIZED"
        )["DocumentVersions"]) == 1,
        seconds=90, every=0.2,
    )
    assert upload.try_put(b"too late").status_code == 403
    with refused("UnauthorizedResourceAccessException"):
        upload.activate()
    with refused("EntityNotExistsException"):
        second.activate()
    assert site.download(kept) == b"kept"
