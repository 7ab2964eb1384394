// The detail panel of one event. Drawn by patching; a new event starts with its parts folded.

const PANELS = new WeakMap();
const RISK = { high: "▲", medium: "◆", low: "○" };
const OUTCOME = { success: "✓", failure: "✕", unknown: "?" };
const TABS = [["actor", "Same actor ±15 min"], ["target", "Same target"]];
const CHAIN = [
  "M6.8 9.2a2.8 2.8 0 0 0 4 0l2.4-2.4a2.8 2.8 0 0 0-4-4L8 4",
  "M9.2 6.8a2.8 2.8 0 0 0-4 0L2.8 9.2a2.8 2.8 0 0 0 4 4L8 12",
];
const FOLDED = 9;
const TYPING = "input, textarea, select, [role=dialog], [role=listbox], [role=menu]";
const MOST_LINES = 200;
const MOST_CHARS = 64 * 1024;

export default function ({ data, parentElement, setTriggerValue }) {
  let panel = PANELS.get(parentElement);
  if (!panel) PANELS.set(parentElement, (panel = build(parentElement)));
  panel.line.renew(setTriggerValue, data.seen);
  draw(panel, data.event);
}

function build(parent) {
  const root = el("article", "root card", { "aria-label": "Event" });
  const panel = { root, line: makeLine(), event: null, open: false, other: false, tab: "actor" };
  const send = panel.line.send;
  const top = el("div", "top");
  const badges = el("div", "badges");
  panel.risk = badge(badges, "glyph");
  panel.category = badge(badges, "square");
  panel.outcome = badge(badges, "glyph");
  const copyLink = button("action");
  const copyWords = el("span", "", { role: "status" });
  copyWords.textContent = "Copy link";
  copyLink.append(icon(...CHAIN), copyWords);
  setAttr(copyLink, "title", "Copy link");
  copyButton(copyLink, copyWords, "Copy link", () => linkOf(panel.event.link));
  const close = iconButton("Close", "M4 4l8 8", "M12 4l-8 8");
  close.addEventListener("click", () => send({ close: true }));
  const actions = el("div", "actions");
  actions.append(copyLink, close);
  top.append(badges, actions);
  panel.sentence = el("h2", "sentence", { dir: "auto" });
  const when = el("div", "when");
  panel.time = el("span");
  panel.previous = iconButton("Previous event", "M10 3L5 8l5 5");
  panel.next = iconButton("Next event", "M6 3l5 5-5 5");
  panel.previous.addEventListener("click", () => send({ step: -1 }));
  panel.next.addEventListener("click", () => send({ step: 1 }));
  const steps = el("div", "steps");
  steps.append(panel.previous, panel.next);
  when.append(panel.time, steps);
  panel.fields = el("dl", "fields");
  panel.undo = buildUndo();
  root.append(top, panel.sentence, when, panel.fields, panel.undo.part);
  root.append(buildRaw(panel), buildRelated(panel));
  parent.append(root);
  document.addEventListener("keydown", function onKey(event) {
    // The panel has no other way to learn that it is gone for good.
    if (!parent.isConnected) document.removeEventListener("keydown", onKey);
    else if (event.key === "Escape" && closes(event)) send({ close: true });
  });
  return panel;
}

// Escape belongs to what is being typed in, or to an open dialog or menu, before it is ours.
function closes(event) {
  const target = event.composedPath()[0];
  const typing = target instanceof Element && target.closest(TYPING);
  return !event.defaultPrevented && !typing && !document.querySelector("[role=dialog]");
}

