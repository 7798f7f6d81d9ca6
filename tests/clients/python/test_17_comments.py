"""Comments: threads, who reads what is private, what deleting leaves, pages, and wrong replies."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from client import outcome, refused, request_of, send, workdocs

UNKNOWN = "1500000000000-" + "f" * 64


@pytest.fixture
def document(site, folder):
    """A document with one version."""
    return site.upload(folder)


@pytest.fixture
def comment(site):
    """Writes comments, as the administrator or as somebody else."""
    def write(upload, text="comment", client=None, **members):
        client = client or site.admin
        return client.create_comment(**upload.ids, Text=text, **members)["Comment"]
    return write


def listed(client, upload, **members):
    """All comments of a version that a client is shown, in their order."""
    found, page = [], {}
    while True:
        page = client.describe_comments(
            **upload.ids, **members, **({"Marker": page["Marker"]} if page else {})
        )
        found += page["Comments"]
        if "Marker" not in page:
            return found


def texts(client, upload, **members):
    """What the comments say; `None` for one that is deleted."""
    return [comment.get("Text") for comment in listed(client, upload, **members)]


def share(site, resource, person, role):
    answer = site.admin.add_resource_permissions(
        ResourceId=resource, Principals=[{"Id": person.id, "Type": "USER", "Role": role}]
    )
    assert answer["ShareResults"][0]["Status"] == "SUCCESS", answer


class TestThreads:
    """A comment begins a thread; a reply joins one."""

    def test_an_administrator_s_comment_is_signed_with_the_arn(self, site, document):
        answer = site.admin.create_comment(**document.ids, Text="First.\nÄ 😀")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
        made = answer["Comment"]
        assert made["Text"] == "First.\nÄ 😀"
        assert made["ThreadId"] == made["CommentId"]
        milliseconds, random = made["CommentId"].split("-")
        assert int(milliseconds) == round(made["CreatedTimestamp"].timestamp() * 1000)
        assert len(random) == 64
        assert (made["Status"], made["Visibility"]) == ("PUBLISHED", "PUBLIC")
        assert "ParentId" not in made and "RecipientId" not in made
        arn = made["Contributor"]["Id"]
        assert arn.startswith("arn:aws:iam::") and ":user/" in arn
        assert made["Contributor"] == {"Id": arn, "Username": arn, "Status": "ACTIVE"}

        [shown] = listed(site.admin, document)
        assert shown.pop("Contributor") == {"Username": arn, "Type": "USER"}
        del made["Contributor"]
        assert shown == made

    def test_a_user_s_comment_is_signed_with_the_user(self, site, ann, document, comment):
        made = comment(document, client=ann.client())
        assert made["Contributor"] == {
            "Id": ann.id, "Username": ann.username, "GivenName": "Ann", "Surname": "Story",
            "Status": "ACTIVE", "Type": "USER",
        }
        assert listed(site.admin, document) == [made]
        site.admin.update_user(UserId=ann.id, GivenName="Anna")
        try:
            assert listed(site.admin, document)[0]["Contributor"]["GivenName"] == "Anna"
        finally:
            site.admin.update_user(UserId=ann.id, GivenName="Ann")

    def test_a_reply_is_in_its_parent_s_thread_and_for_its_author(
        self, site, ann, document, comment
    ):
        root = comment(document, "root", ann.client())
        other = comment(document, "another thread")
        rows = [
            {"ParentId": root["CommentId"], "ThreadId": root["ThreadId"]},
            {"ParentId": root["CommentId"]},
            {"ThreadId": root["ThreadId"]},
        ]
        for members in rows:
            reply = comment(document, "reply", **members)
            assert reply["ParentId"] == reply["ThreadId"] == root["CommentId"]
            assert reply["RecipientId"] == ann.id
            for deeper in (
                {"ParentId": reply["CommentId"], "ThreadId": root["CommentId"]},
                {"ParentId": reply["CommentId"]},
            ):
                answer = comment(document, "deeper", ann.client(), **deeper)
                assert answer["ParentId"] == reply["CommentId"]
                assert answer["ThreadId"] == root["CommentId"]
                assert answer["RecipientId"] == reply["Contributor"]["Id"]
        found = listed(site.admin, document)
        assert texts(site.admin, document) == (
            ["root", "another thread"] + ["reply", "deeper", "deeper"] * 3
        )
        assert {one["ThreadId"] for one in found} == {root["CommentId"], other["CommentId"]}
        assert found[2]["RecipientId"] == ann.id

    def test_a_reply_is_private_where_what_it_answers_is(self, document, comment):
        root = comment(document, Visibility="PRIVATE")
        assert root["Visibility"] == "PRIVATE"
        parent = {"ParentId": root["CommentId"]}
        assert comment(document, **parent)["Visibility"] == "PRIVATE"
        assert comment(document, **parent, Visibility="PUBLIC")["Visibility"] == "PUBLIC"

    def test_a_version_s_comments_are_its_own(self, site, document, comment):
        comment(document, "on the first")
        second = site.upload_version(document.document, b"second")
        assert texts(site.admin, second) == []
        comment(second, "on the second")
        comment(document, "on the first again")
        assert texts(site.admin, document) == ["on the first", "on the first again"]
        assert texts(site.admin, second) == ["on the second"]

    def test_collaborators_may_be_told_or_not(self, site, document, comment):
        for told in (True, False):
            comment(document, NotifyCollaborators=told)
        assert len(listed(site.admin, document)) == 2

    def test_a_repeated_call_writes_one_comment(self, site, document):
        request = request_of(site.admin, "create_comment", **document.ids, Text="once")
        first, second = send(request), send(request)
        assert (first.status, first.body) == (201, second.body)
        assert texts(site.admin, document) == ["once"]

    def test_parallel_comments_are_all_kept_and_each_has_its_place(self, site, document, comment):
        with ThreadPoolExecutor(12) as threads:
            made = list(threads.map(lambda n: comment(document, f"{n}")["CommentId"], range(48)))
        found = [one["CommentId"] for one in listed(site.admin, document, Limit=7)]
        assert len(found) == 48
        assert set(found) == set(made)


class TestTexts:
    """What a comment may say."""

    @pytest.mark.parametrize("text", ["x", "x" * 2048, "😀" * 2048, "\t\n", "ä" * 2048])
    def test_a_text_is_kept_as_it_is(self, site, document, comment, text):
        comment(document, text)
        assert texts(site.admin, document) == [text]

    @pytest.mark.parametrize("text", ["", "x" * 2049, "😀" * 2049, "a\0b"], ids=len)
    def test_a_text_of_another_length_is_refused(self, site, document, text):
        client = workdocs(site.server, validate=False)
        with refused("ValidationException") as refusal:
            client.create_comment(**document.ids, Text=text)
        assert "text" in refusal.message.lower()
        assert listed(site.admin, document) == []

    def test_neither_text_nor_author_reaches_the_log(self, site, ann, document, comment):
        made = comment(document, "CANARY-comment", ann.client())
        listed(ann.client(), document)
        comment(document, "CANARY-comment", ParentId=made["CommentId"])
        outcome(site.admin.create_comment, **document.ids, Text="CANARY-comment", ParentId=UNKNOWN)
        site.admin.delete_comment(**document.ids, CommentId=made["CommentId"])
        assert "CANARY-comment" not in site.server.log()


@pytest.fixture(scope="module")
def people(site, ann):
    """Ann's document with everybody who may work on it, by what they are."""
    folder = site.folder(ann.root)
    document = site.upload(folder)
    site.upload_version(document.document, b"newer")
    people = {"owner": ann}
    roles = {
        "co-owner": ("COOWNER", folder), "author": ("CONTRIBUTOR", folder),
        "recipient": ("CONTRIBUTOR", document.document), "other": ("CONTRIBUTOR", folder),
        "viewer": ("VIEWER", folder),
    }
    for name, (role, resource) in roles.items():
        people[name] = site.person()
        share(site, resource, people[name], role)
    people["stranger"] = site.person()
    clients = {name: person.client() for name, person in people.items()}
    return document, clients | {"administrator": site.admin}


