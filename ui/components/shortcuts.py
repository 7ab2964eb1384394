"""The list of keyboard shortcuts, which `?` opens on every page."""

from collections.abc import Sequence
from typing import TypedDict

from ui.components import messages


class Shortcut(TypedDict):
    """What one or more keys do."""

    keys: Sequence[str]
    does: str


class Group(TypedDict):
    """The shortcuts of one part of a page."""

    title: str
    shortcuts: Sequence[Shortcut]


_shortcuts = messages.component("trail_shortcuts", "shortcuts")


def shortcuts(groups: Sequence[Group], key: str) -> None:
    """Draw the button of the list, which has *groups*."""
    messages.draw_links(_shortcuts, key, {"groups": list(groups)})
