"""Groups of the built-in directory, and what others share with a user or with their groups."""

import pytest

from client import outcome, refused
from test_14_sharing import at_once, give, roles, share, statuses, user

HIDDEN = "UnauthorizedResourceAccessException"
NOT_ALLOWED = "UnauthorizedOperationException"


def command(site, *arguments, expect=0):
    """Runs `docharbor group` on the site's data; answers what it printed."""
    done = site.server.run("group", *arguments, str(site.server.data), expect=expect)
    return done.stdout if expect == 0 else done.stderr


def make_group(site, *members):
    """Makes a group of these people, and answers its id."""
    printed = command(site, "create", site.name("group"))
    id = printed.strip()
    assert printed == f"{id}\n"
    for member in members:
        assert command(site, "add-member", id, member.username) == ""
    return id


def group(id, role="VIEWER"):
    return {"Id": id, "Type": "GROUP", "Role": role}


def shared_with(client, **members):
    """The ids of the folders and of the documents that are shared with somebody, in order."""
    answer = client.get_resources(CollectionType="SHARED_WITH_ME", **members)
    return [[one["Id"] for one in answer[kind]] for kind in ("Folders", "Documents")]


def pages_of(client, limit):
    """Every page of what is shared with somebody; the SDK has no paginator for them."""
    pages = [client.get_resources(Limit=limit)]
    while "Marker" in pages[-1]:
        pages.append(client.get_resources(Limit=limit, Marker=pages[-1]["Marker"]))
    return pages


@pytest.fixture
def bob(site):
    return site.person()


# Groups.


def test_a_group_has_an_id_shaped_as_a_directory_s(site):
    id = make_group(site)
    assert id.startswith("S-1-5-21-") and id.endswith(f"&{site.server.organization_id}")


def test_the_members_of_a_group_have_its_role_from_the_moment_they_are_in_it(site, folder, bob):
    inner = site.folder(folder)
    late = site.person()
    as_bob, as_late = bob.client(), late.client()
    id = make_group(site, bob)
    give(site, folder, group(id, "CONTRIBUTOR"))
    assert outcome(as_bob.create_folder, ParentFolderId=inner, Name="by Bob") is None
    with refused(HIDDEN):
        as_late.get_folder(FolderId=inner)
    command(site, "add-member", id, late.username)
    assert outcome(as_late.create_folder, ParentFolderId=inner, Name="by the late") is None
    assert roles(as_late, inner)["GROUP", id] == [("CONTRIBUTOR", "INHERITED")]
    site.admin.remove_resource_permission(
        ResourceId=folder, PrincipalId=id, PrincipalType="GROUP"
    )
    for client in (as_bob, as_late):
        with refused(HIDDEN):
            client.get_folder(FolderId=inner)


def test_the_stronger_of_a_member_s_and_their_groups_roles_counts(site, folder, bob):
    as_bob = bob.client()
    viewers, co_owners = make_group(site, bob), make_group(site, bob)
    give(site, folder, group(viewers), group(co_owners, "COOWNER"), user(bob, "CONTRIBUTOR"))
    assert outcome(as_bob.update_folder, FolderId=folder, Name=site.name()) is None
    site.admin.remove_resource_permission(ResourceId=folder, PrincipalId=co_owners)
    with refused(NOT_ALLOWED):
        as_bob.update_folder(FolderId=folder, Name=site.name())
    assert outcome(as_bob.create_folder, ParentFolderId=folder, Name="still") is None
    as_bob.remove_resource_permission(ResourceId=folder, PrincipalId=bob.id)
    with refused(NOT_ALLOWED):
        as_bob.create_folder(ParentFolderId=folder, Name="no longer")
    # Nobody leaves a share for the others of a group.
    with refused(NOT_ALLOWED):
        as_bob.remove_resource_permission(ResourceId=folder, PrincipalId=viewers)
    assert outcome(as_bob.get_folder, FolderId=folder) is None


