"""The list of items that need attention: a glyph, what it is, why, and its age.

A component because the lines contain names from events, which must not be read as Markdown.
"""

from collections.abc import Sequence
from typing import Literal, TypedDict

from ui.components import messages


class AttentionItem(TypedDict):
    """One item; its row is a link to `address`."""

    id: str
    address: str
    level: Literal["high", "medium", "low"]
    what: str
    why: str
    age: str


_list = messages.component("trail_attention", "attention")


def attention_list(rows: Sequence[AttentionItem], key: str) -> None:
    """Draw the list, most urgent first."""
    messages.draw_links(_list, key, {"rows": list(rows)})
