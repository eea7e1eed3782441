import assert from "node:assert/strict";
import { test } from "node:test";
import { parser } from "./stream.js";

function collect(piecesOfText) {
  const seen = [];
  const feed = parser((name, data, id) => seen.push([name, data, id]));
  for (const piece of piecesOfText) feed(piece);
  return seen;
}

test("events survive being cut anywhere", () => {
  const stream = ': hello\n\nid: 7\nevent: line\ndata: {"a":1}\n\nid: 8\r\nevent: phase\r\ndata: one\r\ndata: two\r\n\r\n';
  const whole = [
    ["line", '{"a":1}', "7"],
    ["phase", "one\ntwo", "8"],
  ];
  for (let at = 0; at <= stream.length; at += 1) {
    assert.deepEqual(collect([stream.slice(0, at), stream.slice(at)]), whole, `cut at ${at}`);
  }
});

test("an event without its closing blank line is not delivered", () => {
  assert.deepEqual(collect(["id: 1\nevent: line\ndata: x\n"]), []);
});
