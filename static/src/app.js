import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { startPreferences } from "./preferences.js";
import { showTimes, startTimes } from "./time.js";
import { startToasts } from "./toasts.js";
import { startWidgets } from "./widgets.js";

window.htmx = htmx;

// hx-swap="morph": keeps focus, scroll and open menus while the content changes underneath.
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph") return false;
    return Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML", callbacks: { beforeNodeMorphed } });
  },
});

// Secrets are never sent back, so what was typed into their fields stays as it is; open details stay open.
function beforeNodeMorphed(old, fresh) {
  if (!(old instanceof Element)) return true;
  if (old.tagName === "DETAILS" && old.open) fresh.open = true;
  // Already shown in the reader's zone.
  if (old.tagName === "TIME" && old.dateTime === fresh.dateTime) return false;
  if (!("keep" in old.dataset)) return true;
  for (const name of ["aria-invalid", "aria-describedby", "data-focus"]) {
    if (fresh.hasAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
    else old.removeAttribute(name);
  }
  return false;
}

function afterSettle(event) {
  showTimes(document);
  const region = event.detail.elt;
  if (event.detail.requestConfig?.verb !== "post") return;
  const focus = region.querySelector("[data-focus], [aria-invalid=true]");
  focus?.focus();
}

// A page nobody looks at need not ask for news.
function beforeRequest(event) {
  if (document.hidden && "poll" in event.detail.elt.dataset) event.preventDefault();
}

function start() {
  startPreferences();
  startTimes();
  startWidgets();
  startToasts();
  document.body.addEventListener("htmx:afterSettle", afterSettle);
  document.body.addEventListener("htmx:beforeRequest", beforeRequest);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
