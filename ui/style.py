"""The stylesheet and the theme's colors: what `.streamlit/config.toml` has no option for."""

import re
from pathlib import Path

import streamlit as st

_RULES = """
/* Components query its width, since the sidebar takes part of the window's. */
.stMainBlockContainer { padding: 52px 28px 28px; container-type: inline-size; }
.st-key-page-links, .st-key-color-scheme, .st-key-menu-counts { position: absolute; }
[data-testid=stHeader] { height: 48px; min-height: 48px; }
/* The numbers of `menu_counts.js`. */
[data-testid=stTopNavLink]::after, [data-testid=stSidebarNavLink]::after {
  margin-left: 6px; padding: 0 6px; border-radius: 9px; background: LINE; color: INK;
  font-size: 11.5px; line-height: 18px;
}
/* The menu of the user is at the right end. */
[data-testid=stTopNav] > :has(> [data-testid=stTopNavSection]) { margin-left: auto; }
[data-testid=stCaptionContainer] { color: GREY; opacity: 1; }
/* The word mark is text beside the square, so that no font clips it. */
:is([data-testid=stLogoLink], :has(> [data-testid=stHeaderLogo])) {
  display: flex; align-items: center; gap: 10px; white-space: nowrap;
}
:is([data-testid=stLogoLink], :has(> [data-testid=stHeaderLogo]))::after {
  content: "Audit Trail"; order: 1; font-size: 15px; font-weight: 600; color: INK;
}
:is([data-testid=stLogoLink], :has(> [data-testid=stHeaderLogo]))::before {
  content: NAME; order: 2; font-size: 15px; color: GREY; max-width: 160px; overflow: hidden;
  text-overflow: ellipsis;
}
/* The colors of highlighted code are too faint to read on its background. */
.stCode .token { color: INK !important; }
.st-key-title, .st-key-title-lead, .st-key-title-controls, .st-key-filter-bar, .st-key-filters {
  gap: 8px;
}
.st-key-title-lead, .st-key-filter-bar { min-height: 35px; }
.st-key-title > *, .st-key-title-controls > .st-key-time-range, .st-key-saved-views {
  flex: 0 1 auto; min-width: 0;
}
.st-key-title-controls:has(> .st-key-tz), .st-key-title-lead:has(> .st-key-saved-views) {
  flex-wrap: nowrap;
}
/* The search takes what is left beside the chips, or its whole row, above them, if these are many;
   the controls stay at the right of the search. */
.st-key-filter-bar { align-items: flex-start; flex-wrap: nowrap; }
.st-key-filter-bar, .st-key-filters { row-gap: 5px; }
.st-key-filter-bar > * { flex: none; }
.st-key-filter-bar > :has(> .st-key-filters) { flex: 1 1 0; min-width: 0; }
.st-key-filters > .st-key-search { flex: 1 1 280px; min-width: 240px; }
.st-key-filters > .st-key-active { flex: 1000 1 min-content; min-width: 0; max-width: 100%; }
/* Lower than the search box beside them. */
.st-key-filters > .st-key-active, .st-key-filter-bar > .st-key-new-events { margin-top: 3px; }
/* Alert rules: rows with hairlines, the one in the editor marked; names are not cut. */
[class*=st-key-rule-row-], [class*=st-key-rule-open-] {
  border-top: 1px solid LINE; padding: 8px 0 8px 8px;
}
[class*=st-key-rule-open-] {
  box-shadow: inset 3px 0 ACCENT; background: color-mix(in srgb, ACCENT 8%, transparent);
}
.st-key-rule-heads { padding-left: 8px; }
.st-key-rules .stText { font-weight: 600; overflow-wrap: anywhere; }
/* Its three dots say enough. */
[class*=st-key-rule-menu-] [data-testid=stPopoverButton] div[aria-hidden] { display: none; }
.st-key-back-test-rows .stText { font-size: 13px; overflow-wrap: anywhere; }
.st-key-message-preview { border-left: 3px solid LINE; padding-left: 12px; }
.st-key-message-preview .stText { font-weight: 600; overflow-wrap: anywhere; }
@container (min-width: 600px) {
  /* Streamlit would put them below each other in windows that are wide enough. */
  .st-key-rule-editor .stHorizontalBlock > .stColumn { min-width: 0; }
}
@container (max-width: 1100px) {
  /* If the editor does not fit beside the list, it comes first, and rows have two lines. */
  .stHorizontalBlock:has(> .stColumn .st-key-rule-editor) { flex-flow: column-reverse; }
  .stHorizontalBlock:has(> .stColumn .st-key-rule-editor) > .stColumn { width: 100%; }
  .st-key-rules > :has(> .st-key-rule-heads) { display: none; }
  .st-key-rules > :has(> .st-key-rule-heads) + * > * { border-top: 0; padding-top: 0; }
  :is([class*=st-key-rule-row-], [class*=st-key-rule-open-]) .stHorizontalBlock {
    flex-flow: row wrap; gap: 4px 16px;
  }
  :is([class*=st-key-rule-row-], [class*=st-key-rule-open-]) .stHorizontalBlock > .stColumn {
    flex: none; width: auto; min-width: 0;
  }
  :is([class*=st-key-rule-row-], [class*=st-key-rule-open-]) .stColumn:nth-child(2) {
    flex: 1 1 calc(100% - 60px) !important;
  }
  :is([class*=st-key-rule-row-], [class*=st-key-rule-open-]) .stColumn:nth-child(3) {
    flex: 0 0 112px !important; margin-left: 52px;
  }
  :is([class*=st-key-rule-row-], [class*=st-key-rule-open-]) .stColumn:nth-child(6) {
    margin-left: auto;
  }
}
/* Tab from a secret to its "Show" button would leave what was typed unsent; a form sends it. */
[data-testid=stTextInput]:not([data-testid=stForm] *) [aria-label="Show password"] {
  display: none;
}
.st-key-digest-cadence { flex: none; }
.st-key-digest-period { flex: 0 1 auto; min-width: 0; }
.st-key-caption { gap: 2px 16px; min-height: 18px; }
[data-testid=stSidebar][data-collapsed=false] {
  width: 275px !important; min-width: 275px !important;
}
/* What the arrows open: the facets and, on a phone, the menu. */
[data-testid=stExpandSidebarButton] { width: auto; gap: 4px; padding-inline: 6px; }
[data-testid=stExpandSidebarButton]::after {
  content: "Filters"; font-size: 13px; color: GREY; white-space: nowrap;
}
@media (max-width: 768px) {
  [data-testid=stExpandSidebarButton]::after { content: "Menu"; }
  body:has(.st-key-facet-drawer) [data-testid=stExpandSidebarButton]::after {
    content: "Menu and filters";
  }
}
[data-testid=stSidebarContent] { padding: 0 4px; }
[data-testid=stSidebarUserContent] { padding: 0 6px 24px; }
.trail-summary, .trail-window { color: GREY; font-size: 12.5px; white-space: nowrap; }
.trail-link { color: LINK; font-size: 12.5px; white-space: nowrap; text-decoration: none; }
.trail-link:hover { text-decoration: underline; }
.trail-summary b { color: INK; font-weight: 600; }
.st-key-demo-banner, .st-key-setup-banner {
  background: PANEL; border: 1px solid LINE; border-radius: 6px; padding: 4px 12px;
  min-height: 36px;
}
[class*=st-key-coverage-banner] {
  border: 1px solid LINE; border-left: 3px solid AMBER; border-radius: 6px; padding: 6px 12px;
  min-height: 36px; gap: 4px 16px; background: PANEL;
}
.st-key-coverage-banner-failing { border-left-color: RED; }
.st-key-coverage-banner-files { border-left-color: GREY; }
[class*=st-key-coverage-banner] :is(p, .stText *) { font-size: 13px; overflow-wrap: anywhere; }
[class*=st-key-coverage-banner] > :first-child { flex: 1 1 280px; min-width: 0; }
:is(.st-key-demo-banner, .st-key-setup-banner) :is(p, .stHtml) {
  font-size: 13px;
}
.trail-bars { display: flex; gap: 1px; align-items: flex-end; height: 34px; }
.trail-bars i { flex: 1; background: ACCENT; border-radius: 1px 1px 0 0; }
.trail-bars { border-bottom: 1px solid LINE; }
.st-key-setup-guide { gap: 4px 16px; }
.st-key-chart-head { gap: 4px 16px; margin-bottom: -14px; }
.st-key-chart-head > * { flex: 0 1 auto; }
.st-key-result-bar { gap: 4px 8px; }
.st-key-result-bar > * > .st-key-caption { min-height: 28px; }
.st-key-result-bar :is(a, button) { min-height: 28px; margin: 0; padding: 0 8px; }
.st-key-downloads { gap: 4px; }
/* What was announced and is over takes no place, so that the table stays where it is. */
:has(> .st-key-slow-read > :only-child .stEmpty) { display: none; }
:has(> .st-key-reading-place:empty) { display: none; }
.st-key-head { gap: 8px; min-height: 78px; }
@container (min-width: 961px) {
  .st-key-title:has(.st-key-saved-views) { flex-wrap: nowrap; }
}
@container (max-width: 960px) {
  .st-key-head { min-height: 121px; }
  /* The chips are in a row of their own, below the search and the controls. */
  .st-key-filter-bar { flex-wrap: wrap; }
  .st-key-filters, .st-key-filter-bar > :has(> .st-key-filters) { display: contents; }
  .st-key-filters > .st-key-active { order: 1; flex: 1 1 100%; }
  .st-key-result-bar :is(a, button) {
    min-width: 30px; justify-content: center; gap: 0; border: 1px solid LINE;
    border-radius: 6px;
  }
  .trail-hint > span { display: none; }
}
@container (max-width: 600px) {
  .st-key-title > :has(> .st-key-title-controls), .st-key-chart-head > * { flex: 1 1 100%; }
  .st-key-title-controls > .st-key-tz { flex: 1 1 72px; min-width: 72px; }
  .st-key-tz input { text-overflow: ellipsis; }
  .st-key-filters > .st-key-search { flex-basis: 160px; min-width: 160px; }
  .st-key-result-bar { justify-content: flex-end; flex-wrap: nowrap; }
  .st-key-result-bar > :first-child { margin-right: auto; }
  .trail-hint { display: none; }
}
/* Buttons without room show only their icons. */
@container (max-width: 960px) {
  .st-key-result-bar [data-testid=stMarkdownContainer] {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
}
@container (max-width: 600px) {
  :is(.st-key-title-controls, .st-key-filter-bar)
  :is(a, button):not(.st-key-digest-cadence *) [data-testid=stMarkdownContainer] {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
}
/* What is scrolled into view stays below the menu. */
[data-testid=stMain] { scroll-padding: 60px 0 12px; }
/*
 * The event panel lies over the right of the chart and the table, so that opening it moves nothing.
 * It reaches 12 px above the bottom of the window, also beside the end of the page.
 */
.st-key-results { position: relative; }
.st-key-events-area, .st-key-events-area :has(> .st-key-event),
.st-key-events-area :has(> * > .st-key-event) {
  position: static;
}
.st-key-event {
  position: absolute; inset: 0 0 -62px auto; width: clamp(440px, 44%, 560px); max-width: 100%;
  z-index: 5; pointer-events: none;
}
.st-key-event > * { position: sticky; top: 60px; pointer-events: auto; }
@media screen and (min-width: 1001px) {
  /* Beside the panel, the line above the chart keeps the window, the count and the downloads. */
  .st-key-results[data-covered] .st-key-chart-head {
    padding-right: var(--covered); flex-wrap: nowrap; min-height: 28px;
  }
  .st-key-results[data-covered] .st-key-chart-head > :first-child {
    flex: 0 1 auto; min-width: 0; overflow: hidden;
  }
  .st-key-results[data-covered] .st-key-chart-head > :first-child ~ * { flex: none; }
  .st-key-results[data-covered] :is(
    .trail-hint, .st-key-result-bar > :not(:first-child, :has(.st-key-downloads))
  ) {
    position: absolute; visibility: hidden;
  }
  @container (max-width: 960px) {
    .st-key-results[data-covered] .st-key-result-bar > :has(.st-key-downloads) {
      position: absolute; visibility: hidden;
    }
  }
}
/* While others are read, the rows before are not shown; their room stays, so that nothing moves. */
.st-key-results:has(.st-key-reading) :is(.st-key-events-table, .st-key-no-events) {
  visibility: hidden;
}
.st-key-reading .stHtml { color: GREY; font-size: 14px; }
.st-key-reading button { min-height: 0; color: LINK; }
.st-key-no-events [data-testid=stBaseButton-tertiary] {
  min-height: 30px; color: LINK; text-align: left;
}
@media (max-width: 1000px) {
  /* The facets are a drawer over the page. */
  [data-testid=stSidebar][data-collapsed=false] {
    position: fixed !important; inset: 0 auto 0 0; height: 100% !important;
    border-right: 1px solid LINE;
  }
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) { flex-wrap: wrap; }
  [data-testid=stColumn] { min-width: 100%; }
  .trail-window { white-space: normal; }
}
@media (max-width: 640px) {
  .stMainBlockContainer { padding-inline: 16px; }
}
@media (max-width: 700px) {
  /* The panel is a sheet over the page, below the menu. */
  .st-key-event { position: fixed; inset: 48px 0 auto; width: auto; }
}
@media print {
  .st-key-results { --covered: 0px !important; }
  .st-key-digest-period { display: none !important; }
  [data-testid=stHeader], [data-testid=stSidebar], .st-key-filter-bar, .st-key-event,
  [class*=st-key-] button, .stPageLink { display: none !important; }
  [data-testid=stAppViewContainer], [data-testid=stMain], .stApp, .st-key-results {
    position: static !important; overflow: visible !important; height: auto !important;
  }
  .stMainBlockContainer { padding: 0; }
}
"""
# The theme has no option for the text color of a primary button or of a chosen value; the dark
# accent needs dark text.
_DARK = """
[data-testid^="stBaseButton-primary"]:enabled, [data-testid^="stBaseLinkButton-primary"],
.stMultiSelect span[title] {
  color: #0F1318;
}
"""


