"""A card of states: a mark with its word, a name, a reason, and what is known at the right.

A component because reasons come from other services and must not be read as Markdown.
"""

from collections.abc import Sequence
from typing import Literal, TypedDict

from ui.components import messages


class StatusRow(TypedDict):
    """One thing and its state; its row is a link to `address`, if that is not empty.

    `state` is the word for `mark`, read aloud; `detail` is a second line, empty for none.
    """

    id: str
    address: str
    mark: str
    level: Literal["good", "high", "medium", "low"]
    state: str
    name: str
    detail: str
    side: str


_rows = messages.component("trail_status_rows", "status_rows")


def status_rows(
    rows: Sequence[StatusRow], key: str, *, title: str, link: str, address: str
) -> None:
    """Draw the rows below *title*, with a *link* to *address*, if that is not empty."""
    data = {"rows": list(rows), "title": title, "link": link, "address": address}
    messages.draw_links(_rows, key, data)
