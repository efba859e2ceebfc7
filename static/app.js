/* Behaviours by attribute, each on its own; every page works without them. Listeners are delegated to the document,
   so that what htmx swaps in needs no wiring. `onContent` runs for the page and for every part swapped in. */
"use strict";

const onContent = (paint) => {
  document.addEventListener("DOMContentLoaded", () => paint(document));
  document.addEventListener("htmx:load", (event) => paint(event.detail.elt));
};
const all = (root, selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
const onClick = (selector, act) =>
  document.addEventListener("click", (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });

/* data-needs-js: a control that is of no use without this file is hidden until here */
onContent((root) => all(root, "[data-needs-js]").forEach((element) => { element.hidden = false; }));

/* data-dialog: a link to a page that is also a dialog; loaded into #dialog and opened there (with ctrl or shift it stays a link).
   The link is not the source: it would inherit the hx-sync of a live part, and be dropped while that renews itself. */
let opener = null;
onClick("a[data-dialog]", (link, event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (!link.closest("dialog")) opener = link;
  htmx.ajax("GET", link.href, { target: "#dialog", swap: "innerHTML", source: "#dialog" });
});

/* data-modal: a <dialog> that has come into the page is opened, with the focus on its data-first; closed, it goes, and the focus returns to the link that
   opened it, to its successor of the same id if a live part has been swapped meanwhile, or to the closed menu it is in */
onContent((root) => all(root, "dialog[data-modal]:not([open])").forEach((dialog) => {
  dialog.addEventListener("close", () => {
    dialog.remove();
    const goal = opener?.isConnected ? opener : document.getElementById(opener?.id || "");
    (goal?.closest("details:not([open])")?.firstElementChild ?? goal)?.focus();
  });
  const said = [...dialog.querySelectorAll(":is(.dialog__head, .dialog__body) > :is(p, .note), .dialog__head > div > p")];
  dialog.setAttribute("aria-description", said.map((each) => each.textContent.trim().replace(/\s+/g, " ")).join(" "));
  dialog.showModal();
  dialog.querySelector("[data-first]")?.focus();
}));
/* An answer to a dialog that was closed or left meanwhile would bring it back. */
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "dialog" && !detail.requestConfig.elt.isConnected) detail.shouldSwap = false;
});
/* A refused form of an open dialog leads to its first wrong field, or back to its button, which was disabled meanwhile. */
document.addEventListener("htmx:afterSettle", ({ detail: { xhr, requestConfig } }) => {
  const dialog = xhr?.status === 422 && requestConfig.elt.matches("form") && document.querySelector("dialog[open]");
  if (dialog) (dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[type=submit]"))?.focus();
});
/* dialog-offered: an answer to something else, such as a switch, leads to a dialog */
document.addEventListener("dialog-offered", ({ detail }) => {
  opener = document.activeElement;
  htmx.ajax("GET", detail.url, { target: "#dialog", swap: "innerHTML", source: "#dialog" });
});
document.addEventListener("dialog-close", () => document.querySelector("dialog[data-modal]")?.close());

/* data-close: closes the dialog it is in; on the page of its own it is the link back that it says */
onClick("dialog[data-modal] [data-close]", (element, event) => {
  event.preventDefault();
  element.closest("dialog").close();
});
onClick("dialog[data-modal]", (dialog, event) => { if (event.target === dialog) dialog.close(); });

/* data-menu: a <details> that closes when the reader goes elsewhere, and by Escape, which gives the focus back */
const closeMenus = (except) => document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
  if (!menu.contains(except)) menu.open = false;
});
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/* data-tristate="3": the box of a group; data-tristate-group="3": its members; data-select-all: the box of all of them;
   data-checked-count: how many are chosen. All inside one data-selection. */
const members = (selection, group) =>
  [...selection.querySelectorAll(group ? `[data-tristate-group="${CSS.escape(group)}"]` : "[data-tristate-group]")];
const paintSelection = (selection) => {
  for (const box of selection.querySelectorAll("[data-tristate], [data-select-all]")) {
    const group = members(selection, box.dataset.tristate);
    const chosen = group.filter((member) => member.checked).length;
    box.checked = chosen > 0 && chosen === group.length;
    box.indeterminate = chosen > 0 && chosen < group.length;
  }
  const count = members(selection).filter((member) => member.checked).length;
  selection.querySelectorAll("[data-checked-count]").forEach((element) => { element.textContent = count; });
};
onContent((root) => all(root, "[data-selection]").forEach(paintSelection));
document.addEventListener("change", (event) => {
  const selection = event.target.closest?.("[data-selection]");
  if (!selection) return;
  if (event.target.matches("[data-tristate], [data-select-all]")) {
    members(selection, event.target.dataset.tristate).forEach((member) => { member.checked = event.target.checked; });
  }
  paintSelection(selection);
});

