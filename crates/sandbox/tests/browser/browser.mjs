// A headless Chromium that a story drives. Every request to another origin fails the story.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.TOOLS, "package.json"));
const puppeteer = require("puppeteer-core");
const axe = require("axe-core");

export const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
export const DESKTOP = { width: 1280, height: 860, deviceScaleFactor: 1 };

const shots = process.env.SHOTS;
/** Where requests may go: one origin or several. */
const origins = process.env.ORIGIN.split(" ");

export function check(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

export async function inBrowser(story) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    protocolTimeout: 30_000,
    args: [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
  try {
    await story(browser);
  } finally {
    await browser.close();
  }
}

/** A tab with a viewport, a language, and script or none. */
export async function tab(browser, { viewport = DESKTOP, language = "en", script = true, dark = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.setViewport(viewport);
  await page.setExtraHTTPHeaders({ "accept-language": language });
  await page.setJavaScriptEnabled(script);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  page.script = script;
  page.foreign = [];
  page.complaints = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && !origins.includes(url.origin)) page.foreign.push(request.url());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused form is an answer, not a mistake of the page.
    const expected = /status of (402|404|409|422)/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) page.complaints.push(message.text());
  });
  return page;
}

/** What must hold of a page at the end of a story. */
export function stayedHome(page) {
  check(page.foreign.length === 0, `requests left the origin: ${page.foreign.join(", ")}`);
  check(page.complaints.length === 0, `the browser complained: ${page.complaints.join("; ")}`);
}

export async function shot(page, name) {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** Fails on what axe finds, but for rules that the page has a reason to break. */
export async function accessible(page, what, except = []) {
  // Without script its timers would stand still.
  await page.setJavaScriptEnabled(true);
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (except) => {
    const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
    const result = await window.axe.run(document, { resultTypes: ["violations"], rules });
    return result.violations.map((one) => `${one.id}: ${one.help} at ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }, except);
  await page.setJavaScriptEnabled(page.script);
  check(found.length === 0, `${what}: ${found.join("\n")}`);
}

/** Types into a field as a person does: what is there goes first. */
export async function fill(page, id, text) {
  const field = await page.waitForSelector(`[id="${id}"]`);
  const kind = await field.evaluate((one) => one.tagName);
  if (kind === "SELECT") return page.select(`[id="${id}"]`, text);
  // Found and focused at once: the page may put a new field in this one's place at any time.
  await page.evaluate((id) => document.getElementById(id).focus(), id);
  await page.keyboard.down("Control");
  await page.keyboard.press("KeyA");
  await page.keyboard.up("Control");
  await page.keyboard.type(text);
}

export async function click(page, selector) {
  for (let tries = 1; ; tries++) {
    const one = await page.waitForSelector(selector);
    try {
      await one.evaluate((element) => element.scrollIntoView({ block: "center" }));
      return await one.click();
    } catch (error) {
      // A new element has taken its place meanwhile.
      if (tries === 3) throw error;
    }
  }
}

/** Clicks what leads to another page. */
export async function go(page, selector) {
  await Promise.all([page.waitForNavigation(), click(page, selector)]);
}

/** Presses Tab until an element has the focus, and sees that it shows it. */
export async function reach(page, selector) {
  for (let presses = 0; presses < 80; presses++) {
    const [reached, ring] = await page.evaluate((selector) => {
      const one = document.activeElement;
      const around = one.closest(".choice > label") ?? one;
      return [one.matches(selector), [one, around].some((at) => getComputedStyle(at).outlineStyle !== "none")];
    }, selector);
    if (reached) return check(ring, `${selector} has the focus and does not show it`);
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

export function text(page, selector) {
  return page.$eval(selector, (one) => one.textContent.trim().replaceAll("\u00a0", " "));
}

/** Waits until an element says something. */
export async function says(page, selector, expected, patience = 200) {
  for (let tries = 0; tries < patience; tries++) {
    const said = await text(page, selector).catch(() => "");
    if (said.includes(expected)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${selector} says "${await text(page, selector)}", not "${expected}"`);
}

/** No part of the page is wider than the window. */
export async function fits(page) {
  const window = page.viewport().width;
  const [wide, who] = await page.evaluate((window) => {
    const over = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > window);
    return [document.documentElement.scrollWidth, over.map((one) => `${one.tagName} ${one.id} ${one.className}`)];
  }, window);
  check(wide <= window, `the page is ${wide} wide in a window of ${window}: ${who.join(", ")}`);
}
