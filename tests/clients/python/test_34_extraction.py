"""Thumbnails of what is uploaded: they come by themselves, whoever may see the document sees them, and
no document hurts the server."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
import requests

from client import refused
from twins import Rows
from waiting import until

SIZES = {"SMALL": 100, "SMALL_HQ": 250, "LARGE": 750}
LETTER = "<w:document><w:body><w:p><w:r><w:t>Dear harbour</w:t></w:r></w:p></w:body></w:document>"


def archive(**files):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/") + ".xml", content)
    return written.getvalue()


def docx(content=LETTER):
    return archive(word__document=content)


def png(width, height, rows=None):
    """A picture, or one that only claims to be so large."""
    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = (b"\0" + b"\xff\x80\0" * width) * (height if rows is None else rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))


def pdf(line="Dear harbour"):
    content = f"BT /F 24 Tf 72 700 Td ({line}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font <<"
        " /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]
    text, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (f"{text}xref\n0 5\n0000000000 65535 f \n{table}trailer\n<< /Size 5 /Root 1 0 R >>\n"
            f"startxref\n{len(text)}\n%%EOF\n").encode()


DOCUMENTS = {
    "letter.docx": docx(),
    "letter.pdf": pdf(),
    "picture.png": png(1200, 600),
    "notes.txt": b"Dear harbour\n" * 50,
}
HOSTILE = {
    "bomb.docx": docx(" " * 50_000_000),
    "huge.png": png(65_000, 65_000, rows=1),
    "deep.svg": b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 200_000,
    "broken.pdf": pdf()[:300],
    "secrets.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>"
                   b"<image href='/etc/passwd' width='9' height='9'/></svg",
}


@pytest.fixture(scope="module")
def site(make_site):
    """What is given up goes at once."""
    return make_site(DOCHARBOR_GC_GRACE="1s", DOCHARBOR_EXTRACTION="on")


def thumbnails(client, upload):
    """The URLs that GetDocument and GetDocumentVersion give, which must agree about there being any."""
    document = client.get_document(DocumentId=upload.document)
    latest = document["Metadata"]["LatestVersionMetadata"].get("Thumbnail", {})
    version = client.get_document_version(**upload.ids)["Metadata"].get("Thumbnail", {})
    return latest if latest.keys() == version.keys() else {}


def wait_for_thumbnails(client, upload):
    return until("the thumbnails are there", lambda: thumbnails(client, upload), seconds=120)


def width_and_height(jpeg):
    """Reads the size out of a JPEG's frame header."""
    assert jpeg[:2] == b"\xff\xd8"
    at = 2
    while jpeg[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]
    height, width = struct.unpack(">HH", jpeg[at + 5:at + 9])
    return width, height


def test_what_a_document_says_is_found_by_those_who_may_read_it(site, folder):
    word = "harbourmaster"
    uploads = {
        name: site.upload(folder, content, f"said.{name}")
        for name, content in {
            "docx": docx(LETTER.replace("Dear harbour", f"Dear {word}")),
            "pdf": pdf(f"Dear {word}"),
            "txt": f"Dear {word}".encode(),
        }.items()
    }
    owner, stranger = site.admin, site.person().client()
    asked = {"OrganizationId": site.server.organization_id, "QueryText": word}

    def found(client):
        items = client.search_resources(**asked)["Items"]
        return {item["DocumentMetadata"]["Id"] for item in items}

    wanted = {upload.document for upload in uploads.values()}
    until("all three are found", lambda: found(owner) == wanted, seconds=120)
    assert found(stranger) == set()
    site.upload_version(uploads["txt"].document, b"Dear somebody else")
    until("the new version counts", lambda: uploads["txt"].document not in found(owner), seconds=120)