_COLORS = {
    "GREY": "grayColor",
    "INK": "textColor",
    "PANEL": "secondaryBackgroundColor",
    "LINK": "linkColor",
    "ACCENT": "primaryColor",
    "PAGE": "backgroundColor",
    "LINE": "borderColor",
    "GREEN": "greenColor",
    "AMBER": "orangeColor",
    "RED": "redColor",
}


_watch = st.components.v2.component(
    "trail_color_scheme", js=Path(__file__).with_name("color_scheme.js").read_text(encoding="utf-8")
)


def mode() -> str:
    """Return the viewer's mode: `dark` or `light`."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme_color(option: str) -> str:
    """Return a color of the theme, such as `grayColor`, in the viewer's mode."""
    return str(st.get_option(f"theme.{mode()}.{option}"))


def themed(css: str) -> str:
    """Return *css* with the names of `_COLORS` replaced by the theme's colors."""
    return re.sub("|".join(_COLORS), lambda match: theme_color(_COLORS[match[0]]), css)


def apply(workspace: str) -> None:
    """Add the stylesheet to the page, in the colors of the viewer's mode, with a workspace's name.

    The name stands behind the word mark. A change of the mode runs the page again.
    """
    _watch(key="color-scheme", on_changed_change=lambda: None)
    rules = themed(_RULES).replace("NAME", _css_string(workspace))
    st.html(f"<style>{rules}{_DARK if mode() == 'dark' else ''}</style>")


def _css_string(text: str) -> str:
    """Return *text* as a string in CSS, with all that could end it escaped."""
    plain = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    return '"' + "".join(c if c.isalnum() else f"\\{ord(c):x} " for c in plain) + '"'
