"""An SDK that got no answer asks again: one effect, and the first answer."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.exceptions import EndpointConnectionError, HTTPClientError

from client import refused, request_of, send, workdocs
from dropping import DroppingProxy
from site_story import PASSWORD

INVOCATION = "amz-sdk-invocation-id"


def pinned(client, operation, invocation=None, **members):
    """A request of one invocation, which an SDK would send unchanged again."""
    request = request_of(client, operation, **members)
    assert INVOCATION in {name.lower() for name in request.headers}
    return request.with_header(INVOCATION, invocation or str(uuid.uuid4()))


def folders(site, folder):
    return site.admin.describe_folder_contents(FolderId=folder)["Folders"]


def test_a_folder_made_again_is_the_same_folder(site, folder):
    request = pinned(site.admin, "create_folder", ParentFolderId=folder, Name="once")
    first, second = send(request), send(request)
    assert first.status == second.status == 201
    assert first.body == second.body
    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]
    assert len(folders(site, folder)) == 1
    with refused("EntityAlreadyExistsException"):
        site.folder(folder, "once")


def test_an_upload_begun_again_is_the_same_upload(site, folder):
    request = pinned(
        site.admin, "initiate_document_version_upload", ParentFolderId=folder, Name="once"
    )
    first, second = [json.loads(answer.body) for answer in (send(request), send(request))]
    assert first["Metadata"] == second["Metadata"]
    assert len(site.documents(folder, Include="INITIALIZED")) == 1
    for answer in (first, second):
        upload = answer["UploadMetadata"]
        put = requests.put(
            upload["UploadUrl"], data=b"x", headers=upload["SignedHeaders"], timeout=30
        )
        assert put.status_code == 200


def test_a_user_made_again_is_the_same_user(site):
    request = pinned(
        site.admin, "create_user", OrganizationId=site.server.organization_id, Username="once",
        GivenName="O", Surname="N", Password=PASSWORD,
    )
    first, second = send(request), send(request)
    assert (first.status, first.body) == (second.status, second.body)
    assert first.status == 201


@pytest.mark.parametrize("first_version", [True, False])
def test_an_abort_sent_again_is_answered_the_same(site, folder, first_version):
    if first_version:
        upload = site.initiate(ParentFolderId=folder, Name="abort")
    else:
        upload = site.initiate(Id=site.upload(folder).document)
    request = pinned(site.admin, "abort_document_version_upload", **upload.ids)
    for _ in range(3):
        answer = send(request)
        assert (answer.status, answer.body) == (204, b"")
    with refused(
        "UnauthorizedResourceAccessException" if first_version else "EntityNotExistsException"
    ):
        upload.abort()


def test_a_deletion_sent_again_is_answered_the_same(site, folder):
    document = site.upload(folder).document
    inner = site.folder(folder)
    for request in (
        pinned(site.admin, "delete_document", DocumentId=document),
        pinned(site.admin, "delete_folder", FolderId=inner),
    ):
        first, second = send(request), send(request)
        assert (first.status, first.body) == (second.status, second.body) == (204, b"")


def test_a_late_second_attempt_does_not_touch_what_came_after(site, folder):
    upload = site.upload(folder, b"1", "recreated")
    request = pinned(site.admin, "create_folder", ParentFolderId=folder, Name="late")
    made = json.loads(send(request).body)["Metadata"]["Id"]
    site.admin.delete_folder(FolderId=made)
    newer = site.folder(folder, "late")
    assert json.loads(send(request).body)["Metadata"]["Id"] == made
    assert [one["Id"] for one in folders(site, folder)] == [newer]
    assert site.download(upload) == b"1"


def test_another_body_under_the_same_id_is_another_call(site, folder):
    invocation = str(uuid.uuid4())
    for name in ("one", "two"):
        answer = send(pinned(
            site.admin, "create_folder", invocation, ParentFolderId=folder, Name=name
        ))
        assert (answer.status, json.loads(answer.body)["Metadata"]["Name"]) == (201, name)
    assert len(folders(site, folder)) == 2


def test_another_caller_under_the_same_id_gets_no_answer_of_the_first(site, folder):
    members = {"ParentFolderId": folder, "Name": "private"}
    invocation = str(uuid.uuid4())
    assert send(pinned(site.admin, "create_folder", invocation, **members)).status == 201
    other = workdocs(site.server, key=site.server.key("other"))
    answer = send(pinned(other, "create_folder", invocation, **members))
    assert (answer.status, answer.code) == (409, "EntityAlreadyExistsException")
    stranger = site.person().client()
    answer = send(pinned(stranger, "create_folder", invocation, **members))
    assert (answer.status, answer.code) == (404, "UnauthorizedResourceAccessException")


def test_a_refusal_is_not_kept_for_the_next_attempt(site, folder):
    blocking = site.folder(folder, "blocked")
    request = pinned(site.admin, "create_folder", ParentFolderId=folder, Name="blocked")
    assert send(request).status == 409
    site.admin.delete_folder(FolderId=blocking)
    assert send(request).status == 201


def test_attempts_at_the_same_time_have_one_effect(site, folder):
    for number in range(5):
        request = pinned(
            site.admin, "create_folder", ParentFolderId=folder, Name=f"together {number}"
        )
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: send(request), range(8)))
        assert {answer.status for answer in answers} <= {201, 409}
        bodies = {answer.body for answer in answers if answer.status == 201}
        assert len(bodies) == 1
        assert {answer.code for answer in answers if answer.status == 409} <= {
            "ConcurrentModificationException", "ConflictingOperationException"
        }
    assert len(folders(site, folder)) == 5


def test_what_was_answered_survives_a_restart(site, folder):
    request = pinned(site.admin, "create_folder", ParentFolderId=folder, Name="restarted")
    first = send(request)
    site.server.restart()
    second = send(request)
    assert (first.status, first.body) == (second.status, second.body)


def test_botocore_itself_asks_again_and_makes_one_folder(site, folder):
    with DroppingProxy(site.server) as proxy:
        client = workdocs(site.server, url=proxy.url, attempts=3)
        made = client.create_folder(ParentFolderId=folder, Name="asked twice")
        assert proxy.forwarded == 2
    assert made["ResponseMetadata"]["RetryAttempts"] == 1
    assert [one["Id"] for one in folders(site, folder)] == [made["Metadata"]["Id"]]


def test_a_whole_upload_gets_through_when_every_first_answer_is_lost(site, folder):
    def through_losses(operation, **members):
        with DroppingProxy(site.server) as proxy:
            client = workdocs(site.server, url=proxy.url, attempts=3)
            return getattr(client, operation)(**members)

    begun = through_losses(
        "initiate_document_version_upload", ParentFolderId=folder, Name="through"
    )
    version = begun["Metadata"]["LatestVersionMetadata"]["Id"]
    ids = {"DocumentId": begun["Metadata"]["Id"], "VersionId": version}
    drafts = site.documents(folder, Include="INITIALIZED")
    assert [draft["Id"] for draft in drafts] == [ids["DocumentId"]]
    through_losses("abort_document_version_upload", **ids)
    assert site.documents(folder, Include="INITIALIZED") == []


def test_without_a_second_attempt_the_folder_is_there_and_a_repeat_is_told_so(site, folder):
    with DroppingProxy(site.server) as proxy:
        client = workdocs(site.server, url=proxy.url, attempts=1)
        with pytest.raises((HTTPClientError, EndpointConnectionError)):
            client.create_folder(ParentFolderId=folder, Name="unanswered")
    with refused("EntityAlreadyExistsException"):
        site.folder(folder, "unanswered")
