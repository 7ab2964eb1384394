/** The panel of the time range: a text field with a preview, more presets, and a calendar. */

import { createCalendar, dayOf, dayText, showRange } from "./calendar_grid.js";
import { button, el, icon, setAttr, setDisabled, setText, show } from "./dom.js";
import { renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {ReturnType<typeof createTimePanel>} TimePanel */
/** @typedef {{ id: string, label: string, name: string }} Preset */
/** @typedef {{ label?: string, error?: string, hint?: string }} Answer */
/**
 * @typedef {{
 *   presets: Preset[], common: string[], value: string, label: string, text: string, meaning: string,
 *   first: string, last: string, today: string, week: number, tz: string, can_step_back: boolean,
 *   can_step_forward: boolean, can_zoom_out: boolean, problem: string, recent: string[],
 * }} TimeData
 */

const PREVIEW_DELAY_MS = 150;
const MARGIN = 8;
// The panel covers its button rather than being less high than this.
const USABLE_HEIGHT = 440;

/**
 * Create the panel; `choose` gets what is pressed, before the panel closes.
 *
 * @param {(message: Record<string, unknown>) => void} choose
 */
export function createTimePanel(choose) {
  const input = el("input", "field", {
    type: "text",
    "aria-label": "Time range",
    "aria-describedby": "meaning",
    placeholder: "last 3 days, nov 3 - nov 10, since monday",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: "200",
  });
  const meaning = el("p", "meaning", { id: "meaning", role: "status" });
  const presets = el("div", "presets", { role: "group", "aria-label": "Presets" });
  const recent = el("div", "again", { role: "group", "aria-labelledby": "recent" });
  const history = el("div", "history", {}, el("h3", "", { id: "recent" }, "Recently used"), recent);
  const zoom = button(
    "small",
    {},
    icon("M11 11l3 3", "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10z", "M5 7h4"),
    "Zoom out",
  );
  const cancel = button("small", {}, "Cancel");
  const apply = button("small primary", {}, "Apply");
  const calendar = createCalendar((first, last) => {
    input.value = first === last ? dayText(first) : `${dayText(first)} – ${dayText(last)}`;
    preview(panel);
  });
  const body = el("div", "body", {}, el("div", "", {}, presets, history), calendar.node);
  const foot = el("div", "foot", {}, zoom, el("span", "space"), cancel, apply);
  const attributes = { popover: "auto", role: "dialog", "aria-label": "Time range" };
  const node = el("div", "panel", attributes, el("div", "top", {}, input, meaning), body, foot);
  const panel = {
    ...{ node, input, meaning, presets, history, recent, zoom, apply, calendar, choose },
    data: /** @type {TimeData | null} */ (null),
    timer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),
    request: new AbortController(),
    isRefused: false,
  };
  input.addEventListener("input", () => {
    clearTimeout(panel.timer);
    panel.timer = setTimeout(() => preview(panel), PREVIEW_DELAY_MS);
  });
  // Keys of the page, such as / and ?, are text here.
  node.addEventListener("keydown", (event) => event.stopPropagation());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") submit(panel);
  });
  apply.addEventListener("click", () => submit(panel));
  cancel.addEventListener("click", () => node.hidePopover?.());
  zoom.addEventListener("click", () => send(panel, { do: "zoom" }));
  return panel;
}

/**
 * Draw the data of a script run; what is typed in an open panel stays.
 *
 * @param {TimePanel} panel
 * @param {TimeData} data
 */
export function drawTimePanel(panel, data) {
  panel.data = data;
  setDisabled(panel.zoom, !data.can_zoom_out);
  renderRows(
    panel.presets,
    data.presets,
    ({ id }) => id,
    ({ id, name }) => {
      const choice = button("choice", {}, name);
      choice.addEventListener("click", () => send(panel, { do: "preset", id }));
      return { node: choice };
    },
    ({ node }, { id }) => setAttr(node, "aria-pressed", String(id === data.value)),
  );
  show(panel.history, data.recent.length > 0);
  renderRows(
    panel.recent,
    data.recent,
    (text) => text,
    (text) => {
      const choice = button("choice", {}, text.slice(0, 1).toUpperCase() + text.slice(1));
      choice.addEventListener("click", () => send(panel, { do: "typed", text }));
      return { node: choice };
    },
    ({ node }, text) => setAttr(node, "aria-pressed", String(text === data.text)),
  );
  if (!panel.node.matches(":popover-open")) fill(panel);
  if (data.problem) say(panel, { error: data.problem });
}

/**
 * Show the current range, and place the panel below its button, inside the window.
 *
 * @param {TimePanel} panel
 * @param {Element} anchor
 */
export function prepareTimePanel(panel, anchor) {
  fill(panel);
  const { right, bottom } = anchor.getBoundingClientRect();
  const { clientWidth: width, clientHeight: height } = document.documentElement;
  const panelWidth = Math.min(600, width - 2 * MARGIN);
  const top = Math.max(MARGIN, Math.min(bottom + 6, height - MARGIN - USABLE_HEIGHT));
  const left = Math.max(MARGIN, Math.min(right - panelWidth, width - MARGIN - panelWidth));
  Object.assign(panel.node.style, {
    width: `${panelWidth}px`,
    left: `${left}px`,
    top: `${top}px`,
    maxHeight: `${height - MARGIN - top}px`,
  });
}

/** @param {TimePanel} panel */
function fill(panel) {
  const { data } = panel;
  if (!data) return;
  panel.input.value = data.text;
  say(panel, { label: data.meaning });
  const [first, last] = [data.first, data.last].map((iso) => (iso ? dayOf(iso) : 0));
  const shown = { first: first || 0, last: last || 0, today: dayOf(data.today), week: data.week };
  showRange(panel.calendar, shown);
}

/** @param {TimePanel} panel @param {Record<string, unknown>} message */
function send(panel, message) {
  panel.choose(message);
  panel.node.hidePopover?.();
}

/** @param {TimePanel} panel */
async function submit(panel) {
  const text = panel.input.value.trim();
  if (text === panel.data?.text) panel.node.hidePopover?.();
  else if (await preview(panel)) send(panel, { do: "typed", text });
}

/**
 * Ask what the text means, and show it; return whether it can be used.
 *
 * @param {TimePanel} panel
 */
async function preview(panel) {
  clearTimeout(panel.timer);
  panel.request.abort();
  const request = new AbortController();
  panel.request = request;
  const { tz = "UTC", week = 0 } = panel.data || {};
  const query = new URLSearchParams({ text: panel.input.value, tz, week: String(week) });
  const answer = await fetch(`/api/time?${query}`, { signal: request.signal })
    .then((response) => /** @type {Promise<Answer>} */ (response.json()))
    .catch(() => null);
  if (request.signal.aborted) return false;
  // Without an answer, the server says it after Apply.
  say(panel, answer || {});
  return !answer?.error;
}

/** @param {TimePanel} panel @param {Answer} answer */
function say(panel, { label, error, hint }) {
  setText(panel.meaning, error ? `✕ ${error} ${hint || ""}` : label || "");
  setAttr(panel.meaning, "class", error ? "meaning wrong" : "meaning");
  setAttr(panel.input, "aria-invalid", error ? "true" : null);
  show(panel.meaning, true);
}
