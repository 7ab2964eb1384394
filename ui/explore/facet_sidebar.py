"""The sidebar's facets: values with counts, search, and selection."""

from dataclasses import replace

import streamlit as st

from trail.core.catalogue import RISK_LEVELS
from trail.events import counts, scanned_facets
from trail.events.counts import Facets
from trail.events.facet_values import Listing, Value
from trail.findings import refresh
from trail.storage import workspaces
from trail.storage.engine import Engine
from trail.storage.filters import YES, Filter
from trail.web import email_masks
from ui import text, url_state
from ui.components.facets import (
    FacetGroup,
    FacetMessage,
    FacetSwitch,
    FacetValue,
    State,
    facet_panel,
)
from ui.explore import facet_folds
from ui.page import Context, current_user

_KEY = "facets"
# Number of values that a group shows before "more"; groups appear in this order.
_SHOWN = {
    "category": 9,
    "risk": 3,
    "actor": 5,
    "target": 5,
    "action": 5,
    "outcome": 3,
    "source": 4,
    "workspace": 4,
    "verified": 2,
    "findings": 2,
    "actor_type": 4,
    "target_type": 4,
    "kind": 4,
    "future_dated": 2,
}
# With more events in the window, what must be scanned is counted only in a group that is opened.
_AT_ONCE = 100_000
_GLYPHS = {
    "outcome": text.OUTCOMES,
    "risk": text.RISKS,
    "verified": text.VERIFIED,
}
_TONES = {
    ("risk", "high"): "bad",
    ("risk", "medium"): "warn",
    ("outcome", "failure"): "bad",
    ("verified", "yes"): "good",
    ("verified", "no"): "warn",
}
_HINTS = {
    "source": "How an event reached this product first",
    "findings": "Events behind unusual changes, as reviewed on the page Unusual",
    "verified": "Not verified: no signature covers the event, and no other source has confirmed it",
}


def permitted(ctx: Context, filter_: Filter) -> Filter:
    """Return *filter_*, which may be that of a view, without findings that the user may not see."""
    return filter_ if ctx.user.may("see_findings") else filter_.without("findings")


def count(ctx: Context, matches: tuple[Engine, Filter], filter_: Filter, in_window: int) -> Facets:
    """Return the facets of *filter_* as the panel shows them.

    *matches* are those of its search, see `search_matches`; *in_window* is the number of events of
    its window, which decides what is counted at once.
    """
    store, now = ctx.store, ctx.now
    engine, rest = matches
    if filter_.choice("findings"):
        refresh.catch_up(store, now)
    folded = {name for name in scanned_facets.SCANNED if not _is_open(name, in_window)}
    if not ctx.user.may("see_findings"):
        folded.add("findings")
    # Where a search has taken in the choice of targets, they are counted without it.
    apart = {"target"} if rest.choice("target") != filter_.choice("target") else set()
    facets = counts.facets(
        engine, rest, now, _listing("actor"), _listing("target"), leave_out=folded | apart
    )
    if not apart - folded:
        return facets
    targets, number = scanned_facets.targets(store, filter_, now, _listing("target"))
    return replace(
        facets,
        values={**facets.values, "target": targets},
        listable={**facets.listable, "target": number},
    )


def draw(ctx: Context, filter_: Filter, facets: Facets) -> None:
    """Draw the panel; a click on a value changes the filter in the URL."""
    groups = [
        _group(name, filter_, facets) for name in _SHOWN if _is_offered(ctx, name, filter_, facets)
    ]
    facet_panel(
        groups, _KEY, lambda messages: _on_messages(messages, filter_), [_changes(facets, filter_)]
    )


def _is_offered(ctx: Context, name: str, filter_: Filter, facets: Facets) -> bool:
    """Return whether an event has the facet, and the user may see it."""
    if name == "future_dated":
        return bool(facets.values[name])
    if name == "findings":
        return ctx.user.may("see_findings")
    if name == "workspace":
        return bool(filter_.choice(name)) or len(workspaces.stored(ctx.store)) > 1
    return True


