/** The list of suggestions under the search box: options in groups, one of them active. */

import { button, el, formatNumber, icon, setAttr, setText, show, valueSpan } from "./dom.js";
import { renderRows } from "./rows.js";

/** @typedef {{ name: string, description: string, values: number | null }} Field */
/** @typedef {{ field: string, value: string, term: string, count: number | null }} Value */
/** @typedef {{ name: string, excluded: boolean, label: string }} QuestionPart */
/** @typedef {{ parts: QuestionPart[], not_understood: string[] }} Question */
/** @typedef {{ before: string, after: string, typed: string, fields: Field[], values: Value[],
 *   recent: string[], question: Question | null }} Answer */
/** @typedef {{ kind: "question" | "literal" | "field" | "value" | "recent", insert: string, name: string,
 *   text: string, count: string, question?: Question }} Option */
/** @typedef {{ id: string, title: string, unit: string, options: Option[] }} Group */

const CLOCK = ["M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12z", "M8 5v3.5l2 1.5"];

export function createSuggestions() {
  const list = el("div", "list", {
    id: "suggestions",
    role: "listbox",
    "aria-label": "Suggestions",
  });
  const empty = el(
    "div",
    "empty second",
    { role: "status" },
    "No suggestions. Enter searches for the text.",
  );
  const syntax = el("dl", "syntax");
  const toggle = button("link", { "aria-expanded": "false", tabindex: "-1" }, "Syntax");
  const keys = [
    [["↑", "↓"], "choose"],
    [["Tab"], "complete"],
    [["Enter"], "search"],
    [["Esc"], "close"],
  ].map(([names, label]) =>
    el(
      "span",
      "hint",
      {},
      .../** @type {string[]} */ (names).map((name) => el("kbd", "key", {}, name)),
      ` ${label}`,
    ),
  );
  const foot = el("div", "foot", {}, ...keys, toggle);
  const node = el("div", "panel", {}, list, empty, syntax, foot);
  node.hidden = syntax.hidden = true;
  /** @type {Option[]} */
  let options = [];
  let at = -1;
  let isChosen = false;
  const view = {
    node,
    before: "",
    after: "",
    /** @type {(option: Option) => void} */
    onChoose: () => {},
    isOpen: () => !node.hidden,
    /** The option that the arrow keys or a question chose for Enter. */
    chosen: () =>
      view.isOpen() && (isChosen || options[at]?.kind === "question") ? options[at] : undefined,
    /** The option that Tab completes. */
    active: () => options[at],
    activeId: () => (view.isOpen() && at >= 0 ? `option-${at}` : null),
    close() {
      node.hidden = true;
      showSyntax(false);
    },
    /** @param {number} step */
    move(step) {
      const count = options.length;
      if (!count) return;
      at = at < 0 ? (step > 0 ? 0 : count - 1) : (at + step + count) % count;
      isChosen = true;
      markActive();
    },
    /** @param {Answer} answer */
    open(answer) {
      const groups = groupsOf(answer);
      ({ before: view.before, after: view.after } = answer);
      options = groups.flatMap((group) => group.options);
      isChosen = false;
      // Without a term at the cursor, Tab leaves the box.
      at =
        options.length &&
        (answer.typed || options[0]?.kind !== "field") &&
        options[0]?.kind !== "recent"
          ? 0
          : -1;
      let place = 0;
      renderRows(
        list,
        groups,
        (group) => group.id,
        createGroup,
        (row, group) => {
          const start = place;
          place += group.options.length;
          setAttr(row.node, "aria-label", group.title);
          setText(row.title, group.title);
          setText(row.unit, group.unit);
          renderRows(
            row.rows,
            group.options,
            (_option, index) => index,
            (option) => createOption(option, (chosen) => view.onChoose(chosen)),
            (line, option, index) =>
              updateOption(line, option, `option-${start + index}`, answer.typed),
          );
        },
      );
      show(list, options.length > 0);
      show(empty, options.length === 0);
      showSyntax(false);
      node.hidden = false;
      markActive();
    },
    /** @param {[string, string][]} rows */
    setSyntax(rows) {
      renderRows(
        syntax,
        rows,
        ([example]) => example,
        () => {
          const example = el("dt", "mono");
          const meaning = el("dd");
          return { node: el("div", "", {}, example, meaning), example, meaning };
        },
        (row, [example, meaning]) => {
          setText(row.example, example);
          setText(row.meaning, meaning);
        },
      );
    },
  };
  toggle.addEventListener("click", () => showSyntax(Boolean(syntax.hidden)));

  function markActive() {
    list.querySelectorAll("[role=option]").forEach((row, index) => {
      setAttr(row, "aria-selected", String(index === at));
      if (index === at && isChosen) row.scrollIntoView?.({ block: "nearest" });
    });
  }

  /** @param {boolean} open */
  function showSyntax(open) {
    show(syntax, open);
    setAttr(toggle, "aria-expanded", String(open));
    if (open) list.hidden = empty.hidden = true;
    else show(list, options.length > 0);
  }
  return view;
}

