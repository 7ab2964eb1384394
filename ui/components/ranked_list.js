/** The lists of the Overview: bars, sentences or categories; each row is one link. */

import {
  barWidth,
  el,
  formatNumber,
  plain,
  setAddress,
  setAttr,
  setColor,
  setText,
  show,
  sparkline,
  svg,
  valueSpan,
} from "./dom.js";
import { component, drawSentence, linkRow, moveFocus, renderRows } from "./rows.js";

/** @typedef {import("./dom.js").Part} Part */
/** @typedef {{ name: string, square: string }} Category */
/** @typedef {{ value: string, address: string, name: string, count: number, share: string, hint?: string }} BarRow */
/** @typedef {{ event_id: string, address: string, time: string, sentence: Part[], category: Category, side?: string }} SentenceRow */
/** @typedef {Category & { value: string, address: string, count: number, delta: string, hint?: string, trend: number[] }} CategoryRow */
/** @typedef {BarRow | SentenceRow | CategoryRow} Row */
/**
 * @typedef {{
 *   kind: keyof typeof KINDS, rows: Row[], title?: string, number?: number | null, note?: string,
 *   link?: string, address?: string, empty?: string,
 * }} ListData
 */
/** @typedef {{ node: HTMLAnchorElement, update: (row: any, most: number) => void }} View */

const WIDTH = 52;
const HEIGHT = 18;
const KINDS = { bars: createBar, sentences: createSentence, categories: createCategory };

export default component(
  (parent) => {
    const name = el("span");
    const number = el("span", "number");
    const title = el("h2", "", {}, name, number);
    const note = el("span");
    const link = el("a", "link");
    const head = el("div", "head", {}, title, el("div", "side", {}, note, link));
    const rows = el("div", "rows");
    const empty = el("p", "none-found");
    const root = el("section", "root", {}, head, rows, empty);
    parent.append(root);
    rows.addEventListener("keydown", (event) =>
      moveFocus(event, /** @type {HTMLElement[]} */ ([...rows.children])),
    );
    return { root, head, name, number, note, link, rows, empty };
  },
  (list, /** @type {ListData} */ data) => {
    show(list.head, Boolean(data.title || data.note || data.link));
    setText(list.name, data.title);
    setText(list.number, data.number == null ? "" : formatNumber(data.number));
    setText(list.note, data.note && data.link ? `${data.note} · ` : data.note);
    setText(list.link, data.link);
    setAddress(list.link, data.address);
    show(list.link, Boolean(data.link));
    setAttr(list.root, "aria-label", data.title || null);
    setAttr(list.rows, "class", `rows ${data.kind}`);
    const most = Math.max(1, ...data.rows.map((row) => ("count" in row ? row.count : 0)));
    list.rows.style.setProperty("--digits", `${Math.max(3, formatNumber(most).length)}ch`);
    const share = Math.max(4, ...data.rows.map((row) => ("share" in row ? row.share.length : 0)));
    list.rows.style.setProperty("--share", `${Math.min(share, 9)}ch`);
    const time = Math.max(8, ...data.rows.map((row) => ("time" in row ? row.time.length : 0)));
    list.rows.style.setProperty("--time", `${(time * 0.9).toFixed(1)}ch`);
    const create = () => {
      const { node } = linkRow("row");
      return { node, update: KINDS[data.kind](node) };
    };
    renderRows(list.rows, data.rows, keyOf, create, (/** @type {View} */ view, row) => {
      setAddress(view.node, row.address);
      view.update(row, most);
    });
    setText(list.empty, data.empty || "No events in this window");
    show(list.empty, data.rows.length === 0);
  },
);

/** @param {Row} row */
function keyOf(row) {
  return "event_id" in row ? row.event_id : row.value;
}

/** @param {HTMLElement} node @returns {(row: BarRow, most: number) => void} */
function createBar(node) {
  const name = valueSpan("part name");
  const hint = valueSpan("part name hint");
  const fill = el("i");
  const count = el("span", "count");
  const share = el("span", "count second");
  const bar = el("span", "bar", { "aria-hidden": "true" }, fill);
  node.append(el("span", "label", {}, name, hint), bar, count, share);
  return (row, most) => {
    setText(name, row.name || "(empty)");
    setText(hint, row.hint);
    setText(count, formatNumber(row.count));
    setText(share, row.share);
    fill.style.width = barWidth(row.count, most);
    setAttr(node, "title", plain(row.name));
  };
}

/** @param {HTMLElement} node @returns {(row: SentenceRow) => void} */
function createSentence(node) {
  const time = el("span", "time");
  const sentence = el("span", "name");
  const side = el("span", "second side");
  node.append(time, sentence);
  const updateCategory = appendCategory(node);
  node.append(side);
  return (row) => {
    setText(side, row.side);
    show(side, Boolean(row.side));
    setText(time, row.time);
    drawSentence(sentence, row.sentence);
    updateCategory(row.category);
    setAttr(node, "title", plain(row.sentence.map((part) => part.text).join("")));
  };
}

/** @param {HTMLElement} node @returns {(row: CategoryRow) => void} */
function createCategory(node) {
  const updateCategory = appendCategory(node);
  const count = el("span", "count");
  const delta = el("span", "count second");
  const curve = svg("polyline", {});
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "trend", "aria-hidden": "true" };
  node.append(count, delta, svg("svg", box, curve));
  return (row) => {
    updateCategory(row);
    setText(count, formatNumber(row.count));
    setText(delta, row.delta);
    setAttr(curve, "points", sparkline(row.trend, WIDTH, HEIGHT, 2));
    setColor(/** @type {SVGElement} */ (curve), "--square", row.square);
    setAttr(node, "title", [plain(row.name), row.hint].filter(Boolean).join(": "));
  };
}

/** @param {HTMLElement} node @returns {(category: Category) => void} */
function appendCategory(node) {
  const square = el("span", "square", { "aria-hidden": "true" });
  const name = valueSpan("part name");
  node.append(el("span", "category", {}, square, name));
  return (category) => {
    setColor(square, "--square", category.square);
    setText(name, category.name);
  };
}
