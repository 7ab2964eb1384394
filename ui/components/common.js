// Shared by every component; the Python side puts this text before the component's own script.
// Data from events is hostile: it is only ever set as text, or on title and aria attributes.

function el(tag, className, attributes) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  return node;
}

function button(className, attributes) {
  return el("button", className, { type: "button", ...attributes });
}

// A line drawing of 16 by 16; the paths are ours, never data.
function icon(...paths) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// A character that turns the order of text round, or that no one sees, is shown as what it is not.
function plain(text) {
  return String(text ?? "")
    .replace(/[\t\n\v\f\r\u2028\u2029]+/g, " ")
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

// Touching the DOM only where something changed keeps focus, scroll and selection as they are.
function setText(node, text) {
  const wanted = plain(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

function setAttr(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

function number(value) {
  return Number(value || 0).toLocaleString("en-US");
}

// A colour, or the place of a category colour in the theme, so that light and dark both fit.
function paint(node, property, colour) {
  let wanted = String(colour ?? "");
  if (/^\d+$/.test(wanted)) {
    const list = getComputedStyle(node).getPropertyValue("--st-chart-categorical-colors");
    const colours = list.split(",").map((name) => name.trim()).filter(Boolean);
    wanted = colours[Math.min(Number(wanted), colours.length - 1)] || "";
  }
  node.style.setProperty(property, "");
  if (CSS.supports("color", wanted)) node.style.setProperty(property, wanted);
}

// Bring the children of `parent` in line with `items`, reusing the nodes of known keys.
function patchList(parent, items, keyOf, create, update) {
  const known = parent.trailRows || new Map();
  const focused = parent.getRootNode().activeElement;
  const held = focused && parent.contains(focused);
  const wanted = new Map();
  for (const item of items) {
    let key = String(keyOf(item));
    while (wanted.has(key)) key += "\u0000";
    wanted.set(key, item);
  }
  for (const [key, node] of known) {
    if (!wanted.has(key)) {
      node.remove();
      known.delete(key);
    }
  }
  let next = parent.firstChild;
  const rows = new Map();
  for (const [key, item] of wanted) {
    const node = known.get(key) || create(item);
    rows.set(key, node);
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
    update(node, item);
  }
  parent.trailRows = rows;
  if (held && parent.contains(focused)) focused.focus({ preventScroll: true });
  return held && !parent.contains(focused);
}

// Acts are numbered and repeated until Python confirms them: Streamlit keeps one trigger a run.
function makeLine() {
  const line = { last: 0, seen: 0, pending: [], trigger: null };
  line.renew = (trigger, seen) => {
    line.trigger = trigger;
    line.seen = seen;
    line.last = Math.max(line.last, seen);
    line.pending = line.pending.filter((act) => act.n > seen);
  };
  line.send = (act) => {
    line.last += 1;
    line.pending.push({ ...act, n: line.last });
    line.pending = line.pending.slice(-50);
    line.trigger("act", { acts: line.pending });
    return line.last;
  };
  return line;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http has no clipboard object, and a browser may refuse it.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "trail-copy";
    area.style.cssText = "position:fixed;opacity:0;pointer-events:none";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// A button that copies, says so for two seconds, and then says its own name again.
function copyButton(node, label, words, textOf) {
  let timer = 0;
  node.addEventListener("click", async () => {
    const done = await copyText(textOf());
    node.focus({ preventScroll: true });
    setText(label, done ? "Copied" : "Not copied");
    clearTimeout(timer);
    timer = setTimeout(() => setText(label, words), 2000);
  });
}

function iconButton(words, ...paths) {
  const node = button("tool", words ? { "aria-label": words, title: words } : {});
  node.append(icon(...paths));
  return node;
}

// A sentence in parts, so that names can be strong without any markup in the text.
function drawSentence(node, parts) {
  patchList(node, parts.map((part, place) => ({ ...part, place })), (part) => `${part.place}${part.strong}`,
    (part) => el(part.strong ? "strong" : "span", "part", { dir: "auto" }),
    (piece, part) => setText(piece, part.text));
}
