/**
 * The active filters: one chip for the values of a facet that are included, one for those excluded.
 *
 * The label of a chip switches include and exclude, or lists several values; the cross removes it.
 */

import { button, el, icon, plain, setAttr, setDisabled, setText, show, valueSpan } from "./dom.js";
import { activeElement, component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ value: string, label: string }} ChipValue */
/** @typedef {{ field: string, values: ChipValue[], name: string, excluded: boolean }} Chip */

const CROSS = ["M4.5 4.5l7 7", "M11.5 4.5l-7 7"];
const NAMED = 3;
// A longer list would not fit the screen; the menu of the chip has all values.
const IN_TITLE = 20;

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
    const keyOf = (/** @type {Chip} */ chip) =>
      `${chip.field} ${chip.excluded} ${chip.field === "q" ? chip.values[0]?.value : ""}`;
    renderRows(row.list, data.chips, keyOf, (chip) => createChip(row.queue, chip), updateChip);
    show(row.clear, data.chips.length > 0);
  },
);

/** @param {Queue} queue @param {Chip} chip */
function createChip(queue, chip) {
  const name = el("span", "second");
  const label = valueSpan("name strong");
  const toggle = button("flip", {}, name, label);
  const remove = button("cross", {}, icon(...CROSS));
  const values = el("div");
  const flip = button("link flip-all");
  const menu = el("div", "menu", { role: "group" }, values, flip);
  menu.hidden = true;
  const view = {
    node: el("span", "chip", {}, toggle, remove, menu),
    name,
    label,
    toggle,
    remove,
    values,
    flip,
    menu,
    chip,
    /** Report `what` about one value, or about all. @param {string} what @param {ChipValue} [one] */
    send(what, one) {
      const about = (one ? [one] : view.chip.values).map((item) => item.value);
      queue.send({ field: view.chip.field, values: about, do: what });
    },
  };
  toggle.addEventListener("click", () => {
    if (view.chip.values.length > 1) openMenu(view, Boolean(menu.hidden));
    else view.send("flip");
  });
  remove.addEventListener("click", () => view.send("remove"));
  flip.addEventListener("click", () => {
    openMenu(view, false);
    view.send("flip");
  });
  view.node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || menu.hidden) return;
    event.stopPropagation();
    openMenu(view, false);
    toggle.focus();
  });
  view.node.addEventListener("focusout", (event) => {
    if (!view.node.contains(/** @type {Node | null} */ (event.relatedTarget)))
      openMenu(view, false);
  });
  return view;
}

/** @param {ReturnType<typeof createChip>} view @param {boolean} open */
function openMenu(view, open) {
  show(view.menu, open);
  const isList = view.chip.values.length > 1;
  setAttr(view.toggle, "aria-expanded", isList ? String(open) : null);
}

/** @param {ReturnType<typeof createChip>} view @param {Chip} chip */
function updateChip(view, chip) {
  view.chip = chip;
  const isSearch = chip.field === "q";
  const isList = chip.values.length > 1;
  const verb = chipVerb(chip);
  const labels = chip.values.map((item) => item.label || "(empty)");
  const change = `Switch to ${chip.excluded ? "include" : "exclude"}`;
  setText(view.name, `${chip.name}${verb}`);
  setText(view.label, joined(labels));
  setAttr(view.node, "class", chip.excluded ? "chip excluded" : "chip");
  const whole = plain(`${chip.name}${verb}${labels.slice(0, IN_TITLE).join(", ")}`);
  setAttr(view.toggle, "title", isSearch || isList ? whole : `${whole}\n${change}`);
  setDisabled(view.toggle, isSearch);
  setText(view.flip, change);
  setAttr(view.menu, "aria-label", plain(chip.name));
  setAttr(view.remove, "aria-label", plain(`Remove ${chip.name}${verb}${joined(labels)}`));
  const hadFocus = view.menu.contains(activeElement(view.node));
  const { lostFocus } = renderRows(
    view.values,
    isList ? chip.values : [],
    (item) => item.value,
    (item) => createValue(view, item),
    (row, item) => {
      setText(row.label, item.label || "(empty)");
      setAttr(row.node, "aria-label", plain(`Remove ${item.label}`));
    },
  );
  openMenu(view, isList && !view.menu.hidden);
  if (hadFocus && lostFocus) view.toggle.focus({ preventScroll: true });
}

/** @param {ReturnType<typeof createChip>} view @param {ChipValue} item */
function createValue(view, item) {
  const label = valueSpan("name");
  const node = button("value", {}, label, icon(...CROSS));
  node.addEventListener("click", () => view.send("remove", item));
  return { node, label };
}

/**
 * Return the first labels, and the number of the others.
 *
 * @param {string[]} labels
 */
function joined(labels) {
  const rest = labels.length - NAMED;
  return labels.slice(0, NAMED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
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
