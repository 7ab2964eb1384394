"""The filter of a rule in the editor: chips, a new condition, the query string, and a sentence."""

import datetime as dt

import streamlit as st

from trail.core.errors import TrailError
from trail.events import counts
from trail.events.facet_values import Listing
from trail.notifications.rule import Rule
from trail.storage import workspaces
from trail.storage.duckdb import Store
from trail.storage.filters import FACETS, Filter
from ui import text
from ui.alerts import rule_source, rule_words
from ui.filter_bar import active_filters

_TOP = 200
# The period of the events that provide the values.
_VALUES_FROM = "30d"
_FIELDS = [field for field in FACETS if field not in ("findings", "source", "future_dated")]
_IS, _IS_NOT = "is", "is not"


def draw(store: Store, initial: Rule, key: str) -> str:
    """Draw the filter of the rule in the editor *key*; return its query string."""
    field = f"{key}-query"
    st.session_state.setdefault(field, initial.query)
    query = rule_source.without_range(str(st.session_state[field]))
    try:
        filter_ = Filter.parse(query)
    except TrailError:
        filter_ = Filter()

    def put(changed: Filter) -> None:
        st.session_state[field] = changed.query()

    names = rule_words.names_of(store, [Rule("", query=query)])
    active_filters.draw_of(filter_, names, f"{key}-chips", put)
    st.caption(f"**In words:** {text.escape(rule_words.query_sentence(query, names))}")
    with st.container(horizontal=True):
        with st.popover(
            "Add condition", icon=":material/add:", key=f"{key}-add", on_change="rerun"
        ) as adding:
            # Counting its values takes time, so it is drawn only when open.
            if adding.open:
                _condition(store, filter_, key, field)
        with st.popover("Query string", key=f"{key}-as-query"):
            st.text_input(
                "Filter", key=field, help="As in the URL of Explore, such as kind=disable"
            )
    return query


def _condition(store: Store, filter_: Filter, key: str, field: str) -> None:
    """Draw the choice of a facet and a value to add to *filter_*."""
    is_one = len(workspaces.stored(store)) < 2
    fields = [field for field in _FIELDS if field != "workspace" or not is_one]
    facet = st.selectbox(
        "Field", fields, format_func=text.FACETS.__getitem__, key=f"{key}-add-facet"
    )
    how = st.segmented_control(
        "Condition", (_IS, _IS_NOT), default=_IS, required=True, key=f"{key}-add-how"
    )
    found = _values(store, facet)
    labels = {value: text.facet_label(facet, value, label) for value, label in found}
    value = st.selectbox(
        "Value",
        list(labels),
        index=None,
        format_func=lambda one: labels.get(str(one), str(one)),
        accept_new_options=True,
        key=f"{key}-add-value-{facet}",
    )

    def add() -> None:
        if value:
            state = "include" if how == _IS else "exclude"
            st.session_state[field] = filter_.put(facet, str(value), state).query()

    st.button("Add", key=f"{key}-add-button", on_click=add, disabled=not value)


def _values(store: Store, facet: str) -> list[tuple[str, str]]:
    """Return the values of *facet* in recent events with their labels, most events first."""
    listing, others = Listing(top=_TOP), {"target", "source", "findings"} - {facet}
    now = dt.datetime.now(dt.UTC)
    recent = Filter(start=_VALUES_FROM)
    found = counts.facets(store, recent, now, listing, listing, leave_out=others)
    return [(one.value, one.label) for one in found.values[facet]]
