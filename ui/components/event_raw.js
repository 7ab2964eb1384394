/** The raw record of an event: laid out in lines, with the envelope that it was sent in folded. */

import { button, copyButton, el, formatNumber, setAttr, setText, show } from "./dom.js";
import { drawLines, layOut, TOKEN_LIMIT } from "./json_text.js";
import { splitEnvelope } from "./record_envelope.js";

/** @typedef {ReturnType<typeof buildRaw>} RawView */

const FOLDED_LINES = 9;
const MAX_LINES = 200;
const MAX_CHARS = 64 * 1024;

export function buildRaw() {
  const swap = button("link");
  const wrapping = button("link", { "aria-expanded": "false" });
  const toggle = button("link", { "aria-expanded": "false" });
  const copy = copyButton("link", "Copy JSON", () => view.text);
  const side = el("div", "side", {}, swap, wrapping, toggle, copy);
  const lines = el("span", "second");
  const title = el("h3", "", {}, "Raw record", lines);
  const code = el("pre", "code", { tabindex: "0", "aria-label": "Raw record", dir: "ltr" });
  const note = el("p", "note", {}, "Truncated. Copy JSON copies the full text.");
  const part = el("section", "raw", {}, el("div", "bar-line", {}, title, side), code, note);
  const view = {
    ...{ part, lines, swap, wrapping, toggle, code, note },
    ...{ records: [""], text: "", open: false, other: false, whole: false },
  };
  const flip = (/** @type {"open" | "other" | "whole"} */ name) => () => {
    view[name] = !view[name];
    redraw(view);
  };
  swap.addEventListener("click", flip("other"));
  wrapping.addEventListener("click", flip("whole"));
  toggle.addEventListener("click", flip("open"));
  return view;
}

/**
 * Draw the record of an event; a change reported by two sources has two.
 *
 * @param {RawView} view
 * @param {string[]} records
 * @param {boolean} changed whether the event is another one, which starts folded
 */
export function drawRaw(view, records, changed) {
  const known = view.records.length === records.length;
  if (!changed && known && records.every((record, index) => record === view.records[index])) return;
  if (changed) view.open = view.other = view.whole = false;
  view.records = records;
  redraw(view);
}

/** @param {RawView} view */
function redraw(view) {
  view.text = view.records[view.other ? 1 : 0] || "";
  const split = splitEnvelope(view.text);
  const body = split && !view.whole ? split.body : view.text;
  const folded = layOut(body, FOLDED_LINES, MAX_CHARS, TOKEN_LIMIT);
  const shown = view.open ? layOut(body, MAX_LINES, MAX_CHARS, MAX_CHARS) : folded;
  drawLines(view.code, shown.lines, shown.lines.length >= shown.total);
  view.code.scrollTop = 0;
  show(view.part, view.text !== "");
  setText(view.lines, split ? linesLabel(split) : `, ${countLines(folded.total)}`);
  show(view.swap, view.records.length > 1);
  setText(view.swap, view.other ? "Show the first record" : "Show the other record");
  show(view.wrapping, split !== null);
  setText(view.wrapping, view.whole ? "Fold envelope" : "Show envelope");
  setAttr(view.wrapping, "aria-expanded", String(view.whole));
  show(view.toggle, folded.truncated);
  setText(view.toggle, view.open ? "Show less" : showMoreLabel(folded.total));
  setAttr(view.toggle, "aria-expanded", String(view.open));
  show(view.note, view.open && shown.truncated);
}

/** @param {{ body: string, envelope: string }} split */
function linesLabel({ body, envelope }) {
  const [inside, around] = [body, envelope].map((text) => layOut(text, 0, 0, 0).total);
  // The line of the body itself belongs to the record.
  return `, ${countLines(inside || 0)}, and ${countLines((around || 1) - 1)} of envelope`;
}

/** @param {number} total */
function countLines(total) {
  return `${formatNumber(total)} line${total === 1 ? "" : "s"}`;
}

/** @param {number} total lines of the record */
export function showMoreLabel(total) {
  if (total <= FOLDED_LINES) return "Show all";
  return total > MAX_LINES
    ? `Show ${MAX_LINES} of ${formatNumber(total)} lines`
    : `Show all ${total} lines`;
}