def test_a_group_s_id_may_lack_the_organization(site, folder, bob):
    id = make_group(site, bob)
    bare = id.removesuffix(f"&{site.server.organization_id}")
    give(site, folder, group(bare))
    assert list(roles(site.admin, folder, PrincipalId=bare)) == [("GROUP", id)]
    assert statuses(share(site.admin, folder, {"Id": id, "Type": "USER", "Role": "VIEWER"})) == [
        "FAILURE"
    ]


def test_groups_and_users_are_named_by_id_or_by_name_and_once_is_enough(site, folder, bob):
    name = site.name("Editors")
    id = command(site, "create", f"  {name} ").strip()
    for named in (id, name, name.upper()):
        for member in (bob.id, bob.username, bob.username.upper()):
            command(site, "add-member", named, member)
    give(site, folder, group(id))
    assert outcome(bob.client().get_folder, FolderId=folder) is None


def test_what_cannot_be_done_to_a_group_is_told(site, bob):
    name = site.name("taken")
    id = command(site, "create", name).strip()
    assert "already" in command(site, "create", name.upper(), expect=1)
    for wrong in ("", "  ", "a\nb", "x" * 257):
        assert "256 characters" in command(site, "create", wrong, expect=2)
    assert "group does not exist" in command(site, "add-member", "nobody", bob.id, expect=1)
    assert "user or group does not exist" in command(site, "add-member", id, "nobody", expect=1)
    site.server.run("group", "create", expect=2)


def test_a_deleted_user_is_in_no_group(site, folder, bob):
    id = make_group(site, bob)
    give(site, folder, group(id))
    site.admin.delete_user(UserId=bob.id)
    assert "user or group does not exist" in command(site, "add-member", id, bob.id, expect=1)
    site.server.verify()


# What is shared with a user.


def test_what_is_given_to_a_user_or_a_group_of_theirs_is_listed_once_and_by_name(site, folder, bob):
    as_bob = bob.client()
    assert shared_with(as_bob) == [[], []]
    named = {name: site.folder(folder, name) for name in ("c", "a", "b")}
    documents = {name: site.upload(folder, name=name).document for name in ("z", "y")}
    deep = site.upload(site.folder(named["a"]), name="x").document
    id = make_group(site, bob)
    for resource in (*named.values(), *documents.values()):
        give(site, resource, user(bob), group(id))
    give(site, deep, group(id))
    # The folder stands for what is below it, unless that was given too.
    folders = [named["a"], named["b"], named["c"]]
    expected = [folders, [deep, documents["y"], documents["z"]]]
    assert shared_with(as_bob) == expected
    assert shared_with(as_bob, UserId=bob.id) == expected
    assert shared_with(site.admin, UserId=bob.id) == expected
    bare = bob.id.removesuffix(f"&{site.server.organization_id}")
    assert shared_with(site.admin, UserId=bare) == expected
    answer = as_bob.get_resources()
    assert answer["Folders"][0]["Name"] == "a"
    assert answer["Documents"][0]["LatestVersionMetadata"]["Name"] == "x"
    assert "Marker" not in answer


