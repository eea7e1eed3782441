// A server-sent event stream over fetch: it closes while the tab is hidden, so that many tabs do not starve each
// other, and resumes behind the last event it saw. (EventSource can neither send Last-Event-ID itself nor tell 401.)

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;

// Splits a text/event-stream into events; feed it pieces as they arrive.
export function parser(onEvent) {
  let rest = "";
  let event = { id: "", name: "message", data: [] };
  return (piece) => {
    rest += piece;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data.length > 0) onEvent(event.name, event.data.join("\n"), event.id);
        event = { id: "", name: "message", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "id") event.id = value;
      if (field === "event") event.name = value;
      if (field === "data") event.data.push(value);
    }
  };
}

// What an answer that is no stream says to the reader: the toast that htmx would show.
async function reason(response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("p")?.textContent.trim() || "The stream was refused. Reload the page to see why.";
}

// `onEvent(name, data, id)` returns true when the stream is over for good. `onState` gets "live", "paused", "lost"; where it is `refusable`, also
// "refused" and why: then it stays closed until it is resumed. Answers what pauses and resumes it.
export function follow(url, lastId, onEvent, onState, { refusable = false } = {}) {
  let last = lastId;
  let connection = null;
  let delay = FIRST_DELAY;
  let finished = false;
  let held = false;
  let timer = 0;

  function stop() {
    clearTimeout(timer);
    connection?.abort();
    connection = null;
  }

  async function read(current) {
    const headers = { Accept: "text/event-stream" };
    if (last !== "") headers["Last-Event-ID"] = last;
    if (refusable) headers["HX-Request"] = "true";
    const response = await fetch(url, { headers, cache: "no-store", signal: current.signal });
    if (response.status === 401) {
      location.reload();
      finished = true;
      return;
    }
    if (!response.ok && refusable) {
      const text = await reason(response);
      held = true;
      onState("refused", text);
      return;
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    onState("live");
    delay = FIRST_DELAY;
    const feed = parser((name, data, id) => {
      if (current.signal.aborted || finished) return;
      if (id !== "") last = id;
      if (onEvent(name, data, id)) finished = true;
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    while (!finished) {
      const { done, value } = await reader.read();
      if (done) return;
      feed(value);
    }
  }

  async function start() {
    if (finished || held || connection || document.hidden) return;
    const current = new AbortController();
    connection = current;
    try {
      await read(current);
    } catch {
      // Refused or cut: tried again below.
    }
    if (connection !== current) return;
    stop();
    if (finished || held) return;
    onState("lost");
    timer = setTimeout(start, delay);
    delay = Math.min(delay * 2, LONGEST_DELAY);
  }

  document.addEventListener("visibilitychange", () => {
    if (finished || held) return;
    if (document.hidden) {
      stop();
      onState("paused");
    } else {
      start();
    }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
  return {
    pause() {
      held = true;
      stop();
    },
    resume() {
      held = false;
      clearTimeout(timer);
      start();
    },
  };
}
