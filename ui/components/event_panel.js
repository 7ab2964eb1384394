/**
 * The detail panel of one event; a new event starts with its sections folded.
 *
 * What takes longer to find is requested once the panel rests on an event.
 */

import { copyIcon, el, iconButton, setAttr, setColor, setText, show, valueSpan } from "./dom.js";
import { buildCompare, drawCompare } from "./event_compare.js";
import { drawFields } from "./event_fields.js";
import { buildRaw, drawRaw } from "./event_raw.js";
import { buildAround, buildRelated, drawAround, drawRelated } from "./event_sections.js";
import { component, drawSentence } from "./rows.js";
import { buildUndo, drawUndo } from "./undo_section.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./event_sections.js").More} More */
/**
 * @typedef {{
 *   event_id: string, link: string, time: string, raw: string, other_raw?: string,
 *   risk: { level: string, label: string }, category: { name: string, square: string },
 *   outcome: { state: string, label: string }, sentence: import("./dom.js").Part[],
 *   fields: import("./event_fields.js").Field[], undo?: import("./undo_section.js").Recipe,
 *   around?: string, has_target?: boolean, has_previous?: boolean, has_next?: boolean,
 * }} PanelEvent
 */
/** @typedef {{ event: PanelEvent | null, more?: More | null, notice?: string }} Data */
/** @typedef {ReturnType<typeof build>} Panel */

/** @type {Record<string, string>} */
const RISK = { high: "▲", medium: "◆", low: "○" };
/** @type {Record<string, string>} */
const OUTCOME = { success: "✓", failure: "✕", unknown: "?" };
const LINK_ICON = [
  "M6.8 9.2a2.8 2.8 0 0 0 4 0l2.4-2.4a2.8 2.8 0 0 0-4-4L8 4",
  "M9.2 6.8a2.8 2.8 0 0 0-4 0L2.8 9.2a2.8 2.8 0 0 0 4 4L8 12",
];
const REST_MS = 150;
const REPEAT_MS = 5000;
const REQUESTS = 3;
// The sticky top of the panel, the space below it, and its least height.
const [TOP_PX, BOTTOM_PX, LEAST_PX] = [66, 12, 320];
const TAKES_KEYS = "input, textarea, select, [role=dialog], [role=listbox], [role=menu]";

export default component(build, (panel, /** @type {Data} */ data) => {
  show(panel.card, data.event !== null);
  if (data.event) draw(panel, data.event, data);
  else panel.event = null;
});

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const badges = el("div", "badges");
  const close = iconButton("Close", "M4 4l8 8", "M12 4l-8 8");
  const previous = iconButton("Previous event", "M3 10l5-5 5 5");
  const next = iconButton("Next event", "M3 6l5 5 5-5");
  const copyLink = copyIcon(() => fullAddress(panel.event?.link || ""), "Copy link", ...LINK_ICON);
  const panel = {
    queue,
    /** @type {PanelEvent | null} */
    event: null,
    /** @type {More | null} */
    more: null,
    requests: 0,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    timer: undefined,
    card: el("article", "root card", { "aria-label": "Event" }),
    risk: appendBadge(badges, "glyph"),
    category: appendBadge(badges, "square"),
    outcome: appendBadge(badges, "glyph"),
    sentence: el("h2", "sentence", { dir: "auto" }),
    time: el("p", "when"),
    notice: el("p", "notice", { role: "status" }),
    previous,
    next,
    fields: el("dl", "fields"),
    undo: buildUndo(),
    around: buildAround(queue),
    compare: buildCompare(queue),
    related: buildRelated(queue),
    raw: buildRaw(),
  };
  close.addEventListener("click", () => queue.send({ close: true }));
  previous.addEventListener("click", () => queue.send({ step: -1 }));
  next.addEventListener("click", () => queue.send({ step: 1 }));
  const tools = el("div", "tools", {}, previous, next, copyLink, close);
  const parts = [panel.undo, panel.around, panel.compare, panel.related, panel.raw];
  panel.card.append(
    el("div", "top", {}, badges, tools),
    ...[panel.sentence, panel.time, panel.notice, panel.fields],
    ...parts.map((view) => view.part),
  );
  parent.append(panel.card);
  listen(parent, false, (event) => isTableEscape(event) || onPanelKey(panel, event), "keydown");
  // The table keeps Escape to itself, even with no row marked: it is taken on its way to the table.
  listen(parent, true, (event) => isTableEscape(event) && onPanelKey(panel, event), "keydown");
  // Its place changes with the scroll position of the page, and with what is drawn above it.
  const resized = new ResizeObserver(() => fit(panel));
  for (const node of [document.body, panel.card]) resized.observe(node);
  listen(parent, true, () => panel.card.hidden || fit(panel), "scroll");
  return panel;
}

