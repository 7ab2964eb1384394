/** Failed attempts per day: a row for each target, a cell for each day; each row is one button. */

import { el, formatNumber, plain, setAttr, setText, valueSpan } from "./dom.js";
import { clickableRow, component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ name: string, tick: string }} Day */
/** @typedef {{ id: string, name: string, label: string, values: number[], current?: boolean }} Row */

export default component(
  (parent, queue) => {
    const rows = el("div", "strip-rows");
    const days = el("div", "strip-days", { "aria-hidden": "true" });
    const root = el("div", "root strip", {}, rows, days);
    parent.append(root);
    return { root, rows, days, queue };
  },
  (strip, /** @type {{ rows: Row[], days: Day[] }} */ data) => {
    strip.root.style.setProperty("--days", String(data.days.length));
    const create = () => createRow(strip.queue);
    renderRows(
      strip.rows,
      data.rows,
      (row) => row.id,
      create,
      (view, row) => updateRow(view, row, data.days),
    );
    const tick = () => ({ node: el("span", "strip-day") });
    renderRows(
      strip.days,
      data.days,
      (_, index) => index,
      tick,
      (view, day) => setText(view.node, day.tick),
    );
  },
);

/** @param {Queue} queue */
function createRow(queue) {
  const name = valueSpan("strip-name");
  const cells = el("span", "strip-cells", { "aria-hidden": "true" });
  const label = el("span", "unseen");
  const row = clickableRow(queue, "strip-row", name, label, cells);
  return Object.assign(row, { name, label, cells });
}

/** @param {ReturnType<typeof createRow>} view @param {Row} row @param {Day[]} days */
function updateRow(view, row, days) {
  view.id = row.id;
  setText(view.name, row.name);
  setAttr(view.name, "title", plain(row.name));
  view.node.classList.toggle("current", Boolean(row.current));
  setText(view.label, row.label);
  const create = () => ({ node: el("span", "strip-cell") });
  renderRows(
    view.cells,
    row.values,
    (_, index) => index,
    create,
    ({ node }, count, index) => {
      setAttr(node, "data-level", cellLevel(count));
      setText(node, count || "");
      setAttr(node, "title", count ? `${days[index]?.name}: ${formatNumber(count)}` : null);
    },
  );
}

/**
 * Return the shade of a cell, 0 to 3.
 *
 * @param {number} count failed attempts of the day
 */
export function cellLevel(count) {
  if (count >= 15) return 3;
  if (count >= 5) return 2;
  return count ? 1 : 0;
}
