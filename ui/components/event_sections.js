/** What is connected to an event: what happened before or after it, and related events. */

import { button, el, formatNumber, setAttr, setText, show, valueSpan } from "./dom.js";
import { messageLink, updateLink } from "./message_link.js";
import { renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {"target" | "actor"} Side */
/**
 * @typedef {{
 *   failed: boolean, offset: string, title: string, strength: string, note: string, href: string,
 *   event_id?: string,
 * }} AroundRow
 */
/**
 * @typedef {{
 *   when: string, title: string, detail: string, event_id: string, href: string, current?: boolean,
 * }} RelatedRow
 */
/** @typedef {{ total: number, rows: RelatedRow[], href: string }} Related */
/**
 * @typedef {{
 *   event_id: string, fields: import("./event_fields.js").Field[],
 *   around?: { caption: string, rows: AroundRow[], note: string, more: string, href: string },
 *   compare?: import("./event_compare.js").Compared[], related?: Partial<Record<Side, Related>>, notes: Record<string, string>,
 * }} More
 */
/** @typedef {ReturnType<typeof buildAround>} AroundView */
/** @typedef {ReturnType<typeof buildRelated>} RelatedView */

/** @type {Side[]} */
const SIDES = ["target", "actor"];
const TABS = {
  target: { label: "Same target", hint: "Events of the same target" },
  actor: { label: "Same actor", hint: "Events of the same actor, 15 minutes before and after" },
};

/** @param {string} className @param {string} title @param {Element[]} side */
export function section(className, title, ...side) {
  const heading = el("h3", "", {}, title);
  const bar = el("div", "bar-line", {}, heading, el("div", "side", {}, ...side));
  return { part: el("section", className, {}, bar), heading };
}

/**
 * Show that a section is being computed, or why it was not.
 *
 * @param {HTMLElement} status
 * @param {More | null} more
 * @param {string} name
 * @param {string} [note] what to say instead once it was computed
 */
export function drawStatus(status, more, name, note) {
  const text = more ? more.notes[name] || note || "" : "Loading…";
  setText(status, text);
  show(status, text !== "");
}

/** @param {Queue} queue */
export function buildAround(queue) {
  const caption = el("span", "second");
  const view = section("around", "", caption);
  const rows = el("div", "rows");
  const status = el("p", "note", { role: "status" });
  const more = messageLink(queue, "link");
  view.part.append(rows, status, more.node);
  return { ...view, caption, rows, status, more, queue };
}

/** @param {AroundView} view @param {string} title @param {More | null} more */
export function drawAround(view, title, more) {
  const around = more?.around;
  show(view.part, title !== "");
  setText(view.heading, title);
  setText(view.caption, around?.caption);
  renderRows(
    view.rows,
    around?.rows || [],
    (row) => row.href,
    () => createAroundRow(view.queue),
    updateAroundRow,
  );
  drawStatus(view.status, more, "around", around?.note);
  show(view.more.node, Boolean(around?.more));
  setText(view.more.node, around?.more);
  updateLink(view.more, around?.href, null);
}

/** @param {Queue} queue */
function createAroundRow(queue) {
  const mark = el("span", "glyph", { "aria-hidden": "true" });
  const offset = el("span", "offset");
  const title = valueSpan("strong wrap");
  const strength = el("span", "strength");
  const note = valueSpan("second");
  const text = el("span", "lines", {}, title, el("span", "evidence", {}, strength, note));
  const link = messageLink(queue, "around-row", mark, offset, text);
  return { node: link.node, link, mark, offset, title, strength, note };
}

/** @param {ReturnType<typeof createAroundRow>} view @param {AroundRow} row */
function updateAroundRow(view, row) {
  updateLink(view.link, row.href, row.event_id ? { open: row.event_id } : null);
  setAttr(view.node, "data-failed", row.failed ? "true" : null);
  setText(view.mark, row.failed ? "▲" : "○");
  setText(view.offset, row.offset);
  setText(view.title, row.title);
  setText(view.strength, row.strength ? `${row.strength} evidence:` : "");
  setAttr(view.strength, "data-strength", row.strength);
  show(view.strength, row.strength !== "");
  setText(view.note, row.note);
}

/** @param {Queue} queue */
export function buildRelated(queue) {
  const failure = button("link", {}, "Next failure");
  const all = messageLink(queue, "link");
  const view = section("related", "Related", failure, all.node);
  const tabs = SIDES.map((side) => {
    const count = el("span", "count");
    const node = button(
      "tab",
      { role: "tab", title: TABS[side].hint },
      `${TABS[side].label} `,
      count,
    );
    return { side, node, count };
  });
  const list = el("div", "tabs", { role: "tablist", "aria-label": "Related events" });
  list.append(...tabs.map((tab) => tab.node));
  const rows = el("div", "rows", { role: "tabpanel" });
  const status = el("p", "note", { role: "status" });
  view.heading.replaceWith(list);
  view.part.append(rows, status);
  const result = {
    ...{ ...view, queue, tabs, rows, status, failure, all },
    /** @type {Side} */
    side: "target",
    /** @type {More | null} */
    more: null,
  };
  failure.addEventListener("click", () => queue.send({ failure: true }));
  for (const { side, node } of tabs) {
    node.addEventListener("click", () => selectTab(result, side));
    node.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      selectTab(result, result.side === "actor" ? "target" : "actor");
      tabs.find((other) => other.node.tabIndex === 0)?.node.focus();
      event.preventDefault();
    });
  }
  return result;
}

/** @param {RelatedView} view @param {boolean} hasTarget @param {More | null} more */
export function drawRelated(view, hasTarget, more) {
  view.more = more;
  for (const { side, node } of view.tabs) show(node, hasTarget || side === "actor");
  if (!hasTarget) view.side = "actor";
  redrawRelated(view);
}

/** @param {RelatedView} view @param {Side} side */
function selectTab(view, side) {
  view.side = side;
  redrawRelated(view);
}

/** @param {RelatedView} view */
function redrawRelated(view) {
  const related = view.more?.related;
  for (const { side, node, count } of view.tabs) {
    const selected = view.side === side;
    const total = related?.[side]?.total;
    setText(count, total === undefined ? "" : formatNumber(total));
    setAttr(node, "aria-selected", String(selected));
    setAttr(node, "tabindex", selected ? 0 : -1);
    if (selected) setAttr(view.rows, "aria-label", TABS[side].hint);
  }
  const group = related?.[view.side];
  renderRows(
    view.rows,
    group?.rows || [],
    (row) => row.event_id,
    () => createRelated(view.queue),
    updateRelated,
  );
  drawStatus(view.status, view.more, "related", group?.total ? "" : "No other event.");
  show(view.all.node, Boolean(group?.total));
  setText(view.all.node, "Open all in Explore");
  updateLink(view.all, group?.href, { related: view.side });
}

/** @param {Queue} queue */
function createRelated(queue) {
  const when = el("span", "offset");
  const title = valueSpan("name strong");
  const detail = valueSpan("name second");
  const link = messageLink(queue, "near", when, title, detail);
  return { node: link.node, link, when, title, detail };
}

/** @param {ReturnType<typeof createRelated>} view @param {RelatedRow} row */
function updateRelated(view, row) {
  updateLink(view.link, row.href, row.current ? {} : { open: row.event_id });
  setText(view.when, row.when);
  setText(view.title, row.title);
  setText(view.detail, row.detail);
  setAttr(view.node, "title", `${view.title.textContent} · ${view.detail.textContent}`);
  setAttr(view.node, "aria-current", row.current ? "true" : null);
}
