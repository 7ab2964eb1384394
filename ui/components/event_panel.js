/** The detail panel of one event; a new event starts with its sections folded. */

import {
  button,
  copyButton,
  el,
  formatNumber,
  icon,
  iconButton,
  plain,
  setAttr,
  setColor,
  setText,
  show,
  valueSpan,
} from "./dom.js";
import { drawLines, layOut, TOKEN_LIMIT } from "./json_text.js";
import { component, drawSentence, renderRows } from "./rows.js";
import { buildUndo, drawUndo } from "./undo_section.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {"actor" | "target"} Side */
/**
 * @typedef {{
 *   label: string, value: string, hint?: string, mono?: boolean, field?: string,
 *   filter_value?: string,
 * }} Field
 */
/**
 * @typedef {{
 *   offset: string, label: string, target: string, event_id: string, current?: boolean,
 * }} RelatedRow
 */
/**
 * @typedef {{
 *   event_id: string, link: string, time: string, raw: string, other_raw?: string,
 *   risk: { level: string, label: string }, category: { name: string, square: string },
 *   outcome: { state: string, label: string }, sentence: import("./dom.js").Part[],
 *   fields: Field[], undo?: import("./undo_section.js").Recipe,
 *   related: Partial<Record<Side, { total: number, rows: RelatedRow[] }>>,
 *   has_previous?: boolean, has_next?: boolean,
 * }} PanelEvent
 */
/** @typedef {ReturnType<typeof build>} Panel */

/** @type {Record<string, string>} */
const RISK = { high: "▲", medium: "◆", low: "○" };
/** @type {Record<string, string>} */
const OUTCOME = { success: "✓", failure: "✕", unknown: "?" };
/** @type {[Side, string][]} */
const TABS = [
  ["actor", "Same actor ±15 min"],
  ["target", "Same target"],
];
const LINK_ICON = [
  "M6.8 9.2a2.8 2.8 0 0 0 4 0l2.4-2.4a2.8 2.8 0 0 0-4-4L8 4",
  "M9.2 6.8a2.8 2.8 0 0 0-4 0L2.8 9.2a2.8 2.8 0 0 0 4 4L8 12",
];
const FOLDED_LINES = 9;
const MAX_LINES = 200;
const MAX_CHARS = 64 * 1024;
const TAKES_KEYS = "input, textarea, select, [role=dialog], [role=listbox], [role=menu]";

export default component(build, (panel, /** @type {{ event: PanelEvent | null }} */ data) => {
  show(panel.card, data.event !== null);
  if (data.event) draw(panel, data.event);
  else panel.event = null;
});

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const badges = el("div", "badges");
  const close = iconButton("Close", "M4 4l8 8", "M12 4l-8 8");
  const previous = iconButton("Previous event", "M10 3L5 8l5 5");
  const next = iconButton("Next event", "M6 3l5 5-5 5");
  const time = el("span");
  const panel = {
    queue,
    /** @type {PanelEvent | null} */
    event: null,
    /** @type {Side} */
    tab: "actor",
    card: el("article", "root card", { "aria-label": "Event" }),
    risk: appendBadge(badges, "glyph"),
    category: appendBadge(badges, "square"),
    outcome: appendBadge(badges, "glyph"),
    sentence: el("h2", "sentence", { dir: "auto" }),
    time,
    previous,
    next,
    fields: el("dl", "fields"),
    undo: buildUndo(),
    raw: buildRaw(),
    related: buildRelated(),
  };
  const copyLink = copyButton(
    "action",
    "Copy link",
    () => safeLink(panel.event?.link),
    icon(...LINK_ICON),
  );
  close.addEventListener("click", () => queue.send({ close: true }));
  previous.addEventListener("click", () => queue.send({ step: -1 }));
  next.addEventListener("click", () => queue.send({ step: 1 }));
  panel.raw.swap.addEventListener("click", () => {
    panel.raw.other = !panel.raw.other;
    drawRaw(panel);
  });
  panel.raw.toggle.addEventListener("click", () => {
    panel.raw.open = !panel.raw.open;
    drawRaw(panel);
  });
  panel.related.all.addEventListener("click", () => queue.send({ related: panel.tab }));
  panel.related.tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => selectTab(panel, TABS[index]?.[0] ?? "actor"));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      selectTab(panel, panel.tab === "actor" ? "target" : "actor");
      panel.related.tabs.find((other) => other.tabIndex === 0)?.focus();
      event.preventDefault();
    });
  });
  const top = el("div", "top", {}, badges, el("div", "actions", {}, copyLink, close));
  const when = el("div", "when", {}, time, el("div", "steps", {}, previous, next));
  const parts = [
    panel.sentence,
    when,
    panel.fields,
    panel.undo.part,
    panel.raw.part,
    panel.related.part,
  ];
  panel.card.append(top, ...parts);
  parent.append(panel.card);
  listen(parent, false, (event) => isTableEscape(event) || onPanelKey(panel, event));
  // The table keeps Escape to itself, even with no row marked: it is taken on its way to the table.
  listen(parent, true, (event) => isTableEscape(event) && onPanelKey(panel, event));
  return panel;
}

