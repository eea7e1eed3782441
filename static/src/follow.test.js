import assert from "node:assert/strict";
import { test } from "node:test";
import { waitingRoom } from "./follow.js";

// A stream that goes on where it was paused, as the server's does.
function source() {
  let next = 0;
  let open = true;
  return {
    pause: () => (open = false),
    resume: () => (open = true),
    lines: (count) => (open ? Array.from({ length: count }, () => next++) : []),
  };
}

test("pause and resume lose nothing, however much comes in between", () => {
  const seen = [];
  const stream = source();
  const room = waitingRoom((line) => seen.push(line), () => stream, 50);
  room.take(stream.lines(10));
  room.toggle();
  for (let batch = 0; batch < 100; batch += 1) room.take(stream.lines(7));
  assert.equal(seen.length, 10);
  assert.ok(room.full && room.count < 57, `${room.count} wait`);
  room.toggle();
  room.take(stream.lines(10));
  assert.deepEqual(seen, seen.map((_, index) => index));
  assert.equal(room.count, 0);
});
