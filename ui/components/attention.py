"""The list of items that need attention: a glyph, what it is, why, and its age.

A component because the lines contain names from events, which must not be read as Markdown.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

from ui.components import messages


class AttentionItem(TypedDict):
    """One item; `id` is reported when its row is clicked."""

    id: str
    level: Literal["high", "medium", "low"]
    what: str
    why: str
    age: str


_list = messages.component("trail_attention", "attention")


def attention_list(
    rows: Sequence[AttentionItem], key: str, on_click: Callable[[str], None] | None = None
) -> None:
    """Draw the list, most urgent first; *on_click* gets the id of a clicked row."""
    messages.draw_clickable(_list, key, {"rows": list(rows)}, on_click)
