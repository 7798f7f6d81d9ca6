"""One server for every file of stories, on each engine; whatever a file does to it, its data must
verify and its log must be clean."""

import json
import os

import pytest

from cluster import Cluster
from server import ROOT_SECRET, Server
from site_story import PASSWORD, Site

ENGINES = os.environ.get("DOCHARBOR_TEST_ENGINES", "sqlite,postgres").split(",")


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def make_site(request, engine):
    """Starts servers with settings of their own."""
    made = []

    def make(**settings):
        cluster = request.getfixturevalue("cluster") if engine == "postgres" else None
        made.append(Server(cluster, settings))
        return Site(made[-1])

    yield make
    try:
        for server in made:
            end_well(server)
    finally:
        for server in made:
            server.remove()


@pytest.fixture(scope="module")
def site(make_site):
    return make_site()


@pytest.fixture(scope="module")
def ann(site):
    return site.person()


@pytest.fixture
def folder(site, ann):
    """An empty folder for one story."""
    return site.folder(ann.root)


def end_well(server):
    if server.process.poll() is None:
        server.stop()
    server.verify()
    log = server.log()
    for line in log.splitlines():
        json.loads(line)
    for secret in (ROOT_SECRET, PASSWORD, "X-Amz-Signature=", "panicked"):
        assert secret not in log
