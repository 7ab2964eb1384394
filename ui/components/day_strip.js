/** Failed attempts per day: a row for each target, a cell for each day; each row is one button. */

import { el, formatNumber, plain, setAttr, setText, valueSpan } from "./dom.js";
import { clickableRow, component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ name: string, tick: string, unknown?: boolean }} Day */
/**
 * @typedef {{
 *   id: string, name: string, label: string, values: number[], current?: boolean,
 *   levels?: string[], glyph?: string, tone?: string, state?: string, assignee?: string,
 * }} Row
 */

/** What a level of a day means. */
const LEVELS = {
  none: "no failed attempt",
  some: "some attempts of a run failed",
  every: "a run failed on every attempt",
  nodata: "no data",
};

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
  const glyph = el("span", "strip-glyph", { "aria-hidden": "true" });
  const name = valueSpan("strip-name");
  const cells = el("span", "strip-cells", { "aria-hidden": "true" });
  const label = el("span", "unseen");
  const state = el("span", "strip-state");
  const assignee = valueSpan("strip-assignee");
  const row = clickableRow(queue, "strip-row", glyph, name, label, cells, state, assignee);
  return Object.assign(row, { glyph, name, label, cells, state, assignee });
}

/** @param {ReturnType<typeof createRow>} view @param {Row} row @param {Day[]} days */
function updateRow(view, row, days) {
  view.id = row.id;
  setText(view.name, row.name);
  setAttr(view.name, "title", plain(row.name));
  view.node.classList.toggle("current", Boolean(row.current));
  setText(view.label, row.label);
  view.node.classList.toggle("spot", Boolean(row.levels));
  for (const part of /** @type {const} */ (["glyph", "state", "assignee"])) {
    setText(view[part], row[part] || "");
    view[part].hidden = row[part] === undefined;
  }
  setAttr(view.glyph, "data-tone", row.tone || null);
  setAttr(view.state, "data-tone", row.tone || null);
  setAttr(view.state, "title", row.state ? plain(row.state) : null);
  const create = () => ({ node: el("span", "strip-cell") });
  renderRows(
    view.cells,
    row.values,
    (_, index) => index,
    create,
    ({ node }, count, index) => {
      const day = days[index];
      const level = row.levels?.[index] || (day?.unknown && !count ? "nodata" : undefined);
      setAttr(node, "data-level", level || cellLevel(count));
      setText(node, (!level && count) || "");
      setAttr(node, "title", cellTitle(day?.name, count, level));
    },
  );
}

/**
 * @param {string | undefined} day
 * @param {number} count failed attempts
 * @param {string} [level]
 */
function cellTitle(day, count, level) {
  if (!level) return count ? `${day}: ${formatNumber(count)}` : null;
  const meaning = LEVELS[/** @type {keyof typeof LEVELS} */ (level)];
  return count
    ? `${day}: ${formatNumber(count)} failed attempts, ${meaning}`
    : `${day}: ${meaning}`;
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
