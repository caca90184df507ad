// Everything works without this. With it, totals follow at once, numbers are spaced as on a card,
// and nobody pays twice by clicking twice.
"use strict";
document.documentElement.classList.add("js");

const form = document.getElementById("checkout");
let running = null;
let timer = 0;
let pressed = false;
let waiting = null;

/** Asks the server for the page as it would be now, and takes over the parts that may have changed. */
async function refresh(submitter) {
  running?.abort();
  const request = (running = new AbortController());
  const sent = new FormData(form);
  if (submitter) sent.append(submitter.name, submitter.value);
  else sent.append("action", "update");
  const filling = submitter?.name === "fill";
  const before = values();
  let page;
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      body: new URLSearchParams(sent),
      signal: request.signal,
    });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return;
  }
  if (request.signal.aborted || form.dataset.busy) return;
  if (!page.getElementById("checkout")) return location.reload();
  waiting = () => takeOver(page, before, filling);
  settle();
}

/** Nothing moves under a finger or a mouse button. */
function settle() {
  if (pressed || !waiting) return;
  const take = waiting;
  waiting = null;
  take();
}

function values() {
  return new Map([...form.elements].filter((one) => one.id).map((one) => [one.id, one[holds(one)]]));
}

/** The property that a person changes. */
function holds(field) {
  return ["checkbox", "radio"].includes(field.type) ? "checked" : "value";
}

function takeOver(page, before, filling) {
  const active = document.activeElement;
  const [focused, caret] = [active?.id, place(active)];
  const typed = values();
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) continue;
    const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
    for (const id of open) fresh.querySelector("#" + id)?.setAttribute("open", "");
    // What was typed while the answer was on its way stays; so does what the server never repeats.
    for (const field of fresh.querySelectorAll("input[id], select[id]")) {
      const now = typed.get(field.id);
      const meanwhile = now !== undefined && now !== before.get(field.id);
      if (meanwhile || (field.id === "cvc" && !filling && now)) field[holds(field)] = now;
    }
    part.replaceWith(document.adoptNode(fresh));
  }
  const field = focused && document.getElementById(focused);
  if (!field || field === document.activeElement) return;
  field.focus({ preventScroll: true });
  if (caret) field.setSelectionRange(...caret);
}

/** Where the caret is, in fields that tell. */
function place(field) {
  return field?.tagName === "INPUT" && field.selectionStart !== null ? [field.selectionStart, field.selectionEnd] : null;
}

function spaced(field) {
  const atEnd = field.selectionStart === field.value.length;
  if (!atEnd) return;
  const digits = field.value.replace(/\D/g, "");
  if (field.id === "card_number") {
    const groups = /^3[47]/.test(digits) ? /^(\d{0,4})(\d{0,6})(\d{0,5})/ : /^(\d{0,4})(\d{0,4})(\d{0,4})(\d{0,4})(\d{0,3})/;
    field.value = groups.exec(digits).slice(1).filter(Boolean).join(" ");
  } else if (field.id === "exp") {
    const month = /^[2-9]/.test(digits) ? "0" + digits : digits;
    field.value = month.length > 2 ? month.slice(0, 2) + " / " + month.slice(2, 6) : month;
  }
}

function listen() {
  addEventListener("pointerdown", () => (pressed = true), true);
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, () => setTimeout(() => { pressed = false; settle(); }), true);
  }
  form.addEventListener("input", (event) => {
    if (["card_number", "exp"].includes(event.target.id)) spaced(event.target);
    if (event.target.matches("[data-updates=typing]")) {
      clearTimeout(timer);
      timer = setTimeout(refresh, 250);
    }
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-updates]")) {
      clearTimeout(timer);
      refresh();
    }
  });
  form.addEventListener("keydown", (event) => {
    const button = event.key === "Enter" && event.target.dataset.enter;
    if (button) {
      event.preventDefault();
      refresh(document.getElementById(button));
    }
  });
  form.addEventListener("submit", (event) => {
    const pays = !event.submitter || event.submitter.value === "pay";
    if (form.dataset.busy) return event.preventDefault();
    if (!pays) {
      event.preventDefault();
      return refresh(event.submitter);
    }
    running?.abort();
    clearTimeout(timer);
    form.dataset.busy = "";
    const button = document.getElementById("pay");
    button.dataset.label = button.textContent;
    button.textContent = button.dataset.wait;
    button.setAttribute("aria-disabled", "true");
  });
}

if (form) listen();
// Back from somewhere else: the page can be used again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
document.getElementById("notice")?.querySelector("[tabindex]")?.focus();
