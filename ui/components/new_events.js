/**
 * How many events arrived since the page was drawn: a button that shows them, and a switch that
 * shows them by itself.
 */

import { button, el, formatNumber, icon, setAttr, setText } from "./dom.js";
import { component } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ query: string, since: string, live: boolean }} NewEventsData */
/** @typedef {ReturnType<typeof build>} NewEvents */

const POLL_MS = 12_000;
const MAX_POLL_MS = 120_000;
// What shows more than the newest rows of the result; new ones would move it away.
const READING = ["event", "after", "before"];

export default component(build, update);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const label = el("span", "label");
  const refresh = button(
    "refresh",
    {},
    icon("M13 5.5A5.5 5.5 0 1 0 13.5 9", "M13.5 2.5v3.2h-3.2"),
    label,
  );
  const knob = el("i", "knob");
  const live = button("live", { role: "switch" }, knob, "Live");
  setAttr(live, "title", "Show new events as they arrive, except while an event is open");
  const root = el("div", "root new-events", {}, refresh, live);
  parent.append(root);
  const state = {
    ...{ root, queue, label, refresh, live },
    data: /** @type {NewEventsData | null} */ (null),
    count: 0,
    wait: POLL_MS,
    timer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),
    isOver: false,
  };
  refresh.addEventListener("click", () => queue.send({ do: "refresh" }));
  live.addEventListener("click", () => queue.send({ do: "live", on: !state.data?.live }));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && root.isConnected) schedule(state, 0);
  });
  return state;
}

/** @param {NewEvents} state @param {NewEventsData} data */
function update(state, data) {
  const isSame = state.data?.since === data.since && state.data.query === data.query;
  state.data = data;
  setAttr(state.live, "aria-checked", String(data.live));
  if (!isSame) showCount(state, 0, false);
  if (!isSame || state.timer === undefined) schedule(state, POLL_MS);
  // Switched on: what has arrived is shown at once.
  if (data.live && state.count) refreshAlone(state);
}

/** @param {NewEvents} state @param {number} wait */
function schedule(state, wait) {
  clearTimeout(state.timer);
  if (!state.isOver) state.timer = setTimeout(() => poll(state), wait);
}

/**
 * Ask for the number, and ask again later: not while the tab is hidden or after the component has
 * left the page, and never after the session has ended.
 *
 * @param {NewEvents} state
 */
async function poll(state) {
  state.timer = undefined;
  const { data } = state;
  if (!data || document.hidden || !state.root.isConnected) return;
  const query = `${data.query}&since=${encodeURIComponent(data.since)}`;
  const response = await fetch(`/api/new-events?${query}`, { cache: "no-store" }).catch(() => null);
  if (response?.status === 401 || response?.status === 403) {
    state.isOver = true;
    return;
  }
  const answer = response?.ok ? await response.json().catch(() => null) : null;
  // A busy server is asked less often.
  state.wait = answer ? POLL_MS : Math.min(state.wait * 2, MAX_POLL_MS);
  if (answer && state.data === data) {
    showCount(state, Number(answer.count) || 0, Boolean(answer.more));
    if (data.live && state.count) refreshAlone(state);
  }
  schedule(state, state.wait);
}

/** @param {NewEvents} state @param {number} count @param {boolean} more */
function showCount(state, count, more) {
  state.count = count;
  const number = `${formatNumber(count)}${more ? "+" : ""}`;
  setText(state.label, count ? `${number} new ${count === 1 ? "event" : "events"}` : "Refresh");
  setAttr(state.refresh, "class", count ? "refresh some" : "refresh");
}

/** Refresh unless somebody reads an event or an older page. @param {NewEvents} state */
function refreshAlone(state) {
  const names = new URLSearchParams(window.location.search);
  if (!READING.some((name) => names.get(name))) state.queue.send({ do: "refresh" });
}
