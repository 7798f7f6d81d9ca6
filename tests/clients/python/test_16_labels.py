"""Labels and custom metadata: set, shown, counted, removed, on folders, documents and versions."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from client import outcome, refused, request_of, send

LABELS_MAX = 20
KEYS_MAX = 8


@pytest.fixture(params=["folder", "document"])
def item(request, site, folder):
    """A folder or a document, for what is the same of both."""
    return folder if request.param == "folder" else site.upload(folder).document


@pytest.fixture(params=["folder", "document", "version"])
def subject(request, site, folder):
    """What can have custom metadata."""
    if request.param == "folder":
        return {"ResourceId": folder}
    upload = site.upload(folder)
    version = {"VersionId": upload.version} if request.param == "version" else {}
    return {"ResourceId": upload.document} | version


@pytest.fixture(scope="module")
def bob(site):
    return site.person()


def read(client, item, **members):
    """The answer for an item, whichever kind it is."""
    if outcome(client.get_folder, FolderId=item):
        return client.get_document(DocumentId=item, **members)
    return client.get_folder(FolderId=item, **members)


def labels(site, item):
    """An item's labels; an item without any has no such member."""
    found = read(site.admin, item)["Metadata"].get("Labels", [])
    assert found or "Labels" not in read(site.admin, item)["Metadata"]
    return found


def numbered(*span):
    return [f"label {number:02}" for number in range(*span)]


def metadata(site, subject, client=None):
    """The custom metadata of a subject; what has none has no such member."""
    client, asked = client or site.admin, {"IncludeCustomMetadata": True}
    if "VersionId" in subject:
        ids = {"DocumentId": subject["ResourceId"], "VersionId": subject["VersionId"]}
        answer = client.get_document_version(**ids, **asked)
        assert "CustomMetadata" not in client.get_document_version(**ids)
    else:
        answer = read(client, subject["ResourceId"], **asked)
        assert "CustomMetadata" not in read(client, subject["ResourceId"])
    assert answer.get("CustomMetadata") != {}
    return answer.get("CustomMetadata", {})


def entries(*span):
    return {f"key {number}": f"value {number}" for number in range(*span)}


def share(site, item, person, role):
    principal = {"Id": person.id, "Type": "USER", "Role": role}
    answer = site.admin.add_resource_permissions(ResourceId=item, Principals=[principal])
    assert [result["Status"] for result in answer["ShareResults"]] == ["SUCCESS"]


