// Toasts: good news goes by itself, unless somebody is reading it; bad news waits to be dismissed, and comes once. That Berth does not
// answer is over when it answers.

const SECONDS = 8;

function leave(toast) {
  // What can be taken back waits for the next page.
  if (document.hidden || toast.matches(":hover, :focus-within, :has(form)")) return;
  const shown = Number(toast.dataset.seconds ?? 0) + 1;
  toast.dataset.seconds = String(shown);
  if (shown > SECONDS) toast.remove();
}

function dropRepeated(region) {
  const seen = new Set();
  for (const toast of region.querySelectorAll(".notice-error, .notice-warning")) {
    const what = toast.querySelector("strong")?.textContent ?? toast.textContent;
    if (seen.has(what)) toast.remove();
    seen.add(what);
  }
}

export function startToasts() {
  const region = document.getElementById("toasts");
  const offline = document.getElementById("offline-toast");
  if (!region) return;
  new MutationObserver(() => dropRepeated(region)).observe(region, { childList: true });
  setInterval(() => region.querySelectorAll(".notice-success, .notice-info").forEach(leave), 1000);
  for (const failure of ["htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(failure, () => region.append(offline.content.cloneNode(true)));
  }
  document.body.addEventListener("htmx:beforeOnLoad", () => region.querySelectorAll("[data-offline]").forEach((toast) => toast.remove()));
}
