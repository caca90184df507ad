// A buyer in the demo; cargo's test names a story and says how it is told.
import { DESKTOP, accessible, check, click, fill, fits, go, inBrowser, says, shot, stayedHome, tab, text } from "../../../sandbox/tests/browser/browser.mjs";

const [story, given] = [process.argv[2], JSON.parse(process.argv[3])];
const how = given.how;
const SMALL = { width: 375, height: 812, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const name = `${story}-${how.language}-${how.phone ? "phone" : "desktop"}${how.dark ? "-dark" : ""}${how.plain ? "-plain" : ""}`;
const BUYER = "ada@example.com";
const EVIL = "<script>document.title='evil'</script><img src=x onerror=alert(1)>";

const WORDS = {
  en: { ready: "Your order is ready", waits: "Your payment is on its way", failed: "The payment did not go through", unpaid: "your payment did not go through", sepa: "up to 6 business days", asked: "Please look into your mail", access: "Your access and keys", link: "The link to your orders", orders: "Your orders", again: "The mails are on their way again", money: "€49.00", see: "See my orders" },
  de: { ready: "Ihre Bestellung ist bereit", waits: "Ihre Zahlung ist unterwegs", failed: "Die Zahlung war nicht erfolgreich", unpaid: "Ihre Zahlung war leider nicht erfolgreich", sepa: "bis zu 6 Werktage", asked: "Bitte sehen Sie in Ihrem Postfach nach", access: "Ihre Zugänge und Schlüssel", link: "Der Link zu Ihren Bestellungen", orders: "Ihre Bestellungen", again: "Die E-Mails sind noch einmal unterwegs", money: "49,00 €", see: "Meine Bestellungen ansehen" },
}[how.language];

/** The page as it is at this moment: whole, accessible, and in nobody's way. */
async function looked(page, step, except) {
  await fits(page);
  await shot(page, `${name}-${step}`);
  await accessible(page, `${name}-${step}`, except);
}

/** The button of the thing with that name. */
async function buy(page, thing) {
  await page.goto(given.shop);
  await go(page, `button[aria-label$=": ${thing}"]`);
}

async function pay(page, { debit } = {}) {
  if (debit) {
    await click(page, "#method-sepa_debit");
    await fill(page, "iban", debit);
  } else if (await page.$("#method-card")) await click(page, "#method-card");
  await fill(page, "email", BUYER);
  if (!debit) {
    await fill(page, "card_number", "4242424242424242");
    await fill(page, "exp", "1234");
    await fill(page, "cvc", "123");
  }
  await fill(page, "name", EVIL);
  await go(page, "#pay");
  const notice = await page.$eval(".notice", (one) => one.textContent).catch(() => "");
  check(page.url().startsWith(`${given.shop}/success`), `landed at ${page.url()} ${notice}`);
}

/** A mail of that subject, once it is there. */
async function mail(page, subject) {
  for (let tries = 0; tries < 100; tries++) {
    await page.goto(`${given.shop}/mailbox`);
    const found = await page.$$eval(".mails a", (all) => all.map((one) => [one.textContent, one.href]));
    const one = found.find(([said]) => said.includes(subject));
    if (one) return one[1];
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`no mail says "${subject}"`);
}

function open() {
  const viewport = how.phone ? SMALL : DESKTOP;
  return (browser) => tab(browser, { viewport, language: how.language, script: !how.plain, dark: how.dark });
}

/** From the shop to the order, its mail, and the order found again. */
async function purchase(browser) {
  const page = await open()(browser);
  await page.goto(given.shop);
  await looked(page, "1-shop");
  await buy(page, "Video course");
  await pay(page);
  await says(page, "h1", WORDS.ready);
  check((await page.$eval("html", (one) => one.lang)) === how.language, "the page speaks another language");
  check((await page.$eval("html", (one) => one.dataset.status)) === "fulfilled", "it is fulfilled");
  check((await text(page, ".total .amount")) === WORDS.money, `the sum is ${await text(page, ".total .amount")}`);
  check((await page.$eval("a.open", (one) => one.href)) === "https://example.com/course", "the course can be opened");
  const print = await page.$eval("[data-print]", (one) => one.checkVisibility());
  check(print === !how.plain, "printing is offered where script runs");
  await looked(page, "2-landing");
  await page.emulateMediaType("print");
  await shot(page, `${name}-3-print`);
  await page.emulateMediaType(null);

  await buy(page, "Editor license");
  await pay(page);
  await says(page, ".keys code", "EDITOR-0000");
  await looked(page, "4-key");
  const key = await text(page, ".keys code");

  const access = await mail(page, WORDS.access);
  await looked(page, "5-mailbox");
  await page.goto(access);
  await shot(page, `${name}-6-mail`);
  check((await page.title()) !== "evil", "a name stays a name");

  await page.goto(`${given.shop}/my-orders`);
  await looked(page, "7-ask");
  await fill(page, "email", BUYER);
  await go(page, "main button");
  await says(page, "h1", WORDS.asked);
  await looked(page, "8-asked");
  await page.goto(await mail(page, WORDS.link));
  await shot(page, `${name}-9-link`);
  const link = await page.$$eval("a", (all) => all.map((one) => one.href).find((href) => href.includes("/my-orders/")));
  await page.goto(link);
  check((await text(page, "h1")) === WORDS.orders, `it says ${await text(page, "h1")}`);
  check((await page.$$(".one")).length === 2, "both orders are there");
  check((await text(page, ".one:nth-of-type(1) .keys code")) === key, "the newest first, with its key");
  await looked(page, "10-orders");
  await go(page, ".one form button");
  await says(page, "h1", WORDS.again);
  await looked(page, "11-again");
  await go(page, "main a.open");
  check((await text(page, "h1")) === WORDS.orders, "and back to the orders");
  stayedHome(page);
}

/** Does it again where the page came anew in the middle of it, as one without script does. */
async function calmly(work) {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 20 || !/context was destroyed|detached|Cannot find context/.test(error.message)) throw error;
    }
  }
}

/** Money that takes its time: the page says so, and shows the end by itself. */
async function debit(browser) {
  const page = await open()(browser);
  await buy(page, how.fails ? "A debit that fails" : "By bank debit");
  await pay(page, { debit: how.fails ? "IT60X0542811101000000123456" : "AT611904300234573201" });
  await calmly(() => says(page, "h1", WORDS.waits));
  const said = await calmly(() => text(page, "header"));
  check(said.includes("a…@e….com"), `to whom we write is not said: ${said}`);
  // Where no script runs, a page that waits for money comes again by itself: nothing is typed in it.
  await calmly(() => looked(page, "1-waits", how.plain ? ["meta-refresh"] : []));
  await calmly(() => says(page, "h1", how.fails ? WORDS.failed : WORDS.ready, 1200));
  await looked(page, "2-over");
  check((await page.$eval("html", (one) => one.dataset.status)) === (how.fails ? "payment_failed" : "fulfilled"), "the end");
  await mail(page, how.fails ? WORDS.unpaid : WORDS.access);
  stayedHome(page);
}

const stories = { purchase, debit };
await inBrowser(stories[story]);
