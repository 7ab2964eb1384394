/** The list of items that need attention; each row is one link. */

import { el, plain, setAddress, setAttr, setText, show, valueSpan } from "./dom.js";
import { component, linkRow, renderRows } from "./rows.js";

/** @typedef {"high" | "medium" | "low"} Level */
/** @typedef {{ id: string, address: string, level: Level, what: string, why: string, age: string }} Item */

/** @type {Record<Level, { glyph: string, label: string }>} */
const LEVELS = {
  high: { glyph: "▲", label: "High" },
  medium: { glyph: "◆", label: "Medium" },
  low: { glyph: "○", label: "Low" },
};

export default component(
  (parent) => {
    const rows = el("div", "rows");
    const empty = el("p", "second", {}, "Nothing needs attention in this window.");
    const title = el("h2", "", {}, "Needs attention");
    parent.append(
      el("section", "root needs", { "aria-label": "Needs attention" }, title, rows, empty),
    );
    return { rows, empty };
  },
  (list, /** @type {{ rows: Item[] }} */ data) => {
    renderRows(list.rows, data.rows, (row) => row.id, createRow, updateRow);
    show(list.empty, data.rows.length === 0);
  },
);

function createRow() {
  const glyph = el("span", "glyph", { role: "img" });
  const what = valueSpan("name what");
  const why = valueSpan("name second");
  const age = el("span", "second age");
  const row = linkRow("row", glyph, el("span", "words", {}, what, why), age);
  return Object.assign(row, { glyph, what, why, age });
}

/** @param {ReturnType<typeof createRow>} row @param {Item} item */
function updateRow(row, item) {
  const { glyph, label } = LEVELS[item.level] || LEVELS.low;
  setAddress(row.node, item.address);
  setText(row.glyph, glyph);
  setAttr(row.glyph, "class", `glyph ${label.toLowerCase()}`);
  setAttr(row.glyph, "aria-label", label);
  setText(row.what, item.what);
  setText(row.why, item.why);
  setText(row.age, item.age);
  setAttr(row.node, "title", plain(item.what));
}