/* data-check-from="3": chooses the active members (data-active) of this group and of every group after it, and nothing before */
onClick("[data-check-from]", (link, event) => {
  event.preventDefault();
  const selection = link.closest("[data-selection]");
  let reached = false;
  for (const member of members(selection)) {
    reached ||= member.dataset.tristateGroup === link.dataset.checkFrom;
    member.checked = reached && "active" in member.dataset;
  }
  selection.dispatchEvent(new Event("change", { bubbles: true }));
});

/* data-submit-on-change: a filter that needs no button */
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-submit-on-change]")) event.target.form.requestSubmit();
});

/* data-toast: goes after ten seconds unless it tells of an error or is being read; data-dismiss sends it away at once */
onContent((root) => all(root, "[data-toast]").forEach((toast) => {
  toast.querySelector("[data-dismiss]").hidden = false;
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
  if (!["error", "warning"].includes(toast.dataset.level)) setTimeout(leave, 10000);
}));
onClick("[data-dismiss]", (button) => button.closest("[data-toast]").remove());

/* What renews itself, see live.js */
const LIVE = '[hx-trigger^="refresh"]';

/* data-failed: stands when a click came to nothing, until one succeeds. A link leads to its page instead, which says why. */
const failed = (event) => {
  const { elt, requestConfig } = event.detail;
  if (elt.matches?.(LIVE)) return;
  const page = elt.id === "dialog" ? requestConfig.path : elt.href;
  if (requestConfig.verb === "get" && page) return location.assign(page);
  document.querySelector("dialog[data-modal]")?.close();
  document.querySelectorAll("[data-failed]").forEach((element) => { element.hidden = false; });
};
document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful || event.detail.elt.matches?.(LIVE)) return;
  document.querySelectorAll("[data-failed]").forEach((element) => { element.hidden = true; });
});

/* data-announce: its text is spoken once whenever it changes; the region itself stays, or nobody would hear it. Nothing outside an open
   dialog is heard, so each has a region of its own (data-announcer). */
let announced = "";
const announce = (text) => {
  const region = document.querySelector("dialog[open] > [data-announcer]") ?? document.getElementById("announcer");
  region.textContent = text;
};
document.addEventListener("htmx:load", (event) => {
  const text = all(event.detail.elt, "[data-announce]")[0]?.dataset.announce;
  if (text && text !== announced && event.detail.elt !== document.body) announce(text);
  announced = text ?? announced;
});

/* data-start: a link to a file that begins by itself once it is swapped in; not when the page is loaded anew */
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt !== document.body) all(event.detail.elt, "a[data-start]").forEach((link) => link.click());
});

/* data-tail: a log that follows its end only while the reader is there; data-to-end="id" leads back there */
const isAtEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
const toEnd = (log) => { log.scrollTop = log.scrollHeight; log.dataset.atEnd = "yes"; };
onContent((root) => all(root, "[data-tail]").forEach(toEnd));
document.addEventListener("scroll", (event) => {
  if (event.target.matches?.("[data-tail]")) event.target.dataset.atEnd = isAtEnd(event.target) ? "yes" : "no";
}, { passive: true, capture: true });
document.addEventListener("htmx:oobAfterSwap", (event) => {
  const log = event.detail.target?.closest?.("[data-tail]");
  if (!log || log.dataset.atEnd === "no") return;
  while (log.children.length > 2000) log.firstElementChild.remove();
  toEnd(log);
});
onClick("[data-to-end]", (button) => toEnd(document.getElementById(button.dataset.toEnd)));

/* data-secret-name="id": a name that begins with # makes the box of that id one whose text is not shown */
document.addEventListener("input", (event) => {
  const value = event.target.matches?.("[data-secret-name]") && document.getElementById(event.target.dataset.secretName);
  if (value?.tagName === "INPUT") value.type = event.target.value.startsWith("#") ? "password" : "text";
});

/* data-guard: a form whose unsaved changes ("changed", also by the server) are asked about before the reader leaves; data-unguarded leaves at once */
let isLeaving = false;
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("[data-guard]");
  if (form) form.dataset.guard = "changed";
});
document.addEventListener("submit", (event) => { if (!event.defaultPrevented) isLeaving = true; });
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Redirect")) isLeaving = true;
});
onClick("[data-unguarded]", () => { isLeaving = true; });
window.addEventListener("pageshow", () => { isLeaving = false; });
window.addEventListener("beforeunload", (event) => {
  if (!isLeaving && document.querySelector("[data-guard=changed]")) event.preventDefault();
});

