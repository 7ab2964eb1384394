/** How to undo an event: folded until opened, shown and copied only; nothing is sent. */

import { button, copyButton, el, setAttr, setText, show } from "./dom.js";
import { drawLines, escapeInvisible } from "./json_text.js";
import { renderRows } from "./rows.js";

/** @typedef {{ label: string, text?: string, points?: string[] }} Line */
/** @typedef {{ title: string, lines: Line[], call: string, note: string }} Recipe */
/** @typedef {ReturnType<typeof buildUndo>} UndoView */

export function buildUndo() {
  const title = el("h3");
  const toggle = button("link", { "aria-expanded": "false" });
  const lines = el("dl", "recipe");
  const code = el("pre", "code", { tabindex: "0", "aria-label": "Public API call", dir: "ltr" });
  const note = el("p", "note");
  const copy = copyButton("link", "Copy call", () => view.call);
  const callTitle = el("div", "bar-line", {}, el("h3", "", {}, "Public API call"), copy);
  const callPart = el("div", "call", {}, callTitle, code, note);
  const body = el("div", "", {}, lines, callPart);
  const part = el("section", "undo", {}, el("div", "bar-line", {}, title, toggle), body);
  const view = { part, body, title, toggle, lines, code, note, callPart, open: false, call: "" };
  toggle.addEventListener("click", () => {
    view.open = !view.open;
    drawFold(view);
  });
  return view;
}

/** @param {UndoView} view @param {Recipe | undefined} recipe @param {boolean} changed */
export function drawUndo(view, recipe, changed) {
  show(view.part, Boolean(recipe));
  if (changed) view.open = false;
  view.call = recipe ? recipe.call : "";
  if (!recipe) return;
  setText(view.title, recipe.title);
  renderRows(view.lines, recipe.lines, (line) => line.label, createLine, updateLine);
  drawLines(
    view.code,
    view.call.split("\n").map((line) => [{ text: escapeInvisible(line), kind: "" }]),
    true,
  );
  setText(view.note, recipe.note);
  show(view.callPart, view.call !== "");
  drawFold(view);
}

/** @param {UndoView} view */
function drawFold(view) {
  show(view.body, view.open);
  setText(view.toggle, view.open ? "Hide" : "Show");
  setAttr(view.toggle, "aria-label", `${view.open ? "Hide" : "Show"}: ${view.title.textContent}`);
  setAttr(view.toggle, "aria-expanded", String(view.open));
}

function createLine() {
  const label = el("dt");
  const text = el("p", "words");
  const points = el("ul", "words");
  return {
    node: el("div", "field", {}, label, el("dd", "", {}, text, points)),
    label,
    text,
    points,
  };
}

/** @param {ReturnType<typeof createLine>} view @param {Line} line */
function updateLine(view, line) {
  const points = line.points || [];
  setText(view.label, line.label);
  setText(view.text, line.text);
  show(view.text, Boolean(line.text));
  const create = () => ({ node: el("li") });
  renderRows(
    view.points,
    points,
    (point) => point,
    create,
    ({ node }, point) => setText(node, point),
  );
  show(view.points, points.length > 0);
}
