"""When the trail was watched: ninety squares, the gaps in words, and an unusual silence."""

import datetime as dt
from zoneinfo import ZoneInfo

import streamlit as st

from trail import coverage
from trail.store import utc_now
from ui import coverage as drawn
from ui import text, url_state
from ui.page import Context


def draw(ctx: Context) -> None:
    """Draw the calendar, and say when the trail was blind."""
    store, now = ctx.runtime.store, utc_now()
    number = ctx.runtime.settings.store.retention_days
    start = dt.datetime.combine(now.date() - dt.timedelta(days=number - 1), dt.time())
    spans = coverage.spans(store, start, now)
    zone = url_state.clock()
    silent(ctx)
    with st.container(border=True, gap="xsmall"):
        st.subheader(f"The last {number} days", anchor=False)
        drawn.calendar(coverage.days(store, now, number), spans)
    gaps = drawn.blind(spans)
    with st.container(border=True, gap="xsmall"):
        st.subheader("Gaps", anchor=False)
        if all(span.state == "unknown" for span in spans):
            st.text(
                "Nothing watches yet: events come from files alone, which do not tell what is "
                "missing."
            )
            st.page_link(url_state.CONNECT, label="Connect a source that watches")
        elif not gaps:
            first = next(span.start for span in spans if span.state == "watched")
            st.text(f"✓ Watched without a gap since {text.moment(first, zone)}.")
        else:
            for gap in gaps[::-1][:20]:
                long = text.length((gap.end - gap.start).total_seconds())
                st.text(f"▲ Blind {text.stretch(gap.start, gap.end, zone)}, {long}")
            st.caption(
                "A source that is asked again heals its gaps by itself at the next ask. "
                f"Times in {zone.key}."
            )


def silent(ctx: Context) -> None:
    """Say that it is quieter than it should be, if it is."""
    found = coverage.silence(ctx.runtime.store, utc_now())
    if found:
        since = text.moment(found.since, url_state.clock())
        st.warning(
            text.plain(
                f"No event since {since}. In each of the {found.weeks} weeks before, the same "
                f"hours brought {found.low:,} to {found.high:,}. Check that forwarding is on."
            ),
            icon=":material/notifications:",
        )


def say_blind(spans: list[coverage.Span], zone: ZoneInfo) -> None:
    """Say when nobody watched, if there was such a time."""
    if told := drawn.sentence(spans, zone):
        st.caption(f"▲ {text.plain(told)}")
