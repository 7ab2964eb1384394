/** Panels that open below a button and above the rest of the page. */

import { setAttr } from "./dom.js";

const MARGIN = 8;

/**
 * Open `panel` with `opener`. Escape and a press elsewhere close it and return the focus.
 *
 * @param {HTMLButtonElement} opener
 * @param {HTMLElement} panel
 * @param {string} label the accessible name of the panel
 * @param {() => void} onOpen
 */
export function attachPopup(opener, panel, label, onOpen) {
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
    const { left, bottom, width } = opener.getBoundingClientRect();
    // On the side of the button that has more room.
    const isRight = left + width / 2 > window.innerWidth / 2;
    panel.style.top = `${bottom + 4}px`;
    panel.style.left = isRight ? "auto" : `${Math.max(MARGIN, left)}px`;
    panel.style.right = isRight
      ? `${Math.max(MARGIN, window.innerWidth - left - width)}px`
      : "auto";
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
