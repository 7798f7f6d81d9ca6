// Programs that ask for access, in a browser without JavaScript.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, beforeEach, afterEach, test } from "node:test";

import { ANN, Receiver, Server, Window, isAccessible, launch } from "./browser.mjs";

let application;
let browser;
let receiver;
let server;
let window;

before(async () => {
  [browser, server, receiver] = await Promise.all([launch(), Server.start(), Receiver.start()]);
  const made = await server.run("application", "create", "Harbour Sync", "--redirect-uri", receiver.url);
  application = JSON.parse(made).AppId;
});

after(async () => {
  await browser?.close();
  await receiver?.stop();
  await server?.stop();
});

beforeEach(async () => {
  window = await Window.open(browser, [server.url, new URL(receiver.url).origin]);
});

afterEach(() => window.close());

/** Opens a page of the server with parameters. */
function open(path, parameters) {
  return window.page.goto(`${server.url}${path}?${new URLSearchParams(parameters)}`);
}

const answer = (name) => window.page.getByRole("button", { name, exact: true }).click();

function ask(path, fields) {
  return fetch(server.url + path, { method: "POST", body: new URLSearchParams(fields) });
}

/** Whom a token is for, as the API tells it. */
async function owner(token) {
  const headers = { Authentication: `Bearer ${token}` };
  return (await (await fetch(`${server.url}/api/v1/me`, { headers })).json()).User.Username;
}

test("a person allows a program on a page, and it gets a token", async () => {
  const state = "a&b=c \"'<b>é";
  const asked = { app_id: application, auth_type: "ImplicitGrant", redirect_uri: receiver.url, state };
  await open("/oauth", asked);
  await window.signIn(ANN);
  assert.equal(await window.heading(), "Allow Harbour Sync?");
  assert.match(await window.page.locator("main").innerText(), /127\.0\.0\.1:\d+/);
  await isAccessible(browser, window);
  await answer("Allow");
  const given = receiver.taken();
  assert.equal(given.state, state);
  assert.equal(given.acessToken, given.accessToken);
  assert.equal(await owner(given.accessToken), ANN.name);
});

test("a person denies a program, and it gets nothing", async () => {
  await open("/oauth", { app_id: application, auth_type: "ImplicitGrant", redirect_uri: receiver.url });
  await window.signIn(ANN);
  await answer("Deny");
  assert.deepEqual(receiver.taken(), { error: "access_denied" });
});

test("who is signed in can answer as somebody else", async () => {
  await open("/oauth", { app_id: application, auth_type: "ImplicitGrant", redirect_uri: receiver.url });
  await window.signIn(ANN);
  await answer("Sign in as somebody else");
  await window.page.getByLabel("User name").waitFor();
  await window.signIn(ANN);
  assert.equal(await window.heading(), "Allow Harbour Sync?");
});

test("a program with a proof exchanges its code for a token", async () => {
  const verifier = randomBytes(32).toString("base64url");
  await open("/oauth/authorize", {
    response_type: "code",
    client_id: application,
    redirect_uri: receiver.url,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  await window.signIn(ANN);
  await answer("Allow");
  const redeemed = await ask("/oauth/token", {
    grant_type: "authorization_code",
    client_id: application,
    code: receiver.taken().code,
    redirect_uri: receiver.url,
    code_verifier: verifier,
  });
  assert.equal(await owner((await redeemed.json()).access_token), ANN.name);
});

test("a person types the code of a device, and the device gets a token", async () => {
  const begun = await (await ask("/oauth/device_authorization", { client_id: application })).json();
  await window.page.goto(begun.verification_uri);
  await window.signIn(ANN);
  assert.equal(await window.heading(), "Connect a device");
  await isAccessible(browser, window);
  await window.page.getByLabel("Code").fill("BBBB-BBBB");
  await answer("Continue");
  await window.page.getByRole("alert").waitFor();
  await isAccessible(browser, window);
  await window.page.getByLabel("Code").fill(begun.user_code.toLowerCase());
  await answer("Continue");
  assert.match(await window.page.locator("main").innerText(), new RegExp(begun.user_code));
  await isAccessible(browser, window);
  await answer("Allow");
  await isAccessible(browser, window);
  const redeemed = await ask("/oauth/token", {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    client_id: application,
    device_code: begun.device_code,
  });
  assert.equal(await owner((await redeemed.json()).access_token), ANN.name);
});

test("an address that is not registered is told on a page, and nobody is sent there", async () => {
  const elsewhere = `${receiver.url}/elsewhere`;
  await open("/oauth", { app_id: application, auth_type: "ImplicitGrant", redirect_uri: elsewhere });
  assert.ok(window.page.url().startsWith(server.url));
  await isAccessible(browser, window);
  assert.deepEqual(receiver.sentBack(), []);
});
