"use strict";
// Shows new mails without a reload.
setInterval(async () => {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [shown, now] = [document.querySelector(".mails"), page.querySelector(".mails")];
    if (now && now.innerHTML !== shown.innerHTML) shown.replaceWith(document.importNode(now, true));
  } catch {
    // The demo has stopped, or is about to come back.
  }
}, 1500);