function buildRaw(panel) {
  const part = el("section", "raw");
  const bar = el("div", "bar-line");
  const title = el("h3");
  title.textContent = "Raw JSON";
  const copy = button("link", { title: "Copy JSON" });
  const words = el("span", "", { role: "status" });
  words.textContent = "Copy JSON";
  copy.append(words);
  copyButton(copy, words, "Copy JSON", () => rawOf(panel));
  panel.swap = button("link");
  panel.swap.addEventListener("click", () => {
    panel.other = !panel.other;
    drawRaw(panel);
  });
  panel.toggle = button("link", { "aria-expanded": "false" });
  panel.toggle.addEventListener("click", () => {
    panel.open = !panel.open;
    drawRaw(panel);
  });
  const side = el("div", "side");
  side.append(panel.swap, copy, panel.toggle);
  bar.append(title, side);
  panel.code = el("pre", "code", { tabindex: "0", "aria-label": "Raw JSON", dir: "ltr" });
  panel.cutNote = el("p", "note");
  part.append(bar, panel.code, panel.cutNote);
  panel.raw = part;
  return part;
}

function buildRelated(panel) {
  const part = el("section", "related");
  const bar = el("div", "bar-line");
  const title = el("h3");
  title.textContent = "Related";
  const tabs = el("div", "tabs", { role: "tablist", "aria-label": "Related events" });
  panel.tabs = TABS.map(([name]) => {
    const tab = button("tab", { role: "tab" });
    tab.addEventListener("click", () => choose(panel, name));
    tabs.append(tab);
    return tab;
  });
  tabs.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    choose(panel, panel.tab === "actor" ? "target" : "actor");
    panel.tabs.find((tab) => tab.tabIndex === 0).focus();
    event.preventDefault();
  });
  bar.append(title, tabs);
  panel.rows = el("div", "rows", { role: "tabpanel" });
  panel.none = el("p", "note");
  panel.none.textContent = "No other event";
  panel.all = button("link all");
  panel.all.addEventListener("click", () => panel.line.send({ related: panel.tab }));
  part.append(bar, panel.rows, panel.none, panel.all);
  return part;
}

function draw(panel, event) {
  const changed = !panel.event || panel.event.event_id !== event.event_id;
  const rawChanged = changed || panel.event.raw !== event.raw;
  panel.event = event;
  if (changed) panel.open = panel.other = false;
  setAttr(panel.risk.node, "data-level", event.risk.level);
  setText(panel.risk.mark, RISK[event.risk.level] || "");
  setText(panel.risk.words, event.risk.label);
  paint(panel.category.mark, "--square", event.category.square);
  setText(panel.category.words, event.category.name);
  setAttr(panel.outcome.node, "data-outcome", event.outcome.state);
  setText(panel.outcome.mark, OUTCOME[event.outcome.state] || "");
  setText(panel.outcome.words, event.outcome.label);
  drawSentence(panel.sentence, event.sentence);
  setText(panel.time, event.time);
  panel.previous.disabled = event.has_previous === false;
  panel.next.disabled = event.has_next === false;
  patchList(panel.fields, event.fields, (line) => line.label, () => makeField(panel), drawField);
  drawUndo(panel.undo, event.undo, changed);
  if (rawChanged) drawRaw(panel);
  drawRelated(panel);
}

function makeField(panel) {
  const node = el("div", "field");
  const label = el("dt");
  const value = el("dd", "value");
  const main = el("span", "main", { dir: "auto" });
  const hint = el("span", "hint", { dir: "auto" });
  value.append(main, hint);
  const tools = el("dd", "tools");
  const only = iconButton("", "M8 3.5v9", "M3.5 8h9");
  const not = iconButton("", "M3.5 8h9");
  only.addEventListener("click", () => filter(panel, node, "include"));
  not.addEventListener("click", () => filter(panel, node, "exclude"));
  tools.append(only, not);
  node.append(label, value, tools);
  node.trailField = { label, main, hint, tools, only, not, line: null };
  return node;
}

function drawField(node, line) {
  const parts = node.trailField;
  parts.line = line;
  setText(parts.label, line.label);
  setText(parts.main, line.value);
  setText(parts.hint, line.hint);
  node.classList.toggle("mono", Boolean(line.mono));
  show(parts.tools, Boolean(line.field));
  for (const [tool, words] of [[parts.only, "Only"], [parts.not, "Exclude"]]) {
    setAttr(tool, "title", `${words} this ${line.label.toLowerCase()}`);
    setAttr(tool, "aria-label", `${words} ${line.label} ${plain(line.value).slice(0, 80)}`);
  }
}