def _on_messages(messages: list[FacetMessage], filter_: Filter) -> None:
    changed = filter_
    for message in messages:
        field = message["field"]
        if "state" in message:
            state = message["state"]
            if state == "only" or field == "changes":
                changed = changed.without(field)
            changed = changed.put(field, message["value"], "include" if state == "only" else state)
        elif "clear" in message:
            changed = changed.without(field)
        elif "open" in message:
            facet_folds.remember(field, is_open=message["open"])
        elif "search" in message:
            st.session_state[f"facet-search-{field}"] = message["search"]
        else:
            st.session_state[f"facet-more-{field}"] = message["more"]
    if changed != filter_:
        url_state.set_url(changed)


def _is_open(name: str, in_window: int) -> bool:
    chosen = facet_folds.is_open(name)
    return in_window <= _AT_ONCE if chosen is None else chosen


def _listing(name: str) -> Listing:
    """Return which values of a facet with many are read."""
    return Listing(_search(name), _number(name))


def _search(name: str) -> str:
    """Return the text that the values of a facet are searched for; none where e-mails are masked.

    Searching would reveal e-mails letter by letter.
    """
    if email_masks.is_masked(current_user()):
        return ""
    return str(st.session_state.get(f"facet-search-{name}", ""))


def _number(name: str) -> int:
    return max(int(st.session_state.get(f"facet-more-{name}", 0)), _SHOWN[name])


def _changes(facets: Facets, filter_: Filter) -> FacetSwitch:
    numbers = {item.value: item.count for item in facets.values["changes"]}
    return {
        "field": "changes",
        "label": "Changes only",
        "hint": "Leave out failed attempts and routine events: reads, checks, automated rules",
        "value": {
            "value": YES,
            "label": "",
            "count": numbers.get(YES, 0),
            "state": _state("changes", YES, filter_),
        },
    }


def _group(name: str, filter_: Filter, facets: Facets) -> FacetGroup:
    """Return the group of facet *name*, folded and empty if it is not counted."""
    is_counted = name in facets.values
    values = facets.values.get(name) or _chosen(name, filter_)
    if name == "risk":
        order = [*RISK_LEVELS]
        values = sorted(values, key=lambda item: (item.value not in order, _place(item, order)))
    search = _search(name)
    result = values
    if search:
        text_ = search.lower()
        result = [
            value
            for value in values
            if text_ in text.facet_label(name, value.value, value.label).lower()
            or text_ in value.value.lower()
        ]
    shown = result[: _number(name)]
    # Selected values stay visible so that they can be deselected.
    chosen = [item for item in result if filter_.state(name, item.value) and item not in shown]
    opened = facet_folds.is_open(name)
    group: FacetGroup = {
        "field": name,
        "title": text.FACETS[name],
        "values": [_row(name, item, filter_) for item in (*shown, *chosen)],
        "total_values": max(len(result), facets.listable.get(name, 0)),
        "searchable": not email_masks.is_masked(current_user()),
        "open": is_counted if opened is None else opened,
        "counted": is_counted,
        "hint": _HINTS.get(name, ""),
    }
    if search:
        group["search"] = search
    return group


def _chosen(name: str, filter_: Filter) -> list[Value]:
    """Return what *filter_* chooses of a facet that is not counted."""
    choice = filter_.choice(name)
    return [Value(value, value, 0) for value in (*choice.include, *choice.exclude)]


def _place(item: Value, order: list[str]) -> int:
    return order.index(item.value) if item.value in order else -int(item.value)


def _state(name: str, value: str, filter_: Filter) -> State:
    state = filter_.state(name, value)
    return "include" if state == "include" else "exclude" if state else ""


def _row(name: str, value: Value, filter_: Filter) -> FacetValue:
    row: FacetValue = {
        "value": value.value,
        "label": text.facet_label(name, value.value, value.label),
        "count": value.count,
        "state": _state(name, value.value, filter_),
    }
    if name == "category":
        row["square"] = text.category_color(value.value)
    elif value.value in _GLYPHS.get(name, {}):
        row["glyph"] = _GLYPHS[name][value.value][0]
        row["tone"] = _TONES.get((name, value.value), "")
    return row
