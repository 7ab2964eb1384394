"""Failures: incidents, not attempts; the transient folded; what changed before."""

import datetime as dt
import time

import streamlit as st

from trail.filters import Filter
from trail.incidents import grouping
from trail.incidents.model import Incident
from trail.queries import causes, counts, incidents, overview, timeline
from trail.queries.incidents import Summary
from ui import coverage_banner, filter_bar, text, url_state
from ui.components import bridge, tiles
from ui.failures import incident_detail, incident_table, spotlights
from ui.page import Context, Page

OPEN, FOLDED = "open", "folded"


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter()
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    began = time.perf_counter()
    numbers = incidents.summary(store, filter_, now)
    class_ = _class()
    found = incidents.incidents(
        store,
        filter_,
        now,
        classes=_classes(class_),
        only_open=class_ == OPEN,
        fold=not class_,
        rows=incident_table.MOST,
    )
    changes = causes.changes_before(store, found)
    window = timeline.bounded(store, filter_.window(now), now)
    took = (time.perf_counter() - began) * 1000

    filter_bar.title(
        "Failures",
        f"<b>{numbers.incidents:,}</b> {'incident' if numbers.incidents == 1 else 'incidents'} "
        f"from {text.count(numbers.attempts, 'failed attempt')} · {took:.0f} ms",
    )
    failed = overview.failures(filter_)
    filter_bar.bar(failed, counts.count(store, failed, now), search=False)
    folded = text.count(numbers.transient_closed, "transient incident")
    filter_bar.window_caption(filter_, window, "" if class_ else f" · {folded} folded")
    coverage_banner.show_silence(ctx.runtime.store)
    _tiles(filter_, numbers)
    if not numbers.incidents:
        st.info("No attempt failed in this window.", icon=":material/check:")
        return
    incident_table.draw(filter_, found, changes, class_)
    chosen = _chosen(ctx, found, now)
    if chosen:
        incident_detail.draw(ctx, filter_, chosen, causes.changes_before(store, [chosen]))
    spotlights.draw(ctx, filter_)


def _class() -> str:
    asked = url_state.param("class")
    return asked if asked in (OPEN, FOLDED, *grouping.CLASSES) else ""


def _classes(class_: str) -> tuple[str, ...]:
    if class_ == FOLDED:
        return (grouping.TRANSIENT,)
    return (class_,) if class_ in grouping.CLASSES else ()


def _chosen(ctx: Context, found: list[Incident], now: dt.datetime) -> Incident | None:
    asked = url_state.param("incident")
    if not asked:
        return found[0] if found else None
    known = next((each for each in found if each.incident_id == asked), None)
    known = known or incidents.incident(ctx.runtime.store, asked, now)
    if known is None:
        st.warning("The incident of this link is no longer here: its events have left.")
    return known


def _tiles(filter_: Filter, numbers: Summary) -> None:
    by_class = numbers.by_class
    passing = by_class[grouping.TRANSIENT] - numbers.transient_closed
    rows: list[tiles.Tile] = [
        _tile(
            OPEN,
            "Open",
            numbers.open,
            f"{passing:,} transient so far" if passing else "failing now",
        ),
        _tile(grouping.PERSISTENT, "Persistent", by_class[grouping.PERSISTENT], "run after run"),
        _tile(grouping.REPEATING, "Repeating", by_class[grouping.REPEATING], "fails and goes on"),
        _tile(grouping.EXHAUSTED, "Retries exhausted", by_class[grouping.EXHAUSTED], "one run"),
        _tile(grouping.STORM, "Storms", by_class[grouping.STORM], "many targets at once"),
        _tile(
            FOLDED,
            "Transient",
            by_class[grouping.TRANSIENT],
            f"{numbers.transient_attempts:,} attempts",
        ),
    ]

    def go() -> None:
        for name in bridge.ways("failure-tiles"):
            url_state.set_url(filter_, **{"class": "" if name == _class() else name})

    tiles.tiles(rows, "failure-tiles", go)


def _tile(go: str, name: str, number: int, note: str) -> tiles.Tile:
    chosen = " ✓" if go == _class() else ""
    return {
        "go": go,
        "name": f"{name}{chosen}",
        "value": f"{number:,}",
        "delta": "",
        "tone": "",
        "note": note,
        "trend": [],
    }


PAGE = Page("failures", "Failures", render, order=35)

if __name__ == "__main__":
    PAGE.run()
