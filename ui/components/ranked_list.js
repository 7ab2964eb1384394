// The lists of the Overview. Each row is one button; the kind decides what stands in it.

const LISTS = new WeakMap();
const WIDE = 52;
const TALL = 18;

export default function ({ data, parentElement, setTriggerValue }) {
  let list = LISTS.get(parentElement);
  if (!list) LISTS.set(parentElement, (list = build(parentElement)));
  list.line.renew(setTriggerValue, data.seen);
  draw(list, data);
}

function build(parent) {
  const root = el("section", "root");
  const head = el("div", "head");
  const title = el("h2");
  const side = el("div", "side");
  const note = el("span");
  const link = button("link");
  side.append(note, link);
  head.append(title, side);
  const rows = el("div", "rows");
  const none = el("p", "none-found");
  none.textContent = "Nothing in this window";
  root.append(head, rows, none);
  parent.append(root);
  const list = { root, head, title, note, link, rows, none, line: makeLine() };
  link.addEventListener("click", () => list.line.send({ all: true }));
  rows.addEventListener("keydown", onKey);
  return list;
}

function draw(list, data) {
  const kind = KINDS[data.kind];
  show(list.head, Boolean(data.title || data.note || data.link));
  setText(list.title, data.title);
  setText(list.note, data.note && data.link ? `${data.note} · ` : data.note);
  setText(list.link, data.link);
  show(list.link, Boolean(data.link));
  setAttr(list.root, "aria-label", data.title || null);
  setAttr(list.rows, "class", `rows ${data.kind}`);
  list.most = data.rows.reduce((top, row) => Math.max(top, row.count || 0), 1);
  list.rows.style.setProperty("--digits", `${Math.max(3, number(list.most).length)}ch`);
  const share = data.rows.reduce((top, row) => Math.max(top, (row.share || "").length), 4);
  list.rows.style.setProperty("--share", `${Math.min(share, 9)}ch`);
  patchList(list.rows, data.rows, kind.key, () => makeRow(list, kind), (node, row) => {
    node.trailRow.row = row;
    kind.update(node.trailRow, row, list);
  });
  show(list.none, data.rows.length === 0);
}

function makeRow(list, kind) {
  const node = button("row");
  node.trailRow = { node, row: null, ...kind.create(node) };
  node.addEventListener("click", () => list.line.send(kind.act(node.trailRow.row)));
  return node;
}

const KINDS = {
  bars: {
    key: (row) => row.value,
    act: (row) => ({ value: row.value }),
    create(node) {
      const parts = { label: cell("label"), name: named("name"), hint: named("name hint"), bar: cell("bar") };
      Object.assign(parts, { fill: el("i"), count: cell("count"), share: cell("count second") });
      parts.label.append(parts.name, parts.hint);
      parts.bar.append(parts.fill);
      parts.bar.setAttribute("aria-hidden", "true");
      node.append(parts.label, parts.bar, parts.count, parts.share);
      return parts;
    },
    update(parts, row, list) {
      setText(parts.name, row.name || "(empty)");
      setText(parts.hint, row.hint);
      setText(parts.count, number(row.count));
      setText(parts.share, row.share);
      parts.fill.style.width = row.count ? `max(1px, ${((100 * row.count) / list.most).toFixed(1)}%)` : "0";
      setAttr(parts.node, "title", plain(row.name));
    },
  },
  sentences: {
    key: (row) => row.event_id,
    act: (row) => ({ open: row.event_id }),
    create(node) {
      const parts = { time: cell("time"), sentence: cell("name"), ...category() };
      node.append(parts.time, parts.sentence, parts.category);
      return parts;
    },
    update(parts, row) {
      setText(parts.time, row.time);
      drawSentence(parts.sentence, row.sentence);
      drawCategory(parts, row.category);
      setAttr(parts.node, "title", plain(row.sentence.map((part) => part.text).join("")));
    },
  },
  categories: {
    key: (row) => row.value,
    act: (row) => ({ value: row.value }),
    create(node) {
      const parts = { ...category(), count: cell("count"), delta: cell("count second") };
      parts.trend = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      parts.curve = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      setAttr(parts.trend, "viewBox", `0 0 ${WIDE} ${TALL}`);
      setAttr(parts.trend, "class", "trend");
      setAttr(parts.trend, "aria-hidden", "true");
      parts.trend.append(parts.curve);
      node.append(parts.category, parts.count, parts.delta, parts.trend);
      return parts;
    },
    update(parts, row) {
      drawCategory(parts, row);
      setText(parts.count, number(row.count));
      setText(parts.delta, row.delta);
      setAttr(parts.curve, "points", points(row.trend));
      paint(parts.curve, "--square", row.square);
      setAttr(parts.node, "title", plain(row.name));
    },
  },
};

function cell(className) {
  return el("span", className);
}

function named(className) {
  return el("span", `part ${className || ""}`, { dir: "auto" });
}

function category() {
  const parts = { category: cell("category"), square: cell("square"), kind: named("name") };
  parts.square.setAttribute("aria-hidden", "true");
  parts.category.append(parts.square, parts.kind);
  return parts;
}

function drawCategory(parts, row) {
  paint(parts.square, "--square", row.square);
  setText(parts.kind, row.name);
}

// Each line has its own scale: it shows a course, the count beside it says how much.
function points(trend) {
  const values = (trend || []).map(Number).filter(Number.isFinite);
  if (values.length < 2) return "";
  const low = values.reduce((a, b) => Math.min(a, b));
  const span = values.reduce((a, b) => Math.max(a, b)) - low || 1;
  const step = (WIDE - 2) / (values.length - 1);
  return values
    .map((value, place) => {
      const y = TALL - 2 - ((value - low) / span) * (TALL - 4);
      return `${(1 + place * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

function onKey(event) {
  const rows = [...event.currentTarget.children];
  const here = rows.indexOf(event.target);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (here < 0 || to === undefined) return;
  rows[Math.max(0, Math.min(to, rows.length - 1))].focus();
  event.preventDefault();
}