/**
 * Call `onEvent` for key presses, or other events, of the whole page while `parent` is in it.
 *
 * @template {"keydown" | "scroll"} Name
 * @param {Element} parent
 * @param {boolean} capture before the pressed element gets the key, instead of afterwards
 * @param {(event: DocumentEventMap[Name]) => void} onEvent
 * @param {Name} name
 */
function listen(parent, capture, onEvent, name) {
  document.addEventListener(
    name,
    function listener(event) {
      // Nothing reports that the panel was removed; the next event finds out.
      if (parent.isConnected) onEvent(event);
      else document.removeEventListener(name, listener, capture);
    },
    capture,
  );
}

/**
 * Keep the panel inside the window, of whose top the head of the page takes more or less.
 *
 * @param {Panel} panel
 */
function fit(panel) {
  const { top } = panel.card.getBoundingClientRect();
  const height = window.innerHeight - Math.max(top, TOP_PX) - BOTTOM_PX;
  panel.card.style.maxHeight = `${Math.max(height, LEAST_PX)}px`;
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

/** @param {Panel} panel @param {PanelEvent} event @param {Data} data */
function draw(panel, event, { more, notice }) {
  const changed = panel.event?.event_id !== event.event_id;
  panel.event = event;
  // Known sections remain until newer ones arrive.
  if (changed) panel.more = null;
  if (more?.event_id === event.event_id) panel.more = more;
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
  setText(panel.notice, notice);
  show(panel.notice, Boolean(notice));
  panel.previous.disabled = event.has_previous === false;
  panel.next.disabled = event.has_next === false;
  drawFields(panel.fields, panel.queue, event.fields, panel.more?.fields);
  drawUndo(panel.undo, event.undo, changed);
  const hasTarget = Boolean(event.has_target);
  drawAround(panel.around, event.around || "", panel.more);
  drawCompare(panel.compare, hasTarget, panel.more, changed);
  drawRelated(panel.related, hasTarget, panel.more);
  drawRaw(panel.raw, [event.raw, event.other_raw || ""].filter(Boolean), changed);
  if (changed) panel.card.scrollTop = 0;
  fit(panel);
  request(panel, changed);
}

/**
 * Request the sections of the event unless the reader steps on soon; again if no answer comes.
 *
 * A run that another one supersedes answers nothing.
 *
 * @param {Panel} panel
 * @param {boolean} changed
 */
function request(panel, changed) {
  if (changed) panel.requests = 0;
  if (!changed && panel.timer !== undefined && !panel.more) return;
  clearTimeout(panel.timer);
  panel.timer = undefined;
  if (panel.more) return;
  const ask = () => {
    panel.timer = undefined;
    if (!panel.event || panel.more || !panel.card.isConnected || panel.card.hidden) return;
    panel.requests += 1;
    panel.queue.send({ more: panel.event.event_id });
    if (panel.requests < REQUESTS) panel.timer = setTimeout(ask, REPEAT_MS);
  };
  panel.timer = setTimeout(ask, REST_MS);
}

/** @param {Element} parent @param {string} markClass */
function appendBadge(parent, markClass) {
  const mark = el("span", markClass, { "aria-hidden": "true" });
  const label = valueSpan("name");
  const node = el("span", "badge", {}, mark, label);
  parent.append(node);
  return { node, mark, label };
}

/** @param {string} link such as `/explore?event=e1` */
function fullAddress(link) {
  return new URL(link, window.location.href).href;
}
