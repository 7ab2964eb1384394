"""The facet panel: values with counts; the first click includes a value, the second excludes it.

A component because no Streamlit element has three states, a bar and a count in a 25 px row.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from ui.components import messages

State = Literal["", "include", "exclude"]


class FacetValue(TypedDict):
    """One row. `square` is a CSS color, or the index of a categorical color of the theme."""

    value: str
    label: str
    count: int
    state: State
    square: NotRequired[str]
    glyph: NotRequired[str]


class FacetGroup(TypedDict):
    """One field; `total_values` counts all matching values, including those not in `values`."""

    field: str
    title: str
    values: Sequence[FacetValue]
    total_values: int
    searchable: bool
    search: NotRequired[str]


class FacetMessage(TypedDict):
    """A `value` with its new `state`, a `search` text, or the number of rows requested (`more`)."""

    field: str
    value: NotRequired[str]
    state: NotRequired[State]
    search: NotRequired[str]
    more: NotRequired[int]


_MAX_ROWS = 5_000
_MAX_SEARCH_LENGTH = 200

_panel = messages.component("trail_facets", "facets")


def facet_panel(
    groups: Sequence[FacetGroup],
    key: str,
    on_messages: Callable[[list[FacetMessage]], None] | None = None,
) -> None:
    """Draw the panel; *on_messages* gets the messages, oldest first."""
    fields = frozenset(group["field"] for group in groups)
    data = {"groups": list(groups)}
    messages.draw(_panel, key, data, lambda message: _parse(message, fields), on_messages)


def _parse(message: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
    """Return a message of a known form about a field that was drawn, else None."""
    field = message.get("field")
    if not isinstance(field, str) or field not in fields:
        return None
    value, state = message.get("value"), message.get("state")
    if isinstance(value, str) and state in ("", "include", "exclude"):
        return {"field": field, "value": value, "state": state}
    search = message.get("search")
    if isinstance(search, str):
        return {"field": field, "search": search[:_MAX_SEARCH_LENGTH]}
    more = message.get("more")
    if isinstance(more, int) and not isinstance(more, bool) and more > 0:
        return {"field": field, "more": min(more, _MAX_ROWS)}
    return None
