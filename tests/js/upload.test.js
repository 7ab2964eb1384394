import assert from "node:assert/strict";
import { test } from "node:test";
import upload from "../../ui/components/upload.js";
import { HOSTILE, mount } from "./mount.js";

const DATA = {
  ...{ accept: ".csv", name: "", size: "", title: "", share: null },
  ...{ counts: [], reasons: [], note: "", locked: false },
};
const settle = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

function open(answers) {
  const asked = [];
  globalThis.fetch = async (url, { body }) => {
    asked.push([url, body && (await body.text())]);
    const { status = 200, ...answer } = answers.shift();
    return { ok: status < 300, status, json: async () => answer };
  };
  const view = mount(upload).draw(DATA);
  const choose = async (text) => {
    const input = view.parent.querySelector("input");
    Object.defineProperty(input, "files", {
      value: [Object.assign(new Blob([text]), { name: "é.csv" })],
      configurable: true,
    });
    input.dispatchEvent(new window.Event("change"));
    await settle();
  };
  return { view, asked, choose, text: (name) => view.parent.querySelector(name).textContent };
}

test("a file is sent in parts, and reported once", async () => {
  const { view, asked, choose } = open([
    { id: "ab", part_bytes: 4 },
    { received: 4 },
    { received: 6 },
  ]);
  await choose("abcdef");
  assert.deepEqual(asked, [
    ["/uploads?name=%C3%A9.csv&size=6", null],
    ["/uploads/ab?offset=0", "abcd"],
    ["/uploads/ab?offset=4", "ef"],
  ]);
  assert.deepEqual(view.sent, [{ id: "uploaded", n: 1 }]);
});

test("a refusal is shown in the server's words", async () => {
  const { choose, text } = open([{ status: 400, error: "The file is empty.", hint: "Choose." }]);
  await choose("a");
  assert.equal(text(".error"), "The file is empty. Choose.");
});

test("what a file contains is text", () => {
  const { view, text } = open([]);
  for (const value of HOSTILE) {
    const reason = { key: "a", place: "Line 1", text: value, sample: value };
    const count = { key: "new", text: "1,500", label: "new events" };
    view.draw({ ...DATA, name: value, reasons: [reason], counts: [count], share: 0.5 });
    assert.equal(view.parent.querySelector("img"), null);
  }
  assert.equal(text(".tile"), "1,500new events");
  assert.equal(view.parent.querySelector(".bar").getAttribute("aria-valuenow"), "50");
});
