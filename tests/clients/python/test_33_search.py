"""Searching: names, contents and comments, who finds what, every filter and order, paging."""

from datetime import timedelta

import pytest
from botocore.exceptions import ParamValidationError

from client import outcome, refused, workdocs
from test_14_sharing import give, user
from twins import Rows
from waiting import until

HIDDEN = "UnauthorizedResourceAccessException"
INVALID = "InvalidArgumentException"


class Searcher:
    """Somebody who searches: an administrator by access key, or a user by token."""

    def __init__(self, client, **always):
        self.client = client
        self.always = always

    def answer(self, text=None, filters=None, **members):
        given = {"QueryText": text, "Filters": filters}
        given = {name: value for name, value in given.items() if value is not None}
        return self.client.search_resources(**self.always, **given, **members)

    def names(self, *arguments, **members):
        """The names of what is found, in order; versions and comments by their kinds."""
        return [name(item) for item in self.answer(*arguments, **members)["Items"]]

    def pages(self, limit, **members):
        page = self.answer(Limit=limit, **members)
        yield page["Items"]
        while "Marker" in page:
            assert page["Marker"].isdigit()
            page = self.answer(Limit=limit, Marker=page["Marker"], **members)
            yield page["Items"]


def name(item):
    kind = item["ResourceType"]
    if kind == "FOLDER":
        return item["FolderMetadata"]["Name"]
    if kind == "DOCUMENT":
        return item["DocumentMetadata"]["LatestVersionMetadata"]["Name"]
    if kind == "DOCUMENT_VERSION":
        return f"version {item['DocumentVersionMetadata']['Name']}"
    return f"comment {item['CommentMetadata']['CommentId']}"


def ordered(field, order=None):
    return [{"Field": field} | ({"Order": order} if order else {})]


@pytest.fixture(scope="module")
def admin(site):
    return Searcher(site.admin, OrganizationId=site.server.organization_id)


@pytest.fixture
def person(site):
    return site.person()


@pytest.fixture
def searcher(person):
    return Searcher(person.client())


# Words.


def test_names_are_found_by_their_words(site, admin, person, searcher):
    mark = site.name("mark").replace("-", "x")
    for title in (f"{mark} Straße.md", f"{mark}_Café-2024.xlsx", f"{mark} 第2四半期報告書.txt"):
        site.upload(person.root, name=title)
    site.folder(person.root, f"{mark} Vorlagen")
    for each in (admin, searcher):
        for text, expected in (
            (f"{mark} strasse", f"{mark} Straße.md"),
            (f"STRASSE {mark}", f"{mark} Straße.md"),
            (f"{mark} café", f"{mark}_Café-2024.xlsx"),
            (f"{mark} cafe 2024", f"{mark}_Café-2024.xlsx"),
            (f'"{mark} cafe 2024"', f"{mark}_Café-2024.xlsx"),
            (f"{mark} 報告", f"{mark} 第2四半期報告書.txt"),
            (f"{mark} vorl", f"{mark} Vorlagen"),
        ):
            assert each.names(text) == [expected], text
        assert sorted(each.names(f"{mark} strasse OR {mark} AND vorlagen")) == [
            f"{mark} Straße.md", f"{mark} Vorlagen",
        ]
        assert each.names(f'"{mark} vorl"') == []
        assert each.names(f"{mark} nothing") == []
        assert each.names("!?") == []


def test_a_comment_is_found_by_its_text(site, admin, person, searcher):
    upload = site.upload(person.root)
    word = site.name("remark").replace("-", "x")
    made = searcher.client.create_comment(**upload.ids, Text=f"A {word}, really!")["Comment"]
    for each in (admin, searcher):
        [item] = each.answer(word)["Items"]
        assert item["ResourceType"] == "COMMENT"
        found = item["CommentMetadata"]
        assert found["CommentId"] == made["CommentId"]
        assert found["ContributorId"] == found["Contributor"]["Id"] == person.id
        assert found["CommentStatus"] == "PUBLISHED"
        assert found["CreatedTimestamp"] == made["CreatedTimestamp"]
        assert not {"DocumentMetadata", "FolderMetadata", "DocumentVersionMetadata"} & set(item)
        assert each.names(word, QueryScopes=["NAME"]) == []
        assert len(each.names(word, QueryScopes=["CONTENT"])) == 1
    searcher.client.delete_comment(**upload.ids, CommentId=made["CommentId"])
    assert admin.names(word) == []


