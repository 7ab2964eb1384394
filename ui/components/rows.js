/** The life cycle of a component, its keyed rows, and its messages to Python. */

import { button, el, setText } from "./dom.js";

/** @typedef {import("./dom.js").Part} Part */
/** @typedef {Record<string, unknown>} Message */
/** @typedef {(name: string, value: unknown) => void} Trigger */
/** @typedef {ReturnType<typeof createQueue>} Queue */

/** Times, in ms, after which a message is repeated that Python has not acknowledged. */
const REPEATS = [500, 1000, 2000, 4000, 8000];

/**
 * Create a queue of numbered messages, repeated until Python acknowledges them.
 *
 * Streamlit keeps only the last trigger value of a run, and none that comes while the server is
 * away, or is the first one after its restart. Python takes each number once. Back and Forward end
 * the repeats: a press that led to another address would lead there again from the page before it.
 *
 * @param {Element} [parent] of the component; none is repeated once it has left the page
 */
export function createQueue(parent) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {number} attempt */
  const repeatLater = (attempt) => {
    clearTimeout(timer);
    timer = setTimeout(() => repeat(attempt), REPEATS[attempt]);
  };
  /** @param {number} attempt */
  const repeat = (attempt) => {
    const state = appState();
    if (!state || !parent?.isConnected || !queue.pending.length) return;
    if (state === "ready") queue.trigger("message", { messages: queue.pending });
    const next = state === "ready" ? attempt + 1 : attempt;
    if (next < REPEATS.length) repeatLater(next);
  };
  const queue = {
    last: 0,
    acknowledged: 0,
    /** @type {(Message & { n: number })[]} */
    pending: [],
    /** @type {Trigger} */
    trigger: () => {},
    /** @param {Trigger} trigger @param {number} acknowledged */
    sync(trigger, acknowledged) {
      queue.trigger = trigger;
      queue.acknowledged = acknowledged;
      queue.last = Math.max(queue.last, acknowledged);
      queue.pending = queue.pending.filter((message) => message.n > acknowledged);
    },
    /** @param {Message} message @returns {number} its number */
    send(message) {
      queue.last += 1;
      queue.pending = [...queue.pending, { ...message, n: queue.last }].slice(-50);
      queue.trigger("message", { messages: queue.pending });
      repeatLater(0);
      return queue.last;
    },
  };
  /** @param {PopStateEvent} event from the browser, not from a link that opens in place */
  function onHistory(event) {
    // Nothing reports that a component was removed; the next event finds out.
    if (parent && !parent.isConnected) window.removeEventListener("popstate", onHistory);
    else if (event.isTrusted) queue.pending = [];
  }
  window.addEventListener("popstate", onHistory);
  return queue;
}

/**
 * Return whether the page can take a message now, or is busy or without a server; none outside one.
 *
 * @returns {"ready" | "busy" | undefined}
 */
function appState() {
  const app = /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stApp]"));
  if (!app) return undefined;
  const { testScriptState, testConnectionState } = app.dataset;
  return testScriptState !== "running" && testConnectionState === "CONNECTED" ? "ready" : "busy";
}

/**
 * Return the default export of a component: `build` runs once, `draw` on every script run.
 *
 * @template State
 * @template Data
 * @param {(root: Element, queue: Queue) => State} build
 * @param {(state: State, data: Data) => void} draw
 */
export function component(build, draw) {
  /** @type {WeakMap<Element, { queue: Queue, state: State }>} */
  const mounts = new WeakMap();
  /**
   * @param {{
   *   data: Data & { acknowledged: number },
   *   parentElement: Element,
   *   setTriggerValue: Trigger,
   * }} run
   */
  return ({ data, parentElement, setTriggerValue }) => {
    let mount = mounts.get(parentElement);
    if (!mount) {
      const queue = createQueue(parentElement);
      mount = { queue, state: build(parentElement, queue) };
      mounts.set(parentElement, mount);
    }
    mount.queue.sync(setTriggerValue, data.acknowledged);
    draw(mount.state, data);
  };
}

/** @type {WeakMap<Element, Map<string, { node: HTMLElement }>>} */
const VIEWS = new WeakMap();