/**
 * Call `onKey` for key presses of the whole page while `parent` is in it.
 *
 * @param {Element} parent
 * @param {boolean} capture before the pressed element gets the key, instead of afterwards
 * @param {(event: KeyboardEvent) => void} onKey
 */
function listen(parent, capture, onKey) {
  document.addEventListener(
    "keydown",
    function listener(event) {
      // Nothing reports that the panel was removed; the next key press finds out.
      if (parent.isConnected) onKey(event);
      else document.removeEventListener("keydown", listener, capture);
    },
    capture,
  );
}

/** @param {KeyboardEvent} event */
function isTableEscape(event) {
  const target = event.composedPath()[0];
  const inTable = target instanceof Element && target.closest("[data-testid=stDataFrame]");
  return event.key === "Escape" && Boolean(inTable);
}

/** Escape closes; j and k step, as in lists elsewhere. @param {Panel} panel @param {KeyboardEvent} event */
function onPanelKey(panel, event) {
  if (panel.card.hidden) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !isFree(event)) return;
  if (event.key === "Escape") panel.queue.send({ close: true });
  else if (event.key === "j") panel.next.click();
  else if (event.key === "k") panel.previous.click();
}

/** Return false while a text field, dialog or menu handles keys. @param {KeyboardEvent} event */
function isFree(event) {
  const target = event.composedPath()[0];
  const taken = target instanceof Element && target.closest(TAKES_KEYS);
  return !event.defaultPrevented && !taken && !document.querySelector("[role=dialog]");
}

function buildRaw() {
  const swap = button("link");
  const toggle = button("link", { "aria-expanded": "false" });
  const copy = copyButton("link", "Copy JSON", () => view.text);
  const side = el("div", "side", {}, swap, copy, toggle);
  const code = el("pre", "code", { tabindex: "0", "aria-label": "Raw JSON", dir: "ltr" });
  const note = el("p", "note", {}, "Truncated. Copy JSON copies the full text.");
  const bar = el("div", "bar-line", {}, el("h3", "", {}, "Raw JSON"), side);
  const part = el("section", "raw", {}, bar, code, note);
  const view = { part, swap, toggle, code, note, text: "", open: false, other: false };
  return view;
}

function buildRelated() {
  const tabs = TABS.map(() => button("tab", { role: "tab" }));
  const tabList = el("div", "tabs", { role: "tablist", "aria-label": "Related events" }, ...tabs);
  const rows = el("div", "rows", { role: "tabpanel" });
  const empty = el("p", "note", {}, "No other event");
  const all = button("link all");
  const bar = el("div", "bar-line", {}, el("h3", "", {}, "Related"), tabList);
  return { part: el("section", "related", {}, bar, rows, empty, all), tabs, rows, empty, all };
}

/** @param {Panel} panel @param {PanelEvent} event */
function draw(panel, event) {
  const changed = panel.event?.event_id !== event.event_id;
  const rawChanged = changed || panel.event?.raw !== event.raw;
  panel.event = event;
  if (changed) panel.raw.open = panel.raw.other = false;
  setAttr(panel.risk.node, "data-level", event.risk.level);
  setText(panel.risk.mark, RISK[event.risk.level]);
  setText(panel.risk.label, event.risk.label);
  setColor(panel.category.mark, "--square", event.category.square);
  setText(panel.category.label, event.category.name);
  setAttr(panel.outcome.node, "data-outcome", event.outcome.state);
  setText(panel.outcome.mark, OUTCOME[event.outcome.state]);
  setText(panel.outcome.label, event.outcome.label);
  drawSentence(panel.sentence, event.sentence);
  setText(panel.time, event.time);
  panel.previous.disabled = event.has_previous === false;
  panel.next.disabled = event.has_next === false;
  const create = (/** @type {Field} */ field) => createField(panel.queue, field);
  renderRows(panel.fields, event.fields, (field) => field.label, create, updateField);
  drawUndo(panel.undo, event.undo, changed);
  if (rawChanged) drawRaw(panel);
  drawRelated(panel);
  if (changed) panel.card.scrollTop = 0;
}

/** @param {Queue} queue @param {Field} field */
function createField(queue, field) {
  const label = el("dt");
  const main = valueSpan("main");
  const hint = valueSpan("hint");
  const include = iconButton("", "M8 3.5v9", "M3.5 8h9");
  const exclude = iconButton("", "M3.5 8h9");
  const tools = el("dd", "tools", {}, include, exclude);
  const node = el("div", "field", {}, label, el("dd", "value", {}, main, hint), tools);
  const view = { node, field, label, main, hint, tools, include, exclude };
  const send = (/** @type {string} */ mode) => {
    const { field: name, filter_value, value } = view.field;
    queue.send({ field: name, value: filter_value ?? value, mode });
  };
  include.addEventListener("click", () => send("include"));
  exclude.addEventListener("click", () => send("exclude"));
  return view;
}

