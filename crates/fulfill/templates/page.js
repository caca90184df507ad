"use strict";
(() => {
  const root = document.documentElement;
  let news;
  let wanted = false;
  let fetching = false;

  /** What only makes sense with script. */
  const dress = () => {
    for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;
  };

  /** Puts what the server shows now in the place of what is shown. */
  const show = async () => {
    wanted = true;
    if (fetching) return;
    fetching = true;
    try {
      while (wanted) {
        wanted = false;
        const answer = await fetch(location.href, { cache: "no-store" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const main = page.querySelector("main");
        if (!main || !page.documentElement.dataset.status) return;
        document.querySelector("main").replaceWith(document.importNode(main, true));
        document.title = page.title;
        root.dataset.status = page.documentElement.dataset.status;
        if (!page.documentElement.dataset.live && news) news.close();
        dress();
      }
    } catch {
      // The next news tries again.
    } finally {
      fetching = false;
    }
  };

  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const said = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = said), 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy], button[data-print]");
    if (!button) return;
    if (button.hasAttribute("data-print")) print();
    else copy(button).catch(() => {});
  });

  dress();
  if (!root.dataset.live) return;
  news = new EventSource(root.dataset.live);
  news.addEventListener("changed", show);
  // Where the server refuses for good, the page comes again like one without script.
  news.addEventListener("error", () => {
    if (news.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 15000);
  });
})();
