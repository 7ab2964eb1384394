/** Panels that open below a button and above the rest of the page. */

import { setAttr } from "./dom.js";

const MARGIN = 8;

/**
 * Open `panel` with `opener`. Escape and a press elsewhere close it and return the focus.
 *
 * @param {HTMLButtonElement} opener
 * @param {HTMLElement} panel
 * @param {string} label the accessible name of the panel
 * @param {number} width of the panel in px, where the window has room for it
 * @param {() => void} onOpen
 */
export function attachPopup(opener, panel, label, width, onOpen) {
  setAttr(panel, "popover", "auto");
  setAttr(panel, "role", "dialog");
  setAttr(panel, "aria-label", label);
  setAttr(opener, "aria-haspopup", "dialog");
  setAttr(opener, "aria-expanded", "false");
  opener.popoverTargetElement = panel;
  // The page may scroll below the panel, which does not move with it.
  const close = (/** @type {Event} */ event) => {
    if (event.type === "resize" || !event.composedPath().includes(panel)) panel.hidePopover();
  };
  panel.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    const { left, right, bottom } = opener.getBoundingClientRect();
    const room = window.innerWidth - 2 * MARGIN;
    const size = Math.min(width, room);
    // From the left edge of the button or, where that would leave the window, from its right edge.
    const start = left + size > MARGIN + room ? right - size : left;
    panel.style.width = `${size}px`;
    panel.style.left = `${Math.max(MARGIN, start)}px`;
    panel.style.top = `${bottom + 4}px`;
    panel.style.maxHeight = `${window.innerHeight - bottom - 4 - MARGIN}px`;
  });
  panel.addEventListener("toggle", (event) => {
    const isOpen = event.newState === "open";
    setAttr(opener, "aria-expanded", String(isOpen));
    const change = isOpen ? window.addEventListener : window.removeEventListener;
    change.call(window, "resize", close);
    change.call(window, "scroll", close, true);
    if (isOpen) onOpen();
  });
}
