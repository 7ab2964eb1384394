/**
 * Show a number beside entries of the menu: how many of what their page lists are open.
 *
 * Rules in a style sheet, because Streamlit draws the menu again whenever it likes.
 */

/** @typedef {{ path: string, number: string, meaning: string }} Count */

const LINKS = "[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]";
/** @type {CSSStyleSheet | undefined} */
let sheet;
let drawn = "";

/** @param {{ data: { counts: Count[] } }} run */
export default function ({ data }) {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }
  const rules = data.counts.map(rule).join("\n");
  if (rules === drawn) return; // else the browser matches all elements of the page again
  drawn = rules;
  sheet.replaceSync(rules);
}

/** @param {Count} count */
function rule({ path, number, meaning }) {
  const address = `[href$="/${path}"], [href*="/${path}?"]`;
  // Behind the slash is what a screen reader says.
  return `:is(${LINKS}):is(${address})::after { content: "${number}" / " ${meaning}"; }`;
}