/** @param {ReturnType<typeof createField>} view @param {Field} field */
function updateField(view, field) {
  view.field = field;
  setText(view.label, field.label);
  setText(view.main, field.value);
  setText(view.hint, field.hint);
  view.node.classList.toggle("mono", Boolean(field.mono));
  show(view.tools, Boolean(field.field));
  for (const [tool, verb] of /** @type {const} */ ([
    [view.include, "Only"],
    [view.exclude, "Exclude"],
  ])) {
    setAttr(tool, "title", `${verb} this ${field.label.toLowerCase()}`);
    setAttr(tool, "aria-label", `${verb} ${field.label} ${plain(field.value).slice(0, 80)}`);
  }
}

/** Draw the raw record; a change reported by two sources has two. @param {Panel} panel */
function drawRaw({ raw, event }) {
  raw.text = (raw.other ? event?.other_raw : event?.raw) || "";
  show(raw.swap, Boolean(event?.other_raw));
  setText(raw.swap, raw.other ? "Show the first record" : "Show the other record");
  const folded = layOut(raw.text, FOLDED_LINES, MAX_CHARS, TOKEN_LIMIT);
  const shown = raw.open ? layOut(raw.text, MAX_LINES, MAX_CHARS, MAX_CHARS) : folded;
  drawLines(raw.code, shown.lines, shown.lines.length >= shown.total);
  raw.code.scrollTop = 0;
  show(raw.part, raw.text !== "");
  show(raw.toggle, folded.truncated);
  setText(raw.toggle, raw.open ? "Show less" : showMoreLabel(folded.total));
  setAttr(raw.toggle, "aria-expanded", String(raw.open));
  show(raw.note, raw.open && shown.truncated);
}

/** @param {number} total lines of the record */
export function showMoreLabel(total) {
  if (total <= FOLDED_LINES) return "Show all";
  return total > MAX_LINES
    ? `Show ${MAX_LINES} of ${formatNumber(total)} lines`
    : `Show all ${total} lines`;
}

/** @param {Panel} panel */
function drawRelated({ related, event, tab: selectedTab, queue }) {
  related.tabs.forEach((tab, index) => {
    const [name, label] = TABS[index] ?? ["actor", ""];
    const selected = selectedTab === name;
    setText(tab, `${label} · ${formatNumber(event?.related[name]?.total)}`);
    setAttr(tab, "aria-selected", String(selected));
    setAttr(tab, "tabindex", selected ? 0 : -1);
    if (selected) setAttr(related.rows, "aria-label", label);
  });
  const group = event?.related[selectedTab] || { total: 0, rows: [] };
  renderRows(
    related.rows,
    group.rows,
    (row) => row.event_id,
    (row) => createRelated(queue, row),
    updateRelated,
  );
  show(related.empty, group.rows.length === 0);
  show(related.all, group.total > 0);
  const all = `Open all ${formatNumber(group.total)} in Explore`;
  setText(related.all, group.total === 1 ? "Open in Explore" : all);
}

/** @param {Queue} queue @param {RelatedRow} row */
function createRelated(queue, row) {
  const offset = el("span", "offset");
  const label = valueSpan("name strong");
  const target = valueSpan("name second");
  const view = { node: button("near", {}, offset, label, target), offset, label, target, row };
  view.node.addEventListener(
    "click",
    () => view.row.current || queue.send({ open: view.row.event_id }),
  );
  return view;
}

/** @param {ReturnType<typeof createRelated>} view @param {RelatedRow} row */
function updateRelated(view, row) {
  view.row = row;
  setText(view.offset, row.offset);
  setText(view.label, row.label);
  setText(view.target, row.target);
  setAttr(view.node, "title", plain(`${row.label} · ${row.target}`));
  setAttr(view.node, "aria-current", row.current ? "true" : null);
}

/** @param {Panel} panel @param {Side} side */
function selectTab(panel, side) {
  panel.tab = side;
  drawRelated(panel);
}

/** @param {Element} parent @param {string} markClass */
function appendBadge(parent, markClass) {
  const mark = el("span", markClass, { "aria-hidden": "true" });
  const label = valueSpan("name");
  const node = el("span", "badge", {}, mark, label);
  parent.append(node);
  return { node, mark, label };
}

/**
 * Return the full address of a link; a link that is not HTTP gives the address of the page.
 *
 * @param {string | undefined} link
 */
export function safeLink(link) {
  const here = window.location.href;
  const url = new URL(link || "", here);
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : here;
}
