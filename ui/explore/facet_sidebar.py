"""The sidebar's facets: values with counts, search, and selection."""

import streamlit as st

from trail.events.counts import Value
from trail.storage.filters import Filter
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
}
_GLYPHED = {"outcome": text.OUTCOMES}


def draw(filter_: Filter, facets: dict[str, list[Value]]) -> None:
    """Draw the panel; a click on a value changes the filter in the URL."""
    groups = [_group(name, facets[name], filter_) for name in _SHOWN]
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


def _group(name: str, values: list[Value], filter_: Filter) -> FacetGroup:
    wanted = st.session_state.get(f"facet-search-{name}", "")
    found = values
    if wanted:
        low = wanted.lower()
        found = [each for each in values if low in each.label.lower() or low in each.value.lower()]
    shown = found[: max(st.session_state.get(f"facet-more-{name}", 0), _SHOWN[name])]
    # Selected values stay visible so that they can be deselected.
    chosen = [each for each in found if filter_.state(name, each.value) and each not in shown]
    group: FacetGroup = {
        "field": name,
        "title": text.FACETS[name],
        "values": [_row(name, each, filter_) for each in (*shown, *chosen)],
        "total_values": len(found),
        "searchable": len(values) > _SHOWN[name],
    }
    if wanted:
        group["search"] = wanted
    return group


def _row(name: str, each: Value, filter_: Filter) -> FacetValue:
    now: State = (
        "include"
        if filter_.state(name, each.value) == "include"
        else ("exclude" if filter_.state(name, each.value) else "")
    )
    row: FacetValue = {
        "value": each.value,
        "label": text.facet_label(name, each.value, each.label),
        "count": each.count,
        "state": now,
    }
    if name == "category":
        row["square"] = text.category_color(each.value)
    elif name in _GLYPHED and each.value in _GLYPHED[name]:
        row["glyph"] = _GLYPHED[name][each.value][0]
    return row
