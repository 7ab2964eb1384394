import assert from "node:assert/strict";
import { mock, test } from "node:test";
import searchBox from "../../ui/components/search_box.js";
import { groupsOf, matchAt } from "../../ui/components/suggestions.js";
import { HOSTILE, mount, press } from "./mount.js";

const DATA = {
  text: "",
  query: "from=7d",
  max: 1000,
  problem: null,
  syntax: [["a b", "both"]],
  notice: null,
  answered: [0, ""],
};
const VALUE = { field: "target", value: HOSTILE[0], term: 'target:"x y"', count: 1234 };
const ANSWER = {
  before: "-",
  after: " rest",
  typed: "ta",
  fields: [{ name: "target", description: "what was changed", values: 215 }],
  values: [VALUE],
  recent: ["kind:delete"],
  question: null,
};

/** Mount the box with a server that answers in the order of `answers`, when they are released. */
function open(context) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  globalThis.fetch = (url, { signal }) =>
    new Promise((resolve, reject) => {
      asked.push({ url, answer: (body) => resolve({ ok: true, json: async () => body }) });
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  context.after(() => mock.timers.reset());
  const view = mount(searchBox).draw(DATA);
  const one = (selector) => view.parent.querySelector(selector);
  const input = one("input");
  const type = async (text) => {
    input.value = text;
    input.dispatchEvent(new window.Event("input", { bubbles: true }));
    mock.timers.tick(200);
    await settle();
  };
  return { view, asked, input, type, one, sent: () => view.sent.map(({ n, ...rest }) => rest) };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("the newest answer is drawn, and completes the text at the cursor", async (context) => {
  const { view, asked, input, type, one } = open(context);
  await type("t");
  await type("-ta rest");
  assert.deepEqual(asked[1].url, "/api/complete?from=7d&text=-ta+rest&cursor=8");
  asked[1].answer(ANSWER);
  asked[0].answer({ ...ANSWER, fields: [], values: [], recent: [] });
  await settle();
  const options = [...view.parent.querySelectorAll("[role=option]")];
  assert.equal(options.length, 3);
  assert.equal(options[1].textContent, `target:${HOSTILE[0]}1,234`);
  assert.equal(one("img"), null);
  assert.equal(input.getAttribute("aria-activedescendant"), "option-0");
  press(input, "ArrowDown");
  assert.equal(input.getAttribute("aria-activedescendant"), "option-1");
  press(input, "Tab");
  assert.equal(input.value, '-target:"x y" rest');
  assert.equal(view.sent.length, 0);
  press(input, "Escape");
  assert.equal(input.getAttribute("aria-expanded"), "false");
});

test("Enter searches for what is typed, or for the chosen recent search", async (context) => {
  const { asked, input, type, sent } = open(context);
  await type(" ta ");
  press(input, "Enter");
  await type("de");
  asked.at(-1).answer({ ...ANSWER, fields: [], values: [] });
  await settle();
  press(input, "ArrowDown");
  press(input, "Enter");
  assert.deepEqual(sent(), [{ search: "ta" }, { search: "kind:delete" }]);
});

test("typed text stays until it is searched for, whatever is drawn", async (context) => {
  const { view, input, type } = open(context);
  await type("dra");
  view.draw({ ...DATA, query: "from=30d" });
  assert.equal(input.value, "dra");
  view.draw({ ...DATA, text: "other" });
  assert.equal(input.value, "dra");
  view.draw({ ...DATA, text: "dra" });
  view.draw({ ...DATA, text: "" });
  assert.equal(input.value, "");
});

test("an error is shown in place, and its correction is searched for", (context) => {
  const { view, input, one, sent } = open(context);
  const problem = {
    before: "a ",
    wrong: "target_name",
    after: ":x",
    message: "Unknown field 'target_name'.",
    hint: "Did you mean target?",
    correction: "a target:x",
  };
  view.draw({ ...DATA, problem });
  assert.equal(input.value, "a target_name:x");
  assert.equal(input.getAttribute("aria-invalid"), "true");
  assert.equal(one(".wrong").textContent, "target_name");
  one(".correct").click();
  assert.deepEqual(sent(), [{ search: "a target:x" }]);
  assert.equal(one(".problem").hidden, true);
});

test("a question is offered as filters first, and its text leaves the box once answered", async (context) => {
  const { view, asked, input, type, one, sent } = open(context);
  await type("who deleted quickly");
  const part = { name: "Actor", excluded: true, label: HOSTILE[0] };
  const question = { parts: [part], not_understood: ["quickly"] };
  asked[0].answer({ ...ANSWER, fields: [], values: [], recent: [], question });
  await settle();
  const [first, second] = view.parent.querySelectorAll("[role=option]");
  assert.match(first.textContent, /^Show: Actor is not <img.*Not understood: 'quickly'$/);
  press(input, "Enter");
  assert.equal(input.value, "who deleted quickly");
  const notice = { question: "who deleted quickly", not_understood: ["quickly"], meant: "" };
  view.draw({ ...DATA, notice, answered: [1, "who deleted quickly"] });
  assert.equal(input.value, "");
  assert.match(one(".notice").textContent, /Not understood: 'quickly'/);
  await type("who deleted quickly");
  second.click();
  view.draw({ ...DATA, answered: [1, "who deleted quickly"] });
  assert.equal(input.value, "who deleted quickly");
  const both = [{ search: "who deleted quickly" }, { literal: "who deleted quickly" }];
  assert.deepEqual(sent(), both);
});

test("operators in lower case are pointed out, and searched for as operators", (context) => {
  const { view, input, one, sent } = open(context);
  const notice = { question: "", not_understood: [], meant: "a OR b" };
  view.draw({ ...DATA, text: "a or b", notice });
  assert.match(one(".notice").textContent, /in capitals.* Search for a OR b$/);
  one(".notice button").click();
  assert.equal(input.value, "a OR b");
  assert.deepEqual(sent(), [{ search: "a OR b" }]);
  view.draw({ ...DATA, text: "a OR b" });
  assert.ok(one(".notice").hidden);
});

test("matches begin a word, regardless of case and accents", () => {
  assert.deepEqual(matchAt("Store Café", "cafe"), [6, 10]);
  assert.deepEqual(matchAt("vista VIP", "VIP"), [6, 9]);
  assert.deepEqual(matchAt("Cafe\u0301s", "café"), [0, 5]);
  assert.deepEqual(matchAt("abc", ""), [0, 0]);
  assert.equal(groupsOf({ ...ANSWER, values: [] }).length, 2);
});
