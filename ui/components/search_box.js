/** The search box: a combobox that completes fields and values, and shows errors under the text. */

import { button, el, icon, setAttr, setText, show, valueSpan } from "./dom.js";
import { component } from "./rows.js";
import { createSuggestions } from "./suggestions.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./suggestions.js").Option} Option */
/** @typedef {{ before: string, wrong: string, after: string, message: string, hint: string,
 *   correction: string }} SearchProblem */
/** @typedef {{ text: string, query: string, max: number, problem: SearchProblem | null,
 *   notice: { question: string, not_understood: string[], meant: string } | null,
 *   answered: [number, string],
 *   syntax: [string, string][] }} SearchData */
/** @typedef {ReturnType<typeof build>} SearchBox */

const DELAY_MS = 120;

/** What was typed and not searched for, if Streamlit builds the box again, and what was searched. */
const draft = { text: "", applied: "" };

export default component(build, update);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const input = el("input", "input", {
    type: "text",
    role: "combobox",
    "aria-label": "Search",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": "suggestions",
    placeholder: "Search, or ask: who disabled warehouses last week",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    enterkeyhint: "search",
  });
  const clear = button(
    "cross",
    { "aria-label": "Clear search" },
    icon("M4.5 4.5l7 7", "M11.5 4.5l-7 7"),
  );
  const key = el("kbd", "key", { "aria-hidden": "true" }, "/");
  const box = el(
    "div",
    "box",
    {},
    icon("M11 11l3 3", "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10z"),
    input,
    clear,
    key,
  );
  const problem = createProblem();
  const notice = createNotice();
  const state = {
    queue,
    input,
    clear,
    key,
    problem,
    notice,
    suggestions: createSuggestions(),
    answers: 0,
    /** The text of the last search, and the query string of the page without it. */
    applied: "",
    query: "",
    isNew: true,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    timer: undefined,
    /** @type {AbortController | undefined} */
    request: undefined,
  };
  const root = el(
    "div",
    "root search",
    { role: "search" },
    box,
    problem.node,
    notice.node,
    state.suggestions.node,
  );
  parent.append(root);
  input.addEventListener("input", () => onInput(state));
  input.addEventListener("click", () => state.suggestions.isOpen() || request(state, 0));
  input.addEventListener("keydown", (event) => onKey(state, event));
  clear.addEventListener("click", () => {
    setValue(state, "", 0);
    if (state.applied) search(state);
    input.focus();
  });
  for (const { button: correct, corrected } of [problem, notice])
    correct.addEventListener("click", () => {
      const text = corrected.textContent || "";
      setValue(state, text, text.length);
      search(state);
      input.focus();
    });
  root.addEventListener("focusout", (event) => {
    if (!root.contains(/** @type {Node | null} */ (event.relatedTarget))) close(state);
  });
  // The focus stays in the text when an option is pressed.
  state.suggestions.node.addEventListener("mousedown", (event) => event.preventDefault());
  state.suggestions.onChoose = (option) => choose(state, option);
  document.addEventListener("keydown", function onSlash(event) {
    if (!root.isConnected) document.removeEventListener("keydown", onSlash);
    else if (
      event.key === "/" &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.altKey &&
      !isEdited(event)
    ) {
      event.preventDefault();
      input.focus();
      input.select();
      request(state, 0);
    }
  });
  return state;
}

/** @param {SearchBox} state @param {SearchData} data */
function update(state, data) {
  const { input } = state;
  const shown = data.problem
    ? data.problem.before + data.problem.wrong + data.problem.after
    : data.text;
  const [answers, answered] = data.answered;
  if (!state.isNew && answers !== state.answers && input.value.trim() === answered)
    input.value = shown;
  else if (state.isNew)
    input.value = draft.applied === data.text && draft.text ? draft.text : shown;
  else if (input.value.trim() === state.applied) input.value = shown;
  state.isNew = false;
  state.answers = answers;
  state.applied = data.text;
  state.query = data.query;
  input.maxLength = data.max;
  state.suggestions.setSyntax(data.syntax);
  drawProblem(
    state.problem,
    data.problem && input.value.trim() === shown.trim() ? data.problem : null,
  );
  drawNotice(state.notice, data.problem ? null : data.notice);
  drawBox(state);
}

/** @param {ReturnType<typeof createNotice>} view @param {SearchData["notice"]} notice */
function drawNotice(view, notice) {
  const meant = notice?.meant || "";
  show(view.node, notice !== null && (meant !== "" || notice.not_understood.length > 0));
  if (!notice) return;
  const words = notice.not_understood.map((word) => `'${word}'`).join(", ");
  setText(
    view.text,
    meant
      ? "Operators are in capitals: and, or and not are searched for as words."
      : `Filters for “${notice.question}”. Not understood: ${words}`,
  );
  setText(view.corrected, meant);
  show(view.button, meant !== "");
}

