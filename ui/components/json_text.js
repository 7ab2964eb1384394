// Raw JSON made readable: laid out line by line without parsing it into values, because parsing would
// round long numbers, drop repeated keys and hide what was really sent. Any text comes out whole.

const TOKEN_CUT = 160;

// Returns { lines, total, cut }: at most `maxLines` lines of [text, kind], at most `maxChars` drawn.
function layOut(text, maxLines, maxChars, tokenCut) {
  const out = { lines: [], total: 1, cut: false };
  let line = [];
  let left = maxChars;
  let ended = false;
  let depth = 0;
  const put = (start, end, kind) => {
    if (ended || out.total > maxLines || left <= 0) {
      out.cut = true;
      return;
    }
    const most = Math.min(left, tokenCut);
    const whole = end - start <= most;
    const drawn = visible(text.slice(start, whole ? end : start + most)) + (whole ? "" : "…");
    if (!whole) out.cut = true;
    left -= drawn.length;
    // Brackets in a row become one piece, or a hostile text would become 64,000 elements.
    const before = line.at(-1);
    if (before && before[1] === kind && kind === "") before[0] += drawn;
    else line.push([drawn, kind]);
  };
  const keep = () => {
    // Once a line is left out, none after it is drawn: what is shown is one piece from the top.
    const empty = line.every((piece) => piece[1] === "indent");
    ended = ended || out.total > maxLines || (left <= 0 && empty);
    if (!ended) out.lines.push(line);
  };
  const turn = () => {
    keep();
    out.total += 1;
    // Deep nesting stops to indent, or the spaces alone would be the text.
    line = depth > 0 ? [["  ".repeat(Math.min(depth, 30)), "indent"]] : [];
  };
  if (!/^\s*[[{]/.test(text.slice(0, 64))) {
    plainLines(text, put, turn);
  } else {
    scan(text, put, turn, (change) => (depth = Math.max(0, depth + change)));
  }
  keep();
  out.cut = out.cut || out.lines.length < out.total;
  return out;
}

function plainLines(text, put, turn) {
  let at = 0;
  for (;;) {
    const end = text.indexOf("\n", at);
    put(at, end < 0 ? text.length : end, "");
    if (end < 0) return;
    turn();
    at = end + 1;
  }
}

function scan(text, put, turn, deepen) {
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (isSpace(char)) {
      at += 1;
    } else if (char === "{" || char === "[") {
      const close = skip(text, at + 1);
      if (text[close] === (char === "{" ? "}" : "]")) {
        put(at, at + 1, "");
        put(close, close + 1, "");
        at = close + 1;
      } else {
        put(at, at + 1, "");
        deepen(1);
        turn();
        at += 1;
      }
    } else if (char === "}" || char === "]") {
      deepen(-1);
      turn();
      put(at, at + 1, "");
      at += 1;
    } else if (char === ",") {
      put(at, at + 1, "");
      turn();
      at += 1;
    } else if (char === ":") {
      put(at, at + 1, "colon");
      at += 1;
    } else {
      const end = char === '"' ? stringEnd(text, at) : wordEnd(text, at);
      const isKey = char === '"' && text[skip(text, end)] === ":";
      put(at, end, isKey ? "key" : char === '"' ? "string" : "word");
      at = end;
    }
  }
}

function isSpace(char) {
  return char === " " || char === "\n" || char === "\r" || char === "\t";
}

function skip(text, at) {
  let next = at;
  while (next < text.length && isSpace(text[next])) next += 1;
  return next;
}

function stringEnd(text, start) {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return Math.min(at + 1, text.length);
}

function wordEnd(text, start) {
  let at = start + 1;
  while (at < text.length && !isSpace(text[at]) && !'{}[],:"'.includes(text[at])) at += 1;
  return at;
}

// Unseen and order-turning characters are written as JSON writes them.
function visible(text) {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0")
  );
}

function drawLines(node, lines, ended) {
  const drawn = document.createDocumentFragment();
  lines.forEach((line, place) => {
    if (place) drawn.append("\n");
    for (const [text, kind] of line) {
      const span = el("span", kind);
      span.textContent = kind === "colon" ? ": " : text;
      drawn.append(span);
    }
  });
  if (!ended) drawn.append(" …");
  node.replaceChildren(drawn);
}
