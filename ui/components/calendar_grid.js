/** A month of days to select a range in: a date grid with the keys of the WAI-ARIA pattern. */

import { el, iconButton, setAttr, setText } from "./dom.js";

/** @typedef {ReturnType<typeof createCalendar>} Calendar */
/** @typedef {{ node: HTMLElement, day: number }} Cell */

const DAY_MS = 86_400_000;
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July", "August"],
  ...["September", "October", "November", "December"],
];
const WEEKS = 6;

/**
 * Return the number of the day of a date such as `2026-11-03`; days are counted without a zone.
 *
 * @param {string} iso
 */
export function dayOf(iso) {
  return Date.parse(`${iso}T00:00Z`) / DAY_MS;
}

/** @param {number} day */
function dateOf(day) {
  return new Date(day * DAY_MS);
}

/** @param {number} day @returns {number} Monday is 0 */
function weekdayOf(day) {
  return (dateOf(day).getUTCDay() + 6) % 7;
}

/**
 * Write a day as people do: `3 Nov 2026`.
 *
 * @param {number} day
 */
export function dayText(day) {
  const date = dateOf(day);
  const month = (MONTHS[date.getUTCMonth()] || "").slice(0, 3);
  return `${date.getUTCDate()} ${month} ${date.getUTCFullYear()}`;
}

/**
 * Return the first day that is drawn for the month of `day`: the start of its first week.
 *
 * @param {number} day
 * @param {number} week the day on which weeks start; Monday is 0
 */
export function firstShown(day, week) {
  const first = day - dateOf(day).getUTCDate() + 1;
  return first - ((weekdayOf(first) - week + 7) % 7);
}

/**
 * Return the same day of another month, or the last day of a shorter one.
 *
 * @param {number} day
 * @param {number} months
 */
function addMonths(day, months) {
  const date = dateOf(day);
  const month = date.getUTCMonth() + months;
  const last = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  return Date.UTC(date.getUTCFullYear(), month, Math.min(date.getUTCDate(), last)) / DAY_MS;
}

/**
 * Return the day that a key moves to, or undefined for any other key.
 *
 * @param {{ key: string, shiftKey?: boolean }} event
 * @param {number} day
 * @param {number} week
 */
export function dayAfterKey({ key, shiftKey }, day, week) {
  const place = (weekdayOf(day) - week + 7) % 7;
  const moves = new Map([
    ["ArrowLeft", day - 1],
    ["ArrowRight", day + 1],
    ["ArrowUp", day - 7],
    ["ArrowDown", day + 7],
    ["Home", day - place],
    ["End", day - place + 6],
    ["PageUp", addMonths(day, shiftKey ? -12 : -1)],
    ["PageDown", addMonths(day, shiftKey ? 12 : 1)],
  ]);
  return moves.get(key);
}

/**
 * Create the calendar; `onSelect` gets the first and the last day after each press.
 *
 * The first press selects one day, the next one the other end of the range.
 *
 * @param {(first: number, last: number) => void} onSelect
 */
export function createCalendar(onSelect) {
  const title = el("span", "month-name", { "aria-live": "polite" });
  const back = iconButton("Previous month", "M10 3.5L5.5 8l4.5 4.5");
  const next = iconButton("Next month", "M6 3.5L10.5 8 6 12.5");
  const names = WEEKDAYS.map(() => el("span", "weekday", { role: "columnheader" }));
  const head = el("div", "week", { role: "row" }, ...names);
  const grid = el("div", "days", { role: "grid" }, head);
  /** @type {Cell[]} */
  const cells = [];
  for (let row = 0; row < WEEKS; row += 1) {
    const line = el("div", "week", { role: "row" });
    for (let column = 0; column < 7; column += 1) {
      const cell = { node: el("span", "day", { role: "gridcell" }), day: 0 };
      cell.node.addEventListener("click", () => select(view, cell.day));
      cells.push(cell);
      line.append(cell.node);
    }
    grid.append(line);
  }
  const bar = el("div", "month", {}, back, title, next);
  const view = {
    node: el("div", "calendar", { role: "group", "aria-label": "Calendar" }, bar, grid),
    ...{ title, head, grid, cells, onSelect },
    ...{ focus: 0, first: 0, last: 0, today: 0, week: 0, isOpen: false },
  };
  back.addEventListener("click", () => move(view, addMonths(view.focus, -1)));
  next.addEventListener("click", () => move(view, addMonths(view.focus, 1)));
  grid.addEventListener("keydown", (event) => {
    const day = dayAfterKey(event, view.focus, view.week);
    if (day !== undefined) {
      move(view, day);
      view.cells.find((cell) => cell.day === day)?.node.focus();
    } else if (event.key === "Enter" || event.key === " ") select(view, view.focus);
    else return;
    event.preventDefault();
  });
  return view;
}

/**
 * Show a range, and the month in which it ends.
 *
 * @param {Calendar} view
 * @param {{ first: number, last: number, today: number, week: number }} shown
 */
export function showRange(view, { first, last, today, week }) {
  Object.assign(view, { first, last, today, week, isOpen: false, focus: last || today });
  drawMonth(view);
}

/** @param {Calendar} view @param {number} day */
function move(view, day) {
  view.focus = day;
  drawMonth(view);
}

/** @param {Calendar} view @param {number} day */
function select(view, day) {
  if (view.isOpen) {
    [view.first, view.last] = day < view.first ? [day, view.first] : [view.first, day];
  } else [view.first, view.last] = [day, day];
  view.isOpen = !view.isOpen;
  view.focus = day;
  drawMonth(view);
  view.onSelect(view.first, view.last);
}

/** @param {Calendar} view */
function drawMonth(view) {
  const month = dateOf(view.focus).getUTCMonth();
  const name = `${MONTHS[month]} ${dateOf(view.focus).getUTCFullYear()}`;
  setText(view.title, name);
  setAttr(view.grid, "aria-label", name);
  [...view.head.children].forEach((node, index) => {
    const weekday = WEEKDAYS[(index + view.week) % 7] || "";
    setText(node, weekday.slice(0, 2));
    setAttr(node, "aria-label", weekday);
  });
  const start = firstShown(view.focus, view.week);
  view.cells.forEach((cell, index) => {
    cell.day = start + index;
    const date = dateOf(cell.day);
    const selected = view.first > 0 && cell.day >= view.first && cell.day <= view.last;
    const classes = [
      "day",
      date.getUTCMonth() === month ? "" : "other",
      cell.day > view.today ? "future" : "",
      cell.day === view.first || cell.day === view.last ? "end" : "",
    ];
    setText(cell.node, date.getUTCDate());
    setAttr(cell.node, "class", classes.filter(Boolean).join(" "));
    setAttr(cell.node, "aria-selected", String(selected));
    setAttr(cell.node, "aria-current", cell.day === view.today ? "date" : null);
    setAttr(cell.node, "tabindex", cell.day === view.focus ? 0 : -1);
    const label = `${WEEKDAYS[weekdayOf(cell.day)]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
    setAttr(cell.node, "aria-label", `${label} ${date.getUTCFullYear()}`);
  });
}
