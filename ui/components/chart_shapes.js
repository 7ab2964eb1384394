/** The shapes of bars and of the expected range, and the values of their axis. */

/** @typedef {(number | null)[]} Values */

// The drawing is one unit wide per bar and this many units high; SVG scales it to the page.
export const HEIGHT = 1000;

/**
 * Return the path of one series of bars, and add its counts to `base`.
 *
 * @param {readonly number[]} counts
 * @param {number[]} base the counts below
 * @param {number} top the value at the top of the chart
 * @param {number} gap at each side of a bar
 * @param {number} least the height of the smallest bar
 */
export function barPath(counts, base, top, gap, least) {
  let path = "";
  counts.forEach((count, index) => {
    if (!count) return;
    const low = base[index] || 0;
    base[index] = low + count;
    // Both edges are rounded, so that no gap shows the page between two parts of a stack.
    const bottom = Math.round(HEIGHT - (HEIGHT * low) / top);
    const height = Math.max(bottom - Math.round(HEIGHT - (HEIGHT * (low + count)) / top), least);
    const width = Number((1 - 2 * gap).toFixed(2));
    path += `M${index + gap} ${bottom}v-${height}h${width}v${height}z`;
  });
  return path;
}

/**
 * Return a level line over each bar, none over a bar that is null.
 *
 * @param {readonly (number | null)[]} counts
 * @param {number} top the value at the top of the chart
 */
export function levels(counts, top) {
  const level = (/** @type {number} */ count) => Math.round(HEIGHT - (HEIGHT * count) / top);
  return counts.map((count, at) => (count === null ? "" : `M${at} ${level(count)}h1`)).join("");
}

/**
 * Return the line of *values* in steps, with a break where one is unknown.
 *
 * @param {Readonly<Values>} values
 * @param {number} top
 */
export function stepPath(values, top) {
  let path = "";
  values.forEach((value, at) => {
    if (value === null) return;
    const joined = at > 0 && values[at - 1] !== null;
    path += `${joined ? "V" : `M${at} `}${level(value, top)}H${at + 1}`;
  });
  return path;
}

/**
 * Return the area from `low` to `high` of each bar, none where they are unknown.
 *
 * @param {Readonly<Values>} low
 * @param {Readonly<Values>} high
 * @param {number} top
 */
export function bandPath(low, high, top) {
  let path = "";
  low.forEach((least, at) => {
    const most = high[at] ?? null;
    if (least === null || most === null) return;
    path += `M${at} ${level(least, top)}V${level(most, top)}h1V${level(least, top)}z`;
  });
  return path;
}

/** @param {number} value @param {number} top */
function level(value, top) {
  return Math.round(HEIGHT - (HEIGHT * value) / top);
}

/**
 * Return the labelled values of the axis, whole and round, and the value at its top.
 *
 * @param {number} most
 */
export function valueScale(most) {
  const wanted = Math.max(most, 2) / 2;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = Math.max(1, ([5, 2, 1].find((size) => size * power <= wanted) || 1) * power);
  const ticks = [];
  for (let value = 0; value <= most || value === 0; value += step) ticks.push(value);
  return { ticks, top: Math.max(most * 1.04, step) };
}
