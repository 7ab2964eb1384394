/** A card of states: sources of events, and the integrity of the trail. */

import { el, plain, setAddress, setAttr, setText, show, valueSpan } from "./dom.js";
import { component, linkRow, renderRows } from "./rows.js";

/** @typedef {"good" | "high" | "medium" | "low"} Level */
/**
 * @typedef {{
 *   id: string, address: string, mark: string, level: Level, state: string, name: string,
 *   detail: string, side: string,
 * }} Row
 */
/** @typedef {{ rows: Row[], title: string, link: string, address: string }} Data */

const LEVELS = ["good", "high", "medium", "low"];

export default component(
  (parent) => {
    const title = el("h2");
    const link = el("a", "link side");
    const rows = el("div", "rows");
    const section = el("section", "root states", {}, el("div", "head", {}, title, link), rows);
    parent.append(section);
    return { section, title, link, rows };
  },
  (card, /** @type {Data} */ data) => {
    setAttr(card.section, "aria-label", data.title);
    setText(card.title, data.title);
    setText(card.link, data.link);
    setAddress(card.link, data.address);
    show(card.link, data.address !== "");
    renderRows(card.rows, data.rows, (row) => row.id, createRow, updateRow);
  },
);

function createRow() {
  const mark = el("span", "mark", { role: "img" });
  const name = valueSpan("name what");
  const detail = valueSpan("detail second");
  const side = el("span", "second side");
  const row = linkRow("row", mark, el("span", "words", {}, name, detail), side);
  return Object.assign(row, { mark, name, detail, side });
}

/** @param {ReturnType<typeof createRow>} view @param {Row} row */
function updateRow(view, row) {
  setAddress(view.node, row.address);
  setText(view.mark, row.mark);
  setAttr(view.mark, "class", `mark ${LEVELS.includes(row.level) ? row.level : "low"}`);
  setAttr(view.mark, "aria-label", row.state);
  setText(view.name, row.name);
  setText(view.detail, row.detail);
  show(view.detail, row.detail !== "");
  setText(view.side, row.side);
  setAttr(view.node, "title", plain(`${row.state}: ${row.detail || row.side}`));
}
