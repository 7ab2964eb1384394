"""The facet panel: values with counts, each a checkbox with "only" and "exclude" beside it.

A component because no Streamlit element has three states, a bar and a count in a 25 px row.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from ui.components import messages

State = Literal["", "include", "exclude"]


class FacetValue(TypedDict):
    """One row. `square` is a CSS color, or the index of a categorical color of the theme.

    `tone` colors the glyph: bad, warn or good.
    """

    value: str
    label: str
    count: int
    state: State
    square: NotRequired[str]
    glyph: NotRequired[str]
    tone: NotRequired[str]


class FacetGroup(TypedDict):
    """One field; `total_values` counts all matching values, including those not in `values`.

    A group that is not `counted` has no values yet, since counting them takes long.
    """

    field: str
    title: str
    values: Sequence[FacetValue]
    total_values: int
    searchable: bool
    search: NotRequired[str]
    open: NotRequired[bool]
    counted: NotRequired[bool]
    hint: NotRequired[str]


class FacetSwitch(TypedDict):
    """A field that is on or off: its `value` is included or not."""

    field: str
    label: str
    hint: str
    value: FacetValue


class FacetMessage(TypedDict):
    """What to do with a field.

    A `value` with its new `state`, where `only` also frees all others; `clear` frees all; a
    `search` text; the number of rows requested (`more`); `open` or not.
    """

    field: str
    value: NotRequired[str]
    state: NotRequired[State | Literal["only"]]
    clear: NotRequired[bool]
    open: NotRequired[bool]
    search: NotRequired[str]
    more: NotRequired[int]


_MAX_ROWS = 5_000
_MAX_SEARCH_LENGTH = 200

_panel = messages.component("trail_facets", "facets")


def facet_panel(
    groups: Sequence[FacetGroup],
    key: str,
    on_messages: Callable[[list[FacetMessage]], None] | None = None,
    switches: Sequence[FacetSwitch] = (),
) -> None:
    """Draw the panel; *on_messages* gets the messages, oldest first."""
    fields = frozenset(item["field"] for item in (*groups, *switches))
    data = {"groups": list(groups), "switches": list(switches)}
    messages.draw(_panel, key, data, lambda message: _parse(message, fields), on_messages)


def _parse(message: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
    """Return a message of a known form about a field that was drawn, else None."""
    field = message.get("field")
    if not isinstance(field, str) or field not in fields:
        return None
    value, state, search, more = (
        message.get(name) for name in ("value", "state", "search", "more")
    )
    result: dict[str, Any] | None = None
    if isinstance(value, str) and state in ("", "include", "exclude", "only"):
        result = {"value": value, "state": state}
    elif message.get("clear") is True:
        result = {"clear": True}
    elif isinstance(message.get("open"), bool):
        result = {"open": message["open"]}
    elif isinstance(search, str):
        result = {"search": search[:_MAX_SEARCH_LENGTH]}
    elif isinstance(more, int) and not isinstance(more, bool) and more > 0:
        result = {"more": min(more, _MAX_ROWS)}
    return result and {"field": field, **result}
