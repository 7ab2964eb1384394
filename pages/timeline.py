"""Timeline: events over time, by lane and by hour of the week, against what is usual."""

import datetime as dt
import time
from dataclasses import dataclass, replace

import streamlit as st

from trail.core.catalogue import CATEGORIES
from trail.core.clock import naive_utc
from trail.events import (
    annotations,
    coverage,
    expected_range,
    hours_of_week,
    lanes,
    timeline,
    value_names,
)
from trail.events.lanes import By
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from ui import (
    charts,
    coverage_banner,
    filter_bar,
    forms,
    known_time,
    tables,
    text,
    timeline_charts,
    url_state,
)
from ui.audit import record_action
from ui.page import Context, Page, acting_user, acts
from ui.slow_read import SlowRead

_BY: dict[By, str] = {"category": "Categories", "actor": "Actors", "target": "Targets"}
_TOP, _MORE = 12, 40
_CSV_KEY = "annotations-csv"
_GRAINS = {
    "1m": ("Minutes", dt.timedelta(minutes=1)),
    "15m": ("15 minutes", dt.timedelta(minutes=15)),
    "1h": ("Hours", dt.timedelta(hours=1)),
    "1d": ("Days", dt.timedelta(days=1)),
}
# More bars than this are too narrow to read.
_MAX_BARS = 400


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter()
    window = timeline.bounded(ctx.store, filter_.window(ctx.now), ctx.now)
    head, reads, parts = st.container(), SlowRead.place(), st.container()
    view = " ".join((filter_.query(), *_view_params().values()))
    is_headed = False
    with SlowRead.of_window(ctx.store, window, view, reads) as reading:
        reading.step("chart")
        found = _read(ctx.store, filter_, ctx.now, window)
        with head:
            _head(ctx, filter_, found)
        is_headed = True
        with parts:
            with st.container(border=True, gap="xsmall"):
                _chart(filter_, found)
            rows = st.container(border=True, gap="xsmall")
            with st.container(border=True, gap="xsmall"):
                _week(ctx, filter_)
        # Last, since only lanes of targets are not counted by the hour.
        reading.step("lanes")
        with rows:
            _lanes(ctx, filter_, found)
    if not is_headed:
        with head:
            filter_bar.head("Timeline", filter_, None, labels={})
    if ctx.user.may("annotate"):
        _annotate(ctx)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the hourly counts say of *window*, and what is known of it."""

    window: Window
    grain: dt.timedelta
    bars: timeline.Histogram
    categories: lanes.Lanes
    expected: expected_range.Expected
    spans: list[coverage.Span]
    known: known_time.Known
    notes: list[annotations.Annotation]
    elapsed_ms: float


def _read(store: Store, filter_: Filter, now: dt.datetime, window: Window) -> _Found:
    started = time.perf_counter()
    assert window.start and window.end
    grain = _grain(window.end - window.start)
    bars = timeline.histogram(store, filter_, now, grain)
    end = min(window.end, naive_utc(now))
    return _Found(
        window,
        grain,
        bars,
        lanes.lanes(store, filter_, now, "category", grain, len(CATEGORIES)),
        expected_range.expected(store, filter_, now, bars),
        coverage.spans(store, window.start, end, filter_.choice("workspace")),
        known_time.known(store, now, filter_),
        annotations.in_window(store, window),
        (time.perf_counter() - started) * 1000,
    )


def _head(ctx: Context, filter_: Filter, found: _Found) -> None:
    total = sum(bar.count for bar in found.bars.bars)
    filter_bar.head("Timeline", filter_, total, labels=value_names.labels(ctx.store, [filter_]))
    filter_bar.caption(
        f"<b>{total:,}</b> {'event' if total == 1 else 'events'} · {found.elapsed_ms:.0f} ms",
        filter_,
        found.window,
    )
    coverage_banner.show(ctx, filter_)
    coverage_banner.show_missing_archive(ctx, found.window)
    coverage_banner.show_gaps(found.spans, filter_.zone)


def _chart(filter_: Filter, found: _Found) -> None:
    def brush(start: dt.datetime, end: dt.datetime) -> None:
        url_state.set_url(url_state.with_range(filter_, start, end), **_view_params())

    assert found.window.start and found.window.end
    bars, expected, known = found.bars, found.expected, found.known
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.header(f"Events per {charts.grain_label(found.grain)}", anchor=False, width="content")
        st.caption("Drag to zoom", width="content")
        filter_bar.zoom_out(filter_)
        _grain_choice(found.window.end - found.window.start, found.grain, filter_)
    timeline_charts.activity(
        bars,
        found.categories.lanes,
        expected,
        filter_.zone,
        found.spans,
        found.notes,
        brush,
        known,
    )
    _notes(found.notes, filter_)
    tables.folded(
        "Chart data",
        "chart-data",
        lambda: timeline_charts.activity_table(bars, expected, filter_.zone, known),
    )


def _week(ctx: Context, filter_: Filter) -> None:
    st.header("Hours of the week", anchor=False)
    st.caption(
        f"Average events of an hour; darker cells have more. Complete hours only, "
        f"times in {text.escape(filter_.zone.key)}"
    )
    week = hours_of_week.week(ctx.store, filter_, ctx.now)
    timeline_charts.week(
        week, filter_.zone, "week", lambda day, hour: hour_of_week(ctx, filter_, day, hour)
    )
    tables.folded("Hours data", "week-data", lambda: timeline_charts.week_table(week))


def _grain(length: dt.timedelta) -> dt.timedelta:
    """Return the grain that the URL names if the window allows it, else the best one."""
    requested = _GRAINS.get(url_state.param("grain"), ("", None))[1]
    usable = [grain for _, grain in _usable_grains(length).values()]
    if requested and requested in usable:
        return requested
    return min(usable, key=lambda grain: abs(length / grain - 90))


def _usable_grains(length: dt.timedelta) -> dict[str, tuple[str, dt.timedelta]]:
    result = {
        name: (label, grain)
        for name, (label, grain) in _GRAINS.items()
        if 3 <= length / grain <= _MAX_BARS
    }
    return result or {"1d": _GRAINS["1d"]}


def _grain_choice(length: dt.timedelta, grain: dt.timedelta, filter_: Filter) -> None:
    usable = _usable_grains(length)
    if len(usable) < 2:
        return
    names = {item: name for name, (_, item) in usable.items()}
    st.session_state["grain"] = names.get(grain)

    def choose() -> None:
        url_state.set_url(filter_, **{**_view_params(), "grain": st.session_state["grain"]})

    st.segmented_control(
        "Interval",
        list(usable),
        required=True,
        format_func=lambda name: usable[name][0],
        key="grain",
        on_change=choose,
        label_visibility="collapsed",
    )


def _view_params() -> dict[str, str]:
    return {name: url_state.param(name) for name in ("grain", "by", "top")}


def _lanes(ctx: Context, filter_: Filter, found: _Found) -> None:
    requested = url_state.param("by")
    by: By = next((name for name in _BY if name == requested), "category")
    top = _MORE if url_state.param("top") == "more" else _TOP
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("Lanes", anchor=False, width="content")
        st.caption(
            "● events  ✕ failed attempts  ◆ destructive changes. Click a mark to see its events",
            width="content",
        )
        st.session_state["by"] = by
        st.segmented_control(
            "Lanes by",
            list(_BY),
            required=True,
            format_func=_BY.__getitem__,
            key="by",
            on_change=lambda: url_state.set_url(
                filter_, **{**_view_params(), "by": st.session_state["by"]}
            ),
            label_visibility="collapsed",
        )
    if by == "category":
        result = lanes.Lanes(found.categories.lanes[:top], found.categories.total)
    else:
        result = lanes.lanes(ctx.store, filter_, ctx.now, by, found.grain, top)
    if not result.lanes:
        st.info("No events match these filters in this window.", icon=":material/info:")
        return

    def pick(value: str, start: dt.datetime, end: dt.datetime) -> None:
        narrowed = url_state.with_range(filter_, start, end)
        url_state.open_page(url_state.EXPLORE, narrowed.put(by, value, "include"))

    shown = [
        replace(lane, label=text.facet_label(by, lane.value, lane.label)) for lane in result.lanes
    ]
    timeline_charts.lanes(
        shown, found.bars.bars, filter_.zone, found.spans, found.notes, pick, found.known
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(result.lanes):,} of {result.total:,} lanes, by number of events")
        if result.total > _TOP:
            label = "Show fewer" if top == _MORE else "Show more"
            value = "" if top == _MORE else "more"
            st.button(
                label,
                on_click=lambda: url_state.set_url(filter_, **{**_view_params(), "top": value}),
            )
    tables.folded(
        "Lane data",
        "lane-data",
        lambda: {
            _BY[by][:-1] if by != "category" else "Category": [lane.label for lane in shown],
            "Events": [lane.count for lane in shown],
            "Failed attempts": [sum(point.failures for point in lane.points) for lane in shown],
            "Destructive changes": [
                sum(point.destructive for point in lane.points) for lane in shown
            ],
        },
    )


def _notes(notes: list[annotations.Annotation], filter_: Filter) -> None:
    for note in notes[:8]:
        when = (
            text.time_range(note.at_time, note.until_time, filter_.zone)
            if note.until_time
            else text.timestamp(note.at_time, filter_.zone)
        )
        st.caption(text.escape(f"┊ {when}: {note.label}"))
    if len(notes) > 8:
        st.caption(f"and {text.count(len(notes) - 8, 'more annotation')}")


def hour_of_week(ctx: Context, filter_: Filter, day: int, hour: int) -> None:
    """Open the latest events of an hour of the week in Explore."""
    result = hours_of_week.latest_hour(ctx.store, filter_, dt.datetime.now(dt.UTC), day, hour)
    if result:
        url_state.open_page(url_state.EXPLORE, url_state.with_range(filter_, *result))


def _annotate(ctx: Context) -> None:
    with st.expander("Annotations, such as deployments and freezes"):
        with forms.form("annotate", "Import annotations", lambda: _import(ctx), (_CSV_KEY,)):
            st.text_area(
                "CSV: time,label or time,until,label",
                placeholder="time,until,label\n2026-11-24T14:00Z,,Deploy 42",
                height=120,
                key=_CSV_KEY,
            )
        st.button("Remove all annotations", on_click=_remove_all, args=(ctx,))


def _import(ctx: Context) -> str:
    result = annotations.parse(st.session_state[_CSV_KEY])
    user = acting_user("annotate")
    added = annotations.add(ctx.runtime.store, result, user.username)
    record_action("annotated", user, "timeline", f"{added} added")
    present = len(result) - added
    return f"{text.count(added, 'annotation')} added" + (
        f", {present:,} already present" if present else ""
    )


@acts("annotate")
def _remove_all(ctx: Context) -> None:
    annotations.clear(ctx.runtime.store)
    record_action("annotated", ctx.user, "timeline", "all removed")


PAGE = Page("timeline", "Timeline", render, order=30, keeps=url_state.FILTER_PARAMS)

if __name__ == "__main__":
    PAGE.run()
