// The facet panel. Redrawn on each run by patching, so focus, scroll and an open search stay.

const PANELS = new WeakMap();
const NEXT = { "": "include", include: "exclude", exclude: "" };
const SPOKEN = { "": "not chosen", include: "only these", exclude: "left out" };
const WAIT = 200;
const STEP = 100;

export default function ({ data, parentElement, setTriggerValue }) {
  let panel = PANELS.get(parentElement);
  if (!panel) PANELS.set(parentElement, (panel = build(parentElement)));
  panel.line.renew(setTriggerValue, data.seen);
  panel.data = data.groups;
  draw(panel);
}

function build(parent) {
  const root = el("div", "root", { role: "group", "aria-label": "Facets" });
  const head = el("div", "head");
  const hint = el("span");
  hint.textContent = "click: only · dash: exclude";
  const name = el("span");
  name.textContent = "Facets";
  head.append(name, hint);
  const list = el("div");
  root.append(head, list);
  parent.append(root);
  const panel = { root, list, data: [], line: makeLine(), groups: new Map() };
  root.addEventListener("keydown", (event) => onKey(panel, event));
  root.addEventListener("focusin", (event) => event.target.trailRow && keepStop(event.target));
  return panel;
}

function draw(panel) {
  patchList(panel.list, panel.data, (group) => group.field, () => makeGroup(panel), drawGroup);
}

function makeGroup(panel) {
  const node = el("section", "group", { role: "group" });
  const title = el("div", "title");
  const name = el("h3");
  const find = button("find", { "aria-expanded": "false" });
  find.append(icon("M11 11l3 3", "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10z"));
  title.append(name, find);
  const search = el("input", "search", { type: "text", placeholder: "Find a value", maxlength: 200 });
  setAttr(search, "autocomplete", "off");
  setAttr(search, "spellcheck", "false");
  search.hidden = true;
  const rows = el("div");
  const none = el("div", "none-found");
  none.setAttribute("role", "status");
  const after = el("div", "after");
  const more = button("link");
  const fewer = button("link");
  fewer.textContent = "Fewer";
  after.append(more, fewer);
  node.append(title, search, rows, none, after);
  const state = { panel, node, name, find, search, rows, none, after, more, fewer };
  Object.assign(state, { group: null, asked: 0, base: 0, timer: 0, told: "", reach: null, wanted: 0 });
  node.trailGroup = state;
  find.addEventListener("click", () => toggleSearch(state, search.hidden));
  search.addEventListener("input", () => onSearch(state));
  more.addEventListener("click", () => askMore(state, state.group.values.length + STEP));
  fewer.addEventListener("click", () => askMore(state, state.base, true));
  return node;
}

function drawGroup(node, group) {
  const state = node.trailGroup;
  const first = state.group === null;
  state.group = group;
  setText(state.name, group.title);
  setAttr(node, "aria-label", group.title);
  setAttr(state.find, "aria-label", `Find in ${group.title}`);
  setAttr(state.search, "aria-label", `Find in ${group.title}`);
  show(state.find, Boolean(group.searchable));
  if (first && group.search) {
    state.search.value = state.told = group.search;
    toggleSearch(state, true, false);
  }
  drawRows(state);
}

function drawRows(state) {
  const { group, panel } = state;
  const text = state.search.hidden ? "" : state.search.value.trim().toLowerCase();
  // Until Python has answered, narrow what is here; its own answer may match by more than the label.
  const waiting = state.timer || state.asked > panel.line.seen;
  const values = text && waiting ? group.values.filter((row) => matches(row, text)) : group.values;
  const most = group.values.reduce((top, row) => Math.max(top, row.count), 1);
  // Five characters keep the bars of most groups in one line; a longer count widens its own group.
  setAttr(state.rows, "style", `--digits: ${Math.max(5, number(most).length)}ch`);
  const lost = patchList(state.rows, values, (row) => row.value, () => makeRow(state), (node, row) =>
    drawRow(state, node, row, most)
  );
  const nodes = [...state.rows.children];
  const stop = nodes.find((node) => node.tabIndex === 0) || nodes[0];
  for (const node of nodes) setAttr(node, "tabindex", node === stop ? 0 : -1);
  if (lost && stop) stop.focus({ preventScroll: true });
  setText(state.none, !text ? "No values" : waiting ? "Searching…" : "No match");
  show(state.none, values.length === 0);
  const rest = Math.max(0, group.total_values - group.values.length);
  setText(state.more, `${number(rest)} more`);
  setAttr(state.more, "aria-label", `${number(rest)} more in ${group.title}`);
  show(state.more, rest > 0);
  show(state.fewer, state.base > 0 && group.values.length > state.base);
  show(state.after, !state.more.hidden || !state.fewer.hidden);
  followLink(state, nodes);
}

