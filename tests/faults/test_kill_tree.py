"""Whatever dies while items are renamed, moved, recycled, restored and shared, each is afterwards as
the last answer said, or as the call said that got none."""

import os
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from client import workdocs
from conftest import ENGINES
from site_story import Site

KILLS = max(2, int(os.environ.get("DOCHARBOR_KILLS", "50")) // 5)
KILLS_ON_POSTGRES = max(1, KILLS // 3)
LANES = 4


class Lane:
    """One item that one thread changes, and what it should be by the answers so far."""

    def __init__(self, site, ann, bob, is_document, seed):
        self.server, self.ann, self.bob = site.server, ann, bob
        self.choices = random.Random(seed)
        self.homes = [site.folder(ann.root), site.folder(ann.root)]
        self.member = "DocumentId" if is_document else "FolderId"
        name = site.name("changing")
        made = site.upload(self.homes[0], name=name).document if is_document else (
            site.folder(self.homes[0], name)
        )
        self.id = made
        self.known = {"name": name, "home": self.homes[0], "recycled": False, "shared": False,
                      "labels": frozenset()}
        self.said = self.known
        self.answered = 0

    def run(self, ended):
        """Makes changes until the server is gone."""
        client = workdocs(self.server)
        while not ended.is_set():
            change, call = self.next_change(client)
            self.said = self.known | change
            try:
                call()
            except (ConnectionError, HTTPClientError, OSError):
                return
            self.known = self.said
            self.answered += 1

    def next_change(self, client):
        """What is to be changed, and the call that does it."""
        update = client.update_document if self.member == "DocumentId" else client.update_folder
        item = {self.member: self.id}
        if self.known["recycled"]:
            home = self.choices.choice(self.homes)
            return {"recycled": False, "home": home}, lambda: update(
                **item, ResourceState="ACTIVE", ParentFolderId=home
            )
        return self.choices.choice([self.rename, self.move, self.recycle, self.share, self.label])(
            client, update, item
        )

    def rename(self, _client, update, item):
        name = f"changing-{self.choices.randrange(1 << 32)}"
        return {"name": name}, lambda: update(**item, Name=name)

    def move(self, _client, update, item):
        home = self.choices.choice(self.homes)
        return {"home": home}, lambda: update(**item, ParentFolderId=home)

    def recycle(self, _client, update, item):
        return {"recycled": True}, lambda: update(**item, ResourceState="RECYCLED")

    def share(self, client, _update, _item):
        if self.known["shared"]:
            return {"shared": False}, lambda: client.remove_resource_permission(
                ResourceId=self.id, PrincipalId=self.bob.id
            )
        principal = {"Id": self.bob.id, "Type": "USER", "Role": "VIEWER"}
        return {"shared": True}, lambda: client.add_resource_permissions(
            ResourceId=self.id, Principals=[principal]
        )

    def label(self, client, _update, _item):
        if self.known["labels"]:
            return {"labels": frozenset()}, lambda: client.delete_labels(
                ResourceId=self.id, DeleteAll=True
            )
        return {"labels": frozenset({"red"})}, lambda: client.create_labels(
            ResourceId=self.id, Labels=["red"]
        )

    def check(self):
        """Holds the item to what was answered; a call without an answer happened or did not."""
        client = workdocs(self.server)
        get = client.get_document if self.member == "DocumentId" else client.get_folder
        found = get(**{self.member: self.id})["Metadata"]
        principals = client.describe_resource_permissions(ResourceId=self.id)["Principals"]
        recycled = found["ResourceState"] == "RECYCLED"
        assert recycled == (found["ParentFolderId"] == self.ann.recycle_bin)
        now = {
            "name": found.get("Name") or found["LatestVersionMetadata"]["Name"],
            # What lies in the bin stands nowhere else.
            "home": self.known["home"] if recycled else found["ParentFolderId"],
            "recycled": recycled,
            "shared": self.bob.id in [principal["Id"] for principal in principals],
            "labels": frozenset(found.get("Labels", [])),
        }
        assert now in (self.known, self.said)
        self.known = self.said = now


@pytest.mark.parametrize("engine", ENGINES)
def test_an_acknowledged_change_of_the_tree_survives_the_death_of_the_server(
    engine, cluster_of, make_server, seed
):
    server = make_server(cluster=cluster_of(engine))
    site = Site(server)
    ann, bob = site.person(), site.person()
    lanes = [Lane(site, ann, bob, number % 2 == 0, f"{seed} {number}") for number in range(LANES)]
    moments = random.Random(seed)
    for _ in range(KILLS if engine == "sqlite" else KILLS_ON_POSTGRES):
        ended, failures = threading.Event(), []

        def run(lane, ended=ended, failures=failures):
            try:
                lane.run(ended)
            except (AssertionError, ClientError) as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=[lane]) for lane in lanes]
        for thread in threads:
            thread.start()
        time.sleep(moments.uniform(0.05, 0.6))
        server.kill()
        ended.set()
        for thread in threads:
            thread.join()
        assert failures == []
        server.start()
        for lane in lanes:
            lane.check()
        server.verify()
    assert min(lane.answered for lane in lanes) > 0
