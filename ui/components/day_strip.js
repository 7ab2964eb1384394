// Failed attempts a day, a row for each target. A row is one button; a number stands where it fits.

const STRIPS = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let strip = STRIPS.get(parentElement);
  if (!strip) {
    const root = el("div", "root strip");
    const rows = el("div", "strip-rows");
    const days = el("div", "strip-days", { "aria-hidden": "true" });
    root.append(rows, days);
    parentElement.append(root);
    STRIPS.set(parentElement, (strip = { root, rows, days, line: makeLine() }));
  }
  strip.line.renew(setTriggerValue, data.seen);
  strip.root.style.setProperty("--days", String(data.days.length));
  patchList(strip.rows, data.rows, (row) => row.go, () => makeRow(strip), (node, row) =>
    update(node, row, data.days));
  patchList(strip.days, data.days.map((day, at) => ({ day, at })), (each) => String(each.at),
    () => el("span", "strip-day"), (node, each) => setText(node, each.day.tick));
}

function makeRow(strip) {
  const node = button("strip-row");
  const name = el("span", "strip-name", { dir: "auto" });
  const cells = el("span", "strip-cells", { "aria-hidden": "true" });
  node.append(name, cells);
  node.trailRow = { name, cells, go: "" };
  node.addEventListener("click", () => strip.line.send({ go: node.trailRow.go }));
  return node;
}

function update(node, row, days) {
  const parts = node.trailRow;
  parts.go = row.go;
  setText(parts.name, row.name);
  setAttr(parts.name, "title", plain(row.name));
  node.classList.toggle("current", Boolean(row.current));
  setAttr(node, "aria-label", `${plain(row.name)}: ${row.label}`);
  patchList(parts.cells, row.values.map((value, at) => ({ value, at })), (cell) => String(cell.at),
    () => el("span", "strip-cell"), (cell, each) => {
      const level = each.value >= 15 ? "3" : each.value >= 5 ? "2" : each.value ? "1" : "0";
      setAttr(cell, "data-level", level);
      setText(cell, each.value ? String(each.value) : "");
      setAttr(cell, "title", each.value ? `${days[each.at].name}: ${number(each.value)}` : null);
    });
}