def test_what_an_older_version_says_is_found_where_versions_are_asked_for(site, folder):
    first = site.upload(folder, b"Dear ferryman", "letter-to-somebody.txt")
    second = site.upload_version(first.document, b"Dear lockkeeper")

    def found(word, kind, member):
        items = site.admin.search_resources(
            OrganizationId=site.server.organization_id, QueryText=word,
            Filters={"ResourceTypes": [kind]},
        )["Items"]
        return [item[member]["Id"] for item in items]

    for upload, word in (first, "ferryman"), (second, "lockkeeper"):
        wanted = [upload.version]
        until(
            f"{word} is found",
            lambda: found(word, "DOCUMENT_VERSION", "DocumentVersionMetadata") == wanted,
            seconds=120,
        )
    assert found("lockkeeper", "DOCUMENT", "DocumentMetadata") == [first.document]
    assert found("ferryman", "DOCUMENT", "DocumentMetadata") == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_thumbnails_come_by_themselves(site, folder, name):
    upload = site.upload(folder, DOCUMENTS[name], name)
    urls = wait_for_thumbnails(site.admin, upload)
    assert urls.keys() == SIZES.keys()
    for size, pixels in SIZES.items():
        assert len(urls[size]) <= 1024
        answer = requests.get(urls[size], timeout=30)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"] == "inline"
        assert max(width_and_height(answer.content)) == pixels
        again = requests.get(urls[size], headers={"If-None-Match": answer.headers["ETag"]}, timeout=30)
        assert (again.status_code, again.content) == (304, b"")
    assert site.download(upload) == DOCUMENTS[name]


def test_a_url_is_for_one_picture_alone(site, folder):
    upload = site.upload(folder, b"text", "a.txt")
    url = wait_for_thumbnails(site.admin, upload)["SMALL"]
    for other in ("LARGE", "small", "..", ""):
        assert requests.get(url.replace("/SMALL?", f"/{other}?"), timeout=30).status_code == 403, other
    assert requests.get(url.replace("/SMALL?", "?"), timeout=30).status_code == 403
    assert requests.put(url, data=b"x", timeout=30).status_code == 403


def test_whoever_may_no_longer_see_a_document_sees_no_picture(site, folder):
    upload = site.upload(folder, b"text", "a.txt")
    wait_for_thumbnails(site.admin, upload)
    bob = site.person()
    client = bob.client()
    with refused("UnauthorizedResourceAccessException"):
        client.get_document(DocumentId=upload.document)
    share = {"Id": bob.id, "Type": "USER", "Role": "VIEWER"}
    site.admin.add_resource_permissions(ResourceId=upload.document, Principals=[share])
    url = thumbnails(client, upload)["LARGE"]
    assert requests.get(url, timeout=30).status_code == 200
    site.admin.remove_resource_permission(ResourceId=upload.document, PrincipalId=bob.id)
    answer = requests.get(url, timeout=30)
    assert answer.status_code in (403, 404) and b"<Error>" in answer.content


