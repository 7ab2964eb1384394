/** What can be done with the open view: rename, share, make the default, delete, alert, export. */

import { button, el, setText, show, valueSpan } from "./dom.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./view_menu.js").Data} Data */

/** @param {Queue} queue */
export function createActions(queue) {
  const title = el("h3", "head", {}, valueSpan("name"));
  const first = button("action", {}, "Make default");
  const rename = button("action", {}, "Rename");
  const publish = button("action", {}, "Share with everyone");
  const alert = button("action", {}, "Create alert rule");
  const schedule = button("action", {}, "Schedule export");
  const remove = button("action danger", {}, "Delete");
  const input = el("input", "field", { maxlength: "80", autocomplete: "off", required: "" });
  const form = el(
    "form",
    "inline",
    {},
    el("label", "line", {}, "New name", input),
    el("button", "primary", { type: "submit" }, "Rename"),
  );
  const question = valueSpan("");
  const confirm = button("primary", {}, "Delete view");
  const ask = el("div", "inline", {}, el("p", "", {}, question), confirm);
  for (const part of [form, ask]) show(part, false);
  const error = el("p", "error", { role: "alert" });
  const buttons = el("div", "actions", {}, first, rename, publish, alert, schedule, remove);
  const node = el("div", "foot", {}, title, buttons, form, ask, error);
  const actions = {
    ...{ node, title, first, rename, publish, alert, schedule, remove, input, form, ask, question },
    ...{ error, isDefault: false, shared: false, name: "", view: "", waiting: 0 },
  };
  const send = (/** @type {Record<string, unknown>} */ message) => {
    actions.waiting = queue.send({ id: actions.view, ...message });
  };
  first.addEventListener("click", () => send({ do: "default", on: !actions.isDefault }));
  publish.addEventListener("click", () => send({ do: "publish", on: !actions.shared }));
  alert.addEventListener("click", () => send({ do: "alert", name: actions.view && actions.name }));
  schedule.addEventListener("click", () => send({ do: "schedule" }));
  rename.addEventListener("click", () => {
    show(ask, false);
    show(form, form.hidden !== false);
    input.value = actions.name;
    input.focus();
  });
  remove.addEventListener("click", () => {
    show(form, false);
    show(ask, ask.hidden !== false);
    confirm.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) send({ do: "rename", name: input.value });
  });
  confirm.addEventListener("click", () => send({ do: "delete" }));
  return actions;
}

/**
 * @param {ReturnType<typeof createActions>} actions
 * @param {Data} data
 * @param {HTMLElement} menu closed when an action is done
 */
export function drawActions(actions, data, menu) {
  const isOther = actions.view !== data.open;
  Object.assign(actions, {
    view: data.open,
    name: data.name,
    isDefault: data.isDefault,
    shared: data.shared,
  });
  setText(actions.title.firstElementChild ?? actions.title, data.open ? data.name : "This view");
  setText(actions.question, `Delete “${data.name}”?${data.shared ? " Everyone loses it." : ""}`);
  setText(actions.first, data.isDefault ? "Remove default" : "Make default");
  setText(actions.publish, data.shared ? "Make private" : "Share with everyone");
  show(actions.first, data.open !== "");
  show(actions.rename, data.mayChange);
  show(actions.publish, data.mayChange && !data.former);
  show(actions.remove, data.mayChange);
  show(actions.alert, data.mayAlert);
  show(actions.schedule, data.mayExport);
  show(actions.node, data.open !== "" || data.mayAlert || data.mayExport);
  const isAnswered = actions.waiting > 0 && data.acknowledged >= actions.waiting;
  if (isAnswered) {
    actions.waiting = 0;
    setText(actions.error, data.error);
  }
  if (isOther || (isAnswered && !data.error)) {
    show(actions.form, false);
    show(actions.ask, false);
  }
  if (isAnswered && !data.error) menu.hidePopover();
}
