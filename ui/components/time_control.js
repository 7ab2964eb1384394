/** The time range: a step back and forward, the common presets, and the panel with all others. */

import { button, el, icon, iconButton, setAttr, setDisabled, setText } from "./dom.js";
import { component, renderRows } from "./rows.js";
import { createTimePanel, drawTimePanel, prepareTimePanel } from "./time_panel.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./time_panel.js").TimeData} TimeData */
/** @typedef {ReturnType<typeof build>} Control */

export default component(build, update);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const back = iconButton("Previous period", "M10 3.5L5.5 8l4.5 4.5");
  const next = iconButton("Next period", "M6 3.5L10.5 8 6 12.5");
  const common = el("span", "common");
  const label = el("span", "current");
  // The name of the common preset that is chosen, where no room is left for their buttons.
  const chosen = el("span", "current narrow");
  const more = button("preset more", {}, label, chosen, icon("M4.5 6.5L8 10l3.5-3.5"));
  const panel = createTimePanel((message) => queue.send(message));
  const presets = el("div", "segments", {}, common, more);
  const bar = { role: "group", "aria-label": "Time range" };
  parent.append(el("div", "root time-control", bar, back, presets, next, panel.node));
  more.popoverTargetElement = panel.node;
  panel.node.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") prepareTimePanel(panel, more);
  });
  panel.node.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") panel.input.select();
  });
  back.addEventListener("click", () => queue.send({ do: "step", by: -1 }));
  next.addEventListener("click", () => queue.send({ do: "step", by: 1 }));
  return { queue, back, next, common, label, chosen, more, panel };
}

/** @param {Control} control @param {TimeData} data */
function update(control, data) {
  setDisabled(control.back, !data.can_step_back);
  setDisabled(control.next, !data.can_step_forward);
  renderRows(
    control.common,
    data.common.flatMap((id) => data.presets.filter((preset) => preset.id === id)),
    ({ id }) => id,
    ({ id, label }) => {
      const preset = button("preset", {}, label);
      preset.addEventListener("click", () => control.queue.send({ do: "preset", id }));
      return { node: preset };
    },
    ({ node }, { id }) => setAttr(node, "aria-pressed", String(id === data.value)),
  );
  const isCommon = data.common.includes(data.value);
  const short = data.presets.find((preset) => preset.id === data.value)?.label ?? "";
  setText(control.label, data.label);
  setText(control.chosen, isCommon ? short : data.label);
  setAttr(control.more, "class", isCommon ? "preset more" : "preset more chosen");
  const name = isCommon ? `${short}, more time ranges` : `${data.label}, time range`;
  setAttr(control.more, "aria-label", name);
  drawTimePanel(control.panel, data);
}
