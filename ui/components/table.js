/** A table of rows that open: marked and stepped through in the browser, before Python answers. */

import { button, el, setAttr, setText, show } from "./dom.js";
import { isFree, listen, PANEL_LEFT } from "./page_events.js";
import { component, renderRows } from "./rows.js";
import { buildCellMenu, cellText } from "./table_cells.js";
import { buildColumnsMenu, drawColumnsMenu } from "./table_columns.js";
import { buildHead, drawHead, dropWidths } from "./table_head.js";
import { createRow, updateRow } from "./table_rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./table_cells.js").Column} Column */
/** @typedef {import("./table_rows.js").Row} Row */
/**
 * @typedef {{
 *   label: string, view: string, columns: Column[], rows: Row[], main: string, lead: string, opens: boolean,
 *   keys: boolean, closes: boolean, open: string, link: string, sort: string, marks: string[], height: string,
 *   choices: import("./table_columns.js").Choice[], widths: Record<string, number>, note: string,
 *   range: string, back: string, forward: string, has_back: boolean, has_forward: boolean,
 * }} Data
 */
/** @typedef {ReturnType<typeof build>} Table */
/** @typedef {import("./table_rows.js").RowView} RowView */

const REPEAT_MS = 120;
const BUSY_MS = 10_000;
// More than fit on a screen. The others follow once these are painted.
const EARLY_ROWS = 40;
/** @type {[string, string][]} */
const HINTS = [
  ["j", ""],
  ["k", "step"],
  ["Enter", "open"],
  ["Esc", "close"],
  ["f", "filter for"],
];

export default component(build, draw);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const caption = el("caption", "sr-only");
  const grid = el("table", "", {}, caption);
  const head = buildHead(grid, {
    sort: (sort) => request(table, { sort }),
    columns: (names) => chooseColumns(names),
    widths: (widths) => queue.send({ widths }),
  });
  const body = el("tbody");
  grid.append(body);
  const box = el("div", "scroll", {}, grid);
  const note = el("span", "note", { role: "status" });
  const columns = buildColumnsMenu(chooseColumns, () => {
    dropWidths(head);
    request(table, { reset: true });
  });
  const range = el("span", "range");
  const hints = el("span", "hints");
  for (const [key, label] of HINTS) hints.append(el("kbd", "", {}, key), label);
  const back = button("small");
  const forward = button("small");
  const top = el("div", "top", {}, note, columns.node);
  const foot = el("div", "foot", {}, range, hints, back, forward);
  const menu = buildCellMenu((mode, { column, id }) =>
    request(table, { filter: column.name, row: id, mode }),
  );
  const root = el("div", "root table", {}, top, box, foot, menu.node);
  const table = {
    ...{ queue, root, caption, grid, head, body, box, top, note, columns },
    ...{ foot, range, hints, back, forward, menu },
    /** @type {Data | null} */
    data: null,
    /** @type {RowView[]} */
    rows: [],
    open: "",
    active: "",
    cell: -1,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    stepTimer: undefined,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    busyTimer: undefined,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    lateTimer: undefined,
  };
  /** @param {string[]} names */
  function chooseColumns(names) {
    table.columns.shown = names;
    request(table, { columns: names });
  }
  back.addEventListener("click", () => request(table, { page: "back" }));
  forward.addEventListener("click", () => request(table, { page: "forward" }));
  body.addEventListener("click", (event) => onClick(table, event));
  body.addEventListener("mouseover", (event) => onHover(table, event));
  body.addEventListener("focusin", (event) => {
    const view = rowOf(table, event.target);
    if (view && view.row.id !== table.active) setActive(table, view.row.id);
  });
  box.addEventListener("scroll", menu.closeIfMoved, { passive: true });
  menu.tool.addEventListener("click", (event) => {
    event.stopPropagation();
    const cell = menu.tool.closest("td");
    if (cell) openMenu(table, cell, menu.tool);
  });
  parent.append(root);
  // Ahead of the panel's own keys, which leave alone what was handled here.
  listen(parent, true, "keydown", (event) => onKey(table, event));
  listen(parent, false, PANEL_LEFT, () => {
    if (table.data?.keys) viewOf(table, table.active)?.main.focus({ preventScroll: true });
  });
  return table;
}

/** Send a message that the server answers by drawing the table again. @param {Table} table @param {Record<string, unknown>} message */
function request(table, message) {
  table.root.setAttribute("aria-busy", "true");
  clearTimeout(table.busyTimer);
  table.busyTimer = setTimeout(() => table.root.removeAttribute("aria-busy"), BUSY_MS);
  table.queue.send(message);
}

