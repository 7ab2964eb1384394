import assert from "node:assert/strict";
import { test } from "node:test";
import { HOSTILE, mount } from "./mount.js";

const { default: ranges, places } = await import("../../ui/components/ranges.js");

const ROW = {
  ...{ name: "Source Modified", address: "/explore?from=7d", low: 1, high: 3, seen: 12 },
  ...{ expected: "1–3", hint: "2 a day on average" },
};
const cells = (view) =>
  [...view.parent.querySelectorAll("tbody tr")].map((row) =>
    [...row.querySelectorAll("th, .count")].map((cell) =>
      [...cell.children]
        .filter((part) => !part.hidden && part.getAttribute("aria-hidden") !== "true")
        .map((part) => part.textContent)
        .join(""),
    ),
  );

test("each row is read as its name, what was expected, and what was seen", () => {
  const usual = { ...ROW, name: HOSTILE[0], address: "//evil.example", seen: 1_200, high: 1_200 };
  const first = { ...ROW, name: "New", low: null, high: null, expected: "–" };
  const view = mount(ranges).draw({ title: "Expected", rows: [ROW, usual, first], note: "N" });
  assert.deepEqual(cells(view), [
    ["Source Modified", "1–3", "above the range: 12"],
    [HOSTILE[0], "1–3", "1,200"],
    ["New", "–", "12"],
  ]);
  const [link, other] = view.parent.querySelectorAll("a");
  assert.equal(link.getAttribute("href"), "/explore?from=7d");
  assert.equal(other.getAttribute("href"), null);
  assert.equal(view.parent.querySelector("img"), null);
  const bars = [...view.parent.querySelectorAll(".track .range")].map((bar) => !bar.hidden);
  assert.deepEqual(bars, [true, true, false]);
  view.draw({ title: "Expected", rows: [first], note: "N" });
  assert.equal(view.parent.querySelector(".legend .range").hidden, true);
});

test("a row ends at nine tenths with its larger number, whatever the numbers are", () => {
  assert.deepEqual(places({ low: 0, high: 0, seen: 0 }), { start: 0, width: 0, at: 0 });
  assert.deepEqual(places({ low: null, high: null, seen: 5 }), { start: 0, width: 0, at: 90 });
  for (const [low, high, seen] of [
    [1, 3, 12],
    [40, 900, 41],
    [0, 1, 1],
    [7, 7, 100_000],
  ]) {
    const { start, width, at } = places({ low, high, seen });
    assert.equal(Math.max(at, Math.round((start + width) * 10) / 10), 90);
    assert.ok(start >= 0 && width >= 0 && at >= 0);
    // Above the range is to the right of the bar.
    assert.equal(seen > high, at > Math.round((start + width) * 10) / 10);
  }
});
