import assert from "node:assert/strict";
import { after, mock, test } from "node:test";
import attention from "../../ui/components/attention.js";
import { bandPath, barPath, stepPath, valueScale } from "../../ui/components/chart_shapes.js";
import chips, { chipVerb } from "../../ui/components/chips.js";
import dayBars from "../../ui/components/day_bars.js";
import dayStrip, { cellLevel } from "../../ui/components/day_strip.js";
import digest from "../../ui/components/digest.js";
import { el, setAddress } from "../../ui/components/dom.js";
import eventPanel from "../../ui/components/event_panel.js";
import { showMoreLabel } from "../../ui/components/event_raw.js";
import facets, { matches } from "../../ui/components/facets.js";
import laneChart from "../../ui/components/lane_chart.js";
import rankedList from "../../ui/components/ranked_list.js";
import shortcuts from "../../ui/components/shortcuts.js";
import statusRows from "../../ui/components/status_rows.js";
import tiles from "../../ui/components/tiles.js";
import { drawTicks } from "../../ui/components/time_axis.js";
import timeChart from "../../ui/components/time_chart.js";
import weekGrid from "../../ui/components/week_grid.js";
import { HOSTILE, mount, press } from "./mount.js";

// A component that is no longer in the page stops its timers.
after(() => document.body.replaceChildren());

const withoutNumbers = (messages) => messages.map(({ n, ...message }) => message);
const all = (view, selector) => [...view.parent.querySelectorAll(selector)];
const one = (view, selector) => view.parent.querySelector(selector);

const ITEM = {
  ...{ id: "incident:i1", level: "high", urgency: "Now", what: HOSTILE[0], why: "why" },
  ...{ age: "since Thu 19 Nov 11:00", address: "/failures?incident=i1", action: "assign" },
  ...{ label: "Assign", assignee: "", assigneeName: "", until: "", mayHold: false, holdReason: "" },
};
const LIST = {
  ...{ rows: [ITEM], muted: [], count: "1", empty: "", me: "maya", firstDay: "2026-11-24" },
  users: [{ value: "maya", label: "Me" }],
  mutes: [{ value: "hour", label: "1 hour" }],
  mayTriage: true,
};

test("an item that needs attention names its urgency and links to its place", () => {
  const view = mount(attention).draw(LIST);
  assert.equal(one(view, ".urgency").textContent, "Now");
  assert.equal(one(view, ".what").textContent, HOSTILE[0]);
  assert.equal(one(view, "img"), null);
  assert.equal(one(view, "a.what").getAttribute("href"), "/failures?incident=i1");
  for (const address of [
    "https://example.com/",
    "//example.com/",
    "/\\example.com",
    "javascript:1",
  ]) {
    view.draw({ ...LIST, rows: [{ ...ITEM, address }] });
    assert.equal(one(view, "a.what").hasAttribute("href"), false);
  }
  view.draw({ ...LIST, rows: [], empty: "Nothing needs attention." });
  assert.equal(one(view, "p.empty").hidden, false);
});

test("an item is assigned, muted and held in its menu, and who may not has none", () => {
  const held = {
    ...ITEM,
    action: "hold",
    label: "Place hold",
    mayHold: true,
    holdReason: "expire",
  };
  const view = mount(attention).draw({ ...LIST, rows: [held] });
  const menu = one(view, ".panel");
  const opened = new window.CustomEvent("toggle");
  opened.newState = "open";
  menu.dispatchEvent(opened);
  const select = menu.querySelector("select");
  assert.deepEqual(
    [...select.options].map((option) => option.value),
    ["", "maya"],
  );
  select.value = "maya";
  select.dispatchEvent(new window.Event("change"));
  for (const label of ["1 hour", "Mute", "Place legal hold"]) {
    [...menu.querySelectorAll("button")].find((node) => node.textContent === label).click();
  }
  const id = ITEM.id;
  assert.deepEqual(withoutNumbers(view.sent), [
    { id, do: "assign", to: "maya" },
    { id, do: "mute", until: "hour" },
    { id, do: "mute", until: "2026-11-24" },
    { id, do: "hold", reason: "expire" },
  ]);
  const muted = { ...ITEM, until: "until Tue 24 Nov 09:00" };
  view.draw({ ...LIST, rows: [], muted: [muted] });
  one(view, ".muted .act").click();
  assert.deepEqual(withoutNumbers(view.sent).at(-1), { id, do: "mute", until: "" });
  view.draw({ ...LIST, mayTriage: false });
  assert.equal(one(view, ".tool").hidden, true);
  assert.equal(one(view, "button.act").hidden, true);
  // A row that stands for the others has no actions either.
  view.draw({ ...LIST, rows: [{ ...ITEM, id: "", action: "open" }] });
  assert.equal(one(view, ".tool").hidden, true);
});

test("only the items of the user are shown on request", () => {
  const other = { ...ITEM, id: "incident:i2", assignee: "maya", assigneeName: "Maya von Lind" };
  const view = mount(attention).draw({ ...LIST, rows: [ITEM, other] });
  assert.equal(all(view, ".owner")[1].textContent, "ML");
  assert.equal(one(view, ".mine").textContent, "Assigned to me, 1");
  one(view, ".mine").click();
  assert.deepEqual(
    all(view, "section > .rows > .row").map((row) => row.querySelector(".owner").textContent),
    ["ML"],
  );
  view.draw(LIST);
  assert.equal(all(view, "section > .rows > .row").length, 1);
});

test("a line of a digest is text with its number, and a link only with a path", () => {
  const figure = { text: "Changes", path: "/explore?q=a", key: "changes", value: "1,204" };
  const item = { text: HOSTILE[0], note: HOSTILE[0], path: "", value: "" };
  const sections = [{ key: "activity", title: "Changes", lines: [figure, item] }];
  const view = mount(digest).draw({ note: "n", notices: [], sections });
  const rows = all(view, ".row");
  assert.equal(one(view, "[data-figure=changes] .value").textContent, "1,204");
  assert.equal(rows[0].getAttribute("href"), "/explore?q=a");
  assert.equal(rows[1].hasAttribute("href"), false);
  assert.equal(rows[1].querySelector(".name").textContent, HOSTILE[0]);
  assert.equal(one(view, ".notices").hidden, true);
  assert.equal(one(view, "img"), null);
  view.draw({ note: "n", notices: [{ text: "No data", path: "/x", value: "" }], sections: [] });
  assert.equal(one(view, ".notice").textContent, "▲No data");
});