/* data-combobox: a field whose aria-controls is a list of data-options that the server swaps in; the caret goes along as `at`.
   Arrows choose, Enter takes (data-text, with the caret at data-caret), Escape closes; whatever is typed stays possible. */
const listOf = (input) => document.getElementById(input.getAttribute("aria-controls"));
const expand = (input, isOpen) => {
  listOf(input).hidden = !isOpen;
  input.setAttribute("aria-expanded", String(isOpen));
  if (!isOpen) input.removeAttribute("aria-activedescendant");
};
const point = (input, option) => {
  for (const each of listOf(input).children) each.setAttribute("aria-selected", String(each === option));
  if (option) input.setAttribute("aria-activedescendant", option.id);
  option?.scrollIntoView({ block: "nearest" });
};
const take = (input, option) => {
  input.value = option.dataset.text;
  input.setSelectionRange(option.dataset.caret, option.dataset.caret);
  expand(input, false);
  if (input.value[option.dataset.caret - 1] === ":") htmx.trigger(input, "suggest");
};
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches?.("[data-combobox]")) event.detail.parameters.at = event.detail.elt.selectionStart;
});
onContent((root) => all(root, "[data-options]").forEach((list) => {
  const input = document.querySelector(`[aria-controls="${list.id}"]`);
  if (input) expand(input, list.children.length > 0 && document.activeElement === input);
}));
document.addEventListener("keydown", (event) => {
  const input = event.target.closest?.("[data-combobox]");
  if (!input) return;
  const isOpen = input.getAttribute("aria-expanded") === "true";
  const options = [...listOf(input).children];
  const place = options.findIndex((option) => option.id === input.getAttribute("aria-activedescendant"));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && !isOpen) htmx.trigger(input, "suggest");
  else if (step) point(input, options[(place + step + options.length + (place < 0 && step < 0 ? 1 : 0)) % options.length]);
  else if (event.key === "Enter" && isOpen && place >= 0) take(input, options[place]);
  else if (event.key === "Escape" && isOpen) expand(input, false);
  else return;
  event.preventDefault();
});
document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("[data-combobox]")) expand(event.target, false);
});
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("[data-options] > [role=option]");
  if (!option) return;
  event.preventDefault();
  take(document.querySelector(`[aria-controls="${option.parentElement.id}"]`), option);
});

/* data-offer-time-zone="url" on the body: no time zone of the person is known yet, so the browser's is offered there, once.
   It is asked only for a page that can be loaded again without losing anything: the server answers with a refresh. */
document.addEventListener("DOMContentLoaded", () => {
  const url = document.body.dataset.offerTimeZone;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!url || !zone || document.querySelector("main form[method=post]")) return;
  htmx.ajax("POST", url, { values: { zone }, swap: "none" });
});

/* data-copy="id": puts the text of that field on the clipboard and says so */
onClick("[data-copy]", async (button) => {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard?.writeText(field.value);
  button.querySelector("span").textContent = "Copied";
  announce("Copied");
});

/* data-searched="id": a <select> whose options are those that hold every word typed into that field; how many is spoken after a pause of the keys */
const optionsOf = new WeakMap();
let counting = 0;
onContent((root) => all(root, "[data-searched]").forEach((select) => optionsOf.set(select, [...select.options])));
document.addEventListener("input", (event) => {
  const select = event.target.id && document.querySelector(`[data-searched="${CSS.escape(event.target.id)}"]`);
  if (!select) return;
  const words = event.target.value.toLowerCase().split(/[\s/_]+/).filter(Boolean);
  const chosen = select.value;
  const found = optionsOf.get(select).filter((option) => words.every((word) => option.text.toLowerCase().includes(word)));
  select.replaceChildren(...(found.length ? found : optionsOf.get(select)));
  select.value = found.some((option) => option.value === chosen) ? chosen : select.options[0].value;
  clearTimeout(counting);
  counting = setTimeout(announce, 700, found.length ? `${found.length} found` : "Nothing found");
});

/* data-slash: "/" leads into this field; in data-finder Escape empties it and closes what it has found */
document.addEventListener("keydown", (event) => {
  const finder = event.key === "Escape" && event.target.closest?.("[data-finder]");
  if (finder) {
    finder.reset();
    finder.querySelector(".finder").replaceChildren();
    finder.querySelector("input").focus();
  }
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches?.("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const field = [...document.querySelectorAll("[data-slash]")].find((each) => each.checkVisibility());
  if (!field) return;
  event.preventDefault();
  field.focus();
});
