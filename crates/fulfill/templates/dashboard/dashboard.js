// Makes the pages livelier: times by this clock, news without a reload, and the keyboard. Every page is
// whole without it.
(() => {
  const base = document.body.dataset.base;

  // The server writes times by this clock once it knows how far it is ahead of UTC.
  const offset = String(-new Date().getTimezoneOffset());
  if (!document.cookie.split("; ").includes(`fulfilld_offset=${offset}`)) {
    document.cookie = `fulfilld_offset=${offset}; path=${base}; max-age=31536000; samesite=lax`;
  }

  // On a phone the navigation is wider than the window: where one is, is in it.
  document.querySelector("nav [aria-current=page]")?.scrollIntoView({ inline: "center", block: "nearest" });

  // News: the page fetches itself again and puts the new parts in the place of the old ones.
  const status = document.getElementById("live");
  const reload = document.getElementById("reload");
  let connected = false;
  let busy = false;
  let again = false;

  // An entry of a list, known again by where it leads and what can be done with it.
  const ENTRY = "[data-item], [data-row]";
  const entries = () => [...document.querySelectorAll(ENTRY)];

  function name(entry) {
    const link = entry.matches("[data-row]") ? entry : entry.querySelector("[data-open]");
    return `${link?.getAttribute("href")} ${entry.querySelector("form")?.getAttribute("action")}`;
  }

  function inUse(part) {
    const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    const typed = [...part.querySelectorAll("input, textarea")].some((one) => one.type !== "hidden" && one.value !== one.defaultValue);
    const ticked = [...part.querySelectorAll("input[type=checkbox]")].some((one) => one.checked !== one.defaultChecked);
    // What was typed into a form that was refused stands there from the start.
    return typing || typed || ticked || part.matches("[data-kept]");
  }

  // The fresh children of a part take the place of the old ones, around what stays as it is: pairs of an
  // entry in the old part and of the same one in the fresh part.
  function around(old, fresh, stays) {
    const left = [...fresh.children];
    const same = new Map();
    for (const child of [...old.children]) {
      const twin = left.find((one) => stays.some(([kept, now]) => child.contains(kept) && one.contains(now)));
      if (twin) same.set(twin, child);
      else child.remove();
    }
    let before = null;
    for (const one of left) {
      const child = same.get(one) ?? one;
      if (child === one) old.insertBefore(one, before ? before.nextSibling : old.firstChild);
      else if (!stays.some(([kept]) => kept === child)) around(child, one, stays);
      before = child;
    }
  }

  // An entry that is not on the list any more stays there while it is in use, and says so.
  function keepGone(entry, fresh) {
    const title = entry.parentElement.previousElementSibling;
    const group = [...fresh.querySelectorAll(".group")].find((one) => one.textContent === title?.textContent);
    const place = document.createElement("li");
    if (group) group.nextElementSibling.prepend(place);
    else {
      const list = entry.parentElement.cloneNode(false);
      list.append(place);
      fresh.append(...(title ? [title.cloneNode(true)] : []), list);
    }
    if (!entry.querySelector(".gone")) {
      const note = document.createElement("p");
      note.className = "wrong gone";
      note.role = "status";
      note.textContent = "This does not wait here any more: somebody was faster, or it went on by itself.";
      entry.prepend(note);
    }
    return place;
  }

  // Of a list that is in use, all but the entries that are. Whether the part is up to date then.
  function replaceOthers(old, fresh) {
    const used = entries().filter((one) => old.contains(one) && inUse(one));
    if (used.length === 0 || used.some((one) => !one.parentElement.matches("ul"))) return false;
    const now = [...fresh.querySelectorAll(ENTRY)];
    const stays = used.map((entry) => {
      const twin = now.find((one) => name(one) === name(entry));
      if (twin) entry.querySelector(".gone")?.remove();
      return [entry, twin ?? keepGone(entry, fresh)];
    });
    around(old, fresh, stays);
    mark();
    return true;
  }

  function replace(old, fresh) {
    if (old.innerHTML === fresh.innerHTML) return true;
    if (inUse(old)) return replaceOthers(old, fresh);
    const details = [...old.querySelectorAll("details")].map((one) => one.open);
    const inside = "a, button, summary, [tabindex]";
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const entry = focused?.closest(ENTRY);
    const within = entry ?? old;
    const place = focused && focused !== entry ? [...within.querySelectorAll(inside)].indexOf(focused) : -1;
    old.innerHTML = fresh.innerHTML;
    const now = [...old.querySelectorAll("details")];
    if (now.length === details.length) now.forEach((one, at) => (one.open = details[at]));
    // What had the focus has it again, if it is still there; what took its place has not.
    const again = entry ? entries().find((one) => name(one) === name(entry)) : focused ? old : null;
    const one = place < 0 ? again : again?.querySelectorAll(inside)[place];
    if (one && (one === again || one.textContent === focused.textContent)) one.focus({ preventScroll: true });
    mark();
    return true;
  }

  async function renew() {
    if (busy || document.hidden) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(reload.href, { cache: "no-store", redirect: "error" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        let whole = true;
        for (const old of document.querySelectorAll("[data-live]")) {
          const now = fresh.getElementById(old.id);
          if (now) whole = replace(old, now) && whole;
        }
        if (connected) tell(whole ? "Live" : "Not up to date while you type", whole);
      }
    } catch {
      // The server is away; the connection below tells when it is back.
    }
    busy = false;
    if (again && !document.hidden) {
      again = false;
      renew();
    }
  }

  function tell(words, live) {
    if (status.textContent !== words) status.textContent = words;
    status.className = live ? "on" : "";
    reload.hidden = live;
  }

  if (status && reload && document.querySelector("[data-live]")) {
    const news = new EventSource(`${base}/live`);
    let opened = false;
    news.onopen = () => {
      connected = true;
      tell("Live", true);
      if (opened) renew();
      opened = true;
    };
    news.onmessage = renew;
    news.onerror = () => {
      connected = false;
      tell("Not live", false);
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && again) renew();
    });
  }

  // The keyboard: j and k (or arrows) go through a list, letters press the buttons of the entry.
  let at = -1;
  let chosen = null;

  function mark() {
    for (const one of document.querySelectorAll(".here")) one.classList.remove("here");
    if (chosen === null) return;
    const now = entries().findIndex((one) => name(one) === chosen);
    if (now < 0) {
      // It is gone: nothing is chosen, and the next key goes on from there.
      chosen = null;
      at -= 1;
      return;
    }
    at = now;
    const one = entries()[at];
    if (one.matches("[data-item]")) one.classList.add("here");
  }

  function go(by) {
    const all = entries();
    if (all.length === 0) return;
    const focused = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
    at = Math.min(Math.max((focused >= 0 ? focused : at) + by, 0), all.length - 1);
    chosen = name(all[at]);
    all[at].focus();
    all[at].scrollIntoView({ block: "nearest" });
    mark();
  }

  // One press of a key is one act. A key that is held goes on through a list, and does nothing else; it
  // goes on being held on the page that follows an act. And who presses the key of an act twice means one.
  const ACTED = "fulfilld_acted";
  const TWICE_MS = 300;
  let acted = sessionStorage.getItem(ACTED);
  let pressedAt = 0;
  // The key that led somewhere and was not let go yet: it must not write into a field there.
  let held = null;
  sessionStorage.removeItem(ACTED);

  function isSecondPress(key) {
    const now = performance.now();
    const second = key === acted && now - pressedAt < TWICE_MS;
    if (second) pressedAt = now;
    else acted = null;
    return second;
  }

  function press(button, key) {
    sessionStorage.setItem(ACTED, key);
    button.click();
  }

  // Letters mean the entry that has the focus, or the chosen one where nothing else has it: not when a
  // person is at a link or button elsewhere.
  function meant() {
    const focused = document.activeElement;
    if (focused && focused !== document.body && !focused.matches("main")) return focused.closest("[data-item]");
    return document.querySelector("[data-item].here");
  }

  // Whether the key meant something here.
  function letter(key) {
    const here = meant();
    const escaped = CSS.escape(key);
    const field = document.querySelector(`input[data-key="${escaped}"]`);
    const button = here?.querySelector(`button[data-key="${escaped}"]`);
    const first = button?.form?.querySelector("input:not([type=hidden])");
    if (field) field.focus();
    else if (!button) return false;
    else if (isSecondPress(key)) return true;
    // What cannot be taken back asks once more, and what wants words asks for them.
    else if (first && document.activeElement !== button) first.focus();
    else if (button.matches(".bad") && document.activeElement !== button) button.focus();
    else press(button, key);
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.matches("input, select, textarea");
    const down = event.key === "j" || event.key === "ArrowDown";
    const up = event.key === "k" || event.key === "ArrowUp";
    if (event.repeat && (event.key === held || (event.key === "Enter" && !event.target.matches("textarea")))) {
      event.preventDefault();
      return;
    }
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (down) go(1);
    else if (up) go(-1);
    else if (event.repeat) return;
    else if (event.key === "Enter" && document.activeElement?.matches("[data-item]")) document.activeElement.querySelector("[data-open]")?.click();
    else if (letter(event.key)) held = event.key;
    else return;
    if (down || up) acted = null;
    event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === held) held = null;
  });

  // What is on its way is not sent once more: the second answer would say that there is nothing to do.
  const UNDER_WAY_MS = 15_000;
  let sentAt = -Infinity;
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post" || event.defaultPrevented) return;
    if (performance.now() - sentAt < UNDER_WAY_MS) event.preventDefault();
    else sentAt = performance.now();
  });
  window.addEventListener("pageshow", () => (sentAt = -Infinity));

  // After an act on the list, the entry is at hand that followed, or the same one if it has more to do.
  const FOLLOW = "fulfilld_follow";
  document.addEventListener("submit", (event) => {
    const item = event.target.closest("[data-item]");
    if (!item || event.defaultPrevented) return;
    const names = entries().map(name);
    sessionStorage.setItem(FOLLOW, JSON.stringify(names.slice(names.indexOf(name(item)))));
  });
  // Back in the browser leads to the entry from which one went on, or to what has taken its place.
  const PLACE = `fulfilld_place ${location.pathname}${location.search}`;
  window.addEventListener("pagehide", () => {
    const entry = document.activeElement?.closest(ENTRY) ?? document.querySelector(".here");
    if (entry) sessionStorage.setItem(PLACE, JSON.stringify([name(entry), entries().indexOf(entry)]));
    else sessionStorage.removeItem(PLACE);
  });
  const cameBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const place = cameBack && sessionStorage.getItem(PLACE);
  if (place) {
    const [kept, index] = JSON.parse(place);
    const now = entries().findIndex((one) => name(one) === kept);
    at = (now < 0 ? index : now) - 1;
    go(1);
  } else if (location.search.includes("done=") && document.querySelector("[data-item]")) {
    const follow = JSON.parse(sessionStorage.getItem(FOLLOW) ?? "[]");
    const names = entries().map(name);
    const next = follow.find((one) => names.includes(one));
    at = next === undefined ? names.length - 2 : names.indexOf(next) - 1;
    go(1);
  }

  // A file of keys is read here and sent as text.
  const file = document.getElementById("file");
  if (file) {
    document.getElementById("file-row").hidden = false;
    file.addEventListener("change", async () => {
      const keys = document.getElementById("keys");
      if (file.files[0]) keys.value = (keys.value ? `${keys.value.trimEnd()}\n` : "") + (await file.files[0].text());
    });
  }
})();
