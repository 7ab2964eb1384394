/** Bars over time; the pointer or the arrow keys select a range of bars. */

import { bandPath, barPath, HEIGHT, levels, stepPath, valueScale } from "./chart_shapes.js";
import {
  el,
  formatNumber,
  plain,
  setAttr,
  setColor,
  setText,
  show,
  svg,
  valueSpan,
} from "./dom.js";
import { component, renderRows } from "./rows.js";
import { drawSpans, drawTicks, percent, place } from "./time_axis.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ name: string, square: string, counts: number[] }} Series */
/** @typedef {import("./chart_shapes.js").Values} Values */
/** @typedef {{ low: Values, median: Values, high: Values }} Expected */
/** @typedef {{ kind: string, text: string }} LegendEntry */
/** @typedef {import("./time_axis.js").Span} Span */
/** @typedef {import("./time_axis.js").Tick} Tick */
/**
 * @typedef {{
 *   label: string, height: number, edges: number[], labels: string[], series: Series[],
 *   ticks: Tick[], spans: Span[], notes?: Record<number, string>, expected?: Expected,
 *   before?: (number | null)[], legend?: LegendEntry[], click?: boolean,
 * }} Data
 */
/** @typedef {ReturnType<typeof build>} Chart */

const MIN_BAR = 12;
const MOST_NAMED = 3;
// A shorter drag is a click.
const MIN_DRAG_PX = 4;

export default component(build, draw);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const bars = svg("svg", { class: "bars", preserveAspectRatio: "none", "aria-hidden": "true" });
  const grid = el("div", "layer");
  const spans = el("div", "layer");
  const cursor = el("div", "cursor");
  const range = el("div", "range");
  const [head, note, rows] = [el("div", "tip-head"), el("div", "tip-note"), el("div")];
  const usual = el("div", "tip-note");
  const tip = {
    node: el("div", "chart-tip", {}, head, note, rows, usual),
    ...{ head, note, rows, usual },
  };
  const plot = el("div", "plot", { role: "slider", tabindex: "0", "aria-valuemin": "0" });
  plot.append(grid, spans, bars, cursor, range, tip.node);
  const axis = el("div", "axis", { "aria-hidden": "true" });
  const legend = el("div", "legend");
  const root = el("div", "root time-chart", {}, plot, axis, legend);
  parent.append(root);
  const chart = {
    queue,
    root,
    plot,
    bars,
    grid,
    spans,
    cursor,
    range,
    tip,
    axis,
    legend,
    /** @type {Element[]} */
    paths: [],
    /** @type {Data} */
    data: { label: "", height: 0, edges: [], labels: [], series: [], ticks: [], spans: [] },
    /** The bar under the pointer or the keyboard's cursor. @type {number | null} */
    at: null,
    /** The bar at which the selection starts. @type {number | null} */
    anchor: null,
    /** Where the pointer went down, in px. @type {number | null} */
    pressed: null,
  };
  plot.addEventListener("pointermove", (event) => onMove(chart, event));
  plot.addEventListener("pointerleave", () => chart.pressed === null && clear(chart));
  plot.addEventListener("pointercancel", () => clear(chart));
  plot.addEventListener("pointerdown", (event) => onDown(chart, event));
  plot.addEventListener("pointerup", (event) => onUp(chart, event));
  plot.addEventListener("keydown", (event) => onKey(chart, event));
  plot.addEventListener("blur", () => clear(chart));
  return chart;
}

/** @param {Chart} chart @param {Data} data */
function draw(chart, data) {
  const changed = chart.data.edges.join() !== data.edges.join();
  chart.data = data;
  if (changed) clear(chart);
  const number = data.labels.length;
  const scale = valueScale(highest(data));
  chart.root.style.setProperty("--height", `${data.height}px`);
  setAttr(chart.plot, "aria-label", `${data.label}. Arrow keys move, Shift selects, Enter applies`);
  setAttr(chart.plot, "aria-valuemax", Math.max(number - 1, 0));
  setAttr(chart.bars, "viewBox", `0 0 ${Math.max(number, 1)} ${HEIGHT}`);
  chart.plot.classList.toggle("clickable", Boolean(data.click));
  drawBars(chart, scale.top);
  renderRows(
    chart.grid,
    scale.ticks,
    (tick) => tick,
    createLine,
    (view, tick) => {
      view.node.style.top = `${100 - (100 * tick) / scale.top}%`;
      setText(view.label, formatNumber(tick));
    },
  );
  drawSpans(chart.spans, data.spans, number);
  renderRows(chart.legend, data.legend || [], (entry) => entry.kind, createEntry, updateEntry);
  show(chart.legend, Boolean(data.legend?.length));
  drawTicks(chart.axis, data.ticks, number);
  showCursor(chart);
}

