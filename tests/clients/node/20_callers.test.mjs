// Who may call, and what a wrong call is told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CreateFolderCommand, GetFolderCommand } from "@aws-sdk/client-workdocs";

import { Site, refused } from "./site.mjs";

let site;
let folder;
before(async () => {
  site = await Site.start();
  folder = await site.folder("callers");
});
after(() => site.stop());

const read = (members = {}) => new GetFolderCommand({ FolderId: folder, ...members });

test("any region will do", async () => {
  for (const region of ["eu-central-1", "anywhere"]) {
    const { Metadata } = await site.client({ region }).send(read());
    assert.equal(Metadata.Id, folder);
  }
});

test("a wrong secret and an unknown key are refused with one text", async () => {
  const messages = [];
  for (const [accessKeyId, name] of [
    [site.told.access_key_id, "InvalidSignatureException"],
    ["AKIAAAAAAAAAAAAAAAAA", "UnrecognizedClientException"],
  ]) {
    const client = site.client({ credentials: { accessKeyId, secretAccessKey: "wrong" } });
    const error = await refused(name, client.send(read()));
    assert.equal(error.$metadata.httpStatusCode, 403);
    messages.push(error.message);
  }
  assert.equal(messages[0], messages[1]);
});

test("without a signature and without a token nothing is answered", async () => {
  await refused("MissingAuthenticationTokenException", site.unsigned().send(read()));
});

test("a token alone sees its user's folders and no others", async () => {
  const [own, other] = await site.tokenUserAndAnother();
  const AuthenticationToken = site.told.token;
  const client = site.unsigned();
  const mine = await client.send(read({ AuthenticationToken, FolderId: own.RootFolderId }));
  assert.equal(mine.Metadata.CreatorId, own.Id);
  await refused(
    "UnauthorizedResourceAccessException",
    client.send(read({ AuthenticationToken, FolderId: other.RootFolderId })),
  );
});

test("beside a signature the token says who is asking", async () => {
  const [, other] = await site.tokenUserAndAnother();
  const FolderId = other.RootFolderId;
  await site.admin.send(read({ FolderId }));
  await refused(
    "UnauthorizedResourceAccessException",
    site.admin.send(read({ FolderId, AuthenticationToken: site.told.token })),
  );
  await refused(
    "UnrecognizedClientException",
    site.admin.send(read({ FolderId, AuthenticationToken: "nonsense" })),
  );
});

test("a wrong value is refused with its member's name", async () => {
  const create = new CreateFolderCommand({ ParentFolderId: folder, Name: "n".repeat(256) });
  const error = await refused("ValidationException", site.admin.send(create));
  assert.match(error.message, /name/i);
});

test("a name is one item's only", async () => {
  const create = () => new CreateFolderCommand({ ParentFolderId: folder, Name: "one" });
  await site.admin.send(create());
  const error = await refused("EntityAlreadyExistsException", site.admin.send(create()));
  assert.ok(error.message);
});
