/** The menu of a table's columns: which are shown, and in which order. */

import { button, el, icon, iconButton, setDisabled, setText } from "./dom.js";
import { renderRows } from "./rows.js";

/** @typedef {{ name: string, title: string }} Choice */
/** @typedef {ReturnType<typeof buildColumnsMenu>} ColumnsMenu */

/**
 * Return `names` with the one at `from` moved to `to`.
 *
 * @param {readonly string[]} names
 * @param {number} from
 * @param {number} to
 */
export function moved(names, from, to) {
  const rest = names.filter((_, index) => index !== from);
  const place = Math.max(0, Math.min(to, rest.length));
  return [...rest.slice(0, place), ...names.slice(from, from + 1), ...rest.slice(place)];
}

/**
 * @param {(names: string[]) => void} onChoose
 * @param {() => void} onReset
 */
export function buildColumnsMenu(onChoose, onReset) {
  const label = el("span");
  const toggle = button(
    "small columns",
    { "aria-expanded": "false" },
    icon("M2.5 3.5h11v9h-11z", "M6.2 3.5v9", "M9.8 3.5v9"),
    label,
  );
  const list = el("ul", "choices");
  const reset = button("link reset", {}, "Reset columns");
  const hint = el("p", "hint", {}, "In a header: Shift ← → moves, + and − set the width.");
  const box = el("div", "menu columns-menu", { role: "group", "aria-label": "Columns" });
  box.append(list, el("div", "columns-foot", {}, hint, reset));
  box.hidden = true;
  const menu = {
    node: el("div", "columns-root", {}, toggle, box),
    toggle,
    label,
    list,
    box,
    reset,
    /** @type {Choice[]} */
    all: [],
    /** @type {string[]} */
    shown: [],
    /** @param {string[]} names */
    choose(names) {
      menu.shown = names;
      drawColumnsMenu(menu);
      onChoose(names);
    },
  };
  /** @param {boolean} open */
  function setOpen(open) {
    box.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
    if (open) list.querySelector("input")?.focus();
  }
  toggle.addEventListener("click", () => setOpen(box.hidden === true));
  reset.addEventListener("click", onReset);
  menu.node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || box.hidden) return;
    setOpen(false);
    toggle.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", function outside(event) {
    if (!menu.node.isConnected) document.removeEventListener("pointerdown", outside);
    else if (!event.composedPath().includes(menu.node)) setOpen(false);
  });
  return menu;
}

/** Draw the columns shown, in their order, then the others. @param {ColumnsMenu} menu */
export function drawColumnsMenu(menu) {
  const titles = new Map(menu.all.map((choice) => [choice.name, choice.title]));
  const hidden = menu.all.map((choice) => choice.name).filter((name) => !menu.shown.includes(name));
  setText(menu.label, `${menu.shown.length} of ${menu.all.length} columns`);
  renderRows(
    menu.list,
    [...menu.shown, ...hidden],
    (name) => name,
    (name) => createChoice(menu, name),
    (view, name) => {
      const place = menu.shown.indexOf(name);
      const title = titles.get(name) || name;
      setText(view.title, title);
      view.check.checked = place >= 0;
      view.check.disabled = place >= 0 && menu.shown.length === 1;
      for (const [tool, verb, possible] of /** @type {const} */ ([
        [view.up, "up", place > 0],
        [view.down, "down", place >= 0 && place < menu.shown.length - 1],
      ])) {
        tool.setAttribute("aria-label", `Move ${title} ${verb}`);
        tool.setAttribute("title", `Move ${verb}`);
        tool.style.visibility = place < 0 ? "hidden" : "";
        setDisabled(tool, !possible);
      }
    },
  );
}

/** @param {ColumnsMenu} menu @param {string} name */
function createChoice(menu, name) {
  const check = el("input", "", { type: "checkbox" });
  const title = el("span");
  const up = iconButton("", "M4 10l4-4 4 4");
  const down = iconButton("", "M4 6l4 4 4-4");
  const node = el("li", "choice", {}, el("label", "", {}, check, title), up, down);
  check.addEventListener("change", () => {
    const others = menu.shown.filter((other) => other !== name);
    menu.choose(check.checked ? [...others, name] : others);
  });
  for (const [tool, step] of /** @type {const} */ ([
    [up, -1],
    [down, 1],
  ])) {
    tool.addEventListener("click", () => {
      const from = menu.shown.indexOf(name);
      menu.choose(moved(menu.shown, from, from + step));
      (tool.disabled ? check : tool).focus();
    });
  }
  return { node, check, title, up, down };
}
