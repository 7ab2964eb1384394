/** Tiles with a figure and a sparkline; each tile is one link. */

import { el, setAddress, setAttr, setText, show, sparkline, svg } from "./dom.js";
import { component, linkRow, renderRows } from "./rows.js";

/**
 * @typedef {{
 *   address: string, name: string, value: string, delta: string, tone: "" | "bad", note: string,
 *   trend: number[], change?: string, badge?: string, level?: "" | "high" | "medium",
 *   hint?: string, unknown?: boolean,
 * }} Tile
 */

const WIDTH = 58;
const HEIGHT = 30;

export default component(
  (parent) => {
    const root = el("div", "root tiles");
    parent.append(root);
    return { root };
  },
  (row, /** @type {{ tiles: Tile[] }} */ data) => {
    renderRows(row.root, data.tiles, (tile) => tile.name, createTile, updateTile);
  },
);

function createTile() {
  const name = el("span", "name");
  const value = el("span", "value");
  const delta = el("span", "delta");
  const badge = el("span", "badge");
  const change = el("strong", "change");
  const rest = el("span", "rest");
  const note = el("span", "note", {}, change, rest);
  const curve = svg("polyline", {});
  const area = svg("polygon", {});
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "trend", "aria-hidden": "true" };
  const head = el("span", "head", {}, value, delta, badge);
  const tile = linkRow("tile", name, head, note, svg("svg", box, area, curve));
  return Object.assign(tile, { name, value, delta, badge, change, rest, curve, area });
}

/** @param {ReturnType<typeof createTile>} view @param {Tile} tile */
function updateTile(view, tile) {
  setAddress(view.node, tile.address);
  setText(view.name, tile.name);
  setText(view.value, tile.value);
  setText(view.delta, tile.delta);
  setText(view.badge, tile.badge);
  show(view.badge, Boolean(tile.badge));
  setAttr(view.badge, "class", `badge ${tile.level || ""}`);
  setText(view.change, tile.change);
  // A note that goes on with a comma has no space before it.
  const gap = tile.change && /^[^,]/.test(tile.note) ? " " : "";
  setText(view.rest, gap + tile.note);
  setAttr(view.node, "title", tile.hint || null);
  view.node.classList.toggle("hatched", Boolean(tile.unknown));
  setAttr(view.delta, "class", `delta ${tile.tone === "bad" ? "bad" : ""}`);
  const line = sparkline(tile.trend, WIDTH, HEIGHT, 4);
  setAttr(view.curve, "points", line);
  setAttr(view.area, "points", line && `1,${HEIGHT} ${line} ${WIDTH - 1},${HEIGHT}`);
}
