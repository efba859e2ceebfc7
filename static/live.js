/* Parts of a page that renew themselves while something goes on. Uses onContent and all of app.js. */
"use strict";

/* data-since="678.4": a duration that goes on; counted from the seconds the server gave, so a wrong clock does not matter.
   Told anew, it is put right only when it is wrong by more than the way of an answer. */
const durationWords = (seconds) => {
  const two = (number) => String(number).padStart(2, "0");
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
};
const beginnings = new WeakMap();
const beginningOf = (element) => {
  const told = beginnings.get(element);
  if (told?.since === element.dataset.since) return told.at;
  const at = performance.now() - element.dataset.since * 1000;
  const known = told && Math.abs(told.at - at) < 1500 ? told.at : at;
  beginnings.set(element, { since: element.dataset.since, at: known });
  return known;
};
const paintSince = (root) => all(root, "[data-since]").forEach((element) => {
  const words = durationWords((performance.now() - beginningOf(element)) / 1000);
  if (element.textContent !== words) element.textContent = words;
});
onContent(paintSince);
setInterval(() => { if (!document.hidden) paintSince(document); }, 500);

/* The clock of live parts: fires `refresh` on the body, which they listen to (hx-trigger="refresh from:body"). Every second while
   the page is watched, every 5 s after two minutes without a touch, slower while the server does not answer, never in a hidden tab. */
const clock = { timer: 0, touched: performance.now(), failures: 0 };
const pace = () => (clock.failures ? Math.min(2 ** clock.failures, 30) * 1000 : performance.now() - clock.touched > 120000 ? 5000 : 1000);
const beat = () => {
  clearTimeout(clock.timer);
  if (document.hidden) return;
  if (document.querySelector(LIVE)) htmx.trigger(document.body, "refresh");
  clock.timer = setTimeout(beat, pace());
};
document.addEventListener("visibilitychange", beat);
for (const name of ["pointermove", "keydown", "scroll"]) {
  document.addEventListener(name, () => { clock.touched = performance.now(); }, { passive: true, capture: true });
}
document.addEventListener("DOMContentLoaded", () => { clock.timer = setTimeout(beat, pace()); });

/* data-offline: stands while live parts cannot reach the server */
const connected = (isConnected) => {
  clock.failures = isConnected ? 0 : Math.min(clock.failures + 1, 5);
  document.querySelectorAll("[data-offline]").forEach((element) => { element.hidden = isConnected; });
};
/* data-gone: stands when what a live part shows was deleted, or may not be seen any more; it asks no longer */
const end = (part) => {
  part.removeAttribute("hx-get");
  part.removeAttribute("hx-trigger");
  htmx.process(part);
  document.querySelectorAll("[data-gone]").forEach((element) => { element.hidden = false; });
};
document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful, xhr } }) => {
  if (!elt.matches?.(LIVE)) return;
  const isGone = [403, 404].includes(xhr.status);
  connected(successful || isGone);
  if (isGone) end(elt);
});

/* A live part tells which revision of it stands here: the server answers nothing to one that is still right. After a swap of any
   other kind nobody knows what stands here. */
const REVISION = "X-Revision";
const revisions = new Map();
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.matches?.(LIVE) && revisions.has(detail.target.id)) detail.headers[REVISION] = revisions.get(detail.target.id);
});
document.addEventListener("htmx:beforeSwap", ({ detail: { requestConfig, target, xhr } }) => {
  if (!requestConfig?.elt.matches?.(LIVE)) return revisions.clear();
  const revision = xhr.getResponseHeader(REVISION);
  if (revision) revisions.set(target.id, revision);
});

/* hx-swap="morph": what stands here becomes what has come, and whatever goes on existing stays the same node. So the place of the
   focus, of a selection, of a scroll and of a screen reader outlives a tick. Elements are found again by their ids, or by their
   order; what the reader opened, what a script shows and what is being typed stay as they are. */
const isSame = (one, other) => one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
const isReaders = (element, name) =>
  (name === "open" && element.matches("details, dialog")) || (name === "hidden" && element.matches("[data-needs-js], [data-options]"));
const morphAttributes = (old, fresh) => {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !isReaders(old, name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !isReaders(old, name)) old.setAttribute(name, value);
  }
};
const morphValue = (old, { value, checked }) => {
  const isTyped = old === document.activeElement && old.matches("textarea, input:not([type=checkbox], [type=radio])");
  if (old.checked !== checked) old.checked = checked;
  if (old.value !== value && !isTyped) old.value = value;
};
const successorOf = (place, fresh) => {
  if (fresh.nodeType !== Node.ELEMENT_NODE) return place?.nodeType === fresh.nodeType ? place : null;
  while (place && !isSame(place, fresh)) place = place.nextSibling;
  return place;
};
const morphChildren = (old, fresh) => {
  const ids = new Set([...fresh.children].map((child) => child.id));
  for (const child of [...old.children]) if (child.id && !ids.has(child.id)) child.remove();
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const found = successorOf(place, child);
    while (found && place !== found && !place.id) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    if (!found) old.insertBefore(child, place);
    else if (found === place) place = place.nextSibling;
    else (old.moveBefore ?? old.insertBefore).call(old, found, place);
    if (found) morph(found, child);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
};
const morph = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  morphAttributes(old, fresh);
  if ("since" in old.dataset && "since" in fresh.dataset) return;
  const { value, checked } = fresh; // before its options and its text have gone over
  morphChildren(old, fresh);
  if (old.matches("input, select, textarea")) morphValue(old, { value, checked });
};
/* A dialog that comes anew while it is open, such as a form that was refused, stays open and becomes the new one. */
const standing = (style, target) => (style === "morph" ? target : target.querySelector(":scope > dialog[open]"));
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) => {
    const old = standing(style, target);
    const fresh = fragment.firstElementChild;
    if (!old || !fresh || !isSame(old, fresh)) return false;
    morph(old, fresh);
    return [old];
  },
});
