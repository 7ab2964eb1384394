"""The list of what needs attention: urgency, what it is, why, its age, and its actions.

A component because the lines contain names from events, which must not be read as Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from ui.components import messages


class AttentionItem(TypedDict):
    """One item; its row leads to `address`, if it has one.

    `urgency` is the `level` in words. `action` and `label` are those of its button. `until` is when
    its mute ends, in words, and empty unless it is muted. With an empty `id` it has no actions.
    """

    id: str
    address: str
    level: Literal["high", "medium", "low"]
    urgency: str
    what: str
    why: str
    age: str
    action: str
    label: str
    assignee: str
    assigneeName: str
    until: str
    mayHold: bool
    holdReason: str


class Choice(TypedDict):
    """A choice of a menu."""

    value: str
    label: str


class AttentionList(TypedDict):
    """The items, most urgent first, those that are muted, and the choices of their menus.

    `count` is how many need attention, `empty` what an empty list says, `me` the user, `firstDay`
    the first day (ISO) until which an item can be muted.
    """

    rows: Sequence[AttentionItem]
    muted: Sequence[AttentionItem]
    count: str
    empty: str
    me: str
    users: Sequence[Choice]
    mutes: Sequence[Choice]
    firstDay: str
    mayTriage: bool


_list = messages.component("trail_attention", "attention", "popup")


def attention_list(
    data: AttentionList,
    key: str,
    on_messages: Callable[[list[dict[str, str]]], None] | None = None,
) -> None:
    """Draw the list; *on_messages* gets what users do.

    Each message has `do` and `id`: `assign` with `to`, a user name or empty; `mute` with `until`, a
    mute of `mutes`, an ISO date, or empty to end it; `hold` with `reason`.
    """
    messages.draw(_list, key, data, _parse, on_messages)


_VALUES = {"assign": "to", "mute": "until", "hold": "reason"}


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    do, id_ = message.get("do"), message.get("id")
    name = _VALUES.get(do) if isinstance(do, str) else None
    if name is None or not isinstance(id_, str) or not isinstance(message.get(name), str):
        return None
    return {"do": do, "id": id_, name: message[name]}
