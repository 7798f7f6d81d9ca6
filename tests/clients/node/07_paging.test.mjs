// A folder of 2,500 items, page by page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  CreateFolderCommand,
  DescribeFolderContentsCommand,
  paginateDescribeFolderContents,
} from "@aws-sdk/client-workdocs";

import { Site, refused } from "./site.mjs";

const ITEMS = 2_500;
const AT_ONCE = 16;

let site;
let crowded;
before(async () => {
  site = await Site.start();
  crowded = await site.folder("crowded");
});
after(() => site.stop());

test("every item of a crowded folder comes once and in order", async () => {
  const expected = Array.from({ length: ITEMS }, (_, number) => String(number).padStart(4, "0"));
  const waiting = [...expected];
  const maker = async () => {
    for (let name = waiting.pop(); name; name = waiting.pop()) {
      await site.admin.send(new CreateFolderCommand({ ParentFolderId: crowded, Name: name }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, maker));
  for (const pageSize of [7, 100, 999]) {
    const names = [];
    let last;
    const pages = paginateDescribeFolderContents(
      { client: site.admin, pageSize },
      { FolderId: crowded },
    );
    for await (const page of pages) {
      assert.ok(page.Folders.length <= pageSize);
      names.push(...page.Folders.map((folder) => folder.Name));
      last = page;
    }
    assert.deepEqual(names, expected);
    assert.equal(last.Marker, undefined);
  }
});

test("a forged marker is refused", async () => {
  const list = new DescribeFolderContentsCommand({ FolderId: crowded, Marker: "forged" });
  await refused("InvalidArgumentException", site.admin.send(list));
});
