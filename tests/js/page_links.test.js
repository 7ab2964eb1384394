import assert from "node:assert/strict";
import { test } from "node:test";
import "./mount.js";
import pageLinks from "../../ui/page_links.js";

for (const name of ["history", "PopStateEvent", "HTMLAnchorElement", "MutationObserver"]) {
  globalThis[name] = window[name];
}
const PAGES = { "/": ["from"], "/explore": ["from"], "/timeline": ["from"] };
let runs = 0;
/** A run of the page at *path* whose first messages have reached the browser. */
const draw = (path, open = "") =>
  pageLinks({ data: { pages: PAGES, path, open, number: String(++runs) } });
/** What Streamlit does when a run says which page it draws. */
const runSays = (address) => {
  const { pathname } = new URL(address, window.location.href);
  if (pathname !== window.location.pathname) history.pushState({}, "", address);
};
const here = () => window.location.pathname + window.location.search;

function press(href) {
  const link = document.createElement("a");
  link.setAttribute("href", href);
  document.body.replaceChildren(link);
  link.dispatchEvent(new window.MouseEvent("click", { bubbles: true, composed: true }));
}

test("a link adds one entry, however late runs of the page before arrive", () => {
  draw("/explore");
  const entries = history.length;
  press("/timeline?from=30d");
  assert.equal(here(), "/timeline?from=30d");
  runSays("/explore?from=7d"); // had begun before
  history.replaceState({}, "", "/timeline?from=7d"); // as had this
  runSays("/timeline?from=30d");
  assert.equal(here(), "/timeline?from=30d");
  assert.equal(history.length, entries + 1);
  draw("/timeline");
  history.pushState({}, "", "/timeline?from=24h"); // a filter, set on the page
  assert.equal(here(), "/timeline?from=24h");
});

test("a page that a callback opens is opened once", () => {
  draw("/");
  const entries = history.length;
  const run = { data: { pages: PAGES, path: "/", open: "/explore?from=2d", number: "x" } };
  pageLinks(run);
  pageLinks(run); // drawn again without a run
  assert.equal(here(), "/explore?from=2d");
  assert.equal(history.length, entries + 1);
  draw("/explore");
});

test("Back before the page of a link is drawn is not undone by it", () => {
  draw("/explore");
  press("/?from=7d");
  history.back(); // the tests' browser leaves the address alone
  window.dispatchEvent(new PopStateEvent("popstate"));
  const entries = history.length;
  runSays("/timeline");
  runSays("/");
  assert.equal(history.length, entries);
  draw(window.location.pathname);
});

test("a run that draws another address is corrected, each time that it happens", async () => {
  const app = document.createElement("div");
  Object.assign(app.dataset, { testid: "stApp", testScriptState: "notRunning" });
  document.body.replaceChildren(app);
  history.replaceState({}, "", "/explore?event=1");
  let corrections = 0;
  const count = () => corrections++;
  window.addEventListener("popstate", count);
  const drawn = async (query) => {
    pageLinks({
      data: { pages: PAGES, path: "/explore", query, open: "", number: String(++runs) },
    });
    await new Promise((done) => setTimeout(done, 250));
    return corrections;
  };
  assert.equal(await drawn(""), 1);
  assert.equal(await drawn(""), 1); // as if nothing could correct it: no loop
  assert.equal(await drawn("event=1"), 1);
  assert.equal(await drawn(""), 2);
  window.removeEventListener("popstate", count);
});
