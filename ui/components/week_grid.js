/** Events by weekday and hour; each cell is one button whose shade shows the average. */

import { el, setAttr, setDisabled, setText } from "./dom.js";
import { clickableRow, component, renderRows } from "./rows.js";

/**
 * @typedef {{
 *   key: string, id: string, text: string, share?: number, unknown?: boolean, empty?: boolean,
 * }} Cell
 */

export default component(
  (parent, queue) => {
    const root = el("div", "root week", { role: "group" });
    parent.append(root);
    return { root, queue };
  },
  (grid, /** @type {{ cells: Cell[], label: string }} */ data) => {
    setAttr(grid.root, "aria-label", data.label);
    const create = (/** @type {Cell} */ cell) =>
      cell.id ? clickableRow(grid.queue, "week-cell") : { node: el("span", "week-head"), id: "" };
    renderRows(grid.root, data.cells, (cell) => cell.key, create, updateCell);
  },
);

/** @param {{ node: HTMLElement, id: string }} view @param {Cell} cell */
function updateCell(view, cell) {
  view.id = cell.id;
  if (!(view.node instanceof HTMLButtonElement)) {
    setText(view.node, cell.text);
    return;
  }
  view.node.style.setProperty("--share", String(cell.share));
  view.node.classList.toggle("unknown", Boolean(cell.unknown));
  setAttr(view.node, "title", cell.text);
  setAttr(view.node, "aria-label", cell.text);
  setDisabled(view.node, Boolean(cell.empty));
}
