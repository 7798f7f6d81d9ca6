"""Whatever dies in the middle of uploads, what was answered is there afterwards."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from client import refused, workdocs
from conftest import ENGINES
from load import Load
from server import BINARY_WITH_FAILPOINTS, REPOSITORY
from site_story import Site
from story import Story, come_back
from waiting import until

KILLS = int(os.environ.get("DOCHARBOR_KILLS", "50"))
KILLS_ON_POSTGRES = max(1, KILLS // 5)
KILLS_OF_POSTGRES = max(2, KILLS // 10)


def begin(server, seed, tmp_path):
    """A load in the folder of a new user."""
    return Load(server, Site(server).person().root, seed, tmp_path / "ledger")


def check(server, load, everything=False):
    load.check(everything)
    server.verify()


def end_well(server, load):
    """In the end nothing is left but what somebody can still see."""
    load.abort_all()
    age_blobs(server)
    client = workdocs(server)
    root = load.lanes[0].root.id

    def is_swept():
        # The jobs look for work when something was deleted, or much later.
        made = client.create_folder(ParentFolderId=root, Name="wakes the jobs")["Metadata"]["Id"]
        client.delete_folder(FolderId=made)
        return len(server.blobs()) <= load.active()

    until("the garbage is gone", is_swept, seconds=60, every=0.5)
    assert len(server.blobs()) == load.active()
    assert server.staged() == []
    check(server, load, everything=True)
    server.verify(grace="1s")
    print(f"{load.ledger.effects} effects were answered, {load.active()} versions are left")
    assert load.ledger.effects > load.rounds


@pytest.mark.parametrize("engine", ENGINES)
def test_an_acknowledged_effect_survives_the_death_of_the_server(
    engine, cluster_of, make_server, seed, tmp_path
):
    server = make_server(cluster=cluster_of(engine))
    load = begin(server, seed, tmp_path)
    moments = random.Random(seed)

    def die():
        time.sleep(moments.uniform(0.05, 0.8))
        server.kill()

    for _ in range(KILLS if engine == "sqlite" else KILLS_ON_POSTGRES):
        load.run_until(die)
        if moments.random() < 0.2:
            # It dies again, somewhere in its start.
            server.begin()
            time.sleep(moments.uniform(0, 0.3))
            server.kill()
        server.start()
        check(server, load)
    end_well(server, load)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_documents_gave_is_whole_whenever_the_server_dies(
    engine, cluster_of, make_server, seed
):
    server = make_server(cluster=cluster_of(engine), settings={"DOCHARBOR_EXTRACTION": "on"})
    site = Site(server)
    root = site.person().root
    moments = random.Random(seed)
    uploads = []

    def pictured():
        shown = [site.admin.get_document_version(**upload.ids)["Metadata"] for upload in uploads]
        return [version["Thumbnail"]["SMALL"] for version in shown if version.get("Thumbnail")]

    for number in range(KILLS_ON_POSTGRES):
        uploads += [
            site.upload(root, f"Dear harbour {number}".encode(), f"{number}-{of_round}.txt")
            for of_round in range(4)
        ]
        time.sleep(moments.uniform(0, 1))
        server.kill()
        server.start()
        server.verify()
    for url in until("something was looked into", pictured, seconds=60):
        assert requests.get(url, timeout=30).content.startswith(b"\xff\xd8")
    age_blobs(server)
    until("what the dead left is gone", lambda: is_sound(server), seconds=60, every=0.5)
    print(f"{len(pictured())} of {len(uploads)} documents were looked into")


def is_sound(server):
    try:
        server.verify(grace="1s")
    except AssertionError:
        return False
    return True


def age_blobs(server):
    """What dead processes left behind is taken for garbage only once it is old enough."""
    server.stop()
    long_ago = time.time() - 86_400
    for blob in (server.data / "blobs").rglob("*"):
        if blob.is_file():
            os.utime(blob, (long_ago, long_ago))
    server.start()


@pytest.mark.skipif("postgres" not in ENGINES, reason="PostgreSQL is left out")
def test_an_acknowledged_effect_survives_the_death_of_postgresql(
    cluster, make_server, seed, tmp_path
):
    server = make_server(cluster=cluster)
    load = begin(server, seed, tmp_path)
    moments = random.Random(seed)
    process = server.process

    def die(number):
        time.sleep(moments.uniform(0.1, 0.8))
        if number % 2:
            cluster.stop()
        else:
            kill_postgresql(cluster)
        time.sleep(moments.uniform(0, 1))
        cluster.start()
        until("the server found its database again", server._is_ready)
        time.sleep(0.2)

    for number in range(KILLS_OF_POSTGRES):
        load.run_until(lambda number=number: die(number))
        assert server.process is process and process.poll() is None
        check(server, load)
    end_well(server, load)


def kill_postgresql(cluster):
    """Kills the first process; the others end when they see it, and the next start needs that."""
    first = cluster.process.pid
    with open(f"/proc/{first}/task/{first}/children") as listed:
        others = [int(pid) for pid in listed.read().split()]
    cluster.process.send_signal(signal.SIGKILL)
    cluster.process.wait()
    until("all of PostgreSQL ended", lambda: not any(is_alive(pid) for pid in others))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# The steps of the server, one by one.


def points():
    """Every point at which the server can be told to die, as its source names them."""
    named = re.compile(r'(?:fail_point|step_done)!\("([a-z_:]+)"')
    sources = (REPOSITORY / "crates").glob("*/src/**/*.rs")
    return sorted({name for source in sources for name in named.findall(source.read_text())})


def test_the_points_are_found():
    assert {"blobs::after_rename", "metadata::before_commit", "site::before_attach"} <= {*points()}


# The steps of the blob store are the same on both engines.
STEPS = [
    (engine, point) for engine in ENGINES for point in points()
    if engine == "sqlite" or not point.startswith("blobs::")
]


@pytest.mark.parametrize(("engine", "point"), STEPS)
def test_a_death_at_any_step_leaves_the_old_state_or_the_new_one(
    engine, point, cluster_of, make_server
):
    # Garbage that piles up over the deaths would make ever more steps of every start.
    settings = {"DOCHARBOR_GC_GRACE": "1d"}
    server = make_server(
        cluster=cluster_of(engine), settings=settings, binary=BINARY_WITH_FAILPOINTS
    )
    site = Site(server)
    root = site.person().root
    states = Story(server, site.folder(root)).reference()
    died_in = []
    # One step further every time, until the whole story is told without coming to it.
    for passes in range(100):
        folder = site.folder(root)
        server.stop()
        server.begin(CRASH_AT=f"{point}={passes}")
        until("it is ready or dead", lambda: is_dead(server) or server.health("ready") == 200)
        if is_dead(server):
            come_back(server)
            died_in.append("its start")
            continue
        told = Story(server, folder).through_death(states)
        if told is None and not is_dead(server):
            break
        if is_dead(server):
            come_back(server)
        died_in.append(told or "its jobs")
    print(f"{point}: {died_in}")
    # Every call of the story changes something; three of them bring bytes.
    least = 10 if point.startswith("metadata::") else 3
    assert len({*died_in} - {"its start", "its jobs"}) >= least, died_in
    assert len(died_in) < 100
    # What it was told to die of may come yet, with its jobs: it is not asked to stop in good order.
    server.kill()
    server.start()
    server.verify()


def is_dead(server):
    return server.process.poll() is not None


@pytest.mark.parametrize("point", ["metadata::before_commit", "metadata::after_commit"])
def test_an_sdk_gets_its_one_effect_over_the_death_of_the_server(point, make_server):
    server = make_server(binary=BINARY_WITH_FAILPOINTS)
    site = Site(server)
    folder = site.folder(site.person().root)
    server.stop()
    # Far enough to come up, near enough to die of the calls below.
    server.start(CRASH_AT=f"{point}=25")
    client = workdocs(server, attempts=8)
    names = [f"folder {number}" for number in range(30)]
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(
            lambda: [client.create_folder(ParentFolderId=folder, Name=name) for name in names]
        )
        # The process must be started here: it ends with the thread that started it.
        until("it died", lambda: is_dead(server))
        come_back(server)
        answers = made.result()
    assert sum(answer["ResponseMetadata"]["RetryAttempts"] for answer in answers) >= 1
    found = client.describe_folder_contents(FolderId=folder, Type="FOLDER", Limit=100)["Folders"]
    assert sorted(one["Id"] for one in found) == sorted(
        answer["Metadata"]["Id"] for answer in answers
    )


# A disk that says that it could not keep what it was given.


@pytest.mark.parametrize("point", ["blobs::after_file_fsync", "blobs::after_directory_fsync"])
def test_bytes_that_cannot_be_flushed_end_the_server(point, make_server):
    server = make_server(binary=BINARY_WITH_FAILPOINTS)
    site = Site(server)
    root = site.person().root
    kept = site.upload(root, b"kept")
    server.stop()
    server.start(FAILPOINTS=f"{point}=return(5)")
    upload = site.initiate(ParentFolderId=root, Name="lost")
    try:
        assert 500 <= upload.try_put(b"lost").status_code
    except requests.ConnectionError:
        pass
    assert server.process.wait(timeout=30) == 1
    server.start()
    server.verify()
    assert site.download(kept) == b"kept"
    with refused("ProhibitedStateException"):
        upload.activate()
    upload.put(b"found")
    upload.activate()
    assert site.download(upload) == b"found"


@pytest.mark.parametrize("point", ["blobs::after_staging_write", "blobs::after_rename"])
def test_a_disk_that_fails_once_costs_one_answer(point, make_server):
    server = make_server(binary=BINARY_WITH_FAILPOINTS)
    site = Site(server)
    root = site.person().root
    server.stop()
    server.start(FAILPOINTS=f"{point}=1*return(5)")
    upload = site.initiate(ParentFolderId=root, Name="twice")
    assert 500 <= upload.try_put(b"first").status_code
    upload.put(b"second")
    upload.activate()
    assert site.download(upload) == b"second"
    assert server.process.poll() is None
    server.verify()


@pytest.mark.parametrize("number", range(1, 6))
def test_a_commit_that_cannot_be_flushed_ends_the_server(number, make_server, tmp_path):
    server = make_server()
    site = Site(server)
    folder = site.folder(site.person().root)
    tracer = trace(
        server, tmp_path / "strace", "-P", str(server.data / "meta.db-wal"),
        "-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:error=EIO:when={number}",
    )
    acknowledged = []
    try:
        for attempt in range(50):
            acknowledged.append(site.folder(folder, f"folder {attempt}"))
    except (HTTPClientError, ConnectionError):
        pass
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    status = server.process.wait(timeout=30)
    tracer.wait(timeout=30)
    assert status == 1
    assert len(acknowledged) < number
    server.start()
    server.verify()
    found = site.admin.describe_folder_contents(FolderId=folder, Type="FOLDER")["Folders"]
    assert {*acknowledged} <= {one["Id"] for one in found}
    # The call that met the error may have come to the disk all the same; no other can have.
    assert len(found) <= len(acknowledged) + 1


def trace(server, log, *arguments):
    """Has strace attached to the server, or skips the test."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")
    with open(log, "wb") as output:
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", *arguments, "-p", str(server.process.pid)],
            stdin=subprocess.DEVNULL, stderr=output,
        )
    until(
        "strace is attached or gone",
        lambda: tracer.poll() is not None or "attached" in log.read_text(),
    )
    if tracer.poll() is not None:
        pytest.skip(f"strace may not attach here: {log.read_text().strip()}")
    return tracer
