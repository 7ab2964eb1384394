/** An event beside an earlier one of its target: the fields that differ first, the others folded. */

import { button, el, setAttr, setText, show } from "./dom.js";
import { drawStatus, section } from "./event_sections.js";
import { messageLink, updateLink } from "./message_link.js";
import { renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./event_sections.js").More} More */
/** @typedef {{ name: string, before: string | null, after: string | null }} ComparedField */
/**
 * @typedef {{
 *   label: string, before: string, after: string, href: string, event_id: string, summary: string,
 *   changed: ComparedField[], unchanged: ComparedField[], unchanged_label: string, note: string,
 * }} Compared
 */
/** @typedef {ReturnType<typeof buildCompare>} CompareView */

const MISSING = "not recorded";

/** @param {Queue} queue */
export function buildCompare(queue) {
  const summary = el("span", "second", { role: "status" });
  const toggle = button("link", { "aria-expanded": "false" });
  const view = section("compare", "Compare with previous event of this target", summary, toggle);
  const choices = [0, 1].map(() => button("tab", { role: "radio" }));
  const choice = el(
    "div",
    "tabs",
    { role: "radiogroup", "aria-label": "Compare with" },
    ...choices,
  );
  const before = messageLink(queue, "link");
  const after = el("th", "", { scope: "col" });
  const head = el("tr", "", {}, el("th", "", { scope: "col" }, "Field"));
  head.append(el("th", "", { scope: "col" }, before.node), after);
  const body = el("tbody");
  const table = el("table", "compared", {}, el("thead", "", {}, head), body);
  const note = el("p", "note");
  view.part.append(choice, el("div", "table", {}, table), note);
  const compare = { ...view, summary, choice, choices, before, after, body, table, toggle, note };
  const result = {
    ...compare,
    /** @type {Compared[]} */
    compared: [],
    chosen: 0,
    open: false,
  };
  toggle.addEventListener("click", () => {
    result.open = !result.open;
    redrawCompare(result);
  });
  choices.forEach((node, index) => {
    node.addEventListener("click", () => choose(result, index));
    node.addEventListener("keydown", (event) => {
      if (!event.key.startsWith("Arrow")) return;
      choose(result, 1 - index);
      choices[1 - index]?.focus();
      event.preventDefault();
    });
  });
  return result;
}

/** @param {CompareView} view @param {number} index */
function choose(view, index) {
  view.chosen = index;
  redrawCompare(view);
}

/** @param {CompareView} view @param {boolean} hasTarget @param {More | null} more @param {boolean} changed */
export function drawCompare(view, hasTarget, more, changed) {
  if (changed) view.open = false;
  if (changed) view.chosen = 0;
  view.compared = more?.compare || [];
  show(view.part, hasTarget);
  redrawCompare(view);
  const first = "First event of this target.";
  drawStatus(view.summary, more, "compare", view.compared[view.chosen]?.summary ?? first);
}

/** @param {CompareView} view */
function redrawCompare(view) {
  const shown = view.compared[view.chosen];
  show(view.choice, view.compared.length > 1);
  view.choices.forEach((node, index) => {
    setText(node, view.compared[index]?.label);
    setAttr(node, "aria-checked", String(index === view.chosen));
    setAttr(node, "tabindex", index === view.chosen ? 0 : -1);
  });
  setText(view.summary, shown?.summary);
  setText(view.before.node, shown?.before);
  updateLink(view.before, shown?.href, shown ? { open: shown.event_id } : null);
  setText(view.after, shown?.after);
  const unchanged = shown?.unchanged || [];
  const rows = [...(shown?.changed || []), ...(view.open ? unchanged : [])];
  const changedCount = shown?.changed.length || 0;
  show(view.table, rows.length > 0);
  renderRows(
    view.body,
    rows,
    (row) => row.name,
    createCompared,
    (line, row, index) => {
      updateCompared(line, row, index < changedCount);
    },
  );
  // What could not be compared matters once fields are shown, or if none can be.
  setText(view.note, shown?.note);
  show(view.note, Boolean(shown?.note) && (rows.length > 0 || !unchanged.length));
  show(view.toggle, unchanged.length > 0);
  setText(view.toggle, view.open ? "Show less" : "Show all");
  setAttr(view.toggle, "title", shown?.unchanged_label);
  setAttr(view.toggle, "aria-expanded", String(view.open));
}

function createCompared() {
  const name = el("th", "", { scope: "row", dir: "auto" });
  const before = el("td", "", { dir: "auto" });
  const after = el("td", "", { dir: "auto" });
  return { node: el("tr", "", {}, name, before, after), name, before, after };
}

/** @param {ReturnType<typeof createCompared>} view @param {ComparedField} row @param {boolean} changed */
function updateCompared(view, row, changed) {
  setText(view.name, row.name);
  setAttr(view.node, "data-changed", changed ? "true" : null);
  for (const [cell, value] of /** @type {const} */ ([
    [view.before, row.before],
    [view.after, row.after],
  ])) {
    setText(cell, value ?? MISSING);
    setAttr(cell, "data-missing", value === null ? "true" : null);
  }
}
