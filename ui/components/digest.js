/** A digest: notices, then titled sections of figures and items; each line is one link. */

import { button, el, plain, setAddress, setAttr, setText, show, valueSpan } from "./dom.js";
import { component, linkRow, renderRows } from "./rows.js";

/** @typedef {{ text: string, path?: string, key?: string, value: string, change?: string, note?: string }} Line */
/** @typedef {{ key: string, title: string, note?: string, lines: Line[] }} Section */

export default component(
  (parent) => {
    const note = el("p", "second basis");
    const print = button("print", {}, "Print");
    print.addEventListener("click", () => window.print());
    const notices = el("div", "notices");
    const sections = el("div", "sections");
    parent.append(el("div", "root", {}, el("div", "top", {}, note, print), notices, sections));
    return { note, notices, sections };
  },
  (digest, /** @type {{ note: string, notices: Line[], sections: Section[] }} */ data) => {
    setText(digest.note, data.note);
    show(digest.notices, data.notices.length > 0);
    const numbered = data.notices.map((line, index) => ({ id: String(index), line }));
    renderRows(
      digest.notices,
      numbered,
      (row) => row.id,
      createNotice,
      (notice, row) => {
        setAddress(notice.node, row.line.path);
        setText(notice.text, row.line.text);
      },
    );
    renderRows(digest.sections, data.sections, (row) => row.key, createSection, updateSection);
  },
);

function createNotice() {
  const text = valueSpan("");
  const row = linkRow("notice", el("span", "glyph", { "aria-hidden": "true" }, "▲"), text);
  return Object.assign(row, { text });
}

function createSection() {
  const title = el("h2");
  const note = el("p", "second");
  const rows = el("div", "rows");
  return { node: el("section", "card", {}, title, note, rows), title, note, rows };
}

/** @param {ReturnType<typeof createSection>} section @param {Section} data */
function updateSection(section, data) {
  setText(section.title, data.title);
  setAttr(section.node, "aria-label", data.title);
  setAttr(section.node, "data-section", data.key);
  setText(section.note, data.note);
  show(section.note, Boolean(data.note));
  const numbered = data.lines.map((line, index) => ({ id: `${index} ${line.key || ""}`, line }));
  renderRows(
    section.rows,
    numbered,
    (row) => row.id,
    createLine,
    (row, { line }) => updateLine(row, line),
  );
}

function createLine() {
  const text = valueSpan("name");
  const note = valueSpan("second note");
  const change = el("span", "second change");
  const value = el("span", "value");
  const row = linkRow("row", el("span", "words", {}, text, note), change, value);
  return Object.assign(row, { text, note, change, value });
}

/** @param {ReturnType<typeof createLine>} row @param {Line} line */
function updateLine(row, line) {
  setAddress(row.node, line.path);
  setAttr(row.node, "data-figure", line.key || null);
  setAttr(row.node, "class", line.key ? `row figure${/:/.test(line.key) ? " part" : ""}` : "row");
  setAttr(row.node, "title", plain(line.note ? `${line.text}\n${line.note}` : line.text));
  setText(row.text, line.text);
  setText(row.note, line.note);
  show(row.note, Boolean(line.note));
  setText(row.change, line.change);
  setText(row.value, line.value);
}