test("a row of states reads its word aloud, shows hostile reasons as text, and links inside", () => {
  const row = {
    id: "segment_api",
    address: "/admin?section=sources",
    mark: "▲",
    level: "high",
    state: "Failing",
    name: "Segment Public API",
    detail: HOSTILE[0],
    side: "Failing since Sun 23:15",
  };
  const data = { rows: [row], title: "Sources", link: "Sources", address: "" };
  const view = mount(statusRows).draw(data);
  assert.equal(one(view, "[role=img]").getAttribute("aria-label"), "Failing");
  assert.equal(one(view, ".detail").textContent, HOSTILE[0]);
  assert.equal(one(view, "img, script"), null);
  assert.equal(one(view, "a.row").getAttribute("href"), row.address);
  assert.equal(one(view, "a.link").hidden, true);
  view.draw({ ...data, rows: [{ ...row, level: "evil", detail: "", address: "//example.com" }] });
  assert.equal(one(view, ".mark").className, "mark low");
  assert.equal(one(view, ".detail").hidden, true);
  assert.equal(one(view, "a.row").hasAttribute("href"), false);
});

test("a chip switches, is removed, and all are cleared", () => {
  const values = [{ value: "u1", label: "Maya" }];
  const chip = { field: "actor", values, name: "Actor", excluded: true };
  const words = [{ value: "x", label: "x" }];
  const search = { field: "q", values: words, name: "Search", excluded: false };
  const view = mount(chips).draw({ chips: [chip, search] });
  assert.equal(one(view, ".flip").textContent, "Actor is not Maya");
  assert.equal(one(view, ".flip").title, "Actor is not Maya\nSwitch to include");
  assert.equal(one(view, ".cross").getAttribute("aria-label"), "Remove Actor is not Maya");
  assert.equal(all(view, ".flip")[1].disabled, true);
  for (const selector of [".flip", ".cross", ".clear"]) one(view, selector).click();
  const about = { field: "actor", values: ["u1"] };
  const expected = [
    { ...about, do: "flip", disabled: false },
    { ...about, do: "remove", disabled: false },
    { clear: true },
  ];
  assert.deepEqual(withoutNumbers(view.sent), expected);
  assert.equal(chipVerb({ field: "actor", excluded: false }), " is ");
  const only = { field: "changes", name: "Changes", values: [{ value: "yes", label: "only" }] };
  view.draw({ chips: [{ ...only, excluded: false }] }, 3);
  assert.equal(one(view, ".flip").textContent, "Changes only");
  view.draw({ chips: [] }, 3);
  assert.equal(one(view, ".clear").hidden, true);
});

test("a chip is switched off and on, and keeps the focus", () => {
  const maya = [{ value: "u1", label: "Maya" }];
  const chip = { field: "actor", values: maya, name: "Actor", excluded: false, disabled: false };
  const other = { ...chip, field: "category", name: "Category" };
  const view = mount(chips).draw({ chips: [chip, other] });
  assert.equal(one(view, ".eye").hidden, true);
  view.draw({ chips: [chip, other], canDisable: true });
  const eyes = () => all(view, ".eye").map((eye) => eye.getAttribute("aria-label"));
  assert.deepEqual(eyes(), ["Disable Actor is Maya", "Disable Category is Maya"]);
  one(view, ".eye").focus();
  one(view, ".eye").click();
  const about = { field: "actor", values: ["u1"] };
  assert.deepEqual(withoutNumbers(view.sent), [{ ...about, do: "disable", disabled: false }]);
  view.draw({ chips: [{ ...chip, disabled: true }, other], canDisable: true }, 1);
  assert.deepEqual(eyes(), ["Enable Actor is Maya", "Disable Category is Maya"]);
  assert.ok(one(view, ".chip").classList.contains("disabled"));
  assert.equal(view.parent.getRootNode().activeElement, one(view, ".eye"));
  one(view, ".eye").click();
  assert.deepEqual(withoutNumbers(view.sent), [{ ...about, do: "enable", disabled: true }]);
});

test("a chip of several values lists them", () => {
  const named = (label) => ({ value: label, label });
  const values = [...HOSTILE, "Warehouses"].map(named);
  const chip = { field: "category", name: "Category", values, excluded: false };
  const view = mount(chips).draw({ chips: [chip] });
  assert.match(one(view, ".flip").textContent, /^Category is <img src=x.* and 2 more$/);
  assert.match(one(view, ".flip").title, /^Category is <img src=x.*, Warehouses$/);
  const menu = one(view, ".menu");
  assert.equal(menu.hidden, true);
  one(view, ".flip").click();
  assert.equal(one(view, ".flip").getAttribute("aria-expanded"), "true");
  all(view, ".value").at(-1).click();
  view.draw({ chips: [{ ...chip, values: values.slice(0, 2) }] }, 1);
  assert.equal(menu.hidden, false);
  one(view, ".flip-all").click();
  assert.equal(menu.hidden, true);
  one(view, ".cross").click();
  const both = { field: "category", values: HOSTILE.slice(0, 2) };
  assert.deepEqual(withoutNumbers(view.sent), [
    { ...both, do: "flip", disabled: false },
    { ...both, do: "remove", disabled: false },
  ]);
  one(view, ".flip").click();
  press(one(view, ".flip-all"), "Escape");
  assert.equal(menu.hidden, true);
});

test("day bars share one scale, and days without any stay empty", () => {
  const bars = [0, 2, 4].map((count) => ({ label: `Mon: ${count}`, count }));
  const view = mount(dayBars).draw({ bars, label: "6 matches in 3 days" });
  const drawn = all(view, ".day-bar");
  assert.deepEqual(
    drawn.map((bar) => [bar.style.getPropertyValue("--share"), bar.classList.contains("filled")]),
    [
      ["0", false],
      ["0.5", true],
      ["1", true],
    ],
  );
  assert.equal(drawn[1].title, "Mon: 2");
  assert.equal(one(view, ".day-bars").getAttribute("aria-label"), "6 matches in 3 days");
});

