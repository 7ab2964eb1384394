/** Separate what a forwarded record says of an event from the envelope that it was sent in. */

import { skipSpace, stringEnd, wordEnd } from "./json_text.js";

/**
 * Split a record at its only top-level "properties" object, by its text; null if it has none.
 *
 * @param {string} text
 * @returns {{ body: string, envelope: string } | null} the envelope has … in place of the body
 */
export function splitEnvelope(text) {
  let at = skipSpace(text, 0);
  if (text[at] !== "{") return null;
  /** @type {[number, number] | null} */
  let found = null;
  do {
    const key = skipSpace(text, at + 1);
    if (text[key] !== '"') return null;
    const keyEnd = stringEnd(text, key);
    const colon = skipSpace(text, keyEnd);
    if (text[colon] !== ":") return null;
    const start = skipSpace(text, colon + 1);
    const end = valueEnd(text, start);
    if (text.slice(key, keyEnd) === '"properties"') {
      if (found || text[start] !== "{") return null;
      found = [start, end];
    }
    at = skipSpace(text, end);
  } while (text[at] === ",");
  if (!found || text[at] !== "}" || skipSpace(text, at + 1) < text.length) return null;
  const [start, end] = found;
  return { body: text.slice(start, end), envelope: `${text.slice(0, start)}…${text.slice(end)}` };
}

/** @param {string} text @param {number} start @returns {number} the end of the JSON value */
function valueEnd(text, start) {
  let at = start;
  let depth = 0;
  do {
    const char = text.charAt(at);
    if (char === '"') {
      at = stringEnd(text, at);
    } else if ("{}[],:".includes(char) || char.trim() === "") {
      if (char === "{" || char === "[") depth += 1;
      if (char === "}" || char === "]") depth -= 1;
      at += 1;
    } else {
      at = wordEnd(text, at);
    }
  } while (depth > 0 && at < text.length);
  return at;
}
