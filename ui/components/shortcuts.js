/** The list of keyboard shortcuts: a dialog that `?` opens, and a button at the end of the page. */

import { button, el, iconButton, setText } from "./dom.js";
import { component, renderRows } from "./rows.js";

/** @typedef {{ keys: string[], does: string }} Shortcut */
/** @typedef {{ title: string, shortcuts: Shortcut[] }} Group */

const CROSS = ["M4 4l8 8M12 4l-8 8"];

export default component(
  (parent) => {
    const opener = button("opener", { "aria-keyshortcuts": "?" }, "Keyboard shortcuts");
    const title = el("h2", "", { id: "title" }, "Keyboard shortcuts");
    const close = iconButton("Close", ...CROSS);
    const groups = el("div", "groups");
    const head = el("div", "head", {}, title, close);
    const dialog = el("dialog", "box", { "aria-labelledby": "title" }, head, groups);
    const root = el("div", "root shortcuts", {}, opener, dialog);
    parent.append(root);
    opener.addEventListener("click", () => dialog.showModal());
    close.addEventListener("click", () => dialog.close());
    // A press on the dialog itself is one on its backdrop: its content covers all of it.
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    document.addEventListener("keydown", function onKey(event) {
      if (!root.isConnected) document.removeEventListener("keydown", onKey);
      else if (event.key === "?" && !isTyped(event)) {
        event.preventDefault();
        if (dialog.open) dialog.close();
        else dialog.showModal();
      }
    });
    return { groups };
  },
  (list, /** @type {{ groups: Group[] }} */ data) => {
    renderRows(list.groups, data.groups, (group) => group.title, createGroup, updateGroup);
  },
);

function createGroup() {
  const title = el("h3");
  const rows = el("dl", "rows");
  return { node: el("section", "", {}, title, rows), title, rows };
}

/** @param {ReturnType<typeof createGroup>} view @param {Group} group */
function updateGroup(view, group) {
  setText(view.title, group.title);
  renderRows(
    view.rows,
    group.shortcuts,
    (shortcut) => shortcut.keys.join(" "),
    () => {
      const keys = el("dt");
      const does = el("dd");
      return { node: el("div", "row", {}, keys, does), keys, does };
    },
    ({ keys, does }, shortcut) => {
      keys.replaceChildren(...shortcut.keys.map((key) => el("kbd", "", {}, key)));
      setText(does, shortcut.does);
    },
  );
}

/**
 * Return whether a key is typed into a field, also into one in a shadow tree.
 *
 * @param {KeyboardEvent} event
 */
function isTyped(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const node = event.composedPath()[0];
  return (
    node instanceof HTMLElement &&
    (node.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(node.tagName))
  );
}
