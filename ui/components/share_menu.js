/** Share the state of the page as a short link, with fixed or relative times. */

import { button, copyButton, el, icon, setAttr, setText, show } from "./dom.js";
import { attachPopup } from "./popup.js";
import { component } from "./rows.js";

/**
 * @typedef {{
 *   state: string, isRelative: boolean, fixedText: string, relativeText: string, untilText: string,
 *   path: string, base: string, linkState: string, linkIsFixed: boolean, error: string,
 *   acknowledged: number,
 * }} Data
 */

const WIDTH = 380;

export default component(
  (parent, queue) => {
    const arrow = icon("M8 10V2.5", "M5 5l3-3 3 3", "M3 8v5.5h10V8");
    const opener = button("control opener", {}, arrow, el("span", "wide-text", {}, "Share"));
    const fixed = choice("Fixed times");
    const relative = choice("Relative times");
    const choices = el(
      "fieldset",
      "choices",
      {},
      el("legend", "", {}, "Share this view"),
      fixed.node,
      relative.node,
    );
    const make = button("primary", {}, "Create link");
    const address = el("input", "field", { readonly: "", "aria-label": "Link" });
    const copy = copyButton("primary", "Copy link", () => address.value);
    const result = el("div", "result", {}, address, copy);
    const until = el("p", "second small");
    const error = el("p", "error", { role: "alert" });
    const panel = el("div", "panel", {}, choices, make, result, until, error);
    parent.append(el("div", "root share", {}, opener, panel));
    const state = {
      ...{ fixed, relative, choices, make, address, copy, result, until, error, panel },
      ...{ data: /** @type {Data | null} */ (null), waiting: 0 },
    };
    fixed.input.checked = true;
    attachPopup(opener, panel, "Share this view", WIDTH, () => draw(state));
    for (const { input } of [fixed, relative]) {
      input.addEventListener("change", () => draw(state));
    }
    make.addEventListener("click", () => {
      state.waiting = queue.send({ do: "link", fixed: wantsFixed(state) });
    });
    address.addEventListener("focus", () => address.select());
    return state;
  },
  (state, /** @type {Data} */ data) => {
    state.data = data;
    const isAnswered = state.waiting > 0 && data.acknowledged >= state.waiting;
    draw(state);
    if (!isAnswered) return;
    state.waiting = 0;
    setText(state.error, data.error);
    if (!data.error) state.copy.focus();
  },
);

/** @param {string} label */
function choice(label) {
  const input = el("input", "", { type: "radio", name: "times" });
  const note = el("span", "note second");
  return { input, note, node: el("label", "choice", {}, input, el("span", "", {}, label), note) };
}

/** @typedef {{ input: HTMLInputElement, note: HTMLElement, node: HTMLElement }} Choice */

/** @param {{ fixed: Choice, data: Data | null }} state */
function wantsFixed(state) {
  return !state.data?.isRelative || state.fixed.input.checked;
}

/**
 * @param {{
 *   fixed: Choice, relative: Choice, data: Data | null, choices: HTMLElement, make: HTMLElement,
 *   result: HTMLElement, address: HTMLInputElement, until: HTMLElement, error: HTMLElement,
 * }} state
 */
function draw(state) {
  const { data } = state;
  if (!data) return;
  setText(state.fixed.note, data.fixedText);
  setText(state.relative.note, data.relativeText);
  // Without a relative time there is nothing to choose.
  setAttr(state.relative.input, "disabled", data.isRelative ? null : "");
  if (!data.isRelative) state.fixed.input.checked = true;
  const isMade =
    data.path !== "" && data.linkState === data.state && data.linkIsFixed === wantsFixed(state);
  show(state.make, !isMade);
  show(state.result, isMade);
  if (isMade) state.address.value = linkOf(data.path, data.base, window.location.href);
  setText(state.until, data.untilText);
  if (isMade) setText(state.error, "");
}

/**
 * Return the address of the link: below `base`, else beside the page at `here`.
 *
 * @param {string} path such as /s/abc
 * @param {string} base the address of the dashboard, if it is configured
 * @param {string} here
 */
export function linkOf(path, base, here) {
  const relative = path.replace(/^\//, "");
  if (base) return `${base.replace(/\/+$/, "")}/${relative}`;
  return new URL(relative, here.replace(/[?#].*$/, "")).href;
}
