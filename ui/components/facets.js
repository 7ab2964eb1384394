/** The facet panel; redraws patch it, so that focus, scroll position and open searches remain. */

import {
  barWidth,
  button,
  el,
  formatNumber,
  icon,
  plain,
  setAttr,
  setColor,
  setText,
  show,
} from "./dom.js";
import { activeElement, component, moveFocus, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {"" | "include" | "exclude"} State */
/**
 * @typedef {{
 *   value: string, label: string, count: number, state: State, square?: string, glyph?: string,
 * }} Value
 */
/**
 * @typedef {{
 *   field: string, title: string, values: Value[], total_values: number, searchable: boolean,
 *   search?: string,
 * }} Group
 */
/** @typedef {ReturnType<typeof createGroup>} GroupView */
/**
 * @typedef {{
 *   node: HTMLButtonElement, group: GroupView, value: Value, square: HTMLElement,
 *   glyph: HTMLElement, label: HTMLElement, fill: HTMLElement, count: HTMLElement,
 * }} RowView
 */

/** @type {Record<State, { checked: string, spoken: string }>} */
const STATES = {
  "": { checked: "false", spoken: "not selected" },
  include: { checked: "true", spoken: "included" },
  exclude: { checked: "mixed", spoken: "excluded" },
};
const SEARCH_DELAY_MS = 200;
const MORE_ROWS = 100;

export default component(
  (parent, queue) => {
    const hint = el("span", "", {}, "click: only · dash: exclude");
    const list = el("div");
    const head = el("div", "head", {}, el("span", "", {}, "Facets"), hint);
    const root = el("div", "root", { role: "group", "aria-label": "Facets" }, head, list);
    parent.append(root);
    root.addEventListener("keydown", (event) => {
      const row = ROWS.get(/** @type {Element} */ (event.target));
      if (!row) return;
      const rows = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(".row")]);
      const excludes =
        event.key === "-" ||
        event.key === "ContextMenu" ||
        (event.key === "Enter" && event.shiftKey);
      if (excludes) select(row, true);
      else if (!moveFocus(event, rows)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    root.addEventListener("focusin", (event) => {
      const row = ROWS.get(/** @type {Element} */ (event.target));
      if (row) setTabStop(/** @type {Element[]} */ ([...row.group.rows.children]), row.node);
    });
    return { list, queue };
  },
  (panel, /** @type {{ groups: Group[] }} */ data) => {
    const create = (/** @type {Group} */ group) => createGroup(panel.queue, group);
    renderRows(panel.list, data.groups, (group) => group.field, create, updateGroup);
  },
);

/** @type {WeakMap<Element, RowView>} */
const ROWS = new WeakMap();

/** @param {Queue} queue @param {Group} group */
function createGroup(queue, group) {
  const name = el("h3");
  const find = button(
    "find",
    { "aria-expanded": "false" },
    icon("M11 11l3 3", "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10z"),
  );
  const search = el("input", "search", {
    type: "text",
    placeholder: "Find a value",
    maxlength: "200",
  });
  setAttr(search, "autocomplete", "off");
  setAttr(search, "spellcheck", "false");
  search.hidden = true;
  const rows = el("div");
  const empty = el("div", "none-found", { role: "status" });
  const more = button("link");
  const fewer = button("link", {}, "Fewer");
  const after = el("div", "after", {}, more, fewer);
  const title = el("div", "title", {}, name, find);
  const view = {
    node: el("section", "group", { role: "group" }, title, search, rows, empty, after),
    queue,
    group,
    name,
    find,
    search,
    rows,
    empty,
    after,
    more,
    fewer,
    isNew: true,
    /** The search text that Python has, and the number of the message that carried it. */
    sentSearch: "",
    searchMessage: 0,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    timer: undefined,
    /** Rows shown before "more" was clicked; the row that gets the focus, and after which message. */
    initialRows: 0,
    /** @type {number | null} */
    focusRow: null,
    moreMessage: 0,
  };
  find.addEventListener("click", () => toggleSearch(view, Boolean(search.hidden)));
  search.addEventListener("input", () => onSearch(view));
  search.addEventListener("keydown", (event) => {
    // Streamlit's page-wide letter shortcuts do not see that the key is typed into a shadow tree.
    event.stopPropagation();
    if (event.key === "Escape") toggleSearch(view, false);
    else if (event.key === "ArrowDown" && rows.firstElementChild)
      /** @type {HTMLElement} */ (rows.firstElementChild).focus();
    else return;
    event.preventDefault();
  });
  more.addEventListener("click", () => requestRows(view, view.group.values.length + MORE_ROWS));
  fewer.addEventListener("click", () => requestRows(view, view.initialRows, true));
  return view;
}

/** @param {GroupView} view @param {Group} group */
function updateGroup(view, group) {
  view.group = group;
  setText(view.name, group.title);
  setAttr(view.node, "aria-label", group.title);
  setAttr(view.find, "aria-label", `Find in ${group.title}`);
  setAttr(view.search, "aria-label", `Find in ${group.title}`);
  show(view.find, Boolean(group.searchable));
  if (view.isNew && group.search) {
    view.search.value = view.sentSearch = group.search;
    toggleSearch(view, true, false);
  }
  view.isNew = false;
  drawRows(view);
}

/** @param {GroupView} view */
function drawRows(view) {
  const { group } = view;
  const text = view.search.hidden ? "" : view.search.value.trim().toLowerCase();
  // Until Python answers, filter the values that are here; its answer may match by more than the label.
  const waiting = view.timer !== undefined || view.searchMessage > view.queue.acknowledged;
  const values =
    text && waiting ? group.values.filter((value) => matches(value, text)) : group.values;
  const most = Math.max(1, ...group.values.map((value) => value.count));
  // Five characters align the bars of most groups; a longer count widens its own group.
  setAttr(view.rows, "style", `--digits: ${Math.max(5, formatNumber(most).length)}ch`);
  const create = () => createRow(view);
  const { views, lostFocus } = renderRows(
    view.rows,
    values,
    (value) => value.value,
    create,
    (row, value) => updateRow(row, value, most),
  );
  const nodes = views.map((row) => row.node);
  const stop = nodes.find((node) => node.tabIndex === 0) || nodes[0];
  setTabStop(nodes, stop);
  if (lostFocus && stop) stop.focus({ preventScroll: true });
  setText(view.empty, !text ? "No values" : waiting ? "Searching…" : "No match");
  show(view.empty, values.length === 0);
  const rest = Math.max(0, group.total_values - group.values.length);
  setText(view.more, `${formatNumber(rest)} more`);
  setAttr(view.more, "aria-label", `${formatNumber(rest)} more in ${group.title}`);
  show(view.more, rest > 0);
  show(view.fewer, view.initialRows > 0 && group.values.length > view.initialRows);
  show(view.after, !view.more.hidden || !view.fewer.hidden);
  focusNewRow(view, nodes);
}

/** Focus the first row that "more" brought. @param {GroupView} view @param {HTMLElement[]} nodes */
function focusNewRow(view, nodes) {
  if (view.focusRow === null || view.moreMessage > view.queue.acknowledged) return;
  const focused = activeElement(view.node);
  const target = nodes[view.focusRow] || (view.more.hidden ? nodes.at(-1) : view.more);
  if ((!focused || view.after.contains(focused)) && target) target.focus({ preventScroll: true });
  view.focusRow = null;
}

/**
 * Return whether the label or the value contains the text.
 *
 * @param {Pick<Value, "label" | "value">} value
 * @param {string} text in lower case
 */
export function matches(value, text) {
  return [value.label, value.value].some((name) => name.toLowerCase().includes(text));
}

/** @param {GroupView} group @returns {RowView} */
function createRow(group) {
  const square = el("span", "square", { "aria-hidden": "true" });
  const glyph = el("span", "glyph", { "aria-hidden": "true" });
  const label = el("span");
  const name = el("span", "name", { dir: "auto" }, glyph, label);
  const fill = el("i");
  const bar = el("span", "bar", { "aria-hidden": "true" }, fill);
  const count = el("span", "count");
  const box = el("span", "box", { "aria-hidden": "true" });
  const node = button("row", { role: "checkbox", tabindex: "-1" }, box, square, name, bar, count);
  /** @type {Value} */
  const value = { value: "", label: "", count: 0, state: "" };
  const view = { node, group, square, glyph, label, fill, count, value };
  ROWS.set(node, view);
  node.addEventListener("click", (event) => select(view, event.shiftKey));
  return view;
}

/** @param {RowView} row @param {Value} value @param {number} most */
function updateRow(row, value, most) {
  const { node } = row;
  row.value = value;
  const state = currentState(row);
  const label = plain(value.label) || "(empty)";
  setAttr(node, "data-state", state);
  setAttr(node, "aria-checked", STATES[state].checked);
  setAttr(
    node,
    "aria-label",
    `${label}, ${formatNumber(value.count)} events, ${STATES[state].spoken}`,
  );
  setAttr(
    node,
    "title",
    value.value && value.value !== value.label ? `${label}\n${plain(value.value)}` : label,
  );
  setAttr(node, "aria-disabled", !value.count && !state ? "true" : null);
  node.classList.toggle("zero", !value.count);
  node.classList.toggle("plain", !value.square);
  row.square.classList.toggle("none", !value.square);
  if (value.square) setColor(row.square, "--square", value.square);
  setText(row.glyph, value.glyph);
  setText(row.label, label);
  setText(row.count, formatNumber(value.count));
  row.fill.style.width = barWidth(value.count, most);
}

/** Return the state with unacknowledged clicks applied. @param {RowView} row @returns {State} */
function currentState({ group, value }) {
  const message = group.queue.pending.findLast(
    (pending) => pending.field === group.group.field && pending.value === value.value,
  );
  return message ? /** @type {State} */ (message.state) : value.state || "";
}

/**
 * Return the state after a click: include, exclude, none in turn, or exclude on and off.
 *
 * @param {State} state
 * @param {boolean} exclude
 * @returns {State}
 */
export function nextState(state, exclude) {
  if (exclude) return state === "exclude" ? "" : "exclude";
  if (state === "") return "include";
  return state === "include" ? "exclude" : "";
}

/** @param {RowView} row @param {boolean} exclude */
function select(row, exclude) {
  const { group, value } = row;
  const state = currentState(row);
  if (!value.count && !state) return;
  group.queue.send({
    field: group.group.field,
    value: value.value,
    state: nextState(state, exclude),
  });
  drawRows(group);
}

/** @param {GroupView} view @param {boolean} open @param {boolean} [focus] */
function toggleSearch(view, open, focus = true) {
  show(view.search, open);
  setAttr(view.find, "aria-expanded", String(open));
  if (!open && view.search.value) {
    view.search.value = "";
    onSearch(view);
  }
  if (focus) (open ? view.search : view.find).focus();
}

/** @param {GroupView} view */
function onSearch(view) {
  clearTimeout(view.timer);
  view.timer = setTimeout(() => {
    view.timer = undefined;
    const search = view.search.value.trim();
    if (search !== view.sentSearch) {
      view.sentSearch = search;
      view.searchMessage = view.queue.send({ field: view.group.field, search });
    }
    drawRows(view);
  }, SEARCH_DELAY_MS);
  drawRows(view);
}

/** @param {GroupView} view @param {number} rows @param {boolean} [fewer] */
function requestRows(view, rows, fewer = false) {
  const shown = view.group.values.length;
  if (!view.initialRows) view.initialRows = shown;
  view.focusRow = fewer ? rows : shown;
  view.moreMessage = view.queue.send({ field: view.group.field, more: rows });
  if (fewer) view.initialRows = 0;
}

/** @param {Element[]} nodes @param {Element | undefined} stop the one that Tab reaches */
function setTabStop(nodes, stop) {
  for (const node of nodes) setAttr(node, "tabindex", node === stop ? 0 : -1);
}
