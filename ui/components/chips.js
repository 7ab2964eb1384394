// The active filters. Each chip has two buttons: its words flip it, the cross removes it.

const ROWS = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let row = ROWS.get(parentElement);
  if (!row) ROWS.set(parentElement, (row = build(parentElement)));
  row.line.renew(setTriggerValue, data.seen);
  patchList(
    row.list,
    data.chips,
    (chip) => `${chip.field} ${chip.value}`,
    () => makeChip(row),
    (node, chip) => update(node, chip)
  );
  show(row.clear, data.chips.length > 0);
}

function build(parent) {
  const root = el("div", "root chips", { role: "group", "aria-label": "Active filters" });
  const list = el("span", "list");
  const clear = button("link clear");
  clear.textContent = "Clear all";
  root.append(list, clear);
  parent.append(root);
  const row = { list, clear, line: makeLine() };
  clear.addEventListener("click", () => row.line.send({ clear: true }));
  return row;
}

function makeChip(row) {
  const node = el("span", "chip");
  const flip = button("flip");
  const field = el("span", "second");
  const label = el("span", "name strong", { dir: "auto" });
  flip.append(field, label);
  const cross = button("cross");
  cross.append(icon("M4.5 4.5l7 7", "M11.5 4.5l-7 7"));
  node.append(flip, cross);
  node.trailChip = { flip, field, label, cross, chip: null };
  const send = (what) => {
    const { field, value } = node.trailChip.chip;
    row.line.send({ field, value, do: what });
  };
  flip.addEventListener("click", () => send("flip"));
  cross.addEventListener("click", () => send("remove"));
  return node;
}

function update(node, chip) {
  const parts = node.trailChip;
  parts.chip = chip;
  const verb = chip.field === "q" ? "" : chip.excluded ? " is not " : " is ";
  setText(parts.field, `${chip.name}${verb || " "}`);
  setText(parts.label, chip.label || "(empty)");
  setAttr(node, "class", chip.excluded ? "chip excluded" : "chip");
  const change = chip.excluded ? "keep only these instead" : "leave these out instead";
  setAttr(parts.flip, "title", chip.field === "q" ? "Search" : `Press to ${change}`);
  if (parts.flip.disabled !== (chip.field === "q")) parts.flip.disabled = chip.field === "q";
  setAttr(parts.cross, "aria-label", plain(`Remove ${chip.name}${verb}${chip.label}`));
}
