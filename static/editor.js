/* The editor of tasks: what a mouse, a key and a forgotten tab add to a form that works without this file. No rule of the draft
   is here: a drop presses the button that the server understands. */
"use strict";

const form = () => document.querySelector("[data-editor]");
const body = () => document.getElementById("editor");
const press = (action) => {
  const button = body().querySelector('button[value="keep"]');
  button.value = action;
  button.click();
};

/* One answer at a time: a click on rows that are about to be replaced waits, and goes to their successors */
let pending = false;
let waiting = "";
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt === form()) pending = true; });
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.elt === form()) pending = false; });
document.addEventListener("click", (event) => {
  const control = pending && event.target.closest("#editor :is(button, input)");
  if (!control) return;
  event.preventDefault();
  event.stopPropagation();
  waiting = `#editor [name="${CSS.escape(control.name)}"][value="${CSS.escape(control.value)}"]`;
}, true);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "editor" || !waiting) return;
  const control = document.querySelector(waiting);
  waiting = "";
  control?.click();
});

/* data-drag="move:<task>" or "move-phase:<phase>": a handle; dropped, it asks for the action with the new place behind it */
let dragged = null;
const rowsOf = (phase) => [...phase.querySelectorAll("[data-task]")].filter((row) => row !== dragged?.row);
const isBelow = (event, element) => {
  const box = element.getBoundingClientRect();
  return event.clientY > box.top + box.height / 2;
};
document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.("[data-drag]");
  if (!grip) return;
  const isPhase = grip.dataset.drag.startsWith("move-phase:");
  dragged = { action: grip.dataset.drag, isPhase, row: grip.closest(isPhase ? "[data-phase]" : "[data-task]") };
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.action);
  event.dataTransfer.setDragImage(grip.closest("tr"), 24, 20);
  dragged.row.dataset.dragged = "";
});
const targetOf = (event) => {
  const phase = event.target.closest?.("[data-phase]");
  if (!phase || !dragged) return null;
  if (dragged.isPhase) return { element: phase, phase, below: isBelow(event, phase) };
  const row = event.target.closest("[data-task]");
  if (row) return { element: row, phase, below: isBelow(event, row) };
  return { element: phase.querySelector("[data-row]"), phase, below: true };
};
const unmark = () => document.querySelectorAll("[data-drop]").forEach((element) => { delete element.dataset.drop; });
document.addEventListener("dragover", (event) => {
  const target = targetOf(event);
  unmark();
  if (!target) return;
  event.preventDefault();
  if (target.element !== dragged.row) target.element.dataset.drop = target.below ? "below" : "above";
});
document.addEventListener("drop", (event) => {
  const target = targetOf(event);
  if (!target) return;
  event.preventDefault();
  if (target.element === dragged.row) return;
  if (dragged.isPhase) {
    const others = [...body().querySelectorAll("[data-phase]")].filter((phase) => phase !== dragged.row);
    press(`${dragged.action}:${others.indexOf(target.phase) + (target.below ? 1 : 0)}`);
  } else {
    const place = rowsOf(target.phase).indexOf(target.element);
    press(`${dragged.action}:${target.phase.dataset.phase}:${place + (target.below || place < 0 ? 1 : 0)}`);
  }
});
document.addEventListener("dragend", () => {
  unmark();
  document.querySelectorAll("[data-dragged]").forEach((element) => { delete element.dataset.dragged; });
  dragged = null;
});

/* Alt and an arrow move the row that has the focus */
document.addEventListener("keydown", (event) => {
  const way = { ArrowUp: "[data-up]", ArrowDown: "[data-down]" }[event.altKey && event.key];
  const button = way && event.target.closest?.("[data-row]")?.querySelector(way);
  if (!button) return;
  event.preventDefault();
  button.focus();
  button.click();
});

/* Enter in data-search is not Save; Ctrl+Enter in a text applies it */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[data-editor] dialog [data-search]")) event.preventDefault();
  if (event.key !== "Enter" || !event.target.matches?.("#task-name, #task-parameters")) return;
  if (event.target.id === "task-parameters" && !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  document.getElementById("apply")?.click();
});

/* The focus stays on the control that was used; when its row is gone, it goes to what opens the row in its place, never to another Delete;
   after a dialog it goes back to where that was opened.
   Found by row and place, not by ids: htmx looks for every id of a swap in the whole page, and a long list would have thousands. */
const controlsOf = (row) => [...row.querySelectorAll("button, summary, input:not([type=hidden])")];
const rows = () => [...body().querySelectorAll("[data-row]")];
const whereIs = (element) => {
  const control = element.closest("#editor details[data-menu]")?.querySelector("summary") ?? element;
  const row = control.closest("#editor [data-row]");
  if (!row) return { id: control.id };
  const controls = controlsOf(row);
  const phase = row.closest("[data-phase]").dataset.phase;
  return {
    row: row.dataset.task ? `[data-task="${CSS.escape(row.dataset.task)}"]` : `[data-phase="${CSS.escape(phase)}"] > [data-row]`,
    rest: `[data-phase="${CSS.escape(phase)}"] > [data-row]`,
    place: [...row.parentElement.querySelectorAll("[data-row]")].indexOf(row),
    placeOfAll: rows().indexOf(row),
    fromEnd: controls.length - controls.indexOf(control),
  };
};
const goBackTo = (where) => {
  if (!where) return;
  const row = where.row && body().querySelector(where.row);
  // Rows are morphed: the focus of one that is gone may live on in another.
  const isGone = where.row && !row;
  if (document.activeElement !== document.body && !isGone) return;
  if (!where.row) return document.getElementById(where.id)?.focus();
  const control = isGone ? openerOf(rowAfter(where)) : controlsOf(row).at(-where.fromEnd);
  (control || document.getElementById("save")).focus();
};
const rowAfter = (where) => {
  const rest = [...body().querySelectorAll(where.rest)];
  return rest.length ? rest[Math.min(where.place, rest.length - 1)] : rows()[Math.min(where.placeOfAll, rows().length - 1)];
};
const openerOf = (row) => row && controlsOf(row).find(
  (control) => control.matches('[value^="parameters:"], [value^="choose:"], .phone > summary') && control.checkVisibility());
