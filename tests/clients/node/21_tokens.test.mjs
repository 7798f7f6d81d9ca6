// Programs that act as a user, by a token alone.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import {
  DescribeFolderContentsCommand,
  DescribeRootFoldersCommand,
  GetCurrentUserCommand,
} from "@aws-sdk/client-workdocs";

import { Site, refused } from "./site.mjs";

const PROGRAM = new URL("as_user.mjs", import.meta.url);
const PAGE = new URL("../../../docs/tokens.md", import.meta.url);

let site;
let own;
before(async () => {
  site = await Site.start();
  [own] = await site.tokenUserAndAnother();
});
after(() => site.stop());

test("the program of the page uploads as its user", async () => {
  const [page, program] = await Promise.all([readFile(PAGE, "utf8"), readFile(PROGRAM, "utf8")]);
  assert.ok(page.includes(`\`\`\`js\n${program}\`\`\`\n`), "the page shows this program");
  // No key is at hand, neither in the environment nor in a file.
  const env = {
    PATH: process.env.PATH,
    HOME: "/nonexistent",
    AWS_ENDPOINT_URL_WORKDOCS: site.told.endpoint,
    TOKEN: site.told.token,
  };
  const done = await promisify(execFile)(process.execPath, [fileURLToPath(PROGRAM)], { env });
  assert.equal(done.stdout, `${own.Username}\n`);
  const contents = new DescribeFolderContentsCommand({ FolderId: own.RootFolderId });
  const { Documents } = await site.admin.send(contents);
  const names = Documents.map((document) => document.LatestVersionMetadata.Name);
  assert.ok(names.includes("from-javascript.txt"));
});

test("what only a user can ask is answered by the token however it is sent", async () => {
  for (const client of [site.unsigned(), site.admin]) {
    for (const AuthenticationToken of [site.told.token, `Bearer ${site.told.token}`]) {
      const { User } = await client.send(new GetCurrentUserCommand({ AuthenticationToken }));
      assert.equal(User.Id, own.Id);
      const roots = new DescribeRootFoldersCommand({ AuthenticationToken });
      const { Folders } = await client.send(roots);
      const ids = Folders.map((folder) => folder.Id);
      assert.deepEqual(ids, [own.RootFolderId, own.RecycleBinFolderId]);
    }
    const bad = new GetCurrentUserCommand({ AuthenticationToken: "nonsense" });
    await refused("UnrecognizedClientException", client.send(bad));
  }
});
