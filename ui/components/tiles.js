/** Tiles with a figure and a sparkline; each tile is one button. */

import { el, setAttr, setDisabled, setText, sparkline, svg } from "./dom.js";
import { clickableRow, component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/**
 * @typedef {{
 *   id: string, name: string, value: string, delta: string, tone: "" | "bad", note: string,
 *   trend: number[],
 * }} Tile
 */

const WIDTH = 58;
const HEIGHT = 30;

export default component(
  (parent, queue) => {
    const root = el("div", "root tiles");
    parent.append(root);
    return { root, queue };
  },
  (row, /** @type {{ tiles: Tile[] }} */ data) => {
    renderRows(
      row.root,
      data.tiles,
      (tile) => tile.name,
      () => createTile(row.queue),
      updateTile,
    );
  },
);

/** @param {Queue} queue */
function createTile(queue) {
  const name = el("span", "name");
  const value = el("span", "value");
  const delta = el("span", "delta");
  const note = el("span", "note");
  const curve = svg("polyline", {});
  const area = svg("polygon", {});
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "trend", "aria-hidden": "true" };
  const head = el("span", "head", {}, value, delta);
  const tile = clickableRow(queue, "tile", name, head, note, svg("svg", box, area, curve));
  return Object.assign(tile, { name, value, delta, note, curve, area });
}

/** @param {ReturnType<typeof createTile>} view @param {Tile} tile */
function updateTile(view, tile) {
  view.id = tile.id;
  setText(view.name, tile.name);
  setText(view.value, tile.value);
  setText(view.delta, tile.delta);
  setText(view.note, tile.note);
  setAttr(view.delta, "class", `delta ${tile.tone === "bad" ? "bad" : ""}`);
  setDisabled(view.node, !tile.id);
  const line = sparkline(tile.trend, WIDTH, HEIGHT, 4);
  setAttr(view.curve, "points", line);
  setAttr(view.area, "points", line && `1,${HEIGHT} ${line} ${WIDTH - 1},${HEIGHT}`);
}
