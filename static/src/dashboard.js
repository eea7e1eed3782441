// The dashboard stays open all day: it fetches what it shows anew when the server tells of a change, and is steered by single keys.
import { follow } from "./stream.js";

const region = () => document.getElementById("containers");
const text = document.querySelector("[data-live-text]");
const pause = document.querySelector("[data-live-pause]");

let paused = false;
let connection = "lost";
let missed = false;
let due = 0;

function schedule() {
  due = performance.now() + Number(region()?.dataset.nextUpdate ?? 0);
}

function fetchAnew() {
  if (paused) {
    missed = true;
    return;
  }
  missed = false;
  // With the first containers come the filters and buttons that an empty page has no use for.
  if ("empty" in (region()?.dataset ?? {})) return location.reload();
  // What is shown may be another page or filter by now: the address is the truth.
  window.htmx.ajax("GET", location.pathname + location.search, {
    target: "#containers",
    swap: "morph",
    headers: { "X-Berth-Auto": "1" },
  });
}

function words() {
  if (paused) return missed ? "Paused, there is news" : "Paused";
  if (connection !== "live") return "Reconnecting …";
  const seconds = Math.ceil((due - performance.now()) / 1000);
  return seconds > 0 ? `Live, next update in ${seconds} s` : "Live, asking your nodes …";
}

function show() {
  text.textContent = words();
}

function togglePause() {
  paused = !paused;
  pause.textContent = paused ? "Go on" : "Pause";
  pause.setAttribute("aria-pressed", String(paused));
  if (!paused && missed) fetchAnew();
  show();
}

function items() {
  return [...document.querySelectorAll("[data-item]")].map((item) => item.querySelector("a.stretched") ?? item.querySelector("button, a"));
}

const current = () => document.activeElement?.closest("[data-item]");

function step(by) {
  const all = items();
  if (all.length === 0) return;
  const at = all.findIndex((target) => target.closest("[data-item]") === current());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[next].focus();
  all[next].closest("[data-item]").scrollIntoView({ block: "nearest" });
}

function openMenu() {
  current()?.querySelector("[popovertarget]")?.click();
}

// Asked for each time: what may be done depends on how the container is by then.
function fillMenu(event) {
  const address = event.target.dataset.menu;
  if (!address || event.newState !== "open") return;
  const menu = event.target;
  const filled = window.htmx.ajax("GET", address, { target: menu.querySelector("[data-menu-body]"), swap: "innerHTML" });
  filled.then(() => menu.matches(":popover-open") && menu.querySelector("[data-menu-body] :is(a, button)")?.focus());
}

const keys = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  a: openMenu,
  n: () => location.assign("/containers/new"),
  p: togglePause,
  "?": () => document.getElementById("keys")?.showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const field = event.target.closest("input, select, textarea, [contenteditable]");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

if (region() && text && pause) {
  pause.addEventListener("click", togglePause);
  document.addEventListener("keydown", onKey);
  // It does not bubble.
  document.addEventListener("toggle", fillMenu, true);
  document.body.addEventListener("htmx:afterSwap", () => {
    schedule();
    show();
  });
  schedule();
  show();
  setInterval(show, 1000);
  follow(
    "/dashboard/events",
    "",
    (name, version) => {
      if (version !== region()?.dataset.version) fetchAnew();
      return false;
    },
    (state) => {
      connection = state;
      show();
    },
  );
}
