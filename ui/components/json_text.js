/**
 * Raw JSON laid out line by line.
 *
 * The text is never parsed into values: parsing would round long numbers, drop repeated keys and
 * hide what was sent. Any text comes out complete, valid JSON or not.
 */

import { el } from "./dom.js";

/** @typedef {"" | "indent" | "colon" | "key" | "string" | "word"} Kind */
/** @typedef {{ text: string, kind: Kind }} Piece */
/** @typedef {(start: number, end: number, kind: Kind) => void} Put */

/** Longest token, in characters, of the folded view. */
export const TOKEN_LIMIT = 160;
const MAX_INDENT = 30;

/**
 * Lay out a text in at most `maxLines` lines and about `maxChars` characters.
 *
 * @param {string} text
 * @param {number} maxLines
 * @param {number} maxChars
 * @param {number} tokenLimit longest token, in characters
 * @returns {{ lines: Piece[][], total: number, truncated: boolean }} `total` counts all lines
 */
export function layOut(text, maxLines, maxChars, tokenLimit) {
  /** @type {{ lines: Piece[][], total: number, truncated: boolean }} */
  const result = { lines: [], total: 1, truncated: false };
  /** @type {Piece[]} */
  let line = [];
  let left = maxChars;
  let ended = false;
  let depth = 0;
  /** @type {Put} */
  const put = (start, end, kind) => {
    if (ended || result.total > maxLines || left <= 0) {
      result.truncated = true;
      return;
    }
    const limit = Math.min(left, tokenLimit);
    const fits = end - start <= limit;
    const drawn =
      escapeInvisible(text.slice(start, fits ? end : start + limit)) + (fits ? "" : "…");
    if (!fits) result.truncated = true;
    left -= drawn.length;
    // Adjacent brackets become one piece: a hostile text could otherwise create 64,000 elements.
    const last = line.at(-1);
    if (last && last.kind === kind && kind === "") last.text += drawn;
    else line.push({ text: drawn, kind });
  };
  const endLine = () => {
    // After one omitted line all later ones are omitted: the result is one block from the top.
    const empty = line.every((piece) => piece.kind === "indent");
    ended = ended || result.total > maxLines || (left <= 0 && empty);
    if (!ended) result.lines.push(line);
  };
  const newLine = () => {
    endLine();
    result.total += 1;
    line = depth > 0 ? [{ text: "  ".repeat(Math.min(depth, MAX_INDENT)), kind: "indent" }] : [];
  };
  if (/^\s*[[{]/.test(text.slice(0, 64))) {
    scanJson(text, put, newLine, (change) => {
      depth = Math.max(0, depth + change);
    });
  } else {
    scanLines(text, put, newLine);
  }
  endLine();
  result.truncated = result.truncated || result.lines.length < result.total;
  return result;
}

/** @param {string} text @param {Put} put @param {() => void} newLine */
function scanLines(text, put, newLine) {
  let at = 0;
  for (;;) {
    const end = text.indexOf("\n", at);
    put(at, end < 0 ? text.length : end, "");
    if (end < 0) return;
    newLine();
    at = end + 1;
  }
}

/**
 * @param {string} text
 * @param {Put} put
 * @param {() => void} newLine
 * @param {(change: number) => void} indent
 */
function scanJson(text, put, newLine, indent) {
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (isSpace(char)) {
      at += 1;
    } else if (char === "{" || char === "[") {
      const close = skipSpace(text, at + 1);
      put(at, at + 1, "");
      if (text[close] === (char === "{" ? "}" : "]")) {
        put(close, close + 1, "");
        at = close + 1;
      } else {
        indent(1);
        newLine();
        at += 1;
      }
    } else if (char === "}" || char === "]") {
      indent(-1);
      newLine();
      put(at, at + 1, "");
      at += 1;
    } else if (char === ",") {
      put(at, at + 1, "");
      newLine();
      at += 1;
    } else if (char === ":") {
      put(at, at + 1, "colon");
      at += 1;
    } else {
      const end = char === '"' ? stringEnd(text, at) : wordEnd(text, at);
      const isKey = char === '"' && text[skipSpace(text, end)] === ":";
      put(at, end, isKey ? "key" : char === '"' ? "string" : "word");
      at = end;
    }
  }
}

/** @param {string} char */
function isSpace(char) {
  return char === " " || char === "\n" || char === "\r" || char === "\t";
}

/** @param {string} text @param {number} at */
export function skipSpace(text, at) {
  let next = at;
  while (next < text.length && isSpace(text.charAt(next))) next += 1;
  return next;
}

/** @param {string} text @param {number} start */
export function stringEnd(text, start) {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** @param {string} text @param {number} start */
export function wordEnd(text, start) {
  let at = start + 1;
  while (at < text.length && !isSpace(text.charAt(at)) && !'{}[],:"'.includes(text.charAt(at)))
    at += 1;
  return at;
}

/**
 * Escape invisible and bidirectional characters the way JSON does.
 *
 * @param {string} text
 */
export function escapeInvisible(text) {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @param {Element} node @param {Piece[][]} lines @param {boolean} complete */
export function drawLines(node, lines, complete) {
  const fragment = document.createDocumentFragment();
  lines.forEach((line, index) => {
    if (index) fragment.append("\n");
    for (const { text, kind } of line)
      fragment.append(el("span", kind, {}, kind === "colon" ? ": " : text));
  });
  if (!complete) fragment.append(" …");
  node.replaceChildren(fragment);
}
