import assert from "node:assert/strict";
import { test } from "node:test";
import { nextOf } from "./rows.js";

const rows = (waiting) =>
  [
    ["certificate", "api"],
    ["token", "api"],
    ["host-key", "ssh"],
    ["login", "ssh"],
    ["same", "ssh"],
  ].map(([id, part]) => ({ id, part, waiting: waiting.includes(id) }));

test("one row of each part is tested at a time", () => {
  assert.deepEqual(nextOf(rows(["certificate", "token", "host-key", "login", "same"])), ["certificate", "host-key"]);
  assert.deepEqual(nextOf(rows(["token", "login", "same"])), ["token", "login"]);
});

test("whether both are the same machine is tested last", () => {
  assert.deepEqual(nextOf(rows(["token", "same"])), ["token"]);
  assert.deepEqual(nextOf(rows(["same"])), ["same"]);
  assert.deepEqual(nextOf(rows([])), []);
});