/** @param {Chart} chart @param {number} top the value at the top of the chart */
function drawBars(chart, top) {
  const { series, before, expected } = chart.data;
  const number = series.length + 3;
  while (chart.paths.length > number) chart.paths.pop()?.remove();
  while (chart.paths.length < number) {
    const path = svg("path", {});
    chart.paths.push(path);
    chart.bars.append(path);
  }
  const base = chart.data.labels.map(() => 0);
  // Very narrow bars touch, so that they do not vanish between two pixels.
  const gap = base.length > 400 ? 0 : 0.08;
  series.forEach((part, index) => {
    const path = /** @type {SVGElement} */ (chart.paths[index]);
    setAttr(path, "class", "");
    if (part.square) setColor(path, "--fill", part.square);
    setAttr(path, "d", barPath(part.counts, base, top, gap, isFew(series) ? MIN_BAR : 0));
  });
  // Above the bars, which would hide where they end within the range.
  const [earlier, band, line] = /** @type {[Element, Element, Element]} */ (
    chart.paths.slice(series.length)
  );
  setAttr(earlier, "class", "before");
  setAttr(earlier, "d", before ? levels(before, top) : "");
  setAttr(band, "class", "expected");
  setAttr(band, "d", expected ? bandPath(expected.low, expected.high, top) : "");
  setAttr(line, "class", "median");
  setAttr(line, "d", expected ? stepPath(expected.median, top) : "");
}

/** Return whether each part is drawn and named, however small. @param {Series[]} series */
function isFew(series) {
  return series.length <= MOST_NAMED;
}

/** @param {Data} data */
function highest(data) {
  const totals = data.labels.map((_, at) => total(data, at));
  const others = [...(data.before || []), ...(data.expected?.high || [])];
  return [...totals, ...others].reduce((most, value) => Math.max(most || 0, value || 0), 0) || 0;
}

/** Return what is usual for a bar, or nothing. @param {Data} data @param {number} at */
function usualText({ expected }, at) {
  const [low, median, high] = [expected?.low[at], expected?.median[at], expected?.high[at]];
  if (low == null || median == null || high == null) return "";
  const range = `${formatNumber(low)} to ${formatNumber(high)}`;
  return `expected ${range}, median ${formatNumber(median)}`;
}

/** @param {Data} data @param {number} at */
function total(data, at) {
  return data.series.reduce((sum, part) => sum + (part.counts[at] || 0), 0);
}

function createLine() {
  const label = el("span", "value");
  return { node: el("div", "grid", {}, label), label };
}

/** @param {Chart} chart @param {number} x in px @returns {number | null} the bar there */
function barAt({ plot, data }, x) {
  const box = plot.getBoundingClientRect();
  const number = data.labels.length;
  if (!box.width || !number) return null;
  const at = Math.floor(((x - box.left) / box.width) * number);
  return Math.max(0, Math.min(at, number - 1));
}

/** @param {Chart} chart @param {PointerEvent} event */
function onMove(chart, event) {
  chart.at = barAt(chart, event.clientX);
  if (chart.pressed !== null && Math.abs(event.clientX - chart.pressed) >= MIN_DRAG_PX) {
    chart.anchor = barAt(chart, chart.pressed);
  }
  showCursor(chart);
}

/** @param {Chart} chart @param {PointerEvent} event */
function onDown(chart, event) {
  if (event.button !== 0) return;
  chart.pressed = event.clientX;
  chart.anchor = null;
  // Keeps the drag when the pointer leaves the chart.
  chart.plot.setPointerCapture?.(event.pointerId);
}

/** @param {Chart} chart @param {PointerEvent} event */
function onUp(chart, event) {
  if (chart.pressed === null) return;
  onMove(chart, event);
  chart.pressed = null;
  if (chart.data.click) chart.anchor ??= chart.at;
  if (chart.anchor !== null) apply(chart);
  else showCursor(chart);
}

/** @param {Chart} chart @param {KeyboardEvent} event */
function onKey(chart, event) {
  const last = chart.data.labels.length - 1;
  if (last < 0) return;
  const here = chart.at ?? last;
  const moves = new Map([
    ["ArrowLeft", chart.at === null ? last : here - 1],
    ["ArrowRight", chart.at === null ? 0 : here + 1],
    ["Home", 0],
    ["End", last],
  ]);
  const to = moves.get(event.key);
  if (to !== undefined) {
    if (!event.shiftKey) chart.anchor = null;
    else chart.anchor ??= here;
    chart.at = Math.max(0, Math.min(to, last));
    showCursor(chart);
  } else if (event.key === "Enter" && chart.at !== null) {
    chart.anchor ??= chart.at;
    apply(chart);
  } else if (event.key === "Escape" && chart.at !== null) {
    clear(chart);
  } else {
    return;
  }
  event.preventDefault();
}

