// The live log: appends in batches, follows the end unless the reader scrolled up, keeps the newest lines.
import { render } from "./ansi.js";

const KEPT_LINES = 5000;
const LONGEST_LINE = 20_000;

function lineElement({ text, level }) {
  const line = document.createElement("div");
  line.className = `log-line log-${level}`;
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

  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  const toEnd = () => (box.scrollTop = box.scrollHeight);
  const showJump = () => (jump.hidden = following);

  function flush() {
    scheduled = false;
    const lines = document.createDocumentFragment();
    // More than fits would be thrown away right after: do not build it.
    if (waiting.length > KEPT_LINES) waiting = waiting.slice(-KEPT_LINES);
    for (const line of waiting) lines.append(lineElement(line));
    waiting = [];
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

  return (text, level) => {
    waiting.push({ text, level });
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(flush);
  };
}
