/** The header of a table: sorting, order and width of its columns, by pointer and by keyboard. */

import { button, el, setAttr, setText, show } from "./dom.js";
import { renderRows } from "./rows.js";
import { moved } from "./table_columns.js";

/** @typedef {import("./table_cells.js").Column} Column */
/** @typedef {ReturnType<typeof buildHead>} Head */
/**
 * @typedef {{
 *   sort: (sort: string) => void, columns: (names: string[]) => void,
 *   widths: (widths: Record<string, number>) => void,
 * }} HeadEvents
 */

const [MIN_WIDTH, MAX_WIDTH, WIDTH_STEP, DRAG_FROM] = [48, 900, 16, 6];

/**
 * Return the sort after a press on a column's title: first, reversed, then the default again.
 *
 * @param {Column} column
 * @param {string} sort the present one
 * @param {boolean} reverse start with the other direction
 */
export function nextSort(column, sort, reverse = false) {
  const { asc = "", desc = "" } = column;
  const order = (column.first === "desc") !== reverse ? [desc, asc] : [asc, desc];
  const here = order.indexOf(sort);
  return here < 0 ? (order[0] ?? "") : here === 0 ? (order[1] ?? "") : "";
}

/** @param {Element} table @param {HeadEvents} events */
export function buildHead(table, events) {
  const columns = el("colgroup");
  const row = el("tr");
  const node = el("thead", "", {}, row);
  table.append(columns, node);
  const head = {
    node,
    row,
    table: /** @type {HTMLTableElement} */ (table),
    columns,
    events,
    /** @type {Column[]} */
    shown: [],
    /** @type {string[]} */
    names: [],
    sort: "",
    movable: false,
    /** @type {Record<string, number>} */
    widths: {},
    /** Whether widths were set here that the server was not told yet. */
    isResizing: false,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    timer: undefined,
  };
  return head;
}

/** Forget widths that were about to be sent. @param {Head} head */
export function dropWidths(head) {
  clearTimeout(head.timer);
  head.isResizing = false;
}

/** @param {Head} head */
export function drawHead(head) {
  renderRows(
    head.row,
    head.shown,
    (column) => column.name,
    (column) => createHeader(head, column),
    updateHeader,
  );
  renderRows(
    head.columns,
    head.shown,
    (column) => column.name,
    () => ({ node: el("col") }),
    () => {},
  );
  drawWidths(head);
  const names = head.shown.map((column) => column.name);
  const [added, ...others] = names.filter((name) => !head.names.includes(name));
  // A column that was added behind the others would be out of sight in a wide table.
  const box = head.table.parentElement;
  if (box && head.names.length && added === names.at(-1) && !others.length) {
    box.scrollLeft = box.scrollWidth;
  }
  head.names = names;

  /** @param {ReturnType<typeof createHeader>} view @param {Column} column */
  function updateHeader(view, column) {
    view.column = column;
    const direction =
      head.sort && head.sort === column.asc
        ? "ascending"
        : head.sort && head.sort === column.desc
          ? "descending"
          : null;
    setText(view.title, column.title);
    setText(view.arrow, direction === "ascending" ? "↑" : direction ? "↓" : "");
    setAttr(view.node, "aria-sort", direction);
    setAttr(view.node, "data-align", column.align);
    setAttr(view.button, "title", sortHint(column, head.sort));
    setAttr(
      view.button,
      "aria-keyshortcuts",
      head.movable ? "Shift+ArrowLeft Shift+ArrowRight" : null,
    );
    show(view.grip, head.movable);
  }
}

/** @param {Column} column @param {string} sort */
function sortHint(column, sort) {
  const next = nextSort(column, sort);
  if (!next) return "Restore the default order";
  return `Sort ${next === column.asc ? "ascending" : "descending"}`;
}

/** Apply the widths: those that were set, or shares of the whole width. @param {Head} head */
function drawWidths(head) {
  const isSet = Object.keys(head.widths).length > 0;
  const last = head.shown.length - 1;
  let sum = 0;
  head.shown.forEach((column, index) => {
    const width = head.widths[column.name] || column.width;
    const col = /** @type {HTMLElement} */ (head.columns.children[index]);
    sum += width;
    // The last column takes the rest, so that the others keep the width that was set.
    col.style.width = isSet && index === last ? "" : `${width}px`;
  });
  head.table.style.minWidth = `${sum}px`;
}

/** @param {Head} head @param {Column} column */
function createHeader(head, column) {
  const title = el("span", "title");
  const arrow = el("span", "arrow", { "aria-hidden": "true" });
  const sortable = Boolean(column.asc || column.desc);
  const label = sortable ? button("sort", {}, title, arrow) : el("span", "sort", {}, title, arrow);
  const grip = el("span", "grip", { "aria-hidden": "true" });
  const node = el("th", "", { scope: "col" }, label, grip);
  const view = { node, column, button: label, title, arrow, grip };
  label.addEventListener("click", (event) => {
    if (!sortable || node.classList.contains("dragged")) return;
    head.events.sort(nextSort(view.column, head.sort, event.shiftKey));
  });
  label.addEventListener("keydown", (event) => onHeaderKey(head, view.column, event));
  listenForDrag(head, view);
  listenForResize(head, view);
  return view;
}

