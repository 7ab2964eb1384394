/** One value of the facet panel: a checkbox, and "Only" and "Exclude" beside it. */

import {
  barWidth,
  button,
  el,
  formatNumber,
  plain,
  setAttr,
  setColor,
  setText,
  show,
} from "./dom.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {"" | "include" | "exclude"} State */
/**
 * @typedef {{
 *   value: string, label: string, count: number, state: State, square?: string, glyph?: string,
 *   tone?: string,
 * }} Value
 */
/** What a row needs of its group. @typedef {{ queue: Queue, field: string, redraw: () => void }} Owner */
/**
 * @typedef {{
 *   node: HTMLElement, check: HTMLButtonElement, acts: HTMLElement, only: HTMLButtonElement,
 *   exclude: HTMLButtonElement, owner: Owner, square: HTMLElement, glyph: HTMLElement,
 *   label: HTMLElement, note: HTMLElement, fill: HTMLElement, count: HTMLElement, value: Value,
 * }} RowView
 */

/** @type {Record<State, { checked: string, spoken: string }>} */
const STATES = {
  "": { checked: "false", spoken: "not selected" },
  include: { checked: "true", spoken: "included" },
  exclude: { checked: "mixed", spoken: "excluded" },
};

const ID_END = 4;

/** By the checkbox of a row. @type {WeakMap<Element, RowView>} */
export const ROWS = new WeakMap();

/** @param {Owner} owner @returns {RowView} */
export function createRow(owner) {
  const square = el("span", "square", { "aria-hidden": "true" });
  const glyph = el("span", "glyph", { "aria-hidden": "true" });
  const label = el("span");
  const note = el("span", "note");
  const name = el("span", "name", { dir: "auto" }, glyph, label, note);
  const fill = el("i");
  const bar = el("span", "bar", { "aria-hidden": "true" }, fill);
  const count = el("span", "count");
  const box = el("span", "box", { "aria-hidden": "true" });
  const check = button("row", { role: "checkbox", tabindex: "-1" }, box, square, name, bar, count);
  const only = button("act", { tabindex: "-1" }, "Only");
  const exclude = button("act", { tabindex: "-1" }, "Exclude");
  const acts = el("span", "acts", {}, only, exclude);
  /** @type {Value} */
  const value = { value: "", label: "", count: 0, state: "" };
  const node = el("div", "line", {}, check, acts);
  const view = {
    node,
    check,
    acts,
    only,
    exclude,
    owner,
    square,
    glyph,
    label,
    note,
    fill,
    count,
    value,
  };
  ROWS.set(check, view);
  check.addEventListener("click", () => toggle(view));
  only.addEventListener("click", () => chooseOnly(view));
  exclude.addEventListener("click", () => excludeValue(view));
  return view;
}

/**
 * Draw a value whose group has `most` events of one value. `alone`: no other one is chosen;
 * `isNamesake`: another one has its label, so it shows the end of its ID.
 *
 * @param {RowView} row
 * @param {Value} value
 * @param {number} most
 * @param {boolean} alone
 * @param {boolean} isNamesake
 */
export function updateRow(row, value, most, alone, isNamesake) {
  const { check } = row;
  row.value = value;
  const state = currentState(row.owner, value);
  const note = isNamesake ? `…${plain(value.value).slice(-ID_END)}` : "";
  const name = plain(value.label) || "(empty)";
  const label = note ? `${name} ${note}` : name;
  setAttr(check, "data-state", state);
  setAttr(check, "aria-checked", STATES[state].checked);
  setAttr(
    check,
    "aria-label",
    `${label}, ${formatNumber(value.count)} events, ${STATES[state].spoken}`,
  );
  const isId = value.value && value.value !== value.label && value.value.length > 12;
  setAttr(check, "title", isId ? `${name}\n${plain(value.value)}` : name);
  const isEmpty = !value.count && !state;
  setAttr(check, "aria-disabled", isEmpty ? "true" : null);
  setAttr(check, "aria-keyshortcuts", isEmpty ? null : "o -");
  check.classList.toggle("zero", !value.count);
  check.classList.toggle("plain", !value.square);
  row.square.classList.toggle("none", !value.square);
  if (value.square) setColor(row.square, "--square", value.square);
  setText(row.glyph, value.glyph);
  setAttr(row.glyph, "data-tone", value.tone || null);
  setText(row.label, name);
  setText(row.note, note);
  setText(row.count, formatNumber(value.count));
  row.fill.style.width = barWidth(value.count, most);
  setAttr(row.only, "aria-label", `Only ${label}`);
  setAttr(row.exclude, "aria-label", `Exclude ${label}`);
  show(row.acts, !isEmpty);
  show(row.only, !(state === "include" && alone));
  show(row.exclude, state !== "exclude");
}

/**
 * Return the state of a value with the messages applied that Python has not acknowledged.
 *
 * @param {Pick<Owner, "queue" | "field">} owner
 * @param {Pick<Value, "value" | "state">} value
 * @returns {State}
 */
export function currentState({ queue, field }, value) {
  /** @type {State} */
  let state = value.state || "";
  for (const message of queue.pending) {
    if (message.field !== field) continue;
    if (message.clear) state = "";
    else if (message.state === "only") state = message.value === value.value ? "include" : "";
    else if (message.state !== undefined && message.value === value.value)
      state = /** @type {State} */ (message.state);
  }
  return state;
}

/** Include the value, or free it again: a second click never excludes. @param {RowView} row */
export function toggle(row) {
  send(row, currentState(row.owner, row.value) ? "" : "include");
}

/** @param {RowView} row */
export function chooseOnly(row) {
  send(row, "only");
}

/** @param {RowView} row */
export function excludeValue(row) {
  send(row, currentState(row.owner, row.value) === "exclude" ? "" : "exclude");
}

/** @param {RowView} row @param {State | "only"} state */
function send(row, state) {
  const { owner, value } = row;
  if (!value.count && !currentState(owner, value)) return;
  owner.queue.send({ field: owner.field, value: value.value, state });
  row.check.focus({ preventScroll: true }); // the pressed button may go
  owner.redraw();
}
