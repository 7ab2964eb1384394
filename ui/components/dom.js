/**
 * DOM helpers shared by all components.
 *
 * Values from events are hostile text: they are set only as text, or on title and aria attributes.
 */

/** @typedef {{ text: string, strong: boolean }} Part A piece of a sentence; names are strong. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element with attributes and children; strings become text nodes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function el(tag, className, attributes, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/**
 * Create a button that submits no form.
 *
 * @param {string} className
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function button(className, attributes, ...children) {
  return el("button", className, { type: "button", ...attributes }, ...children);
}

/**
 * Create a span for a value of an event, isolated from the text direction around it.
 *
 * @param {string} className
 */
export function valueSpan(className) {
  return el("span", className, { dir: "auto" });
}

/**
 * Create an SVG element that screen readers skip.
 *
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {Node[]} children
 */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/**
 * Create a 16 × 16 line icon from constant paths.
 *
 * @param {string[]} paths
 */
export function icon(...paths) {
  const lines = paths.map((d) => svg("path", { d }));
  return svg("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, ...lines);
}

/**
 * Create a square button that shows an icon.
 *
 * @param {string} label empty where the label is set later
 * @param {string[]} paths
 */
export function iconButton(label, ...paths) {
  return button("tool", label ? { "aria-label": label, title: label } : {}, icon(...paths));
}

/**
 * Return text on one line, with control and bidirectional characters replaced by U+FFFD.
 *
 * @param {unknown} text
 */
export function plain(text) {
  return String(text ?? "")
    .replace(/[\t\n\v\f\r\u2028\u2029]+/g, " ")
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

// The setters below touch the DOM only where a value changed, to keep focus, scroll and selection.

/** @param {Element} node @param {unknown} text */
export function setText(node, text) {
  const next = plain(text);
  if (node.textContent !== next) node.textContent = next;
}

/** @param {Element} node @param {string} name @param {string | number | null | undefined} value */
export function setAttr(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/**
 * Point a link to a page of this site; without an address, or with another one, it leads nowhere.
 *
 * @param {HTMLAnchorElement} node
 * @param {string | undefined} address such as `/explore?from=7d`
 */
export function setAddress(node, address) {
  setAttr(node, "href", address && /^\/(?![/\\])/.test(address) ? address : null);
}

/** @param {HTMLButtonElement} node @param {boolean} disabled */
export function setDisabled(node, disabled) {
  if (node.disabled !== disabled) node.disabled = disabled;
}

/** @param {HTMLElement} node @param {boolean} visible */
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/**
 * Format a count with thousands separators.
 *
 * @param {number | undefined} value
 */
export function formatNumber(value) {
  return Number(value || 0).toLocaleString("en-US");
}

/**
 * Return the CSS width of a bar; a count above zero is at least one pixel wide.
 *
 * @param {number} count
 * @param {number} most the count of a full bar
 */
export function barWidth(count, most) {
  return count ? `max(1px, ${((100 * count) / most).toFixed(1)}%)` : "0";
}

/** @type {string[]} */
let readColors = [];

/**
 * Return the theme's colors of categories.
 *
 * They are read once for all that is drawn together: each reading makes the browser compute the
 * styles of what was drawn before it.
 *
 * @param {Element} node
 */
function chartColors(node) {
  if (!readColors.length) {
    readColors = getComputedStyle(node)
      .getPropertyValue("--st-chart-categorical-colors")
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    queueMicrotask(() => (readColors = []));
  }
  return readColors;
}

/**
 * Set a color property from a CSS color or the index of a categorical color of the theme.
 *
 * @param {HTMLElement | SVGElement} node
 * @param {string} property
 * @param {string | undefined} color
 */
export function setColor(node, property, color) {
  let value = String(color ?? "");
  if (/^\d+$/.test(value)) {
    const colors = chartColors(node);
    value = colors[Math.min(Number(value), colors.length - 1)] || "";
  }
  node.style.setProperty(property, "");
  if (CSS.supports("color", value)) node.style.setProperty(property, value);
}

/**
 * Return the points of a polyline through values, scaled to their own range.
 *
 * @param {readonly unknown[] | undefined} trend
 * @param {number} width in px
 * @param {number} height in px
 * @param {number} margin above and below, in px
 */
export function sparkline(trend, width, height, margin) {
  const values = (trend || []).map(Number).filter(Number.isFinite);
  if (values.length < 2) return "";
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = (width - 2) / (values.length - 1);
  return values
    .map((value, index) => {
      const y = height - margin - ((value - low) / span) * (height - 2 * margin);
      return `${(1 + index * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

/** @param {string} text @returns {Promise<boolean>} whether the browser copied it */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP there is no clipboard object, and a browser may refuse access.
    const area = el("textarea", "trail-copy");
    area.value = text;
    area.style.cssText = "position:fixed;opacity:0;pointer-events:none";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

/**
 * Create a button that copies text and shows the result for two seconds.
 *
 * @param {string} className
 * @param {string} label
 * @param {() => string} textOf
 * @param {Node[]} icons
 */
export function copyButton(className, label, textOf, ...icons) {
  const status = el("span", "", { role: "status" }, label);
  // The status inside does not name the button; its title does.
  const node = button(className, { title: label }, ...icons, status);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  node.addEventListener("click", async () => {
    const copied = await copyText(textOf());
    node.focus({ preventScroll: true });
    setText(status, copied ? "Copied" : "Not copied");
    clearTimeout(timer);
    timer = setTimeout(() => setText(status, label), 2000);
  });
  return node;
}

/**
 * Create a square button that copies text and shows a check mark for two seconds.
 *
 * @param {() => string} textOf
 * @param {string} [label] empty where the label is set later
 * @param {string[]} paths of its icon
 */
export function copyIcon(textOf, label, ...paths) {
  const shapes = paths.length ? paths : ["M6 6h7v7H6z", "M3 10V3h7"];
  const node = iconButton(label || "", ...shapes);
  const status = el("span", "unseen", { role: "status" });
  node.append(status);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const mark = (/** @type {boolean | null} */ copied) => {
    setText(status, copied === null ? "" : copied ? "Copied" : "Not copied");
    const drawn = copied ? ["M3 8.5l3.5 3.5L13 4.5"] : copied === false ? ["M4 4l8 8"] : shapes;
    node.firstElementChild?.replaceWith(icon(...drawn));
  };
  node.addEventListener("click", async () => {
    mark(await copyText(textOf()));
    node.focus({ preventScroll: true });
    clearTimeout(timer);
    timer = setTimeout(() => mark(null), 2000);
  });
  return node;
}
