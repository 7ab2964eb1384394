/** The cells of a table: text with matches marked, a glyph or a square, and the menu of a value. */

import { button, copyText, el, iconButton, plain, setColor, setText } from "./dom.js";

/**
 * @typedef {string | {
 *   text: string, glyph?: string, tone?: string, square?: string, note?: string,
 * }} Cell
 */
/**
 * @typedef {{
 *   name: string, title: string, width: number, align?: string, mono?: boolean, filter?: boolean,
 *   unmarked?: boolean, asc?: string, desc?: string, first?: string,
 * }} Column
 */
/** @typedef {{ column: Column, id: string, cell: HTMLElement, text: string }} Place */
/**
 * @typedef {{
 *   node: HTMLElement, list: HTMLElement, tool: HTMLElement, items: HTMLElement[],
 *   place: Place | null, back: HTMLElement | null, close: () => void, closeIfMoved: () => void,
 *   open: (place: Place, back: HTMLElement | null) => void,
 * }} CellMenu
 */

const MAX_MARKS = 20;

/** @param {Cell | undefined} cell */
export function cellText(cell) {
  return plain(typeof cell === "object" ? cell.text : cell);
}

/**
 * Return the parts of a text in order; those that equal one of `marks`, in any case, are marked.
 *
 * @param {string} text
 * @param {readonly string[]} marks
 * @returns {{ text: string, marked: boolean }[]}
 */
export function markedParts(text, marks) {
  const wanted = marks.filter(Boolean).slice(0, MAX_MARKS);
  if (!wanted.length) return [{ text, marked: false }];
  const escaped = wanted
    .sort((one, other) => other.length - one.length)
    .map((mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return text
    .split(new RegExp(`(${escaped.join("|")})`, "giu"))
    .map((part, index) => ({ text: part, marked: index % 2 === 1 }))
    .filter((part) => part.text);
}

/**
 * Fill `node` with a cell; `inner` is the element that takes its text.
 *
 * @param {HTMLElement} node
 * @param {HTMLElement} inner
 * @param {Cell | undefined} cell
 * @param {readonly string[]} marks
 */
export function drawCell(node, inner, cell, marks) {
  const text = cellText(cell);
  const parts = markedParts(text, marks).map((part) =>
    part.marked ? el("mark", "", {}, part.text) : part.text,
  );
  inner.replaceChildren(...parts);
  const children = [];
  if (typeof cell === "object" && cell.square !== undefined) {
    const square = el("span", "square", { "aria-hidden": "true" });
    children.push(square);
    node.replaceChildren(square);
    setColor(square, "--square", cell.square);
  }
  if (typeof cell === "object" && cell.glyph) {
    const attributes = { "aria-hidden": "true", "data-tone": String(cell.tone || "") };
    children.push(el("span", "glyph", attributes, plain(cell.glyph)));
  }
  children.push(inner);
  if (typeof cell === "object" && cell.note) {
    children.push(el("span", "cell-note", { dir: "auto" }, plain(cell.note)));
  }
  node.replaceChildren(...children);
}

/**
 * Create the button that is moved into the cell under the pointer, and the menu of one cell.
 *
 * @param {(mode: string, place: Place) => void} onFilter
 * @returns {CellMenu}
 */
export function buildCellMenu(onFilter) {
  const tool = iconButton("Filter or copy this value", "M3 8h.01", "M8 8h.01", "M13 8h.01");
  tool.classList.add("cell-tool");
  tool.tabIndex = -1;
  const only = button("item", { role: "menuitem", tabindex: "-1" });
  const out = button("item", { role: "menuitem", tabindex: "-1" });
  const copy = button("item", { role: "menuitem", tabindex: "-1" }, "Copy");
  const status = el("span", "sr-only", { role: "status" });
  const list = el(
    "div",
    "menu cell-menu",
    { role: "menu", "aria-label": "Value" },
    only,
    out,
    copy,
  );
  list.hidden = true;
  /** @type {DOMRect | undefined} of the cell when the menu was opened */
  let at;
  /** @type {CellMenu} */
  const menu = {
    node: el("div", "cell-menu-root", {}, list, status),
    list,
    tool,
    items: [only, out, copy],
    place: null,
    back: null,
    close() {
      if (list.hidden) return;
      list.hidden = true;
      menu.place?.cell.classList.remove("menu-open");
      menu.back?.focus({ preventScroll: true });
    },
    // The browser reports a scroll a frame later, by which time the menu of another cell can be open.
    closeIfMoved() {
      const now = menu.place?.cell.getBoundingClientRect();
      if (now?.left !== at?.left || now?.top !== at?.top) menu.close();
    },
    open(place, back) {
      menu.close();
      Object.assign(menu, { place, back });
      place.cell.classList.add("menu-open");
      const value = place.text.length > 60 ? `${place.text.slice(0, 60)}…` : place.text;
      setText(only, `Filter for “${value}”`);
      setText(out, `Filter out “${value}”`);
      setText(copy, "Copy value");
      only.hidden = out.hidden = !place.column.filter;
      list.hidden = false;
      at = place.cell.getBoundingClientRect();
      const left = Math.min(at.left, window.innerWidth - list.offsetWidth - 8);
      const below = at.bottom + list.offsetHeight < window.innerHeight;
      list.style.left = `${Math.max(8, left)}px`;
      list.style.top = `${below ? at.bottom : at.top - list.offsetHeight}px`;
      (place.column.filter ? only : copy).focus({ preventScroll: true });
    },
  };
  only.addEventListener("click", () => choose("include"));
  out.addEventListener("click", () => choose("exclude"));
  copy.addEventListener("click", async () => {
    const copied = await copyText(menu.place?.text || "");
    setText(status, copied ? "Copied" : "Not copied");
    setText(copy, copied ? "Copied" : "Not copied");
    setTimeout(menu.close, 600);
  });
  list.addEventListener("keydown", (event) => onMenuKey(menu, event));
  list.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !list.contains(event.relatedTarget)) {
      menu.back = null;
      menu.close();
    }
  });
  /** @param {string} mode */
  function choose(mode) {
    const place = menu.place;
    menu.close();
    if (place) onFilter(mode, place);
  }
  return menu;
}

/** @param {CellMenu} menu @param {KeyboardEvent} event */
function onMenuKey(menu, event) {
  const shown = menu.items.filter((item) => !item.hidden);
  const here = shown.indexOf(/** @type {HTMLButtonElement} */ (event.target));
  if (event.key === "Escape" || event.key === "Tab") menu.close();
  else if (event.key === "ArrowDown") shown[(here + 1) % shown.length]?.focus();
  else if (event.key === "ArrowUp") shown[(here + shown.length - 1) % shown.length]?.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
