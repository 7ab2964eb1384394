/**
 * The detail panel of one event; a new event starts with its sections folded.
 *
 * What takes longer to find is requested once the panel rests on an event.
 */

import { copyIcon, el, iconButton, setAttr, setColor, setText, show, valueSpan } from "./dom.js";
import { buildCompare, drawCompare } from "./event_compare.js";
import { drawFields } from "./event_fields.js";
import { buildPlace, setOpen } from "./event_place.js";
import { buildRaw, drawRaw } from "./event_raw.js";
import { buildAround, buildRelated, drawAround, drawRelated } from "./event_sections.js";
import { isFree, listen } from "./page_events.js";
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
/**
 * @typedef {{
 *   event: PanelEvent | null, more?: More | null, notice?: string, columns?: string[],
 * }} Data
 */
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

export default component(build, (panel, /** @type {Data} */ data) => {
  if (data.event) draw(panel, data.event, data);
  else panel.event = null;
  setOpen(panel.place, data.event !== null);
});

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const badges = el("div", "badges");
  const close = iconButton("Close", "M4 4l8 8", "M12 4l-8 8");
  const previous = iconButton("Previous event", "M3 10l5-5 5 5");
  const next = iconButton("Next event", "M3 6l5 5 5-5");
  const copyLink = copyIcon(() => fullAddress(panel.event?.link || ""), "Copy link", ...LINK_ICON);
  const card = el("article", "root card", { "aria-label": "Event", tabindex: "-1", hidden: "" });
  const panel = {
    queue,
    /** @type {PanelEvent | null} */
    event: null,
    /** @type {More | null} */
    more: null,
    requests: 0,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    timer: undefined,
    card,
    place: buildPlace(parent, card),
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
  card.addEventListener("scroll", () => {
    setAttr(card, "data-scrolled", card.scrollTop ? "" : null);
  });
  // The table keeps Escape to itself, even with no row marked: it is taken on its way to the table.
  for (const early of [false, true]) {
    listen(parent, early, "keydown", (event) => {
      if (early === isTableEscape(event)) onPanelKey(panel, event);
    });
  }
  return panel;
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
  if (!isFree(event)) return;
  if (event.key === "Escape") panel.queue.send({ close: true });
  else if (event.key === "j") panel.next.click();
  else if (event.key === "k") panel.previous.click();
}

/** @param {Panel} panel @param {PanelEvent} event @param {Data} data */
function draw(panel, event, { more, notice, columns = [] }) {
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
  drawFields(panel.fields, panel.queue, event.fields, panel.more?.fields, columns);
  drawUndo(panel.undo, event.undo, changed);
  const hasTarget = Boolean(event.has_target);
  drawAround(panel.around, event.around || "", panel.more);
  drawCompare(panel.compare, hasTarget, panel.more, changed);
  drawRelated(panel.related, hasTarget, panel.more);
  drawRaw(panel.raw, [event.raw, event.other_raw || ""].filter(Boolean), changed);
  if (changed) panel.card.scrollTop = 0;
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
