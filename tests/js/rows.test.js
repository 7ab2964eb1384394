import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { barWidth, plain, setColor, sparkline } from "../../ui/components/dom.js";
import {
  clickableRow,
  component,
  createQueue,
  moveFocus,
  renderRows,
  rowAfterKey,
} from "../../ui/components/rows.js";
import { mount, press } from "./mount.js";

test("messages are numbered and repeated until acknowledged", () => {
  const sent = [];
  const queue = createQueue();
  queue.sync((_, value) => sent.push(value.messages), 4);
  queue.send({ id: "a" });
  queue.send({ id: "b" });
  assert.deepEqual(sent.at(-1), [
    { id: "a", n: 5 },
    { id: "b", n: 6 },
  ]);
  queue.sync((_, value) => sent.push(value.messages), 5);
  queue.send({ id: "c" });
  assert.deepEqual(sent.at(-1), [
    { id: "b", n: 6 },
    { id: "c", n: 7 },
  ]);
});

test("what was pressed is repeated, but not after Back", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const app = document.createElement("div");
  app.dataset.testid = "stApp";
  Object.assign(app.dataset, { testScriptState: "notRunning", testConnectionState: "CONNECTED" });
  document.body.replaceChildren(app);
  const sent = [];
  const queue = createQueue(app);
  queue.sync((_, value) => sent.push(value.messages), 0);
  const go = (isTrusted) => {
    const event = new window.PopStateEvent("popstate");
    Object.defineProperty(event, "isTrusted", { value: isTrusted });
    window.dispatchEvent(event);
  };
  queue.send({ open: "a" });
  mock.timers.tick(500);
  assert.equal(sent.length, 2);
  go(false); // a link that opens in place, or a connection that is back
  mock.timers.tick(1000);
  assert.equal(sent.length, 3);
  go(true);
  mock.timers.tick(20_000);
  assert.equal(sent.length, 3);
  queue.send({ open: "b" });
  assert.deepEqual(sent.at(-1), [{ open: "b", n: 2 }]);
  document.body.replaceChildren();
  mock.timers.reset();
});

test("at most 50 messages wait", () => {
  const queue = createQueue();
  for (let count = 0; count < 80; count += 1) queue.send({});
  assert.equal(queue.pending.length, 50);
  assert.equal(queue.pending[0].n, 31);
});

test("rows are reused, moved, removed and kept apart when keys repeat", () => {
  const parent = document.createElement("div");
  const create = (item) => ({ node: document.createElement("p"), first: item });
  const update = (view, item) => {
    view.node.textContent = item;
  };
  const draw = (items) => renderRows(parent, items, (item) => item, create, update).views;
  const [a, b] = draw(["a", "b", "a"]);
  assert.equal(parent.children.length, 3);
  const [b2, c, a2] = draw(["b", "c", "a"]);
  assert.equal(a2, a);
  assert.equal(b2, b);
  assert.equal(c.first, "c");
  assert.equal(parent.textContent, "bca");
});

test("the focus stays on its row, and its loss is reported", () => {
  const parent = document.createElement("div");
  document.body.replaceChildren(parent);
  const create = () => ({ node: document.createElement("button") });
  const draw = (items) =>
    renderRows(
      parent,
      items,
      (item) => item,
      create,
      () => {},
    );
  const [row] = draw(["a", "b"]).views;
  row.node.focus();
  assert.equal(draw(["b", "a"]).lostFocus, false);
  assert.equal(document.activeElement, row.node);
  assert.equal(draw(["b"]).lostFocus, true);
});

test("a component is built once and drawn on every run", () => {
  let built = 0;
  const drawn = [];
  const view = mount(
    component(
      () => {
        built += 1;
        return drawn;
      },
      (state, data) => state.push(data.x),
    ),
  );
  view.draw({ x: 1 });
  view.draw({ x: 2 });
  assert.equal(built, 1);
  assert.deepEqual(drawn, [1, 2]);
});

test("a row without an id reports no click", () => {
  const queue = createQueue();
  const row = clickableRow(queue, "row");
  row.node.click();
  row.id = "x";
  row.node.click();
  assert.deepEqual(queue.pending, [{ id: "x", n: 1 }]);
});

test("arrow keys, Home and End move within the rows", () => {
  assert.equal(rowAfterKey("ArrowDown", 0, 3), 1);
  assert.equal(rowAfterKey("ArrowUp", 0, 3), 0);
  assert.equal(rowAfterKey("End", 0, 3), 2);
  assert.equal(rowAfterKey("Home", 2, 3), 0);
  assert.equal(rowAfterKey("x", 1, 3), undefined);
  assert.equal(rowAfterKey("End", -1, 3), undefined);
});

test("a handled key moves the focus and goes no further", () => {
  const rows = [document.createElement("button"), document.createElement("button")];
  document.body.replaceChildren(...rows);
  let handled;
  rows[0].addEventListener("keydown", (event) => {
    handled = moveFocus(event, rows) && event.defaultPrevented;
  });
  press(rows[0], "ArrowDown");
  assert.equal(handled, true);
  assert.equal(document.activeElement, rows[1]);
});

test("text is one line without control or bidirectional characters", () => {
  assert.equal(plain("a\n\tb\u202ec\u0000"), "a b\ufffdc\ufffd");
  assert.equal(plain(null), "");
});

test("a bar of any count is visible, and a full one is as wide as its track", () => {
  assert.equal(barWidth(0, 10), "0");
  assert.equal(barWidth(10, 10), "max(1px, 100.0%)");
});

test("a sparkline scales values to its height", () => {
  assert.equal(sparkline([1, 3, 2], 52, 18, 2), "1.0,16.0 26.0,2.0 51.0,9.0");
  assert.equal(sparkline([1], 52, 18, 2), "");
  assert.equal(sparkline([2, "x", 2], 52, 18, 2), "1.0,16.0 51.0,16.0");
});

test("a value that is not a color is not set", () => {
  const node = document.createElement("span");
  setColor(node, "--square", "red");
  assert.equal(node.style.getPropertyValue("--square"), "red");
  setColor(node, "--square", "red; background: url(x)");
  assert.equal(node.style.getPropertyValue("--square"), "");
});

test("colors of the theme are read once for all that is drawn together", async () => {
  const theme = mock.method(globalThis, "getComputedStyle", () => ({
    getPropertyValue: () => "red, #00ff00",
  }));
  const nodes = Array.from({ length: 50 }, () => document.createElement("span"));
  for (const node of nodes) setColor(node, "--square", "1");
  assert.equal(nodes[49].style.getPropertyValue("--square"), "#00ff00");
  assert.equal(theme.mock.callCount(), 1);
  await Promise.resolve();
  setColor(nodes[0], "--square", "0"); // the theme may have changed meanwhile
  assert.equal(nodes[0].style.getPropertyValue("--square"), "red");
  assert.equal(theme.mock.callCount(), 2);
  theme.mock.restore();
});