test("a day strip shades its cells and names its rows", () => {
  const row = {
    id: "r",
    name: "Snowflake",
    label: "Run failed, 21 failed attempts",
    values: [0, 1, 5, 15],
  };
  const days = ["Mon", "Tue", "Wed", "Thu"].map((name) => ({ name, tick: "" }));
  const view = mount(dayStrip).draw({ rows: [row], days });
  assert.deepEqual(
    all(view, ".strip-cell").map((cell) => cell.dataset.level),
    ["0", "1", "2", "3"],
  );
  assert.deepEqual(
    all(view, ".strip-cell").map((cell) => cell.textContent),
    ["", "1", "5", "15"],
  );
  assert.equal(all(view, ".strip-cell")[1].title, "Tue: 1");
  assert.equal(one(view, ".unseen").textContent, "Run failed, 21 failed attempts");
  assert.equal(cellLevel(14), 2);
  // What failed on a day without data otherwise is known.
  view.draw({ rows: [row], days: days.map((day) => ({ ...day, unknown: true })) });
  assert.deepEqual(
    all(view, ".strip-cell").map((cell) => [cell.dataset.level, cell.title]),
    [
      ["nodata", "Mon: no data"],
      ["1", "Tue: 1"],
      ["2", "Wed: 5"],
      ["3", "Thu: 15"],
    ],
  );
});

test("a day strip with levels shows them, with its state and assignee", () => {
  const row = {
    id: "r",
    name: HOSTILE[0],
    label: "",
    values: [0, 2, 5, 0],
    levels: ["none", "some", "every", "nodata"],
    glyph: "▲",
    tone: "red",
    state: "Failing for 2 h",
    assignee: "Ana",
  };
  const days = ["Mon", "Tue", "Wed", "Thu"].map((name) => ({ name, tick: "" }));
  const view = mount(dayStrip).draw({ rows: [row], days });
  assert.deepEqual(
    all(view, ".strip-cell").map((cell) => [cell.dataset.level, cell.textContent, cell.title]),
    [
      ["none", "", "Mon: no failed attempt"],
      ["some", "", "Tue: 2 failed attempts, some attempts of a run failed"],
      ["every", "", "Wed: 5 failed attempts, a run failed on every attempt"],
      ["nodata", "", "Thu: no data"],
    ],
  );
  assert.equal(one(view, ".strip-state").textContent, "Failing for 2 h");
  assert.equal(one(view, ".strip-state").dataset.tone, "red");
  view.draw({ rows: [{ ...row, levels: undefined, state: undefined }], days });
  assert.equal(one(view, ".strip-state").hidden, true);
  assert.equal(all(view, ".strip-cell")[1].textContent, "2");
});

test("a tile without an address is not a link", () => {
  const tile = {
    address: "",
    name: "Integrity",
    value: "✓",
    delta: "",
    tone: "bad",
    note: "",
    trend: [1, 2],
  };
  const view = mount(tiles).draw({ tiles: [tile] });
  assert.equal(one(view, ".tile").hasAttribute("href"), false);
  assert.ok(one(view, "polyline").getAttribute("points"));
  assert.equal(one(view, ".badge").hidden, true);
  const more = { change: "+6 %", note: "vs a week earlier", badge: "2 new", hint: "100 to 106" };
  view.draw({ tiles: [{ ...tile, ...more, address: "/failures", unknown: true }] });
  assert.equal(one(view, ".tile").getAttribute("href"), "/failures");
  assert.equal(one(view, ".note").textContent, "+6 % vs a week earlier");
  assert.equal(one(view, ".badge").textContent, "2 new");
  assert.equal(one(view, ".tile").title, "100 to 106");
  assert.ok(one(view, ".tile").classList.contains("hatched"));
  view.draw({ tiles: [{ ...tile, change: "new", note: ", none a week earlier" }] });
  assert.equal(one(view, ".note").textContent, "new, none a week earlier");
});

test("a cell of the week with events reports its weekday and hour", () => {
  const cells = [
    { key: "Mon", id: "", text: "Mon" },
    { key: "0 1", id: "0 1", text: "Mon 01:00 to 02:00: 3 events", share: 50, empty: false },
    { key: "0 2", id: "0 2", text: "No complete hour", share: 0, unknown: true, empty: true },
  ];
  const view = mount(weekGrid).draw({ cells, label: "Events by weekday and hour" });
  const [cell, empty] = all(view, ".week-cell");
  cell.click();
  assert.deepEqual(withoutNumbers(view.sent), [{ id: "0 1" }]);
  assert.equal(empty.disabled, true);
  assert.equal(cell.getAttribute("aria-label"), cells[1].text);
  assert.deepEqual(
    [cell, empty].map((node) => node.classList.contains("unknown")),
    [false, true],
  );
});

const chartOf = (more) => ({
  label: "Events over time",
  height: 96,
  edges: [0, 3600, 7200, 10_800, 14_400],
  labels: ["Mon 10:00", "Mon 11:00", HOSTILE[0], "Mon 13:00"],
  series: [{ name: "Events", square: "", counts: [4, 0, 2, 1] }],
  ticks: [{ at: 0, text: "Mon 26" }],
  spans: [{ start: 1.5, end: 2, kind: "gap" }],
  ...more,
});

test("the outcomes of a bar are read, and each is drawn however small", () => {
  const series = [
    { name: "✓ Success", square: "", counts: [900, 1, 0, 2] },
    { name: "✕ Failure", square: "var(--red)", counts: [1, 0, 3, 0] },
  ];
  const legend = [{ kind: "failure", text: "Failure 4" }];
  const view = mount(timeChart).draw(chartOf({ series, legend }));
  const plot = one(view, "[role=slider]");
  press(plot, "Home");
  const text = "Mon 10:00: 901 events, ✓ Success 900, ✕ Failure 1";
  assert.equal(plot.getAttribute("aria-valuetext"), text);
  assert.match(all(view, ".bars path")[1].getAttribute("d"), /^M0\.08 \d+v-12h/);
  assert.ok(one(view, ".sign.failure"));
});

