import assert from "node:assert/strict";
import { test } from "node:test";
import table from "../../ui/components/table.js";
import { markedParts } from "../../ui/components/table_cells.js";
import { moved } from "../../ui/components/table_columns.js";
import { nextSort } from "../../ui/components/table_head.js";
import { HOSTILE, mount, press } from "./mount.js";

const TIME = {
  name: "time",
  title: "Time",
  width: 100,
  asc: "oldest",
  desc: "newest",
  first: "desc",
};
const RISK = { name: "risk", title: "Risk", width: 80, asc: "risk", desc: "-risk", first: "desc" };
const ACTION = { name: "action", title: "Action", width: 200, filter: true, asc: "a", desc: "-a" };
const KIND = { name: "kind", title: "Kind", width: 90 };
const COLUMNS = [TIME, RISK, ACTION];
const rowsOf = (...ids) =>
  ids.map((id) => ({ id, cells: [`t ${id}`, { text: "8", glyph: "▲", tone: "red" }, `a ${id}`] }));
const DATA = {
  label: "Events",
  view: "1",
  columns: COLUMNS,
  rows: rowsOf("r1", "r2", "r3"),
  main: "action",
  opens: true,
  keys: true,
  closes: true,
  open: "",
  link: "/explore?from=7d&event=",
  sort: "newest",
  marks: [],
  height: "400px",
  choices: [...COLUMNS, KIND],
  widths: {},
  note: "Sorted by time",
  range: "Rows 1–3 of 9",
  back: "Newer",
  forward: "Older",
  has_back: false,
  has_forward: true,
};

const all = (view, selector) => [...view.parent.querySelectorAll(selector)];
const one = (view, selector) => view.parent.querySelector(selector);
const sent = (view) => view.sent.map(({ n, ...message }) => message);
const current = (view) =>
  all(view, "tbody tr").findIndex((row) => row.hasAttribute("aria-current"));
const focused = (view) =>
  all(view, "tbody tr").findIndex((row) => row.contains(document.activeElement));

test("a table has a caption, column headers with the order, and rows of text", () => {
  const rows = HOSTILE.map((text, n) => ({
    id: `${n}`,
    cells: [text, { text, square: "red" }, text],
  }));
  const view = mount(table).draw({ ...DATA, rows, link: `/explore?q="'&event=` });
  assert.equal(one(view, "caption").textContent, "Events");
  assert.deepEqual(
    all(view, "th[scope=col]").map((cell) => cell.getAttribute("aria-sort")),
    ["descending", null, null],
  );
  assert.equal(all(view, "tbody td")[0].textContent, HOSTILE[0]);
  assert.equal(one(view, "img"), null);
  assert.equal(all(view, "tbody td")[3].textContent, "\ufffdgnp.exe");
  assert.equal(one(view, "a.main").getAttribute("href"), `/explore?q="'&event=0`);
});

test("a click opens and marks a row at once; an older answer does not undo it", () => {
  const view = mount(table).draw(DATA);
  all(view, "tbody tr")[1].querySelector("td").click();
  assert.equal(current(view), 1);
  assert.deepEqual(sent(view), [{ open: "r2" }]);
  view.draw({ ...DATA, open: "r1" }, 0);
  assert.equal(current(view), 1);
  view.draw({ ...DATA, open: "r3" }, 1);
  assert.equal(current(view), 2);
});

test("keys step, open, follow the open panel and close", () => {
  const view = mount(table).draw(DATA);
  press(document.body, "j");
  assert.equal(focused(view), 0);
  press(document.activeElement, "ArrowDown");
  press(document.activeElement, "j");
  press(document.activeElement, "j");
  assert.equal(focused(view), 2);
  press(document.activeElement, "Home");
  assert.equal(focused(view), 0);
  assert.deepEqual(sent(view), []);
  document.activeElement.click(); // what Enter does on a link
  press(document.activeElement, "ArrowDown");
  press(document.activeElement, "End");
  press(document.activeElement, "k");
  assert.deepEqual(
    sent(view),
    ["r1", "r2", "r3", "r2"].map((open) => ({ open })),
  );
  press(document.activeElement, "Escape");
  assert.equal(current(view), -1);
  assert.deepEqual(sent(view).at(-1), { close: true });
});

