// A merchant's stories; cargo's test names one. The browser's moves are those of the sandbox's stories.
import { PHONE as WIDER, DESKTOP, accessible, check, click, fill, fits, go, inBrowser, says, shot, stayedHome, tab, text } from "../../../sandbox/tests/browser/browser.mjs";

const [story, given] = [process.argv[2], JSON.parse(process.argv[3])];
const PHONE = { ...WIDER, width: 375, height: 812 };
const at = (path) => `${given.origin}/dashboard${path}`;

/** Signs in by typing, from wherever the page is that asks for it. */
async function signIn(page, path, name) {
  await page.goto(at(path));
  await page.focus("#name");
  await page.keyboard.type(name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(given.password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  check(page.url() === at(path), `signing in leads to ${page.url()}`);
}

/** A signed-in tab. */
async function merchant(browser, options = {}, path = "", name = given.name) {
  const page = await tab(browser, options);
  await signIn(page, path, name);
  return page;
}

const press = (page, key) => Promise.all([page.waitForNavigation(), page.keyboard.press(key)]);
const names = (page) => page.$$eval("[data-item] [data-open]", (all) => all.map((one) => one.textContent.trim()));

const here = (page) => page.$eval(".here", (one) => one.textContent).catch(() => "");

/** Goes down the list with j, then up with k, until the entry is there. */
async function until(page, name) {
  // Whoever goes on in the list has seen what the last act did: a key counts at once.
  for (const key of ["j", "k"]) await page.keyboard.press(key);
  for (let tries = 0; tries < 80; tries++) {
    if ((await here(page)).includes(name)) return;
    await page.keyboard.press(tries < 40 ? "j" : "k");
  }
  throw new Error(`${name} is not on the list: ${await names(page)}`);
}

async function day(browser) {
  const page = await merchant(browser);
  await says(page, ".tiles", "need attention");
  await says(page, "#live", "Live");
  await shot(page, "merchant-morning");
  await go(page, "nav a[href$='/todo']");
  await shot(page, "merchant-todo-full");
  await accessible(page, "the full list");
  const before = await names(page);
  for (const name of ["Grace Hopper", "Emmy Noether", "Katherine Johnson", "Annie Easley", "Mary Kenneth Keller", "Radia Perlman", "Hedy Lamarr"]) {
    check(before.includes(name), `${name} is not among ${before}`);
  }
  check((await text(page, "#todo")).includes("Sea blue"), "what the buyer filled in is not at hand");
  // What is made by hand is done, what nobody knows is waived, the stuck call is tried again.
  await until(page, "Grace Hopper");
  await press(page, "d");
  await says(page, ".said", "Settled");
  await until(page, "Emmy Noether");
  // Looked at, and back again: the list is where one left it.
  await press(page, "Enter");
  await says(page, "#order", "The catalog does not know");
  await page.goBack();
  check((await here(page)).includes("Emmy Noether"), "back in the browser loses the place on the list");
  const order = await names(page);
  await page.keyboard.press("w");
  check((await here(page)).includes("Emmy Noether"), "one w waives at once");
  await press(page, "w");
  const next = order[order.indexOf("Emmy Noether") + 1];
  check((await here(page)).includes(next), `${next} is not chosen after the one before it was settled`);
  await until(page, "Mary Kenneth Keller");
  await press(page, "r");
  await says(page, ".said", "Tried again");
  // Goods come in: by the form of the shelf, and by a list of keys.
  await go(page, "[data-item] a[href$='/stock?pool=editor#keys']");
  const form = await page.evaluate(() => [document.activeElement.id, document.getElementById("pool").value].join(" "));
  check(form === "keys editor", `“Provide editor” leads to ${form}`);
  await page.goBack();
  await go(page, "[data-item] a[href$='/stock?sku=SHIRT-M#units']");
  await shot(page, "merchant-stock");
  const field = await page.evaluate(() => document.activeElement.ariaLabel);
  check(field === "Units of SHIRT-M", `“Provide SHIRT-M” leads to ${field}`);
  await page.keyboard.type("5");
  await page.keyboard.press("Tab");
  await page.keyboard.type("new delivery");
  await press(page, "Enter");
  await says(page, ".said", "The shelf is corrected");
  await says(page, "#movements", "new delivery");
  await fill(page, "pool", "editor");
  await fill(page, "keys", "");
  for (let n = 0; n < 14; n++) {
    await page.keyboard.type(`EDIT-${n}`);
    await page.keyboard.press("Enter");
  }
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await press(page, "Enter");
  await says(page, ".said", "14 added, 0 were there already");
  await accessible(page, "keys were imported");
  // Parcels are packed; the event that nobody can read is put aside.
  await go(page, "nav a[href$='/todo']");
  for (let tries = 0; (await names(page)).includes("Annie Easley"); tries++) {
    check(tries < 40, "the keys that came in are not handed out");
    await page.reload();
  }
  for (const name of ["Radia Perlman", "Hedy Lamarr", "Katherine Johnson"]) {
    await until(page, name);
    await page.keyboard.press("s");
    await page.keyboard.type("Post");
    await page.keyboard.press("Tab");
    await page.keyboard.type("00340434161094");
    if (name === "Radia Perlman") await shot(page, "merchant-parcel");
    await press(page, "Enter");
    await says(page, ".said", "Shipped");
  }
  await until(page, "unreadable_");
  await press(page, "d");
  await until(page, "2023-12-31");
  await press(page, "d");
  await says(page, ".said", "Put aside");
  await says(page, "#todo", "Nothing waits for you");
  await shot(page, "merchant-todo-empty");
  await accessible(page, "the empty list");
  check((await text(page, "#waiting")) === "", "no number stands beside the word");
  // Found again by what is in hand, read, noted.
  for (const [q, found] of [["00340434161094", 3], ["radia", 1], ["EDIT-0", 1], ["19.00", 5], ["nobody at all", 0]]) {
    await page.goto(at("/orders"));
    await page.keyboard.press("/");
    await page.keyboard.type(q);
    await press(page, "Enter");
    const rows = await page.$$("[data-row]");
    check(rows.length === found, `${q} finds ${rows.length} orders, not ${found}`);
  }
  await page.goto(at("/orders?q=a"));
  for (let n = 0; n < 3; n++) await page.keyboard.press("j");
  const opened = await page.evaluate(() => document.activeElement.getAttribute("href"));
  await press(page, "Enter");
  await page.goBack();
  const again = await page.evaluate(() => document.activeElement.getAttribute("href"));
  check(opened && again === opened, `back in the browser leads to ${again}, not to ${opened}`);
  await page.goto(at("/orders?q=radia"));
  await page.keyboard.press("j");
  await press(page, "Enter");
  await fill(page, "text", "Packed with care.");
  await page.keyboard.press("Tab");
  await press(page, "Enter");
  await says(page, ".history", "Packed with care.");
  await says(page, ".history", "Ann");
  await shot(page, "merchant-order-done");
  stayedHome(page);
}

/** Holds a key, as a keyboard reports it: down, and down again and again. */
async function hold(page, key, leadsOn = false) {
  const down = () => page.keyboard.down(key);
  await (leadsOn ? Promise.all([page.waitForNavigation(), down()]) : down());
  for (let times = 0; times < 20; times++) await down();
  await page.keyboard.up(key);
}

async function held(browser) {
  const page = await merchant(browser, {}, "/todo");
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  const acts = (number, what) => check(sent.length === number, `${what}: ${sent.length} acts, not ${number}: ${sent.join(" ")}`);
  // What is held acts once, here and on the page that follows.
  await until(page, "Grace Hopper");
  await hold(page, "d", true);
  await says(page, ".said", "Settled");
  acts(1, "d is held");
  // The question whether it is meant is not answered by the same press.
  await until(page, "Emmy Noether");
  await hold(page, "w");
  check(await page.evaluate(() => document.activeElement.matches("button.bad")), "w asks on another button than the one to waive");
  await hold(page, "Enter", true);
  await says(page, ".said", "Settled");
  acts(2, "w is held, and then Enter");
  // A field to which a key leads stays empty.
  await until(page, "Radia Perlman");
  await hold(page, "s");
  check((await page.evaluate(() => document.activeElement.value)) === "", "the key that leads to a field is typed into it");
  await page.keyboard.press("Escape");
  // Letters are for the entry: not for who is at a link elsewhere.
  await until(page, "Katherine Johnson");
  await page.focus("nav a[href$='/stock']");
  for (const key of ["d", "w", "w"]) await page.keyboard.press(key);
  acts(2, "keys on a link of the navigation");
  // Sent twice in a row is sent once: nobody is told that there is nothing to do any more.
  await Promise.all([
    page.waitForNavigation(),
    page.$eval("form[action$='/cs_test_shirt/done'] button", (button) => [1, 2].forEach(() => button.click())),
  ]);
  await says(page, ".said", "Settled");
  acts(3, "a button is pressed twice");
  // The second of two quick presses finds the next entry at hand, and was not meant for it.
  await page.evaluateOnNewDocument(() => (performance.now = () => 50));
  await page.reload();
  await until(page, "Annie Easley");
  const line = (await page.$$eval("[data-item].here button[data-key=d]", (all) => all.length)) - 1;
  check(line === 1, `the story needs a second line, there are ${line} more`);
  await press(page, "d");
  await page.keyboard.press("d");
  await page.reload();
  acts(4, "d is pressed twice");
  stayedHome(page);
}

async function together(browser) {
  const [ann, berta] = [await merchant(browser, {}, "/todo"), await merchant(browser, {}, "/todo", "Berta")];
  const ship = "form[action$='/cs_test_poster/ship']";
  const type = async (page, carrier, tracking) => {
    await page.focus(`${ship} [name=carrier]`);
    await page.keyboard.type(carrier);
    await page.keyboard.press("Tab");
    await page.keyboard.type(tracking);
  };
  await says(ann, "#live", "Live");
  await type(ann, "UPS", "222");
  // While Ann types, Berta works: the rest of Ann's list follows, and what she types in stays.
  await go(berta, "form[action$='/cs_test_handmade/done'] button");
  await ann.waitForFunction(() => !document.getElementById("todo").textContent.includes("Grace Hopper"));
  check((await names(ann)).includes("Radia Perlman"), "the entry in use is gone");
  await type(berta, "DHL", "111");
  await press(berta, "Enter");
  await says(berta, ".said", "Shipped");
  await says(ann, "[data-item] .gone", "somebody was faster");
  const typed = await ann.evaluate(() => [document.activeElement.name, document.activeElement.value].join(" "));
  check(typed === "tracking 222", `what is typed is lost, with the focus at ${typed}`);
  check((await names(ann)).includes("Hedy Lamarr"), "the entries beside the one in use are gone");
  await accessible(ann, "an entry that somebody else was faster with");
  await shot(ann, "merchant-todo-gone");
  await press(ann, "Enter");
  await says(ann, ".wrong", "Berta shipped it already, with DHL 111; nothing was changed.");
  await says(ann, ".history", "shipped by Berta");
  // The page that says so is as live as any other, though it answers a form; what was typed stays in its own.
  const reload = await ann.$eval("#reload", (link) => link.href);
  check(reload === at("/orders/cs_test_poster"), `reload leads to ${reload}`);
  check((await ann.$eval("#correct-tracking", (field) => field.value)) === "222", "what was typed is gone");
  await berta.goto(at("/orders/cs_test_poster"));
  await fill(berta, "text", "It rains.");
  await berta.keyboard.press("Tab");
  await press(berta, "Enter");
  await says(ann, "#live", "Not up to date");
  await says(ann, "#waiting", "9");
  check((await ann.$eval("#correct-tracking", (field) => field.value)) === "222", "news take away what was typed");
  await says(ann, ".wrong", "Berta shipped it already");
  // One where nothing was typed goes on.
  await ann.goto(at("/orders/cs_test_unknown"));
  await berta.goto(at("/orders/cs_test_unknown"));
  const waive = async (page) => {
    await page.click(".sure summary");
    await go(page, "form[action$='/waive'] button");
  };
  await ann.click(".sure summary");
  await waive(berta);
  await go(ann, "form[action$='/waive'] button");
  await says(ann, ".wrong", "Nothing is held there any more");
  await fill(berta, "text", "It was nothing.");
  await berta.keyboard.press("Tab");
  await press(berta, "Enter");
  await says(ann, ".history", "It was nothing.");
  await says(ann, ".wrong", "Nothing is held there any more");
  // Where a page has no entries, it says that it waits for what is typed.
  await ann.goto(at("/orders/cs_test_seat"));
  await fill(ann, "text", "I wonder");
  await berta.goto(at("/orders/cs_test_seat"));
  await fill(berta, "text", "The room is booked.");
  await berta.keyboard.press("Tab");
  await press(berta, "Enter");
  await says(ann, "#live", "Not up to date while you type");
  await fill(ann, "text", "");
  await ann.keyboard.press("Backspace");
  await ann.focus("#content");
  await says(ann, ".history", "The room is booked.");
  await says(ann, "#live", "Live");
  stayedHome(ann);
  stayedHome(berta);
}

async function plain(browser) {
  const page = await merchant(browser, { script: false, viewport: PHONE }, "/todo");
  await fits(page);
  await go(page, "form[action$='/cs_test_handmade/done'] button");
  await says(page, ".said", "Settled");
  await go(page, "nav a[href$='/orders']");
  await fill(page, "q", "perlman");
  await go(page, ".search button");
  await go(page, "[data-row]");
  await fill(page, "ship-tracking", "RR123");
  await go(page, "form[action$='/ship'] button");
  await says(page, "#order", "RR123");
  await go(page, "nav a[href$='/people']");
  await fill(page, "token-name", "warehouse");
  await go(page, "form[action$='/tokens'] button");
  await says(page, ".once", "ff_test_");
  await accessible(page, "a token is shown once");
  await go(page, "form[action$='/sign-out'] button");
  check(page.url() === at("/sign-in"), `signed out leads to ${page.url()}`);
  stayedHome(page);
}

async function live(browser) {
  const page = await merchant(browser, {}, "/todo");
  await says(page, "#todo", "Nothing waits for you");
  await says(page, "#live", "Live");
  const told = await fetch(`${given.origin}/webhook`, { method: "POST", body: given.body, headers: { "stripe-signature": given.signature } });
  check(told.status === 200, `the webhook answers ${told.status}`);
  await says(page, "#todo", "Grace Hopper");
  await says(page, "#waiting", "1");
  stayedHome(page);
}

const PAGES = {
  home: "", todo: "/todo", orders: "/orders", "orders-found": "/orders?q=hopper&status=needs_attention",
  "order-held": "/orders/cs_test_shirt", "order-parcel": "/orders/cs_test_posters", "order-stuck": "/orders/cs_test_seat",
  "order-debit": "/orders/cs_test_debit", "order-done": "/orders/cs_test_day3n0", "order-evil": "/orders/cs_test_evil", "order-away": "/orders/cs_test_away",
  stock: "/stock?sku=POSTER", reports: "/reports", people: "/people", "setting-up": "/setting-up", nothing: "/nothing",
};

/** No table is scrolled sideways. */
async function tablesFit(page, where) {
  const wide = await page.$$eval(".scrolls", (all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.getAttribute("aria-labelledby")} by ${one.scrollWidth - one.clientWidth}`));
  check(wide.length === 0, `${where} is scrolled sideways: ${wide}`);
}

async function walk(browser, pages, prefix) {
  for (const dark of [false, true]) {
    for (const viewport of [DESKTOP, PHONE]) {
      const how = `${viewport === PHONE ? "phone" : "desk"}-${dark ? "dark" : "light"}`;
      const page = await merchant(browser, { dark, viewport });
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(at(path));
        for (const width of viewport === PHONE ? [320, viewport.width] : [viewport.width]) {
          await page.setViewport({ ...viewport, width });
          await fits(page);
          await tablesFit(page, `${name} at ${width}, ${how}`);
        }
        await shot(page, `${prefix}-${name}-${how}`);
        await accessible(page, `${name} on ${how}`);
      }
      stayedHome(page);
      await page.browserContext().close();
    }
  }
}

async function empty(browser) {
  const page = await tab(browser, { viewport: PHONE });
  for (const name of ["/sign-in", "/setup?token=none"]) {
    await page.goto(at(name));
    await fits(page);
    await accessible(page, name);
  }
  await page.goto(at("/sign-in"));
  await shot(page, "merchant-sign-in-phone");
  await walk(browser, { home: "", todo: "/todo", orders: "/orders", stock: "/stock" }, "merchant-empty");
}

const STORIES = { day, held, together, plain, live, empty, everyPage: (browser) => walk(browser, PAGES, "merchant") };
await inBrowser((browser) => STORIES[story](browser));
