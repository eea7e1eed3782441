import htmx from "htmx.org";
import { startChecklist } from "./checklist.js";
import { morph } from "./morph.js";
import { startPreferences } from "./preferences.js";
import { startRealms } from "./realms.js";
import { showTimes, startTimes } from "./time.js";
import { startToasts } from "./toasts.js";
import { startVmid } from "./vmid.js";
import { startWidgets } from "./widgets.js";

window.htmx = htmx;

// hx-swap="morph": keeps focus, scroll and open menus while the content changes underneath.
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph") return false;
    return morph(target, fragment.children);
  },
});

function afterSettle(event) {
  showTimes(document);
  const region = event.detail.elt;
  closeWhenDone(event);
  if (event.detail.requestConfig?.verb !== "post") return;
  const focus = region.querySelector("[data-focus], [aria-invalid=true]");
  focus?.focus();
}

// In a menu other buttons would stand under the pointer when something is done. What has failed is read there.
function closeWhenDone({ detail: { elt, requestConfig } }) {
  const menu = elt.closest?.("[popover]");
  const waited = menu && requestConfig?.verb === "get" && "poll" in (requestConfig.elt?.dataset ?? {});
  if (waited && !menu.querySelector("[data-poll], [role=alert]")) menu.hidePopover();
}

// A page nobody looks at need not ask for news.
function beforeRequest(event) {
  if (document.hidden && "poll" in event.detail.elt.dataset) event.preventDefault();
}

// What a page asks for by itself does not keep the login of somebody alive who has left.
function configRequest(event) {
  if ("poll" in event.detail.elt.dataset) event.detail.headers["X-Berth-Auto"] = "1";
}

// What was typed before this script had arrived has told nobody.
function afterLoad(event) {
  for (const field of event.target.querySelectorAll("[hx-trigger~='early']")) {
    if (field.value !== field.defaultValue) htmx.trigger(field, "early");
  }
}

function start() {
  startPreferences();
  startTimes();
  // Before the widgets, which guard the forms that a browser sends by itself.
  startChecklist();
  startWidgets();
  startRealms();
  startToasts();
  startVmid();
  document.body.addEventListener("htmx:load", afterLoad);
  document.body.addEventListener("htmx:afterSettle", afterSettle);
  document.body.addEventListener("htmx:configRequest", configRequest);
  document.body.addEventListener("htmx:beforeRequest", beforeRequest);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
