"""What happened: DescribeActivities through the SDK, and the export from the command line."""

import csv
import io
import json

import pytest
import requests

from client import outcome, refused
from test_14_sharing import give, user


def feed(client, **members):
    """Every activity there is to read, newest first."""
    found, marker = [], {}
    while True:
        answer = client.describe_activities(**members, **marker)
        found += answer["UserActivities"]
        if "Marker" not in answer:
            return found
        marker = {"Marker": answer["Marker"]}


def types(client, **members):
    return [activity["Type"] for activity in feed(client, **members)]


@pytest.fixture
def everything(site):
    return {"OrganizationId": site.server.organization_id}


def test_a_download_is_an_activity_of_who_asked_for_the_url(site, ann, folder, everything):
    upload = site.upload(folder)
    client = ann.client()
    client.get_document_version(**upload.ids, Fields="SOURCE")
    client.get_document_version(**upload.ids)
    [newest, *rest] = feed(site.admin, ResourceId=upload.document, **everything)
    assert newest["Type"] == "DOCUMENT_VERSION_DOWNLOADED"
    assert newest["Initiator"] == {"Id": ann.id, "GivenName": "Ann", "Surname": "Story"}
    assert newest["ResourceMetadata"]["VersionId"] == upload.version
    assert [one["Type"] for one in rest] == ["DOCUMENT_VERSION_UPLOADED"]
    assert newest["TimeStamp"] >= rest[0]["TimeStamp"]
    assert newest["IsIndirectActivity"] is False
    assert newest["OrganizationId"] == site.server.organization_id


def test_a_url_out_of_a_list_is_a_download_once_the_bytes_are_fetched(
    site, ann, folder, everything
):
    upload = site.upload(folder, b"bytes")
    client = ann.client()
    [listed] = client.describe_document_versions(
        DocumentId=upload.document, Fields="SOURCE")["DocumentVersions"]
    url = listed["Source"]["ORIGINAL"]
    of_document = {"ResourceId": upload.document, **everything}
    assert requests.head(url, timeout=30).status_code == 200
    assert requests.get(url, headers={"Range": "bytes=1-"}, timeout=30).content == b"ytes"
    assert types(site.admin, **of_document) == ["DOCUMENT_VERSION_UPLOADED"]
    assert requests.get(url, timeout=30).content == b"bytes"
    assert requests.get(url, headers={"Range": "bytes=0-1"}, timeout=30).content == b"by"
    [second, first, uploaded] = feed(site.admin, **of_document)
    for downloaded in first, second:
        assert downloaded["Type"] == "DOCUMENT_VERSION_DOWNLOADED"
        assert downloaded["Initiator"]["Id"] == ann.id
        assert downloaded["ResourceMetadata"]["VersionId"] == upload.version
    # That this one was given out was the download.
    given = client.get_document_version(**upload.ids, Fields="SOURCE")["Metadata"]
    assert requests.get(given["Source"]["ORIGINAL"], timeout=30).content == b"bytes"
    assert types(site.admin, **of_document).count("DOCUMENT_VERSION_DOWNLOADED") == 3


def test_an_administrator_is_named_by_the_arn(site, folder, everything):
    upload = site.upload(folder)
    [uploaded] = feed(site.admin, ResourceId=upload.document, **everything)
    assert uploaded["Initiator"]["Id"].startswith("arn:aws:iam::")
    assert uploaded["ResourceMetadata"]["Owner"]["GivenName"] == "Ann"


def test_an_administrator_asks_what_one_user_did(site, folder, everything):
    bob = site.person()
    assert feed(site.admin, UserId=bob.id, **everything) == []
    bob.client().create_folder(ParentFolderId=bob.root, Name="bob's")
    site.folder(bob.root)
    assert types(site.admin, UserId=bob.id, **everything) == ["FOLDER_CREATED"]


def test_a_user_who_administers_sees_the_site_and_others_what_concerns_them(site, folder):
    administrator, other = site.person(), site.person()
    site.admin.update_user(UserId=administrator.id, Type="ADMIN")
    upload = site.upload(folder)

    def documents(person):
        told = [activity["ResourceMetadata"] for activity in feed(person.client())]
        return {resource["Id"] for resource in told if "VersionId" in resource}

    assert upload.document in documents(administrator)
    assert documents(other) == set()


def test_a_move_and_a_rename_say_what_was_before(site, folder, everything):
    upload = site.upload(folder, name="before.txt")
    target = site.folder(folder)
    site.admin.update_document(
        DocumentId=upload.document, ParentFolderId=target, Name="after.txt")
    found = {one["Type"]: one for one in feed(
        site.admin, ResourceId=upload.document, **everything)}
    renamed = found["DOCUMENT_RENAMED"]["ResourceMetadata"]
    assert (renamed["OriginalName"], renamed["Name"]) == ("before.txt", "after.txt")
    moved = found["DOCUMENT_MOVED"]
    assert moved["OriginalParent"]["Id"] == folder
    assert moved["ResourceMetadata"]["ParentId"] == target
    assert moved["ResourceMetadata"]["Type"] == "DOCUMENT"


