"""Sharing: given, shown, overwritten, inherited, taken away, left; and what others hand in turn."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from client import outcome, refused, request_of, send, workdocs

HIDDEN = "UnauthorizedResourceAccessException"
NOT_ALLOWED = "UnauthorizedOperationException"
PROHIBITED = "ProhibitedStateException"
PRINCIPALS_MAX = 1000
GUESTS_PER_CALL_MAX = 50


@pytest.fixture(scope="module")
def organization(site):
    return site.server.organization_id


@pytest.fixture(scope="module")
def bob(site):
    return site.person()


@pytest.fixture(scope="module")
def as_bob(bob):
    return bob.client()


def user(person, role="VIEWER"):
    return {"Id": person.id, "Type": "USER", "Role": role}


def invitation(address, role="VIEWER"):
    return {"Id": address, "Type": "INVITE", "Role": role}


def share(client, resource, *principals):
    """Shares, and answers what became of each principal."""
    answer = client.add_resource_permissions(ResourceId=resource, Principals=list(principals))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    results = answer["ShareResults"]
    assert [(one["PrincipalId"], one["Role"]) for one in results] == [
        (one["Id"], one["Role"]) for one in principals
    ]
    assert {one["ShareId"] for one in results} <= {resource}
    return results


def statuses(results):
    return [one["Status"] for one in results]


def give(site, resource, *principals):
    """Shares as the administrator with principals who must all get their role."""
    results = share(site.admin, resource, *principals)
    assert statuses(results) == ["SUCCESS"] * len(principals), results
    assert {one["StatusMessage"] for one in results} == {""}
    return results


def roles(client, resource, **members):
    """The principals of a resource, each with its roles."""
    answer = client.describe_resource_permissions(ResourceId=resource, **members)
    return {
        (one["Type"], one["Id"]): [(role["Role"], role["Type"]) for role in one["Roles"]]
        for one in answer["Principals"]
    }


# Given.


def test_who_is_given_a_role_sees_the_folder_and_all_below(site, folder, bob, as_bob):
    inner = site.folder(folder)
    upload = site.upload(inner, b"shared")
    for read in (
        lambda: as_bob.get_folder(FolderId=folder),
        lambda: as_bob.get_folder(FolderId=inner),
        lambda: as_bob.get_document(DocumentId=upload.document),
    ):
        with refused(HIDDEN):
            read()
    give(site, folder, user(bob))
    assert as_bob.get_folder(FolderId=folder)["Metadata"]["Id"] == folder
    assert as_bob.get_folder(FolderId=inner)["Metadata"]["Id"] == inner
    answer = as_bob.get_document_version(**upload.ids, Fields="SOURCE")
    assert requests.get(answer["Metadata"]["Source"]["ORIGINAL"], timeout=30).content == b"shared"


@pytest.mark.parametrize(("role", "makes", "renames", "shares"), [
    ("VIEWER", NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED),
    ("CONTRIBUTOR", None, NOT_ALLOWED, NOT_ALLOWED),
    ("COOWNER", None, None, None),
])
def test_a_role_is_what_its_holder_may_do(site, folder, bob, as_bob, role, makes, renames, shares):
    give(site, folder, user(bob, role))
    assert outcome(as_bob.create_folder, ParentFolderId=folder, Name="made") == makes
    assert outcome(as_bob.update_folder, FolderId=folder, Name=site.name()) == renames
    assert outcome(
        as_bob.add_resource_permissions, ResourceId=folder, Principals=[user(site.person())]
    ) == shares
    assert outcome(as_bob.remove_all_resource_permissions, ResourceId=folder) == shares


def test_a_later_role_takes_the_place_of_the_one_before(site, folder, bob, as_bob):
    for role in ("COOWNER", "VIEWER", "CONTRIBUTOR"):
        give(site, folder, user(bob, role))
        assert roles(as_bob, folder)["USER", bob.id] == [(role, "DIRECT")]
    with refused(NOT_ALLOWED):
        as_bob.update_folder(FolderId=folder, Name="renamed")


def test_of_two_roles_in_one_call_the_last_counts_and_both_are_answered(site, folder, ann, bob):
    results = give(site, folder, user(bob, "COOWNER"), user(bob, "VIEWER"))
    assert [one["Role"] for one in results] == ["COOWNER", "VIEWER"]
    assert roles(site.admin, folder) == {
        ("USER", ann.id): [("OWNER", "DIRECT")], ("USER", bob.id): [("VIEWER", "DIRECT")],
    }


def test_a_user_s_id_may_lack_the_organization(site, folder, bob, organization):
    bare = bob.id.removesuffix(f"&{organization}")
    assert bare != bob.id
    results = give(site, folder, {"Id": bare, "Type": "USER", "Role": "VIEWER"})
    assert "InviteePrincipalId" not in results[0]
    assert list(roles(site.admin, folder, PrincipalId=bare)) == [("USER", bob.id)]
    site.admin.remove_resource_permission(ResourceId=folder, PrincipalId=bare)
    assert roles(site.admin, folder, PrincipalId=bob.id) == {}


def test_inactive_users_are_given_roles_and_have_them_when_they_are_back(site, folder):
    person = site.person()
    client = person.client()
    site.admin.deactivate_user(UserId=person.id)
    give(site, folder, user(person))
    with refused(NOT_ALLOWED):
        client.get_folder(FolderId=folder)
    site.admin.activate_user(UserId=person.id)
    assert outcome(client.get_folder, FolderId=folder) is None


def test_nothing_is_sent_and_no_principal_is_needed(site, folder):
    answer = site.admin.add_resource_permissions(
        ResourceId=folder, Principals=[],
        NotificationOptions={"SendEmail": True, "EmailMessage": "Look at this"},
    )
    assert answer["ShareResults"] == []


def test_all_users_of_the_site_are_one_principal(site, folder, organization, as_bob):
    inner = site.folder(folder)
    give(site, folder, {"Id": organization, "Type": "ORGANIZATION", "Role": "CONTRIBUTOR"})
    assert outcome(as_bob.create_folder, ParentFolderId=inner, Name="made") is None
    with refused(NOT_ALLOWED):
        as_bob.delete_folder(FolderId=inner)


def test_the_public_sees_a_document_and_does_not_get_its_bytes(site, folder, as_bob):
    upload = site.upload(folder)
    give(site, upload.document, {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"})
    assert as_bob.get_document(DocumentId=upload.document)["Metadata"]["Id"] == upload.document
    assert "Source" not in as_bob.get_document_version(**upload.ids, Fields="SOURCE")["Metadata"]
    with refused(HIDDEN):
        as_bob.get_folder(FolderId=folder)


# Not given.


def failures(site, ann, bob, organization):
    """Principals who are not given their role on a document; by what is wrong with them."""
    unknown = f"S-1-5-21-1-2-3-4&{organization}"
    return {
        "OWNER": user(bob, "OWNER"),
        "no user": {"Id": unknown, "Type": "USER", "Role": "VIEWER"},
        "no group": {"Id": unknown, "Type": "GROUP", "Role": "VIEWER"},
        "user as a group": {"Id": bob.id, "Type": "GROUP", "Role": "VIEWER"},
        "is the owner": user(ann, "COOWNER"),
        "e-mail": invitation("nobody"),
        "organization": {"Id": "d-0000000000", "Type": "ORGANIZATION", "Role": "VIEWER"},
        "whole organization": {"Id": organization, "Type": "ORGANIZATION", "Role": "COOWNER"},
        "word anonymous": {"Id": "everybody", "Type": "ANONYMOUS", "Role": "VIEWER"},
        "ANONYMOUS gets": {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "CONTRIBUTOR"},
        "new guest": invitation("too.much@example.com", "CONTRIBUTOR"),
    }


def test_what_fails_for_one_principal_does_not_fail_for_the_others(
    site, ann, bob, folder, organization
):
    document = site.upload(folder).document
    wrong = failures(site, ann, bob, organization)
    results = share(site.admin, document, user(bob), *wrong.values(), user(site.person()))
    assert statuses(results) == ["SUCCESS", *["FAILURE"] * len(wrong), "SUCCESS"]
    messages = [one["StatusMessage"] for one in results[1:-1]]
    assert all(messages)
    # A group and a guest share their text with another failure's.
    assert len(set(messages)) == len(wrong) - 1
    given = roles(site.admin, document)
    assert [role for (_, id), role in given.items() if id != ann.id] == [[("VIEWER", "DIRECT")]] * 2
    found = site.admin.describe_users(OrganizationId=organization, Query="too.much", Include="ALL")
    assert found["Users"] == []


def test_a_folder_is_not_for_the_public(site, folder):
    results = share(site.admin, folder, {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"})
    assert statuses(results) == ["FAILURE"]
    assert "documents" in results[0]["StatusMessage"]


def test_an_item_is_shared_with_a_thousand_and_no_more(site, folder, ann):
    def invite(start):
        numbers = range(start, min(start + GUESTS_PER_CALL_MAX, PRINCIPALS_MAX))
        share(site.admin, folder, *[invitation(f"crowd{n}@example.com") for n in numbers])

    for start in range(0, PRINCIPALS_MAX, GUESTS_PER_CALL_MAX):
        invite(start)
    late = site.person()
    results = share(
        site.admin, folder, user(late), invitation("crowd7@EXAMPLE.com"),
        invitation("late@example.com"),
    )
    assert statuses(results) == ["FAILURE", "SUCCESS", "FAILURE"]
    assert "1000" in results[0]["StatusMessage"]
    pages = list(site.admin.get_paginator("describe_resource_permissions").paginate(
        ResourceId=folder, PaginationConfig={"PageSize": 999}
    ))
    assert [len(page["Principals"]) for page in pages] == [999, 2]
    found = site.admin.describe_users(
        OrganizationId=site.server.organization_id, Query="late@", Include="ALL"
    )
    assert found["Users"] == []
    site.admin.remove_resource_permission(
        ResourceId=folder, PrincipalId=results[1]["InviteePrincipalId"]
    )
    assert statuses(share(site.admin, folder, user(late))) == ["SUCCESS"]


def test_one_call_makes_fifty_guests_and_no_more(site, folder, bob):
    numbers = range(GUESTS_PER_CALL_MAX + 1)
    strangers = [invitation(f"stranger{n}@example.com") for n in numbers]
    results = share(site.admin, folder, *strangers, user(bob))
    assert statuses(results) == ["SUCCESS"] * GUESTS_PER_CALL_MAX + ["FAILURE", "SUCCESS"]
    assert "50" in results[GUESTS_PER_CALL_MAX]["StatusMessage"]
    assert statuses(share(site.admin, folder, *strangers)) == ["SUCCESS"] * len(strangers)


def test_one_call_names_a_thousand_principals_and_no_more(site, folder, bob):
    results = give(site, folder, *[user(bob)] * PRINCIPALS_MAX)
    assert len(results) == PRINCIPALS_MAX
    with refused("ValidationException") as refusal:
        share(site.admin, folder, *[user(bob)] * (PRINCIPALS_MAX + 1))
    assert "Principals" in refusal.message


def test_roots_and_recycle_bins_are_not_shared(site, ann, bob):
    for folder in (ann.root, ann.recycle_bin):
        with refused(PROHIBITED):
            share(site.admin, folder, user(bob))
        assert ("USER", bob.id) not in roles(site.admin, folder)


def test_what_is_recycled_is_not_shared_and_can_still_be_unshared(site, folder, bob, as_bob):
    inner = site.folder(folder)
    give(site, inner, user(bob))
    site.admin.update_folder(FolderId=folder, ResourceState="RECYCLED")
    for resource in (folder, inner):
        with refused(PROHIBITED):
            share(site.admin, resource, user(site.person()))
        assert outcome(share, client=as_bob, resource=resource) == HIDDEN
    site.admin.remove_resource_permission(ResourceId=inner, PrincipalId=bob.id)
    site.admin.update_folder(FolderId=folder, ResourceState="ACTIVE")
    with refused(HIDDEN):
        as_bob.get_folder(FolderId=inner)


def test_sharing_what_is_not_there_or_not_visible_is_one_answer(site, folder, bob, as_bob):
    deleted = site.folder(folder)
    site.admin.delete_folder(FolderId=deleted)
    messages = set()
    for resource in ("0" * 64, folder, deleted):
        for call in (
            lambda: share(as_bob, resource, user(bob)),
            lambda: as_bob.describe_resource_permissions(ResourceId=resource),
            lambda: as_bob.remove_resource_permission(ResourceId=resource, PrincipalId=bob.id),
            lambda: as_bob.remove_all_resource_permissions(ResourceId=resource),
        ):
            with refused(HIDDEN) as refusal:
                call()
            messages.add(refusal.message)
    assert len(messages) == 4


# Shown.


def test_the_owner_is_shown_and_what_comes_from_above_is_told_apart(site, ann, bob, as_bob, folder):
    other = site.person()
    inner = site.folder(folder)
    document = site.upload(inner).document
    give(site, folder, user(bob, "VIEWER"), user(other, "COOWNER"))
    give(site, inner, user(bob, "CONTRIBUTOR"))
    give(site, document, user(bob, "VIEWER"))
    owner = {("USER", ann.id): [("OWNER", "DIRECT")]}
    assert roles(as_bob, folder) == owner | {
        ("USER", bob.id): [("VIEWER", "DIRECT")], ("USER", other.id): [("COOWNER", "DIRECT")],
    }
    assert roles(as_bob, document) == owner | {
        ("USER", bob.id): [("VIEWER", "DIRECT"), ("CONTRIBUTOR", "INHERITED")],
        ("USER", other.id): [("COOWNER", "INHERITED")],
    }
    assert roles(site.admin, ann.root) == owner


def test_a_list_holds_one_principal_or_all_of_them_in_order(site, folder, organization):
    document = site.upload(folder).document
    people = [site.person() for _ in range(5)]
    give(
        site, document, *[user(person) for person in people],
        {"Id": organization, "Type": "ORGANIZATION", "Role": "VIEWER"},
        {"Id": "anonymous", "Type": "ANONYMOUS", "Role": "VIEWER"},
    )
    whole = list(roles(site.admin, document))
    assert whole == sorted(whole)
    assert [kind for kind, _ in whole[:2]] == ["ANONYMOUS", "ORGANIZATION"]
    assert len(whole) == 8
    for limit in (1, 3, 7, 8, 999):
        pages = list(site.admin.get_paginator("describe_resource_permissions").paginate(
            ResourceId=document, PaginationConfig={"PageSize": limit}
        ))
        listed = [(one["Type"], one["Id"]) for page in pages for one in page["Principals"]]
        assert listed == whole
        assert all(len(page["Principals"]) == limit for page in pages[:-1])
        assert "Marker" not in pages[-1]
    for kind, id in whole:
        assert list(roles(site.admin, document, PrincipalId=id)) == [(kind, id)]
    assert roles(site.admin, document, PrincipalId="nobody") == {}


def test_a_marker_continues_its_own_list_alone(site, folder, bob):
    give(site, folder, user(bob))
    members = {"ResourceId": folder, "Limit": 1}
    marker = site.admin.describe_resource_permissions(**members)["Marker"]
    assert len(roles(site.admin, folder, Marker=marker)) == 1
    other = site.folder(folder)
    for wrong in (
        {"ResourceId": other, "Marker": marker},
        {"ResourceId": folder, "Marker": marker, "PrincipalId": bob.id},
        {"ResourceId": folder, "Marker": marker[:-1]},
        {"ResourceId": folder, "Marker": "made up"},
    ):
        with refused("InvalidArgumentException"):
            site.admin.describe_resource_permissions(**wrong)


def test_a_list_goes_on_behind_who_was_there_whatever_comes_and_goes(site, folder):
    people = [site.person() for _ in range(12)]
    give(site, folder, *[user(person) for person in people])
    before = [id for _, id in roles(site.admin, folder)]
    listed, marker = [], None
    while marker is not None or not listed:
        more = {"Marker": marker} if marker else {}
        answer = site.admin.describe_resource_permissions(ResourceId=folder, Limit=4, **more)
        listed += [one["Id"] for one in answer["Principals"]]
        marker = answer.get("Marker")
        gone = next(id for id in before if id in listed and id in {one.id for one in people})
        site.admin.remove_resource_permission(ResourceId=folder, PrincipalId=gone)
        give(site, folder, user(site.person()))
    assert [id for id in listed if id in set(before)] == before


# Handed on.


def test_a_co_owner_gives_and_takes_all_but_the_owner_s(site, ann, folder, bob, as_bob):
    document = site.upload(folder).document
    other = site.person()
    give(site, folder, user(bob, "COOWNER"))
    for role in ("VIEWER", "CONTRIBUTOR", "COOWNER"):
        assert statuses(share(as_bob, document, user(other, role))) == ["SUCCESS"]
    assert statuses(share(as_bob, document, user(other, "OWNER"))) == ["FAILURE"]
    assert statuses(share(as_bob, document, user(ann, "VIEWER"))) == ["FAILURE"]
    assert roles(as_bob, document)["USER", other.id] == [("COOWNER", "DIRECT")]
    as_bob.remove_resource_permission(ResourceId=document, PrincipalId=other.id)
    with refused(NOT_ALLOWED) as refusal:
        as_bob.remove_resource_permission(ResourceId=document, PrincipalId=ann.id)
    assert "owner" in refusal.message
    as_bob.remove_all_resource_permissions(ResourceId=folder)
    with refused(HIDDEN):
        as_bob.get_folder(FolderId=folder)
    assert roles(site.admin, folder) == {("USER", ann.id): [("OWNER", "DIRECT")]}


def test_the_first_uploader_shares_a_document_in_a_folder_of_others(site, folder, bob, as_bob):
    give(site, folder, user(bob, "CONTRIBUTOR"))
    upload = site.initiate(as_bob, ParentFolderId=folder, Name="by Bob")
    upload.put(b"x")
    upload.activate()
    other = site.person()
    assert statuses(share(as_bob, upload.document, user(other))) == ["SUCCESS"]
    assert outcome(other.client().get_document, DocumentId=upload.document) is None
    with refused(NOT_ALLOWED):
        share(as_bob, site.upload(folder).document, user(other))


def test_a_draft_s_permissions_are_for_those_who_see_the_draft(site, folder, bob, as_bob):
    draft = site.initiate(ParentFolderId=folder, Name="draft")
    give(site, folder, user(bob, "CONTRIBUTOR"))
    with refused(HIDDEN):
        as_bob.describe_resource_permissions(ResourceId=draft.document)
    assert roles(site.admin, draft.document)["USER", bob.id] == [("CONTRIBUTOR", "INHERITED")]
    give(site, folder, user(bob, "COOWNER"))
    assert outcome(as_bob.describe_resource_permissions, ResourceId=draft.document) is None


# Taken away.


def test_a_role_that_is_taken_away_is_gone_at_once_for_urls_too(site, folder, bob, as_bob):
    give(site, folder, user(bob, "CONTRIBUTOR"))
    upload = site.upload(folder, b"bytes")
    source = as_bob.get_document_version(**upload.ids, Fields="SOURCE")["Metadata"]["Source"]
    draft = site.initiate(as_bob, ParentFolderId=folder, Name="draft")
    answer = site.admin.remove_resource_permission(ResourceId=folder, PrincipalId=bob.id)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert requests.get(source["ORIGINAL"], timeout=30).status_code in (403, 404)
    assert draft.try_put(b"late").status_code in (403, 404)
    with refused(HIDDEN):
        as_bob.get_document(DocumentId=upload.document)


def test_what_was_never_given_can_be_taken_away(site, folder, ann, bob, organization):
    for members in (
        {"PrincipalId": bob.id}, {"PrincipalId": "anonymous"}, {"PrincipalId": organization},
        {"PrincipalId": "nobody"}, {"PrincipalId": bob.id, "PrincipalType": "USER"},
        {"PrincipalId": ann.id, "PrincipalType": "GROUP"},
        {"PrincipalId": "nobody@example.com", "PrincipalType": "INVITE"},
    ):
        answer = site.admin.remove_resource_permission(ResourceId=folder, **members)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert roles(site.admin, folder) == {("USER", ann.id): [("OWNER", "DIRECT")]}


def test_a_type_that_is_named_is_the_one_that_is_meant(site, folder, ann, bob, organization):
    document = site.upload(folder).document
    all_of_them = {
        ("ANONYMOUS", "anonymous"), ("ORGANIZATION", organization), ("USER", bob.id),
    }
    give(site, document, *[
        {"Id": id, "Type": kind, "Role": "VIEWER"} for kind, id in sorted(all_of_them)
    ])
    left = all_of_them | {("USER", ann.id)}

    def remove(id, kind):
        site.admin.remove_resource_permission(
            ResourceId=document, PrincipalId=id, PrincipalType=kind
        )

    for id, kind in (
        (bob.id, "GROUP"), ("anonymous", "USER"), (organization, "GROUP"), (bob.id, "ANONYMOUS"),
        ("everybody", "ANONYMOUS"),
    ):
        remove(id, kind)
        assert set(roles(site.admin, document)) == left
    for kind, id in sorted(all_of_them):
        remove(id, kind)
        left.remove((kind, id))
        assert set(roles(site.admin, document)) == left


@pytest.mark.parametrize("role", ["VIEWER", "CONTRIBUTOR", "COOWNER"])
def test_everybody_may_leave_a_share_and_only_their_own(site, folder, bob, as_bob, role):
    inner = site.folder(folder)
    other = site.person()
    give(site, inner, user(bob, role), user(other))
    if role != "COOWNER":
        with refused(NOT_ALLOWED):
            as_bob.remove_resource_permission(ResourceId=inner, PrincipalId=other.id)
    as_bob.remove_resource_permission(ResourceId=inner, PrincipalId=bob.id)
    with refused(HIDDEN):
        as_bob.get_folder(FolderId=inner)
    assert ("USER", other.id) in roles(site.admin, inner)


def test_a_role_from_above_is_not_left_below(site, folder, bob, as_bob):
    inner = site.folder(folder)
    give(site, folder, user(bob))
    as_bob.remove_resource_permission(ResourceId=inner, PrincipalId=bob.id)
    assert outcome(as_bob.get_folder, FolderId=inner) is None
    with refused(NOT_ALLOWED):
        as_bob.remove_all_resource_permissions(ResourceId=inner)


def test_a_user_who_is_deleted_leaves_no_permission(site, folder, ann):
    person = site.person()
    give(site, folder, user(person, "COOWNER"))
    site.admin.delete_user(UserId=person.id)
    assert roles(site.admin, folder) == {("USER", ann.id): [("OWNER", "DIRECT")]}
    site.server.verify()


# Invited.


def test_an_invitation_makes_a_guest_who_comes_and_looks(site, folder, organization):
    upload = site.upload(folder, b"for a guest")
    results = give(site, folder, invitation("Guest.One@example.com"))
    guest = results[0]["InviteePrincipalId"]
    made = site.admin.describe_users(UserIds=guest, Fields="STORAGE_METADATA")["Users"][0]
    assert (made["Username"], made["EmailAddress"]) == ("Guest.One@example.com",) * 2
    assert (made["Status"], made["Type"]) == ("PENDING", "MINIMALUSER")
    assert made["Storage"]["StorageRule"] == {
        "StorageType": "QUOTA", "StorageAllocatedInBytes": 0
    }
    assert "GivenName" not in made and "Surname" not in made
    assert roles(site.admin, folder, PrincipalId=guest) == {
        ("USER", guest): [("VIEWER", "DIRECT")]
    }
    client = workdocs(site.server, key=None, token=site.server.token(made["Username"]))
    with refused(NOT_ALLOWED):
        client.get_folder(FolderId=folder)
    assert site.admin.activate_user(UserId=guest)["User"]["Status"] == "ACTIVE"
    answer = client.get_document_version(**upload.ids, Fields="SOURCE")
    source = answer["Metadata"]["Source"]["ORIGINAL"]
    assert requests.get(source, timeout=30).content == b"for a guest"
    for call in (
        lambda: client.create_folder(ParentFolderId=folder, Name="mine"),
        lambda: client.create_folder(ParentFolderId=made["RootFolderId"], Name="mine"),
        lambda: share(client, folder, user(site.person())),
    ):
        with refused(NOT_ALLOWED):
            call()
    for role in ("CONTRIBUTOR", "COOWNER"):
        results = share(site.admin, folder, {"Id": guest, "Type": "USER", "Role": role})
        assert statuses(results) == ["FAILURE"]
        assert "guest" in results[0]["StatusMessage"]


def test_an_address_is_one_user_whatever_its_letters(site, folder, organization):
    first = give(site, folder, invitation("twice@example.com"))[0]["InviteePrincipalId"]
    again = give(site, folder, invitation("TWICE@Example.COM"), invitation("twice@example.com"))
    assert {one["InviteePrincipalId"] for one in again} == {first}
    found = site.admin.describe_users(OrganizationId=organization, Query="twice@", Include="ALL")
    assert [one["Id"] for one in found["Users"]] == [first]
    site.admin.remove_resource_permission(
        ResourceId=folder, PrincipalId="Twice@example.com", PrincipalType="INVITE"
    )
    assert roles(site.admin, folder, PrincipalId=first) == {}


def test_who_is_there_already_is_not_made_a_guest(site, folder, ann):
    known = site.person(EmailAddress="known@example.com")
    results = give(site, folder, invitation("Known@example.com", "COOWNER"))
    assert results[0]["InviteePrincipalId"] == known.id
    assert roles(site.admin, folder)["USER", known.id] == [("COOWNER", "DIRECT")]
    named = site.person(Username="named@example.com")
    assert give(site, folder, invitation("named@example.com"))[0]["InviteePrincipalId"] == named.id
    owner = site.person(EmailAddress="owner@example.com")
    results = share(site.admin, site.folder(owner.root), invitation("owner@example.com"))
    assert statuses(results) == ["FAILURE"]


def test_only_who_shares_with_an_invited_guest_finds_them(site, organization):
    """Others' private contacts are nobody's to search, and are not counted either."""
    owner, partner, member, stranger, administrator = (site.person() for _ in range(5))
    site.admin.update_user(UserId=administrator.id, Type="ADMIN")
    group = site.server.run("group", "create", "Hosts", str(site.server.data)).stdout.strip()
    site.server.run("group", "add-member", "Hosts", member.username, str(site.server.data))
    folder = site.folder(owner.root)
    addresses = [f"contact.{number}@example.com" for number in range(3)]
    results = give(
        site, folder, user(partner, "COOWNER"), {"Id": group, "Type": "GROUP", "Role": "VIEWER"},
        *map(invitation, addresses),
    )
    guests = {one["InviteePrincipalId"] for one in results[2:]}
    elsewhere = give(site, site.folder(site.person().root), invitation("contact.4@example.com"))

    def found(client, **members):
        answer = client.describe_users(OrganizationId=organization, **members)
        assert "Marker" in answer or len(answer["Users"]) <= answer["TotalNumberOfUsers"]
        return answer["TotalNumberOfUsers"], {one["Id"] for one in answer["Users"]}

    for host in (owner, partner, member):
        assert found(host.client(), Query="contact") == (3, guests)
        assert found(host.client(), Query="contact", Include="ALL", Sort="USER_STATUS") == (3, guests)
    everybody = guests | {elsewhere[0]["InviteePrincipalId"]}
    for all_seeing in (site.admin, administrator.client()):
        assert found(all_seeing, Query="contact") == (4, everybody)
    assert found(stranger.client(), Query="contact") == (0, set())
    pages = stranger.client().get_paginator("describe_users").paginate(
        OrganizationId=organization, PaginationConfig={"PageSize": 5}
    )
    shown = [one for page in pages for one in page["Users"]]
    assert not everybody & {one["Id"] for one in shown}
    assert stranger.id in {one["Id"] for one in shown}
    # Who was told an id, as of those a document is shared with, may ask whose it is.
    guest = min(guests)
    assert stranger.client().describe_users(UserIds=guest)["Users"][0]["Id"] == guest
    # A guest who came is one of the people of the site; who has not is nobody's once it ends.
    site.admin.activate_user(UserId=guest)
    assert found(stranger.client(), Query="contact") == (1, {guest})
    site.admin.remove_all_resource_permissions(ResourceId=folder)
    assert found(partner.client(), Query="contact") == (1, {guest})
    assert found(owner.client(), Query="contact") == (1, {guest})


def test_a_co_owner_invites_and_nobody_below(site, folder, bob, as_bob):
    for role, code in (("VIEWER", NOT_ALLOWED), ("CONTRIBUTOR", NOT_ALLOWED), ("COOWNER", None)):
        give(site, folder, user(bob, role))
        assert outcome(
            as_bob.add_resource_permissions, ResourceId=folder,
            Principals=[invitation("by.bob@example.com")],
        ) == code


def test_an_invitation_sent_again_makes_one_guest_and_has_one_answer(site, folder):
    request = request_of(
        site.admin, "add_resource_permissions",
        ResourceId=folder, Principals=[invitation("retried@example.com")],
    )
    first, second = send(request), send(request)
    assert (first.status, second.status) == (201, 201)
    assert json.loads(first.body) == json.loads(second.body)


# At once.


def at_once(calls):
    with ThreadPoolExecutor(16) as threads:
        return [done.result() for done in [threads.submit(call) for call in calls]]


def test_many_who_give_and_take_one_principal_s_role_end_in_a_sound_state(site, folder, bob):
    given = ("VIEWER", "CONTRIBUTOR", "COOWNER")

    def grant(role):
        return lambda: outcome(
            site.admin.add_resource_permissions, ResourceId=folder, Principals=[user(bob, role)]
        )

    def revoke():
        return outcome(
            site.admin.remove_resource_permission, ResourceId=folder, PrincipalId=bob.id
        )

    calls = [grant(given[n % 3]) if n % 2 else revoke for n in range(64)]
    assert set(at_once(calls)) == {None}
    left = roles(site.admin, folder, PrincipalId=bob.id)
    assert left in ({}, *[{("USER", bob.id): [(role, "DIRECT")]} for role in given])
    site.server.verify()


def test_many_who_invite_one_address_make_one_guest(site, ann):
    folders = [site.folder(ann.root) for _ in range(16)]
    results = at_once([
        lambda f=folder: give(site, f, invitation("wanted@example.com")) for folder in folders
    ])
    guests = {result[0]["InviteePrincipalId"] for result in results}
    assert len(guests) == 1
    for folder in folders:
        assert ("USER", *guests) in roles(site.admin, folder)
    site.server.verify()


def test_a_share_with_somebody_who_is_being_deleted_leaves_nothing_behind(site, folder, ann):
    people = [site.person() for _ in range(8)]
    inner = [site.folder(folder) for _ in people]

    def grant(resource, person):
        return lambda: share(site.admin, resource, user(person))[0]["Status"]

    def delete(person):
        return lambda: outcome(site.admin.delete_user, UserId=person.id)

    calls = [
        call for resource, person in zip(inner, people)
        for call in (grant(resource, person), delete(person))
    ]
    outcomes = at_once(calls)
    assert set(outcomes) <= {"SUCCESS", "FAILURE", None}
    for resource in inner:
        assert list(roles(site.admin, resource)) == [("USER", ann.id)]
    site.server.verify()


def test_a_share_of_what_is_being_deleted_leaves_nothing_behind(site, folder, bob):
    upload = site.upload(folder)
    gone = {None, HIDDEN, "ServiceUnavailableException"}

    def grant():
        return outcome(
            site.admin.add_resource_permissions,
            ResourceId=upload.document, Principals=[user(bob)],
        )

    outcomes = at_once([
        *[grant] * 6, lambda: outcome(site.admin.delete_folder, FolderId=folder), *[grant] * 6,
    ])
    assert set(outcomes) <= gone
    assert outcomes[6] is None
    with refused(HIDDEN):
        site.admin.get_document(DocumentId=upload.document)
    site.server.verify()
