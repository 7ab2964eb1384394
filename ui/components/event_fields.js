/**
 * The fields of an event: label and value, which may be a link, with buttons to filter, to show or
 * remove the column of the table that has it, and to copy.
 */

import {
  copyIcon,
  el,
  iconButton,
  plain,
  setAddress,
  setAttr,
  setDisabled,
  setText,
  show,
  valueSpan,
} from "./dom.js";
import { renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/**
 * @typedef {{
 *   label: string, value: string, hint?: string, mono?: boolean, href?: string, field?: string,
 *   filter_value?: string, column?: string, pending?: boolean,
 * }} Field
 */

/**
 * @param {Element} parent
 * @param {Queue} queue
 * @param {Field[]} fields
 * @param {Field[] | undefined} more replace pending fields of their label, or follow; once known
 * @param {string[]} columns that the table shows
 */
export function drawFields(parent, queue, fields, more, columns) {
  const found = new Map((more || []).map((field) => [field.label, field]));
  const placed = fields.map((field) => (field.pending && found.get(field.label)) || field);
  const lines = [...placed, ...(more || []).filter((field) => !placed.includes(field))];
  renderRows(
    parent,
    more ? lines.filter((field) => !field.pending) : lines,
    (field) => field.label,
    (field) => createField(queue, field),
    (view, field) => {
      updateField(view, field);
      drawColumn(view, field, columns);
    },
  );
}

/** @param {Queue} queue @param {Field} field */
function createField(queue, field) {
  const label = el("dt");
  const main = valueSpan("main");
  const link = el("a", "main link", { dir: "auto" });
  const hint = valueSpan("hint");
  const include = iconButton("", "M8 3.5v9", "M3.5 8h9");
  const exclude = iconButton("", "M3.5 8h9");
  const column = iconButton("", "M2.5 3.5h11v9h-11z", "M6.2 3.5v9", "M9.8 3.5v9");
  const copy = copyIcon(() => view.field.value);
  const tools = el("dd", "tools", {}, include, exclude, column, copy);
  const node = el("div", "field", {}, label, el("dd", "value", {}, main, link, hint), tools);
  const view = {
    ...{ node, field, label, main, link, hint, include, exclude, column, copy },
    isColumn: false,
  };
  const send = (/** @type {string} */ mode) => {
    const { field: name, filter_value, value } = view.field;
    queue.send({ field: name, value: filter_value ?? value, mode });
  };
  include.addEventListener("click", () => send("include"));
  exclude.addEventListener("click", () => send("exclude"));
  column.addEventListener("click", () => {
    queue.send({ column: view.field.column, show: !view.isColumn });
  });
  return view;
}

/** @param {ReturnType<typeof createField>} view @param {Field} field */
function updateField(view, field) {
  view.field = field;
  setText(view.label, field.label);
  setText(view.main, field.href ? "" : field.value);
  setText(view.link, field.href ? field.value : "");
  show(view.main, !field.href);
  show(view.link, Boolean(field.href));
  setAddress(view.link, field.href);
  setText(view.hint, field.hint);
  view.node.classList.toggle("mono", Boolean(field.mono));
  show(view.copy, !field.pending);
  for (const [tool, verb] of /** @type {const} */ ([
    [view.include, "Only"],
    [view.exclude, "Exclude"],
    [view.copy, "Copy"],
  ])) {
    if (tool !== view.copy) show(tool, Boolean(field.field));
    setAttr(tool, "title", `${verb} this ${field.label.toLowerCase()}`);
    setAttr(tool, "aria-label", `${verb} ${field.label} ${plain(field.value).slice(0, 80)}`);
  }
}

/**
 * The last column of the table stays.
 *
 * @param {ReturnType<typeof createField>} view
 * @param {Field} field
 * @param {string[]} columns
 */
function drawColumn(view, field, columns) {
  const { column } = view;
  view.isColumn = Boolean(field.column && columns.includes(field.column));
  show(column, Boolean(field.column));
  setDisabled(column, view.isColumn && columns.length === 1);
  column.classList.toggle("on", view.isColumn);
  const label = field.label.toLowerCase();
  setAttr(column, "title", view.isColumn ? `Remove column ${label}` : `Show ${label} as column`);
  setAttr(
    column,
    "aria-label",
    view.isColumn ? `Remove column ${field.label}` : `Show ${field.label} as column`,
  );
}
