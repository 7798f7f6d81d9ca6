"""The disk under the server loses its power or its room; what was answered is there afterwards."""

import os
import random
import time

import pytest
import requests
from botocore.exceptions import ClientError

from disk import Disk
from load import Load
from site_story import Site
from waiting import until

CUTS = {
    "ext4": int(os.environ.get("DOCHARBOR_CUTS", "20")),
    "xfs": max(1, int(os.environ.get("DOCHARBOR_CUTS", "20")) // 4),
}
KIB = 1024
MIB = 1024 * KIB
# What an upload may be refused with for want of room.
FULL = (409, 413, 503)


@pytest.fixture
def make_disk(tmp_path):
    made = []

    def make(kind, size_bytes):
        made.append(Disk(tmp_path, kind, size_bytes))
        return made[-1]

    yield make
    for disk in made:
        disk.remove()


@pytest.fixture
def make_server_on(make_disk, make_server):
    """Starts servers with their data on a disk; they end before it goes."""
    servers = []

    def make(disk):
        servers.append(make_server(data=disk.place / "data"))
        return servers[-1]

    yield make
    for server in servers:
        server.end()


@pytest.mark.parametrize("kind", CUTS)
def test_an_acknowledged_effect_survives_a_power_cut(
    kind, make_disk, make_server_on, seed, tmp_path
):
    disk = make_disk(kind, 512 * MIB)
    server = make_server_on(disk)
    load = Load(server, Site(server).person().root, seed, tmp_path / "ledger")
    moments = random.Random(seed)

    def cut():
        time.sleep(moments.uniform(0.05, 0.8))
        disk.cut()
        # Room for an answer that should not be given any more.
        time.sleep(0.1)
        server.end()

    for _ in range(CUTS[kind]):
        load.run_until(cut)
        disk.come_back()
        server.start()
        load.check()
        server.verify()
    load.check(everything=True)
    print(f"{load.ledger.effects} effects were answered, {load.active()} versions are left")
    assert load.ledger.effects > load.rounds


def test_uploads_that_fill_the_disk_leave_room_to_delete(make_disk, make_server_on):
    disk = make_disk("ext4", 192 * MIB)
    server = make_server_on(disk)
    site = Site(server)
    root = site.person().root
    kept = [each for size in (MIB, 64 * KIB, 1) for each in fill(site, root, size)]
    print(f"{len(kept)} uploads fill the disk")
    assert 20 <= len(kept)
    # Coming back, too, must be possible on what the uploads left.
    server.kill()
    server.start()
    process = server.process
    for done, _ in kept[::2]:
        site.admin.delete_document(DocumentId=done.document)
    until("uploads are taken again", lambda: upload(site, root, bytes(MIB)), seconds=60)
    assert server.process is process and process.poll() is None
    end_whole(server, site, kept[1::2])


def test_a_disk_that_others_filled_costs_no_data_and_no_restart(make_disk, make_server_on):
    disk = make_disk("ext4", 192 * MIB)
    server = make_server_on(disk)
    site = Site(server)
    root = site.person().root
    process = server.process
    content = random.Random(1).randbytes(256 * KIB)
    kept = [(upload(site, root, content), content) for _ in range(10)]
    stuff(disk.place / "filler")

    assert upload(site, root, content) is None, "it was taken with no room for it"
    attempted = [try_folder(site, root, f"folder {number}") for number in range(20)]
    page = site.admin.describe_folder_contents(FolderId=root, Type="FOLDER", Limit=100)
    assert {one["Id"] for one in page["Folders"]} == {one for one in attempted if one}
    for done, content in kept:
        assert site.download(done) == content

    (disk.place / "filler").unlink()
    until("uploads are taken again", lambda: upload(site, root, content), seconds=30)
    for done, _ in kept[::2]:
        site.admin.delete_document(DocumentId=done.document)
    assert server.process is process and process.poll() is None
    end_whole(server, site, kept[1::2])


def end_whole(server, site, kept):
    """What was taken is there, before a restart and after it."""
    assert server.health("ready") == 200
    for restart in (False, True):
        if restart:
            server.restart()
        server.verify()
        for done, content in kept:
            assert site.download(done) == content


def fill(site, folder, size_bytes):
    """Uploads until there is no room; answers what was taken."""
    kept = []
    for number in range(3000):
        content = random.Random(number).randbytes(size_bytes)
        done = upload(site, folder, content)
        if done is None:
            return kept
        kept.append((done, content))
    raise AssertionError("the disk never got full")


def upload(site, folder, content):
    """The upload if all of it was taken, `None` if it was refused as it should be."""
    try:
        begun = site.initiate(ParentFolderId=folder, Name=site.name())
        answer = begun.try_put(content)
        if answer.status_code != 200:
            assert answer.status_code in FULL, answer.text
            return None
        begun.activate()
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] in FULL, error
        return None
    return begun


def try_folder(site, parent, name):
    try:
        return site.folder(parent, name)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ServiceUnavailableException", error
        return None


def stuff(path):
    """Takes all the room there is."""
    with open(path, "wb", buffering=0) as filler:
        for size in (MIB, 4 * KIB, 1):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                continue
