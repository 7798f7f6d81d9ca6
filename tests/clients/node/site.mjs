// One throw-away server, and what the stories do on it again and again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import * as sdk from "@aws-sdk/client-workdocs";

const BESIDE = fileURLToPath(new URL("../../../target/debug/docharbor", import.meta.url));
export const BINARY = process.env.DOCHARBOR_BIN ?? BESIDE;

export class Site {
  /** Starts `docharbor dev`, which says in one line where it is and how to get in. */
  static async start() {
    const site = new Site();
    site.process = spawn(BINARY, ["dev", "--port", "0"], { stdio: ["ignore", "pipe", "ignore"] });
    const lines = createInterface({ input: site.process.stdout });
    const ended = once(site.process, "exit").then(() => assert.fail("the server ended"));
    const [line] = await Promise.race([once(lines, "line"), ended]);
    ended.catch(() => {});
    site.told = JSON.parse(line);
    site.admin = site.client();
    const { Users } = await site.admin.send(
      new sdk.DescribeUsersCommand({ OrganizationId: site.told.organization_id }),
    );
    site.users = Users;
    return site;
  }

  async stop() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  }

  /** A client that signs with the site's own key, or with another one. */
  client(options = {}) {
    return new sdk.WorkDocsClient({
      endpoint: this.told.endpoint,
      region: "us-east-1",
      maxAttempts: 1,
      credentials: {
        accessKeyId: this.told.access_key_id,
        secretAccessKey: this.told.secret_access_key,
      },
      ...options,
    });
  }

  /** A client that signs nothing: who is calling, a token in each call says. */
  unsigned() {
    return this.client({ signer: { sign: async (request) => request } });
  }

  /** The demo user whom the token is for, and another one. */
  async tokenUserAndAnother() {
    const client = this.unsigned();
    const own = [];
    const others = [];
    for (const user of this.users) {
      const read = new sdk.GetFolderCommand({
        AuthenticationToken: this.told.token,
        FolderId: user.RootFolderId,
      });
      const seen = await client.send(read).then(() => true, () => false);
      (seen ? own : others).push(user);
    }
    assert.ok(own.length === 1 && others.length > 0);
    return [own[0], others[0]];
  }

  /** Makes a folder for one story and answers its id. */
  async folder(name) {
    const { Metadata } = await this.admin.send(
      new sdk.CreateFolderCommand({ ParentFolderId: this.users[0].RootFolderId, Name: name }),
    );
    return Metadata.Id;
  }

  async initiate(members, client = this.admin) {
    const begun = await client.send(new sdk.InitiateDocumentVersionUploadCommand(members));
    return new Upload(client, begun, members.AuthenticationToken);
  }

  async upload(members, content) {
    const upload = await this.initiate(members);
    assert.equal((await upload.put(content)).status, 200);
    await upload.activate();
    return upload;
  }
}

/** An upload that was begun. */
class Upload {
  constructor(client, begun, token) {
    this.client = client;
    this.document = begun.Metadata.Id;
    this.version = begun.Metadata.LatestVersionMetadata.Id;
    this.target = begun.UploadMetadata;
    this.ids = { DocumentId: this.document, VersionId: this.version, AuthenticationToken: token };
  }

  put(content) {
    const { UploadUrl, SignedHeaders } = this.target;
    return fetch(UploadUrl, { method: "PUT", body: content, headers: SignedHeaders });
  }

  activate() {
    const members = { ...this.ids, VersionStatus: "ACTIVE" };
    return this.client.send(new sdk.UpdateDocumentVersionCommand(members));
  }

  abort() {
    return this.client.send(new sdk.AbortDocumentVersionUploadCommand(this.ids));
  }

  async metadata(fields) {
    const members = { ...this.ids, Fields: fields };
    return (await this.client.send(new sdk.GetDocumentVersionCommand(members))).Metadata;
  }

  async download() {
    const answer = await fetch((await this.metadata("SOURCE")).Source.ORIGINAL);
    assert.equal(answer.status, 200);
    return Buffer.from(await answer.arrayBuffer());
  }
}

/** Expects a call to be refused with an error of the SDK's own, and gives that back. */
export async function refused(name, call) {
  const error = await call.then(() => assert.fail(`not refused with ${name}`), (caught) => caught);
  assert.equal(error.name, name, error.message);
  assert.ok(error.$metadata.requestId);
  if (sdk[name]) {
    assert.ok(error instanceof sdk[name]);
  }
  return error;
}
