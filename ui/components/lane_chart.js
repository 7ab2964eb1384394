/** Lanes over time; the pointer or the arrow keys read marks, a click or Enter opens their events. */

import { el, formatNumber, plain, setAttr, setText, show, svg, valueSpan } from "./dom.js";
import { activeElement, component, renderRows, rowAfterKey } from "./rows.js";
import { drawSpans, drawTicks } from "./time_axis.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./time_axis.js").Span} Span */
/** @typedef {import("./time_axis.js").Tick} Tick */
/** @typedef {[bar: number, events: number, failed: number, destructive: number]} Point */
/** @typedef {{ value: string, label: string, points: Point[] }} Lane */
/**
 * @typedef {{
 *   label: string, edges: number[], labels: string[], lanes: Lane[],
 *   ticks: Tick[], spans: Span[],
 * }} Data
 */
/** @typedef {ReturnType<typeof build>} Chart */
/**
 * @typedef {{
 *   node: HTMLElement, name: HTMLElement, track: HTMLElement, paths: Element[], lane: Lane,
 *   at: number | null,
 * }} LaneView `at` is the place in `points` of the keyboard's cursor.
 */

const ROW = 26;
const REACH_PX = 9;
/** Marks of one bar are side by side; they differ by shape as well as by color. */
const MARKS = /** @type {const} */ ([
  { name: "events", words: "events", shift: 0, shape: circle },
  { name: "failed", words: "failed attempts", shift: 0.17, shape: cross },
  { name: "destructive", words: "destructive changes", shift: -0.17, shape: diamond },
]);

export default component(build, draw);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const spans = el("div", "lane-spans");
  const lanes = el("div", "lane-rows", { role: "group" });
  const tip = {
    node: el("div", "chart-tip lane-tip"),
    head: el("div", "tip-head"),
    text: el("div"),
  };
  tip.node.append(tip.head, tip.text);
  const axis = el("div", "lane-axis", { "aria-hidden": "true" });
  const root = el("div", "root lane-chart", {}, spans, lanes, tip.node, axis);
  parent.append(root);
  const chart = {
    queue,
    spans,
    lanes,
    tip,
    axis,
    /** The width of a lane, in px. */
    width: 0,
    /** @type {LaneView[]} */
    views: [],
    /** @type {Data} */
    data: { label: "", edges: [], labels: [], lanes: [], ticks: [], spans: [] },
  };
  show(tip.node, false);
  new ResizeObserver(() => {
    const width = axis.clientWidth;
    if (width === chart.width) return;
    chart.width = width;
    drawMarks(chart);
  }).observe(axis);
  return chart;
}

/** @param {Chart} chart @param {Data} data */
function draw(chart, data) {
  chart.data = data;
  setAttr(chart.lanes, "aria-label", `${data.label}. Arrow keys move, Enter opens the events`);
  const { views } = renderRows(
    chart.lanes,
    data.lanes,
    (lane) => lane.value,
    () => createLane(chart),
    (view, lane, index) => {
      view.lane = lane;
      setText(view.name, lane.label);
      setAttr(view.name, "title", plain(lane.label));
      setAttr(view.track, "aria-label", plain(lane.label));
      setAttr(view.track, "aria-valuemax", Math.max(lane.points.length - 1, 0));
      setAttr(view.track, "tabindex", index ? -1 : 0);
      describe(chart, view, lane.points[lane.points.length - 1]);
    },
  );
  chart.views = views;
  const number = data.labels.length;
  drawSpans(chart.spans, data.spans, number);
  drawTicks(chart.axis, data.ticks, number);
  drawMarks(chart);
  if (!views.some((view) => view.track === activeElement(chart.lanes))) show(chart.tip.node, false);
}

/** @param {Chart} chart @returns {LaneView} */
function createLane(chart) {
  const name = valueSpan("name lane-name");
  const paths = MARKS.map((mark) => svg("path", { class: mark.name }));
  const marks = svg(
    "svg",
    { class: "marks", height: String(ROW), "aria-hidden": "true" },
    ...paths,
  );
  const track = el("div", "track", { role: "slider", "aria-valuemin": "0" });
  track.append(marks);
  /** @type {LaneView} */
  const view = {
    node: el("div", "lane", {}, name, track),
    name,
    track,
    paths,
    lane: { value: "", label: "", points: [] },
    at: null,
  };
  const under = (/** @type {MouseEvent} */ event) => pointAt(chart, view, event.clientX);
  track.addEventListener("pointermove", (event) => showTip(chart, view, under(event)));
  track.addEventListener("pointerleave", () => show(chart.tip.node, false));
  track.addEventListener("blur", () => show(chart.tip.node, false));
  track.addEventListener("click", (event) => open(chart, view, under(event)));
  track.addEventListener("keydown", (event) => onKey(chart, view, event));
  return view;
}

