/** Close the drawer of the facets at first in a window that is too narrow for both. */

const NARROW_PX = 1000; // as in the stylesheet
// Where Streamlit remembers in every tab that someone closed the sidebar; here no one did.
const MEMORY = "stSidebarCollapsed";

export default function () {
  const tab = /** @type {Window & { trailDrawer?: boolean }} */ (window);
  if (tab.trailDrawer || tab.innerWidth > NARROW_PX) return;
  tab.trailDrawer = true;
  const close = document.querySelector("[data-testid=stSidebarCollapseButton] button");
  if (!(close instanceof HTMLElement)) return;
  const before = memory();
  close.click();
  setTimeout(() => {
    for (const key of memory().keys()) localStorage.removeItem(key);
    for (const [key, value] of before) localStorage.setItem(key, value);
  }, 500);
}

/** @returns {Map<string, string>} */
function memory() {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(MEMORY));
  return new Map(keys.map((key) => [key, localStorage.getItem(key) || ""]));
}
