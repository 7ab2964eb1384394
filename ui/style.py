"""The stylesheet and the theme's colors: what `.streamlit/config.toml` has no option for."""

import re

import streamlit as st

_RULES = """
.stMainBlockContainer { padding: 4.4rem 28px 28px; }
[data-testid=stSidebar] { width: 275px !important; min-width: 275px !important; }
[data-testid=stSidebarContent] { padding: 0 4px; }
[data-testid=stSidebarUserContent] { padding: 0 6px 24px; }
.trail-summary, .trail-window { color: GREY; font-size: 12.5px; white-space: nowrap; }
.trail-summary b { color: INK; font-weight: 600; }
.st-key-demo-banner, .st-key-archive-banner {
  background: PANEL; border: 1px solid LINE; border-radius: 6px; padding: 4px 12px;
  min-height: 36px;
}
.st-key-demo-banner p, .st-key-demo-banner .stHtml, .st-key-archive-banner * { font-size: 13px; }
.st-key-chart-head { margin-bottom: -14px; }
.st-key-filter-bar { align-items: flex-start; }
.st-key-chips { min-height: 30px; }
.st-key-head { min-height: 118px; }
/* The event panel lies over the right of the table, so that opening it moves nothing. */
.st-key-events-area { position: relative; }
.st-key-events-area :has(> .st-key-event), .st-key-events-area :has(> * > .st-key-event) {
  position: static;
}
.st-key-event {
  position: absolute; inset: 0 0 0 auto; width: clamp(400px, 44%, 560px); max-width: 100%;
  z-index: 5; pointer-events: none;
}
.st-key-event > * { position: sticky; top: 66px; pointer-events: auto; }
.st-key-no-events [data-testid=stBaseButton-tertiary] {
  min-height: 30px; color: LINK; text-align: left;
}
@media (max-width: 1000px) {
  .st-key-search { flex: 1 1 100%; }
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) { flex-wrap: wrap; }
  [data-testid=stColumn] { min-width: 100%; }
  .trail-window { white-space: normal; }
}
"""
# The theme has no option for the text color of a primary button; the dark accent needs dark text.
_DARK = """
[data-testid^="stBaseButton-primary"]:enabled, [data-testid^="stBaseLinkButton-primary"] {
  color: #0F1318;
}
"""


_COLORS = {
    "GREY": "grayColor",
    "INK": "textColor",
    "PANEL": "secondaryBackgroundColor",
    "LINK": "linkColor",
    "PAGE": "backgroundColor",
    "LINE": "borderColor",
    "GREEN": "greenColor",
    "AMBER": "orangeColor",
}


def mode() -> str:
    """Return the viewer's mode: `dark` or `light`."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme_color(option: str) -> str:
    """Return a color of the theme, such as `grayColor`, in the viewer's mode."""
    return str(st.get_option(f"theme.{mode()}.{option}"))


def themed(css: str) -> str:
    """Return *css* with the names of `_COLORS` replaced by the theme's colors."""
    return re.sub("|".join(_COLORS), lambda match: theme_color(_COLORS[match[0]]), css)


def apply() -> None:
    """Add the stylesheet to the page, in the colors of the viewer's mode."""
    st.html(f"<style>{themed(_RULES)}{_DARK if mode() == 'dark' else ''}</style>")