/** @param {Chart} chart */
function drawMarks({ views, width, data }) {
  const step = width / Math.max(data.labels.length, 1);
  if (!step) return;
  const points = data.lanes.flatMap((lane) => lane.points);
  const most = points.reduce((high, [, ...counts]) => Math.max(high, ...counts), 1);
  for (const view of views) {
    MARKS.forEach(({ shift, shape }, kind) => {
      let path = "";
      for (const point of view.lane.points) {
        const count = point[kind + 1] || 0;
        if (count) {
          const x = (point[0] + 0.5 + shift) * step;
          path += shape(
            Number(x.toFixed(1)),
            Number((2.5 + 6.5 * Math.sqrt(count / most)).toFixed(1)),
          );
        }
      }
      setAttr(/** @type {Element} */ (view.paths[kind]), "d", path);
    });
  }
}

/** @param {number} x @param {number} r */
function circle(x, r) {
  return `M${x - r} 13a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
}

/** @param {number} x @param {number} r */
function cross(x, r) {
  const s = Math.min(r, 4);
  return `M${x - s} ${13 - s}l${2 * s} ${2 * s}m${-2 * s} 0l${2 * s} ${-2 * s}`;
}

/** @param {number} x @param {number} r */
function diamond(x, r) {
  return `M${x} ${13 - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;
}

/** @param {Chart} chart @param {LaneView} view @param {number} x in px @returns {Point | undefined} */
function pointAt({ data }, view, x) {
  const box = view.track.getBoundingClientRect();
  const step = box.width / Math.max(data.labels.length, 1);
  const away = (/** @type {Point} */ point) =>
    Math.abs(box.left + (point[0] + 0.5) * step - x) - step / 2;
  const nearest = view.lane.points.reduce(
    (/** @type {Point | undefined} */ best, point) =>
      best && away(best) <= away(point) ? best : point,
    undefined,
  );
  return nearest && away(nearest) <= REACH_PX ? nearest : undefined;
}

/** @param {Chart} chart @param {LaneView} view @param {Point | undefined} point */
function open({ data, queue }, view, point) {
  if (!point) return;
  const [start, end] = [data.edges[point[0]], data.edges[point[0] + 1]];
  queue.send({ value: view.lane.value, start, end });
}

/** @param {Chart} chart @param {LaneView} view @param {KeyboardEvent} event */
function onKey(chart, view, event) {
  const { points } = view.lane;
  const last = points.length - 1;
  const here = view.at ?? last + 1;
  const moves = new Map([
    ["ArrowLeft", here - 1],
    ["ArrowRight", here + 1],
    ["Home", 0],
    ["End", last],
  ]);
  const to = moves.get(event.key);
  if (to !== undefined) {
    view.at = Math.max(0, Math.min(to, last));
    describe(chart, view, points[view.at]);
    showTip(chart, view, points[view.at]);
  } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const lane = rowAfterKey(event.key, chart.views.indexOf(view), chart.views.length);
    for (const other of chart.views) setAttr(other.track, "tabindex", -1);
    const next = chart.views[lane ?? 0];
    if (next) setAttr(next.track, "tabindex", 0);
    next?.track.focus();
  } else if (event.key === "Enter" && view.at !== null) {
    open(chart, view, points[view.at]);
  } else {
    return;
  }
  event.preventDefault();
}

/** @param {Chart} chart @param {LaneView} view @param {Point | undefined} point */
function describe({ data }, view, point) {
  setAttr(view.track, "aria-valuenow", point ? view.lane.points.indexOf(point) : 0);
  const text = point ? `${plain(data.labels[point[0]])}: ${words(point)}` : "No events";
  setAttr(view.track, "aria-valuetext", text);
}

/** @param {Point} point */
function words(point) {
  return MARKS.map((mark, kind) => [point[kind + 1] || 0, mark.words])
    .filter(([count]) => count)
    .map(([count, name]) => `${formatNumber(Number(count))} ${name}`)
    .join(", ");
}

/** @param {Chart} chart @param {LaneView} view @param {Point | undefined} point */
function showTip({ tip, data, views }, view, point) {
  show(tip.node, Boolean(point));
  view.track.classList.toggle("hit", Boolean(point));
  if (!point) return;
  const number = data.labels.length;
  setText(tip.head, `${plain(view.lane.label)}, ${plain(data.labels[point[0]])}`);
  setText(tip.text, words(point));
  tip.node.style.top = `${(views.indexOf(view) + 1) * ROW}px`;
  // Centered at the mark, but within the lanes at both ends.
  const at = (point[0] + 0.5) / Math.max(number, 1);
  tip.node.style.setProperty("--at", at.toFixed(4));
}
