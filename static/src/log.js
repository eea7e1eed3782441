// The live log: appends in batches, follows the end unless the reader scrolled up, keeps the newest lines.
import { render } from "./ansi.js";
import { showTimes } from "./time.js";

const KEPT_LINES = 5000;
const LONGEST_LINE = 20_000;

function timeElement(at) {
  const time = document.createElement("time");
  time.className = "log-time";
  time.dateTime = at;
  time.dataset.show = "stamp";
  return time;
}

function lineElement({ text, level, at }) {
  const line = document.createElement("div");
  line.className = `log-line log-${level}`;
  if (at) line.append(timeElement(at));
  const shown = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)} …` : text;
  line.append(render(shown));
  if (text.length > LONGEST_LINE) line.append(` (${text.length - LONGEST_LINE} more characters)`);
  return line;
}

export function liveLog(frame) {
  const box = frame.querySelector(".log");
  const jump = frame.querySelector("[data-log-jump]");
  const cut = document.querySelector("[data-log-cut]");
  const empty = frame.querySelector("[data-log-empty]");
  let following = true;
  let waiting = [];
  let scheduled = false;
  let wanted = "";

  const matches = (line) => wanted === "" || line.textContent.toLowerCase().includes(wanted);

  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  const toEnd = () => (box.scrollTop = box.scrollHeight);
  const showJump = () => (jump.hidden = following);

  function flush() {
    scheduled = false;
    const lines = document.createDocumentFragment();
    // More than fits would be thrown away right after: do not build it.
    if (waiting.length > KEPT_LINES) waiting = waiting.slice(-KEPT_LINES);
    for (const line of waiting) {
      const element = lineElement(line);
      element.hidden = !matches(element);
      lines.append(element);
    }
    waiting = [];
    showTimes(lines);
    empty?.remove();
    box.append(lines);
    let surplus = box.childElementCount - KEPT_LINES;
    if (surplus > 0 && cut) cut.hidden = false;
    for (; surplus > 0; surplus -= 1) box.firstElementChild.remove();
    if (following) toEnd();
  }

  box.addEventListener("scroll", () => {
    following = atEnd();
    showJump();
  });
  jump.addEventListener("click", () => {
    following = true;
    toEnd();
    showJump();
    box.focus();
  });
  toEnd();
  showJump();

  function write(text, level, at) {
    waiting.push({ text, level, at });
    // A page that is not painted for a while must not pile them up either.
    if (waiting.length > 2 * KEPT_LINES) waiting = waiting.slice(-KEPT_LINES);
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(flush);
  }

  // Hides what does not hold the text; answers how many lines do.
  function filter(text) {
    wanted = text.toLowerCase();
    let found = 0;
    for (const line of box.querySelectorAll(".log-line:not([data-log-empty])")) {
      line.hidden = !matches(line);
      if (!line.hidden) found += 1;
    }
    if (following) toEnd();
    return found;
  }

  return { write, filter };
}
