// A shared tree: labelled, commented, renamed, moved, recycled and brought back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  AddResourcePermissionsCommand,
  CreateCommentCommand,
  CreateFolderCommand,
  CreateLabelsCommand,
  DeleteCommentCommand,
  DeleteDocumentVersionCommand,
  DeleteFolderContentsCommand,
  DeleteLabelsCommand,
  DescribeCommentsCommand,
  DescribeFolderContentsCommand,
  DescribeResourcePermissionsCommand,
  GetDocumentCommand,
  GetDocumentPathCommand,
  GetFolderCommand,
  RemoveResourcePermissionCommand,
  RestoreDocumentVersionsCommand,
  UpdateDocumentCommand,
  UpdateFolderCommand,
} from "@aws-sdk/client-workdocs";

import { Site, refused } from "./site.mjs";

const HIDDEN = "UnauthorizedResourceAccessException";

let site;
let reader;
let owner;
before(async () => {
  site = await Site.start();
  [reader, owner] = await site.tokenUserAndAnother();
});
after(() => site.stop());

const send = (command) => site.admin.send(command);

/** Sends a call as the user whom the token is for. */
const asReader = (Command, members) =>
  site.unsigned().send(new Command({ AuthenticationToken: site.told.token, ...members }));

const folderIn = async (ParentFolderId, Name) =>
  (await send(new CreateFolderCommand({ ParentFolderId, Name }))).Metadata.Id;

const share = async (ResourceId, Role) => {
  const Principals = [{ Id: reader.Id, Type: "USER", Role }];
  const added = await send(new AddResourcePermissionsCommand({ ResourceId, Principals }));
  assert.equal(added.$metadata.httpStatusCode, 201);
  assert.deepEqual(
    added.ShareResults.map(({ PrincipalId, Status, ShareId }) => [PrincipalId, Status, ShareId]),
    [[reader.Id, "SUCCESS", ResourceId]],
  );
};

const state = async (FolderId) => {
  const { Metadata } = await send(new GetFolderCommand({ FolderId }));
  return [Metadata.ParentFolderId, Metadata.ResourceState];
};

test("a folder is shared with all below it until the share ends", async () => {
  const FolderId = await folderIn(owner.RootFolderId, "shared");
  const inner = await folderIn(FolderId, "inner");
  const upload = await site.upload({ ParentFolderId: inner, Name: "plan.txt" }, "plan");
  const DocumentId = upload.document;
  await refused(HIDDEN, asReader(GetDocumentCommand, { DocumentId }));
  await share(FolderId, "VIEWER");
  const read = await asReader(GetDocumentCommand, { DocumentId });
  assert.equal(read.Metadata.LatestVersionMetadata.Name, "plan.txt");
  const rename = { FolderId: inner, Name: "mine" };
  await refused("UnauthorizedOperationException", asReader(UpdateFolderCommand, rename));
  const { Principals } = await send(
    new DescribeResourcePermissionsCommand({ ResourceId: inner, PrincipalId: reader.Id }),
  );
  assert.deepEqual(Principals.map(({ Id, Roles }) => [Id, Roles]), [
    [reader.Id, [{ Role: "VIEWER", Type: "INHERITED" }]],
  ]);
  const ended = await send(
    new RemoveResourcePermissionCommand({ ResourceId: FolderId, PrincipalId: reader.Id }),
  );
  assert.equal(ended.$metadata.httpStatusCode, 204);
  await refused(HIDDEN, asReader(GetDocumentCommand, { DocumentId }));
});

test("a folder is renamed and moved in one call, with everything in it", async () => {
  const top = await folderIn(owner.RootFolderId, "moves");
  const [from, to] = [await folderIn(top, "from"), await folderIn(top, "to")];
  const upload = await site.upload({ ParentFolderId: from, Name: "inside" }, "inside");
  const moved = { FolderId: from, ParentFolderId: to, Name: "moved" };
  assert.equal((await send(new UpdateFolderCommand(moved))).$metadata.httpStatusCode, 200);
  const { Path } = await send(
    new GetDocumentPathCommand({ DocumentId: upload.document, Fields: "NAME" }),
  );
  const names = Path.Components.map((component) => component.Name);
  assert.deepEqual(names, ["/", "moves", "to", "moved", "inside"]);
  await refused(
    "ConflictingOperationException",
    send(new UpdateFolderCommand({ FolderId: to, ParentFolderId: from })),
  );
  const clash = new UpdateFolderCommand({ FolderId: to, Name: "from", ParentFolderId: top });
  await folderIn(top, "from");
  await refused("EntityAlreadyExistsException", send(clash));
});

test("what is recycled is its owner's alone, and comes back as it was", async () => {
  const FolderId = await folderIn(owner.RootFolderId, "thrown away");
  const upload = await site.upload({ ParentFolderId: FolderId, Name: "within" }, "within");
  await share(FolderId, "COOWNER");
  await asReader(UpdateFolderCommand, { FolderId, ResourceState: "RECYCLED" });
  assert.deepEqual(await state(FolderId), [owner.RecycleBinFolderId, "RECYCLED"]);
  const bin = await send(
    new DescribeFolderContentsCommand({ FolderId: owner.RecycleBinFolderId }),
  );
  assert.ok(bin.Folders.some((folder) => folder.Id === FolderId));
  await refused(HIDDEN, asReader(GetFolderCommand, { FolderId }));
  await refused("ProhibitedStateException", send(new UpdateFolderCommand({ FolderId, Name: "x" })));
  await send(new UpdateFolderCommand({ FolderId, ResourceState: "ACTIVE" }));
  assert.deepEqual(await state(FolderId), [owner.RootFolderId, "ACTIVE"]);
  await asReader(GetDocumentCommand, { DocumentId: upload.document });
  assert.equal((await upload.download()).toString(), "within");
});

