"""Failures: failed attempts grouped into incidents, and what changed before them."""

import datetime as dt
import time

import streamlit as st

from trail.events import timeline
from trail.incidents import grouping, likely_causes, queries
from trail.incidents.incident import Incident
from trail.incidents.queries import Summary
from trail.storage.filters import Filter
from ui import coverage_banner, filter_bar, text, url_state
from ui.components import tiles
from ui.failures import incident_detail, incident_table, spotlights
from ui.page import Context, Page

OPEN, FOLDED = "open", "folded"


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter()
    store, now = ctx.runtime.store, ctx.now
    started = time.perf_counter()
    numbers = queries.summary(store, filter_, now)
    class_ = _class()
    result = queries.incidents(
        store,
        filter_,
        now,
        classes=_classes(class_),
        only_open=class_ == OPEN,
        fold=not class_,
        order=incident_table.LIST.order(),
        rows=incident_table.MAX_ROWS,
        skip=incident_table.first_row() - 1,
    )
    changes = likely_causes.changes_before(store, result)
    window = timeline.bounded(store, filter_.window(now), now)
    elapsed_ms = (time.perf_counter() - started) * 1000

    # Without the export of events: their number is not that of the attempts of incidents.
    filter_bar.head("Failures", filter_, None)
    more = (
        f" · {text.count(numbers.transient_closed, 'transient incident')} hidden"
        if not class_
        else ""
    )
    filter_bar.caption(
        f"<b>{numbers.incidents:,}</b> {'incident' if numbers.incidents == 1 else 'incidents'} "
        f"from {text.count(numbers.attempts, 'failed attempt')} · {elapsed_ms:.0f} ms",
        filter_,
        window,
        more,
    )
    coverage_banner.show(ctx)
    _tiles(filter_, numbers)
    if not numbers.incidents:
        coverage_banner.show_none(ctx, filter_, "No failed attempts in this window.")
        return
    incident_table.draw(filter_, result, changes, class_, _number(numbers, class_))
    incident = _selected(ctx, result, now)
    if incident:
        causes = likely_causes.changes_before(store, [incident])
        incident_detail.draw(ctx, filter_, incident, causes)
    spotlights.draw(ctx, filter_)


def _class() -> str:
    requested = url_state.param("class")
    return requested if requested in (OPEN, FOLDED, *grouping.CLASSES) else ""


def _classes(class_: str) -> tuple[str, ...]:
    if class_ == FOLDED:
        return (grouping.TRANSIENT,)
    return (class_,) if class_ in grouping.CLASSES else ()


def _number(numbers: Summary, class_: str) -> int:
    """Return the number of incidents of the class, as listed."""
    if class_ == OPEN:
        return numbers.open
    if classes := _classes(class_):
        return sum(numbers.by_class[name] for name in classes)
    return numbers.incidents - numbers.transient_closed


def _selected(ctx: Context, incidents: list[Incident], now: dt.datetime) -> Incident | None:
    incident_id = url_state.param("incident")
    if not incident_id:
        return incidents[0] if incidents else None
    incident = next((row for row in incidents if row.incident_id == incident_id), None)
    incident = incident or queries.incident(ctx.runtime.store, incident_id, now)
    if incident is None:
        st.warning("Incident not found. Its events may be past retention.")
    return incident


def _tiles(filter_: Filter, numbers: Summary) -> None:
    by_class = numbers.by_class
    transient = by_class[grouping.TRANSIENT] - numbers.transient_closed
    rows: list[tiles.Tile] = [
        _tile(
            filter_,
            OPEN,
            "Open",
            numbers.open,
            f"{transient:,} transient so far" if transient else "failing now",
        ),
        _tile(
            filter_,
            grouping.PERSISTENT,
            "Persistent",
            by_class[grouping.PERSISTENT],
            "every attempt of every run",
        ),
        _tile(
            filter_,
            grouping.REPEATING,
            "Repeating",
            by_class[grouping.REPEATING],
            "some attempts of every run",
        ),
        _tile(
            filter_,
            grouping.EXHAUSTED,
            "Retries exhausted",
            by_class[grouping.EXHAUSTED],
            "all attempts of one run",
        ),
        _tile(filter_, grouping.STORM, "Storms", by_class[grouping.STORM], "many targets at once"),
        _tile(
            filter_,
            FOLDED,
            "Transient",
            by_class[grouping.TRANSIENT],
            f"{numbers.transient_attempts:,} attempts",
        ),
    ]
    tiles.tiles(rows, "failure-tiles")


def _tile(filter_: Filter, class_: str, name: str, number: int, note: str) -> tiles.Tile:
    """Return the tile that shows only incidents of *class_*, or again all where it does already."""
    is_chosen = class_ == _class()
    mark = " ✓" if is_chosen else ""
    chosen = {"class": "" if is_chosen else class_}
    return {
        "address": url_state.address(url_state.FAILURES, filter_, **chosen),
        "name": f"{name}{mark}",
        "value": f"{number:,}",
        "delta": "",
        "tone": "",
        "note": note,
        "trend": [],
    }


PAGE = Page("failures", "Failures", render, order=35, keeps=url_state.WINDOW_PARAMS)

if __name__ == "__main__":
    PAGE.run()