def landscape():
    """A letter on its side, with all that other programs ask for."""
    schemas, written = "http://schemas.openxmlformats.org", io.BytesIO()
    word, office = f"{schemas}/wordprocessingml/2006/main", f"{schemas}/officeDocument/2006/relationships"
    files = {
        "[Content_Types].xml":
            f'<Types xmlns="{schemas}/package/2006/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
            '"/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels":
            f'<Relationships xmlns="{schemas}/package/2006/relationships"><Relationship Id="r1" Type='
            f'"{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml":
            f'<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>Dear harbour</w:t></w:r></w:p>'
            '<w:sectPr><w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/></w:sectPr></w:body>'
            '</w:document>',
    }
    with zipfile.ZipFile(written, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return written.getvalue()


def test_an_office_program_prints_the_first_page(make_site):
    settings = {"DOCHARBOR_EXTRACTION": "on", "DOCHARBOR_OFFICE_PROGRAM": "/usr/bin/soffice"}
    site = make_site(**settings)
    folder = site.folder(site.person().root)
    # What it cannot print is looked into as ever.
    uploads = [site.upload(folder, content, name) for content, name in (
        (landscape(), "printed.docx"), (docx(), "drawn.docx"), (b"text", "a.txt"))]
    urls = [wait_for_thumbnails(site.admin, upload) for upload in uploads]
    sides = [width_and_height(requests.get(each["LARGE"], timeout=30).content) for each in urls]
    assert [width > height for width, height in sides] == [True, False, False], sides
    assert list((site.server.data / "office").iterdir()) == []
    search = {"OrganizationId": site.server.organization_id, "QueryText": "harbour"}
    found = site.admin.search_resources(**search)["Items"]
    assert {item["DocumentMetadata"]["Id"] for item in found} == {each.document for each in uploads[:2]}
    left = site.server.data / "office" / "7"
    left.mkdir()
    site.server.restart()
    assert not left.exists()


def process(pid):
    """The name, state and parent of a process; nothing when it is gone."""
    try:
        name, rest = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(") ", 1)
    except (FileNotFoundError, ProcessLookupError):
        return None, None, None
    state, parent = rest.split()[:2]
    return name, state, int(parent)


def test_an_office_program_ends_with_a_server_that_is_killed(make_site, tmp_path):
    program = tmp_path / "office"
    program.write_text("#!/bin/sh\nexec sleep 3600\n")
    program.chmod(0o755)
    site = make_site(DOCHARBOR_EXTRACTION="on", DOCHARBOR_OFFICE_PROGRAM=str(program))
    site.upload(site.person().root, docx(), "a.docx")
    server = site.server.process.pid

    def started():
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in pids if process(pid)[0] == "sleep" and process(pid)[2] == server]

    pid, = until("the office program works", started, seconds=60)
    office = site.server.data / "office"
    assert len(list(office.iterdir())) == 1
    site.server.kill()
    until("it is gone", lambda: process(pid)[1] in (None, "Z", "X"))
    site.server.settings = {"DOCHARBOR_OFFICE_PROGRAM": str(program), "DOCHARBOR_EXTRACTION": "on"}
    site.server.start()
    # The attempt counts as going on, so nobody has made a new one.
    assert list(office.iterdir()) == []


def test_an_office_program_that_is_not_there_is_said_at_the_start(make_site):
    site = make_site(DOCHARBOR_EXTRACTION="on")
    site.server.settings = {"DOCHARBOR_EXTRACTION": "on", "DOCHARBOR_OFFICE_PROGRAM": "/nowhere"}
    site.server.stop()
    refused = site.server.run("serve", str(site.server.data), expect=1)
    assert "The office program /nowhere cannot be used" in refused.stderr
    site.server.settings = {"DOCHARBOR_EXTRACTION": "on"}


def test_hostile_documents_are_documents_like_others(site, folder):
    hostile = {name: site.upload(folder, content, name) for name, content in HOSTILE.items()}
    good = site.upload(folder, b"still here", "good.txt")
    wait_for_thumbnails(site.admin, good)
    for name, upload in hostile.items():
        assert site.download(upload) == HOSTILE[name]
        if name == "broken.pdf":
            continue
        noted = f"SELECT state, due_ms FROM extraction WHERE version_id = '{upload.version}'"
        until(
            f"{name} is noted as one that gives nothing",
            lambda: Rows(site.server).ask(noted) == [("NOT_EXTRACTABLE", None)],
            seconds=120,
        )
        assert not thumbnails(site.admin, upload), name
    assert site.server.health("ready") == 200


def test_what_is_deleted_leaves_no_picture(site, ann):
    folder = site.folder(ann.root)
    blobs = site.server.data / "blobs"

    def files():
        return sum(path.is_file() for path in blobs.rglob("*"))

    upload = site.upload(folder, b"text", "a.txt")
    url = wait_for_thumbnails(site.admin, upload)["SMALL"]
    site.admin.delete_document(DocumentId=upload.document)
    assert requests.get(url, timeout=30).status_code in (403, 404)
    before = files()
    assert 2 <= before
    until("the bytes are gone", lambda: files() < before - 1, seconds=90)


