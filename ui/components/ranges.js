/** What is usual against what was seen: a bar for the range and a mark for the number, by row. */

import { el, formatNumber, plain, setAddress, setAttr, setText, show, valueSpan } from "./dom.js";
import { component, renderRows } from "./rows.js";

/**
 * @typedef {{
 *   name: string, address: string, low: number | null, high: number | null, seen: number,
 *   expected: string, hint: string,
 * }} Row
 */

export default component(
  (parent) => {
    const title = el("caption");
    const head = el("tr");
    for (const name of ["On this day", "", "Expected", "Seen"]) {
      head.append(name ? el("th", "", { scope: "col" }, name) : el("td"));
    }
    const rows = el("tbody");
    const table = el("table", "", {}, title, el("thead", "", {}, head), rows);
    const key = el("i", "range key", { "aria-hidden": "true" });
    const note = el("span");
    const legend = el("p", "legend", {}, key, note);
    parent.append(el("div", "root ranges", {}, table, legend));
    return { title, rows, note, key };
  },
  (view, /** @type {{ title: string, rows: Row[], note: string }} */ data) => {
    setText(view.title, data.title);
    setText(view.note, data.note);
    const hasRange = data.rows.some((row) => row.low !== null);
    show(view.key, hasRange);
    renderRows(view.rows, data.rows, (row) => row.name, createRow, updateRow);
  },
);

function createRow() {
  const name = el("a", "name", { dir: "auto" });
  const range = el("i", "range");
  const mark = el("i", "mark");
  const expected = valueSpan("");
  const glyph = el("span", "glyph", {}, "▲ ");
  const above = el("span", "unseen", {}, "above the range: ");
  const seen = el("span");
  const node = el(
    "tr",
    "",
    {},
    el("th", "label", { scope: "row" }, name),
    el("td", "scale", { "aria-hidden": "true" }, el("div", "track", {}, range, mark)),
    el("td", "count second", {}, expected),
    el("td", "count seen", {}, glyph, above, seen),
  );
  glyph.setAttribute("aria-hidden", "true");
  return { node, name, range, mark, expected, glyph, above, seen };
}

/** @param {ReturnType<typeof createRow>} view @param {Row} row */
function updateRow(view, row) {
  const isAbove = row.high !== null && row.seen > row.high;
  const { start, width, at } = places(row);
  setText(view.name, row.name);
  setAddress(view.name, row.address);
  setAttr(view.name, "title", plain(row.name));
  setAttr(view.node, "title", plain(row.hint));
  setAttr(view.node, "class", isAbove ? "above" : null);
  show(view.range, row.low !== null);
  view.range.style.left = `${start}%`;
  view.range.style.width = `max(3px, ${width}%)`;
  view.mark.style.left = `${at}%`;
  setText(view.expected, row.expected);
  setText(view.seen, formatNumber(row.seen));
  show(view.glyph, isAbove);
  show(view.above, isAbove);
}

/**
 * Return where the range and the mark of a row are, in percent; the larger end is at 90 %.
 *
 * @param {{ low: number | null, high: number | null, seen: number }} row
 */
export function places({ low, high, seen }) {
  const full = Math.max(high ?? 0, seen, 1) / 90;
  const start = (low ?? 0) / full;
  const round = (/** @type {number} */ share) => Math.round(share * 10) / 10;
  return {
    start: round(start),
    width: round((high ?? 0) / full - start),
    at: round(seen / full),
  };
}
