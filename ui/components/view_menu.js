/** The saved views of Explore: the one that is open, all others, and saving the current state. */

import { button, el, icon, setAttr, setDisabled, setText, show, valueSpan } from "./dom.js";
import { attachPopup } from "./popup.js";
import { component, moveFocus, renderRows } from "./rows.js";
import { createActions, drawActions } from "./view_actions.js";

/** @typedef {import("./rows.js").Queue} Queue */
/**
 * @typedef {{
 *   id: string, name: string, note: string, group: string, starred: boolean, isDefault: boolean,
 * }} View
 * @typedef {{
 *   views: View[], open: string, name: string, edited: boolean, starred: boolean,
 *   isDefault: boolean, mayChange: boolean, shared: boolean, former: boolean, mayAlert: boolean,
 *   mayExport: boolean, error: string, acknowledged: number,
 * }} Data
 * @typedef {{ head: string } | { view: View }} Item
 */

/** With so many views the menu has a search field. */
const SEARCH_FROM = 9;
const WIDTH = 340;

const STAR = "M8 1.9l1.9 3.9 4.2.6-3.1 3 .8 4.2L8 11.6l-3.8 2 .8-4.2-3.1-3 4.2-.6z";

export default component(
  (parent, queue) => {
    const star = starIcon();
    const name = valueSpan("name strong");
    const edited = el("span", "edited second", {}, "· edited");
    const opener = button("control opener", {}, star, name, edited, icon("M4.5 6.5L8 10l3.5-3.5"));
    const disk = icon("M3 2.5h8L13.5 5v8.5h-11v-11z", "M5 2.5v3.5h5V2.5", "M5 13.5V9.5h6v4");
    const saver = button("control saver", {}, disk, el("span", "wide-text", {}, "Save view"));
    const search = el("input", "field search", {
      type: "search",
      placeholder: "Find a view",
      "aria-label": "Find a view",
    });
    const list = el("div", "list");
    const none = el("p", "none second", {}, "No view has this name");
    const actions = createActions(queue);
    const menu = el("div", "panel", {}, search, list, none, actions.node);
    const save = createSave(queue);
    parent.append(el("div", "root views", {}, opener, saver, menu, save.node));
    const state = {
      ...{ opener, star, name, edited, saver, search, list, none, actions, menu, save, queue },
      ...{ views: /** @type {View[]} */ ([]), open: "" },
    };
    attachPopup(opener, menu, "Saved views", WIDTH, () => {
      search.value = "";
      drawList(state);
      const target = search.hidden ? list.querySelector("button.row") : search;
      /** @type {HTMLElement | null} */ (target)?.focus();
    });
    attachPopup(saver, save.node, "Save view", WIDTH, () => save.input.focus());
    search.addEventListener("input", () => drawList(state));
    search.addEventListener("keydown", (event) => {
      const first = rows(state)[0];
      if (event.key === "Enter") first?.click();
      else if (event.key === "ArrowDown") first?.focus();
      else return;
      event.preventDefault();
    });
    list.addEventListener("keydown", (event) => moveFocus(event, rows(state)));
    return state;
  },
  (state, /** @type {Data} */ data) => {
    setText(state.name, data.name);
    setAttr(state.star, "class", data.starred ? "icon star on" : "icon star");
    show(state.edited, data.edited);
    setAttr(state.opener, "aria-label", `View: ${data.name}${data.edited ? ", edited" : ""}`);
    state.views = data.views;
    state.open = data.open;
    show(state.search, data.views.length >= SEARCH_FROM);
    drawList(state);
    drawActions(state.actions, data, state.menu);
    drawSave(state.save, data);
  },
);

/** @param {{ list: Element }} state @returns {HTMLElement[]} */
function rows(state) {
  return [...state.list.querySelectorAll("button.row")].map(
    (row) => /** @type {HTMLElement} */ (row),
  );
}

