/** The actions on one thing that needs attention: assign, mute until, place a hold, open. */

import { button, el, setAddress, setAttr, setText, show, valueSpan } from "./dom.js";
import { attachPopup } from "./popup.js";
import { renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {import("./attention.js").Item} Item */
/** @typedef {import("./attention.js").Data} Data */
/** @typedef {import("./attention.js").Choice} Choice */

const WIDTH = 300;

/** @param {Queue} queue @param {HTMLButtonElement} opener */
export function createMenu(queue, opener) {
  const title = valueSpan("name");
  const assignee = el("select", "field");
  const mutes = el("span", "mutes");
  const day = el("input", "field", { type: "date" });
  const untilDay = button("control", {}, "Mute");
  const reason = el("input", "field", { maxlength: "300", autocomplete: "off" });
  const place = button("primary", {}, "Place legal hold");
  const hold = el("div", "group", {}, el("label", "", {}, "Reason of the hold", reason), place);
  const open = el("a", "link", {}, "Open");
  const panel = el(
    "div",
    "panel",
    {},
    el("h3", "", {}, title),
    el("label", "group", {}, "Assign to", assignee),
    el("fieldset", "group", {}, el("legend", "", {}, "Mute"), mutes),
    el("div", "group", {}, el("label", "", {}, "Until 09:00 of", day), untilDay),
    hold,
    open,
  );
  const menu = {
    ...{ queue, panel, title, assignee, mutes, day, reason, hold, open, id: "", waiting: 0 },
    ...{ item: /** @type {Item | null} */ (null), data: /** @type {Data | null} */ (null) },
  };
  const send = (/** @type {Record<string, unknown>} */ message) => {
    menu.waiting = queue.send({ id: menu.id, ...message });
  };
  attachPopup(opener, panel, "Actions", WIDTH, () => fill(menu, send));
  assignee.addEventListener("change", () => send({ do: "assign", to: assignee.value }));
  untilDay.addEventListener("click", () => day.value && send({ do: "mute", until: day.value }));
  place.addEventListener("click", () => send({ do: "hold", reason: reason.value }));
  return menu;
}

/** @typedef {ReturnType<typeof createMenu>} Menu */

/** @param {Menu} menu @param {Item} item @param {Data} data */
export function drawMenu(menu, item, data) {
  Object.assign(menu, { id: item.id, item, data });
  if (menu.waiting > 0 && data.acknowledged >= menu.waiting) {
    menu.waiting = 0;
    menu.panel.hidePopover();
  }
}

/**
 * Fill the menu when it opens: a list may have many rows, and many users.
 *
 * @param {Menu} menu
 * @param {(message: Record<string, unknown>) => void} send
 */
function fill(menu, send) {
  const { item, data } = menu;
  if (!item || !data) return;
  setText(menu.title, item.what);
  const isListed = data.users.some((user) => user.value === item.assignee);
  const former = { value: item.assignee, label: item.assigneeName };
  const users = [{ value: "", label: "Nobody" }, ...data.users, ...(isListed ? [] : [former])];
  renderRows(
    menu.assignee,
    item.assignee ? users : users.slice(0, data.users.length + 1),
    (user) => user.value,
    () => ({ node: el("option") }),
    ({ node }, user) => {
      setAttr(node, "value", user.value);
      setText(node, user.label);
    },
  );
  menu.assignee.value = item.assignee;
  renderRows(
    menu.mutes,
    data.mutes,
    (mute) => mute.value,
    (mute) => {
      const node = button("control", {}, mute.label);
      node.addEventListener("click", () => send({ do: "mute", until: mute.value }));
      return { node };
    },
    () => {},
  );
  setAttr(menu.day, "min", data.firstDay);
  menu.day.value = data.firstDay;
  show(menu.hold, item.mayHold);
  if (item.mayHold) menu.reason.value = item.holdReason;
  setAddress(menu.open, item.address);
  show(menu.open, item.address !== "");
  (item.mayHold ? menu.reason : menu.assignee).focus({ preventScroll: true });
}
