"""The Overview's "Needs you" list: a glyph, one line of what, one of why, and the way there.

A component because the lines carry names from events, which no Markdown may read.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

import streamlit as st

from ui.components import bridge


class Need(TypedDict):
    """One thing to look at; `go` comes back when its button is pressed."""

    go: str
    level: Literal["high", "medium", "low"]
    what: str
    why: str
    age: str


_needs = st.components.v2.component(
    "trail_needs", css=bridge.style("attention.css"), js=bridge.script("attention.js")
)


def needs(rows: Sequence[Need], key: str, on_act: Callable[[], None] | None = None) -> None:
    """Draw the list, most urgent first; `bridge.ways(key)` tells `on_act` which one was pressed."""
    _needs(
        key=key,
        data={"rows": list(rows), "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, bridge.check_way, on_act),
    )
    bridge.settle(key)