function filter(panel, node, mode) {
  const line = node.trailField.line;
  panel.line.send({ field: line.field, value: line.filter_value ?? line.value, mode });
}

// Two roads bring two records of one change; the panel shows one of them at a time.
function rawOf(panel) {
  return (panel.other ? panel.event.other_raw : panel.event.raw) || "";
}

function drawRaw(panel) {
  const raw = rawOf(panel);
  show(panel.swap, Boolean(panel.event.other_raw));
  setText(panel.swap, panel.other ? "Show the first record" : "Show the other record");
  const folded = layOut(raw, FOLDED, MOST_CHARS, TOKEN_CUT);
  const shown = panel.open ? layOut(raw, MOST_LINES, MOST_CHARS, MOST_CHARS) : folded;
  drawLines(panel.code, shown.lines, shown.lines.length >= shown.total);
  panel.code.scrollTop = 0;
  show(panel.raw, raw !== "");
  show(panel.toggle, folded.cut);
  setText(panel.toggle, panel.open ? "Show less" : moreWords(folded.total));
  setAttr(panel.toggle, "aria-expanded", String(panel.open));
  show(panel.cutNote, panel.open && shown.cut);
  setText(panel.cutNote, "Cut here. Copy JSON copies all of it.");
}

function moreWords(total) {
  if (total <= FOLDED) return "Show all";
  return total > MOST_LINES ? `Show ${MOST_LINES} of ${number(total)} lines` : `Show all ${total} lines`;
}

function drawRelated(panel) {
  panel.tabs.forEach((tab, place) => {
    const [name, words] = TABS[place];
    const group = panel.event.related[name];
    const chosen = panel.tab === name;
    setText(tab, `${words} · ${number(group ? group.total : 0)}`);
    setAttr(tab, "aria-selected", String(chosen));
    setAttr(tab, "tabindex", chosen ? 0 : -1);
    if (chosen) setAttr(panel.rows, "aria-label", words);
  });
  const group = panel.event.related[panel.tab] || { total: 0, rows: [] };
  patchList(panel.rows, group.rows, (row) => row.event_id, () => makeRelated(panel), drawRelatedRow);
  show(panel.none, group.rows.length === 0);
  show(panel.all, group.total > 0);
  const all = `Open all ${number(group.total)} in Explore`;
  setText(panel.all, group.total === 1 ? "Open it in Explore" : all);
}

function makeRelated(panel) {
  const node = button("near");
  const offset = el("span", "offset");
  const label = el("span", "name strong", { dir: "auto" });
  const target = el("span", "name second", { dir: "auto" });
  node.append(offset, label, target);
  node.trailNear = { offset, label, target, id: "", current: false };
  node.addEventListener("click", () => {
    if (!node.trailNear.current) panel.line.send({ open: node.trailNear.id });
  });
  return node;
}

function drawRelatedRow(node, row) {
  const parts = node.trailNear;
  parts.id = row.event_id;
  parts.current = Boolean(row.current);
  setText(parts.offset, row.offset);
  setText(parts.label, row.label);
  setText(parts.target, row.target);
  setAttr(node, "title", plain(`${row.label} · ${row.target}`));
  setAttr(node, "aria-current", row.current ? "true" : null);
}

function choose(panel, name) {
  panel.tab = name;
  drawRelated(panel);
}

function badge(parent, markClass) {
  const node = el("span", "badge");
  const mark = el("span", markClass, { "aria-hidden": "true" });
  const words = el("span", "name", { dir: "auto" });
  node.append(mark, words);
  parent.append(node);
  return { node, mark, words };
}

// Only a web address of this or another site is ever copied, never a script in its place.
function linkOf(link) {
  const url = new URL(link || "", window.location.href);
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : window.location.href;
}