test("arrow keys read the bars of a chart, and Shift selects a range", () => {
  const view = mount(timeChart).draw(chartOf());
  const plot = one(view, "[role=slider]");
  assert.equal(plot.getAttribute("aria-valuetext"), "Mon 13:00: 1 events");
  press(plot, "Home");
  assert.equal(plot.getAttribute("aria-valuetext"), "Mon 10:00: 4 events");
  press(plot, "ArrowRight");
  press(plot, "ArrowRight", { shiftKey: true });
  assert.equal(plot.getAttribute("aria-valuenow"), "2");
  assert.equal(one(view, ".chart-tip .count").textContent, "2");
  assert.equal(one(view, "img"), null);
  press(plot, "Enter");
  assert.deepEqual(withoutNumbers(view.sent), [{ start: 3600, end: 10_800 }]);
  view.draw(chartOf({ edges: [0, 60, 120, 180, 240] }), 1);
  assert.equal(one(view, ".range").hidden, true);
});

test("a bar that is not over and time without data say so", () => {
  const text = "No data since Mon 26 Oct 13:00";
  const spans = [
    { start: 2, end: 3, kind: "running" },
    { start: 3, end: 4, kind: "gap", text },
  ];
  const view = mount(timeChart).draw(chartOf({ spans, notes: { 2: "so far", 3: HOSTILE[0] } }));
  const plot = one(view, "[role=slider]");
  assert.equal(plot.getAttribute("aria-valuetext"), `Mon 13:00: 1 events, ${HOSTILE[0]}`);
  assert.equal(one(view, ".chart-gap .span-text.left").textContent, text);
  assert.equal(one(view, ".chart-running").textContent, "");
  press(plot, "End");
  assert.equal(one(view, ".tip-note").textContent, HOSTILE[0]);
  press(plot, "Home");
  assert.equal(one(view, ".tip-note").hidden, true);
});

test("a drag selects bars, and a click selects none", () => {
  const view = mount(timeChart).draw(chartOf());
  const plot = one(view, ".plot");
  plot.getBoundingClientRect = () => ({ left: 100, width: 400 });
  const point = (type, clientX) =>
    plot.dispatchEvent(new window.MouseEvent(type, { clientX, button: 0, bubbles: true }));
  point("pointerdown", 250);
  point("pointerup", 252);
  assert.deepEqual(view.sent, []);
  point("pointerdown", 250);
  point("pointermove", 120);
  point("pointerup", 50);
  assert.deepEqual(withoutNumbers(view.sent), [{ start: 0, end: 7200 }]);
  view.draw(chartOf({ click: true }), 1);
  point("pointerdown", 250);
  point("pointerup", 250);
  assert.deepEqual(withoutNumbers(view.sent), [{ start: 3600, end: 7200 }]);
});

test("stacked bars start where the bars below end", () => {
  const base = [5, 0];
  assert.equal(barPath([5, 0], base, 10, 0, 0), "M0 500v-500h1v500z");
  assert.deepEqual(base, [10, 0]);
  assert.equal(barPath([1], [0], 10_000, 0, 12), "M0 1000v-12h1v12z");
  const squares = ["red", "#00ff00"].map((square) => ({ name: square, square, counts: [1, 1] }));
  const view = mount(timeChart).draw(chartOf({ series: squares, before: [1, null, 3, 4] }));
  assert.equal(all(view, "path[d^=M]").length, 3);
  const lines = one(view, ".before").getAttribute("d").match(/M\d/g);
  assert.deepEqual(lines, ["M0", "M2", "M3"]);
  assert.equal(all(view, ".chart-gap").length, 1);
  assert.equal(one(view, ".legend").hidden, true);
});

test("the expected range is a band with a line, in words and in the legend", () => {
  assert.equal(stepPath([1, 2, null, 4], 10), "M0 900H1V800H2M3 600H4");
  assert.equal(bandPath([1, null], [3, null], 10), "M0 900V700h1V900z");
  const expected = {
    low: [1, null, 2.5, 0],
    median: [2, null, 3, 1],
    high: [1200, null, 4, 2],
  };
  const legend = [{ kind: "expected", text: "Expected (last 6 weeks)" }];
  const view = mount(timeChart).draw(chartOf({ expected, legend, notes: { 3: "so far" } }));
  const plot = one(view, "[role=slider]");
  const usual = "expected 0 to 2, median 1";
  assert.equal(plot.getAttribute("aria-valuetext"), `Mon 13:00: 1 events, ${usual}, so far`);
  press(plot, "Home");
  const tip = "Expected 1 to 1,200, median 2";
  assert.equal(all(view, ".tip-note")[1].textContent, tip);
  press(plot, "ArrowRight");
  assert.equal(plot.getAttribute("aria-valuetext"), "Mon 11:00: 0 events");
  assert.equal(all(view, ".tip-note")[1].hidden, true);
  assert.equal(one(view, ".sign.expected").hidden, false);
  assert.equal(one(view, ".legend").textContent, "Expected (last 6 weeks)");
  // The scale has room for the whole band.
  assert.match(one(view, ".expected").getAttribute("d"), /^M0 999V38h1V999z/);
});

const laneOf = (value, points) => ({ value, label: value, points });
const lanesOf = (lanes) => {
  const { edges, labels, ticks, spans } = chartOf();
  return { label: "Events by lane", edges, labels, ticks, spans, lanes };
};