/** @param {SearchBox} state */
function drawBox(state) {
  const text = state.input.value.trim();
  const isDraft = text !== state.applied;
  draft.text = isDraft ? state.input.value : "";
  draft.applied = state.applied;
  show(state.clear, state.input.value !== "");
  setText(state.key, isDraft ? "Enter" : "/");
  show(state.key, isDraft || !text);
  setAttr(state.input, "aria-invalid", state.problem.node.hidden ? null : "true");
  setAttr(state.input, "aria-describedby", state.problem.node.hidden ? null : "problem");
}

/** @param {SearchBox} state */
function onInput(state) {
  drawProblem(state.problem, null);
  drawBox(state);
  request(state, DELAY_MS);
}

/** @param {SearchBox} state @param {string} text @param {number} caret */
function setValue(state, text, caret) {
  state.input.value = text;
  state.input.setSelectionRange(caret, caret);
  drawProblem(state.problem, null);
  drawBox(state);
}

/** @param {SearchBox} state @param {KeyboardEvent} event */
function onKey(state, event) {
  // Page-wide letter shortcuts do not see that the key is typed into a shadow tree.
  event.stopPropagation();
  const { suggestions } = state;
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (suggestions.isOpen()) suggestions.move(event.key === "ArrowDown" ? 1 : -1);
    else request(state, 0);
    mark(state);
  } else if (event.key === "Escape" && suggestions.isOpen()) close(state);
  else if (event.key === "Enter") {
    const option = suggestions.chosen();
    if (option) choose(state, option);
    else search(state);
  } else if (event.key === "Tab" && !event.shiftKey && suggestions.isOpen()) {
    const option = suggestions.active();
    if (!option || option.kind === "question") return;
    choose(state, option);
  } else return;
  event.preventDefault();
}

/** Put an option into the text, or search for it. @param {SearchBox} state @param {Option} option */
function choose(state, option) {
  const { before, after } = state.suggestions;
  if (option.kind === "question") search(state);
  else if (option.kind === "literal") {
    close(state);
    state.queue.send({ literal: state.input.value.trim() });
  } else if (option.kind === "recent") {
    setValue(state, option.insert, option.insert.length);
    search(state);
  } else {
    const space = option.kind === "field" || after.startsWith(" ") ? "" : " ";
    const start = before + option.insert + space;
    setValue(state, start + after, start.length);
    request(state, 0);
  }
}

/** @param {SearchBox} state */
function search(state) {
  close(state);
  state.queue.send({ search: state.input.value.trim() });
}

/** @param {SearchBox} state */
function close(state) {
  clearTimeout(state.timer);
  state.request?.abort();
  state.suggestions.close();
  mark(state);
}

/** Tell assistive technology what is open and active. @param {SearchBox} state */
function mark(state) {
  setAttr(state.input, "aria-expanded", String(state.suggestions.isOpen()));
  setAttr(state.input, "aria-activedescendant", state.suggestions.activeId());
}

/** Ask for suggestions; only the newest answer is drawn. @param {SearchBox} state @param {number} delay */
function request(state, delay) {
  clearTimeout(state.timer);
  state.request?.abort();
  state.timer = setTimeout(async () => {
    const asked = new AbortController();
    state.request = asked;
    const text = state.input.value;
    const pairs = new URLSearchParams(state.query);
    pairs.set("text", text);
    pairs.set("cursor", String(state.input.selectionStart ?? text.length));
    try {
      const response = await fetch(`/api/complete?${pairs}`, { signal: asked.signal });
      if (!response.ok) return close(state);
      const answer = await response.json();
      if (asked.signal.aborted) return;
      state.suggestions.open(answer);
      mark(state);
    } catch {
      // Superseded by a newer request, or without a connection: the text can still be searched for.
    }
  }, delay);
}

/** Return whether a key is typed into a field. @param {KeyboardEvent} event */
function isEdited(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Create the button that searches for a corrected text. */
function createCorrection() {
  const corrected = valueSpan("mono");
  return { corrected, button: button("link correct", {}, "Search for ", corrected) };
}

function createNotice() {
  const text = el("span");
  const correction = createCorrection();
  const node = el("div", "notice second", { role: "status" }, text, " ", correction.button);
  node.hidden = true;
  return { node, text, ...correction };
}

function createProblem() {
  const before = el("span");
  const wrong = el("u", "wrong");
  const after = el("span");
  const message = el("span", "message");
  const hint = el("span", "second");
  const correction = createCorrection();
  const sign = el("span", "sign", { "aria-hidden": "true" }, "✕");
  const node = el(
    "div",
    "problem",
    { id: "problem", role: "alert" },
    el("div", "text mono", { dir: "auto" }, before, wrong, after),
    el("div", "", {}, sign, message, " ", hint, " ", correction.button),
  );
  node.hidden = true;
  return { node, before, wrong, after, message, hint, ...correction };
}

/** @param {ReturnType<typeof createProblem>} view @param {SearchProblem | null} problem */
function drawProblem(view, problem) {
  show(view.node, problem !== null);
  if (!problem) return;
  for (const name of /** @type {const} */ (["before", "wrong", "after", "message", "hint"]))
    setText(view[name], problem[name]);
  setText(view.corrected, problem.correction);
  show(view.button, problem.correction !== "");
}
