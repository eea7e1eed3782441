// Turns a line with terminal colours into classed spans. Only text nodes are made from what came: no markup gets through.
// crates/web/src/ansi.rs does the same on the server.

const SEQUENCE = /\u001b\[([0-9;:]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -\/]*[0-~]/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

// A span for each piece is many times as long as what asks for it.
const MOST_PIECES = 200;

const PLAIN = { fg: null, bg: null, bold: false, dim: false, italic: false, underline: false };

function colour(codes, at) {
  if (codes[at + 1] === 5) return [codes[at + 2] < 16 ? codes[at + 2] : null, at + 2];
  if (codes[at + 1] === 2) return [null, at + 4];
  return [null, at];
}

export function apply(style, parameters) {
  const codes = parameters.split(/[;:]/).map(Number);
  const next = { ...style };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) Object.assign(next, PLAIN);
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) next.fg = code - 30;
    else if (code === 38) [next.fg, at] = colour(codes, at);
    else if (code === 39) next.fg = null;
    else if (code >= 40 && code <= 47) next.bg = code - 40;
    else if (code === 48) [next.bg, at] = colour(codes, at);
    else if (code === 49) next.bg = null;
    else if (code >= 90 && code <= 97) next.fg = code - 82;
    else if (code >= 100 && code <= 107) next.bg = code - 92;
  }
  return next;
}

function classes(style) {
  const names = [];
  if (style.fg !== null) names.push(`ansi-fg-${style.fg}`);
  if (style.bg !== null) names.push(`ansi-bg-${style.bg}`);
  for (const name of ["bold", "dim", "italic", "underline"]) if (style[name]) names.push(`ansi-${name}`);
  return names.join(" ");
}

// What a terminal would show of a line that redraws itself: the part after the last carriage return.
function visible(text) {
  const trimmed = text.replace(/\r+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}

// [{ text, className }]: pieces of one line.
export function pieces(line) {
  const text = visible(line);
  const found = [];
  let style = PLAIN;
  const push = (raw) => {
    const clean = raw.replace(CONTROL, "");
    if (clean !== "") found.push({ text: clean, className: classes(style) });
  };
  let from = 0;
  let changes = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    push(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] !== "m") continue;
    changes += 1;
    style = changes < MOST_PIECES ? apply(style, match[1]) : PLAIN;
  }
  push(text.slice(from));
  return found;
}

export function render(line) {
  const fragment = document.createDocumentFragment();
  for (const piece of pieces(line)) {
    if (piece.className === "") {
      fragment.append(piece.text);
      continue;
    }
    const span = document.createElement("span");
    span.className = piece.className;
    span.textContent = piece.text;
    fragment.append(span);
  }
  return fragment;
}
