// A real browser, a real server with people and a program in it, and what every page has to keep.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

import { chromium } from "playwright-core";

import { BINARY } from "./site.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const CHROMIUM = process.env.DOCHARBOR_CHROMIUM ?? "/usr/bin/chromium";
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const ANN = { name: "ann", password: "Harbour-4711" };

/** A server in a directory of its own. */
export class Server {
  /** Starts one; without an administrator it waits for whoever opens its setup link. */
  static async start({ administrator = ANN } = {}) {
    const server = new Server();
    server.directory = await mkdtemp(join(tmpdir(), "docharbor-browser-"));
    server.environment = { PATH: process.env.PATH };
    const known = administrator && {
      DOCHARBOR_ADMIN_USERNAME: administrator.name,
      DOCHARBOR_ADMIN_PASSWORD: administrator.password,
    };
    server.process = spawn(BINARY, ["serve", server.directory, "--listen", "127.0.0.1:0"], {
      env: { ...server.environment, ...known },
      stdio: "ignore",
    });
    const endpoint = join(server.directory, "endpoint");
    server.url = (await until(() => readFile(endpoint, "utf8").catch(() => ""))).trim();
    server.url = server.url.replace(/\/$/, "");
    await until(() => fetch(`${server.url}/health/ready`).then((answer) => answer.ok, () => false));
    return server;
  }

  /** Runs a command of the binary on this server's data. */
  async run(...words) {
    const options = { env: this.environment };
    return (await promisify(execFile)(BINARY, [...words, this.directory], options)).stdout.trim();
  }

  async stop() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
    await rm(this.directory, { recursive: true });
  }
}

/** A program on this machine to which browsers are sent back. */
export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.came = [];
    receiver.http = createServer((request, response) => {
      receiver.came.push(request);
      response.end("<!doctype html><html lang=en><title>Back</title><main><h1>Back</h1></main>");
    });
    receiver.http.listen(0, "127.0.0.1");
    await once(receiver.http, "listening");
    receiver.url = `http://127.0.0.1:${receiver.http.address().port}/back`;
    return receiver;
  }

  /** What came to the redirect URI or below it; a browser asks for a picture of the site by itself. */
  sentBack() {
    return this.came.filter((request) => request.url.startsWith("/back"));
  }

  /** The parameters of the one request that came to the redirect URI since the last question. */
  taken() {
    const [only, ...more] = this.sentBack();
    assert.ok(only && more.length === 0);
    this.came = [];
    return Object.fromEntries(new URL(only.url, this.url).searchParams);
  }

  async stop() {
    this.http.close();
    this.http.closeAllConnections();
    await once(this.http, "close");
  }
}

/** The browser of a test file. */
export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
}

/** One person's window: what it asked others than `allowed` for, and what went wrong in it, is kept. */
export class Window {
  static async open(browser, allowed, options = {}) {
    const window = new Window();
    window.context = await browser.newContext({ javaScriptEnabled: false, ...options });
    window.page = await window.context.newPage();
    window.wrong = [];
    window.context.on("request", (request) => {
      const { origin } = new URL(request.url());
      if (!allowed.includes(origin)) window.wrong.push(`asked ${origin}`);
    });
    // A status that is an error is told too, and is what some stories are about.
    window.page.on("console", (line) => {
      if (!/status of (400|403|404|429|503)/.test(line.text())) window.wrong.push(line.text());
    });
    return window;
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.wrong, []);
  }

  heading() {
    return this.page.getByRole("heading", { level: 1 }).innerText();
  }

  async signIn({ name, password }) {
    await this.page.getByLabel("User name").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }
}

/**
 * Holds the page a story stands on to the rules of accessibility, in light and dark, and to a narrow
 * window. The rules are programs, so the page is looked at once more with JavaScript.
 */
export async function isAccessible(browser, window) {
  const html = await window.page.content();
  const style = await (await fetch(new URL("/assets/docharbor.css", window.page.url()))).text();
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 320, height: 640 } });
    try {
      const page = await context.newPage();
      await page.route("**/*", (route) => route.abort());
      await page.setContent(html.replace(/<link [^>]*>/, `<style>${style}</style>`));
      await page.addScriptTag({ path: AXE });
      const { violations } = await page.evaluate(
        (values) => globalThis.axe.run({ runOnly: { type: "tag", values } }),
        RULES,
      );
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
      assert.deepEqual(told, [], `${page.url()} in ${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 320, `the page is ${wide} pixels wide in a window of 320`);
    } finally {
      await context.close();
    }
  }
}

async function until(condition) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(20)) {
    const value = await condition();
    if (value) return value;
  }
  assert.fail("it did not come about within a minute");
}