/** @param {Table} table @param {Data} data */
function draw(table, data) {
  const isNew = table.data?.view !== data.view;
  const waits = table.queue.pending;
  table.data = data;
  // Before the rows change: afterwards it would lay them out twice.
  if (isNew && table.box.scrollTop) table.box.scrollTop = 0;
  clearTimeout(table.busyTimer);
  if (!waits.length) table.root.removeAttribute("aria-busy");
  setText(table.caption, data.label);
  table.grid.classList.toggle("opens", data.opens);
  table.root.classList.toggle("stacked", Boolean(data.lead));
  setAttr(table.box, "tabindex", data.opens ? null : 0);
  setAttr(table.box, "role", data.opens ? null : "region");
  setAttr(table.box, "aria-label", data.opens ? null : data.label);
  table.box.style.maxHeight = data.height;
  Object.assign(table.head, {
    shown: data.columns,
    sort: data.sort,
    movable: data.choices.length > 0,
  });
  // An answer to an earlier press must not undo what was pressed since.
  const keepsWidths = table.head.isResizing || waits.some((message) => "widths" in message);
  if (!keepsWidths) table.head.widths = { ...data.widths };
  drawHead(table.head);
  const isEarly = isNew && data.rows.slice(EARLY_ROWS).every((row) => row.id !== data.open);
  drawRows(table, data, isEarly ? EARLY_ROWS : data.rows.length);
  const wasOpen = table.open;
  if (!waits.some((message) => "open" in message || "close" in message)) table.open = data.open;
  table.columns.all = data.choices;
  if (!waits.some((message) => "columns" in message)) {
    table.columns.shown = data.columns.map((column) => column.name);
  }
  show(table.columns.node, data.choices.length > 0);
  drawColumnsMenu(table.columns);
  setText(table.note, data.note);
  show(table.top, Boolean(data.note) || data.choices.length > 0);
  drawFoot(table, data);
  const opened = isNew || table.open !== wasOpen ? viewOf(table, table.open) : undefined;
  if (isNew || opened) table.active = table.open;
  mark(table);
  if (opened) reveal(table, opened, isNew);
}

/**
 * Scroll a row into view, up or down only. A new table scrolls its rows, never the page past what
 * is above it.
 *
 * @param {Table} table @param {RowView} view @param {boolean} [isNew]
 */
function reveal({ box }, view, isNew) {
  const left = box.scrollLeft;
  const below = view.node.getBoundingClientRect().bottom - box.getBoundingClientRect().bottom;
  if (!isNew) view.node.scrollIntoView({ block: "nearest" });
  else if (below > 0) box.scrollTop += below;
  box.scrollLeft = left;
}

/** @param {Table} table @param {Data} data @param {number} count rows to draw now */
function drawRows(table, data, count) {
  clearTimeout(table.lateTimer);
  if (count < data.rows.length) {
    const rest = () => {
      drawRows(table, data, data.rows.length);
      mark(table);
    };
    requestAnimationFrame(() => {
      table.lateTimer = setTimeout(() => table.data === data && rest(), 0);
    });
  }
  const names = data.columns.map((column) => column.name).join("\n");
  const { views, lostFocus } = renderRows(
    table.body,
    data.rows.slice(0, count),
    (row) => row.id,
    createRow,
    (view, row) => updateRow(view, row, data, names),
  );
  table.rows = views;
  if (lostFocus) views[0]?.main.focus({ preventScroll: true });
}

/** @param {Table} table @param {Data} data */
function drawFoot(table, data) {
  setText(table.range, data.range);
  setText(table.back, data.back);
  setText(table.forward, data.forward);
  table.back.disabled = !data.has_back;
  table.forward.disabled = !data.has_forward;
  show(table.back, Boolean(data.back));
  show(table.forward, Boolean(data.forward));
  show(table.hints, data.opens && data.keys && data.closes);
  show(table.foot, Boolean(data.range || data.back));
}

/** Mark the open row, and make the active one the only tab stop. @param {Table} table */
function mark(table) {
  const focusable = viewOf(table, table.active) || table.rows[0];
  for (const view of table.rows) {
    setAttr(view.node, "aria-current", table.open && view.row.id === table.open ? "true" : null);
    if (table.data?.opens) setAttr(view.main, "tabindex", view === focusable ? 0 : -1);
    if (view !== focusable) clearCell(view);
  }
}

/** @param {RowView} view */
function clearCell(view) {
  for (const cell of view.node.querySelectorAll(".here")) cell.classList.remove("here");
}

/** @param {Table} table @param {string} id */
function viewOf(table, id) {
  return id ? table.rows.find((view) => view.row.id === id) : undefined;
}

