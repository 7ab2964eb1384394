import assert from "node:assert/strict";
import { test } from "node:test";
import "./mount.js";
import { drawLines, escapeInvisible, layOut, TOKEN_LIMIT } from "../../ui/components/json_text.js";
import { splitEnvelope } from "../../ui/components/record_envelope.js";

const text = (result) => result.lines.map((line) => line.map((piece) => piece.text).join(""));

test("JSON is laid out with one member per line", () => {
  const result = layOut('{"a":[1,{"b":null}],"c":{}}', 200, 1000, TOKEN_LIMIT);
  assert.deepEqual(text(result), [
    "{",
    '  "a":[',
    "    1,",
    "    {",
    '      "b":null',
    "    }",
    "  ],",
    '  "c":{}',
    "}",
  ]);
  assert.equal(result.truncated, false);
  assert.deepEqual(
    result.lines[1].map((piece) => piece.kind),
    ["indent", "key", "colon", ""],
  );
});

test("long numbers, repeated keys and invalid JSON are shown as sent", () => {
  const result = layOut('{"n":12345678901234567890,"n":1e400,oops', 200, 1000, TOKEN_LIMIT);
  assert.deepEqual(text(result), ["{", '  "n":12345678901234567890,', '  "n":1e400,', "  oops"]);
});

test("text that is not JSON keeps its lines", () => {
  assert.deepEqual(text(layOut("a\nb", 200, 1000, TOKEN_LIMIT)), ["a", "b"]);
});

test("omitted lines are counted, and the rest is one block from the top", () => {
  const result = layOut(JSON.stringify([...Array(50).keys()]), 9, 1000, TOKEN_LIMIT);
  assert.equal(result.lines.length, 9);
  assert.equal(result.total, 52);
  assert.equal(result.truncated, true);
});

test("a long token is cut at the limit", () => {
  const result = layOut(JSON.stringify(["x".repeat(500)]), 9, 10_000, 20);
  assert.equal(result.lines[1][1].text, `"${"x".repeat(19)}…`);
  assert.equal(result.truncated, true);
});

test("brackets of deep nesting become few pieces", () => {
  const result = layOut("[]".repeat(10_000), 200, 64 * 1024, TOKEN_LIMIT);
  assert.equal(result.lines.flat().length, 1);
});

test("invisible and bidirectional characters are escaped", () => {
  assert.equal(escapeInvisible("a\u202eb\u200b\u0000"), "a\\u202eb\\u200b\\u0000");
});

test("lines are drawn as text", () => {
  const node = document.createElement("pre");
  drawLines(node, layOut('{"<b>":1}', 9, 1000, TOKEN_LIMIT).lines, false);
  assert.equal(node.textContent, '{\n  "<b>": 1\n} …');
  assert.equal(node.querySelector("b"), null);
});

test("only one top-level properties object is split from its envelope", () => {
  const { body, envelope } = splitEnvelope(' {"a": "\\"}", "properties" : {"b": [{}]}, "c": [1]} ');
  assert.equal(body, '{"b": [{}]}');
  assert.equal(envelope, ' {"a": "\\"}", "properties" : …, "c": [1]} ');
  for (const text of [
    "",
    "{}",
    "[]",
    '{"properties": 1}',
    '{"properties": {}, "properties": {}}',
    '{"properties": {}',
    '{"properties": {}} x',
    '{"a": {"properties": {}}}',
    '{"properties"',
    '{"properties": {"a": "}',
    '{"a" "properties": {}}',
    `{"properties": ${"[".repeat(50_000)}`,
  ])
    assert.equal(splitEnvelope(text), null, text);
});
