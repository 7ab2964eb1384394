/**
 * Where the event panel lies: over the right of the results down to the bottom of the window, or,
 * in a narrow window, as a sheet over the page, which takes the focus.
 */

import { setAttr } from "./dom.js";
import { listen, PANEL_LEFT } from "./page_events.js";
import { activeElement } from "./rows.js";

/** @typedef {ReturnType<typeof buildPlace>} Place */

/** What the panel lies over; its `--covered` is the width that the panel takes at its right. */
const AREA = ".st-key-results";
/** As in the stylesheets of the page and of the panel. */
const SHEET = "(max-width: 700px)";
/** The top of the panel once the page is scrolled, and the gap around it. */
const [TOP_PX, GAP_PX] = [60, 12];

/** @param {Element} parent @param {HTMLElement} card */
export function buildPlace(parent, card) {
  const place = { parent, card };
  // Its place changes with the scroll position of the page, and with what is drawn above it.
  const resized = new ResizeObserver(() => fit(place));
  for (const node of [document.body, card]) resized.observe(node);
  listen(parent, true, "scroll", () => fit(place));
  listen(parent, false, "focusin", (event) => keepFocus(place, event));
  return place;
}

/** Show or hide the panel. @param {Place} place @param {boolean} visible */
export function setOpen(place, visible) {
  const { card } = place;
  const opens = card.hidden && visible;
  const focused = activeElement(card);
  const leaves = !visible && focused !== null && card.contains(focused);
  card.hidden = !visible;
  if (leaves) document.dispatchEvent(new CustomEvent(PANEL_LEFT));
  fit(place);
  if (opens && isSheet()) card.focus({ preventScroll: true });
}

/**
 * Keep the panel inside the window, of whose top the head of the page takes more or less.
 *
 * @param {Place} place
 */
export function fit({ parent, card }) {
  const box = card.getBoundingClientRect();
  const area = areaOf(parent);
  const covered = card.hidden || isSheet() ? "" : `${Math.ceil(box.width) + GAP_PX}px`;
  card.style.setProperty("--top", `${Math.max(box.top, TOP_PX)}px`);
  if (!area || area.style.getPropertyValue("--covered") === covered) return;
  area.style.setProperty("--covered", covered);
  setAttr(area, "data-covered", covered ? "" : null);
}

/** What the sheet covers does not get the focus. @param {Place} place @param {Event} event */
function keepFocus({ parent, card }, event) {
  const path = event.composedPath();
  const area = areaOf(parent);
  if (card.hidden || !isSheet() || path.includes(card)) return;
  if (area && path.includes(area)) card.focus({ preventScroll: true });
}

/** @param {Element} parent @returns {HTMLElement | null} */
function areaOf(parent) {
  const { host } = /** @type {Partial<ShadowRoot>} */ (parent.getRootNode());
  return (host ?? parent).closest(AREA);
}

function isSheet() {
  return window.matchMedia(SHEET).matches;
}