def test_what_is_found_is_shown_as_it_is_read(site, admin, person, searcher):
    word = site.name("shown").replace("-", "x")
    folder = site.folder(person.root, f"{word} folder")
    upload = site.upload(folder, b"12345", name=f"{word} file.txt", ContentType="text/plain")
    document, shown_folder = admin.answer(word, OrderBy=ordered("NAME"))["Items"]
    read = site.admin.get_document(DocumentId=upload.document)["Metadata"]
    assert document == {"ResourceType": "DOCUMENT", "DocumentMetadata": read}
    read = site.admin.get_folder(FolderId=folder)["Metadata"]
    for total in ("Size", "LatestVersionSize", "Signature"):
        del read[total]
    assert shown_folder == {"ResourceType": "FOLDER", "FolderMetadata": read}
    with_urls = searcher.answer(
        word, OrderBy=ordered("NAME"), AdditionalResponseFields=["WEBURL"]
    )["Items"]
    assert [item["WebUrl"] for item in with_urls] == [
        f"{site.server.url}/workdocs/index.html#/document/{upload.document}",
        f"{site.server.url}/workdocs/index.html#/folder/{folder}",
    ]


def test_older_versions_are_found_where_they_are_asked_for(site, admin, person, searcher):
    word = site.name("versions").replace("-", "x")
    first = site.upload(person.root, b"1", name=word)
    second = site.upload_version(first.document, b"22")
    for each in (admin, searcher):
        [item] = each.answer(word)["Items"]
        latest = item["DocumentMetadata"]["LatestVersionMetadata"]
        assert latest["Id"] == second.version
        items = each.answer(word, {"ResourceTypes": ["DOCUMENT_VERSION"]})["Items"]
        found = {item["DocumentVersionMetadata"]["Id"] for item in items}
        assert found == {first.version, second.version}
        kinds = {"ResourceTypes": ["DOCUMENT", "DOCUMENT_VERSION"]}
        items = each.answer(word, kinds)["Items"]
        assert sorted(item["ResourceType"] for item in items) == ["DOCUMENT", "DOCUMENT_VERSION"]


# Who finds what.


def test_a_share_is_found_until_it_is_revoked(site, person, searcher):
    owner = site.person()
    word = site.name("shared").replace("-", "x")
    folder = site.folder(owner.root, f"{word} folder")
    site.upload(folder, name=f"{word} file")
    assert searcher.names(word) == []
    give(site, folder, user(person))
    assert sorted(searcher.names(word)) == [f"{word} file", f"{word} folder"]
    for collection, count in (("OWNED", 0), ("SHARED_WITH_ME", 2)):
        assert len(searcher.names(word, {"SearchCollectionTypes": [collection]})) == count
    site.admin.remove_resource_permission(ResourceId=folder, PrincipalId=person.id)
    assert searcher.names(word) == []


def test_what_is_recycled_is_found_again_when_it_is_back(site, admin, person, searcher):
    word = site.name("recycled").replace("-", "x")
    folder = site.folder(person.root, f"{word} folder")
    site.upload(folder, name=f"{word} file")
    for each in (admin, searcher):
        assert len(each.names(word)) == 2
        site.admin.update_folder(FolderId=folder, ResourceState="RECYCLED")
        assert each.names(word) == []
        site.admin.update_folder(FolderId=folder, ResourceState="ACTIVE")
        assert len(each.names(word)) == 2
    site.admin.delete_folder(FolderId=folder)
    for each in (admin, searcher):
        assert each.names(word) == []


