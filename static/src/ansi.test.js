import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces } from "./ansi.js";

const text = (line) => pieces(line).map((piece) => piece.text).join("");

test("colours become classes and end with a reset", () => {
  assert.deepEqual(pieces("a\u001b[1;31mred\u001b[0mb"), [
    { text: "a", className: "" },
    { text: "red", className: "ansi-fg-1 ansi-bold" },
    { text: "b", className: "" },
  ]);
});

test("bright and 256-colour codes below 16 are known, others are dropped", () => {
  assert.equal(pieces("\u001b[92mx")[0].className, "ansi-fg-10");
  assert.equal(pieces("\u001b[38;5;4mx")[0].className, "ansi-fg-4");
  assert.equal(pieces("\u001b[38;2;1;2;3;4mx")[0].className, "ansi-underline");
});

test("other sequences and control characters leave nothing behind", () => {
  assert.equal(text("\u001b[2K\u001b]0;title\u0007ok\u0008\u0000\ttab"), "ok\ttab");
});

test("a redrawn line shows its last state", () => {
  assert.equal(text("10%\r50%\r100%\r"), "100%");
});