test("a lane draws one path per mark, and a click opens the events of a bar", () => {
  const lanes = [
    laneOf(HOSTILE[0], [
      [0, 5, 1, 0],
      [3, 0, 0, 2],
    ]),
    laneOf("b", []),
  ];
  const view = mount(laneChart).draw(lanesOf(lanes));
  const [events, failed, destructive] = all(view, "path").map((path) => path.getAttribute("d"));
  assert.equal(events.match(/M/g).length, 1);
  assert.ok(failed.startsWith("M"));
  assert.ok(destructive.endsWith("z"));
  assert.equal(one(view, "img"), null);
  const track = one(view, ".track");
  track.getBoundingClientRect = () => ({ left: 100, width: 400 });
  const point = (type, clientX) =>
    track.dispatchEvent(new window.MouseEvent(type, { clientX, bubbles: true }));
  point("pointermove", 150);
  assert.equal(one(view, ".chart-tip").hidden, false);
  assert.equal(one(view, ".chart-tip").lastChild.textContent, "5 events, 1 failed attempts");
  point("click", 260);
  assert.deepEqual(view.sent, []);
  point("click", 440);
  const expected = { value: HOSTILE[0], start: 10_800, end: 14_400 };
  assert.deepEqual(withoutNumbers(view.sent), [expected]);
});

test("arrow keys move among the marks of a lane and to the next lane", () => {
  const view = mount(laneChart).draw(
    lanesOf([
      laneOf("a", [
        [0, 1, 0, 0],
        [1, 2, 0, 0],
      ]),
      laneOf("b", [[1, 3, 0, 0]]),
    ]),
  );
  const [first, second] = all(view, ".track");
  assert.deepEqual([first.tabIndex, second.tabIndex], [0, -1]);
  first.focus();
  press(first, "ArrowLeft");
  press(first, "ArrowLeft");
  assert.equal(first.getAttribute("aria-valuetext"), "Mon 10:00: 1 events");
  press(first, "Enter");
  assert.deepEqual(withoutNumbers(view.sent), [{ value: "a", start: 0, end: 3600 }]);
  press(first, "ArrowDown");
  assert.equal(document.activeElement, second);
});

test("the axis of values has few, round and whole values", () => {
  assert.deepEqual(valueScale(0).ticks, [0]);
  assert.deepEqual(valueScale(1).ticks, [0, 1]);
  assert.deepEqual(valueScale(3).ticks, [0, 1, 2, 3]);
  assert.deepEqual(valueScale(1_100).ticks, [0, 500, 1_000]);
  assert.ok(valueScale(1_100).top >= 1_100);
});

test("list rows of each kind link to what they show", () => {
  const category = { name: "Source", square: "red" };
  const sentence = HOSTILE.map((text) => ({ text, strong: true }));
  const rows = {
    bars: { value: "u1", name: "Maya", count: 2, share: "20 %" },
    sentences: { event_id: "e1", time: "10:00", sentence, category },
    categories: { value: "Source", ...category, count: 2, delta: "0 %", trend: [1, 2] },
  };
  for (const [kind, row] of Object.entries(rows)) {
    const view = mount(rankedList).draw({
      kind,
      rows: [{ ...row, address: "/explore?from=7d" }],
      address: "/explore",
      title: "Title",
      note: "note",
      link: "Explore",
    });
    assert.equal(one(view, "a.row").getAttribute("href"), "/explore?from=7d");
    assert.equal(one(view, ".head a.link").getAttribute("href"), "/explore");
    assert.equal(one(view, ".side").textContent, "note · Explore");
    assert.equal(one(view, "img"), null);
  }
});

test("arrow keys move between list rows", () => {
  const rows = ["a", "b"].map((value) => ({
    value,
    name: value,
    count: 1,
    share: "",
    address: "/",
  }));
  const view = mount(rankedList).draw({ kind: "bars", rows });
  const [first, second] = all(view, ".row");
  first.focus();
  press(first, "ArrowDown");
  assert.equal(document.activeElement, second);
});

const value = (name, more) => ({ value: name, label: name, count: 3, state: "", ...more });
const group = (values, more) => ({
  field: "actor",
  title: "Actor",
  values,
  total_values: values.length,
  searchable: true,
  ...more,
});

test("a click includes a facet value or frees it; two clicks never exclude", () => {
  const view = mount(facets).draw({ groups: [group([value("a"), value("b")])] });
  const [row, other] = all(view, ".row");
  const about = { field: "actor", value: "a" };
  row.click();
  assert.equal(row.getAttribute("aria-checked"), "true");
  assert.equal(row.getAttribute("aria-label"), "a, 3 events, included");
  row.click();
  assert.equal(row.getAttribute("aria-checked"), "false");
  one(view, '[aria-label="Exclude a"]').click();
  assert.equal(row.getAttribute("aria-checked"), "mixed");
  other.click();
  one(view, '[aria-label="Only a"]').click();
  assert.deepEqual([row.dataset.state, other.dataset.state], ["include", ""]);
  one(view, '[aria-label="Clear Actor"]').click();
  assert.equal(row.dataset.state, "");
  assert.deepEqual(withoutNumbers(view.sent), [
    { ...about, state: "include" },
    { ...about, state: "" },
    { ...about, state: "exclude" },
    { field: "actor", value: "b", state: "include" },
    { ...about, state: "only" },
    { field: "actor", clear: true },
  ]);
});

test("facet values of one name show the end of their IDs", () => {
  const names = [
    value("src_aaaaa11111", { label: "Prod" }),
    value("src_bbbbb22222", { label: "Prod" }),
    value("src_c", { label: "Test" }),
  ];
  const view = mount(facets).draw({ groups: [group(names)] });
  const labels = all(view, ".row").map((row) => row.getAttribute("aria-label").split(",")[0]);
  assert.deepEqual(labels, ["Prod …1111", "Prod …2222", "Test"]);
  assert.deepEqual(
    all(view, ".row .name").map((name) => name.textContent),
    ["Prod…1111", "Prod…2222", "Test"],
  );
  view.draw({ groups: [group(names.slice(1))] });
  assert.equal(one(view, ".row .note").textContent, "");
});

test("one facet row is a tab stop; arrows move, - excludes and o is only", () => {
  const view = mount(facets).draw({
    groups: [group([value("a"), value("b"), value("c", { count: 0 })])],
  });
  const [first, second, empty] = all(view, ".row");
  assert.deepEqual([first.tabIndex, second.tabIndex], [0, -1]);
  first.focus();
  press(first, "ArrowDown");
  assert.equal(document.activeElement, second);
  assert.equal(one(view, '[aria-label="Only b"]').tabIndex, 0);
  press(second, "-");
  assert.equal(second.dataset.state, "exclude");
  press(first, "o");
  assert.deepEqual([first.dataset.state, second.dataset.state], ["include", ""]);
  assert.equal(empty.getAttribute("aria-disabled"), "true");
  empty.click();
  assert.equal(view.sent.length, 2);
});