def test_a_viewer_finds_neither_comments_nor_older_versions(site, person, searcher):
    owner = site.person()
    word = site.name("history").replace("-", "x")
    first = site.upload(owner.root, b"1", name=word)
    latest = site.upload_version(first.document, b"2")
    owner.client().create_comment(**latest.ids, Text=word)
    owner.client().create_comment(**latest.ids, Text=f"{word} hush", Visibility="PRIVATE")
    everything = {"ResourceTypes": ["COMMENT", "DOCUMENT_VERSION"]}
    for role, kinds in (
        ("VIEWER", ["DOCUMENT_VERSION"]),
        ("CONTRIBUTOR", ["COMMENT", "DOCUMENT_VERSION", "DOCUMENT_VERSION"]),
        ("COOWNER", ["COMMENT", "COMMENT", "DOCUMENT_VERSION", "DOCUMENT_VERSION"]),
    ):
        give(site, first.document, user(person, role))
        items = searcher.answer(word, everything)["Items"]
        assert sorted(item["ResourceType"] for item in items) == kinds, role


def test_an_access_key_names_the_organization(site, admin, searcher):
    with refused(INVALID):
        site.admin.search_resources(QueryText="x")
    with refused(HIDDEN):
        site.admin.search_resources(QueryText="x", OrganizationId="d-0000000000")
    with refused(HIDDEN):
        searcher.answer("x", OrganizationId="d-0000000000")
    with refused(INVALID):
        admin.answer("x", {"SearchCollectionTypes": ["OWNED"]})
    searcher.answer("x", OrganizationId=site.server.organization_id)


def test_a_token_needs_the_scope_to_read(site, person):
    with refused("UnauthorizedOperationException"):
        person.client("--scopes", "write").search_resources(QueryText="x")
    person.client("--scopes", "read").search_resources(QueryText="x")


# Filters and orders.


