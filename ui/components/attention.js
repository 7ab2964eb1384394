/** What needs attention: each row leads to the place that decides, and has its actions. */

import { createMenu, drawMenu } from "./attention_menu.js";
import { button, el, icon, plain, setAddress, setAttr, setText, show, valueSpan } from "./dom.js";
import { component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {"high" | "medium" | "low"} Level */
/**
 * @typedef {{
 *   id: string, address: string, level: Level, urgency: string, what: string, why: string,
 *   age: string, action: string, label: string, assignee: string, assigneeName: string,
 *   until: string, mayHold: boolean, holdReason: string,
 * }} Item
 */
/** @typedef {{ value: string, label: string }} Choice */
/**
 * @typedef {{
 *   rows: Item[], muted: Item[], count: string, empty: string, me: string, users: Choice[],
 *   mutes: Choice[], firstDay: string, mayTriage: boolean, acknowledged: number,
 * }} Data
 */

const GLYPHS = { high: "▲", medium: "◆", low: "○" };

export default component(
  (parent, queue) => {
    const count = el("span", "second count");
    const title = el("h2", "", { tabindex: "-1" }, "Needs attention ", count);
    const mine = button("mine link", { "aria-pressed": "false" });
    const note = el("span", "second note", {}, "All open items, most urgent first");
    const rows = el("ul", "rows");
    const empty = el("p", "second empty");
    const summary = el("summary");
    const mutedRows = el("ul", "rows");
    const muted = el("details", "muted", {}, summary, mutedRows);
    const head = el("div", "head", {}, title, el("span", "side", {}, note, mine));
    parent.append(
      el("section", "root needs", { "aria-label": "Needs attention" }, head, rows, empty, muted),
    );
    const list = { queue, title, count, mine, rows, empty, summary, mutedRows, muted };
    const state = { ...list, onlyMine: false, data: /** @type {Data | null} */ (null) };
    mine.addEventListener("click", () => {
      state.onlyMine = !state.onlyMine;
      drawList(state);
    });
    return state;
  },
  (state, /** @type {Data} */ data) => {
    state.data = data;
    drawList(state);
  },
);

/**
 * @param {{
 *   queue: Queue, title: HTMLElement, count: HTMLElement, mine: HTMLElement, rows: HTMLElement,
 *   empty: HTMLElement, summary: HTMLElement, mutedRows: HTMLElement, muted: HTMLElement,
 *   onlyMine: boolean, data: Data | null,
 * }} state
 */
function drawList(state) {
  const { data, queue } = state;
  if (!data) return;
  const mine = data.rows.filter((item) => item.assignee !== "" && item.assignee === data.me);
  if (mine.length === 0) state.onlyMine = false;
  show(state.mine, mine.length > 0);
  setText(state.mine, `Assigned to me, ${mine.length}`);
  setAttr(state.mine, "aria-pressed", String(state.onlyMine));
  setText(state.count, data.count);
  const { lostFocus } = renderRows(
    state.rows,
    state.onlyMine ? mine : data.rows,
    (item) => item.id,
    () => createRow(queue),
    (row, item) => drawRow(row, item, data),
  );
  const rest = renderRows(
    state.mutedRows,
    data.muted,
    (item) => item.id,
    () => createMuted(queue),
    (row, item) => drawMuted(row, item, data),
  );
  setText(state.summary, `${data.muted.length} muted`);
  show(state.muted, data.muted.length > 0);
  setText(state.empty, data.empty);
  show(state.empty, data.rows.length === 0);
  // A row that was muted takes the focus with it.
  if (lostFocus || rest.lostFocus) state.title.focus({ preventScroll: true });
}

/** @param {Queue} queue */
function createRow(queue) {
  const glyph = el("span", "glyph", { "aria-hidden": "true" });
  const what = el("a", "name what", { dir: "auto" });
  const urgency = el("b", "urgency");
  const why = valueSpan("why");
  const age = el("span", "second age");
  const owner = el("span", "owner", { role: "img" });
  const act = el("a", "act");
  const open = button("act");
  const more = button("tool", {}, icon("M3 8h.01", "M8 8h.01", "M13 8h.01"));
  const menu = createMenu(queue, more);
  open.addEventListener("click", () => menu.panel.showPopover());
  const words = el("span", "words", {}, what, el("span", "second name", {}, urgency, why));
  const node = el("li", "row", {}, glyph, words, age, owner, act, open, more, menu.panel);
  return { node, glyph, what, urgency, why, age, owner, act, open, more, menu };
}

/** @param {ReturnType<typeof createRow>} row @param {Item} item @param {Data} data */
function drawRow(row, item, data) {
  setText(row.glyph, GLYPHS[item.level] || GLYPHS.low);
  setAttr(row.glyph, "class", `glyph ${item.level}`);
  setAddress(row.what, item.address);
  setText(row.what, item.what);
  setAttr(row.what, "title", plain(item.what));
  setText(row.urgency, item.urgency);
  setAttr(row.urgency, "class", `urgency ${item.level}`);
  setText(row.why, item.why);
  setAttr(row.why, "title", plain(item.why));
  setText(row.age, item.age);
  setText(row.owner, initials(item.assigneeName));
  const assigned = item.assigneeName ? `Assigned to ${plain(item.assigneeName)}` : "Not assigned";
  setAttr(row.owner, "aria-label", assigned);
  setAttr(row.owner, "title", assigned);
  setAttr(row.owner, "class", item.assigneeName ? "owner" : "owner nobody");
  // Hidden but not absent, so that the columns of the rows stay in line.
  row.owner.style.visibility = item.id ? "" : "hidden";
  const inMenu = data.mayTriage && item.id !== "" && item.action !== "open";
  setAddress(row.act, item.address);
  setText(row.act, item.label);
  setText(row.open, item.label);
  for (const part of [row.act, row.open]) {
    setAttr(part, "aria-label", `${plain(item.label)}: ${plain(item.what)}`);
  }
  show(row.act, !inMenu && item.address !== "");
  show(row.open, inMenu);
  setAttr(row.more, "aria-label", `Actions: ${plain(item.what)}`);
  setAttr(row.more, "title", "Actions");
  show(row.more, data.mayTriage && item.id !== "");
  drawMenu(row.menu, item, data);
}

/** @param {Queue} queue */
function createMuted(queue) {
  const what = el("a", "name what", { dir: "auto" });
  const until = el("span", "second age");
  const wake = button("act", {}, "End mute");
  const row = { node: el("li", "row", {}, what, until, wake), what, until, wake, id: "" };
  wake.addEventListener("click", () => queue.send({ do: "mute", id: row.id, until: "" }));
  return row;
}

/** @param {ReturnType<typeof createMuted>} row @param {Item} item @param {Data} data */
function drawMuted(row, item, data) {
  row.id = item.id;
  setAddress(row.what, item.address);
  setText(row.what, item.what);
  setText(row.until, item.until);
  setAttr(row.wake, "aria-label", `End mute: ${plain(item.what)}`);
  show(row.wake, data.mayTriage);
}

/**
 * Return the first letters of the first and last word of a name; a dash without one.
 *
 * @param {string} name
 */
export function initials(name) {
  const words = plain(name).split(/\s+/).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const letters = chosen.map((word) => [...(word || "")][0] || "").join("");
  return letters.toUpperCase() || "–";
}
