/** The rows of a table: cells that are drawn again only where their content changed. */

import { el, setAddress, setAttr } from "./dom.js";
import { drawCell } from "./table_cells.js";

/** @typedef {import("./table_cells.js").Cell} Cell */
/** @typedef {{ id: string, cells: Cell[], fresh?: boolean }} Row */
/**
 * @typedef {{
 *   columns: import("./table_cells.js").Column[], main: string, lead: string, opens: boolean,
 *   link: string, marks: string[],
 * }} Drawn what the rows show of the data of the table
 */
/** @typedef {ReturnType<typeof createRow>} RowView */

/** @param {Row} row */
export function createRow(row) {
  const main = el("a", "main");
  /** @type {{ node: HTMLElement, inner: HTMLElement, drawn: string }[]} */
  const cells = [];
  return { node: el("tr"), row, main, cells, names: "" };
}

/**
 * @param {RowView} view
 * @param {Row} row
 * @param {Drawn} data
 * @param {string} names of the columns
 */
export function updateRow(view, row, data, names) {
  view.row = row;
  setAttr(view.node, "class", row.fresh ? "fresh" : null);
  if (view.names !== names) {
    view.names = names;
    view.cells = data.columns.map((column) => {
      const isMain = data.opens && column.name === data.main;
      const inner = isMain ? view.main : el("span");
      inner.classList.add("value");
      setAttr(inner, "dir", "auto");
      const node = el("td", column.mono ? "mono" : "", {});
      setAttr(node, "data-align", column.align);
      const isLead = column.name === data.lead;
      setAttr(node, "data-place", isMain ? "main" : isLead ? "lead" : null);
      return { node, inner, drawn: "\n" };
    });
    view.node.replaceChildren(...view.cells.map((cell) => cell.node));
  }
  if (data.opens) {
    // Without an address it is a button that looks the same.
    setAddress(view.main, data.link && data.link + encodeURIComponent(row.id));
    setAttr(view.main, "role", data.link ? null : "button");
  }
  view.cells.forEach((cell, index) => {
    const content = row.cells[index];
    const marks = data.columns[index]?.unmarked ? [] : data.marks;
    const drawn = JSON.stringify([content, marks]);
    if (drawn === cell.drawn) return;
    cell.drawn = drawn;
    drawCell(cell.node, cell.inner, content, marks);
  });
}