@pytest.fixture(scope="module")
def shelf(site):
    """A folder with different things, and who can see them."""
    owner = site.person()
    word = "shelfword"
    folder = site.folder(owner.root, f"{word} folder")
    pdf = site.upload(folder, b"1", name=f"{word} a.pdf")
    png = site.upload(owner.root, b"0123456789", name=f"{word} b.png")
    site.admin.create_labels(ResourceId=png.document, Labels=["blue"])
    organization = {"Id": site.server.organization_id, "Type": "ORGANIZATION", "Role": "VIEWER"}
    give(site, png.document, organization)
    give(site, pdf.document, {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"})
    comment = owner.client().create_comment(**pdf.ids, Text=f"{word} in English")["Comment"]
    return owner, word, folder, f"comment {comment['CommentId']}"


def test_each_filter_leaves_what_it_says(site, admin, shelf):
    owner, word, folder, comment = shelf
    whole, pdf, png = f"{word} folder", f"{word} a.pdf", f"{word} b.png"
    made = site.admin.get_folder(FolderId=folder)["Metadata"]["CreatedTimestamp"]
    stranger = site.person().id
    for filters, expected in (
        ({}, [comment, pdf, png, whole]),
        ({"ResourceTypes": ["FOLDER", "COMMENT"]}, [comment, whole]),
        ({"ContentCategories": ["PDF"]}, [pdf]),
        ({"ContentCategories": ["IMAGE", "VIDEO"]}, [png]),
        ({"Labels": ["blue"]}, [png]),
        ({"Labels": ["Blue"]}, []),
        ({"TextLocales": ["EN"]}, [comment]),
        ({"TextLocales": ["JA"]}, []),
        ({"AncestorIds": [folder]}, [comment, pdf]),
        ({"AncestorIds": [owner.root]}, [comment, pdf, png, whole]),
        ({"SizeRange": {"StartValue": 2}}, [png]),
        ({"SizeRange": {"StartValue": 0, "EndValue": 1}}, [pdf]),
        # SDKs send whole seconds.
        ({"CreatedRange": {"StartValue": made - timedelta(seconds=1)}},
         [comment, pdf, png, whole]),
        ({"CreatedRange": {"EndValue": made - timedelta(seconds=5)}}, []),
        ({"CreatedRange": {"StartValue": 0}, "ModifiedRange": {"StartValue": 0}},
         [comment, pdf, png, whole]),
        ({"ModifiedRange": {"EndValue": 0}}, []),
        ({"Principals": [{"Id": owner.id, "Roles": ["OWNER"]}]}, [comment, pdf, png, whole]),
        ({"Principals": [{"Id": owner.id.split("&")[0]}]}, [comment, pdf, png, whole]),
        ({"Principals": [{"Id": owner.id, "Roles": ["VIEWER"]}]}, []),
        ({"Principals": [{"Id": stranger}]}, []),
        # The organization and everybody have ids of their own form.
        ({"Principals": [{"Id": site.server.organization_id}]}, [png]),
        ({"Principals": [{"Id": "anonymous", "Roles": ["VIEWER"]}]}, [comment, pdf]),
    ):
        assert admin.names(word, filters, OrderBy=ordered("NAME")) == expected, filters


def test_each_order_goes_both_ways(admin, shelf):
    _, word, _, _ = shelf
    whole, pdf, png = f"{word} folder", f"{word} a.pdf", f"{word} b.png"
    kinds = {"ResourceTypes": ["FOLDER", "DOCUMENT"]}
    for field, ascending in (
        ("NAME", [pdf, png, whole]),
        ("SIZE", [whole, pdf, png]),
        ("CREATED_TIMESTAMP", [whole, pdf, png]),
    ):
        for order, expected in ((None, ascending), ("ASC", ascending), ("DESC", ascending[::-1])):
            assert admin.names(word, kinds, OrderBy=ordered(field, order)) == expected, field
    for field in ("RELEVANCE", "MODIFIED_TIMESTAMP"):
        names = [admin.names(word, kinds, OrderBy=ordered(field, order)) for order in ("ASC", "DESC")]
        assert sorted(names[0]) == sorted(names[1]) == [pdf, png, whole]


def test_a_folder_that_is_hidden_is_no_filter(site, searcher, shelf):
    owner, word, folder, _ = shelf
    for identity in (owner.root, folder, "0" * 64):
        with refused(HIDDEN):
            searcher.answer(word, {"AncestorIds": [identity]})


def test_a_range_that_ends_before_it_begins_is_refused(admin):
    for field in ("SizeRange", "CreatedRange", "ModifiedRange"):
        with refused(INVALID):
            admin.answer("x", {field: {"StartValue": 2, "EndValue": 1}})


# Paging.


def test_pages_hold_everything_once(site, admin, person, searcher):
    word = site.name("paged").replace("-", "x")
    for number in range(12):
        site.folder(person.root, f"{word} {number:02}")
    expected = [f"{word} {number:02}" for number in range(12)]
    for each in (admin, searcher):
        pages = list(each.pages(5, text=word, OrderBy=ordered("NAME")))
        assert [len(page) for page in pages] == [5, 5, 2]
        assert [name(item) for page in pages for item in page] == expected
        assert sorted(name(item) for page in each.pages(1, text=word) for item in page) == expected
    mine = {"SearchCollectionTypes": ["OWNED"]}
    pages = list(searcher.pages(5, filters=mine, OrderBy=ordered("NAME")))
    assert [name(item) for page in pages for item in page] == expected


def test_a_marker_that_was_made_up_gives_nothing(site, admin):
    for marker in ("1", "0", "9" * 2048, "39", "1" * 147, "24294967295"):
        with refused(INVALID):
            admin.answer("x", Marker=marker)
    unchecked = workdocs(site.server, validate=False)
    for broken in ({"Marker": "abc"}, {"Limit": 101}, {"Limit": 0}):
        with refused(INVALID):
            unchecked.search_resources(**admin.always, QueryText="x", **broken)


def test_a_marker_tells_nothing_of_what_the_caller_may_not_see(site, searcher, person):
    word = site.name("oracle").replace("-", "x")
    hidden = site.person()
    for number in range(12):
        site.folder(hidden.root, f"{word} hidden {number}")
    for number in range(3):
        site.folder(person.root, f"{word} {number}")
    by_age = {"OrderBy": ordered("CREATED_TIMESTAMP", "ASC"), "Limit": 1}
    markers = [searcher.answer(text, **by_age)["Marker"] for text in (word, word, f"{word} 0 OR 1")]
    assert len(set(markers)) == 3, "equal places could be told from others"
    assert len({len(marker) for marker in markers}) == 1
    # It is for the search it was given for, and for whom it was given to.
    assert searcher.names(word, Marker=markers[0], **by_age) == [f"{word} 1"]
    with refused(INVALID):
        searcher.answer(f"{word} OR x", Marker=markers[0], **by_age)
    with refused(INVALID):
        Searcher(hidden.client()).answer(word, Marker=markers[0], **by_age)


def test_what_a_public_link_opens_is_found_by_nobody(site, searcher, person):
    word = site.name("linked").replace("-", "x")
    owner = site.person()
    document = site.upload(owner.root, name=f"{word}.txt")
    give(site, document.document, {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"})
    assert searcher.names(word) == []
    give(site, document.document, user(person))
    assert searcher.names(word) == [f"{word}.txt"]


# Whatever is typed.


HOSTILE = (
    '"', '""', "'", "\\", "*", "a*", "(", "NOT x", "NEAR(a b)", "name:x", "{content}:x", "-x", "^x",
    "a <-> b", "a & b", "a | !b", "'a':*", "%", "'; DROP TABLE search_entry; --", "🙂", "AND", "OR",
    "AND OR AND", "a\u0301\u200d", "½", "ﷺ", "\u0e01\u0e47", "x" * 512, "東" * 60,
)


def test_nothing_that_is_typed_is_syntax(admin, searcher):
    for text in HOSTILE:
        for each in (admin, searcher):
            for scopes in ([], ["NAME"], ["CONTENT"]):
                each.answer(text, QueryScopes=scopes)
    with refused(INVALID):
        admin.answer("東" * 512)
    assert outcome(admin.client.search_resources, **admin.always) is None
    with pytest.raises(ParamValidationError):
        admin.answer("")


# The index.


def lose_index(site):
    """As a site has it that an older version made."""
    Rows(site.server).change("DELETE FROM search_entry")


def test_what_is_missing_in_the_index_is_put_there_by_a_command(site, person, searcher):
    word = site.name("indexed").replace("-", "x")
    site.folder(person.root, word)
    lose_index(site)
    assert searcher.names(word) == []
    site.server.run("verify", str(site.server.data), expect=1)
    assert not site.server.run("reindex", str(site.server.data)).stdout.startswith("0 entries")
    assert searcher.names(word) == [word]
    assert site.server.run("reindex", str(site.server.data)).stdout.startswith("0 entries")
    site.server.verify()


def test_what_is_missing_in_the_index_is_put_there_when_the_server_starts(site, person, searcher):
    word = site.name("started").replace("-", "x")
    site.folder(person.root, word)
    lose_index(site)
    site.server.restart()
    until("the folder is found", lambda: searcher.names(word) == [word])
    until("everything is indexed", lambda: Rows(site.server).ask(
        "SELECT COUNT(*) FROM version v WHERE v.status <> 'INITIALIZED' AND NOT EXISTS "
        "(SELECT 1 FROM search_entry e WHERE e.version_id = v.id AND e.comment_id = '')"
    )[0][0] == 0)
    site.server.run("reindex", str(site.server.data))
    site.server.verify()
