"""A folder of 2,500 items, page by page."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from client import refused, workdocs

FOLDERS = [f"folder {number:04}" for number in range(2000)]
DOCUMENTS = [f"document {number:04}" for number in range(500)]


@pytest.fixture(scope="module")
def crowded(site, ann):
    """The folder, and the ids of everything in it."""
    crowded = site.folder(ann.root, "crowded")
    with ThreadPoolExecutor(16) as threads:
        folders = list(threads.map(lambda name: site.folder(crowded, name), FOLDERS))
        documents = list(threads.map(
            lambda name: site.upload(crowded, name.encode(), name).document, DOCUMENTS
        ))
    return crowded, folders + documents


def pages_of(site, folder, limit, **members):
    return site.admin.get_paginator("describe_folder_contents").paginate(
        FolderId=folder, **members, PaginationConfig={"PageSize": limit}
    )


def ids_on(page):
    return [item["Id"] for item in page["Folders"] + page["Documents"]]


@pytest.mark.parametrize("limit", [1, 99, 100, 999])
def test_every_item_comes_once_and_in_order(site, crowded, limit):
    folder, ids = crowded
    pages = list(pages_of(site, folder, limit))
    assert [id for page in pages for id in ids_on(page)] == ids
    assert all(len(ids_on(page)) == limit for page in pages[:-1])
    assert all("Marker" in page for page in pages[:-1])
    assert "Marker" not in pages[-1]


@pytest.mark.parametrize("members", [
    {"Sort": "NAME", "Order": "DESCENDING"},
    {"Sort": "DATE", "Order": "ASCENDING"},
    {"Sort": "DATE", "Order": "DESCENDING"},
    {"Type": "DOCUMENT", "Sort": "DATE"},
    {"Type": "FOLDER", "Include": "INITIALIZED"},
], ids=str)
def test_no_sorting_loses_or_doubles_an_item(site, crowded, members):
    folder, ids = crowded
    kind = members.get("Type")
    expected = ids[2000:] if kind == "DOCUMENT" else ids[:2000] if kind == "FOLDER" else ids
    listed = [id for page in pages_of(site, folder, 333, **members) for id in ids_on(page)]
    assert len(listed) == len(expected)
    assert set(listed) == set(expected)


def test_without_a_limit_a_page_has_a_hundred_items(site, crowded):
    assert len(ids_on(site.admin.describe_folder_contents(FolderId=crowded[0]))) == 100


def test_what_is_there_all_the_time_is_listed_once_whatever_comes_and_goes(site, ann):
    folder = site.folder(ann.root, "changing")
    stays = [site.folder(folder, f"b {number:02}") for number in range(30)]
    goes = [site.folder(folder, f"a {number:02}") for number in range(30)]
    listed = []
    for page in pages_of(site, folder, 7):
        listed += ids_on(page)
        site.folder(folder)
        site.folder(folder, f"a new {len(listed)}")
        for _ in range(min(3, len(goes))):
            site.admin.delete_folder(FolderId=goes.pop())
    assert [id for id in listed if id in set(stays)] == stays
    assert len(listed) == len(set(listed))


@pytest.fixture(scope="module")
def marker(site, crowded):
    """Where the list goes on after five items."""
    return site.admin.describe_folder_contents(FolderId=crowded[0], Limit=5)["Marker"]


class TestMarkers:
    """A marker goes on with the list it is from, and with no other."""

    def test_a_marker_survives_a_restart(self, site, crowded, marker):
        site.server.restart()
        page = site.admin.describe_folder_contents(FolderId=crowded[0], Limit=5, Marker=marker)
        assert ids_on(page) == crowded[1][5:10]

    def test_a_marker_may_be_used_twice_and_with_another_limit(self, site, crowded, marker):
        for limit in (1, 5, 100):
            page = site.admin.describe_folder_contents(
                FolderId=crowded[0], Limit=limit, Marker=marker
            )
            assert ids_on(page) == crowded[1][5:5 + limit]

    def test_a_forged_marker_is_refused(self, site, crowded, marker):
        middle = len(marker) // 2
        other = "A" if marker[middle] != "A" else "B"
        forged = [
            "x", "0", "forged", marker[:-1], marker + "A", marker[:middle],
            marker[:middle] + other + marker[middle + 1:], marker * 3, "ä", " ", "%00",
        ]
        for text in forged:
            with refused("InvalidArgumentException") as refusal:
                site.admin.describe_folder_contents(FolderId=crowded[0], Marker=text)
            assert "marker" in refusal.message.lower()

    def test_another_folder_s_marker_is_refused(self, site, ann, marker):
        with refused("InvalidArgumentException"):
            site.admin.describe_folder_contents(FolderId=ann.root, Marker=marker)

    @pytest.mark.parametrize("members", [
        {"Sort": "DATE"}, {"Order": "DESCENDING"}, {"Type": "FOLDER"}, {"Include": "INITIALIZED"},
    ], ids=str)
    def test_another_question_s_marker_is_refused(self, site, crowded, marker, members):
        with refused("InvalidArgumentException"):
            site.admin.describe_folder_contents(FolderId=crowded[0], Marker=marker, **members)

    def test_another_operation_s_marker_is_refused(self, site, crowded, marker):
        with refused("InvalidArgumentException"):
            site.admin.describe_users(
                OrganizationId=site.server.organization_id, Marker=marker
            )
        with refused("InvalidArgumentException"):
            site.admin.describe_document_versions(DocumentId=crowded[1][-1], Marker=marker)

    @pytest.mark.parametrize("limit", [0, -1, 1000, 2**31])
    def test_a_limit_is_from_1_to_999(self, site, crowded, limit):
        client = workdocs(site.server, validate=False)
        with refused("InvalidArgumentException") as refusal:
            client.describe_folder_contents(FolderId=crowded[0], Limit=limit)
        assert "limit" in refusal.message.lower()
