/** Daily counts as bars without axes, for a row of a list. */

import { el, plain, setAttr } from "./dom.js";
import { component, renderRows } from "./rows.js";

/** @typedef {{ label: string, count: number }} Bar */

export default component(
  (parent) => {
    const root = el("div", "root day-bars", { role: "img" });
    parent.append(root);
    return { root };
  },
  (view, /** @type {{ bars: Bar[], label: string }} */ data) => {
    setAttr(view.root, "aria-label", plain(data.label));
    const most = Math.max(1, ...data.bars.map((bar) => bar.count));
    renderRows(
      view.root,
      data.bars,
      (_, index) => index,
      () => ({ node: el("span", "day-bar") }),
      ({ node }, bar) => {
        setAttr(node, "title", plain(bar.label));
        node.classList.toggle("filled", bar.count > 0);
        node.style.setProperty("--share", String(bar.count / most));
      },
    );
  },
);