/** @param {Table} table @param {EventTarget | null} target */
function rowOf(table, target) {
  const node = target instanceof Element ? target.closest("tr") : null;
  return table.rows.find((view) => view.node === node);
}

/** @param {Table} table @param {string} id */
function setActive(table, id) {
  table.active = id;
  table.cell = -1;
  mark(table);
}

/** @param {Table} table @param {MouseEvent} event */
function onClick(table, event) {
  const view = rowOf(table, event.target);
  if (!view || !table.data?.opens) return;
  const onLink = event.target instanceof Element && event.target.closest("a[href]");
  // The browser opens a link in a new tab or window.
  if (onLink && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event.preventDefault();
  if (!onLink && String(document.getSelection() ?? "")) return;
  view.main.focus({ preventScroll: true });
  open(table, view);
}

/** @param {Table} table @param {RowView} view @param {boolean} [later] wait whether a key repeats */
function open(table, view, later = false) {
  const { id } = view.row;
  table.open = id;
  setActive(table, id);
  clearTimeout(table.stepTimer);
  const send = () => table.queue.send({ open: id });
  if (later) table.stepTimer = setTimeout(send, REPEAT_MS);
  else send();
  reveal(table, view);
}

/** @param {Table} table @param {MouseEvent} event */
function onHover(table, event) {
  const cell = event.target instanceof Element ? event.target.closest("td") : null;
  if (!cell || cell.contains(table.menu.tool)) return;
  const inner = cell.querySelector(".value");
  if (!inner?.textContent) return;
  const isCut = inner.scrollWidth > inner.clientWidth;
  setAttr(cell, "title", isCut ? inner.textContent : null);
  cell.append(table.menu.tool);
}

/** @param {Table} table @param {Element} cell @param {HTMLElement} back */
function openMenu(table, cell, back) {
  const view = rowOf(table, cell);
  const place = view?.cells.findIndex((other) => other.node === cell) ?? -1;
  const column = table.data?.columns[place];
  if (!view || !column || !(cell instanceof HTMLElement)) return;
  const text = cellText(view.row.cells[place]);
  if (text) table.menu.open({ column, id: view.row.id, cell, text }, back);
}

/** @param {Table} table @param {KeyboardEvent} event */
function onKey(table, event) {
  const data = table.data;
  if (!data?.opens || !isFree(event)) return;
  const path = event.composedPath();
  const inRows = path.includes(table.body);
  const isElsewhere = !inRows && path[0] instanceof Element && path[0] !== document.body;
  const step = { j: 1, k: -1 }[event.key] ?? 0;
  if (step && (inRows || data.keys)) move(table, step, event.repeat, !isElsewhere);
  else if (
    event.key === "Escape" &&
    data.closes &&
    table.open &&
    (inRows || (data.keys && !isElsewhere))
  ) {
    table.open = "";
    mark(table);
    table.queue.send({ close: true });
  } else if (!inRows || !onRowKey(table, event)) return;
  event.preventDefault();
}

/** Return whether a key of a focused row was handled. @param {Table} table @param {KeyboardEvent} event */
function onRowKey(table, event) {
  const view = viewOf(table, table.active);
  if (!view) return false;
  const moves = { ArrowDown: 1, ArrowUp: -1, End: table.rows.length, Home: -table.rows.length };
  const step = new Map(Object.entries(moves)).get(event.key);
  const side = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const isMain = (/** @type {{ inner: HTMLElement }} */ cell) => cell.inner === view.main;
  const here = table.cell < 0 ? Math.max(0, view.cells.findIndex(isMain)) : table.cell;
  if (step) move(table, step, event.repeat, true);
  else if (side) {
    clearCell(view);
    table.cell = Math.max(0, Math.min(here + side, view.cells.length - 1));
    const cell = view.cells[table.cell]?.node;
    cell?.classList.add("here");
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  } else if (event.key === "f" || event.key === "ContextMenu") {
    const cell = view.cells[here];
    if (cell) openMenu(table, cell.node, view.main);
  } else if (event.key === "Enter" && !view.main.hasAttribute("href")) open(table, view);
  else return false;
  return true;
}

/** @param {Table} table @param {number} step @param {boolean} repeats @param {boolean} focuses */
function move(table, step, repeats, focuses) {
  const here = table.rows.findIndex((view) => view.row.id === table.active);
  const to = here < 0 ? 0 : Math.max(0, Math.min(here + step, table.rows.length - 1));
  const view = table.rows[to];
  if (!view || to === here) return;
  if (table.open) open(table, view, repeats);
  else setActive(table, view.row.id);
  reveal(table, view);
  if (focuses) view.main.focus({ preventScroll: true });
}
