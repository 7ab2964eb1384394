"""An empty result explains itself: its filters, the nearest matches, and coverage gaps."""

import datetime as dt
from dataclasses import replace
from typing import Any

import streamlit as st

from trail.core import event_text
from trail.core.clock import naive_utc
from trail.events import counts, coverage, explain, spelling, timeline
from trail.events.explain import Deadline, Part
from trail.storage.filters import NO, YES, Filter, Window
from ui import coverage_banner, text, url_state
from ui.page import Context

_MAX_LABEL_CHARS = 140
_MAX_PARTS = 8
_MARGIN = dt.timedelta(minutes=1)


def draw(ctx: Context, filter_: Filter, labels: dict[tuple[str, str], str]) -> None:
    """Draw why *filter_* has no events, and a button for each way out.

    *labels* name values by facet and value. What takes long to count comes without its count.
    """
    store, now, deadline = ctx.store, ctx.now, Deadline()
    narrowed = bool(filter_.choices or filter_.q)
    window = timeline.bounded(store, filter_.window(now), now)
    with st.container(border=True, gap="xxsmall", key="no-events"):
        st.subheader(
            "No events match these filters in this window."
            if narrowed
            else "No events in this window.",
            anchor=False,
        )
        # Computed last, since known names are many.
        meant = st.container(gap="xxsmall")
        if narrowed:
            _without(explain.without(store, filter_, now, deadline), labels)
        _nearest(explain.nearest(store, filter_, now, deadline), filter_, window, now)
        with meant:
            misnamed = url_state.misnamed()
            _corrections(spelling.corrections(store, filter_, now, deadline, misnamed))
        _coverage(ctx, window, filter_)
        with st.container(horizontal=True, gap="small"):
            if narrowed:
                _clear(ctx, filter_, deadline)
            if filter_.start != "90d" or filter_.end:
                st.button(
                    "Show the last 90 days",
                    on_click=lambda: url_state.set_url(replace(filter_, start="90d", end="")),
                )


def _corrections(corrections: list[spelling.Correction]) -> None:
    for number, correction in enumerate(corrections):
        label = f"Did you mean “{correction.meant}” instead of “{correction.typed}”?"
        if correction.events is not None:
            number_of = text.count(correction.events, "event") if correction.events else "No events"
            label += f" {number_of} in this window"
        _button(label, correction.filter, f"meant-{number}", "spellcheck")


def _without(parts: list[Part], labels: dict[tuple[str, str], str]) -> None:
    if len(parts) == 1 and not parts[0].events:
        return  # the same as to clear all filters
    helping = [part for part in parts if part.events != 0]
    if helping:
        st.caption("Filters, the one that excludes most events first. Select one to remove it.")
    else:
        st.caption("No single filter is the reason: without any one of them, there are still none.")
    for number, part in enumerate((helping or parts)[:_MAX_PARTS]):
        label = f"Without “{_part_label(part, labels)}”{_events(part.events or None)}"
        _button(label, part.rest, f"without-{number}", "filter_alt_off")


def _part_label(part: Part, labels: dict[tuple[str, str], str]) -> str:
    if part.facet == "q":
        return f"Search {part.values[0]}"
    values = part.values
    if part.facet == "changes":
        left_out = (NO in values) != (part.mode == "exclude")
        return f"Changes {'left out' if left_out else 'only'}"
    names = ", ".join(
        labels.get((part.facet, value)) or text.facet_label(part.facet, value, value)
        for value in values
    )
    verb = "is" if part.mode == "include" else "is not"
    if set(values) <= {YES, NO}:
        names = names.lower()
    return f"{text.FACETS.get(part.facet, part.facet)} {verb} {names}"


def _nearest(nearest: explain.Nearest, filter_: Filter, window: Window, now: dt.datetime) -> None:
    assert window.start and window.end
    end = window.end if filter_.end or not filter_.is_relative else naive_utc(now)
    found: list[tuple[dict[str, Any] | None, str, dt.timedelta]] = []
    if nearest.before:
        found.append((nearest.before, "earlier", window.start - nearest.before["occurred_at"]))
    if nearest.after:
        found.append((nearest.after, "later", nearest.after["occurred_at"] - window.end))
    if found:
        st.caption("Nearest matches outside the window. Select one to extend the window to it.")
    for event, side, distance in found:
        assert event
        at = event["occurred_at"]
        start = min(window.start, at - _MARGIN)
        extended = url_state.with_range(filter_, start, max(end, at + _MARGIN))
        label = (
            f"{text.duration(max(distance.total_seconds(), 0))} {side}, "
            f"{text.short_timestamp(at, filter_.zone)}: {event_text.sentence(event).rstrip('.')}"
        )
        _button(label, extended, f"nearest-{side}", "history" if side == "earlier" else "update")


def _coverage(ctx: Context, window: Window, filter_: Filter) -> None:
    assert window.start and window.end
    end = min(window.end, naive_utc(ctx.now))
    if window.start >= end:
        return
    if missing := coverage_banner.missing_in(ctx, filter_):
        st.text(f"▲ {missing}")
    gaps = coverage.source_gaps(ctx.store, window.start, end)
    for source, spans in gaps.items():
        long = [span for span in spans if span[1] - span[0] >= coverage_banner.MIN_GAP]
        if long:
            missed = coverage_banner.source_gaps_text(ctx.store, source, long, filter_.zone)
            st.text(f"▲ {missed}: events may be missing.")


def _clear(ctx: Context, filter_: Filter, deadline: Deadline) -> None:
    cleared = filter_.cleared()
    number = deadline.ask(lambda: counts.count(ctx.store, cleared, ctx.now))
    st.button(
        f"Clear all filters{_events(number)}",
        on_click=lambda: url_state.set_url(cleared),
    )


def _events(number: int | None) -> str:
    return "" if number is None else f": {text.count(number, 'event')}"


def _button(label: str, filter_: Filter, key: str, icon: str) -> None:
    shown = label if len(label) <= _MAX_LABEL_CHARS else f"{label[: _MAX_LABEL_CHARS - 1]}…"
    st.button(
        text.escape(shown),
        key=f"no-events-{key}",
        icon=f":material/{icon}:",
        type="tertiary",
        on_click=lambda: url_state.set_url(filter_),
    )