/** @param {Head} head @param {Column} column @param {KeyboardEvent} event */
function onHeaderKey(head, column, event) {
  const names = head.shown.map((other) => other.name);
  const here = names.indexOf(column.name);
  const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
  const wider = event.key === "+" || event.key === "=" ? 1 : event.key === "-" ? -1 : 0;
  if (step && event.shiftKey && head.movable) {
    if (names[here + step]) head.events.columns(moved(names, here, here + step));
  } else if (step) {
    const buttons = [...head.row.querySelectorAll("button.sort")];
    const button =
      event.currentTarget instanceof Element ? buttons.indexOf(event.currentTarget) : 0;
    const next = buttons[button + step];
    if (next instanceof HTMLElement) next.focus();
  } else if (wider && head.movable) {
    freeze(head);
    setWidth(head, column, (head.widths[column.name] || column.width) + wider * WIDTH_STEP);
    clearTimeout(head.timer);
    head.timer = setTimeout(() => sendWidths(head), 500);
  } else return;
  event.preventDefault();
}

/** @param {Head} head */
function sendWidths(head) {
  dropWidths(head);
  head.events.widths(head.widths);
}

/** Set each width to what it is on screen, to be changed from there. @param {Head} head */
function freeze(head) {
  head.isResizing = true;
  const widths = head.shown.map((column, index) => {
    const cell = head.row.children[index];
    const drawn = cell ? Math.round(cell.getBoundingClientRect().width) : 0;
    return [column.name, head.widths[column.name] || drawn || column.width];
  });
  head.widths = Object.fromEntries(widths);
}

/** @param {Head} head @param {Column} column @param {number} width */
function setWidth(head, column, width) {
  head.widths[column.name] = Math.round(Math.max(MIN_WIDTH, Math.min(width, MAX_WIDTH)));
  drawWidths(head);
}

/** @param {Head} head @param {ReturnType<typeof createHeader>} view */
function listenForResize(head, view) {
  view.grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    freeze(head);
    const from = event.clientX;
    const before = head.widths[view.column.name] || 0;
    follow(
      event.pointerId,
      (move) => setWidth(head, view.column, before + move.clientX - from),
      () => sendWidths(head),
    );
  });
  // As in a spreadsheet: a double click fits the width to the texts.
  view.grip.addEventListener("dblclick", () => {
    freeze(head);
    const place = head.shown.indexOf(view.column) + 1;
    const cells = [...head.table.querySelectorAll(`tbody td:nth-child(${place})`)];
    const texts = cells.map((cell) => {
      const inner = [...cell.children].map((child) => child.scrollWidth + 6);
      return inner.reduce((sum, width) => sum + width, 22);
    });
    setWidth(head, view.column, Math.max(view.title.scrollWidth + 40, ...texts));
    sendWidths(head);
  });
}

/** @param {Head} head @param {ReturnType<typeof createHeader>} view */
function listenForDrag(head, view) {
  view.node.addEventListener("pointerdown", (event) => {
    if (!head.movable || event.button !== 0) return;
    const from = event.clientX;
    let place = -1;
    follow(
      event.pointerId,
      (move) => {
        if (place < 0 && Math.abs(move.clientX - from) < DRAG_FROM) return;
        place = columnAt(head, move.clientX);
        view.node.classList.add("dragged");
        [...head.row.children].forEach((cell, index) => {
          const ahead = index === place && cell !== view.node;
          setAttr(cell, "data-drop", ahead ? (move.clientX < from ? "before" : "after") : null);
        });
      },
      (isCancelled) => {
        for (const cell of head.row.children) setAttr(cell, "data-drop", null);
        const names = head.shown.map((column) => column.name);
        const here = names.indexOf(view.column.name);
        // A finger that scrolls the table drops nothing.
        const isMoved = !isCancelled && place >= 0 && place !== here;
        if (isMoved) head.events.columns(moved(names, here, place));
        // The click that ends a drag does not sort.
        setTimeout(() => view.node.classList.remove("dragged"), 0);
      },
    );
  });
}

/** @param {Head} head @param {number} x */
function columnAt(head, x) {
  const edges = [...head.row.children].map((cell) => cell.getBoundingClientRect().right);
  const place = edges.findIndex((right) => x < right);
  return place < 0 ? edges.length - 1 : place;
}

/**
 * Call `onMove` while the pointer is down, then `onEnd` with whether the browser took it over.
 *
 * @param {number} pointer
 * @param {(event: PointerEvent) => void} onMove
 * @param {(isCancelled: boolean) => void} onEnd
 */
function follow(pointer, onMove, onEnd) {
  const move = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId === pointer) onMove(event);
  };
  const end = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== pointer) return;
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", end);
    window.removeEventListener("pointercancel", end);
    onEnd(event.type === "pointercancel");
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end);
  window.addEventListener("pointercancel", end);
}
