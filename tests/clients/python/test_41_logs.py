"""Nothing that users keep to themselves reaches a log."""

import json
from urllib.parse import parse_qs, urlsplit

import requests

from client import outcome, refused, workdocs
from server import ROOT_KEY, ROOT_SECRET
from waiting import until


def test_no_secret_and_no_name_is_in_the_log(make_site):
    site = make_site()
    person = site.person(
        Username="canary.username", GivenName="CANARYgiven", Surname="CANARYsurname",
        Password="CANARYpassw0rd!", EmailAddress="canary.mail@example.com",
    )
    token = site.server.token(person.username)
    by_token = workdocs(site.server, key=None, token=token)
    folder = by_token.create_folder(ParentFolderId=person.root, Name="CANARYfolder")["Metadata"]["Id"]
    upload = site.upload(folder, b"CANARYcontent", "CANARYdocument.txt")
    source = site.source(upload)
    assert site.download(upload) == b"CANARYcontent"
    key_id, secret = site.server.key("plain")
    workdocs(site.server, key=(key_id, secret)).get_document(DocumentId=upload.document)

    # Refusals tell more than successes.
    validate = {"validate": False}
    outcome(by_token.create_folder, ParentFolderId=person.root, Name="CANARYfolder")
    outcome(
        workdocs(site.server, **validate).create_folder, ParentFolderId=folder, Name="CANARY\x07bad"
    )
    outcome(site.admin.create_folder, ParentFolderId="CANARYunknown", Name="CANARYname")
    outcome(
        site.admin.create_comment, **upload.ids, Text="CANARYcomment"
    )
    outcome(site.admin.search_resources, QueryText="CANARYquery")
    outcome(
        site.admin.describe_users, OrganizationId=site.server.organization_id, Query="CANARYquery"
    )
    outcome(workdocs(site.server, key=(ROOT_KEY, "CANARYwrong"), **validate).describe_activities)
    outcome(workdocs(site.server, key=None, token="CANARYtoken").get_folder, FolderId=folder)
    upload.try_put(b"CANARYlate")
    requests.put(upload.url + "CANARYsignature", data=b"x", timeout=30)
    requests.get(f"{site.server.url}/CANARYpath?q=CANARYquery", timeout=30)
    site.server.stop()

    log = site.server.log()
    signatures = [
        parse_qs(urlsplit(url).query)["X-Amz-Signature"][0] for url in (upload.url, source)
    ]
    for canary in ("CANARY", "canary", token, secret, ROOT_SECRET, *signatures):
        assert canary.lower() not in log.lower(), canary


def test_the_log_is_json_and_tells_each_call_by_its_id(make_site):
    site = make_site()
    root = site.person().root
    answer = site.admin.get_folder(FolderId=root)
    request_id = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]

    def entries():
        return [json.loads(line) for line in site.server.log().splitlines()]

    until("the call is in the log", lambda: any(request_id in str(entry) for entry in entries()))
    entry = next(entry for entry in entries() if request_id in str(entry))
    assert "GetFolder" in str(entry)
    assert "200" in str(entry)
    assert {"timestamp", "level"} <= set(entry)


def test_a_refused_call_has_an_id_of_its_own(site):
    with refused("UnauthorizedResourceAccessException") as one:
        site.admin.get_folder(FolderId="0" * 64)
    with refused("UnauthorizedResourceAccessException") as other:
        site.admin.get_folder(FolderId="0" * 64)
    ids = [
        refusal.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
        for refusal in (one, other)
    ]
    assert ids[0] != ids[1]


def test_everything_that_answers_names_its_request(site):
    for path in ("/health/live", "/health/ready", "/nothing", "/api/v1/nothing"):
        assert requests.get(site.server.url + path, timeout=30).headers["x-amzn-requestid"]
