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
  let busy = false;
  let again = false;

  function inUse(part) {
    const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    const typed = [...part.querySelectorAll("input, textarea")].some((one) => one.type !== "hidden" && one.value !== one.defaultValue);
    const ticked = [...part.querySelectorAll("input[type=checkbox]")].some((one) => one.checked !== one.defaultChecked);
    return typing || typed || ticked;
  }

  function replace(old, fresh) {
    if (old.innerHTML === fresh.innerHTML || inUse(old)) return;
    const details = [...old.querySelectorAll("details")].map((one) => one.open);
    const all = () => [...old.querySelectorAll("a, button, summary, [tabindex]")];
    const focused = all().indexOf(document.activeElement);
    old.innerHTML = fresh.innerHTML;
    const now = [...old.querySelectorAll("details")];
    if (now.length === details.length) now.forEach((one, at) => (one.open = details[at]));
    if (focused >= 0) all()[focused]?.focus({ preventScroll: true });
    mark();
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
        for (const old of document.querySelectorAll("[data-live]")) {
          const now = fresh.getElementById(old.id);
          if (now) replace(old, now);
        }
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

  if (status && reload && document.querySelector("[data-live]")) {
    const news = new EventSource(`${base}/live`);
    let opened = false;
    news.onopen = () => {
      status.textContent = "Live";
      status.className = "on";
      reload.hidden = true;
      if (opened) renew();
      opened = true;
    };
    news.onmessage = renew;
    news.onerror = () => {
      status.textContent = "Not live";
      status.className = "";
      reload.hidden = false;
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && again) renew();
    });
  }

  // The keyboard: j and k (or arrows) go through a list, letters press the buttons of the entry.
  const entries = () => [...document.querySelectorAll("[data-item], [data-row]")];
  let at = -1;

  function mark() {
    for (const one of document.querySelectorAll(".here")) one.classList.remove("here");
    const all = entries();
    if (at >= all.length) at = all.length - 1;
    const one = all[at];
    if (one?.matches("[data-item]")) one.classList.add("here");
  }

  function go(by) {
    const all = entries();
    if (all.length === 0) return;
    const focused = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
    at = Math.min(Math.max((focused >= 0 ? focused : at) + by, 0), all.length - 1);
    all[at].focus();
    all[at].scrollIntoView({ block: "nearest" });
    mark();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const here = document.activeElement?.closest("[data-item]") ?? entries()[at];
    if (event.key === "j" || event.key === "ArrowDown") go(1);
    else if (event.key === "k" || event.key === "ArrowUp") go(-1);
    else if (event.key === "Enter" && document.activeElement?.matches("[data-item]")) here.querySelector("[data-open]")?.click();
    else {
      const key = CSS.escape(event.key);
      const field = document.querySelector(`input[data-key="${key}"]`);
      const button = here?.querySelector?.(`button[data-key="${key}"]`);
      if (field) field.focus();
      else if (button) button.click();
      else return;
    }
    event.preventDefault();
  });

  // After an act on the list, the next entry is at hand.
  if (location.search.includes("done=") && document.querySelector("[data-item]")) go(1);

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
