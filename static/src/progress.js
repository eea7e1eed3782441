// The live page of a creation: phases, steps, log, and at the end the panel as the server sees it.
import { liveLog } from "./log.js";
import { follow } from "./stream.js";
import { duration } from "./time.js";

const LEVELS = new Set(["out", "err", "info", "warn", "error"]);
const STATES = { running: "running", done: "done", failed: "failed" };

function say(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

// The server renders every state an element can have; the attribute decides which of them is shown.
function showPhase(page, { phase, percent }) {
  const steps = [...page.querySelectorAll("[data-phase]")];
  const current = steps.findIndex((step) => step.dataset.phase === phase);
  if (current < 0) return;
  steps.forEach((step, index) => {
    step.classList.toggle("step-done", index < current);
    step.classList.toggle("step-current", index === current);
    if (index === current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  });
  page.querySelector("[data-until-begun]")?.setAttribute("hidden", "");
  page.querySelector("[data-once-begun]")?.removeAttribute("hidden");
  if (page.dataset.phase !== phase) say(steps[current].dataset.announce ?? phase);
  page.dataset.phase = phase;
  showPercent(page, percent);
}

function showPercent(page, percent) {
  if (typeof percent !== "number") return;
  const bar = page.querySelector("[data-percent-bar]");
  const text = page.querySelector("[data-percent]");
  if (bar) bar.value = percent;
  if (text) text.textContent = `${Math.round(percent)} %`;
}

function stepRow(page, index, name) {
  const list = page.querySelector("[data-steps]");
  const known = list?.querySelector(`[data-step="${Number(index)}"]`);
  if (known || !list) return known;
  const row = document.getElementById("step-row").content.firstElementChild.cloneNode(true);
  row.dataset.step = String(Number(index));
  row.querySelector(".name").textContent = name;
  list.closest("section").hidden = false;
  list.append(row);
  return row;
}

function showStep(page, { index, name, state, seconds }) {
  const row = stepRow(page, index, name);
  if (!row || !STATES[state]) return;
  row.dataset.state = STATES[state];
  const time = row.querySelector("[data-duration]");
  if (state === "running") {
    time.dataset.elapsedSince = new Date().toISOString();
  } else {
    delete time.dataset.elapsedSince;
    time.textContent = typeof seconds === "number" ? duration(seconds) : "";
  }
  return row;
}

function finish(page) {
  const panel = document.getElementById("panel");
  page.querySelector("[data-stream]")?.setAttribute("hidden", "");
  window.htmx.ajax("GET", `${page.dataset.url}/panel`, { target: panel, swap: "outerHTML" });
}

function start(page) {
  const { write } = liveLog(page.querySelector(".log-frame"));
  const status = page.querySelector("[data-stream]");

  const handle = (name, data) => {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return false;
    }
    if (name === "phase") showPhase(page, event);
    else if (name === "step") {
      if (event.state === "running") write(event.name, "step");
      showStep(page, event);
    } else if (name === "line") write(String(event.text), LEVELS.has(event.level) ? event.level : "out");
    else if (name === "error") write(String(event.message), "error");
    if (name !== "complete" && name !== "error" && name !== "cancelled") return false;
    finish(page);
    return true;
  };

  const words = { live: "Live", paused: "Paused", lost: "Connection lost, trying again …" };
  follow(`${page.dataset.url}/events`, page.dataset.lastEvent ?? "", handle, (state) => {
    status.dataset.stream = state;
    status.querySelector("[data-word]").textContent = words[state];
  });
}

const page = document.querySelector("[data-creation]");
if (page && "live" in page.dataset) start(page);
else if (page) liveLog(page.querySelector(".log-frame"));
