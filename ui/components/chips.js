/**
 * Filters: one chip for the values of a facet that are included, one for those excluded.
 *
 * The label of a chip switches include and exclude, or lists several values; the eye disables and
 * enables it, the cross removes it.
 */

import { button, el, icon, plain, setAttr, setDisabled, setText, show, valueSpan } from "./dom.js";
import { activeElement, component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ value: string, label: string }} ChipValue */
/** @typedef {{ field: string, values: ChipValue[], name: string, excluded: boolean, disabled?: boolean }} Chip */

const CROSS = ["M4.5 4.5l7 7", "M11.5 4.5l-7 7"];
const EYE = [
  "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z",
  "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
];
const SLASH = "M3 13L13 3";
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
    return { list, clear, queue, switched: { key: "" } };
  },
  (row, /** @type {{ chips: Chip[], canDisable?: boolean }} */ data) => {
    const { views, lostFocus } = renderRows(
      row.list,
      data.chips,
      (chip) => keyOf(chip, chip.disabled),
      (chip) => createChip(row.queue, chip, row.switched),
      (view, chip) => updateChip(view, chip, Boolean(data.canDisable)),
    );
    // The chip that was switched by the keyboard is another one now.
    const after = views.find((view) => keyOf(view.chip, view.chip.disabled) === row.switched.key);
    if (lostFocus) after?.eye.focus({ preventScroll: true });
    show(row.clear, data.chips.length > 0);
  },
);

/** @param {Chip} chip @param {boolean | undefined} disabled */
function keyOf({ field, excluded, values }, disabled) {
  return `${field} ${excluded} ${Boolean(disabled)} ${field === "q" ? values[0]?.value : ""}`;
}

/** @param {Queue} queue @param {Chip} chip @param {{ key: string }} switched the last one */
function createChip(queue, chip, switched) {
  const name = el("span", "second");
  const label = valueSpan("name strong");
  const toggle = button("flip", {}, name, label);
  const eye = button("eye", {}, icon(...EYE, ...(chip.disabled ? [SLASH] : [])));
  const remove = button("cross", {}, icon(...CROSS));
  const values = el("div");
  const flip = button("link flip-all");
  const menu = el("div", "menu", { role: "group" }, values, flip);
  menu.hidden = true;
  const view = {
    node: el("span", "chip", {}, toggle, eye, remove, menu),
    name,
    label,
    toggle,
    eye,
    remove,
    values,
    flip,
    menu,
    chip,
    /** Report `what` about one value, or about all. @param {string} what @param {ChipValue} [one] */
    send(what, one) {
      const about = (one ? [one] : view.chip.values).map((item) => item.value);
      const { field, disabled } = view.chip;
      queue.send({ field, values: about, do: what, disabled: Boolean(disabled) });
    },
  };
  eye.addEventListener("click", () => {
    switched.key = keyOf(view.chip, !view.chip.disabled);
    view.send(view.chip.disabled ? "enable" : "disable");
  });
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

/** @param {ReturnType<typeof createChip>} view @param {Chip} chip @param {boolean} canDisable */
function updateChip(view, chip, canDisable) {
  view.chip = chip;
  const isSearch = chip.field === "q";
  const isList = chip.values.length > 1;
  const verb = chipVerb(chip);
  const labels = chip.values.map((item) => item.label || "(empty)");
  const change = `Switch to ${chip.excluded ? "include" : "exclude"}`;
  setText(view.name, `${chip.name}${verb}`);
  setText(view.label, joined(labels));
  const state = `${chip.excluded ? " excluded" : ""}${chip.disabled ? " disabled" : ""}`;
  setAttr(view.node, "class", `chip${state}`);
  const whole = plain(`${chip.name}${verb}${labels.slice(0, IN_TITLE).join(", ")}`);
  const name = `${chip.name}${verb}${joined(labels)}`;
  show(view.eye, canDisable);
  setAttr(view.eye, "aria-label", plain(`${chip.disabled ? "Enable" : "Disable"} ${name}`));
  setAttr(view.eye, "title", chip.disabled ? "Disabled. Enable" : "Disable, keep for later");
  setAttr(view.toggle, "title", isSearch || isList ? whole : `${whole}\n${change}`);
  setDisabled(view.toggle, isSearch);
  setText(view.flip, change);
  setAttr(view.menu, "aria-label", plain(chip.name));
  setAttr(view.remove, "aria-label", plain(`Remove ${name}`));
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
