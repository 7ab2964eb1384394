"""The Coverage tab: one square per day of the retention period, and the list of coverage gaps."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import utc_now
from trail.events import coverage
from trail.events.coverage import DayCount, Span
from trail.ingest import source_health
from trail.ingest.source_health import SourceHealth
from ui import coverage_banner, style, text, url_state
from ui.admin import future_events
from ui.coverage_banner import MIN_GAP, long_gaps
from ui.page import Context

_LISTED = 20

_STYLE = """
.trail-days { display: grid; grid-template-columns: repeat(auto-fill, 22px); gap: 4px;
  max-width: 776px; }
.trail-days span { height: 22px; border-radius: 4px; box-sizing: border-box; position: relative; }
.trail-days .covered { background: color-mix(in srgb, GREEN 55%, PAGE); }
.trail-days .unknown { background: PANEL; border: 1px solid LINE; }
.trail-days .gap { border: 1px solid AMBER;
  background: repeating-linear-gradient(135deg, AMBER 0 2px, transparent 2px 6px); }
.trail-days .few::after { content: ""; position: absolute; left: 50%; top: 50%;
  width: 6px; height: 6px; margin: -3px; border-radius: 50%; background: PAGE; }
.trail-legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin-top: 12px;
  font-size: 12.5px; color: GREY; }
.trail-legend div { display: flex; align-items: center; gap: 6px; }
.trail-legend .trail-days { display: inline-grid; grid-template-columns: 14px; }
.trail-legend .trail-days span { height: 14px; }
"""
_LEGEND = {
    "covered": "Covered all day",
    "covered few": "Covered, far fewer events than usual",
    "gap": "Coverage gap during the day",
    "unknown": "Before collection started",
}


def draw(ctx: Context) -> None:
    """Draw the calendar of days, the coverage gaps, and events dated in the future."""
    store, now = ctx.store, utc_now()
    number = ctx.runtime.settings.store.retention_days
    start = dt.datetime.combine(now.date() - dt.timedelta(days=number - 1), dt.time())
    spans = coverage.spans(store, start, now)
    coverage_banner.show(ctx)
    zone = url_state.timezone()
    with st.container(border=True, gap="xsmall"):
        st.subheader(f"Last {number} days", anchor=False)
        _calendar(coverage.days(store, now, number), spans, zone)
    with st.container(border=True, gap="xsmall"):
        st.subheader("Coverage gaps", anchor=False)
        _gaps(spans, source_health.sources(ctx.runtime.store, ctx.runtime.settings, now))
    future_events.draw(ctx)


def _gaps(spans: Sequence[Span], health: Sequence[SourceHealth]) -> None:
    zone = url_state.timezone()
    if all(span.state == "unknown" for span in spans):
        if health:
            st.text("No source has collected yet. What happened is not known.")
            st.page_link(url_state.ADMIN, label="Sources", query_params={"section": "sources"})
            return
        st.text(
            "No continuous source is connected. All events come from files, and files do not "
            "show which events are missing."
        )
        st.page_link(url_state.CONNECT, label="Connect a continuous source")
        return
    gaps = long_gaps(spans)
    if not gaps:
        first = next(span.start for span in spans if span.state == "watched")
        st.text(f"✓ No coverage gap since {text.timestamp(first, zone)}.")
        return
    for gap in gaps[::-1][:_LISTED]:
        duration = text.duration((gap.end - gap.start).total_seconds())
        missing = f": {', '.join(gap.missing)}" if gap.missing else ""
        st.text(f"▲ {text.time_range(gap.start, gap.end, zone)} ({duration}){missing}")
    st.caption(f"Polling fills its gaps the next time it succeeds. Times in {zone.key}.")


def _calendar(days: Sequence[DayCount], spans: Sequence[Span], zone: ZoneInfo) -> None:
    squares = []
    for day in days:
        kind, label = _coverage_of(day.day, spans)
        usual = f", usually {day.usual:,.0f}" if day.usual is not None else ""
        # The last day is not complete yet.
        few = day is not days[-1] and day.usual is not None and day.events < day.usual / 4
        title = f"{text.day(day.day, zone)}: {label}, {text.count(day.events, 'event')}{usual}"
        classes = "covered few" if few and kind == "covered" else kind
        squares.append(
            f'<span class="{classes}" title="{title}" role="img" aria-label="{title}"></span>'
        )
    legend = "".join(
        f'<div><span class="trail-days"><span class="{kind}"></span></span>{label}</div>'
        for kind, label in _LEGEND.items()
    )
    st.html(
        f'<style>{style.themed(_STYLE)}</style><div class="trail-days">{"".join(squares)}</div>'
        f'<div class="trail-legend">{legend}</div>'
    )


def _coverage_of(day: dt.date, spans: Sequence[Span]) -> tuple[str, str]:
    """Return the CSS class and the label of *day* (UTC)."""
    start = dt.datetime.combine(day, dt.time())
    end = start + dt.timedelta(days=1)
    lengths = {"watched": dt.timedelta(), "gap": dt.timedelta(), "unknown": dt.timedelta()}
    for span in spans:
        lengths[span.state] += max(min(span.end, end) - max(span.start, start), dt.timedelta())
    if lengths["gap"] >= MIN_GAP:
        return "gap", f"coverage gap of {text.duration(lengths['gap'].total_seconds())}"
    if lengths["watched"]:
        return "covered", "covered"
    return "unknown", "not collected yet"