@pytest.fixture(scope="module")
def conversation(people):
    """What was said about the document, publicly and privately."""
    document, clients = people

    def write(name, text, **members):
        answer = clients[name].create_comment(**document.ids, Text=text, **members)
        return answer["Comment"]["CommentId"]

    made = {"question": write("recipient", "question")}
    made["to the hosts"] = write("author", "to the hosts", Visibility="PRIVATE")
    made["to the asker"] = write(
        "author", "to the asker", Visibility="PRIVATE", ParentId=made["question"]
    )
    made["the host's"] = write("owner", "the host's", Visibility="PRIVATE")
    made["the host's answer"] = write(
        "co-owner", "the host's answer", ParentId=made["to the hosts"]
    )
    made["administrator's"] = write("administrator", "administrator's", Visibility="PRIVATE")
    made["answer"] = write("other", "answer", ParentId=made["question"])
    return made


ALL = ["question", "to the hosts", "to the asker", "the host's", "the host's answer",
       "administrator's", "answer"]


class TestPrivacy:
    """A private comment is for its author, whom it answers, the owner and the co-owners."""

    @pytest.mark.parametrize("who,expected", [
        ("administrator", ALL),
        ("owner", ALL),
        ("co-owner", ALL),
        ("author", ["question", "to the hosts", "to the asker", "the host's answer", "answer"]),
        ("recipient", ["question", "to the asker", "answer"]),
        ("other", ["question", "answer"]),
    ])
    def test_who_reads_what(self, people, conversation, who, expected):
        document, clients = people
        assert texts(clients[who], document) == expected
        for limit in (1, 2, 3, 7):
            found, page, sizes = [], {}, []
            while not sizes or "Marker" in page:
                marker = {"Marker": page["Marker"]} if sizes else {}
                page = clients[who].describe_comments(**document.ids, Limit=limit, **marker)
                found += [comment["Text"] for comment in page["Comments"]]
                sizes.append(len(page["Comments"]))
            assert found == expected
            # What is hidden leaves no gap, and no page at the end that turns out empty.
            assert sizes[:-1] == [limit] * (len(sizes) - 1)
            assert len(sizes) == -(-len(expected) // limit)

    @pytest.mark.parametrize("who", ["recipient", "other"])
    def test_what_one_does_not_read_does_not_exist(self, people, conversation, who):
        document, clients = people
        hidden = conversation["to the hosts"]
        with refused("EntityNotExistsException") as refusal:
            clients[who].delete_comment(**document.ids, CommentId=hidden)
        assert refusal.response["EntityIds"] == [hidden]
        messages = []
        for parent in (hidden, UNKNOWN):
            for members in ({"ParentId": parent}, {"ThreadId": parent}):
                with refused("InvalidCommentOperationException") as refusal:
                    clients[who].create_comment(**document.ids, Text="me too", **members)
                messages.append(refusal.message)
        assert len(set(messages)) == 1

    def test_a_viewer_neither_reads_nor_writes(self, people, conversation):
        document, clients = people
        for call in self.calls(clients["viewer"], document, conversation["question"]):
            with refused("UnauthorizedOperationException"):
                call()

    def test_for_a_stranger_there_is_no_document(self, people, conversation):
        document, clients = people
        for call in self.calls(clients["stranger"], document, conversation["question"]):
            with refused("UnauthorizedResourceAccessException"):
                call()

    def calls(self, client, document, comment):
        return (
            lambda: client.describe_comments(**document.ids),
            lambda: client.create_comment(**document.ids, Text="mine"),
            lambda: client.delete_comment(**document.ids, CommentId=comment),
        )

    def test_scopes_tell_reading_from_writing(self, site, ann, document, comment):
        made = comment(document)
        reading, writing = ann.client("--scopes", "read"), ann.client("--scopes", "write")
        assert len(listed(reading, document)) == 1
        reply = comment(document, client=writing)
        with refused("UnauthorizedOperationException"):
            writing.describe_comments(**document.ids)
        with refused("UnauthorizedOperationException"):
            reading.create_comment(**document.ids, Text="no")
        with refused("UnauthorizedOperationException"):
            reading.delete_comment(**document.ids, CommentId=made["CommentId"])
        writing.delete_comment(**document.ids, CommentId=reply["CommentId"])

    def test_a_share_that_ends_ends_at_once(self, site, document, comment):
        guest = site.person()
        share(site, document.document, guest, "CONTRIBUTOR")
        client = guest.client()
        made = comment(document, "kept", client)
        site.admin.remove_resource_permission(
            ResourceId=document.document, PrincipalId=guest.id, PrincipalType="USER"
        )
        with refused("UnauthorizedResourceAccessException"):
            client.describe_comments(**document.ids)
        with refused("UnauthorizedResourceAccessException"):
            client.delete_comment(**document.ids, CommentId=made["CommentId"])
        assert texts(site.admin, document) == ["kept"]

    def test_a_contributor_sees_nobody_s_address_and_folders(self, site, people, conversation):
        document, clients = people
        shown = {"Id", "Username", "GivenName", "Surname", "Status", "Type"}
        for comment in listed(clients["other"], document):
            assert set(comment["Contributor"]) == shown


class TestDeletion:
    """One's own comments, or any on one's own document."""

    def delete(self, client, upload, comment):
        return client.delete_comment(**upload.ids, CommentId=comment["CommentId"])

    def test_an_unanswered_comment_is_gone(self, site, document, comment):
        made = comment(document, "gone")
        comment(document, "stays")
        answer = self.delete(site.admin, document, made)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert texts(site.admin, document) == ["stays"]
        with refused("EntityNotExistsException") as refusal:
            self.delete(site.admin, document, made)
        assert refusal.response["EntityIds"] == [made["CommentId"]]

    def test_an_answered_comment_stays_without_its_text(self, site, ann, document, comment):
        root = comment(document, "root", ann.client())
        reply = comment(document, "reply", ParentId=root["CommentId"])
        self.delete(ann.client(), document, root)
        shown = listed(site.admin, document)
        assert shown[0] == {
            name: value for name, value in root.items() if name != "Text"
        } | {"Status": "DELETED"}
        assert shown[1]["Text"] == "reply"
        assert shown[1]["ParentId"] == root["CommentId"]
        with refused("EntityNotExistsException"):
            self.delete(site.admin, document, root)
        for members in ({"ParentId": root["CommentId"]}, {"ThreadId": root["CommentId"]}):
            with refused("InvalidCommentOperationException"):
                site.admin.create_comment(**document.ids, Text="too late", **members)
        # The thread goes on below it.
        comment(document, "more", ParentId=reply["CommentId"], ThreadId=root["CommentId"])
        assert texts(site.admin, document) == [None, "reply", "more"]

    def test_what_was_kept_for_the_last_reply_goes_with_it(self, site, document, comment):
        root = comment(document, "root")
        first = comment(document, "first", ParentId=root["CommentId"])
        second = comment(document, "second", ParentId=first["CommentId"])
        third = comment(document, "third", ParentId=second["CommentId"])
        aside = comment(document, "aside", ParentId=first["CommentId"])
        for made in (second, first):
            self.delete(site.admin, document, made)
        assert texts(site.admin, document) == ["root", None, None, "third", "aside"]
        self.delete(site.admin, document, third)
        assert texts(site.admin, document) == ["root", None, "aside"]
        self.delete(site.admin, document, root)
        assert texts(site.admin, document) == [None, None, "aside"]
        self.delete(site.admin, document, aside)
        assert listed(site.admin, document) == []

    def test_who_deletes_what(self, site, people, comment):
        document, clients = people
        for name in ("administrator", "owner", "co-owner", "author"):
            made = comment(document, "mine", clients["author"])
            self.delete(clients[name], document, made)
        for name in ("recipient", "other"):
            made = comment(document, "mine", clients["author"])
            with refused("UnauthorizedOperationException"):
                self.delete(clients[name], document, made)
            owners = comment(document, "the owner's", clients["owner"])
            with refused("UnauthorizedOperationException"):
                self.delete(clients[name], document, owners)
            for left in (made, owners):
                self.delete(site.admin, document, left)

    def test_a_first_uploader_who_contributes_is_a_host_of_the_document(self, site, people, comment):
        first, clients = people
        folder = site.admin.get_document(DocumentId=first.document)["Metadata"]["ParentFolderId"]
        upload = site.initiate(clients["other"], ParentFolderId=folder, Name=site.name("by other"))
        upload.put(b"mine")
        upload.activate()
        hidden = comment(upload, "to the hosts", clients["author"], Visibility="PRIVATE")
        assert texts(clients["other"], upload) == ["to the hosts"]
        self.delete(clients["other"], upload, hidden)

    def test_a_repeated_deletion_is_done_once(self, site, document, comment):
        made = comment(document)
        request = request_of(
            site.admin, "delete_comment", **document.ids, CommentId=made["CommentId"]
        )
        assert [send(request).status, send(request).status] == [204, 204]

    def test_replies_and_deletions_at_once_leave_no_reply_without_its_parent(
        self, site, document, comment
    ):
        for _ in range(12):
            root = comment(document)
            parent = {"ParentId": root["CommentId"]}

            def reply():
                return outcome(site.admin.create_comment, **document.ids, Text="reply", **parent)

            def delete():
                return outcome(
                    site.admin.delete_comment, **document.ids, CommentId=root["CommentId"]
                )

            with ThreadPoolExecutor(4) as threads:
                works = [threads.submit(work) for work in (reply, delete, reply, delete)]
                first, deleted, second, again = [work.result() for work in works]
            assert sorted([deleted, again], key=str) == ["EntityNotExistsException", None]
            assert {first, second} <= {None, "InvalidCommentOperationException"}
            thread = [
                one for one in listed(site.admin, document) if one["ThreadId"] == root["CommentId"]
            ]
            replies = [first, second].count(None)
            assert len(thread) == (1 + replies if replies else 0)

    def test_last_replies_that_go_at_once_take_the_parent_along(self, site, document, comment):
        for _ in range(8):
            root = comment(document)
            replies = [comment(document, ParentId=root["CommentId"]) for _ in range(4)]
            self.delete(site.admin, document, root)
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(lambda made: self.delete(site.admin, document, made), replies))
            assert listed(site.admin, document) == []

    def test_a_deleted_user_s_comments_stay(self, site, document, comment):
        guest = site.person()
        share(site, document.document, guest, "CONTRIBUTOR")
        root = comment(document, "from a guest", guest.client())
        comment(document, "to a guest", ParentId=root["CommentId"])
        site.admin.delete_user(UserId=guest.id)
        first, second = listed(site.admin, document)
        assert (first["Text"], first["Contributor"]) == ("from a guest", {"Id": guest.id})
        assert second["RecipientId"] == guest.id


