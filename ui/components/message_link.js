/** Links that a plain click opens in the component, such as an event in the panel. */

import { el, setAddress, setAttr } from "./dom.js";

/** @typedef {import("./rows.js").Queue} Queue */

/**
 * Create a link; a plain click sends its message, if it has one, in place of following the link.
 *
 * @param {Queue} queue
 * @param {string} className
 * @param {(Node | string)[]} children
 */
export function messageLink(queue, className, ...children) {
  /** @type {{ node: HTMLAnchorElement, message: Record<string, unknown> | null }} */
  const link = { node: el("a", className, {}, ...children), message: null };
  link.node.addEventListener("click", (event) => {
    const other = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (other || event.button > 0 || !link.message) return;
    event.preventDefault();
    queue.send(link.message);
  });
  return link;
}

/**
 * @param {ReturnType<typeof messageLink>} link
 * @param {string | undefined} href
 * @param {Record<string, unknown> | null} message
 */
export function updateLink(link, href, message) {
  setAddress(link.node, href);
  // Others leave a click on it to this component.
  setAttr(link.node, "data-message", message ? "" : null);
  link.message = message;
}
