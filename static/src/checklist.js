// The test of a node as a live checklist: the form goes out by fetch, each row comes back as soon as it is known, and
// at the end the form itself or where to go. The page stays, so what was typed in secret is there for the next try.
import { morph } from "./morph.js";
import { nextOf } from "./rows.js";
import { parser } from "./stream.js";
import { showTimes } from "./time.js";
import { announce } from "./widgets.js";

const RUNNING = "check-running";
const WAITING = "check-waiting";

let running = null;

const part = (form, name) => form.querySelector(`[${name}]`);

function showRunning(form) {
  const rows = [...form.querySelectorAll("[data-check]")];
  const states = rows.map((row) => ({
    id: row.dataset.check,
    part: row.dataset.part,
    waiting: row.classList.contains(WAITING) || row.classList.contains(RUNNING),
  }));
  const now = nextOf(states);
  for (const row of rows) {
    if (!now.includes(row.dataset.check) || row.classList.contains(RUNNING)) continue;
    row.classList.replace(WAITING, RUNNING);
    row.querySelector("[data-word]").textContent = "Testing";
    row.querySelector("[data-message]").textContent = "Testing …";
    const icon = form.querySelector("#running-icon").content.firstElementChild.cloneNode(true);
    icon.classList.add("spin");
    row.querySelector(".icon").replaceWith(icon);
  }
}

function begin(form, button) {
  part(form, "data-test").hidden = false;
  form.querySelector("#checks").replaceChildren(form.querySelector("#waiting-checks").content.cloneNode(true));
  part(form, "data-after").hidden = true;
  part(form, "data-unless-testing").hidden = true;
  part(form, "data-stop-test").hidden = false;
  for (const each of form.querySelectorAll("button[type=submit]")) each.setAttribute("aria-disabled", "true");
  const label = button?.querySelector("[data-label]");
  if (label && button.dataset.busy) {
    label.dataset.label = label.textContent;
    label.textContent = button.dataset.busy;
  }
  part(form, "data-spinner").hidden = false;
  part(form, "data-said").hidden = true;
  part(form, "data-outcome")?.setAttribute("hidden", "");
  announce("Testing the node");
  showRunning(form);
  form.querySelector("#checks").scrollIntoView({ block: "center" });
}

function end(form) {
  part(form, "data-after").hidden = false;
  part(form, "data-unless-testing").hidden = false;
  part(form, "data-stop-test").hidden = true;
  for (const each of form.querySelectorAll("button[type=submit]")) each.removeAttribute("aria-disabled");
  for (const label of form.querySelectorAll("[data-label]")) {
    if (label.dataset.label) label.textContent = label.dataset.label;
    label.dataset.label = "";
  }
  part(form, "data-spinner").hidden = true;
}

function fragment(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

function showRow(form, html) {
  const row = fragment(html);
  form.querySelector(`[data-check="${CSS.escape(row.dataset.check)}"]`)?.replaceWith(row);
  showRunning(form);
}

function showEnd(form, { go, html }) {
  if (go) {
    location.assign(go);
    return;
  }
  end(form);
  morph(form, html);
  const now = document.getElementById("node-form");
  showTimes(now);
  now.querySelector("[data-focus], [aria-invalid=true]")?.focus();
}

function giveUp(form, text) {
  end(form);
  part(form, "data-test").hidden = true;
  const said = part(form, "data-said");
  said.hidden = false;
  said.querySelector("[data-text]").textContent = text;
  form.querySelector("button[type=submit]").focus();
}

// Says whether the answer came to its end.
async function read(form, body, signal) {
  const response = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "text/event-stream" },
    cache: "no-store",
    body,
    signal,
  });
  if (response.status === 401) {
    location.assign(`/login?${new URLSearchParams({ next: form.dataset.page })}`);
    return true;
  }
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return false;
  let done = false;
  const feed = parser((name, data) => {
    if (name === "row") showRow(form, data);
    if (name !== "done") return;
    done = true;
    showEnd(form, JSON.parse(data));
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) feed(piece.value);
  return done;
}

async function onSubmit(event) {
  const form = event.target;
  if (!("liveTest" in form.dataset)) return;
  event.preventDefault();
  if (running) return;
  running = new AbortController();
  const { signal } = running;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  begin(form, event.submitter);
  try {
    if (!(await read(form, body, signal))) giveUp(form, "Berth did not answer. Nothing is known to be saved: try again.");
  } catch (error) {
    giveUp(form, signal.aborted ? "Cancelled. Nothing is saved." : "The connection to Berth was lost. Try again.");
    if (!signal.aborted) console.warn(error);
  } finally {
    running = null;
  }
}

export function startChecklist() {
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-stop-test]")) running?.abort();
  });
  // Where scripts run, the test of a cluster's other member is watched, too.
  document.addEventListener("formdata", (event) => {
    if (/^\/settings\/nodes\/[^/]+\/members$/.test(new URL(event.target.action).pathname)) event.formData.set("live", "on");
  });
  const begins = document.querySelector("form[data-begins]");
  if (begins) {
    delete begins.dataset.begins;
    begins.requestSubmit(begins.querySelector(".btn-primary[type=submit]"));
  }
}
