// Signing in and out, and the first administrator, in a browser without JavaScript.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ANN, Server, Window, isAccessible, launch } from "./browser.mjs";

let browser;
let server;
let window;

before(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function story(options, tell) {
  window = await Window.open(browser, [server.url], options);
  await tell(window.page);
  await window.close();
}

test("a person signs in and out with the keyboard alone", () =>
  story({}, async (page) => {
    await page.goto(`${server.url}/sign-in`);
    await isAccessible(browser, window);
    await page.keyboard.press("Tab");
    await page.keyboard.type(ANN.name);
    await page.keyboard.press("Tab");
    await page.keyboard.type(ANN.password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Signed in" }).waitFor();
    await isAccessible(browser, window);
    const [cookie] = await window.context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Lax", "/"]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.deepEqual(await window.context.cookies(), []);
  }));

test("what is wrong is said next to the form, which keeps the name and not the password", () =>
  story({}, async (page) => {
    await page.goto(`${server.url}/sign-in`);
    await window.signIn({ ...ANN, password: "not this one" });
    assert.match(await page.getByRole("alert").innerText(), /wrong/);
    assert.equal(await page.getByLabel("User name").inputValue(), ANN.name);
    assert.equal(await page.getByLabel("Password").inputValue(), "");
    await isAccessible(browser, window);
    await window.signIn(ANN);
    assert.equal(await window.heading(), "Signed in");
  }));

test("who tries too often is told how long to wait", () =>
  story({}, async (page) => {
    await page.goto(`${server.url}/sign-in`);
    const alert = page.getByRole("alert");
    for (let tries = 0; tries < 40; tries += 1) {
      await window.signIn({ name: "mallory", password: `guess ${tries}` });
      if (/seconds/.test(await alert.innerText())) break;
    }
    assert.match(await alert.innerText(), /Try again in \d+ seconds/);
    await isAccessible(browser, window);
  }));

test("a sign-in leads back to where it was asked for, and to no other host", () =>
  story({}, async (page) => {
    await page.goto(`${server.url}/sign-in?next=/device`);
    await window.signIn(ANN);
    assert.equal(page.url(), `${server.url}/device`);
    await page.goto(`${server.url}/sign-in?next=//elsewhere.example/`);
    assert.equal(page.url(), `${server.url}/sign-in?next=//elsewhere.example/`);
    assert.equal(await window.heading(), "Signed in");
  }));

test("a form of another site signs nobody in", async () => {
  const form = `<!doctype html><form method="post" action="${server.url}/sign-in">
    <input name="name" value="${ANN.name}"><input name="password" value="${ANN.password}">
    <button>Win a prize</button></form>`;
  window = await Window.open(browser, [server.url, "http://prize.example"]);
  await window.page.route("http://prize.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: form }));
  await window.page.goto("http://prize.example/");
  await window.page.getByRole("button").click();
  assert.equal(await window.heading(), "The form was not taken");
  assert.deepEqual(await window.context.cookies(), []);
  await isAccessible(browser, window);
  await window.close();
});

test("the setup link makes the first administrator, who then signs in", async () => {
  const fresh = await Server.start({ administrator: null });
  window = await Window.open(browser, [fresh.url]);
  const { page } = window;
  try {
    await page.goto(await fresh.run("admin", "setup-link"));
    assert.equal(await window.heading(), "First administrator");
    await isAccessible(browser, window);
    await page.getByLabel("User name").fill("avery");
    await page.getByLabel("Given name").fill("Avery");
    await page.getByLabel("Surname").fill("Lee");
    await page.getByLabel("Password", { exact: true }).fill(ANN.password);
    await page.getByLabel("The password again").fill("another one");
    await page.getByRole("button").click();
    assert.match(await page.getByRole("alert").innerText(), /not the same/);
    assert.equal(await page.getByLabel("Given name").inputValue(), "Avery");
    await isAccessible(browser, window);
    await page.getByLabel("Password", { exact: true }).fill(ANN.password);
    await page.getByLabel("The password again").fill(ANN.password);
    await page.getByRole("button").click();
    await window.signIn({ name: "avery", password: ANN.password });
    assert.equal(await window.heading(), "Signed in");
    await page.goto(`${fresh.url}/setup?token=used`);
    assert.equal(await window.heading(), "This link does not work");
    await isAccessible(browser, window);
    await window.close();
  } finally {
    await fresh.stop();
  }
});

test("a page without a label, a language or enough contrast would be found", () =>
  story({}, async (page) => {
    await page.goto(`${server.url}/sign-in`);
    const spoiled = [
      (html) => html.replace('<label for="name">', "<label>"),
      (html) => html.replace('lang="en"', ""),
      (html) => html.replace("<h1>", '<h1 style="color: #999; background: #aaa">'),
      (html) => html.replace("<h1>", '<h1 style="width: 400px">'),
    ];
    for (const spoil of spoiled) {
      const html = spoil(await page.content());
      const changed = { page: { url: () => page.url(), content: async () => html } };
      await assert.rejects(isAccessible(browser, changed), assert.AssertionError);
    }
  }));
