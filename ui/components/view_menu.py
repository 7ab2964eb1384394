"""The menu of saved views, with the form that saves the state of the page as one.

A component because names of views are typed by people, and Streamlit reads labels as Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from ui.components import messages

ACTIONS = (
    *("open", "star", "save", "create", "rename", "publish", "default", "delete"),
    *("alert", "schedule"),
)


class ViewRow(TypedDict):
    """One view: an empty `id` is the state without a view."""

    id: str
    name: str
    note: str
    group: str
    starred: bool
    isDefault: bool


class ViewMessage(TypedDict, total=False):
    """An action `do` of `ACTIONS` on the view `id`, with what it needs."""

    do: str
    id: str
    name: str
    on: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class OpenView:
    """The view that is open, and what its viewer may do; the names are those of the component."""

    open: str
    name: str
    edited: bool = False
    starred: bool = False
    isDefault: bool = False  # noqa: N815 - a JSON key
    mayChange: bool = False  # noqa: N815
    shared: bool = False
    former: bool = False
    mayAlert: bool = False  # noqa: N815
    mayExport: bool = False  # noqa: N815


_menu = messages.component("trail_view_menu", "view_menu", "popup")


def view_menu(
    views: Sequence[ViewRow],
    opened: OpenView,
    error: str,
    key: str,
    on_messages: Callable[[list[ViewMessage]], None] | None = None,
) -> None:
    """Draw the menu; *error* says why the last action failed, *on_messages* gets the actions."""
    data = {"views": list(views), **asdict(opened), "error": error}
    messages.draw(_menu, key, data, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    do = message.get("do")
    if do not in ACTIONS:
        return None
    result: dict[str, Any] = {"do": do}
    for name, kind in (("id", str), ("name", str), ("on", bool), ("shared", bool)):
        value = message.get(name, kind())
        if not isinstance(value, kind):
            return None
        result[name] = value
    return result
