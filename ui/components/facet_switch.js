/** A filter that is on or off, at the top of the facet panel. */

import { button, el, formatNumber, setAttr, setText } from "./dom.js";
import { currentState } from "./facet_row.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./facet_row.js").Value} Value */
/** @typedef {{ field: string, label: string, hint: string, value: Value }} Switch */

/** @param {Queue} queue @param {Switch} data */
export function createSwitch(queue, { field }) {
  const label = el("span", "name");
  const count = el("span", "count");
  const node = button("switch", { role: "switch" }, el("span", "knob"), label, count);
  const view = { node, queue, label, count, data: /** @type {Switch | null} */ (null) };
  node.addEventListener("click", () => {
    if (!view.data) return;
    const { value } = view.data;
    const state = currentState({ queue, field }, value) === "include" ? "" : "include";
    queue.send({ field, value: value.value, state });
    updateSwitch(view, view.data);
  });
  return view;
}

/** @param {ReturnType<typeof createSwitch>} view @param {Switch} data */
export function updateSwitch(view, data) {
  view.data = data;
  const state = currentState({ queue: view.queue, field: data.field }, data.value);
  setAttr(view.node, "aria-checked", String(state === "include"));
  setAttr(view.node, "title", data.hint);
  setText(view.label, data.label);
  setText(view.count, formatNumber(data.value.count));
}