/** @param {Answer} answer @returns {Group[]} those with options */
export function groupsOf({ fields, values, recent, question }) {
  /** @type {Group[]} */
  const groups = [
    {
      id: "question",
      title: "Filters for this question",
      unit: "",
      options: question
        ? [
            { kind: "question", insert: "", name: "", text: "", count: "", question },
            {
              kind: "literal",
              insert: "",
              name: "",
              text: "Search for these words instead",
              count: "",
            },
          ]
        : [],
    },
    {
      id: "fields",
      title: "Fields",
      unit: "",
      options: fields.map((field) => ({
        kind: "field",
        insert: `${field.name}:`,
        name: field.name,
        text: field.description,
        count:
          field.values === null
            ? ""
            : `${formatNumber(field.values)} ${field.values === 1 ? "value" : "values"}`,
      })),
    },
    {
      id: "values",
      title: "Values in these results",
      unit: values.some((value) => value.count !== null) ? "Events" : "",
      options: values.map(({ field, value, term, count }) => ({
        kind: "value",
        insert: term,
        name: field,
        text: value,
        count: count === null ? "" : formatNumber(count),
      })),
    },
    {
      id: "recent",
      title: "Recent searches",
      unit: "",
      options: recent.map((text) => ({ kind: "recent", insert: text, name: "", text, count: "" })),
    },
  ];
  return groups.filter((group) => group.options.length > 0);
}

function createGroup() {
  const title = el("span");
  const unit = el("span");
  const rows = el("div", "", { role: "presentation" });
  const head = el("div", "group-head second", { "aria-hidden": "true" }, title, unit);
  return { node: el("div", "group", { role: "group" }, head, rows), title, unit, rows };
}

/** @param {Option} first @param {(option: Option) => void} onChoose */
function createOption(first, onChoose) {
  const clock = icon(...CLOCK);
  const name = el("span", "field mono");
  const text = valueSpan("name");
  const count = el("span", "count");
  const node = el("div", "option", { role: "option" }, clock, name, text, count);
  const row = { node, clock, name, text, count, option: first };
  node.addEventListener("click", () => onChoose(row.option));
  return row;
}

/**
 * @param {ReturnType<typeof createOption>} row
 * @param {Option} option
 * @param {string} id
 * @param {string} typed
 */
function updateOption(row, option, id, typed) {
  row.option = option;
  setAttr(row.node, "id", id);
  setAttr(row.node, "class", `option ${option.kind}`);
  row.clock.classList.toggle("none", option.kind !== "recent");
  if (option.kind === "field") drawMatch(row.name, option.name, typed);
  else setText(row.name, option.name && `${option.name}:`);
  if (option.question) drawQuestion(row.text, option.question);
  else if (option.kind === "value") drawMatch(row.text, option.text, typed);
  else setText(row.text, option.text);
  setText(row.count, option.count);
}

/** @param {string} name @param {boolean} excluded */
function partVerb(name, excluded) {
  if (name === "Changes" || name === "Time" || name === "Search") return " ";
  return excluded ? " is not " : " is ";
}

/** @param {Element} node @param {Question} question */
function drawQuestion(node, { parts, not_understood }) {
  const chips = parts.map(({ name, excluded, label }) => {
    const value = el("b", "", { dir: "auto" });
    setText(value, label);
    return el("span", "part", {}, `${name}${partVerb(name, excluded)}`, value);
  });
  const rest = el("span", "second");
  setText(rest, not_understood.map((word) => `'${word}'`).join(", "));
  node.replaceChildren(
    "Show: ",
    ...chips,
    ...(not_understood.length ? [el("span", "unknown second", {}, "Not understood: ", rest)] : []),
  );
}

/** Draw text with the part that begins as typed in bold. @param {Element} node @param {string} text @param {string} typed */
function drawMatch(node, text, typed) {
  const [start, end] = matchAt(text, typed);
  const parts = [text.slice(0, start), text.slice(start, end), text.slice(end)].map(
    (part, index) => {
      const piece = el(index === 1 ? "b" : "span");
      setText(piece, part);
      return piece;
    },
  );
  node.replaceChildren(...parts.filter((part) => part.textContent));
}

/**
 * Return where a word of the text begins as typed, regardless of case and accents, or [0, 0].
 *
 * @param {string} text
 * @param {string} typed
 * @returns {[number, number]}
 */
export function matchAt(text, typed) {
  const fold = (/** @type {string} */ part) =>
    part.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const wanted = fold(typed);
  if (!wanted) return [0, 0];
  for (let start = 0; start < text.length; start += 1) {
    if (start && /[\p{L}\p{N}]/u.test(text[start - 1] || "")) continue;
    for (let end = start + 1; end <= text.length; end += 1) {
      const part = fold(text.slice(start, end));
      if (part === wanted && !/\p{M}/u.test(text[end] || "")) return [start, end];
      if (!wanted.startsWith(part)) break;
    }
  }
  return [0, 0];
}
