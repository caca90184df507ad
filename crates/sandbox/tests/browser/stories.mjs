// The stories that a browser plays; cargo's test names one and hands it its sessions.
import { DESKTOP, PHONE, accessible, check, click, fill, fits, go, inBrowser, reach, says, shot, stayedHome, tab, text } from "./browser.mjs";
import { look, lookKeys, lookPlain } from "./look.mjs";

const [story, given] = [process.argv[2], JSON.parse(process.argv[3])];

const WORDS = {
  en: { pay: "Pay €", quantity: "3", total: "€", street: "10115" },
  de: { pay: "bezahlen", total: "€" },
};

async function card(page, number = "4242424242424242") {
  await fill(page, "card_number", number);
  await fill(page, "exp", "1234");
  await fill(page, "cvc", "123");
  await fill(page, "name", "Ada Buyer");
}

async function landed(page) {
  const url = new URL(page.url());
  const notice = await page.$eval(".notice", (one) => one.textContent).catch(() => "");
  check(url.searchParams.get("paid") === given.id, `landed at ${url} ${notice}`);
}

/** A purchase with everything: quantity, an extra, a code, an address, questions, a card. */
async function purchase(browser, { language, viewport, script }) {
  const name = `purchase-${language}-${viewport === PHONE ? "phone" : "desktop"}-${script ? "script" : "plain"}`;
  const page = await tab(browser, { language, viewport, script });
  await page.goto(given.url);
  check((await page.$eval("html", (one) => one.lang)) === language, "the page speaks another language");
  await fits(page);
  await shot(page, `${name}-1-open`);
  const line = (await page.$eval("[id^=q-]", (one) => one.id)).slice(2);
  await fill(page, `q-${line}`, "3");
  await click(page, "[id^=o-]");
  if (script) await says(page, "#total", given.before);
  await fill(page, "promotion_code", "SPRING10");
  if (script) {
    await click(page, "#apply");
    await page.waitForSelector("[value=remove_code]");
  } else {
    await go(page, "#apply");
    check(await page.$("[value=remove_code]"), "the code is applied");
  }
  await says(page, "#total", given.total);
  await says(page, "#pay", given.total);
  await fill(page, "email", "ada@example.com");
  await fill(page, "phone", "+49 731 12345");
  await fill(page, "shipping_name", "Ada Buyer");
  await fill(page, "country", "DE");
  await fill(page, "line1", "Hauptstraße 1");
  await fill(page, "shipping_postal_code", "89073");
  await fill(page, "city", "Ulm");
  await click(page, ".choice:nth-child(2) [name=shipping_rate]");
  if (!script) await go(page, "#update");
  await says(page, "#total", given.shipped);
  await fill(page, "custom-engraving", "Ada");
  await fill(page, "custom-size", "m");
  if (await page.$("#method-card")) await click(page, "#method-card");
  await card(page);
  if (script) check((await page.$eval("#card_number", (one) => one.value)) === "4242 4242 4242 4242", "the number is spaced");
  await click(page, "#terms_of_service");
  await fits(page);
  await shot(page, `${name}-2-filled`);
  await go(page, "#pay");
  await landed(page);
  stayedHome(page);
}

async function wrong(browser, { language, viewport }) {
  const page = await tab(browser, { language, viewport });
  await page.goto(given.url);
  await go(page, "#pay");
  const focused = await page.evaluate(() => document.activeElement?.className);
  check(focused.includes("notice"), `the summary of errors has the focus, not ${focused}`);
  const loose = await page.$$eval("[aria-invalid=true]", (fields) =>
    fields.filter((one) => !document.getElementById(one.getAttribute("aria-describedby").split(" ").at(-1))?.textContent).map((one) => one.id),
  );
  check(loose.length === 0, `fields whose error is not tied to them: ${loose}`);
  const links = await page.$$eval(".notice a", (all) => all.filter((one) => !document.querySelector(`[id="${one.hash.slice(1)}"]`)).map((one) => one.hash));
  check(links.length === 0, `links of the summary that lead nowhere: ${links}`);
  await fits(page);
  await shot(page, `errors-${language}-${viewport === PHONE ? "phone" : "desktop"}`);
  await accessible(page, "the page with errors");
  stayedHome(page);
}

/** Only the keyboard: everything is reached by Tab, and whoever has the focus shows it. */
async function keyboard(browser) {
  const page = await tab(browser);
  await page.goto(given.url);
  const type = async (id, typed) => {
    await reach(page, `#${id}`);
    await page.keyboard.type(typed);
  };
  await type("promotion_code", "SPRING10");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[value=remove_code]");
  await type("email", "ada@example.com");
  await reach(page, "#method-card");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await type("card_number", "4242424242424242");
  await type("exp", "1234");
  await type("cvc", "123");
  await type("name", "Ada Buyer");
  await shot(page, "keyboard");
  await reach(page, "#pay");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await landed(page);
  stayedHome(page);
}

async function declined(browser, { script }) {
  const page = await tab(browser, { script });
  await page.goto(given.url);
  await fill(page, "email", "ada@example.com");
  await click(page, "#tries-card summary");
  if (script) {
    await shot(page, "test-numbers");
    await click(page, "[name=fill][value='4000000000000002']");
    await page.waitForFunction(() => document.getElementById("cvc").value === "123");
  } else {
    await go(page, "[name=fill][value='4000000000000002']");
  }
  check((await page.$eval("#email", (one) => one.value)) === "ada@example.com", "what was typed stays");
  await go(page, "#pay");
  check((await text(page, ".notice")) === "Your card was declined.", await text(page, ".notice"));
  await shot(page, "declined");
  await accessible(page, "the page after a decline");
  await card(page);
  await go(page, "#pay");
  await landed(page);
  stayedHome(page);
}