/** @param {{ list: Element, none: HTMLElement, search: HTMLInputElement, views: View[], open: string, queue: Queue, menu: HTMLElement }} state */
function drawList(state) {
  const wanted = state.search.value.trim().toLocaleLowerCase();
  /** @type {Item[]} */
  const items = [];
  let group = "";
  for (const view of state.views) {
    if (!view.name.toLocaleLowerCase().includes(wanted)) continue;
    if (view.group && view.group !== group) items.push({ head: view.group });
    group = view.group;
    items.push({ view });
  }
  show(state.none, !items.length);
  renderRows(
    state.list,
    items,
    (item) => ("head" in item ? `head ${item.head}` : `view ${item.view.id}`),
    (item) => createItem(state, item),
    (row, item) => updateItem(row, item, state.open),
  );
}

/** @param {{ queue: Queue, menu: HTMLElement }} state @param {Item} item */
function createItem(state, item) {
  const none = { name: null, note: null, open: null, star: null, drawing: null, mark: null };
  if ("head" in item) return { node: el("h3", "head", {}, item.head), ...none };
  const { id } = item.view;
  const name = valueSpan("name");
  const note = el("span", "note second");
  const mark = el("span", "badge second", {}, "default");
  const open = button("row", {}, name, mark, note);
  const drawing = starIcon();
  const star = button("star-button", {}, drawing);
  open.addEventListener("click", () => {
    state.menu.hidePopover();
    state.queue.send({ do: "open", id });
  });
  star.addEventListener("click", () => {
    const starred = star.getAttribute("aria-pressed") !== "true";
    state.queue.send({ do: "star", id, on: starred });
  });
  return { node: el("div", "item", {}, star, open), name, note, open, star, drawing, mark };
}

/** @param {ReturnType<typeof createItem>} row @param {Item} item @param {string} opened */
function updateItem(row, item, opened) {
  if ("head" in item || !row.name) return;
  const { view } = item;
  setText(row.name, view.name);
  setText(row.note, view.note);
  show(row.mark, view.isDefault);
  setAttr(row.open, "aria-current", view.id === opened ? "true" : null);
  setAttr(row.star, "aria-pressed", String(view.starred));
  setAttr(row.star, "aria-label", `Star ${view.name}`);
  show(row.star, view.id !== "");
  setAttr(row.drawing, "class", view.starred ? "icon star on" : "icon star");
}

/** @param {Queue} queue */
function createSave(queue) {
  const update = button("primary wide", {}, valueSpan("name"));
  const input = el("input", "field", { maxlength: "80", autocomplete: "off", required: "" });
  const label = el("label", "line", {}, "Name", input);
  const mine = el("input", "", { type: "radio", name: "visible" });
  const everyone = el("input", "", { type: "radio", name: "visible" });
  mine.checked = true;
  const choice = el(
    "fieldset",
    "choice",
    {},
    el("legend", "", {}, "Visible to"),
    el("label", "", {}, mine, "Only me"),
    el("label", "", {}, everyone, "Everyone"),
  );
  const submit = el("button", "primary", { type: "submit" }, "Save as new view");
  const error = el("p", "error", { role: "alert" });
  const form = el("form", "", {}, label, choice, submit);
  const node = el("div", "panel save", {}, update, form, error);
  const save = { node, update, input, everyone, mine, submit, error, waiting: 0 };
  update.addEventListener("click", () => {
    save.waiting = queue.send({ do: "save" });
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    save.waiting = queue.send({ do: "create", name: input.value, shared: everyone.checked });
  });
  return save;
}

/** @param {ReturnType<typeof createSave>} save @param {Data} data */
function drawSave(save, data) {
  const canUpdate = data.mayChange && data.edited;
  show(save.update, canUpdate);
  setText(save.update.firstElementChild ?? save.update, `Save changes to ${data.name}`);
  setAttr(save.submit, "class", canUpdate ? "plain" : "primary");
  if (!save.waiting || data.acknowledged < save.waiting) return;
  save.waiting = 0;
  setText(save.error, data.error);
  if (data.error) return;
  save.input.value = "";
  save.mine.checked = true;
  setDisabled(save.submit, false);
  save.node.hidePopover();
}

function starIcon() {
  const star = icon(STAR);
  star.setAttribute("class", "icon star");
  return star;
}
