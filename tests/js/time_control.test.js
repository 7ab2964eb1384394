import assert from "node:assert/strict";
import { test } from "node:test";
import { dayAfterKey, dayOf, firstShown } from "../../ui/components/calendar_grid.js";
import timeControl from "../../ui/components/time_control.js";
import { HOSTILE, mount, press } from "./mount.js";

const PRESETS = [
  { id: "24h", label: "24 h", name: "Last 24 hours" },
  { id: "7d", label: "7 d", name: "Last 7 days" },
  { id: "yesterday", label: "Yesterday", name: "Yesterday" },
];
const DATA = {
  presets: PRESETS,
  common: ["7d", "24h"],
  value: "7d",
  label: "More",
  text: "last 7 days",
  meaning: "Sun 22 Nov 00:00 – Sat 28 Nov 09:00",
  ...{ first: "2026-11-22", last: "2026-11-28", today: "2026-11-28", week: 0, tz: "Europe/Oslo" },
  ...{ can_step_back: true, can_step_forward: false, can_zoom_out: true, problem: "" },
  recent: ["3 Nov – 10 Nov"],
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

function open(answer) {
  const asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    return { json: async () => answer };
  };
  const view = mount(timeControl).draw(DATA);
  const all = (selector) => [...view.parent.querySelectorAll(selector)];
  const byLabel = (label) => all(`[aria-label="${label}"]`)[0];
  const sent = () => view.sent.map(({ n, ...message }) => message);
  return { view, asked, all, byLabel, sent };
}

test("presets and steps are sent, and no step goes beyond now", () => {
  const { all, byLabel, sent } = open({});
  assert.deepEqual(
    all(".common .preset").map((node) => [node.textContent, node.getAttribute("aria-pressed")]),
    [
      ["7 d", "true"],
      ["24 h", "false"],
    ],
  );
  assert.deepEqual(
    all(".current").map((node) => node.textContent),
    ["More", "7 d"],
  );
  assert.ok(byLabel("7 d, more time ranges"));
  assert.equal(byLabel("Next period").disabled, true);
  byLabel("Previous period").click();
  all(".choice")[2].click();
  all(".again .choice")[0].click();
  assert.deepEqual(sent(), [
    { do: "step", by: -1 },
    { do: "preset", id: "yesterday" },
    { do: "typed", text: "3 Nov – 10 Nov" },
  ]);
});

test("a text that means nothing is not sent, and its correction is shown as text", async () => {
  const { view, asked, all, sent } = open({ error: HOSTILE[0], hint: "Write 7d." });
  const input = all("input")[0];
  input.value = "sevn days";
  press(input, "Enter");
  await settle();
  assert.equal(asked[0], "/api/time?text=sevn+days&tz=Europe%2FOslo&week=0");
  assert.equal(all(".meaning")[0].textContent, `✕ ${HOSTILE[0]} Write 7d.`);
  assert.equal(input.getAttribute("aria-invalid"), "true");
  assert.equal(view.parent.querySelector("img"), null);
  assert.deepEqual(sent(), []);
});

test("days selected in the calendar become the text, in either order", async () => {
  const { all, sent } = open({ label: "Tue 3 Nov 00:00 – Wed 11 Nov 00:00" });
  const day = (label) => all(`[aria-label="${label}"]`)[0];
  day("Tuesday 10 November 2026").click();
  assert.equal(all("input")[0].value, "10 Nov 2026");
  day("Tuesday 3 November 2026").click();
  assert.equal(all("input")[0].value, "3 Nov 2026 – 10 Nov 2026");
  assert.equal(all("[aria-selected=true]").length, 8);
  await settle();
  press(all("input")[0], "Enter");
  await settle();
  assert.deepEqual(sent(), [{ do: "typed", text: "3 Nov 2026 – 10 Nov 2026" }]);
});

test("keys move in the date grid, also into other months, and weeks start as told", () => {
  const move = (iso, key, week = 0, shiftKey = false) =>
    dayAfterKey({ key, shiftKey }, dayOf(iso), week);
  assert.equal(move("2026-11-01", "ArrowUp"), dayOf("2026-10-25"));
  assert.equal(move("2026-11-28", "ArrowRight"), dayOf("2026-11-29"));
  assert.equal(move("2026-11-28", "Home"), dayOf("2026-11-23"));
  assert.equal(move("2026-11-28", "Home", 6), dayOf("2026-11-22"));
  assert.equal(move("2026-11-28", "End", 5), dayOf("2026-12-04"));
  assert.equal(move("2026-03-31", "PageUp"), dayOf("2026-02-28"));
  assert.equal(move("2028-02-29", "PageUp", 0, true), dayOf("2027-02-28"));
  assert.equal(move("2026-12-31", "PageDown"), dayOf("2027-01-31"));
  assert.equal(move("2026-11-28", "a"), undefined);
  assert.equal(firstShown(dayOf("2026-11-15"), 0), dayOf("2026-10-26"));
  assert.equal(firstShown(dayOf("2026-11-15"), 6), dayOf("2026-11-01"));
  const { all } = open({});
  const focused = () =>
    all("[role=gridcell][tabindex='0']").map((node) => node.getAttribute("aria-label"));
  assert.deepEqual(focused(), ["Saturday 28 November 2026"]);
  press(all("[role=gridcell][tabindex='0']")[0], "PageDown");
  assert.deepEqual(focused(), ["Monday 28 December 2026"]);
});
