"""The card "Activity by category": bars over time, and the categories with their changes."""

import datetime as dt
import html
from collections import Counter
from collections.abc import Mapping

import streamlit as st

from trail.core import catalogue
from trail.events import counts, overview, periods, timeline
from trail.storage.filters import Filter
from ui import charts, text, url_state
from ui.components import ranked_list
from ui.components.ranked_list import CategoryRow
from ui.overview import view as view_
from ui.overview.view import View

_OTHER = "Other"
_ORDER = (*catalogue.CATEGORIES[:8], _OTHER)


def draw(view: View) -> None:
    """Draw the card."""
    shown = [(bar, _folded(counted)) for bar, counted in view.bars]
    with st.container(horizontal=True, horizontal_alignment="distribute", key="activity-head"):
        st.header("Activity by category", anchor=False, width="content")
        _changes_only(view)

    def explore_bars(start: dt.datetime, end: dt.datetime) -> None:
        url_state.open_page(url_state.EXPLORE, view.within(start, end))

    charts.stacked_bars(
        shown,
        _ORDER,
        view.filter_.zone,
        "changes-by-day",
        explore_bars,
        label=f"{view.noun.capitalize()} per {charts.grain_label(view.grain)} by category",
        before=periods.earlier_counts(
            view.store,
            view.counted,
            view.now,
            view.comparison,
            [bar for bar, _ in view.bars],
            view.grain,
        ),
        known=view.known,
    )
    _legend(view)
    _categories(view, shown)


def _changes_only(view: View) -> None:
    """Draw the switch between changes and all events, with the number of routine events."""
    st.session_state["changes-only"] = view.changes_only

    def switch() -> None:
        value = "" if st.session_state["changes-only"] else view_.ALL
        url_state.put_params(**{view_.EVENTS: value})

    routine = overview.routine(view.filter_)
    number = counts.count(view.store, routine, view.now)
    failed = counts.count(view.store, overview.failures(view.filter_), view.now)
    with st.container(
        horizontal=True, vertical_alignment="center", width="content", gap="small", key="switch"
    ):
        st.toggle(
            "Changes only",
            key="changes-only",
            on_change=switch,
            help=f"Leaves out {text.count(number, 'routine event')} (reads, checks, automated "
            f"rules) and {text.count(failed, 'failed attempt')}",
            width="content",
        )
        state = "hidden" if view.changes_only else "counted"
        words = f"{text.count(number, 'routine event')} {state}"
        address = html.escape(view.explore(routine))
        st.html(f'<a class="trail-link" href="{address}">{words}</a>', width="content")


def _legend(view: View) -> None:
    """Draw what the marks of the chart mean."""
    comparison, marks = view.comparison, []
    if comparison.current and not comparison.reason:
        marks.append(f"── {comparison.basis}")
    if view.known.running([bar for bar, _ in view.bars]) is not None:
        # A bar that is wider than what is compared is compared in part.
        is_left_out = comparison.grain >= view.grain and not comparison.reason
        marks.append("▨ not over, left out of every change" if is_left_out else "▨ not over")
    if marks:
        st.caption(text.escape(" · ".join(marks)))


def _categories(view: View, shown: list[tuple[timeline.Bar, dict[str, int]]]) -> None:
    totals = Counter[str]()
    for _, counted in shown:
        totals.update(counted)
    now, before = _compared(view)
    rows: list[CategoryRow] = []
    for name in _ORDER:
        change = view.comparison.change(now[name], before[name])
        rows.append(
            {
                "value": name,
                "address": view.explore(_only(name, view.counted)),
                "name": name,
                "square": text.category_color(name),
                "count": totals[name],
                "delta": change.text,
                "hint": change.reason or f"{change.text} vs {view.comparison.basis}",
                "trend": view.complete([counted.get(name, 0) for _, counted in shown]),
            }
        )
    ranked_list.category_table([] if view.is_blank else rows, "categories", empty=view.missing)


def _compared(view: View) -> tuple[Counter[str], Counter[str]]:
    """Return by category what is counted in the complete part, and in the earlier period."""
    comparison = view.comparison
    if comparison.reason:
        return Counter(), Counter()
    now, before = (
        Counter(
            _folded(
                overview.category_totals(
                    view.store, periods.narrowed(view.counted, window), view.now
                )
            )
        )
        for window in (comparison.current, comparison.before)
    )
    return now, before


def _folded(counted: Mapping[str, int]) -> dict[str, int]:
    """Return numbers by category with those of later categories under Other."""
    result = Counter[str]()
    for name, number in counted.items():
        result[name if name in _ORDER else _OTHER] += number
    return dict(result)


def _only(name: str, filter_: Filter) -> Filter:
    """Return *filter_* narrowed to a category; Other are all later ones."""
    for one in catalogue.CATEGORIES[8:] if name == _OTHER else [name]:
        filter_ = filter_.put("category", one, "include")
    return filter_
