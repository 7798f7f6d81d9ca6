"""What a real browser makes of a download's name: one file for each document, in the folder for
downloads and nowhere else, under its own name as far as a file may have it."""

import contextlib
import html
import json
import os
import re
import subprocess
import urllib.parse
from email.message import Message

import pytest
import requests

from conftest import ENGINES
from waiting import until

# Names, and what a browser on this system may call the file.
NAMES = {
    "plan.txt": "plan.txt",
    "é ü.txt": "é ü.txt",
    "世界.html": "世界.html",
    "🎉 party.txt": "🎉 party.txt",
    "x'y.txt": "x'y.txt",
    "100%.txt": "100%.txt",
    "100%41.txt": "100%41.txt",
    "a;b,c=d.txt": "a;b,c=d.txt",
    'q"; filename="evil.exe': "q_; filename=_evil.exe",
    "r\"; filename*=UTF-8''evil.exe": "r_; filename_=UTF-8''evil.exe",
    "../up.txt": "_up.txt",
    "..\\down.txt": "_down.txt",
    "/etc/cron.txt": "_etc_cron.txt",
    "isolated\u2067txt\u2069.txt": "isolated_txt_.txt",
    "=?UTF-8?Q?evil=2Eexe?=.txt": "=_UTF-8_Q_evil=2Eexe_=.txt",
}


@pytest.fixture(scope="module")
def engine():
    """A name comes out of every database as it went in, which other tests see to."""
    return ENGINES[0]


@pytest.fixture(scope="module")
def documents(site, ann):
    """A document for each name, whose bytes are its name, and its URL."""
    folder = site.folder(ann.root)
    return {name: site.source(site.upload(folder, name.encode(), name)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_download_has_one_name_by_the_standard(documents, name):
    answer = requests.get(documents[name], timeout=30)
    headers = answer.raw.headers.getlist("Content-Disposition")
    assert len(headers) == 1
    # The reader of RFC 2231 in Python's library, which prefers the encoded name as RFC 6266 asks.
    message = Message()
    message["Content-Disposition"] = headers[0]
    assert message.get_content_disposition() == "attachment"
    parameters = re.findall(r';\s*([a-z*]+)=("[^"]*"|[^;]*)', headers[0])
    assert [parameter for parameter, _ in parameters] == ["filename", "filename*"]
    charset, _, encoded = parameters[1][1].split("'", 2)
    assert (charset, urllib.parse.unquote(encoded, errors="strict")) == ("UTF-8", name)
    assert set(answer.headers) & {"Set-Cookie", "Location", "Refresh"} == set()


@pytest.fixture(scope="module")
def downloaded(documents, tmp_path_factory):
    """What the browser has put into its folder for downloads after it opened every document."""
    directory = tmp_path_factory.mktemp("browser")
    folder, profile = directory / "downloads", directory / "profile"
    folder.mkdir()
    (profile / "Default").mkdir(parents=True)
    (profile / "Default/Preferences").write_text(json.dumps({
        "download": {"default_directory": str(folder), "prompt_for_download": False},
        "profile": {"default_content_setting_values": {"automatic_downloads": 1}},
    }))
    page = directory / "page.html"
    page.write_text("".join(f"<iframe src='{html.escape(url)}'></iframe>" for url in documents.values()))
    with open(directory / "log", "wb") as log:
        browser = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage",
             f"--user-data-dir={profile}", str(page)],
            env={"PATH": os.environ["PATH"], "HOME": str(directory), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )

    def complete():
        assert browser.poll() is None, (directory / "log").read_text(errors="replace")
        names = [path.name for path in folder.iterdir()]
        is_whole = not any(name.endswith(".crdownload") or name.startswith(".") for name in names)
        return is_whole and len(names) >= len(NAMES)

    try:
        with contextlib.suppress(AssertionError):
            until("every document is downloaded", complete, seconds=60)
        files = {path.name: path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()}
        outside = [path for path in directory.iterdir() if path.name.endswith((".txt", ".exe"))]
        yield files, outside, (directory / "log").read_text(errors="replace")
    finally:
        browser.terminate()
        browser.wait(timeout=30)


def test_a_browser_keeps_every_download_under_its_own_name(downloaded):
    files, outside, log = downloaded
    kept = {content: name for name, content in files.items()}
    assert kept == NAMES, log[-1500:]
    assert outside == []
