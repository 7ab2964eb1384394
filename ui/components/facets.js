/** The facet panel; redraws patch it, so that focus, scroll position and open searches remain. */

import { button, el, formatNumber, icon, setAttr, setText, show } from "./dom.js";
import { chooseOnly, createRow, currentState, excludeValue, ROWS, updateRow } from "./facet_row.js";
import { createSwitch, updateSwitch } from "./facet_switch.js";
import { activeElement, component, moveFocus, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./facet_row.js").Value} Value */
/** `counted` is false until the group is opened, where counting takes long. */
/**
 * @typedef {{
 *   field: string, title: string, values: Value[], total_values: number, searchable: boolean,
 *   search?: string, open?: boolean, counted?: boolean, hint?: string,
 * }} Group
 */
/** @typedef {import("./facet_switch.js").Switch} Switch */
/** @typedef {ReturnType<typeof createGroup>} GroupView */

const SEARCH_DELAY_MS = 200;
const MORE_ROWS = 100;

export default component(
  (parent, queue) => {
    const switches = el("div");
    const list = el("div");
    const none = el("div", "none-found", { role: "status" });
    const root = el("div", "root", { role: "group", "aria-label": "Facets" }, switches, list, none);
    parent.append(root);
    root.addEventListener("keydown", (event) => {
      const row = ROWS.get(/** @type {Element} */ (event.target));
      if (!row) return;
      const rows = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(".row")]).filter(
        (node) => !node.closest("[hidden]"),
      );
      const excludes =
        event.key === "-" ||
        event.key === "ContextMenu" ||
        (event.key === "Enter" && event.shiftKey);
      if (excludes) excludeValue(row);
      else if (event.key === "o" && !event.ctrlKey && !event.metaKey) chooseOnly(row);
      else if (!moveFocus(event, rows)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    root.addEventListener("focusin", (event) => {
      const row = ROWS.get(/** @type {Element} */ (event.target));
      if (row?.node.parentElement) setTabStop([...row.node.parentElement.children], row.node);
    });
    return { switches, list, none, queue };
  },
  (panel, /** @type {{ groups: Group[], switches?: Switch[] }} */ data) => {
    const { queue } = panel;
    const switches = data.switches || [];
    const newSwitch = (/** @type {Switch} */ one) => createSwitch(queue, one);
    renderRows(panel.switches, switches, (one) => one.field, newSwitch, updateSwitch);
    const create = (/** @type {Group} */ group) => createGroup(queue, group);
    const { views } = renderRows(
      panel.list,
      data.groups,
      (group) => group.field,
      create,
      updateGroup,
    );
    const empty = views.filter(isEmpty);
    for (const view of views) show(view.node, !empty.includes(view));
    const names = empty.map((view) => view.group.title).join(", ");
    const all = empty.length === views.length;
    setText(panel.none, all ? "No values in this result" : `No values in this result: ${names}`);
    show(panel.none, empty.length > 0);
  },
);

/** @param {Queue} queue @param {Group} group */
function createGroup(queue, group) {
  const name = el("span", "name");
  const fold = button("fold", {}, icon("M6 4l4 4-4 4"), name);
  const chosen = el("span", "chosen");
  const clear = button("link clear", {}, "Clear");
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
  const body = el("div", "body", {}, search, rows, empty, after);
  const title = el("div", "title", {}, el("h3", "", {}, fold), chosen, clear, find);
  const view = {
    node: el("section", "group", { role: "group" }, title, body),
    queue,
    group,
    field: group.field,
    redraw: () => drawRows(view),
    fold,
    name,
    chosen,
    clear,
    body,
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
  fold.addEventListener("click", () => setOpen(view, !isOpen(view)));
  clear.addEventListener("click", () => {
    queue.send({ field: group.field, clear: true });
    fold.focus({ preventScroll: true }); // the pressed button goes
    drawRows(view);
  });
  find.addEventListener("click", () => {
    if (isOpen(view)) toggleSearch(view, Boolean(search.hidden));
    else {
      setOpen(view, true);
      toggleSearch(view, true);
    }
  });
  search.addEventListener("input", () => onSearch(view));
  search.addEventListener("keydown", (event) => {
    // Streamlit's page-wide letter shortcuts do not see that the key is typed into a shadow tree.
    event.stopPropagation();
    if (event.key === "Escape") toggleSearch(view, false);
    else if (event.key === "ArrowDown" && rows.firstElementChild)
      /** @type {HTMLElement} */ (rows.firstElementChild.firstElementChild).focus();
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
  setAttr(view.fold, "title", group.hint || null);
  setAttr(view.clear, "aria-label", `Clear ${group.title}`);
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
  const open = isOpen(view);
  const states = group.values.map((value) => currentState(view, value));
  const chosen = states.filter(Boolean).length;
  setAttr(view.fold, "aria-expanded", String(open));
  show(view.body, open);
  show(view.clear, chosen > 0);
  setText(view.chosen, open || !chosen ? "" : `${chosen} selected`);
  const text = view.search.hidden ? "" : view.search.value.trim().toLowerCase();
  // Until Python answers, filter the values that are here; its answer may match by more than the label.
  const waiting = view.timer !== undefined || view.searchMessage > view.queue.acknowledged;
  const values =
    text && waiting ? group.values.filter((value) => matches(value, text)) : group.values;
  const most = Math.max(1, ...group.values.map((value) => value.count));
  // Five characters align the bars of most groups; a longer count widens its own group.
  setAttr(view.rows, "style", `--digits: ${Math.max(5, formatNumber(most).length)}ch`);
  const create = () => createRow(view);
  const alone = chosen === 1;
  /** @type {Map<string, number>} */
  const named = new Map();
  for (const { label } of values) named.set(label, (named.get(label) || 0) + 1);
  const { views, lostFocus } = renderRows(
    view.rows,
    values,
    (value) => value.value,
    create,
    (row, value) => updateRow(row, value, most, alone, (named.get(value.label) || 0) > 1),
  );
  const lines = views.map((row) => row.node);
  const nodes = views.map((row) => row.check);
  const stop = views.find((row) => row.check.tabIndex === 0) || views[0];
  setTabStop(lines, stop?.node);
  if (lostFocus && stop) stop.check.focus({ preventScroll: true });
  setText(view.empty, emptyText(group, text, waiting));
  show(view.empty, values.length === 0);
  const rest = Math.max(0, group.total_values - group.values.length);
  setText(view.more, `${formatNumber(rest)} more`);
  setAttr(view.more, "aria-label", `${formatNumber(rest)} more in ${group.title}`);
  show(view.more, rest > 0);
  show(view.fewer, view.initialRows > 0 && group.values.length > view.initialRows);
  show(view.after, !view.more.hidden || !view.fewer.hidden);
  focusNewRow(view, nodes);
}

/** @param {Group} group @param {string} text @param {boolean} waiting */
function emptyText(group, text, waiting) {
  if (group.counted === false) return "Counting…";
  if (!text) return "No values in this result";
  return waiting ? "Searching…" : "No match";
}

/**
 * Return whether the result has no values of the group, and nothing in it is in use.
 *
 * @param {GroupView} view
 */
function isEmpty(view) {
  const { group, node, search } = view;
  const isUsed = !search.hidden || node.contains(activeElement(node));
  const isFilled = group.values.some((value) => value.count || currentState(view, value));
  return !isFilled && group.counted !== false && !isUsed;
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

/** Return whether the group is open, with unacknowledged clicks applied. @param {GroupView} view */
function isOpen({ queue, group }) {
  const message = queue.pending.findLast(
    (pending) => pending.field === group.field && pending.open !== undefined,
  );
  return message ? Boolean(message.open) : group.open !== false;
}

/** @param {GroupView} view @param {boolean} open */
function setOpen(view, open) {
  view.queue.send({ field: view.group.field, open });
  drawRows(view);
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

/** @param {Element[]} lines @param {Element | undefined} stop the one that Tab reaches */
function setTabStop(lines, stop) {
  for (const line of lines)
    for (const node of line.querySelectorAll("button"))
      setAttr(node, "tabindex", line === stop ? 0 : -1);
}
