"""The events of a finding's actor per day, with the day of the finding marked."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import naive_utc
from trail.events import covered, timeline
from trail.events.timeline import Bar
from trail.findings.model import Finding
from trail.storage.filters import Filter, Window
from ui import charts, style, text, url_state
from ui.page import Context

_DAYS = 90
_HEIGHT = 120
# What is drawn after the day of a finding that is older than the days shown.
_AFTER = dt.timedelta(days=7)
_DAY = dt.timedelta(days=1)
# Nobody decides on a check, so none of a finding is about one.
_CHECK = "Permission Check"


def draw(ctx: Context, filter_: Filter, finding: Finding) -> None:
    """Draw the days up to now, or around an older finding; those without data are hatched."""
    store, now, zone = ctx.store, ctx.now, filter_.zone
    only = filter_.cleared().put("actor", finding.actor_id, "include")
    shown = url_state.with_range(only.put("action", _CHECK, "exclude"), *_days(finding, zone, now))
    bars = timeline.histogram(store, shown, now, _DAY).bars
    present = naive_utc(now)
    known = covered.covered(store, Window(bars[0].start, present), present, zone)
    unknown = [known.is_unknown(bar.start, min(bar.end, present)) for bar in bars]
    st.subheader(f"Events per day, {len(bars)} days", anchor=False)
    draw_days(bars, unknown, finding.began_at, zone)
    if any(unknown):
        st.caption(f"Hatched: no data, {text.count(sum(unknown), 'day')}")


def draw_days(
    bars: Sequence[Bar], unknown: Sequence[bool], flagged: dt.datetime, zone: ZoneInfo
) -> None:
    """Draw *bars* of days, that of *flagged* in red, those that are *unknown* hatched."""
    days = [bar.start.replace(tzinfo=dt.UTC).astimezone(zone).date() for bar in bars]
    highest = max(bar.count for bar in bars)
    figure = {
        "data": [_events(bars, days, unknown, flagged, zone), _hatched(unknown, max(highest, 4))],
        "layout": {
            **charts.layout(_HEIGHT),
            "barmode": "overlay",
            "xaxis": charts.axis(
                tickvals=list(range(0, len(days), 15)), ticktext=text.axis_days(days[::15], zone)
            ),
            "yaxis": charts.value_axis(highest),
        },
    }
    st.plotly_chart(
        charts.as_is(figure),
        theme=None,
        config=charts.CONFIG,
        height=_HEIGHT,
        alt="Events of the actor per day",
    )


def _events(
    bars: Sequence[Bar],
    days: Sequence[dt.date],
    unknown: Sequence[bool],
    flagged: dt.datetime,
    zone: ZoneInfo,
) -> dict[str, object]:
    red, accent = style.theme_color("redColor"), style.theme_color("primaryColor")
    return {
        "type": "bar",
        "x": list(range(len(bars))),
        "y": [bar.count for bar in bars],
        "marker": {"color": [red if bar.start <= flagged < bar.end else accent for bar in bars]},
        "customdata": [
            f"{text.day(day, zone)}: {_number(bar.count, is_unknown=lost)}"
            for bar, day, lost in zip(bars, days, unknown, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _number(count: int, *, is_unknown: bool) -> str:
    if not is_unknown:
        return f"{count:,}"
    return f"{count:,}, no data of most of the day" if count else "no data"


def _hatched(unknown: Sequence[bool], height: int) -> dict[str, object]:
    """Return the days without data as bars of the whole *height*."""
    return {
        "type": "bar",
        "x": [place for place, lost in enumerate(unknown) if lost],
        "y": [height for lost in unknown if lost],
        "width": 1,
        "hoverinfo": "skip",
        "marker": {
            "color": "rgba(0,0,0,0)",
            "line": {"width": 0},
            "pattern": {
                "shape": "/",
                "size": 6,
                "solidity": 0.25,
                "fgcolor": style.theme_color("orangeColor"),
                "bgcolor": "rgba(0,0,0,0)",
            },
        },
    }


def _days(finding: Finding, zone: ZoneInfo, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Return the start of the first and the end of the last local day (UTC, without zone)."""
    last, day = now.astimezone(zone).date(), finding.began_at_in(zone).date()
    if last - day >= _DAYS * _DAY:
        last = day + _AFTER
    start = timeline.midnight(last - (_DAYS - 1) * _DAY, zone)
    return start, timeline.midnight(last + _DAY, zone)