test("a facet folds, and says when it is still to be counted", () => {
  const folded = { open: false, counted: false, total_values: 0 };
  const view = mount(facets).draw({ groups: [group([], folded)] });
  assert.equal(one(view, ".body").hidden, true);
  one(view, ".fold").click();
  assert.equal(one(view, ".body").hidden, false);
  assert.equal(one(view, ".body > .none-found").textContent, "Counting…");
  view.draw({ groups: [group([value("a", { state: "include" })], { open: false })] }, 1);
  assert.equal(one(view, ".chosen").textContent, "1 selected");
  assert.deepEqual(withoutNumbers(view.sent), [{ field: "actor", open: true }]);
});

test("facets without values are one line, except those that are in use or still uncounted", () => {
  const empty = (field, more) => group([], { field, title: field, ...more });
  const chosen = group([value("maya", { count: 0, state: "include" })]);
  const uncounted = empty("target", { open: false, counted: false });
  const only = { field: "changes", label: "Changes only", hint: "", value: value("yes") };
  const view = mount(facets);
  const shown = () => all(view, ".group").filter((node) => !node.hidden).length;
  const line = () => one(view, ".root > .none-found");
  const zero = group([value("yes", { count: 0 })]);
  view.draw({ groups: [empty("kind"), zero], switches: [only] });
  assert.equal(shown(), 0);
  assert.equal(line().textContent, "No values in this result");
  assert.equal(one(view, ".switch").hidden, false);
  view.draw({ groups: [chosen, empty("kind"), uncounted] });
  assert.equal(shown(), 2);
  assert.equal(line().textContent, "No values in this result: kind");
  view.draw({ groups: [chosen] });
  assert.equal(line().hidden, true);
});

test("changes only is one switch", () => {
  const only = { field: "changes", label: "Changes only", hint: "", value: value("yes") };
  const view = mount(facets).draw({ groups: [], switches: [only] });
  const node = one(view, ".switch");
  node.click();
  assert.equal(node.getAttribute("aria-checked"), "true");
  node.click();
  const about = { field: "changes", value: "yes" };
  assert.deepEqual(withoutNumbers(view.sent), [
    { ...about, state: "include" },
    { ...about, state: "" },
  ]);
});

test("a facet search filters at once and is sent after a pause", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const view = mount(facets).draw({ groups: [group([value("maya"), value("jon")])] });
  one(view, ".find").click();
  const search = one(view, ".search");
  search.value = "MAY";
  search.dispatchEvent(new window.Event("input"));
  assert.deepEqual(
    all(view, ".row").map((row) => row.title),
    ["maya"],
  );
  mock.timers.tick(250);
  assert.deepEqual(withoutNumbers(view.sent), [{ field: "actor", search: "MAY" }]);
  press(search, "Escape");
  assert.equal(search.hidden, true);
  mock.timers.reset();
  assert.equal(matches({ label: "Maya", value: "u1" }, "u1"), true);
});

test("more facet values are requested, and the first new one gets the focus", () => {
  const view = mount(facets).draw({ groups: [group([value("a")], { total_values: 3 })] });
  const more = one(view, ".after .link");
  assert.equal(more.textContent, "2 more");
  more.focus();
  more.click();
  assert.deepEqual(withoutNumbers(view.sent), [{ field: "actor", more: 101 }]);
  view.draw({ groups: [group([value("a"), value("b"), value("c")])] }, 1);
  assert.equal(document.activeElement, all(view, ".row")[1]);
});

const EVENT = {
  event_id: "e1",
  link: "/explore?event=e1",
  time: "now",
  raw: '{"a":[1,2,3,4,5,6,7,8,9]}',
  other_raw: '{"other":1}',
  risk: { level: "high", label: "High · risk 8" },
  category: { name: "Source", square: "red" },
  outcome: { state: "failure", label: "Failure" },
  sentence: [{ text: HOSTILE[0], strong: true }],
  fields: [{ label: "Actor", value: "Maya", field: "actor", filter_value: "u1" }],
  undo: {
    title: "How to undo this",
    lines: [{ label: "Check", points: ["x"] }],
    call: "GET /",
    note: "n",
  },
  around: "What followed",
  has_target: true,
  has_previous: false,
};
const COMPARED = {
  label: "Previous event",
  before: "Previous, Thu 8 Oct 02:00",
  after: "This event",
  href: "/explore?event=e0",
  event_id: "e0",
  summary: "1 of 2 fields changed",
  changed: [{ name: HOSTILE[0], before: null, after: HOSTILE[0] }],
  unchanged: [{ name: "role", before: "w", after: "w" }],
  unchanged_label: "1 unchanged field",
  note: "",
};
const MORE = {
  event_id: "e1",
  fields: [{ label: "Incident", value: "Snowflake", href: "javascript:alert(1)" }],
  around: {
    caption: "24 h",
    rows: [
      { failed: true, offset: "+23 min", title: "t", strength: "strong", note: "n", href: "/f" },
      {
        ...{ failed: false, offset: "+8 h", title: HOSTILE[0], strength: "", note: "", href: "/e" },
        event_id: "e3",
      },
    ],
    note: "",
    more: "2 more changes",
    href: "/explore?from=1d",
  },
  compare: [COMPARED, { ...COMPARED, label: "Previous Source Modified", event_id: "e00" }],
  related: {
    target: { total: 0, rows: [], href: "/explore" },
    actor: {
      total: 1,
      rows: [{ when: "+1 s", title: "l", detail: "t", event_id: "e2", href: "/explore?event=e2" }],
      href: "/explore",
    },
  },
  notes: {},
};

