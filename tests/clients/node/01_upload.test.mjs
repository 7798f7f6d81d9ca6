// A program uploads files, reads them back and replaces them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { DescribeFolderContentsCommand, GetDocumentCommand } from "@aws-sdk/client-workdocs";

import { Site, refused } from "./site.mjs";

let site;
before(async () => (site = await Site.start()));
after(() => site.stop());

for (const size of [0, 1, 20_000_000]) {
  test(`an upload of ${size} bytes is there with every byte and its md5`, async () => {
    const content = randomBytes(size);
    const upload = await site.upload(
      { ParentFolderId: await site.folder(`of ${size}`), Name: "file", DocumentSizeInBytes: size },
      content,
    );
    assert.ok((await upload.download()).equals(content));
    const version = await upload.metadata();
    assert.equal(version.Size, size);
    assert.equal(version.Status, "ACTIVE");
    assert.equal(version.Signature, createHash("md5").update(content).digest("hex"));
    assert.ok(version.CreatedTimestamp instanceof Date);
  });
}

for (const name of ["Übersicht.txt", "🎉 plan.md", "דוח שנתי.pdf", "../../etc/passwd", `it's "q"`]) {
  test(`the name ${name} comes back as it was given`, async () => {
    const ParentFolderId = await site.folder(`for ${name}`);
    const upload = await site.upload({ ParentFolderId, Name: name }, name);
    const { Metadata } = await site.admin.send(
      new GetDocumentCommand({ DocumentId: upload.document }),
    );
    assert.equal(Metadata.LatestVersionMetadata.Name, name);
    assert.equal((await upload.download()).toString(), name);
  });
}

test("a draft is invisible until it is activated", async () => {
  const ParentFolderId = await site.folder("drafts");
  const listed = async (Include) => {
    const list = new DescribeFolderContentsCommand({ FolderId: ParentFolderId, Include });
    return (await site.admin.send(list)).Documents.map((document) => document.Id);
  };
  const upload = await site.initiate({ ParentFolderId, Name: "draft" });
  await refused("ProhibitedStateException", upload.activate());
  await upload.put("content");
  assert.deepEqual(await listed(), []);
  assert.deepEqual(await listed("INITIALIZED"), [upload.document]);
  await upload.activate();
  assert.deepEqual(await listed(), [upload.document]);
});

test("a new version replaces the old one at activation and not before", async () => {
  const ParentFolderId = await site.folder("versions");
  const old = await site.upload({ ParentFolderId, Name: "plan" }, "old");
  const latest = async () => {
    const read = await site.admin.send(new GetDocumentCommand({ DocumentId: old.document }));
    return read.Metadata.LatestVersionMetadata.Id;
  };
  const next = await site.initiate({ Id: old.document });
  await next.put("new");
  assert.equal(await latest(), old.version);
  await next.activate();
  assert.equal(await latest(), next.version);
  assert.equal((await next.put("changed")).status, 403);
  assert.equal((await next.download()).toString(), "new");
  assert.equal((await old.download()).toString(), "old");
});
