/** Mount components in a document the way Streamlit does. Import this before any component. */

import { Window } from "happy-dom";

const window = new Window({ url: "https://audit.example.com/explore?from=7d" });
const NODES = ["Node", "Element", "HTMLElement", "HTMLButtonElement", "CustomEvent"];
for (const name of ["window", "document", ...NODES, "getComputedStyle"]) {
  globalThis[name] = name === "window" ? window : window[name];
}
globalThis.CSS = { supports: (_property, value) => /^(red|#[0-9a-f]{6})$/.test(value) };

/** Every element is 400 px wide; nothing is laid out, so no size ever changes. */
Object.defineProperty(window.HTMLElement.prototype, "clientWidth", { get: () => 400 });
globalThis.ResizeObserver = class {
  constructor(onResize) {
    this.observe = onResize;
  }
};

/** Values of events that would harm a page that reads them as markup. */
export const HOSTILE = ['<img src=x onerror="alert(1)">', "\u202egnp.exe", "", "a\nb\u0000"];

/** Mount a component; `draw` renders data, `sent` has the messages of the last trigger. */
export function mount(component) {
  const parent = document.createElement("div");
  document.body.replaceChildren(parent);
  const mounted = { parent, sent: [], draw };
  function draw(data, acknowledged = 0) {
    component({
      data: { ...data, acknowledged },
      parentElement: parent,
      setTriggerValue(name, value) {
        if (name === "message") mounted.sent = value.messages;
      },
    });
    return mounted;
  }
  return mounted;
}

/** Press a key on an element. */
export function press(node, key, options = {}) {
  node.dispatchEvent(
    new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }),
  );
}
