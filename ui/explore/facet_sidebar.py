"""The sidebar's facets: values with counts, search, and selection."""

import streamlit as st

from trail.events.counts import Facets
from trail.events.facet_values import Listing, Value
from trail.storage.filters import FLAGS, Filter
from ui import text, url_state
from ui.components.facets import FacetGroup, FacetMessage, FacetValue, State, facet_panel

_KEY = "facets"
# Number of values that a group shows before "more"; groups appear in this order.
_SHOWN = {
    "category": 9,
    "action": 5,
    "actor": 5,
    "actor_type": 4,
    "outcome": 3,
    "target_type": 4,
    "kind": 4,
    **dict.fromkeys(FLAGS, 2),
}
_WITH_GLYPH = {"outcome": text.OUTCOMES}


def listed_actors() -> Listing:
    """Return which actors the panel lists: there may be too many to read all."""
    return Listing(_search("actor"), _number("actor"))


def draw(filter_: Filter, facets: Facets) -> None:
    """Draw the panel; a click on a value changes the filter in the URL."""
    # A flag is offered only where an event has it.
    groups = [
        _group(name, values, filter_, facets.listable.get(name, 0))
        for name in _SHOWN
        if (values := facets.values[name]) or name not in FLAGS
    ]
    facet_panel(groups, _KEY, lambda messages: _on_messages(messages, filter_))


def _on_messages(messages: list[FacetMessage], filter_: Filter) -> None:
    changed = filter_
    for message in messages:
        field = message["field"]
        if "state" in message:
            changed = changed.put(field, message["value"], message["state"])
        elif "search" in message:
            st.session_state[f"facet-search-{field}"] = message["search"]
        else:
            st.session_state[f"facet-more-{field}"] = message["more"]
    if changed != filter_:
        url_state.set_url(changed)


def _search(name: str) -> str:
    return str(st.session_state.get(f"facet-search-{name}", ""))


def _number(name: str) -> int:
    return max(int(st.session_state.get(f"facet-more-{name}", 0)), _SHOWN[name])


def _group(name: str, values: list[Value], filter_: Filter, listable: int) -> FacetGroup:
    """Return the group of facet *name*; *listable* is the number of values if not all are given."""
    search = _search(name)
    result = values
    if search:
        text_ = search.lower()
        result = [
            value
            for value in values
            if text_ in value.label.lower() or text_ in value.value.lower()
        ]
    shown = result[: _number(name)]
    # Selected values stay visible so that they can be deselected.
    chosen = [item for item in result if filter_.state(name, item.value) and item not in shown]
    group: FacetGroup = {
        "field": name,
        "title": text.FACETS[name],
        "values": [_row(name, item, filter_) for item in (*shown, *chosen)],
        "total_values": max(len(result), listable),
        "searchable": bool(search) or max(len(values), listable) > _SHOWN[name],
    }
    if search:
        group["search"] = search
    return group


def _row(name: str, value: Value, filter_: Filter) -> FacetValue:
    state: State = (
        "include"
        if filter_.state(name, value.value) == "include"
        else ("exclude" if filter_.state(name, value.value) else "")
    )
    row: FacetValue = {
        "value": value.value,
        "label": text.facet_label(name, value.value, value.label),
        "count": value.count,
        "state": state,
    }
    if name == "category":
        row["square"] = text.category_color(value.value)
    elif name in _WITH_GLYPH and value.value in _WITH_GLYPH[name]:
        row["glyph"] = _WITH_GLYPH[name][value.value][0]
    return row
