// Times come in UTC and are shown in the reader's zone; running clocks count on their own.
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const two = (number) => String(number).padStart(2, "0");

// When a line of a log was written, as logs write it.
function stamp(date) {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function ago(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(0, "second");
}

export function showTimes(scope = document) {
  for (const element of scope.querySelectorAll("time[data-show]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    if (element.dataset.show === "stamp") {
      // Thousands of them, which do not change.
      delete element.dataset.show;
      // The space belongs to it, so that both can be copied as one line.
      element.textContent = `${stamp(date)} `;
      continue;
    }
    element.title = absolute.format(date);
    element.textContent = element.dataset.show === "ago" ? ago(date) : absolute.format(date);
  }
}

function tick() {
  for (const element of document.querySelectorAll("[data-elapsed-since]")) {
    const since = Date.parse(element.dataset.elapsedSince);
    if (!Number.isNaN(since)) element.textContent = duration((Date.now() - since) / 1000);
  }
}

export function startTimes() {
  showTimes();
  tick();
  setInterval(tick, 1000);
  setInterval(showTimes, 30_000);
}
