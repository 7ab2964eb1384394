/** The active filters; the label of a chip switches include and exclude, the cross removes it. */

import { button, el, icon, plain, setAttr, setDisabled, setText, show, valueSpan } from "./dom.js";
import { component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ field: string, value: string, name: string, label: string, excluded: boolean }} Chip */

export default component(
  (parent, queue) => {
    const list = el("span", "list");
    const clear = button("link clear", {}, "Clear all");
    clear.addEventListener("click", () => queue.send({ clear: true }));
    parent.append(
      el("div", "root chips", { role: "group", "aria-label": "Active filters" }, list, clear),
    );
    return { list, clear, queue };
  },
  (row, /** @type {{ chips: Chip[] }} */ data) => {
    const keyOf = (/** @type {Chip} */ chip) => `${chip.field} ${chip.value}`;
    renderRows(row.list, data.chips, keyOf, (chip) => createChip(row.queue, chip), updateChip);
    show(row.clear, data.chips.length > 0);
  },
);

/** @param {Queue} queue @param {Chip} chip */
function createChip(queue, { field, value }) {
  const name = el("span", "second");
  const label = valueSpan("name strong");
  const toggle = button("flip", {}, name, label);
  const remove = button("cross", {}, icon("M4.5 4.5l7 7", "M11.5 4.5l-7 7"));
  toggle.addEventListener("click", () => queue.send({ field, value, do: "flip" }));
  remove.addEventListener("click", () => queue.send({ field, value, do: "remove" }));
  return { node: el("span", "chip", {}, toggle, remove), name, label, toggle, remove };
}

/** @param {ReturnType<typeof createChip>} view @param {Chip} chip */
function updateChip(view, chip) {
  const isSearch = chip.field === "q";
  const verb = chipVerb(chip);
  setText(view.name, `${chip.name}${verb}`);
  setText(view.label, chip.label || "(empty)");
  setAttr(view.node, "class", chip.excluded ? "chip excluded" : "chip");
  const change = chip.excluded ? "Switch to include" : "Switch to exclude";
  setAttr(view.toggle, "title", isSearch ? "Search" : change);
  setDisabled(view.toggle, isSearch);
  setAttr(view.remove, "aria-label", plain(`Remove ${chip.name}${verb}${chip.label}`));
}

/**
 * Return what is between the name of a field and its value; a search and changes have no verb.
 *
 * @param {Pick<Chip, "field" | "excluded">} chip
 */
export function chipVerb(chip) {
  if (chip.field === "q" || chip.field === "changes") return " ";
  return chip.excluded ? " is not " : " is ";
}
