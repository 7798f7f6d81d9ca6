"""Whatever dies in the middle of uploads, what was answered is there afterwards."""

import os
import random
import signal
import time

import pytest

from client import workdocs
from conftest import ENGINES
from load import Load
from site_story import Site
from waiting import until, until_clock

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
    server.stop()
    # What the last dead process left behind must be older than the grace to be taken for garbage.
    until_clock(time.time() + 1.1)
    server.start()
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
