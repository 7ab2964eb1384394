// What needs somebody. Each row is one button, so that a keyboard walks the list.

const LISTS = new WeakMap();
const GLYPHS = { high: "▲", medium: "◆", low: "○" };
const NAMES = { high: "High", medium: "Medium", low: "Low" };

export default function ({ data, parentElement, setTriggerValue }) {
  let list = LISTS.get(parentElement);
  if (!list) LISTS.set(parentElement, (list = build(parentElement)));
  list.line.renew(setTriggerValue, data.seen);
  patchList(list.rows, data.rows, (row) => row.go, () => makeRow(list), update);
  show(list.none, data.rows.length === 0);
}

function build(parent) {
  const root = el("section", "root needs", { "aria-label": "Needs you" });
  const title = el("h2");
  title.textContent = "Needs you";
  const rows = el("div", "rows");
  const none = el("p", "second");
  none.textContent = "Nothing in this window needs a look.";
  root.append(title, rows, none);
  parent.append(root);
  return { rows, none, line: makeLine() };
}

function makeRow(list) {
  const node = button("row");
  const glyph = el("span", "glyph", { role: "img" });
  const words = el("span", "words");
  const what = el("span", "name what", { dir: "auto" });
  const why = el("span", "name second", { dir: "auto" });
  words.append(what, why);
  const age = el("span", "second age");
  node.append(glyph, words, age);
  node.trailNeed = { glyph, what, why, age, go: "" };
  node.addEventListener("click", () => list.line.send({ go: node.trailNeed.go }));
  return node;
}

function update(node, row) {
  const parts = node.trailNeed;
  parts.go = row.go;
  setText(parts.glyph, GLYPHS[row.level] || "○");
  setAttr(parts.glyph, "class", `glyph ${row.level in GLYPHS ? row.level : "low"}`);
  setAttr(parts.glyph, "aria-label", NAMES[row.level] || "Low");
  setText(parts.what, row.what);
  setText(parts.why, row.why);
  setText(parts.age, row.age);
  setAttr(node, "title", plain(row.what));
}