@pytest.fixture(scope="module")
def commented(site, ann):
    """A version with the comments 0 to 10."""
    upload = site.upload(site.folder(ann.root))
    for number in range(11):
        site.admin.create_comment(**upload.ids, Text=f"{number}")
    return upload


class TestPages:
    """Pages of comments, oldest first."""

    @pytest.mark.parametrize("limit", [*range(1, 13), 999])
    def test_every_comment_comes_once_and_in_order(self, site, commented, limit):
        page, pages = {}, []
        while not pages or "Marker" in page:
            marker = {"Marker": page["Marker"]} if pages else {}
            page = site.admin.describe_comments(**commented.ids, Limit=limit, **marker)
            pages.append([int(comment["Text"]) for comment in page["Comments"]])
        assert sum(pages, []) == list(range(11))
        assert all(len(page) == limit for page in pages[:-1])
        assert len(pages) == -(-11 // limit)

    def test_without_a_limit_a_page_has_a_hundred_comments(self, site, document, comment):
        with ThreadPoolExecutor(12) as threads:
            list(threads.map(lambda n: comment(document), range(101)))
        page = site.admin.describe_comments(**document.ids)
        assert len(page["Comments"]) == 100
        page = site.admin.describe_comments(**document.ids, Marker=page["Marker"])
        assert len(page["Comments"]) == 1

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_what_comes_and_goes_meanwhile_neither_hides_nor_doubles_a_comment(
        self, site, document, comment, limit
    ):
        stays = [f"stays {number}" for number in range(10)]
        goes = []
        for text in stays:
            goes.append(comment(document, "goes")["CommentId"])
            comment(document, text)
        found, page, added = [], {}, 0
        while not page or "Marker" in page:
            marker = {"Marker": page["Marker"]} if page else {}
            page = site.admin.describe_comments(**document.ids, Limit=limit, **marker)
            found += [one["Text"] for one in page["Comments"]]
            if goes:
                # Also the very comment that the marker stands on goes in between.
                site.admin.delete_comment(**document.ids, CommentId=goes.pop(0))
            if added < 6 and "Marker" in page:
                comment(document, f"added {added}")
                added += 1
        kept = [text for text in found if text != "goes"]
        assert kept == stays + [f"added {number}" for number in range(added)]

    def test_a_marker_is_good_for_its_own_list_only(self, site, commented, document, comment):
        marker = site.admin.describe_comments(**commented.ids, Limit=3)["Marker"]
        for _ in range(2):
            page = site.admin.describe_comments(**commented.ids, Limit=2, Marker=marker)
            assert [one["Text"] for one in page["Comments"]] == ["3", "4"]
        newer = site.upload_version(commented.document, b"newer")
        for ids, text in [
            (document.ids, marker), (newer.ids, marker), (commented.ids, "forged"),
            (commented.ids, marker[:-1]),
        ]:
            with refused("ValidationException") as refusal:
                site.admin.describe_comments(**ids, Marker=text)
            assert "marker" in refusal.message.lower()

    @pytest.mark.parametrize("limit", [0, 1000])
    def test_a_limit_is_from_1_to_999(self, site, commented, limit):
        client = workdocs(site.server, validate=False)
        with refused("ValidationException") as refusal:
            client.describe_comments(**commented.ids, Limit=limit)
        assert "limit" in refusal.message.lower()

    def test_a_version_without_comments_has_an_empty_list(self, site, document):
        answer = site.admin.describe_comments(**document.ids)
        assert answer["Comments"] == []
        assert "Marker" not in answer


class TestWrongPlaces:
    """A comment belongs to one version of one document."""

    def test_a_reply_stays_with_what_it_answers(self, site, folder, document, comment):
        root = comment(document)["CommentId"]
        beside = comment(document)["CommentId"]
        reply = comment(document, ParentId=root)["CommentId"]
        of_others = comment(site.upload(site.person().root))["CommentId"]
        newer = site.upload_version(document.document, b"newer")
        elsewhere = site.upload(folder)
        rows = [
            (document, {"ParentId": UNKNOWN}),
            (document, {"ThreadId": UNKNOWN}),
            (document, {"ParentId": root, "ThreadId": UNKNOWN}),
            (document, {"ParentId": UNKNOWN, "ThreadId": root}),
            (document, {"ParentId": root, "ThreadId": beside}),
            (document, {"ParentId": reply, "ThreadId": reply}),
            (document, {"ThreadId": reply}),
            (document, {"ParentId": of_others, "ThreadId": of_others}),
            (newer, {"ParentId": root, "ThreadId": root}),
            (newer, {"ParentId": root}),
            (elsewhere, {"ParentId": root}),
        ]
        for upload, members in rows:
            with refused("InvalidCommentOperationException") as refusal:
                site.admin.create_comment(**upload.ids, Text="reply", **members)
            assert refusal.message
        assert len(listed(site.admin, document)) == 3
        assert listed(site.admin, newer) == listed(site.admin, elsewhere) == []

    def test_a_comment_is_deleted_only_where_it_stands(self, site, folder, document, comment):
        made = comment(document)["CommentId"]
        newer = site.upload_version(document.document, b"newer")
        elsewhere = site.upload(folder)
        for ids in (newer.ids, elsewhere.ids):
            with refused("EntityNotExistsException") as refusal:
                site.admin.delete_comment(**ids, CommentId=made)
            assert refusal.response["EntityIds"] == [made]
        assert len(listed(site.admin, document)) == 1

    def test_a_version_of_another_document_is_no_version(self, site, folder, document, comment):
        other = site.upload(folder)
        made = comment(other)["CommentId"]
        ids = {"DocumentId": document.document, "VersionId": other.version}
        for call, members in [
            (site.admin.create_comment, {"Text": "text"}),
            (site.admin.describe_comments, {}),
            (site.admin.delete_comment, {"CommentId": made}),
        ]:
            with refused("EntityNotExistsException") as refusal:
                call(**ids, **members)
            assert refusal.response["EntityIds"] == [other.version]

    def test_an_unfinished_upload_takes_no_comments(self, site, ann, document, comment):
        helper = site.person()
        share(site, document.document, helper, "CONTRIBUTOR")
        draft = site.initiate(Id=document.document)
        for client in (site.admin, ann.client()):
            with refused("ProhibitedStateException"):
                client.create_comment(**draft.ids, Text="early")
            assert listed(client, draft) == []
            with refused("EntityNotExistsException"):
                client.delete_comment(**draft.ids, CommentId=UNKNOWN)
        client = helper.client()
        for call, members in [
            (client.create_comment, {"Text": "early"}), (client.describe_comments, {}),
        ]:
            with refused("EntityNotExistsException") as refusal:
                call(**draft.ids, **members)
            assert refusal.response["EntityIds"] == [draft.version]
        draft.put(b"late")
        draft.activate()
        comment(draft, "in time", client)

    def test_a_deleted_version_s_comments_come_back_with_it(self, site, document, comment):
        made = comment(document, "kept")
        site.upload_version(document.document, b"newer")
        site.admin.delete_document_version(**document.ids, DeletePriorVersions=False)
        for call, members in [
            (site.admin.create_comment, {"Text": "text"}),
            (site.admin.describe_comments, {}),
            (site.admin.delete_comment, {"CommentId": made["CommentId"]}),
        ]:
            with refused("EntityNotExistsException"):
                call(**document.ids, **members)
        site.admin.restore_document_versions(DocumentId=document.document)
        assert texts(site.admin, document) == ["kept"]

    def test_a_recycled_document_s_comments_are_read_and_not_changed(
        self, site, ann, document, comment
    ):
        made = comment(document, "kept")
        site.admin.update_document(DocumentId=document.document, ResourceState="RECYCLED")
        for client in (site.admin, ann.client()):
            assert texts(client, document) == ["kept"]
            with refused("ProhibitedStateException"):
                client.create_comment(**document.ids, Text="late")
            with refused("ProhibitedStateException"):
                client.delete_comment(**document.ids, CommentId=made["CommentId"])
        site.admin.update_document(DocumentId=document.document, ResourceState="ACTIVE")
        comment(document, "again")
        assert texts(site.admin, document) == ["kept", "again"]

    def test_a_deleted_document_has_no_comments(self, site, document, comment):
        made = comment(document)
        site.admin.delete_document(DocumentId=document.document)
        for call, members in [
            (site.admin.create_comment, {"Text": "text"}),
            (site.admin.describe_comments, {}),
            (site.admin.delete_comment, {"CommentId": made["CommentId"]}),
        ]:
            with refused("UnauthorizedResourceAccessException"):
                call(**document.ids, **members)
