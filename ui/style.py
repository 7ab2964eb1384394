"""The one short stylesheet: what the theme of `.streamlit/config.toml` cannot say."""

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
.st-key-chips { min-height: 30px; }
@media (max-width: 1000px) {
  .st-key-filter-bar .stTextInput { flex: 1 1 100%; }
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) { flex-wrap: wrap; }
  [data-testid=stColumn] { min-width: 100%; }
  .trail-window { white-space: normal; }
}
"""
# The theme has no colour for the text of a primary button, and the dark accent needs dark text.
_DARK = """
[data-testid^="stBaseButton-primary"]:enabled, [data-testid^="stBaseLinkButton-primary"] {
  color: #0F1318;
}
"""


def apply() -> None:
    """Put the rules on the page, in the colours of the viewer's mode."""
    mode = "dark" if st.context.theme.type == "dark" else "light"
    rules = _RULES
    for word, option in (
        ("GREY", "grayColor"),
        ("INK", "textColor"),
        ("PANEL", "secondaryBackgroundColor"),
        ("LINE", "borderColor"),
    ):
        rules = rules.replace(word, str(st.get_option(f"theme.{mode}.{option}")))
    st.html(f"<style>{rules}{_DARK if mode == 'dark' else ''}</style>")