def files_of(site):
    return {path for path in (site.server.data / "blobs").rglob("*") if path.is_file()}


def drawn(site, folder):
    """A document with thumbnails, and the file that these are in."""
    before = files_of(site)
    upload = site.upload(folder, b"text", f"{site.name('drawn')}.txt")
    original = files_of(site) - before
    wait_for_thumbnails(site.admin, upload)
    [file] = files_of(site) - before - original
    return upload, file


def test_thumbnails_whose_file_is_lost_come_back_when_somebody_looks_for_them(site, folder):
    upload, file = drawn(site, folder)
    url = thumbnails(site.admin, upload)["SMALL"]
    file.unlink()
    told = site.server.run("verify", str(site.server.data), expect=1).stdout
    assert f"missing: thumbnails of {upload.version}, made anew by reindex" in told
    answer = requests.get(url, timeout=30)
    assert answer.status_code in (403, 404) and b"<Error>" in answer.content
    urls = wait_for_thumbnails(site.admin, upload)
    assert requests.get(urls["SMALL"], timeout=30).status_code == 200
    site.server.verify()


def test_what_is_lost_comes_back_by_a_command(site, folder):
    upload, file = drawn(site, folder)
    reindex = ["reindex", str(site.server.data)]
    assert "\n0 versions will be looked into" in site.server.run(*reindex).stdout
    file.unlink()
    assert "\n1 versions will be looked into" in site.server.run(*reindex).stdout
    urls = wait_for_thumbnails(site.admin, upload)
    assert requests.get(urls["SMALL"], timeout=30).status_code == 200
    # All of it, while it is being looked at.
    assert "\n0 versions" not in site.server.run(*reindex, "--all").stdout
    assert requests.get(urls["SMALL"], timeout=30).status_code == 200
    until("all is made anew", lambda: Rows(site.server).ask(
        "SELECT COUNT(*) FROM extraction WHERE state = 'DUE'"
    )[0][0] == 0, seconds=120)
    assert requests.get(urls["SMALL"], timeout=30).status_code == 200
    site.server.verify()


def test_extraction_can_be_switched_off(make_site):
    site = make_site(DOCHARBOR_EXTRACTION="off")
    upload = site.upload(site.person().root, b"text", "a.txt")
    assert thumbnails(site.admin, upload) == {}
    site.server.settings = {"DOCHARBOR_EXTRACTION": "on"}
    site.server.restart()
    wait_for_thumbnails(site.admin, upload)
    # Whoever cannot make them does not give them up.
    site.server.settings = {"DOCHARBOR_EXTRACTION": "off"}
    site.server.restart()
    done = site.server.run("reindex", str(site.server.data), "--all", expect=3).stdout
    assert "extraction is off" in done and "\n0 versions will be looked into" in done
    assert requests.get(thumbnails(site.admin, upload)["SMALL"], timeout=30).status_code == 200
    site.server.verify()


def test_a_server_that_is_stopped_gives_back_the_documents_in_hand(make_site):
    site = make_site(DOCHARBOR_EXTRACTION="off")
    root = site.person().root
    for number in range(40):
        site.upload(root, b"Dear harbour\n" * 5000, f"{number}.txt")
    site.server.settings = {"DOCHARBOR_EXTRACTION": "on"}
    site.server.restart()

    def count(state):
        return Rows(site.server).ask(f"SELECT COUNT(*) FROM extraction WHERE state = {state}")[0][0]

    until("the first was looked into", lambda: count("'EXTRACTED'") > 0, seconds=120)
    site.server.stop()
    assert count("'DUE'") > 0, "no document was left to be in hand"
    assert count("'DUE' AND attempts > 0") == 0
    site.server.start()
    until("all were looked into", lambda: count("'EXTRACTED'") == 40, seconds=120)
