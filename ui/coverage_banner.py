"""Warnings about missing data: coverage gaps, and an unusually long time without events."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import naive_utc
from trail.events import coverage
from trail.events.coverage import Span
from trail.storage.database import Store
from trail.storage.filters import Window
from ui import text, url_state

MIN_GAP = dt.timedelta(minutes=2)  # a restart is shorter
_LISTED = 3


def long_gaps(spans: Sequence[Span]) -> list[Span]:
    """Return the coverage gaps that are long enough to show."""
    return [span for span in spans if span.state == "gap" and span.end - span.start >= MIN_GAP]


def show_gaps(spans: Sequence[Span], zone: ZoneInfo) -> None:
    """Draw a caption that names the latest coverage gaps of a window, if it has any."""
    if not (gaps := long_gaps(spans)):
        return
    ranges = ", ".join(text.time_range(gap.start, gap.end, zone) for gap in gaps[-_LISTED:])
    earlier = f" and {len(gaps) - _LISTED:,} earlier" if len(gaps) > _LISTED else ""
    st.caption(
        text.escape(
            f"▲ Coverage gap{'s' if len(gaps) > 1 else ''}: {ranges}{earlier}. No source was "
            "collecting, so events may be missing."
        )
    )


def show_source_gaps(store: Store, window: Window, spans: Sequence[Span], zone: ZoneInfo) -> None:
    """Draw a caption for each source with gaps in *window* in which another one was collecting."""
    assert window.start and window.end
    whole = [(gap.start, gap.end) for gap in spans if gap.state == "gap"]
    for source, gaps in coverage.source_gaps(store, window.start, window.end).items():
        own = [gap for gap in gaps if gap[1] - gap[0] >= MIN_GAP and gap not in whole]
        if own:
            st.caption(text.escape(f"▲ {source_gaps_text(source, own, zone)}, other sources were."))


def source_gaps_text(
    source: str, gaps: Sequence[tuple[dt.datetime, dt.datetime]], zone: ZoneInfo
) -> str:
    """Return when *source* was not collecting: its latest gaps, and the number of earlier ones."""
    ranges = ", ".join(text.time_range(start, end, zone) for start, end in gaps[-_LISTED:])
    earlier = f" and {len(gaps) - _LISTED:,} earlier times" if len(gaps) > _LISTED else ""
    return f"{text.collected_by(source)} was not collecting {ranges}{earlier}"


def show_silence(store: Store, now: dt.datetime) -> None:
    """Draw a warning where no event has arrived for unusually long at *now* (aware)."""
    if silence := coverage.silence(store, naive_utc(now)):
        since = text.timestamp(silence.since, url_state.timezone())
        st.warning(
            text.escape(
                f"No event since {since}. In the {silence.weeks} weeks before, the same hours "
                f"had {silence.low:,} to {silence.high:,} events. Check that forwarding is on."
            ),
            icon=":material/notifications:",
        )