test("keys of text fields and with Ctrl are left alone", () => {
  const view = mount(table).draw(DATA);
  const input = document.body.appendChild(document.createElement("input"));
  press(input, "j");
  press(document.body, "j", { ctrlKey: true });
  assert.equal(focused(view), -1);
  input.remove();
});

test("a press on a title sorts, reverses, and restores the default", () => {
  assert.equal(nextSort(RISK, "newest"), "-risk");
  assert.equal(nextSort(RISK, "newest", true), "risk");
  assert.equal(nextSort(RISK, "-risk"), "risk");
  assert.equal(nextSort(RISK, "risk"), "");
  assert.equal(nextSort(ACTION, "newest"), "a");
  assert.equal(nextSort(TIME, "newest"), "oldest");
  const view = mount(table).draw(DATA);
  all(view, "button.sort")[1].click();
  assert.deepEqual(sent(view), [{ sort: "-risk" }]);
  assert.equal(one(view, ".root").getAttribute("aria-busy"), "true");
  view.draw({ ...DATA, sort: "-risk", view: "2" }, 1);
  assert.equal(one(view, ".root").hasAttribute("aria-busy"), false);
});

test("columns are chosen, moved by keyboard and widened", () => {
  assert.deepEqual(moved(["a", "b", "c"], 0, 2), ["b", "c", "a"]);
  const view = mount(table).draw(DATA);
  one(view, ".columns").click();
  assert.equal(one(view, ".columns").textContent, "3 of 4 columns");
  const boxes = all(view, ".choice input");
  boxes[3].click();
  boxes[0].click();
  assert.deepEqual(sent(view), [
    { columns: ["time", "risk", "action", "kind"] },
    { columns: ["risk", "action", "kind"] },
  ]);
  one(view, "[aria-label='Move Action up']").click();
  assert.deepEqual(sent(view).at(-1), { columns: ["action", "risk", "kind"] });
  press(all(view, "button.sort")[1], "ArrowRight", { shiftKey: true });
  assert.deepEqual(sent(view).at(-1), { columns: ["time", "action", "risk"] });
  view.draw({ ...DATA, widths: { risk: 120 } }, 4);
  assert.equal(all(view, "col")[1].style.width, "120px");
  press(all(view, "button.sort")[1], "+");
  assert.equal(all(view, "col")[1].style.width, "136px");
  one(view, ".reset").click();
  assert.deepEqual(sent(view).at(-1), { reset: true });
});

test("a column that is added behind the others is scrolled into view", () => {
  const view = mount(table).draw(DATA);
  const box = one(view, ".scroll");
  Object.defineProperty(box, "scrollWidth", { value: 900 });
  view.draw({ ...DATA, columns: [KIND, ...COLUMNS] });
  assert.equal(box.scrollLeft, 0);
  view.draw(DATA);
  view.draw({ ...DATA, columns: [...COLUMNS, KIND] });
  assert.equal(box.scrollLeft, 900);
});

test("a column moves by drag, unless the browser takes the pointer over", () => {
  const view = mount(table).draw(DATA);
  const pointer = (node, type, clientX) =>
    node.dispatchEvent(
      new window.PointerEvent(type, { pointerId: 7, clientX, button: 0, bubbles: true }),
    );
  const drag = (end) => {
    pointer(all(view, "th")[2], "pointerdown", 0);
    pointer(window, "pointermove", -20);
    pointer(window, end, -20);
  };
  drag("pointercancel");
  assert.deepEqual(sent(view), []);
  assert.equal(all(view, "[data-drop]").length, 0);
  drag("pointerup");
  assert.deepEqual(sent(view), [{ columns: ["action", "time", "risk"] }]);
});

