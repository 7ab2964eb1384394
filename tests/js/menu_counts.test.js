import assert from "node:assert/strict";
import { test } from "node:test";
import "./mount.js";
import menuCounts from "../../ui/menu_counts.js";

globalThis.CSSStyleSheet = window.CSSStyleSheet;
const rules = () =>
  document.adoptedStyleSheets.flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText);

test("each run replaces the numbers of the one before", () => {
  const counts = [
    { path: "failures", number: "5", meaning: "5 open" },
    { path: "unusual", number: "1,007", meaning: "1,007 to review" },
  ];
  menuCounts({ data: { counts } });
  assert.equal(rules().length, 2);
  assert.match(rules()[0], /href\$="\/failures".*content: "5" \/ " 5 open"/);
  menuCounts({ data: { counts: counts.slice(1) } });
  assert.equal(rules().length, 1);
  assert.match(rules()[0], /href\*="\/unusual\?".*content: "1,007"/);
  menuCounts({ data: { counts: [] } });
  assert.deepEqual(rules(), []);
});
