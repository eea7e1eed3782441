import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { startPreferences } from "./preferences.js";
import { showTimes, startTimes } from "./time.js";
import { startWidgets } from "./widgets.js";

window.htmx = htmx;

// hx-swap="morph": keeps focus, scroll and open menus while the content changes underneath.
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph") return false;
    return Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML" });
  },
});

function start() {
  startPreferences();
  startTimes();
  startWidgets();
  document.body.addEventListener("htmx:afterSettle", (event) => showTimes(event.target));
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