test("emptying the recycle bin is for good", async () => {
  const ParentFolderId = await folderIn(owner.RootFolderId, "emptied");
  const upload = await site.upload({ ParentFolderId, Name: "gone" }, "gone");
  const DocumentId = upload.document;
  await send(new UpdateDocumentCommand({ DocumentId, ResourceState: "RECYCLED" }));
  const FolderId = owner.RecycleBinFolderId;
  const emptied = await send(new DeleteFolderContentsCommand({ FolderId }));
  assert.equal(emptied.$metadata.httpStatusCode, 204);
  const bin = await send(new DescribeFolderContentsCommand({ FolderId }));
  assert.deepEqual([bin.Folders, bin.Documents], [[], []]);
  const restore = new UpdateDocumentCommand({ DocumentId, ResourceState: "ACTIVE" });
  await refused(HIDDEN, send(restore));
});

test("labels come back in order, and only those that were not taken away", async () => {
  const ResourceId = await folderIn(owner.RootFolderId, "labelled");
  const labels = async () =>
    (await send(new GetFolderCommand({ FolderId: ResourceId }))).Metadata.Labels;
  await send(new CreateLabelsCommand({ ResourceId, Labels: ["draft", "2024"] }));
  await send(new CreateLabelsCommand({ ResourceId, Labels: ["draft", "final"] }));
  assert.deepEqual(await labels(), ["2024", "draft", "final"]);
  await send(new DeleteLabelsCommand({ ResourceId, Labels: ["draft", "never there"] }));
  assert.deepEqual(await labels(), ["2024", "final"]);
  const many = Array.from({ length: 19 }, (_, number) => `label ${number}`);
  await refused(
    "TooManyLabelsException",
    send(new CreateLabelsCommand({ ResourceId, Labels: many })),
  );
  await send(new DeleteLabelsCommand({ ResourceId, DeleteAll: true }));
  assert.equal(await labels(), undefined);
});

test("a comment is answered, and stays as long as its answer does", async () => {
  const ParentFolderId = await folderIn(owner.RootFolderId, "commented");
  const upload = await site.upload({ ParentFolderId, Name: "text" }, "text");
  const ids = { DocumentId: upload.document, VersionId: upload.version };
  await share(upload.document, "CONTRIBUTOR");
  const { Comment: first } = await send(new CreateCommentCommand({ ...ids, Text: "a question" }));
  assert.equal(first.ThreadId, first.CommentId);
  const { Comment: second } = await asReader(CreateCommentCommand, {
    ...ids,
    ParentId: first.CommentId,
    ThreadId: first.ThreadId,
    Text: "an answer",
  });
  assert.equal(second.ParentId, first.CommentId);
  assert.equal(second.Contributor.Id, reader.Id);
  const texts = async () =>
    (await send(new DescribeCommentsCommand(ids))).Comments.map((comment) => comment.Text);
  assert.deepEqual(await texts(), ["a question", "an answer"]);
  const remove = (CommentId) => new DeleteCommentCommand({ ...ids, CommentId });
  await refused(
    "UnauthorizedOperationException",
    asReader(DeleteCommentCommand, { ...ids, CommentId: first.CommentId }),
  );
  await send(remove(first.CommentId));
  assert.deepEqual(await texts(), [undefined, "an answer"]);
  await asReader(DeleteCommentCommand, { ...ids, CommentId: second.CommentId });
  const error = await refused("EntityNotExistsException", send(remove(second.CommentId)));
  assert.deepEqual(error.EntityIds, [second.CommentId]);
});

test("deleted versions come back", async () => {
  const ParentFolderId = await folderIn(owner.RootFolderId, "versions");
  const old = await site.upload({ ParentFolderId, Name: "old name" }, "old");
  const DocumentId = old.document;
  const latest = await site.upload({ Id: DocumentId, Name: "new name" }, "new");
  const shown = async () =>
    (await send(new GetDocumentCommand({ DocumentId }))).Metadata.LatestVersionMetadata;
  const remove = (VersionId) =>
    new DeleteDocumentVersionCommand({ DocumentId, VersionId, DeletePriorVersions: false });
  await send(remove(latest.version));
  assert.deepEqual([(await shown()).Id, (await shown()).Name], [old.version, "old name"]);
  await refused("InvalidOperationException", send(remove(old.version)));
  await refused("EntityNotExistsException", send(remove(latest.version)));
  const restored = await send(new RestoreDocumentVersionsCommand({ DocumentId }));
  assert.equal(restored.$metadata.httpStatusCode, 204);
  assert.equal((await shown()).Name, "new name");
  assert.equal((await latest.download()).toString(), "new");
});