def at_once(calls):
    """Runs the calls in eight threads; answers their outcomes in order."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda call: call(), calls))


# Labels.


def test_labels_come_beside_those_that_are_there_and_stand_in_order(site, item):
    assert labels(site, item) == []
    for added, all_ in [
        (["to do", "2026"], ["2026", "to do"]),
        (["2026", "Acme", "acme", "acme"], ["2026", "Acme", "acme", "to do"]),
        ([], ["2026", "Acme", "acme", "to do"]),
    ]:
        answer = site.admin.create_labels(ResourceId=item, Labels=added)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert labels(site, item) == all_


def test_labels_are_listed_with_their_items(site, folder):
    inner, document = site.folder(folder), site.upload(folder).document
    site.admin.create_labels(ResourceId=inner, Labels=["inner"])
    site.admin.create_labels(ResourceId=document, Labels=["written"])
    listed = site.admin.describe_folder_contents(FolderId=folder)
    assert [item["Labels"] for item in listed["Folders"]] == [["inner"]]
    assert [item["Labels"] for item in listed["Documents"]] == [["written"]]
    assert labels(site, folder) == []


def test_the_answers_to_label_and_metadata_calls_are_empty_objects(site, folder):
    for operation, members in [
        ("create_labels", {"Labels": ["a"]}),
        ("delete_labels", {"Labels": ["a"]}),
        ("create_custom_metadata", {"CustomMetadata": {"a": "b"}}),
        ("delete_custom_metadata", {"DeleteAll": True}),
    ]:
        answer = send(request_of(site.admin, operation, ResourceId=folder, **members))
        assert (answer.status, answer.body) == (200, b"{}"), operation


def test_a_root_folder_has_labels_too(site, bob):
    site.admin.create_labels(ResourceId=bob.root, Labels=["home"])
    assert labels(site, bob.root) == ["home"]


def test_an_item_has_twenty_labels_and_not_one_more(site, item):
    site.admin.create_labels(ResourceId=item, Labels=numbered(19))
    with refused("TooManyLabelsException") as refusal:
        site.admin.create_labels(ResourceId=item, Labels=["twentieth", "twenty-first"])
    assert "20" in refusal.message
    assert labels(site, item) == numbered(19)
    site.admin.create_labels(ResourceId=item, Labels=numbered(19, 20))
    with refused("TooManyLabelsException"):
        site.admin.create_labels(ResourceId=item, Labels=["twenty-first"])
    site.admin.create_labels(ResourceId=item, Labels=numbered(20))
    assert labels(site, item) == numbered(20)
    site.admin.delete_labels(ResourceId=item, Labels=numbered(1))
    site.admin.create_labels(ResourceId=item, Labels=["other"])
    assert labels(site, item) == numbered(1, 20) + ["other"]


def test_a_request_carries_twenty_labels_and_not_one_more(site, item):
    with refused("ValidationException") as refusal:
        site.admin.create_labels(ResourceId=item, Labels=numbered(21))
    assert "Labels" in refusal.message
    assert labels(site, item) == []
    site.admin.create_labels(ResourceId=item, Labels=numbered(20))
    assert labels(site, item) == numbered(20)


def test_labels_are_taken_away_by_name_or_all(site, item):
    site.admin.create_labels(ResourceId=item, Labels=["a", "b", "c"])
    site.admin.delete_labels(ResourceId=item, Labels=["b", "never was", "B"])
    assert labels(site, item) == ["a", "c"]
    site.admin.delete_labels(ResourceId=item, Labels=["b"], DeleteAll=False)
    assert labels(site, item) == ["a", "c"]
    site.admin.delete_labels(ResourceId=item, DeleteAll=True)
    assert labels(site, item) == []
    site.admin.delete_labels(ResourceId=item, DeleteAll=True)
    site.admin.create_labels(ResourceId=item, Labels=["a", "b"])
    site.admin.delete_labels(ResourceId=item, Labels=["a"], DeleteAll=True)
    assert labels(site, item) == []


@pytest.mark.parametrize("members", [{}, {"DeleteAll": False}, {"Labels": []}])
def test_a_deletion_of_no_labels_is_a_mistake(site, item, members):
    site.admin.create_labels(ResourceId=item, Labels=["a"])
    with refused("ValidationException") as refusal:
        site.admin.delete_labels(ResourceId=item, **members)
    assert "Labels" in refusal.message and "DeleteAll" in refusal.message
    assert labels(site, item) == ["a"]


def test_forty_labels_sent_at_once_make_twenty(site, item):
    names = numbered(40)
    outcomes = at_once([
        lambda name=name: outcome(site.admin.create_labels, ResourceId=item, Labels=[name])
        for name in names
    ])
    assert set(outcomes) == {None, "TooManyLabelsException"}
    assert labels(site, item) == [name for name, error in zip(names, outcomes) if error is None]
    assert len(labels(site, item)) == LABELS_MAX


def test_groups_of_labels_sent_at_once_come_whole_or_not_at_all(site, item):
    groups = [numbered(start, start + 3) for start in range(0, 24, 3)]
    outcomes = at_once([
        lambda group=group: outcome(site.admin.create_labels, ResourceId=item, Labels=group)
        for group in groups
    ])
    assert sorted(outcomes, key=str) == [None] * 6 + ["TooManyLabelsException"] * 2
    taken = [group for group, error in zip(groups, outcomes) if error is None]
    assert labels(site, item) == list(chain.from_iterable(taken))


# Custom metadata.


def test_custom_metadata_is_set_by_key_and_shown_when_asked_for(site, subject):
    assert metadata(site, subject) == {}
    site.admin.create_custom_metadata(**subject, CustomMetadata={"client": "Acme", "year": "2026"})
    assert metadata(site, subject) == {"client": "Acme", "year": "2026"}
    site.admin.create_custom_metadata(**subject, CustomMetadata={"year": "2027", "Year": "x"})
    assert metadata(site, subject) == {"client": "Acme", "year": "2027", "Year": "x"}


def test_a_document_and_its_versions_have_custom_metadata_of_their_own(site, folder):
    first = site.upload(folder)
    second = site.upload_version(first.document, b"second")
    document = {"ResourceId": first.document}
    subjects = [document, document | {"VersionId": first.version},
                document | {"VersionId": second.version}]
    for number, subject in enumerate(subjects):
        entry = {"of": f"subject {number}"}
        site.admin.create_custom_metadata(**subject, CustomMetadata=entry)
    for number, subject in enumerate(subjects):
        assert metadata(site, subject) == {"of": f"subject {number}"}
    for number, subject in enumerate(subjects):
        site.admin.delete_custom_metadata(**subject, DeleteAll=True)
        left = [metadata(site, subject) for subject in subjects]
        assert [bool(entries) for entries in left] == [later > number for later in range(3)]


def test_there_are_eight_keys_and_not_one_more(site, subject):
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(7))
    with refused("CustomMetadataLimitExceededException") as refusal:
        site.admin.create_custom_metadata(
            **subject, CustomMetadata={"key 0": "changed", "eighth": "a", "ninth": "b"}
        )
    assert "8" in refusal.message
    assert metadata(site, subject) == entries(7)
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(7, 8))
    with refused("CustomMetadataLimitExceededException"):
        site.admin.create_custom_metadata(**subject, CustomMetadata={"ninth": "b"})
    changed = {key: "changed" for key in entries(8)}
    site.admin.create_custom_metadata(**subject, CustomMetadata=changed)
    assert metadata(site, subject) == changed
    site.admin.delete_custom_metadata(**subject, Keys=["key 0"])
    site.admin.create_custom_metadata(**subject, CustomMetadata={"ninth": "b"})
    assert len(metadata(site, subject)) == KEYS_MAX


def test_a_request_carries_one_to_eight_keys(site, subject):
    for wrong in (entries(9), {}):
        with refused("ValidationException") as refusal:
            site.admin.create_custom_metadata(**subject, CustomMetadata=wrong)
        assert "CustomMetadata" in refusal.message
    assert metadata(site, subject) == {}
    longest = {"k" * 55 + str(number): "v" * 256 for number in range(8)}
    site.admin.create_custom_metadata(**subject, CustomMetadata=longest)
    assert metadata(site, subject) == longest


def test_custom_metadata_is_removed_by_key_or_whole(site, subject):
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(4))
    site.admin.delete_custom_metadata(**subject, Keys=["key 0", "key 3", "never was", "Key 1"])
    assert metadata(site, subject) == entries(1, 3)
    site.admin.delete_custom_metadata(**subject, Keys=["key 0"])
    site.admin.delete_custom_metadata(**subject, DeleteAll=True)
    assert metadata(site, subject) == {}
    site.admin.delete_custom_metadata(**subject, DeleteAll=True)


@pytest.mark.parametrize("members", [{}, {"DeleteAll": False}, {"Keys": []}])
def test_a_removal_of_no_keys_is_a_mistake(site, subject, members):
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(1))
    with refused("ValidationException") as refusal:
        site.admin.delete_custom_metadata(**subject, **members)
    assert "Keys" in refusal.message and "DeleteAll" in refusal.message
    assert metadata(site, subject) == entries(1)


def test_sixteen_keys_sent_at_once_make_eight(site, subject):
    sent = [{f"key {number}": f"value {number}"} for number in range(16)]
    outcomes = at_once([
        lambda entry=entry: outcome(
            site.admin.create_custom_metadata, **subject, CustomMetadata=entry
        )
        for entry in sent
    ])
    assert set(outcomes) == {None, "CustomMetadataLimitExceededException"}
    taken = [entry.items() for entry, error in zip(sent, outcomes) if error is None]
    assert metadata(site, subject) == dict(chain.from_iterable(taken))
    assert len(taken) == KEYS_MAX


def test_a_version_that_is_not_the_item_s_does_not_exist(site, folder):
    document = site.upload(folder).document
    other = site.upload(folder).version
    for resource, version in [
        (document, "1-unknown"), (document, other), (folder, "1-unknown"), (folder, other)
    ]:
        subject = {"ResourceId": resource, "VersionId": version}
        for call in (
            lambda: site.admin.create_custom_metadata(**subject, CustomMetadata=entries(1)),
            lambda: site.admin.delete_custom_metadata(**subject, DeleteAll=True),
        ):
            with refused("EntityNotExistsException") as refusal:
                call()
            assert refusal.response["EntityIds"] == [version]


# Drafts.


def test_an_upload_that_is_not_finished_takes_labels_and_metadata_along(site, ann, folder):
    client = ann.client()
    draft = site.initiate(client, ParentFolderId=folder, Name="draft")
    subject = {"ResourceId": draft.document, "VersionId": draft.version}
    client.create_labels(ResourceId=draft.document, Labels=["early"])
    client.create_custom_metadata(**subject, CustomMetadata=entries(2))
    assert metadata(site, subject, client) == entries(2)
    draft.put(b"content")
    draft.activate()
    assert labels(site, draft.document) == ["early"]
    assert metadata(site, subject) == entries(2)


def test_what_an_aborted_upload_was_given_is_gone_with_it(site, folder):
    draft = site.initiate(ParentFolderId=folder, Name="aborted")
    subject = {"ResourceId": draft.document, "VersionId": draft.version}
    site.admin.create_labels(ResourceId=draft.document, Labels=["early"])
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(2))
    draft.abort()
    with refused("UnauthorizedResourceAccessException"):
        site.admin.create_labels(ResourceId=draft.document, Labels=["late"])
    document = site.upload(folder).document
    draft = site.initiate(Id=document)
    subject = {"ResourceId": document, "VersionId": draft.version}
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(2))
    draft.abort()
    with refused("EntityNotExistsException"):
        site.admin.create_custom_metadata(**subject, CustomMetadata=entries(2))


# Who may.


def changes(client, subject):
    """Every operation that changes labels or custom metadata, on one subject."""
    item = {"ResourceId": subject["ResourceId"]}
    return [
        lambda: client.create_labels(**item, Labels=["theirs"]),
        lambda: client.delete_labels(**item, DeleteAll=True),
        lambda: client.create_custom_metadata(**subject, CustomMetadata={"by": "them"}),
        lambda: client.delete_custom_metadata(**subject, DeleteAll=True),
    ]


def test_a_viewer_sees_labels_and_metadata_and_changes_none(site, folder, bob):
    upload = site.upload(folder)
    share(site, folder, bob, "VIEWER")
    client = bob.client()
    for subject in (
        {"ResourceId": folder},
        {"ResourceId": upload.document},
        {"ResourceId": upload.document, "VersionId": upload.version},
    ):
        site.admin.create_labels(ResourceId=subject["ResourceId"], Labels=["ours"])
        site.admin.create_custom_metadata(**subject, CustomMetadata=entries(1))
        for change in changes(client, subject):
            with refused("UnauthorizedOperationException"):
                change()
        assert read(client, subject["ResourceId"])["Metadata"]["Labels"] == ["ours"]
        assert metadata(site, subject, client) == entries(1)


def test_a_contributor_changes_labels_and_metadata(site, folder, bob):
    upload = site.upload(folder)
    share(site, folder, bob, "CONTRIBUTOR")
    client = bob.client()
    for subject in (
        {"ResourceId": folder},
        {"ResourceId": upload.document},
        {"ResourceId": upload.document, "VersionId": upload.version},
    ):
        give, take, put, remove = changes(client, subject)
        give()
        put()
        assert labels(site, subject["ResourceId"]) == ["theirs"]
        assert metadata(site, subject) == {"by": "them"}
        take()
        remove()
        assert labels(site, subject["ResourceId"]) == []
        assert metadata(site, subject) == {}


def test_somebody_else_s_draft_does_not_exist_for_a_contributor(site, folder, bob):
    document = site.upload(folder).document
    draft = site.initiate(Id=document)
    share(site, folder, bob, "CONTRIBUTOR")
    client = bob.client()
    subject = {"ResourceId": document, "VersionId": draft.version}
    for change in changes(client, subject)[2:]:
        with refused("EntityNotExistsException") as refusal:
            change()
        assert refusal.response["EntityIds"] == [draft.version]
    own = site.initiate(client, Id=document)
    subject = {"ResourceId": document, "VersionId": own.version}
    client.create_custom_metadata(**subject, CustomMetadata=entries(1))
    assert metadata(site, subject, client) == entries(1)


def test_a_stranger_and_the_administrator_of_nothing_get_one_answer(site, subject):
    client = site.person().client()
    unknown = {"ResourceId": "0" * 64}
    for change in changes(client, subject) + changes(site.admin, unknown):
        with refused("UnauthorizedResourceAccessException"):
            change()


# The recycle bin.


@pytest.fixture(params=["itself", "the folder above"])
def recycled(request, site, ann):
    """A document with a label and metadata that was recycled, and how to bring it back."""
    top = site.folder(ann.root)
    upload = site.upload(top)
    subject = {"ResourceId": upload.document}
    site.admin.create_labels(**subject, Labels=["kept"])
    site.admin.create_custom_metadata(**subject, CustomMetadata=entries(1))
    site.admin.create_custom_metadata(
        **subject, VersionId=upload.version, CustomMetadata=entries(2)
    )

    def turn(state):
        if request.param == "itself":
            site.admin.update_document(DocumentId=upload.document, ResourceState=state)
        else:
            site.admin.update_folder(FolderId=top, ResourceState=state)

    turn("RECYCLED")
    return upload, lambda: turn("ACTIVE")


def test_labels_and_metadata_survive_the_recycle_bin_and_do_not_change_in_it(site, recycled):
    upload, restore = recycled
    subject = {"ResourceId": upload.document}
    version = subject | {"VersionId": upload.version}
    for seen in (subject, version):
        give, take, put, remove = changes(site.admin, seen)
        # CreateLabels declares no ProhibitedStateException.
        with refused("UnauthorizedOperationException"):
            give()
        for change in (take, put, remove):
            with refused("ProhibitedStateException"):
                change()
    restore()
    assert labels(site, upload.document) == ["kept"]
    assert metadata(site, subject) == entries(1)
    assert metadata(site, version) == entries(2)


def test_a_deleted_item_leaves_its_labels_and_metadata_to_nobody(site, folder):
    upload = site.upload(folder, name="again")
    subject = {"ResourceId": upload.document, "VersionId": upload.version}
    for change in changes(site.admin, subject)[::2]:
        change()
    site.admin.delete_document(DocumentId=upload.document)
    for change in changes(site.admin, subject):
        with refused("UnauthorizedResourceAccessException"):
            change()
    again = site.upload(folder, name="again").document
    assert labels(site, again) == []
    assert metadata(site, {"ResourceId": again}) == {}