test("the event panel reports filters, steps, related events and its close", () => {
  const view = mount(eventPanel).draw({ event: EVENT, more: MORE });
  const [include, exclude] = all(view, ".field .tool");
  include.click();
  exclude.click();
  one(view, "[aria-label='Next event']").click();
  one(view, ".related [role=tab]:last-child").click();
  one(view, ".near").click();
  for (const link of all(view, ".related .bar-line .link")) link.click();
  press(document.body, "j");
  press(document.body, "k");
  press(document.body, "Escape");
  const filter = { field: "actor", value: "u1" };
  assert.deepEqual(withoutNumbers(view.sent), [
    { ...filter, mode: "include" },
    { ...filter, mode: "exclude" },
    { step: 1 },
    { open: "e2" },
    { failure: true },
    { related: "actor" },
    { step: 1 },
    { close: true },
  ]);
  assert.equal(one(view, "[aria-label='Previous event']").disabled, true);
  assert.equal(one(view, ".sentence").textContent, HOSTILE[0]);
  const sent = view.sent.length;
  view.draw({ event: null });
  assert.equal(one(view, ".card").hidden, true);
  press(document.body, "Escape");
  assert.equal(view.sent.length, sent);
});

test("a field is shown as a column of the table, or removed unless it is the last", () => {
  const fields = [
    { label: "Actor", value: HOSTILE[0], column: "actor" },
    { label: "Kind", value: "delete", column: "kind" },
    { label: "Also received", value: "now" },
  ];
  const event = { ...EVENT, fields };
  const view = mount(eventPanel).draw({ event, more: MORE, columns: ["risk", "actor"] });
  const tools = () => all(view, ".field").map((node) => node.querySelectorAll(".tool")[2]);
  const [actor, kind, received] = tools();
  assert.equal(actor.getAttribute("aria-label"), "Remove column Actor");
  assert.equal(kind.getAttribute("aria-label"), "Show Kind as column");
  assert.equal(received.hidden, true);
  actor.click();
  kind.click();
  assert.deepEqual(withoutNumbers(view.sent), [
    { column: "actor", show: false },
    { column: "kind", show: true },
  ]);
  view.draw({ event, more: MORE, columns: ["kind"] }, 2);
  assert.deepEqual([actor.disabled, kind.disabled], [false, true]);
  assert.equal(actor.getAttribute("aria-label"), "Show Actor as column");
});

test("sections are requested at rest, once, and a note says why one is missing", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const view = mount(eventPanel).draw({ event: EVENT });
  assert.equal(one(view, ".around .note").textContent, "Loading…");
  mock.timers.tick(100);
  view.draw({ event: { ...EVENT, event_id: "e2" } });
  mock.timers.tick(100);
  assert.deepEqual(view.sent, []);
  mock.timers.tick(50);
  assert.deepEqual(withoutNumbers(view.sent), [{ more: "e2" }]);
  view.draw({ event: { ...EVENT, event_id: "e2" }, more: MORE }, 1);
  assert.equal(one(view, ".around .note").textContent, "Loading…");
  const more = { ...MORE, event_id: "e2", around: undefined, notes: { around: "Not computed" } };
  view.draw({ event: { ...EVENT, event_id: "e2" }, more }, 1);
  assert.equal(one(view, ".around .note").textContent, "Not computed");
  view.draw({ event: { ...EVENT, event_id: "e2" } }, 1);
  assert.equal(one(view, ".related .note").textContent, "No other event.");
  mock.timers.tick(20_000);
  assert.equal(view.sent.length, 1);
  mock.timers.reset();
});

test("what followed names its evidence, and a click opens a change in the panel", () => {
  const view = mount(eventPanel).draw({ event: EVENT, more: MORE });
  const [failure, change] = all(view, ".around-row");
  assert.equal(failure.textContent, "▲+23 mintstrong evidence:n");
  assert.equal(failure.getAttribute("href"), "/f");
  assert.equal(change.querySelector(".wrap").textContent, HOSTILE[0]);
  view.parent.addEventListener("click", (event) => event.preventDefault());
  change.dispatchEvent(
    new window.MouseEvent("click", { ctrlKey: true, bubbles: true, cancelable: true }),
  );
  assert.deepEqual(view.sent, []);
  change.click();
  assert.deepEqual(withoutNumbers(view.sent), [{ open: "e3" }]);
  const incident = [...view.parent.querySelectorAll(".field a")].at(-1);
  assert.equal(incident.getAttribute("href"), null);
});

test("changed fields come first, unchanged ones are folded, another event can be chosen", () => {
  const view = mount(eventPanel).draw({ event: EVENT, more: MORE });
  const cells = () => all(view, ".compared tbody tr").map((row) => row.textContent);
  assert.deepEqual(cells(), [`${HOSTILE[0]}not recorded${HOSTILE[0]}`]);
  const line = one(view, ".compare .side");
  const toggle = line.querySelector(".link");
  assert.equal(line.textContent, "1 of 2 fields changedShow all");
  assert.equal(toggle.title, "1 unchanged field");
  toggle.click();
  assert.equal(cells().length, 2);
  assert.equal(toggle.textContent, "Show less");
  const [first, second] = all(view, ".compare [role=radio]");
  press(first, "ArrowRight");
  assert.equal(document.activeElement, second);
  one(view, ".compared thead .link").click();
  assert.deepEqual(withoutNumbers(view.sent), [{ open: "e00" }]);
});

test("a comparison without changes is one line until its fields are shown", () => {
  const same = { ...COMPARED, changed: [], summary: "0 of 1 field changed", note: "Two formats." };
  const view = mount(eventPanel).draw({ event: EVENT, more: { ...MORE, compare: [same] } });
  const [table, note] = [one(view, ".compared"), one(view, ".compare .note")];
  assert.equal(one(view, ".compare .side").textContent, "0 of 1 field changedShow all");
  assert.deepEqual([table.hidden, note.hidden], [true, true]);
  one(view, ".compare .side .link").click();
  assert.equal(all(view, ".compared tbody tr").length, 1);
  assert.deepEqual([table.hidden, note.hidden], [false, false]);
  view.draw({ event: { ...EVENT, event_id: "e2" } });
  assert.equal(one(view, ".compare .side").textContent.startsWith("Loading…"), true);
});

