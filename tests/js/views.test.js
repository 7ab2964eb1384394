import assert from "node:assert/strict";
import { test } from "node:test";
import { HOSTILE, mount, press } from "./mount.js";

const closed = [];
window.HTMLElement.prototype.hidePopover = function () {
  closed.push(this.getAttribute("aria-label"));
};
const { default: viewMenu } = await import("../../ui/components/view_menu.js");
const { default: shareMenu, linkOf } = await import("../../ui/components/share_menu.js");

const withoutNumbers = (messages) => messages.map(({ n, ...message }) => message);
const all = (view, selector) => [...view.parent.querySelectorAll(selector)];
const one = (view, selector) => view.parent.querySelector(selector);
const named = (view, name) => all(view, "button").find((item) => item.textContent === name);
const submit = (form) => form.dispatchEvent(new window.Event("submit", { cancelable: true }));

const ROW = { note: "", group: "Yours", starred: false, isDefault: false };
const VIEWS = HOSTILE.slice(0, 2).map((name, index) => ({ ...ROW, id: `v${index}`, name }));
const STATE = {
  ...{ views: VIEWS, open: "v0", name: HOSTILE[0], edited: true, starred: true, isDefault: false },
  ...{ mayChange: true, shared: true, former: false, mayAlert: true, mayExport: false, error: "" },
};

test("the open view is named, and marked as edited", () => {
  const view = mount(viewMenu).draw(STATE);
  assert.equal(one(view, ".opener").getAttribute("aria-label"), `View: ${HOSTILE[0]}, edited`);
  assert.equal(one(view, ".opener .name").textContent, HOSTILE[0]);
  assert.equal(one(view, "img"), null);
  assert.equal(one(view, ".opener .edited").hidden, false);
  assert.equal(all(view, "button.row")[0].getAttribute("aria-current"), "true");
  assert.equal(all(view, "button.row .name")[1].textContent, "\ufffdgnp.exe");
  view.draw({ ...STATE, edited: false });
  assert.equal(one(view, ".opener .edited").hidden, true);
});

test("views open, are starred, and are found by name when there are many", () => {
  const many = Array.from({ length: 9 }, (_, n) => ({ ...ROW, id: `v${n}`, name: `View ${n}` }));
  const view = mount(viewMenu).draw(STATE);
  assert.equal(one(view, ".search").hidden, true);
  view.draw({ ...STATE, views: many });
  const search = one(view, ".search");
  assert.equal(search.hidden, false);
  search.value = "VIEW 7";
  search.dispatchEvent(new window.Event("input"));
  assert.deepEqual(
    all(view, "button.row .name").map((name) => name.textContent),
    ["View 7"],
  );
  one(view, ".star-button").click();
  press(search, "Enter");
  assert.deepEqual(withoutNumbers(view.sent), [
    { do: "star", id: "v7", on: true },
    { do: "open", id: "v7" },
  ]);
  search.value = "nothing";
  search.dispatchEvent(new window.Event("input"));
  assert.equal(one(view, ".none").hidden, false);
});

test("a view is saved, and an error keeps the form", () => {
  const view = mount(viewMenu).draw(STATE);
  const [input, , everyone] = all(view, ".save input");
  const form = one(view, ".save form");
  assert.equal(one(view, ".save .wide").textContent, `Save changes to ${HOSTILE[0]}`);
  submit(form);
  assert.deepEqual(view.sent, []);
  input.value = "Mine";
  everyone.checked = true;
  submit(form);
  assert.deepEqual(withoutNumbers(view.sent), [{ do: "create", name: "Mine", shared: true }]);
  view.draw({ ...STATE, error: "Taken" }, 1);
  assert.equal(one(view, ".save .error").textContent, "Taken");
  assert.equal(input.value, "Mine");
  submit(form);
  closed.length = 0;
  view.draw(STATE, 2);
  assert.deepEqual([input.value, one(view, ".save .error").textContent], ["", ""]);
  assert.deepEqual(closed, ["Save view"]);
  view.draw({ ...STATE, mayChange: false });
  assert.equal(one(view, ".save .wide").hidden, true);
});

test("the open view is renamed, shared, made the default, and deleted after a question", () => {
  const view = mount(viewMenu).draw(STATE);
  one(view, ".danger").click();
  assert.equal(
    one(view, ".foot .inline p").textContent,
    `Delete “${HOSTILE[0]}”? Everyone loses it.`,
  );
  assert.deepEqual(view.sent, []);
  named(view, "Delete view").click();
  named(view, "Make private").click();
  named(view, "Make default").click();
  named(view, "Rename").click();
  one(view, ".foot form input").value = "Other";
  submit(one(view, ".foot form"));
  assert.deepEqual(withoutNumbers(view.sent), [
    { id: "v0", do: "delete" },
    { id: "v0", do: "publish", on: false },
    { id: "v0", do: "default", on: true },
    { id: "v0", do: "rename", name: "Other" },
  ]);
  view.draw({ ...STATE, mayChange: false, mayAlert: false }, 4);
  const shown = all(view, ".action").filter((item) => !item.hidden);
  assert.deepEqual(
    shown.map((item) => item.textContent),
    ["Make default"],
  );
});

test("a link is made for the chosen times, and made again for another state", () => {
  const state = {
    ...{ state: "from=7d", isRelative: true, fixedText: "Shows A to B", relativeText: "Always" },
    ...{ untilText: "", path: "", base: "", linkState: "", linkIsFixed: false, error: "" },
  };
  const view = mount(shareMenu).draw(state);
  const [fixed, relative] = all(view, "input[type=radio]");
  named(view, "Create link").click();
  relative.checked = true;
  relative.dispatchEvent(new window.Event("change"));
  named(view, "Create link").click();
  assert.deepEqual(withoutNumbers(view.sent), [
    { do: "link", fixed: true },
    { do: "link", fixed: false },
  ]);
  const made = { ...state, path: "/s/abc", linkState: "from=7d" };
  view.draw(made, 2);
  assert.equal(one(view, ".field").value, "https://audit.example.com/s/abc");
  assert.deepEqual([one(view, ".result").hidden, named(view, "Create link").hidden], [false, true]);
  fixed.checked = true;
  fixed.dispatchEvent(new window.Event("change"));
  assert.equal(one(view, ".result").hidden, true);
  view.draw({ ...made, state: "from=1d" }, 2);
  assert.equal(one(view, ".result").hidden, true);
  view.draw({ ...made, isRelative: false, linkIsFixed: true }, 2);
  assert.equal(relative.disabled, true);
});

test("a link is below the configured address, else beside the page", () => {
  assert.equal(linkOf("/s/abc", "https://a.example/trail/", ""), "https://a.example/trail/s/abc");
  assert.equal(
    linkOf("/s/abc", "", "https://a.example/x/explore?q=/a"),
    "https://a.example/x/s/abc",
  );
});