// The link that was pressed may be gone now; the focus goes to what it brought.
function followLink(state, nodes) {
  if (state.reach === null || state.wanted > state.panel.line.seen) return;
  const focused = state.node.getRootNode().activeElement;
  const lost = !focused || state.after.contains(focused);
  const target = nodes[state.reach] || (state.more.hidden ? nodes.at(-1) : state.more);
  if (lost && target) target.focus({ preventScroll: true });
  state.reach = null;
}

function matches(row, text) {
  return row.label.toLowerCase().includes(text) || row.value.toLowerCase().includes(text);
}

function makeRow(state) {
  const node = button("row", { role: "checkbox", tabindex: -1 });
  const box = el("span", "box", { "aria-hidden": "true" });
  const square = el("span", "square", { "aria-hidden": "true" });
  const name = el("span", "name", { dir: "auto" });
  const glyph = el("span", "glyph", { "aria-hidden": "true" });
  const label = el("span");
  name.append(glyph, label);
  const bar = el("span", "bar", { "aria-hidden": "true" });
  const fill = el("i");
  bar.append(fill);
  const count = el("span", "count");
  node.append(box, square, name, bar, count);
  node.trailRow = { state, square, glyph, label, fill, count, row: null };
  node.addEventListener("click", (event) => pick(node, event.shiftKey));
  return node;
}

function drawRow(state, node, row, most) {
  const parts = node.trailRow;
  parts.row = row;
  const chosen = chosenState(state, row);
  const words = plain(row.label) || "(empty)";
  setAttr(node, "data-state", chosen);
  setAttr(node, "aria-checked", { "": "false", include: "true", exclude: "mixed" }[chosen]);
  setAttr(node, "aria-label", `${words}, ${number(row.count)} events, ${SPOKEN[chosen]}`);
  setAttr(node, "title", row.value && row.value !== row.label ? `${words}\n${plain(row.value)}` : words);
  setAttr(node, "aria-disabled", !row.count && !chosen ? "true" : null);
  node.classList.toggle("zero", !row.count);
  node.classList.toggle("plain", !row.square);
  parts.square.classList.toggle("none", !row.square);
  if (row.square) paint(parts.square, "--square", row.square);
  setText(parts.glyph, row.glyph);
  setText(parts.label, words);
  setText(parts.count, number(row.count));
  parts.fill.style.width = row.count ? `max(1px, ${((100 * row.count) / most).toFixed(1)}%)` : "0";
}

// What was pressed but not yet confirmed counts already: the panel answers at once.
function chosenState(state, row) {
  const act = state.panel.line.pending.findLast(
    (one) => one.field === state.group.field && one.value === row.value
  );
  return act ? act.state : row.state || "";
}

function pick(node, exclude) {
  const { state, row } = node.trailRow;
  const now = chosenState(state, row);
  if (!row.count && !now) return;
  const next = exclude ? (now === "exclude" ? "" : "exclude") : NEXT[now];
  state.panel.line.send({ field: state.group.field, value: row.value, state: next });
  drawRows(state);
}

function toggleSearch(state, open, focus = true) {
  show(state.search, open);
  setAttr(state.find, "aria-expanded", String(open));
  if (!open && state.search.value) {
    state.search.value = "";
    onSearch(state);
  }
  if (focus) (open ? state.search : state.find).focus();
}

function onSearch(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => {
    state.timer = 0;
    const text = state.search.value.trim();
    if (text !== state.told) {
      state.told = text;
      state.asked = state.panel.line.send({ field: state.group.field, search: text });
    }
    drawRows(state);
  }, WAIT);
  drawRows(state);
}

function askMore(state, rows, fewer = false) {
  const here = state.group.values.length;
  if (!state.base) state.base = here;
  state.reach = fewer ? rows : here;
  state.wanted = state.panel.line.send({ field: state.group.field, more: rows });
  if (fewer) state.base = 0;
}

function keepStop(node) {
  for (const other of node.parentNode.children) setAttr(other, "tabindex", other === node ? 0 : -1);
}

function onKey(panel, event) {
  const node = event.target;
  if (node.classList.contains("search")) {
    const state = node.closest(".group").trailGroup;
    // Streamlit listens for single letters on the page and does not see that they are typed in here.
    event.stopPropagation();
    if (event.key === "Escape") toggleSearch(state, false);
    else if (event.key === "ArrowDown" && state.rows.firstChild) state.rows.firstChild.focus();
    else return;
  } else if (node.trailRow) {
    const rows = [...panel.root.querySelectorAll(".row")];
    const here = rows.indexOf(node);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) rows[Math.max(0, Math.min(to, rows.length - 1))].focus();
    else if (event.key === "-" || event.key === "ContextMenu") pick(node, true);
    else if (event.key === "Enter" && event.shiftKey) pick(node, true);
    else return;
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
