// The pages to look at the sandbox.
import { PHONE, accessible, check, click, fill, fits, go, reach, says, shot, stayedHome, tab, text } from "./browser.mjs";

/** A link is made by hand; what happens elsewhere shows without a reload, and what is typed stays. */
export async function look(browser, given) {
  const page = await tab(browser);
  await page.goto(`${given.origin}/_sandbox/look/links`);
  await fill(page, "name", "Tea towel");
  await fill(page, "amount", "12.50");
  await click(page, "#adjustable");
  await click(page, "#after-page");
  await fill(page, "message", "Thank you!");
  await go(page, ".main");
  await says(page, "#links", "1 × Tea towel, €12.50");
  await accessible(page, "a link was made");
  await shot(page, "look-link-made");
  await says(page, "#live", "Live");
  await page.focus("#name");
  await page.keyboard.type("Half typed");
  await given.turn();
  await says(page, "#clock", "3 d ahead");
  check((await page.$eval("#name", (one) => one.value)) === "Half typed", "what is typed stays");
  const list = await tab(browser, { viewport: PHONE });
  await list.goto(`${given.origin}/_sandbox/`);
  await says(list, "#live", "Live");
  await given.order();
  await says(list, "#payments", "ada@example.com");
  await fits(list);
  for (const one of [page, list]) stayedHome(one);
}

/** Without script the same is done by forms and links. */
export async function lookPlain(browser, given) {
  const page = await tab(browser, { script: false });
  await page.goto(given.event);
  await page.select("#endpoint", given.endpoint);
  await go(page, "section:not(.clock) form button");
  await go(page, "#reload");
  await says(page, "#attempts", "Attempt 1");
  await go(page, "[value='1d']");
  check(page.url() === given.event, `the clock leads back, not to ${page.url()}`);
  await says(page, "#clock", "1 d ahead");
  check((await text(page, "h1")) === "checkout.session.completed", "the event is still shown");
  stayedHome(page);
}

/** Only the keyboard: past the header at once, a form filled in, a payment opened, the clock turned. */
export async function lookKeys(browser, given) {
  const page = await tab(browser);
  const enter = () => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await page.goto(`${given.origin}/_sandbox/look/links`);
  await page.keyboard.press("Tab");
  await reach(page, ".skip");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "content");
  await reach(page, "#name");
  await page.keyboard.type("Tea towel");
  await reach(page, "#amount");
  await page.keyboard.type("12.50");
  await reach(page, "form .main");
  await enter();
  await says(page, "#links", "Tea towel, €12.50");
  await page.goto(`${given.origin}/_sandbox/`);
  await reach(page, `#payments a[href$="${given.session}"]`);
  await enter();
  check(page.url().endsWith(given.session), `it leads to ${page.url()}`);
  await reach(page, "#by");
  await page.keyboard.type("6h");
  await enter();
  await says(page, "#clock", "6 h ahead");
  check(page.url().endsWith(given.session), "the payment is still shown");
  stayedHome(page);
}
