"""Faults are told with the words of the client stories: their server, their cluster, their client."""

import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients/python"))

from cluster import Cluster  # noqa: E402
from crashing import CrashingServer  # noqa: E402

ENGINES = os.environ.get("DOCHARBOR_TEST_ENGINES", "sqlite,postgres").split(",")


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def cluster_of(request):
    """The cluster an engine needs; SQLite needs none."""
    return lambda engine: request.getfixturevalue("cluster") if engine == "postgres" else None


@pytest.fixture
def make_server():
    """Starts servers that a test may kill."""
    made = []

    def make(**options):
        made.append(CrashingServer(**options))
        return made[-1]

    yield make
    try:
        for server in made:
            assert '"message":"panic"' not in server.log(), server.log_path
    finally:
        for server in made:
            server.remove()


@pytest.fixture
def seed(request):
    """What decides every choice of a test; not the order in which threads come to run."""
    seed = int(os.environ.get("DOCHARBOR_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"repeat: DOCHARBOR_SEED={seed} python -m pytest '{request.node.nodeid}'")
    return seed