test("a sheet takes the focus when it opens, and the page hears when it closes with it", () => {
  const { matchMedia } = window;
  window.matchMedia = () => ({ matches: true });
  let left = 0;
  document.addEventListener("event-panel-left", () => (left += 1), { once: true });
  const view = mount(eventPanel).draw({ event: null });
  view.draw({ event: EVENT });
  const card = one(view, ".card");
  assert.equal(document.activeElement === card, true);
  view.draw({ event: null });
  assert.equal(card.hidden, true);
  assert.equal(left, 1);
  card.blur(); // as browsers do with what is hidden
  window.matchMedia = () => ({ matches: false });
  view.draw({ event: EVENT });
  assert.equal(document.activeElement === card, false);
  window.matchMedia = matchMedia;
});

test("the width that the panel covers is known to the results below it", () => {
  const view = mount(eventPanel);
  view.parent.className = "st-key-results";
  view.draw({ event: EVENT });
  assert.equal(view.parent.style.getPropertyValue("--covered"), "12px");
  assert.equal(view.parent.hasAttribute("data-covered"), true);
  view.draw({ event: null });
  assert.equal(view.parent.style.getPropertyValue("--covered"), "");
  assert.equal(view.parent.hasAttribute("data-covered"), false);
});

test("Escape closes the event panel from the table, which keeps that key to itself", () => {
  const view = mount(eventPanel).draw({ event: EVENT });
  const table = document.body.appendChild(document.createElement("div"));
  table.setAttribute("data-testid", "stDataFrame");
  const grid = table.appendChild(document.createElement("canvas"));
  const search = table.appendChild(document.createElement("input"));
  grid.addEventListener("keydown", (event) => event.stopPropagation());
  press(search, "Escape");
  assert.equal(view.sent.length, 0);
  press(grid, "Escape");
  assert.deepEqual(withoutNumbers(view.sent), [{ close: true }]);
  table.remove();
});

test("raw JSON unfolds, and the other record is shown on request", () => {
  const view = mount(eventPanel).draw({ event: EVENT });
  const [swap, wrapping, toggle] = all(view, ".raw .link");
  assert.equal(wrapping.hidden, true);
  assert.equal(one(view, ".raw h3").textContent, "Raw record, 13 lines");
  assert.equal(toggle.textContent, "Show all 13 lines");
  toggle.click();
  assert.equal(toggle.getAttribute("aria-expanded"), "true");
  swap.click();
  assert.match(one(view, ".raw pre").textContent, /"other": 1/);
  view.draw({ event: { ...EVENT, event_id: "e2", other_raw: "" } });
  assert.equal(swap.hidden, true);
  assert.equal(showMoreLabel(5000), "Show 200 of 5,000 lines");
});

test("the envelope of a record is folded, and shown with it on request", () => {
  const raw = '{"type":"track","properties":{"type":"X","a":{"properties":{}}},"b":[1]}';
  const view = mount(eventPanel).draw({ event: { ...EVENT, raw, other_raw: "" } });
  const lines = ", 6 lines, and 6 lines of envelope";
  assert.equal(one(view, ".raw h3").textContent, `Raw record${lines}`);
  assert.match(one(view, ".raw pre").textContent, /^\{\n {2}"type": "X"/);
  one(view, ".raw .link:nth-child(2)").click();
  assert.match(one(view, ".raw pre").textContent, /^\{\n {2}"type": "track"/);
});

test("arrow keys switch the tabs of related events", () => {
  const view = mount(eventPanel).draw({ event: EVENT });
  const [target, actor] = all(view, "[role=tab]");
  press(target, "ArrowRight");
  assert.equal(actor.getAttribute("aria-selected"), "true");
  assert.equal(document.activeElement, actor);
});

test("the undo section is folded until opened", () => {
  const view = mount(eventPanel).draw({ event: EVENT });
  const toggle = one(view, ".undo .link");
  assert.equal(toggle.getAttribute("aria-label"), "Show: How to undo this");
  toggle.click();
  assert.equal(one(view, ".undo .call").textContent.includes("GET /"), true);
  assert.equal(toggle.getAttribute("aria-expanded"), "true");
});

test("links lead to pages of this site only", () => {
  const link = el("a");
  setAddress(link, "/explore?event=e1");
  assert.equal(link.getAttribute("href"), "/explore?event=e1");
  for (const address of [
    "javascript:alert(1)",
    "//example.com",
    "/\\example.com",
    "x",
    "",
    undefined,
  ]) {
    setAddress(link, address);
    assert.equal(link.getAttribute("href"), null, address);
  }
});

test("the list of shortcuts opens by its key, but not while someone types", () => {
  const groups = [{ title: "Tables", shortcuts: [{ keys: ["j", "k"], does: "Next row" }] }];
  const view = mount(shortcuts).draw({ groups });
  const dialog = one(view, "dialog");
  const field = document.createElement("input");
  document.body.append(field);
  press(field, "?");
  assert.equal(dialog.open, false);
  press(document.body, "?");
  assert.equal(dialog.open, true);
  assert.deepEqual(
    all(view, "kbd").map((key) => key.textContent),
    ["j", "k"],
  );
  press(document.body, "?");
  assert.equal(dialog.open, false);
});

test("labels of an axis that would run into each other are left out", () => {
  const parent = el("div");
  const labels = ["Tue 13 Oct 2026", "Sat 24", "Wed 4 Nov 2026"];
  const ticks = labels.map((text, at) => ({ at: 10 * at, text }));
  mock.getter(window.HTMLElement.prototype, "offsetLeft", function () {
    return 4 * Number.parseFloat(this.style.left); // of 400 px
  });
  mock.getter(window.HTMLElement.prototype, "offsetWidth", function () {
    return 5 * this.textContent.length;
  });
  drawTicks(parent, ticks, 80);
  const shown = [...parent.children].filter((node) => node.style.visibility !== "hidden");
  assert.deepEqual(
    shown.map((node) => node.textContent),
    ["Tue 13 Oct 2026", "Wed 4 Nov 2026"],
  );
  mock.reset();
});