def test_sharing_names_its_participants_to_those_who_take_part(site, folder):
    bob = site.person()
    as_bob = bob.client()
    assert feed(as_bob) == []
    give(site, folder, user(bob, "VIEWER"))
    [shared] = feed(as_bob)
    assert shared["Type"] == "FOLDER_SHARED"
    assert [one["Id"] for one in shared["Participants"]["Users"]] == [bob.id]
    assert shared["Participants"]["Groups"] == []
    with refused("UnauthorizedOperationException"):
        as_bob.describe_activities(ResourceId=folder)


def test_a_comment_is_told_of_without_its_text(site, folder, everything):
    upload = site.upload(folder)
    made = site.admin.create_comment(**upload.ids, Text="CANARY text")["Comment"]
    site.admin.delete_comment(**upload.ids, CommentId=made["CommentId"])
    deleted, added = feed(site.admin, ResourceId=upload.document, **everything)[:2]
    assert [deleted["Type"], added["Type"]] == ["DOCUMENT_COMMENT_DELETED", "DOCUMENT_COMMENT_ADDED"]
    assert added["CommentMetadata"]["CommentId"] == made["CommentId"]
    assert added["CommentMetadata"]["CommentStatus"] == "PUBLISHED"
    assert deleted["CommentMetadata"]["CommentStatus"] == "DELETED"
    assert "CANARY text" not in repr([deleted, added])


def test_what_happened_to_a_folder_above_is_shown_where_it_is_asked_for(site, folder, everything):
    above = site.folder(folder)
    upload = site.upload(above)
    give(site, above, user(site.person(), "VIEWER"))
    asked = {"ResourceId": upload.document} | everything
    assert types(site.admin, **asked) == ["DOCUMENT_VERSION_UPLOADED"]
    [shared, uploaded] = feed(site.admin, IncludeIndirectActivities=True, **asked)
    assert (shared["Type"], shared["IsIndirectActivity"]) == ("DOCUMENT_SHARED", True)
    assert shared["ResourceMetadata"]["Id"] == upload.document
    assert uploaded["IsIndirectActivity"] is False


def test_what_is_asked_for_is_what_comes(site, folder, everything):
    for _ in range(5):
        site.folder(folder)
    created = feed(site.admin, ActivityTypes="FOLDER_CREATED,FOLDER_MOVED", Limit=2, **everything)
    assert {one["Type"] for one in created} == {"FOLDER_CREATED"}
    moments = [one["TimeStamp"] for one in created]
    assert moments == sorted(moments, reverse=True)
    after = feed(site.admin, StartTime=moments[3], **everything)
    assert all(one["TimeStamp"] > moments[3] for one in after)
    before = feed(site.admin, EndTime=moments[3], **everything)
    assert all(one["TimeStamp"] < moments[3] for one in before)


def test_what_cannot_be_asked_is_refused(site, ann, everything):
    with refused("ValidationException"):
        site.admin.describe_activities()
    with refused("InvalidArgumentException"):
        site.admin.describe_activities(ActivityTypes="FOLDER_EATEN", **everything)
    with refused("InvalidArgumentException"):
        site.admin.describe_activities(Marker="made up", **everything)
    with refused("InvalidArgumentException"):
        site.admin.describe_activities(StartTime=2, EndTime=1, **everything)
    with refused("UnauthorizedResourceAccessException"):
        site.admin.describe_activities(ResourceId="0" * 64, **everything)
    with refused("UnauthorizedOperationException"):
        ann.client().describe_activities(UserId=site.person().id)
    assert outcome(ann.client().describe_activities, UserId=ann.id) is None


def test_a_marker_goes_on_with_its_own_list_alone(site, folder, everything):
    for _ in range(3):
        site.folder(folder)
    first = site.admin.describe_activities(Limit=1, **everything)
    with refused("InvalidArgumentException"):
        site.admin.describe_activities(
            Limit=1, Marker=first["Marker"], ActivityTypes="FOLDER_CREATED", **everything)
    # Another page size is the same list.
    more = site.admin.describe_activities(Limit=2, Marker=first["Marker"], **everything)
    assert first["UserActivities"][0] not in more["UserActivities"]


def export(site, *arguments):
    done = site.server.run("activity", "export", *arguments, str(site.server.data))
    return done.stdout


def test_what_happened_is_exported_as_a_table_and_as_objects(site, folder, everything):
    name = '=cmd|"/c calc"!A1, quoted "so"'
    made = site.folder(folder, name)
    objects = json.loads(export(site, "--format", "json"))
    [told] = [one for one in objects if one["ResourceId"] == made]
    assert (told["Type"], told["Name"], told["ParentId"]) == ("FOLDER_CREATED", name, folder)
    rows = list(csv.DictReader(io.StringIO(export(site))))
    [row] = [one for one in rows if one["ResourceId"] == made]
    assert row["Name"] == f"'{name}", "a spreadsheet must not take it for a formula"
    assert row["TimeStamp"] == told["TimeStamp"]
    assert len(rows) == len(objects) == len(feed(site.admin, **everything))
    assert json.loads(export(site, "--format", "json", "--to", "2000-01-01")) == []
    nothing = csv.DictReader(io.StringIO(export(site, "--to", "2000-01-01")))
    assert (nothing.fieldnames, list(nothing)) == (list(row), [])
    assert len(json.loads(export(site, "--format", "json", "--from", "2000-01-01"))) == len(rows)
