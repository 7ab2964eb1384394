/**
 * Open the pages of this site in place, with one entry of the browser's history each.
 *
 * Streamlit draws the page of the address on `popstate`. Its own links make two entries for a page
 * with parameters, and its menu forgets the window and the filters. A click with a modifier key is
 * left to the browser, which opens a tab.
 *
 * Once a lost connection is back, the page of the address is drawn again: Streamlit drops what is
 * pressed meanwhile, Back among it, and starts a new session on a restarted server only at the next
 * press, which is lost, too.
 *
 * Streamlit sets the address to that of the page that a run says it draws. A run that had begun
 * before a link was pressed, and whose page arrives after it, would so take the address back, and
 * the page of the link would change it once more: two entries too many. Between the press and the
 * first drawing of the page of the link, only this file writes the address.
 *
 * A run gets the address that the browser had when it asked. One that was asked for before the
 * answer to a press was there draws the address from before the press, over what the press has led
 * to: then the page of the address is drawn again.
 */

/** @typedef {Record<string, string[]>} Pages Path of each page, and the parameters to carry there. */
/** @typedef {Window & { trailPages?: Pages, trailOpened?: string, trailDrawn?: string,
 *   trailAwaited?: Awaited, trailCheck?: ReturnType<typeof setTimeout>,
 *   trailCorrected?: string }} Tab */
/** @typedef {{ path: string, timer: ReturnType<typeof setTimeout> }} Awaited Path of a link. */

// After so long without its page, the press is lost.
const LOST_MS = 10_000;
// The address arrives before what a run draws, but is written a moment later.
const CHECK_MS = 200;
const MENU = "[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]";

/**
 * Take in a run: the `path` and `query` of the address that it draws, and the address to `open`, if
 * any. Its `number` is new.
 *
 * @param {{
 *   data: { pages: Pages, path: string, query: string, open: string, number: string },
 * }} run
 */
export default function ({ data }) {
  const tab = /** @type {Tab} */ (window);
  const isNew = !tab.trailPages;
  tab.trailPages = data.pages;
  if (isNew) {
    tab.addEventListener("click", onClick, { capture: true });
    // Before a menu or a middle click opens the link elsewhere.
    for (const type of ["pointerdown", "focusin"]) {
      tab.addEventListener(type, onApproach, { capture: true });
    }
    leaveOutOvertakenRuns();
    watchConnection();
  }
  tab.trailDrawn = data.path;
  if (data.path === tab.trailAwaited?.path) stopWaiting();
  if (data.open && tab.trailOpened !== data.number) {
    tab.trailOpened = data.number;
    open(new URL(data.open, document.location.href));
  }
  clearTimeout(tab.trailCheck);
  tab.trailCheck = setTimeout(() => correct(data.path, data.query), CHECK_MS);
}

/** Draw the page of the address if the last run drew another one. @param {string} path @param {string} query */
function correct(path, query) {
  const tab = /** @type {Tab} */ (window);
  const app = document.querySelector("[data-testid=stApp]");
  if (!(app instanceof HTMLElement) || tab.trailAwaited) return;
  if (app.dataset.testScriptState !== "notRunning") {
    tab.trailCheck = setTimeout(() => correct(path, query), CHECK_MS);
    return;
  }
  const here = document.location;
  const drawn = `${path}?${new URLSearchParams(query)}`;
  const shown = `${here.pathname}?${new URLSearchParams(here.search)}`;
  // Not twice in a row for the same two, should Streamlit ever write an address in another way.
  const both = `${drawn} ${shown}`;
  if (drawn === shown) delete tab.trailCorrected;
  if (here.pathname !== path || drawn === shown || tab.trailCorrected === both) return;
  tab.trailCorrected = both;
  drawPageOfAddress();
}

/** @param {Event} event */
function onApproach(event) {
  const link = linkOf(event);
  if (link?.matches(MENU)) link.setAttribute("href", address(link).href);
}

/** @param {MouseEvent} event */
function onClick(event) {
  const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  const link = linkOf(event);
  if (!link || modified || event.button || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  open(address(link));
}

/** @param {URL} to */
function open(to) {
  const isHere = to.href === document.location.href;
  stopWaiting();
  history[isHere ? "replaceState" : "pushState"]({}, "", to);
  drawPageOfAddress();
}

function leaveOutOvertakenRuns() {
  const tab = /** @type {Tab} */ (window);
  for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
    const write = history[name].bind(history);
    history[name] = (...entry) => {
      if (!tab.trailAwaited) write(...entry);
    };
  }
  // A link that was opened, Back or Forward.
  tab.addEventListener("popstate", awaitPage, { capture: true });
}

function awaitPage() {
  const tab = /** @type {Tab} */ (window);
  const path = document.location.pathname;
  const isDrawn = path === tab.trailDrawn && !tab.trailAwaited;
  stopWaiting();
  if (isDrawn) return;
  tab.trailAwaited = { path, timer: setTimeout(stopWaiting, LOST_MS) };
}

function stopWaiting() {
  const tab = /** @type {Tab} */ (window);
  clearTimeout(tab.trailAwaited?.timer);
  tab.trailAwaited = undefined;
}

function drawPageOfAddress() {
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function watchConnection() {
  const app = document.querySelector("[data-testid=stApp]");
  if (!(app instanceof HTMLElement)) return;
  let wasLost = false;
  const observer = new MutationObserver(() => {
    const isConnected = app.dataset.testConnectionState === "CONNECTED";
    if (isConnected && wasLost) drawPageOfAddress();
    wasLost = !isConnected;
  });
  observer.observe(app, { attributeFilter: ["data-test-connection-state"] });
}

/**
 * Return the link to a page of this site that an event is on, also inside of a component.
 *
 * Not one that its component answers.
 *
 * @param {Event} event
 */
function linkOf(event) {
  const pages = /** @type {Tab} */ (window).trailPages || {};
  for (const node of event.composedPath()) {
    if (node instanceof HTMLAnchorElement && node.hasAttribute("href")) {
      const isPage = node.origin === document.location.origin && node.pathname in pages;
      const isOurs = isPage && !node.hash && !node.hasAttribute("data-message");
      return isOurs ? node : null;
    }
  }
  return null;
}

/**
 * Return the address of a link; one of the menu gets the parameters that its page can use.
 *
 * @param {HTMLAnchorElement} link
 */
function address(link) {
  const to = new URL(link.href);
  if (!link.matches(MENU)) return to;
  const pages = /** @type {Tab} */ (window).trailPages || {};
  const carried = pages[to.pathname] || [];
  const here = new URLSearchParams(document.location.search);
  const kept = [...here].filter(([name]) => carried.includes(name));
  to.search = new URLSearchParams(kept).toString();
  return to;
}