/**
 * Render items as keyed children of `parent`, reusing the views of known keys.
 *
 * @template Item
 * @template {{ node: HTMLElement }} View
 * @param {Element} parent
 * @param {readonly Item[]} items
 * @param {(item: Item, index: number) => unknown} keyOf duplicates are allowed
 * @param {(item: Item) => View} create
 * @param {(view: View, item: Item, index: number) => void} update
 * @returns {{ views: View[], lostFocus: boolean }} the views in order; whether the focused row left
 */
export function renderRows(parent, items, keyOf, create, update) {
  const known = /** @type {Map<string, View>} */ (VIEWS.get(parent) || new Map());
  const focused = activeElement(parent);
  const hadFocus = focused !== null && parent.contains(focused);
  /** @type {Map<string, Item>} */
  const wanted = new Map();
  items.forEach((item, index) => {
    let key = String(keyOf(item, index));
    while (wanted.has(key)) key += "\u0000";
    wanted.set(key, item);
  });
  for (const [key, view] of known) {
    if (!wanted.has(key)) {
      view.node.remove();
      known.delete(key);
    }
  }
  let next = parent.firstChild;
  /** @type {Map<string, View>} */
  const rows = new Map();
  for (const [key, item] of wanted) {
    const view = known.get(key) || create(item);
    rows.set(key, view);
    if (view.node === next) next = next.nextSibling;
    else parent.insertBefore(view.node, next);
  }
  VIEWS.set(parent, rows);
  const lostFocus = hadFocus && !parent.contains(focused);
  // A moved element loses the focus; an update may move it on purpose, so it comes afterwards.
  if (hadFocus && !lostFocus) focused.focus({ preventScroll: true });
  const views = [...rows.values()];
  items.forEach((item, index) => {
    const view = views[index];
    if (view) update(view, item, index);
  });
  return { views, lostFocus };
}

/**
 * Return the focused element in the document or shadow tree of `node`.
 *
 * @param {Node} node
 */
export function activeElement(node) {
  const root = /** @type {Document | ShadowRoot} */ (node.getRootNode());
  return /** @type {HTMLElement | null} */ (root.activeElement);
}

/**
 * Create a row that is one link; `setAddress` says where it leads.
 *
 * @param {string} className
 * @param {(Node | string)[]} children
 */
export function linkRow(className, ...children) {
  return { node: el("a", className, {}, ...children) };
}

/**
 * Create a row that is one button and reports its `id` when clicked; an empty id is not reported.
 *
 * @param {Queue} queue
 * @param {string} className
 * @param {(Node | string)[]} children
 */
export function clickableRow(queue, className, ...children) {
  const row = { node: button(className, {}, ...children), id: "" };
  row.node.addEventListener("click", () => row.id && queue.send({ id: row.id }));
  return row;
}

/**
 * Move the focus among rows on an arrow key, Home or End.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} rows
 * @returns {boolean} whether the key was handled
 */
export function moveFocus(event, rows) {
  const here = rows.indexOf(/** @type {HTMLElement} */ (event.target));
  const to = rowAfterKey(event.key, here, rows.length);
  if (to === undefined) return false;
  rows[to]?.focus();
  event.preventDefault();
  return true;
}

/**
 * Return the index of the row that a key moves to, or undefined for any other key.
 *
 * @param {string} key
 * @param {number} here -1 if no row has the focus
 * @param {number} count
 */
export function rowAfterKey(key, here, count) {
  if (here < 0) return undefined;
  const moves = new Map([
    ["ArrowDown", here + 1],
    ["ArrowUp", here - 1],
    ["Home", 0],
    ["End", count - 1],
  ]);
  const to = moves.get(key);
  return to === undefined ? undefined : Math.max(0, Math.min(to, count - 1));
}

/**
 * Draw a sentence in parts, so that names are strong without markup in the text.
 *
 * @param {Element} node
 * @param {readonly Part[]} parts
 */
export function drawSentence(node, parts) {
  renderRows(
    node,
    parts,
    (part, index) => `${index} ${part.strong}`,
    (part) => ({ node: el(part.strong ? "strong" : "span", "part", { dir: "auto" }) }),
    (view, part) => setText(view.node, part.text),
  );
}
