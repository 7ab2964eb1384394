/** Close the drawer of the facets at first in a window that is too narrow for both. */

const NARROW_PX = 1000; // as in the stylesheet

export default function () {
  const tab = /** @type {Window & { trailDrawer?: boolean }} */ (window);
  if (tab.trailDrawer || tab.innerWidth > NARROW_PX) return;
  tab.trailDrawer = true;
  const close = document.querySelector("[data-testid=stSidebarCollapseButton] button");
  if (close instanceof HTMLElement) close.click();
}
