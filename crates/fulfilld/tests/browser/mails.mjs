// Every mail as `fulfilld mail preview` shows it; cargo's test says how.
import { rmSync, writeFileSync } from "node:fs";
import { DESKTOP, PHONE, accessible, check, fits, inBrowser, shot, stayedHome, tab, text } from "../../../sandbox/tests/browser/browser.mjs";

const { preview, template, how } = JSON.parse(process.argv[3]);
const name = `mails-${how.phone ? "phone" : "desktop"}${how.dark ? "-dark" : ""}`;
const MAILS = ["summary", "receipt", "access", "payment_pending", "payment_failed", "shipped", "link", "new_order", "needs_attention"];
// A mail stands in somebody else's page, which has the landmarks.
const OF_PAGES = ["region", "landmark-one-main"];

/** The page is whole and accessible. */
async function looked(page, step, except) {
  await fits(page);
  await shot(page, `${name}-${step}`);
  await accessible(page, `${name}-${step}`, except);
}

/** One mail: its page, and the mail itself. */
async function mail(page, alone, at) {
  await page.goto(at.href);
  const [language, kind] = new URL(at.href).pathname.split("/").slice(1);
  check((await page.$eval("h1", (one) => one.lang)) === language, `${at.href} speaks another language`);
  check((await text(page, "h1")).includes("Fern & Fable"), `${at.href}: the subject does not name the shop`);
  check((await page.$eval("pre", (one) => one.textContent)).includes("Fern & Fable"), `${at.href}: the text does not`);
  const inside = await (await page.$("iframe")).contentFrame();
  check((await inside.url()).endsWith("/html"), `${at.href} shows no mail`);
  await looked(page, `${language}-${kind}`);
  // As a mail program has it: its own document, in which nothing runs.
  const html = await (await fetch(`${at.href}/html`)).text();
  await alone.setContent(html);
  await looked(alone, `${language}-${kind}-alone`, OF_PAGES);
  check((await alone.$eval("html", (one) => one.lang)) === language, `${at.href}: the mail speaks another language`);
  return `${language}/${kind}`;
}

async function mails(browser) {
  const open = () => tab(browser, { viewport: how.phone ? PHONE : DESKTOP, dark: how.dark });
  const [page, alone] = [await open(), await open()];
  await page.goto(preview);
  await looked(page, "0-list");
  const links = await page.$$eval("main li a", (all) => all.map((one) => ({ href: one.href })));
  const seen = [];
  for (const at of links) seen.push(await mail(page, alone, at));
  const expected = ["en", "de"].flatMap((language) => MAILS.map((kind) => `${language}/${kind}`));
  check(expected.every((one) => seen.includes(one)) && seen.length === expected.length, `not every mail is there: ${seen}`);

  await page.goto(`${preview}/en/nothing/0`);
  check((await text(page, "h1")) === "There is no such mail", "it does not say that there is none");
  await looked(page, "1-nothing");
  writeFileSync(template, "{{ helo }}");
  await page.goto(preview);
  check((await text(page, "pre")).includes("receipt.txt, line 1"), "the mistake is not named");
  await looked(page, "2-mistake");
  rmSync(template);
  await page.goto(preview);
  check((await text(page, "h1")) === "Mails of this shop", "a mended template does not help");
  stayedHome(page);
  stayedHome(alone);
}

await inBrowser(mails);
