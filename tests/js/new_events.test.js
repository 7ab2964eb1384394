import assert from "node:assert/strict";
import { mock, test } from "node:test";
import newEvents from "../../ui/components/new_events.js";
import { mount } from "./mount.js";

const DATA = { query: "from=7d", since: "2026-11-28T08:00:00", live: false };
const settle = () => new Promise((resolve) => setImmediate(resolve));

function open(context, answers) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    const { status = 200, ...body } = answers.shift() || { count: 0 };
    return { ok: status === 200, status, json: async () => body };
  };
  context.after(() => {
    mock.timers.reset();
    window.history.replaceState(null, "", "?from=7d");
    setHidden(false);
  });
  const view = mount(newEvents).draw(DATA);
  const wait = async (ms = 12_000) => {
    mock.timers.tick(ms);
    await settle();
  };
  const label = () => view.parent.querySelector(".refresh").textContent;
  const sent = () => view.sent.map(({ n, ...message }) => message);
  return { view, asked, wait, label, sent };
}

function setHidden(hidden) {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new window.Event("visibilitychange"));
}

test("the number of new events is a button that shows them", async (context) => {
  const { view, asked, wait, label, sent } = open(context, [
    { count: 0 },
    { count: 12 },
    { count: 1000, more: true },
  ]);
  await wait();
  assert.equal(asked[0], "/api/new-events?from=7d&since=2026-11-28T08%3A00%3A00");
  assert.equal(label(), "Refresh");
  await wait();
  assert.equal(label(), "12 new events");
  await wait();
  assert.equal(label(), "1,000+ new events");
  view.parent.querySelector(".refresh").click();
  assert.deepEqual(sent(), [{ do: "refresh" }]);
  view.draw({ ...DATA, since: "2026-11-28T08:05:00" }, 1);
  assert.equal(label(), "Refresh");
});

test("a hidden tab asks nothing, and an ended session ends it", async (context) => {
  const { asked, wait, label } = open(context, [{ count: 3 }, { status: 503 }, { status: 401 }]);
  setHidden(true);
  await wait(60_000);
  assert.equal(asked.length, 0);
  setHidden(false);
  await wait(0);
  assert.equal(label(), "3 new events");
  await wait();
  await wait();
  assert.equal(asked.length, 2, "a busy server is asked less often");
  await wait();
  await wait(600_000);
  assert.equal(asked.length, 3);
});

test("live shows new events by itself, except while an event is open", async (context) => {
  const { view, wait, sent } = open(context, [{ count: 1 }, { count: 1 }]);
  view.draw({ ...DATA, live: true });
  window.history.replaceState(null, "", "?from=7d&event=e1");
  await wait();
  assert.deepEqual(sent(), []);
  window.history.replaceState(null, "", "?from=7d");
  await wait();
  assert.deepEqual(sent(), [{ do: "refresh" }]);
});

test("the poll ends when the page no longer has the component", async (context) => {
  const { view, asked, wait } = open(context, []);
  view.parent.remove();
  await wait();
  await wait();
  assert.equal(asked.length, 0);
});
