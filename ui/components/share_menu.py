"""The button "Share": a short link to the state of the page, with fixed or relative times."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from ui.components import messages


class ShareData(TypedDict):
    """The state to share, what each choice means, and the link that was made last.

    `linkState` is the `state` that this link was made of. `base` is the address of the dashboard,
    or empty for that of the browser.
    """

    state: str
    isRelative: bool
    fixedText: str
    relativeText: str
    untilText: str
    path: str
    base: str
    linkState: str
    linkIsFixed: bool
    error: str


_menu = messages.component("trail_share_menu", "share_menu", "popup")


def share_menu(
    data: ShareData, key: str, on_messages: Callable[[list[dict[str, bool]]], None] | None = None
) -> None:
    """Draw the button; *on_messages* gets the requests for a link, each with `fixed`."""
    messages.draw(_menu, key, data, _parse, on_messages, width="content")


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    fixed = message.get("fixed")
    return {"fixed": fixed} if message.get("do") == "link" and isinstance(fixed, bool) else None
