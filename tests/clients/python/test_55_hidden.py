"""What is not there, what was deleted, what is somebody else's and what is no such thing: whoever may
not see it is told the same of all of them, byte for byte."""

import json
import urllib.parse

import pytest

from client import MODEL
from conftest import ENGINES
from raw import Message, Wires, sign
from shapes import base_members, body_of, has_body, target_and_headers
from site_story import PASSWORD

# The members that name a folder or a document, and which of the two.
FOLDER, DOCUMENT, BOTH = "a folder", "a document", "a resource"
ID_MEMBERS = {
    "FolderId": FOLDER, "ParentFolderId": FOLDER, "DocumentId": DOCUMENT, "ResourceId": BOTH,
    "Id": DOCUMENT,
}
# A collection is somebody's, and its members are not looked up by an id of a resource.
NO_RESOURCE = {("GetResources", "UserId")}
# What happened to an item that is gone is still told to administrators.
HISTORY = "DescribeActivities"
VARIABLE = {"date", "x-amzn-requestid"}


def lookups():
    """Every operation with each of its members that name a resource."""
    for operation in sorted(MODEL.operation_names):
        for member in MODEL.operation_model(operation).input_shape.members:
            if member in ID_MEMBERS:
                if member != "Id" or operation == "InitiateDocumentVersionUpload":
                    yield operation, member


@pytest.fixture(scope="module")
def engine():
    """What is compared here is made before and after any database."""
    return ENGINES[0]


@pytest.fixture(scope="module")
def wires(site):
    return Wires(site.server)


@pytest.fixture(scope="module")
def world(site, ann):
    return World(site, ann)


class World:
    """Mallory, who owns one of everything, and what Mallory may not see."""

    def __init__(self, site, ann):
        self.site, self.server = site, site.server
        self.mallory, self.bob = site.person(), site.person()
        self.tokens = {
            "token": self.server.token(self.mallory.username),
            "reader": self.server.token(self.bob.username),
        }
        self.own = site.folder(self.mallory.root)
        self.upload = site.upload(self.own)
        self.draft = site.initiate(Id=self.upload.document)
        self.comment = site.admin.create_comment(**self.upload.ids, Text="own")["Comment"]["CommentId"]
        shared = site.folder(ann.root)
        principal = {"Id": self.bob.id, "Type": "USER", "Role": "CONTRIBUTOR"}
        site.admin.add_resource_permissions(ResourceId=shared, Principals=[principal])
        self.shared_draft = site.initiate(ParentFolderId=shared, Name="draft in a share").document
        self.theirs = {FOLDER: site.folder(ann.root), DOCUMENT: site.upload(ann.root).document}
        self.recycled = {FOLDER: site.folder(ann.root), DOCUMENT: site.upload(ann.root).document}
        site.admin.update_folder(FolderId=self.recycled[FOLDER], ResourceState="RECYCLED")
        site.admin.update_document(DocumentId=self.recycled[DOCUMENT], ResourceState="RECYCLED")
        self.roots = {"root": ann.root, "recycle bin": ann.recycle_bin}
        self.deleted = [self.gone(ann.root), self.gone(self.own)]
        aborted = site.initiate(ParentFolderId=self.own, Name="aborted")
        aborted.abort()
        self.aborted = aborted.document

    def gone(self, parent):
        admin = self.site.admin
        made = {FOLDER: self.site.folder(parent), DOCUMENT: self.site.upload(parent).document}
        admin.delete_folder(FolderId=made[FOLDER])
        admin.delete_document(DocumentId=made[DOCUMENT])
        return made

    def hidden(self, kind, caller, operation):
        """Ids that the caller may not see, or that name no such thing, each with what it is."""
        yield "absent", "0" * 64
        yield "absent too", "f" * 63 + "e"
        for name in (FOLDER, DOCUMENT):
            if kind in (name, BOTH):
                if (operation, caller) != (HISTORY, "key"):
                    for number, gone in enumerate(self.deleted):
                        yield f"deleted {number}", gone[name]
                if caller != "key":
                    yield f"{name} of somebody else", self.theirs[name]
                    yield f"{name} recycled by somebody else", self.recycled[name]
        if kind != DOCUMENT and caller != "key":
            for name, root in self.roots.items():
                yield f"the {name} of somebody else", root
        if kind != FOLDER:
            yield "an upload that was aborted", self.aborted
            if caller == "reader":
                yield "a draft in a share", self.shared_draft
        if kind == FOLDER:
            yield "a document", self.upload.document
            yield "a version", self.upload.version
        if kind == DOCUMENT:
            yield "a folder", self.own
        if kind == BOTH:
            yield "no resource at all", self.upload.version

    def known(self, operation):
        """Mallory's own of everything that is not looked for."""
        is_of_draft = operation in ("AbortDocumentVersionUpload", "UpdateDocumentVersion")
        return {
            "FolderId": self.own, "ParentFolderId": self.own, "ResourceId": self.own,
            "DocumentId": self.upload.document, "Id": self.upload.document,
            "VersionId": self.draft.version if is_of_draft else self.upload.version,
            "CommentId": self.comment, "UserId": self.mallory.id, "PrincipalId": self.bob.id,
            "SharePrincipal": {"Id": self.bob.id, "Type": "USER", "Role": "VIEWER"},
            "OrganizationId": self.server.organization_id, "Password": PASSWORD,
            "Name": lambda: self.site.name("never"), "DeleteAll": True, "VersionStatus": "ACTIVE",
        }

    def request(self, operation, member, value, caller):
        model = MODEL.operation_model(operation)
        members = base_members(model, self.known(operation))
        if operation == "InitiateDocumentVersionUpload":
            members.pop("ParentFolderId", None)
        members[member] = value
        target, headers = target_and_headers(model, members)
        body = body_of(model, members) if has_body(model) else b""
        method = model.http["method"]
        if caller == "key":
            return sign(self.server, method, target, headers.items(), body)
        host = urllib.parse.urlsplit(self.server.url).netloc
        token = ("Authentication", self.tokens[caller])
        return Message(method, target, (("Host", host), *headers.items(), token), body)


def told(answer, value):
    """Everything of an answer but what each answer has of its own."""
    headers = sorted(
        (name.lower(), text) for name, text in answer.headers.items() if name.lower() not in VARIABLE
    )
    return answer.status, tuple(headers), answer.body.replace(value.encode(), b"ID")


@pytest.mark.parametrize("caller", ["token", "reader", "key"])
@pytest.mark.parametrize(("operation", "member"), list(lookups()))
def test_what_may_not_be_seen_is_answered_byte_for_byte_alike(
    world, wires, operation, member, caller
):
    answers = {}
    for what, value in world.hidden(ID_MEMBERS[member], caller, operation):
        answer = wires.send(world.request(operation, member, value, caller))
        answers.setdefault(told(answer, value), []).append(what)
    assert len(answers) == 1, "\n".join(f"{whats}: {told}" for told, whats in answers.items())
    (status, _, body), = answers
    assert status == 404 and json.loads(body)["Message"]


def test_every_operation_about_a_resource_is_here():
    """A member of the model that names a resource some other way would be missed above."""
    found = {operation for operation, _ in lookups()}
    for operation in MODEL.operation_names:
        members = MODEL.operation_model(operation).input_shape.members
        if any(shape.name == "ResourceIdType" and (operation, name) not in NO_RESOURCE
               for name, shape in members.items()):
            assert operation in found, operation