/** Report the selected range. @param {Chart} chart */
function apply(chart) {
  const { edges } = chart.data;
  const [first, last] = selected(chart);
  const [start, end] = [edges[first], edges[last + 1]];
  if (start !== undefined && end !== undefined) chart.queue.send({ start, end });
  // The selection stays visible until the answer arrives.
  chart.at = null;
  showCursor(chart);
}

/** @param {Chart} chart */
function clear(chart) {
  chart.at = chart.anchor = chart.pressed = null;
  show(chart.range, false);
  showCursor(chart);
}

/** @param {Chart} chart @returns {[number, number]} the first and the last selected bar */
function selected({ anchor, at }) {
  const [one, other] = [anchor ?? at ?? 0, at ?? anchor ?? 0];
  return [Math.min(one, other), Math.max(one, other)];
}

/** Draw what follows the pointer or the keyboard. @param {Chart} chart */
function showCursor(chart) {
  const { at, anchor, data, cursor, range, tip, plot } = chart;
  const number = data.labels.length;
  show(cursor, at !== null);
  show(tip.node, at !== null);
  if (at === null || at >= number) {
    setAttr(plot, "aria-valuenow", Math.max(number - 1, 0));
    setAttr(plot, "aria-valuetext", describe(data, number - 1));
    return;
  }
  const [first, last] = selected(chart);
  place(cursor, at, at + 1, number);
  show(range, anchor !== null);
  place(range, first, last + 1, number);
  setAttr(plot, "aria-valuenow", at);
  const through = first === last ? "" : `${plain(data.labels[first])} to `;
  setAttr(plot, "aria-valuetext", through + describe(data, at));
  setText(tip.head, first === last ? data.labels[at] : rangeLabel(data, first, last));
  const note = first === last ? data.notes?.[at] : "";
  setText(tip.note, note || "");
  show(tip.note, Boolean(note));
  const usual = first === last ? usualText(data, at) : "";
  setText(tip.usual, usual && `E${usual.slice(1)}`);
  show(tip.usual, usual !== "");
  const parts = data.series.map(({ name, square, counts }) => ({
    name,
    square,
    count: counts.slice(first, last + 1).reduce((sum, count) => sum + count, 0),
  }));
  const rows = parts.length > 1 ? parts.filter((part) => part.count).reverse() : parts;
  renderRows(tip.rows, rows, (row) => row.name, createTipRow, updateTipRow);
  // To the left of the cursor in the right half, so that it stays inside.
  tip.node.classList.toggle("left", at > number / 2);
  tip.node.style.left = percent(at > number / 2 ? at : at + 1, number);
}

/** @param {Data} data @param {number} at */
function describe(data, at) {
  if (at < 0) return "No events";
  const events = `${formatNumber(total(data, at))} events`;
  const parts = data.series.length > 1 && isFew(data.series) ? data.series : [];
  const counted = parts.filter(({ counts }) => counts[at]);
  const named = counted.map(({ name, counts }) => `${name} ${formatNumber(counts[at] || 0)}`);
  const more = [...named, usualText(data, at), data.notes?.[at]].filter(Boolean);
  return `${plain(data.labels[at])}: ${[events, ...more].join(", ")}`;
}

/** @param {Data} data @param {number} first @param {number} last */
function rangeLabel(data, first, last) {
  return `${plain(data.labels[first])} to ${plain(data.labels[last])}`;
}

function createEntry() {
  const sign = el("span", "", { "aria-hidden": "true" });
  const label = el("span");
  return { node: el("div", "entry", {}, sign, label), sign, label };
}

/** @param {ReturnType<typeof createEntry>} view @param {LegendEntry} entry */
function updateEntry(view, entry) {
  view.sign.className = `sign ${entry.kind}`;
  show(view.sign, entry.kind !== "");
  setText(view.label, entry.text);
}

function createTipRow() {
  const square = el("span", "square");
  const name = valueSpan("name");
  const count = el("span", "count");
  return { node: el("div", "tip-row", {}, square, name, count), square, name, count };
}

/**
 * @param {ReturnType<typeof createTipRow>} view
 * @param {{ name: string, square: string, count: number }} row
 */
function updateTipRow(view, row) {
  show(view.square, row.square !== "");
  if (row.square) setColor(view.square, "--square", row.square);
  setText(view.name, row.name);
  setText(view.count, formatNumber(row.count));
}