test("an answer to an earlier press does not undo a width that is being set", async () => {
  const view = mount(table).draw({ ...DATA, widths: { risk: 120 } });
  const risk = () => all(view, "col")[1].style.width;
  press(all(view, "button.sort")[1], "+");
  view.draw({ ...DATA, widths: { risk: 120 } });
  assert.equal(risk(), "136px");
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(sent(view).at(-1).widths.risk, 136);
  view.draw({ ...DATA, widths: { risk: 136 } }, 1);

  const pointer = (node, type, clientX) =>
    node.dispatchEvent(
      new window.PointerEvent(type, { pointerId: 7, clientX, button: 0, bubbles: true }),
    );
  pointer(all(view, "th .grip")[1], "pointerdown", 0);
  pointer(window, "pointermove", 40);
  view.draw({ ...DATA, widths: { risk: 136 } }, 1);
  assert.equal(risk(), "176px");
  pointer(window, "pointerup", 40);
  assert.equal(sent(view).at(-1).widths.risk, 176);
  view.draw({ ...DATA, widths: { risk: 99 } }, 2);
  assert.equal(risk(), "99px");
});

test("a reset is not undone by widths that were about to be sent", async () => {
  const view = mount(table).draw(DATA);
  press(all(view, "button.sort")[1], "+");
  one(view, ".reset").click();
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.deepEqual(sent(view), [{ reset: true }]);
});

test("the menu of a value filters for it and out", () => {
  const view = mount(table).draw(DATA);
  press(document.body, "j");
  press(document.activeElement, "f");
  assert.equal(document.activeElement.textContent, "Filter for “a r1”");
  press(document.activeElement, "ArrowDown");
  document.activeElement.click();
  assert.deepEqual(sent(view), [{ filter: "action", row: "r1", mode: "exclude" }]);
  press(document.activeElement, "ArrowLeft");
  press(document.activeElement, "f");
  assert.equal(document.activeElement.textContent, "Copy value");
  press(document.activeElement, "Escape");
  assert.equal(focused(view), 0);
});

test("the menu of a value closes when its cell moves, not at the report of an earlier scroll", () => {
  const view = mount(table).draw(DATA);
  press(document.body, "j");
  const box = one(view, ".scroll");
  const cell = document.activeElement.closest("td");
  press(document.activeElement, "f");
  box.dispatchEvent(new window.Event("scroll"));
  assert.equal(document.activeElement.textContent, "Filter for “a r1”");
  cell.getBoundingClientRect = () => ({ left: 0, top: -20, bottom: 0 });
  box.dispatchEvent(new window.Event("scroll"));
  assert.equal(one(view, ".cell-menu").hidden, true);
  assert.equal(focused(view), 0);
});

test("pages turn, and matches are marked in any case", () => {
  const view = mount(table).draw({ ...DATA, marks: ["A R1", ".*"] });
  assert.equal(one(view, "mark").textContent, "a r1");
  assert.equal(all(view, "mark").length, 1);
  assert.deepEqual(
    markedParts("İstanbul prod-PROD", ["prod"]).map((part) => part.marked),
    [false, true, false, true],
  );
  const [back, forward] = all(view, ".foot button");
  assert.equal(back.disabled, true);
  forward.click();
  assert.deepEqual(sent(view), [{ page: "forward" }]);
});

test("with a lead column, its cells and the main ones have places of their own", () => {
  const places = (view) => all(view, "tbody td").map((cell) => cell.getAttribute("data-place"));
  const view = mount(table).draw({ ...DATA, rows: rowsOf("r1"), lead: "risk" });
  assert.equal(one(view, ".table").classList.contains("stacked"), true);
  assert.deepEqual(places(view), [null, "lead", "main"]);
  view.draw({ ...DATA, rows: rowsOf("r1"), lead: "" });
  assert.equal(one(view, ".table").classList.contains("stacked"), false);
});