async function bank(browser) {
  const page = await tab(browser, { language: "de" });
  await page.goto(given.url);
  await fill(page, "email", "ada@example.com");
  await card(page, "4000002500003155");
  await go(page, "#pay");
  check((await text(page, "h1")) === "Zahlung bestätigen", "the bank asks");
  await shot(page, "bank-de");
  await accessible(page, "the bank's question");
  await go(page, "[value=refuse]");
  check((await text(page, ".notice")).startsWith("Ihre Bank"), await text(page, ".notice"));
  await card(page, "4000002500003155");
  await fill(page, "email", "ada@example.com");
  await go(page, "#pay");
  await go(page, "[value=approve]");
  await landed(page);
  stayedHome(page);
}

/** What the field for a name is called, as it is seen. */
const payer = (page) => page.$eval("label[for=name]", (one) => one.innerText.trim());

async function debit(browser) {
  const plain = await tab(browser, { language: "de", script: false });
  await plain.goto(given.url);
  for (const [method, name] of [["sepa_debit", "Name der Kontoinhaberin oder des Kontoinhabers"], ["card", "Name auf der Karte"]]) {
    await click(plain, `label:has(#method-${method})`);
    check((await payer(plain)) === name, await payer(plain));
  }
  await plain.close();
  const page = await tab(browser, { language: "de", viewport: PHONE });
  await page.goto(given.url);
  await fits(page);
  await fill(page, "email", "ada@example.com");
  await click(page, "label:has(#method-sepa_debit)");
  await page.waitForSelector("#iban", { visible: true });
  check((await payer(page)) === "Name der Kontoinhaberin oder des Kontoinhabers", await payer(page));
  check(!(await page.$("#billing_country")) || (await page.waitForSelector("#billing_country", { hidden: true })) === null, "a debit asks for no card's country");
  await fill(page, "iban", "AT611904300234573201");
  await fill(page, "name", "Ada Buyer");
  await shot(page, "debit-de-phone");
  await go(page, "#pay");
  await landed(page);
  stayedHome(page);
}

async function voucher(browser) {
  const page = await tab(browser, { language: "de", script: false });
  await page.goto(given.url);
  await fill(page, "email", "fill_never@example.com");
  await fill(page, "name", "Ada Buyer");
  await shot(page, "voucher-de-1-open");
  await go(page, "#pay");
  check((await text(page, "h1")) === "Mit Ihrer Nummer bezahlen", await text(page, "h1"));
  check((await text(page, ".ask")) === "Bezahlen Sie 12,00 € bis zum 28. September 2026.", await text(page, ".ask"));
  await shot(page, "voucher-de-2-number");
  await accessible(page, "the voucher");
  await go(page, "[value=pay]");
  check((await text(page, "h1")) === "Die Nummer ist bezahlt", await text(page, "h1"));
  await shot(page, "voucher-de-3-paid");
  await accessible(page, "the paid voucher");
  await go(page, ".link-button");
  await landed(page);
  stayedHome(page);
}

/** Every page, in light and dark, on a desktop and a phone. */
async function everyPage(browser) {
  for (const dark of [false, true]) {
    for (const [name, url] of Object.entries(given.pages)) {
      const viewport = name.endsWith("phone") ? PHONE : DESKTOP;
      const page = await tab(browser, { dark, viewport, language: name.includes("-de") ? "de" : "en" });
      await page.goto(url);
      await fits(page);
      await shot(page, `page-${name}-${dark ? "dark" : "light"}`);
      await accessible(page, `${name} in ${dark ? "dark" : "light"}`);
      stayedHome(page);
      await page.browserContext().close();
    }
  }
}

/** Two clicks on the button are one payment. */
async function twice(browser) {
  const page = await tab(browser, { script: false });
  await page.goto(given.url);
  await fill(page, "email", "ada@example.com");
  await card(page);
  await Promise.all([page.waitForNavigation(), page.click("#pay", { count: 2 })]);
  await landed(page);
  stayedHome(page);
}

/** A sandbox whose clock is turned and where a session is made while somebody looks. */
function lookAt(browser) {
  const call = (path, body) =>
    fetch(given.origin + path, { method: "POST", body, headers: { authorization: `Bearer ${given.key}` } }).then((answer) => answer.text());
  const order =
    "mode=payment&success_url=http://shop.example&customer_email=ada@example.com&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1200&line_items[0][price_data][product_data][name]=Tea";
  return look(browser, {
    ...given,
    turn: () => call("/_sandbox/clock/advance", JSON.stringify({ seconds: 3 * 86_400 })),
    order: () => call("/v1/checkout/sessions", order),
  });
}

const STORIES = { purchase, wrong, keyboard, declined, bank, debit, voucher, everyPage, twice, look: lookAt, lookKeys: (browser) => lookKeys(browser, given), lookPlain: (browser) => lookPlain(browser, given) };
const how = given.how ?? {};
await inBrowser((browser) => STORIES[story](browser, { viewport: how.phone ? PHONE : DESKTOP, language: how.language ?? "en", script: how.script ?? true }));
