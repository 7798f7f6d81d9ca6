"""A program downloads what was uploaded, whole and in parts."""

import os
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests

from test_01_upload import NAMES

SIZE = 300_000
DISPOSITION = re.compile(
    r"""attachment; filename="((?:[^"\\\x00-\x1f\x7f]|\\.)*)"; filename\*=UTF-8''([!#$&+.^`|~%\w-]+)""",
    re.ASCII,
)


@pytest.fixture(scope="module")
def content():
    return os.urandom(SIZE)


@pytest.fixture(scope="module")
def source(site, ann, content):
    """The URL of one document for all stories about reading."""
    return site.source(site.upload(ann.root, content, "read me.bin", ContentType="image/png"))


def test_a_download_needs_nothing_but_its_url(source, content):
    answer = requests.get(source, timeout=30)
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["x-amzn-requestid"]
    assert len(source) <= 1024
    assert parse_qs(urlsplit(source).query)["X-Amz-Expires"] == ["900"]


def test_a_download_can_run_no_script_in_a_browser(source):
    headers = requests.get(source, timeout=30).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Disposition"].startswith("attachment")


def test_a_download_is_never_compressed_on_the_way(source):
    answer = requests.get(source, headers={"Accept-Encoding": "gzip, br"}, timeout=30)
    assert "Content-Encoding" not in answer.headers


def test_head_tells_everything_but_the_bytes(source):
    whole, head = requests.get(source, timeout=30), requests.head(source, timeout=30)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "Content-Disposition", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(("asked", "first", "last"), [
    ("bytes=0-0", 0, 0),
    ("bytes=0-9", 0, 9),
    ("bytes=100-199", 100, 199),
    ("bytes=299990-", 299_990, SIZE - 1),
    ("bytes=299990-999999999", 299_990, SIZE - 1),
    ("bytes=-7", SIZE - 7, SIZE - 1),
    ("bytes=-999999999", 0, SIZE - 1),
    ("bytes=65535-131072", 65_535, 131_072),
])
def test_a_range_gives_exactly_its_bytes(source, content, asked, first, last):
    answer = requests.get(source, headers={"Range": asked}, timeout=30)
    assert answer.status_code == 206
    assert answer.content == content[first:last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["Content-Length"] == str(last + 1 - first)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("asked", ["bytes=300000-", "bytes=999999-1000000", "bytes=-0"])
def test_a_range_behind_the_end_is_not_satisfiable(source, asked):
    answer = requests.get(source, headers={"Range": asked}, timeout=30)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=x-y", "items=0-1", "bytes", "bytes=--1"])
def test_a_range_that_is_none_gives_the_whole(source, content, asked):
    answer = requests.get(source, headers={"Range": asked}, timeout=30)
    assert answer.status_code == 200
    assert answer.content == content


def test_several_ranges_never_give_other_bytes_than_asked_for(source, content):
    answer = requests.get(source, headers={"Range": "bytes=0-9,20-29"}, timeout=30)
    if answer.status_code == 200:
        assert answer.content == content
    else:
        assert answer.status_code == 206
        assert answer.headers["Content-Type"].startswith("multipart/byteranges")
        assert content[0:10] in answer.content and content[20:30] in answer.content


def test_nothing_has_no_range(site, folder):
    source = site.source(site.upload(folder, b""))
    assert requests.get(source, timeout=30).content == b""
    answer = requests.get(source, headers={"Range": "bytes=0-"}, timeout=30)
    assert answer.status_code == 416


def test_what_has_not_changed_is_not_sent_again(source, content):
    tag = requests.get(source, timeout=30).headers["ETag"]
    again = requests.get(source, headers={"If-None-Match": tag}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")
    other = requests.get(source, headers={"If-None-Match": '"other"'}, timeout=30)
    assert (other.status_code, other.content) == (200, content)
    resumed = requests.get(source, headers={"Range": "bytes=5-9", "If-Range": tag}, timeout=30)
    assert (resumed.status_code, resumed.content) == (206, content[5:10])
    changed = requests.get(
        source, headers={"Range": "bytes=5-9", "If-Range": '"other"'}, timeout=30
    )
    assert (changed.status_code, changed.content) == (200, content)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_browser_saves_a_download_under_its_name(site, folder, name):
    answer = requests.get(site.source(site.upload(folder, b"x", name)), timeout=30)
    found = DISPOSITION.fullmatch(answer.headers["Content-Disposition"])
    assert found, answer.headers["Content-Disposition"]
    fallback, encoded = found.groups()
    assert unquote(encoded) == name
    assert fallback.isascii()
    assert not set(fallback) & set("/\\"), "a fallback is never a path"


def test_without_asking_for_it_there_is_no_source(site, folder):
    upload = site.upload(folder)
    assert "Source" not in site.admin.get_document_version(**upload.ids)["Metadata"]