def test_only_what_others_gave_to_them_is_listed(site, folder, ann, bob):
    as_bob = bob.client()
    organization = site.server.organization_id
    id = make_group(site, bob)
    given = site.folder(folder)
    own = site.folder(bob.root)
    draft = site.initiate(ParentFolderId=folder, Name=site.name())
    public = site.upload(folder).document
    everybody = site.folder(folder)
    give(site, given, user(bob))
    give(site, own, user(ann), group(id))
    give(site, draft.document, user(bob, "COOWNER"))
    give(site, public, {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"})
    give(site, everybody, {"Id": organization, "Type": "ORGANIZATION", "Role": "VIEWER"})
    assert shared_with(as_bob) == [[given], []]
    draft.put(b"x")
    draft.activate()
    assert shared_with(as_bob) == [[given], [draft.document]]
    as_bob.remove_resource_permission(ResourceId=given, PrincipalId=bob.id)
    assert shared_with(as_bob) == [[], [draft.document]]
    assert shared_with(site.admin, UserId=ann.id) == [[own], []]


def test_what_lies_below_a_recycled_or_deleted_folder_is_not_listed(site, folder, bob):
    as_bob = bob.client()
    top = site.folder(folder)
    inner = site.folder(top)
    document = site.upload(inner).document
    give(site, inner, user(bob))
    give(site, document, user(bob))
    expected = [[inner], [document]]
    for recycle, restore in (
        (site.admin.update_folder, {"FolderId": top}), (site.admin.update_folder, {"FolderId": inner}),
    ):
        assert shared_with(as_bob) == expected
        recycle(**restore, ResourceState="RECYCLED")
        assert shared_with(as_bob) == [[], []]
        assert shared_with(site.admin, UserId=bob.id) == [[], []]
        recycle(**restore, ResourceState="ACTIVE")
    site.admin.update_document(DocumentId=document, ResourceState="RECYCLED")
    assert shared_with(as_bob) == [[inner], []]
    site.admin.update_document(DocumentId=document, ResourceState="ACTIVE")
    assert shared_with(as_bob) == expected
    site.admin.delete_folder(FolderId=top)
    assert shared_with(as_bob) == [[], []]


def test_pages_of_what_is_shared_lose_and_double_nothing_whatever_comes_and_goes(site, folder, bob):
    as_bob = bob.client()
    folders = [site.folder(folder, f"f {number:02}") for number in range(13)]
    documents = [site.upload(folder, name=f"d {number:02}").document for number in range(9)]
    at_once([lambda r=resource: give(site, r, user(bob)) for resource in folders + documents])
    for limit in (1, 6, 13, 22, 999):
        pages = pages_of(as_bob, limit)
        sizes = [len(page["Folders"]) + len(page["Documents"]) for page in pages]
        assert sizes[:-1] == [limit] * (len(sizes) - 1)
        assert [one["Id"] for page in pages for one in page["Folders"]] == folders
        assert [one["Id"] for page in pages for one in page["Documents"]] == documents
        assert "Marker" not in pages[-1]
    first = as_bob.get_resources(Limit=5)
    for gone in (folders[0], folders[4]):
        site.admin.remove_resource_permission(ResourceId=gone, PrincipalId=bob.id)
    give(site, site.folder(folder, "f 00 new"), user(bob))
    rest = as_bob.get_resources(Limit=999, Marker=first["Marker"])
    assert [one["Id"] for one in rest["Folders"]] == folders[5:]
    assert [one["Id"] for one in rest["Documents"]] == documents


def test_a_marker_is_its_own_user_s(site, folder, bob):
    other = site.person()
    for _ in range(2):
        give(site, site.folder(folder), user(bob), user(other))
    marker = site.admin.get_resources(UserId=bob.id, Limit=1)["Marker"]
    assert len(shared_with(bob.client(), Marker=marker)[0]) == 1
    for call in (
        lambda: site.admin.get_resources(UserId=other.id, Marker=marker),
        lambda: other.client().get_resources(Marker=marker),
        lambda: bob.client().get_resources(Marker="made up"),
    ):
        with refused("InvalidArgumentException"):
            call()


def test_users_ask_for_themselves_and_administrators_name_somebody(site, bob):
    unknown = f"S-1-5-21-1-2-3-4&{site.server.organization_id}"
    with refused("ValidationException") as refusal:
        site.admin.get_resources(CollectionType="SHARED_WITH_ME")
    assert "UserId" in refusal.message
    with refused(HIDDEN):
        site.admin.get_resources(UserId=unknown)
    for named in (site.person().id, unknown):
        with refused(NOT_ALLOWED):
            bob.client().get_resources(UserId=named)
    assert shared_with(site.admin, UserId=bob.id) == [[], []]


# Groups within groups.


def test_who_is_in_a_group_within_a_group_has_the_role_of_both(site, folder, bob):
    inner, middle, outer = make_group(site, bob), make_group(site), make_group(site)
    command(site, "add-member", middle, inner)
    command(site, "add-member", outer, middle)
    give(site, folder, group(outer))
    assert bob.client().get_folder(FolderId=folder)["Metadata"]["Id"] == folder
    command(site, "remove-member", outer, middle)
    with refused(HIDDEN):
        bob.client().get_folder(FolderId=folder)
    command(site, "add-member", outer, inner)
    bob.client().get_folder(FolderId=folder)
    command(site, "remove-member", inner, bob.username)
    with refused(HIDDEN):
        bob.client().get_folder(FolderId=folder)


def test_groups_in_a_circle_do_no_harm(site, folder, bob):
    first, second = make_group(site, bob), make_group(site)
    command(site, "add-member", first, second)
    command(site, "add-member", second, first)
    give(site, folder, group(second))
    bob.client().get_folder(FolderId=folder)
    command(site, "delete", first)
    with refused(HIDDEN):
        bob.client().get_folder(FolderId=folder)


def test_a_deleted_group_is_gone_with_what_was_shared_with_it(site, folder, bob):
    id = make_group(site, bob)
    give(site, folder, group(id))
    command(site, "delete", id)
    with refused(HIDDEN):
        bob.client().get_folder(FolderId=folder)
    assert id not in roles(site.admin, folder)
    assert id not in command(site, "list")
    assert "does not exist" in command(site, "delete", id, expect=1)


def test_a_group_is_not_put_into_itself_and_a_stranger_not_taken_out(site, bob):
    id = make_group(site)
    assert "into itself" in command(site, "add-member", id, id, expect=1)
    assert "does not exist" in command(site, "remove-member", id, bob.username, expect=1)


# DescribeGroups.


def groups_of(client, query, **members):
    return client.describe_groups(SearchQuery=query, **members)["Groups"]


def test_groups_are_found_by_the_beginnings_of_their_words_whatever_the_letters(site, bob):
    mark = site.name("Zoë").split()[0]
    names = [f"{mark} Harbour Masters", f"{mark} Hafenmeister", f"Night {mark}"]
    ids = {name: command(site, "create", name).strip() for name in names}
    for client in (site.admin, bob.client()):
        found = groups_of(client, mark.lower().replace("ë", "e"))
        assert [one["Name"] for one in found] == sorted(names, key=str.casefold)
        assert {one["Id"] for one in found} == set(ids.values())
        assert [one["Name"] for one in groups_of(client, f"{mark} ma")] == [names[0]]
        assert groups_of(client, f"{mark} asters") == []
        assert groups_of(client, f"{mark}%") == groups_of(client, f"{mark}_") == []


def test_groups_are_listed_page_by_page(site):
    mark = site.name("paged").split()[0]
    names = [f"{mark} {number:02}" for number in range(7)]
    for name in names:
        command(site, "create", name)
    pages = site.admin.get_paginator("describe_groups").paginate(
        SearchQuery=mark, PaginationConfig={"PageSize": 3}
    )
    sizes = [[one["Name"] for one in page["Groups"]] for page in pages]
    assert [len(page) for page in sizes] == [3, 3, 1]
    assert [name for page in sizes for name in page] == names
    marker = site.admin.describe_groups(SearchQuery=mark, Limit=1)["Marker"]
    with refused("ValidationException"):
        site.admin.describe_groups(SearchQuery="other", Marker=marker)


def test_a_guest_and_another_organization_see_no_groups(site):
    with refused(NOT_ALLOWED):
        site.guest().client().describe_groups(SearchQuery="e")
    with refused(HIDDEN):
        site.admin.describe_groups(SearchQuery="e", OrganizationId="d-0000000000")
