// Fetches the page again whenever the sandbox says that something has changed, and puts the new
// lists in the place of the old ones. Without this script the link "Reload" does it.
(() => {
  const status = document.getElementById("live");
  const reload = document.getElementById("reload");
  let busy = false;
  let again = false;

  function typesIn(region) {
    return region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  }

  function changed(region) {
    return [...region.querySelectorAll("input")].some((one) => one.type !== "hidden" && one.value !== one.defaultValue);
  }

  function replace(old, fresh) {
    if (old.innerHTML === fresh.innerHTML || typesIn(old) || changed(old)) return;
    const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
    const all = () => [...old.querySelectorAll("a, button, summary, [tabindex]")];
    const focused = all().indexOf(document.activeElement);
    old.innerHTML = fresh.innerHTML;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused >= 0) all()[focused]?.focus({ preventScroll: true });
  }

  async function renew() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(reload.href, { cache: "no-store" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of document.querySelectorAll("[data-live]")) {
          const now = fresh.getElementById(old.id);
          if (now) replace(old, now);
        }
      }
    } catch {
      // The sandbox is away; the connection below tells when it is back.
    }
    busy = false;
    if (again) {
      again = false;
      renew();
    }
  }

  const news = new EventSource("/_sandbox/look/news");
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
})();
