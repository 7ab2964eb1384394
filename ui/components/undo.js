// How an event is undone: folded until asked for. It is only shown and copied; nothing is sent.

function buildUndo() {
  const undo = { part: el("section", "undo"), open: false, call: "" };
  const bar = el("div", "bar-line");
  undo.title = el("h3");
  undo.toggle = button("link", { "aria-expanded": "false" });
  undo.toggle.addEventListener("click", () => {
    undo.open = !undo.open;
    foldUndo(undo);
  });
  bar.append(undo.title, undo.toggle);
  undo.body = el("div");
  undo.lines = el("dl", "recipe");
  undo.body.append(undo.lines, buildCall(undo));
  undo.part.append(bar, undo.body);
  return undo;
}

function buildCall(undo) {
  undo.callPart = el("div", "call");
  const bar = el("div", "bar-line");
  const title = el("h3");
  title.textContent = "Public API call";
  const copy = button("link", { title: "Copy call" }); // the status inside gives it no name
  const words = el("span", "", { role: "status" });
  words.textContent = "Copy call";
  copy.append(words);
  copyButton(copy, words, "Copy call", () => undo.call);
  bar.append(title, copy);
  undo.code = el("pre", "code", { tabindex: "0", "aria-label": "Public API call", dir: "ltr" });
  undo.note = el("p", "note");
  undo.callPart.append(bar, undo.code, undo.note);
  return undo.callPart;
}

function drawUndo(undo, recipe, changed) {
  show(undo.part, Boolean(recipe));
  if (changed) undo.open = false;
  undo.call = recipe ? recipe.call : "";
  if (!recipe) return;
  setText(undo.title, recipe.title);
  patchList(undo.lines, recipe.lines, (line) => line.label, makeUndoLine, drawUndoLine);
  drawLines(undo.code, undo.call.split("\n").map((line) => [[visible(line), ""]]), true);
  setText(undo.note, recipe.note);
  show(undo.callPart, undo.call !== "");
  foldUndo(undo);
}

function foldUndo(undo) {
  show(undo.body, undo.open);
  setText(undo.toggle, undo.open ? "Hide" : "Show");
  setAttr(undo.toggle, "aria-label", `${undo.open ? "Hide" : "Show"}: ${undo.title.textContent}`);
  setAttr(undo.toggle, "aria-expanded", String(undo.open));
}

function makeUndoLine() {
  const node = el("div", "field");
  const label = el("dt");
  const value = el("dd");
  const words = el("p", "words");
  const points = el("ul", "words");
  value.append(words, points);
  node.append(label, value);
  node.trailLine = { label, words, points };
  return node;
}

function drawUndoLine(node, line) {
  const parts = node.trailLine;
  const points = line.points || [];
  setText(parts.label, line.label);
  setText(parts.words, line.text);
  show(parts.words, Boolean(line.text));
  patchList(parts.points, points, (point) => point, () => el("li"), setText);
  show(parts.points, points.length > 0);
}
