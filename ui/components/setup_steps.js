/** The setup steps in a row: which are done, which one is open, and where each is done. */

import { el, setAddress, setAttr, setText } from "./dom.js";
import { component, linkRow, renderRows } from "./rows.js";

/**
 * @typedef {{
 *   id: string, address: string, mark: string, title: string, state: string, current: boolean,
 * }} Step
 */

export default component(
  (parent) => {
    const steps = el("nav", "root steps", { "aria-label": "Setup" });
    parent.append(steps);
    return steps;
  },
  (steps, /** @type {{ steps: Step[] }} */ data) => {
    renderRows(steps, data.steps, (step) => step.id, createStep, updateStep);
  },
);

function createStep() {
  const mark = el("span", "mark", { "aria-hidden": "true" });
  const title = el("span", "title");
  const state = el("span", "unseen");
  return Object.assign(linkRow("step", mark, title, state), { mark, title, state });
}

/** @param {ReturnType<typeof createStep>} view @param {Step} step */
function updateStep(view, step) {
  setAddress(view.node, step.address);
  setAttr(view.node, "class", `step ${step.current ? "current" : step.state}`);
  setAttr(view.node, "aria-current", step.current ? "step" : null);
  setText(view.mark, step.mark);
  setText(view.title, step.title);
  setText(view.state, step.state);
}
