/** What charts over time have in common: places in percent, spans, and the labels of the axis. */

import { el, setText } from "./dom.js";
import { renderRows } from "./rows.js";

/** @typedef {{ start: number, end: number, kind: string, text?: string }} Span */
/** @typedef {{ at: number, text: string }} Tick */

/** @param {number} at @param {number} count */
export function percent(at, count) {
  return `${((100 * at) / Math.max(count, 1)).toFixed(3)}%`;
}

/** @param {HTMLElement} node @param {number} start @param {number} end @param {number} count */
export function place(node, start, end, count) {
  node.style.left = percent(start, count);
  node.style.width = percent(end - start, count);
}

/** @param {HTMLElement} parent @param {Span[]} spans @param {number} count bars of the chart */
export function drawSpans(parent, spans, count) {
  renderRows(
    parent,
    spans,
    (_, index) => index,
    () => {
      const label = el("span", "span-text", { "aria-hidden": "true" });
      return { node: el("div", "", {}, label), label };
    },
    ({ node, label }, span) => {
      node.className = `chart-${span.kind}${span.start === span.end ? " line" : ""}`;
      setText(label, span.text || "");
      // Text at the right edge grows to the left, where it has room.
      label.classList.toggle("left", (span.start + span.end) / 2 > count / 2);
      place(node, span.start, span.end, count);
    },
  );
}

/** @param {HTMLElement} parent @param {Tick[]} ticks @param {number} count bars of the chart */
export function drawTicks(parent, ticks, count) {
  renderRows(
    parent,
    ticks,
    (_, index) => index,
    () => ({ node: el("span", "chart-tick") }),
    ({ node }, tick) => {
      // At the right edge a label has no room.
      setText(node, tick.at < count * 0.92 ? tick.text : "");
      node.style.left = percent(tick.at, count);
    },
  );
  if (!watched.has(parent)) {
    watched.add(parent);
    new ResizeObserver(() => keepApart(parent)).observe(parent);
  }
  keepApart(parent);
}

/** @type {WeakSet<HTMLElement>} Axes whose width is followed. */
const watched = new WeakSet();
const GAP = 4;

/** Hide the labels that would run into the one before. @param {HTMLElement} parent */
function keepApart(parent) {
  let end = Number.NEGATIVE_INFINITY;
  for (const node of /** @type {Iterable<HTMLElement>} */ (parent.children)) {
    const fits = node.offsetLeft >= end;
    node.style.visibility = fits ? "" : "hidden";
    if (fits && node.textContent) end = node.offsetLeft + node.offsetWidth + GAP;
  }
}
