// The live page of a log: new lines as they come, filtered as one types. Paused, they wait; when too many wait, the stream is closed, and
// goes on from there when it is resumed: nothing is lost in between.
import { liveLog } from "./log.js";
import { follow } from "./stream.js";

const LEVELS = new Set(["out", "warn", "error", "note"]);
export const MOST_WAITING = 5000;

// Lines that wait while the reader looks at others. `stream` can be paused and resumed.
export function waitingRoom(write, stream, most = MOST_WAITING) {
  let paused = false;
  let waiting = [];
  return {
    get paused() {
      return paused;
    },
    get count() {
      return waiting.length;
    },
    get full() {
      return waiting.length >= most;
    },
    take(lines) {
      if (!paused) {
        lines.forEach(write);
        return;
      }
      waiting.push(...lines);
      if (waiting.length >= most) stream().pause();
    },
    toggle() {
      paused = !paused;
      if (paused) return;
      waiting.forEach(write);
      waiting = [];
      stream().resume();
    },
  };
}

function start(page) {
  const log = liveLog(page.querySelector(".log-frame"));
  const status = page.querySelector("[data-stream]");
  const button = page.querySelector("[data-pause]");
  const filter = page.querySelector("[data-filter]");
  const matches = page.querySelector("[data-matches]");
  let state = "lost";
  let trouble = "";
  let stream = null;
  const room = waitingRoom((line) => log.write(line.text, line.level, line.at), () => stream);

  function showState() {
    const words = { live: "Live", paused: "Paused", lost: "Connection lost, trying again …", refused: "Stopped" };
    let word = words[state];
    if (room.paused) {
      word = room.full ? `Paused, more than ${room.count} new lines` : `Paused, ${room.count} new lines`;
    } else if (trouble !== "") word = trouble;
    status.dataset.stream = room.paused ? "paused" : state;
    status.querySelector("[data-word]").textContent = word;
    const stopped = room.paused || state === "refused";
    button.querySelector("[data-when=live]").hidden = stopped;
    button.querySelector("[data-when=paused]").hidden = !stopped;
    button.querySelector("[data-label]").textContent = stopped ? "Resume" : "Pause";
  }

  function onEvent(name, data) {
    const event = JSON.parse(data);
    if (name === "trouble") {
      trouble = String(event.text);
      log.write(trouble, "note");
    } else if (name === "lines") {
      trouble = "";
      room.take(event.lines.map(({ at, level, text }) => ({ at, level: LEVELS.has(level) ? level : "out", text: String(text) })));
    }
    showState();
    return false;
  }

  function toggle() {
    if (state === "refused" && !room.paused) {
      trouble = "";
      stream.resume();
    } else room.toggle();
    showState();
    const announcer = document.getElementById("announcer");
    if (announcer) announcer.textContent = room.paused ? "Paused" : "Resumed";
  }

  const onState = (now, text) => {
    state = now;
    if (now === "refused") trouble = text;
    if (now === "live") trouble = "";
    showState();
  };
  stream = follow(page.dataset.follow, page.dataset.after, onEvent, onState, { refusable: true });

  button.addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea, button, a, summary")) return;
    event.preventDefault();
    toggle();
  });
  filter.addEventListener("input", () => {
    const text = filter.value.trim();
    const found = log.filter(text);
    matches.hidden = text === "";
    matches.textContent = text === "" ? "" : `${found} of the lines below match. Enter searches older ones, too.`;
  });
  showState();
}

if (typeof document !== "undefined") {
  const page = document.querySelector("[data-follow]");
  const frame = document.querySelector(".log-frame");
  if (page) start(page);
  else if (frame) liveLog(frame);
}
