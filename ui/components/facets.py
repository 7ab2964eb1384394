"""The facet panel: values with counts; one click keeps only them, the next leaves them out.

A component because no Streamlit element has three states, a bar and a count in a row of 25 pixels.
It knows no filter and no SQL: groups go in, acts come out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, cast

import streamlit as st

from ui.components import bridge

State = Literal["", "include", "exclude"]


class FacetValue(TypedDict):
    """One row. `square` is a CSS colour, or the number of a category colour of the theme."""

    value: str
    label: str
    count: int
    state: State
    square: NotRequired[str]
    glyph: NotRequired[str]


class FacetGroup(TypedDict):
    """One field. `total_values` counts all that match, so the rest can be offered as more."""

    field: str
    title: str
    values: Sequence[FacetValue]
    total_values: int
    searchable: bool
    search: NotRequired[str]


class FacetAct(TypedDict):
    """What a person did: `value` with its next `state`, or a `search`, or `more` rows wanted."""

    field: str
    value: NotRequired[str]
    state: NotRequired[State]
    search: NotRequired[str]
    more: NotRequired[int]


_MOST_ROWS = 5_000
_LONGEST_SEARCH = 200

_panel = st.components.v2.component(
    "trail_facets", css=bridge.style("facets.css"), js=bridge.script("facets.js")
)


def facet_panel(
    groups: Sequence[FacetGroup], key: str, on_pick: Callable[[], None] | None = None
) -> list[FacetAct]:
    """Draw the panel and return what was done since the last run.

    `on_pick` runs before the script, as Streamlit callbacks do; `picked(key)` gives it the acts.
    """
    fields = frozenset(group["field"] for group in groups)
    _panel(
        key=key,
        data={"groups": list(groups), "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, lambda act: _check(act, fields), on_pick),
    )
    return cast("list[FacetAct]", bridge.settle(key))


def picked(key: str) -> list[FacetAct]:
    """Return the acts of this run, oldest first; for use inside `on_pick`."""
    return cast("list[FacetAct]", bridge.waiting(key))


def _check(act: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
    """Keep an act only if it has one of the known shapes and names a field that was drawn."""
    field = act.get("field")
    if not isinstance(field, str) or field not in fields:
        return None
    value, state = act.get("value"), act.get("state")
    if isinstance(value, str) and state in ("", "include", "exclude"):
        return {"field": field, "value": value, "state": state}
    search = act.get("search")
    if isinstance(search, str):
        return {"field": field, "search": search[:_LONGEST_SEARCH]}
    more = act.get("more")
    if isinstance(more, int) and not isinstance(more, bool) and more > 0:
        return {"field": field, "more": min(more, _MOST_ROWS)}
    return None
