// AbortDocumentVersionUpload at each stage, and the refusals its page names.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  AbortDocumentVersionUploadCommand,
  ActivateUserCommand,
  DeactivateUserCommand,
  GetDocumentCommand,
} from "@aws-sdk/client-workdocs";

import { Site, refused } from "./site.mjs";

let site;
before(async () => (site = await Site.start()));
after(() => site.stop());

for (const sent of [false, true]) {
  test(`aborting a first version ${sent ? "after" : "before"} its content`, async () => {
    const ParentFolderId = await site.folder(`abort ${sent}`);
    const upload = await site.initiate({ ParentFolderId, Name: "gone" });
    if (sent) {
      assert.equal((await upload.put("content")).status, 200);
    }
    const answer = await upload.abort();
    assert.equal(answer.$metadata.httpStatusCode, 204);
    await refused(
      "UnauthorizedResourceAccessException",
      site.admin.send(new GetDocumentCommand({ DocumentId: upload.document })),
    );
    assert.equal((await upload.put("too late")).status, 403);
    await site.upload({ ParentFolderId, Name: "gone" }, "again");
  });
}

test("aborting a second version leaves the first and then does not exist", async () => {
  const ParentFolderId = await site.folder("second");
  const first = await site.upload({ ParentFolderId, Name: "stays" }, "first");
  const second = await site.initiate({ Id: first.document });
  assert.equal((await second.abort()).$metadata.httpStatusCode, 204);
  assert.equal((await first.download()).toString(), "first");
  const error = await refused("EntityNotExistsException", second.abort());
  assert.deepEqual(error.EntityIds, [second.version]);
  assert.ok(error.message);
});

test("an active version cannot be aborted", async () => {
  const ParentFolderId = await site.folder("active");
  const upload = await site.upload({ ParentFolderId, Name: "active" }, "active");
  await refused("ProhibitedStateException", upload.abort());
  assert.equal((await upload.download()).toString(), "active");
});

for (const kind of ["a token alone", "a token beside a signature"]) {
  const caller = () => (kind === "a token alone" ? site.unsigned() : site.client());

  test(`a hidden document looks like none to ${kind}`, async () => {
    const [, other] = await site.tokenUserAndAnother();
    const upload = await site.initiate({ ParentFolderId: other.RootFolderId, Name: "hidden" });
    const messages = [];
    for (const DocumentId of [upload.document, "0".repeat(64)]) {
      const abort = new AbortDocumentVersionUploadCommand({
        AuthenticationToken: site.told.token,
        DocumentId,
        VersionId: upload.version,
      });
      const error = await refused(
        "UnauthorizedResourceAccessException",
        caller().send(abort),
      );
      messages.push(error.message);
    }
    assert.equal(messages[0], messages[1]);
    await upload.abort();
  });

  test(`a deactivated user may not abort with ${kind}`, async () => {
    const [user] = await site.tokenUserAndAnother();
    const members = {
      AuthenticationToken: site.told.token,
      ParentFolderId: user.RootFolderId,
      Name: "draft",
    };
    const upload = await site.initiate(members, caller());
    await site.admin.send(new DeactivateUserCommand({ UserId: user.Id }));
    await refused("UnauthorizedOperationException", upload.abort());
    await site.admin.send(new ActivateUserCommand({ UserId: user.Id }));
    assert.equal((await upload.abort()).$metadata.httpStatusCode, 204);
  });
}
