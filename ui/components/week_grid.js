// Events by weekday and hour. A cell is one button; its shade says how many, its title the number.

const GRIDS = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let grid = GRIDS.get(parentElement);
  if (!grid) {
    const root = el("div", "root week", { role: "group" });
    parentElement.append(root);
    GRIDS.set(parentElement, (grid = { root, line: makeLine() }));
  }
  grid.line.renew(setTriggerValue, data.seen);
  setAttr(grid.root, "aria-label", data.label);
  patchList(grid.root, data.cells, (cell) => cell.key, (cell) => make(grid, cell), update);
}

function make(grid, cell) {
  if (!cell.go) return el("span", "week-head");
  const node = button("week-cell");
  node.addEventListener("click", () => grid.line.send({ go: node.trailGo }));
  return node;
}

function update(node, cell) {
  node.trailGo = cell.go;
  if (!cell.go) {
    setText(node, cell.text);
    return;
  }
  node.style.setProperty("--share", String(cell.share));
  setAttr(node, "title", cell.text);
  setAttr(node, "aria-label", cell.text);
  if (node.disabled !== cell.empty) node.disabled = cell.empty;
}
