// Six numbers. Each tile is one button; its course has a scale of its own.

const ROWS = new WeakMap();
const WIDE = 58;
const TALL = 30;
const SVG = "http://www.w3.org/2000/svg";

export default function ({ data, parentElement, setTriggerValue }) {
  let row = ROWS.get(parentElement);
  if (!row) {
    const root = el("div", "root tiles");
    parentElement.append(root);
    ROWS.set(parentElement, (row = { root, line: makeLine() }));
  }
  row.line.renew(setTriggerValue, data.seen);
  patchList(row.root, data.tiles, (tile) => tile.name, () => makeTile(row), update);
}

function makeTile(row) {
  const node = button("tile");
  const parts = { go: "" };
  for (const name of ["name", "value", "delta", "note"]) parts[name] = el("span", name);
  const head = el("span", "head");
  head.append(parts.value, parts.delta);
  const chart = document.createElementNS(SVG, "svg");
  parts.curve = document.createElementNS(SVG, "polyline");
  parts.area = document.createElementNS(SVG, "polygon");
  setAttr(chart, "viewBox", `0 0 ${WIDE} ${TALL}`);
  setAttr(chart, "class", "trend");
  setAttr(chart, "aria-hidden", "true");
  chart.append(parts.area, parts.curve);
  node.append(parts.name, head, parts.note, chart);
  node.trailTile = parts;
  node.addEventListener("click", () => parts.go && row.line.send({ go: parts.go }));
  return node;
}

function update(node, tile) {
  const parts = node.trailTile;
  parts.go = tile.go;
  for (const name of ["name", "value", "delta", "note"]) setText(parts[name], tile[name]);
  setAttr(parts.delta, "class", `delta ${tile.tone === "bad" ? "bad" : ""}`);
  if (node.disabled !== !tile.go) node.disabled = !tile.go;
  const line = points(tile.trend || []);
  setAttr(parts.curve, "points", line);
  setAttr(parts.area, "points", line && `1,${TALL} ${line} ${WIDE - 1},${TALL}`);
}

function points(values) {
  if (values.length < 2) return "";
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = (WIDE - 2) / (values.length - 1);
  return values
    .map((value, at) => `${(1 + at * step).toFixed(1)},${(TALL - 4 - ((value - low) / span) * (TALL - 8)).toFixed(1)}`)
    .join(" ");
}