/* What was chosen in a menu is done, so it closes; refused, it stays open. */
const closeMenu = () => {
  const menu = body().querySelector("details[data-menu][open]");
  if (!menu) return;
  if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  menu.open = false;
};
let used = null;
let opened = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const isOpen = document.querySelector("[data-editor] dialog");
  if (event.detail.target.id === "editor-slot" && !isOpen) opened = whereIs(document.activeElement);
  if (event.detail.target.id === "editor") used = isOpen ? opened : whereIs(document.activeElement);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "editor" || document.querySelector("[data-editor] dialog[open]")) return;
  if (event.detail.xhr.status === 200) closeMenu();
  goBackTo(used);
});
document.addEventListener("close", (event) => {
  if (event.target.matches?.("[data-editor] dialog")) setTimeout(() => goBackTo(opened));
}, true);

/* data-unsaved: the draft differs from what is stored. It is kept in this browser until it is saved or given up, offered when the
   editor is opened again, and leaving asks first. What stands in a dialog is not kept: it may be a secret. */
const keepAs = () => `tutti:${form().dataset.keepAs}`;
const isUnsaved = () => body()?.hasAttribute("data-unsaved");
let leaving = false;
const forget = () => {
  leaving = true;
  localStorage.removeItem(keepAs());
};
const held = () => [...new FormData(form())].filter(
  ([name]) => !["csrfmiddlewaretoken", "parameters", "task-name", "search"].includes(name));
const put = (fields) => {
  const values = new FormData();
  for (const [name, value] of fields) values.append(name, value);
  return htmx.ajax("POST", form().getAttribute("action"), { target: "#editor", swap: "morph", values });
};
const keep = () => {
  if (!isUnsaved()) return;
  // A browser may refuse to keep anything; leaving still asks then.
  try { localStorage.setItem(keepAs(), JSON.stringify({ at: Date.now(), fields: held() })); } catch { return; }
};
const kept = () => {
  try { return JSON.parse(localStorage.getItem(keepAs())); } catch { return null; }
};
const mark = (event) => {
  if (!event.target.matches?.("#editor [name=active], #editor [name=continues], #editor .rename input")) return;
  body().dataset.unsaved = "";
  const words = body().querySelector("[data-unsaved-mark]");
  words.hidden = false;
  words.textContent = "Unsaved changes";
  keep();
};
const offer = (isOffered) => { form().querySelector("[data-kept]").hidden = !isOffered; };
document.addEventListener("input", mark);
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt.id !== "editor") return;
  if (isUnsaved()) { offer(false); keep(); }
  else if (form().querySelector("[data-kept]").hidden) localStorage.removeItem(keepAs());
});
document.addEventListener("DOMContentLoaded", () => {
  const found = form() && body() && kept();
  if (!found || isUnsaved()) return;
  const clock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", timeZone: form().dataset.zone });
  form().querySelector("[data-kept-at]").textContent = clock.format(found.at);
  offer(true);
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-forget]")) forget();
  if (event.target.closest?.("[data-discard]")) { localStorage.removeItem(keepAs()); offer(false); body().querySelector("button:not([hidden])").focus(); }
  if (event.target.closest?.("[data-restore]")) put(kept()?.fields ?? []);
});

/* data-undo, and Ctrl+Z outside of a text: puts back what stood there before the last change of the draft */
const undos = [];
let before = [];
const draftOf = (fields) => fields.find(([name]) => name === "draft")?.[1];
const undo = async () => {
  if (pending || !undos.length) return;
  await put(undos.pop());
  announce("Undone.");
};
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt === form()) before = held(); });
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "editor") return;
  if (event.detail.requestConfig.elt === form() && draftOf(before) !== draftOf(held())) undos.push(before);
  body().querySelector("[data-undo]").disabled = !undos.length;
});
document.addEventListener("click", (event) => { if (event.target.closest?.("[data-undo]")) undo(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || !form()) return;
  if (document.querySelector("dialog[open]") || event.target.matches("textarea, input:not([type=checkbox])")) return;
  event.preventDefault();
  undo();
});
/* Saved, the answer leads where Cancel does; led to the login instead, nothing is given up. */
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const goal = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (!goal || !body()) return;
  leaving = true;
  if (goal === body().querySelector("[data-forget]").getAttribute("href")) forget();
});
window.addEventListener("beforeunload", (event) => { if (isUnsaved() && !leaving) event.preventDefault(); });
