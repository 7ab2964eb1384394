"""A short state in its color, beside a heading."""

import html

import streamlit as st

from ui import style
from ui.components.table import Tone

_STYLE = """
.trail-badge { padding: 2px 7px; border-radius: 6px; font-size: 12.5px; white-space: nowrap; }
.trail-badge.red { color: RED; background: color-mix(in srgb, RED 12%, PAGE); }
.trail-badge.amber { color: AMBER; background: color-mix(in srgb, AMBER 14%, PAGE); }
.trail-badge.green { color: GREEN; background: color-mix(in srgb, GREEN 12%, PAGE); }
.trail-badge.second { color: GREY; background: color-mix(in srgb, GREY 14%, PAGE); }
"""


def badge(words: str, tone: Tone) -> None:
    """Draw *words* in the color of *tone*."""
    st.html(
        f"<style>{style.themed(_STYLE)}</style>"
        f'<span class="trail-badge {tone}">{html.escape(words)}</span>',
        width="content",
    )
