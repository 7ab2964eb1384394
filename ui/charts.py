"""Charts: bars over time, and small Plotly figures without legend and mode bar.

Figures are plain dicts: building graph objects costs more than the query behind them.
"""

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from plotly.basedatatypes import BaseFigure

from trail.events.coverage import Span
from trail.events.timeline import Bar, Histogram
from ui import coverage_banner, text
from ui.components.time_chart import Brush, Chart, time_chart
from ui.components.time_chart import Span as ChartSpan
from ui.known_time import Known
from ui.style import theme_color

CONFIG = {"displayModeBar": False, "doubleClick": False, "scrollZoom": False}
# A gap that takes at least this share of a chart has room for its text.
_LABELED_SHARE = 0.3
# Bottom up.
_OUTCOME_COLORS = {"success": "", "unknown": "var(--second)", "failure": "var(--red)"}
_GRAINS = {60: "minute", 300: "5 minutes", 900: "15 minutes", 3600: "hour", 86400: "day"}


def grain_label(grain: dt.timedelta) -> str:
    """Return the name of the width of a bar, such as `hour`."""
    return _GRAINS.get(int(grain.total_seconds()), "bar")


def histogram(
    result: Histogram,
    zone: ZoneInfo,
    key: str,
    brush: Brush,
    spans: Sequence[Span] = (),
    known: Known | None = None,
) -> None:
    """Draw bars over time; selecting some of them calls *brush* with their start and end.

    Coverage gaps among *spans* are hatched, and what *known* says is not over or lacks data is
    marked. Without events the bars have little height. Outcomes by which the bars are split are
    drawn and explained, failures at the top; that all events succeeded is said, too, so that what
    is below the chart keeps its place.
    """
    counts = [bar.count for bar in result.bars]
    height = 96 if any(counts) else 24
    chart = bars_over_time("Events over time", result.bars, zone, spans, height=height, known=known)
    chart["series"] = [{"name": "Events", "square": "", "counts": counts}]
    totals = outcome_totals(result)
    if totals:
        chart["series"] = [
            {
                "name": f"{text.OUTCOMES[outcome][0]} {text.OUTCOMES[outcome][1]}",
                "square": _OUTCOME_COLORS[outcome],
                "counts": [part.get(outcome, 0) for part in result.parts],
            }
            for outcome in totals
        ]
        chart["legend"] = [
            {"kind": outcome, "text": f"{text.OUTCOMES[outcome][1]} {count:,}"}
            for outcome, count in totals.items()
        ]
    time_chart(chart, key, brush)


def outcome_totals(result: Histogram) -> dict[str, int]:
    """Return the number of events by outcome, of those that *result* has, success first."""
    totals = {name: sum(part.get(name, 0) for part in result.parts) for name in _OUTCOME_COLORS}
    return {name: count for name, count in totals.items() if count}


def bars_over_time(
    label: str,
    bars: Sequence[Bar],
    zone: ZoneInfo,
    spans: Sequence[Span],
    *,
    height: int,
    known: Known | None = None,
    most_labels: int = 8,
) -> Chart:
    """Return a chart of *bars*, still without series; *height* is that of the bars, in px.

    The axis counts bars, because local time repeats an hour at the end of daylight saving time.
    With *known*, the bar that is not over is marked, and the time since the last data is hatched.
    A narrow chart has room for fewer labels than *most_labels*, see `ticks`.
    """
    positions, labels = ticks(bars, zone, most_labels)
    edges = [bar.start for bar in bars] + [bar.end for bar in bars[-1:]]
    since = known.silent_since(bars) if known else None
    return {
        "label": label
        if since is None or not known
        else f"{label}. {known.no_data_since(since, zone)}",
        "height": height,
        "edges": [calendar.timegm(edge.timetuple()) for edge in edges],
        "labels": [bar_label(bar, zone) for bar in bars],
        "series": [],
        "ticks": [
            {"at": position, "text": label}
            for position, label in zip(positions, labels, strict=True)
        ],
        "spans": [
            *_gap_spans(spans, bars, since, zone),
            *(_end_spans(known, bars, zone) if known else ()),
        ],
        "notes": _gap_notes(spans, bars, zone) | (known.notes(bars, zone) if known else {}),
    }


def stacked_bars(
    counted: Sequence[tuple[Bar, Mapping[str, int]]],
    order: Sequence[str],
    zone: ZoneInfo,
    key: str,
    pick: Brush,
    *,
    label: str,
    before: Sequence[int | None] = (),
    known: Known | None = None,
) -> None:
    """Draw a stack for each bar of *counted*, with the categories in *order*.

    For *known* see `bars_over_time`. *before* are the numbers of the earlier period, None where it
    is not compared. A click, or a
    selection of several bars, calls *pick* with the start and end.
    """
    bars = [bar for bar, _ in counted]
    chart = bars_over_time(label, bars, zone, (), height=184, known=known, most_labels=6)
    chart["series"] = [
        {"name": name, "square": str(index), "counts": [part.get(name, 0) for _, part in counted]}
        for index, name in enumerate(order)
    ]
    chart["click"] = True
    if before:
        chart["before"] = list(before)
    time_chart(chart, key, pick)


def as_is(figure: dict[str, Any]) -> BaseFigure:
    """Return *figure* for `st.plotly_chart`, which would check each value of a dict at each run.

    The check takes several times as long as everything else about a chart.
    """
    result = _AsIs.__new__(_AsIs)
    result.__dict__["figure"] = figure
    return result


class _AsIs(BaseFigure):  # type: ignore[misc]  # plotly has no types
    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__["figure"])


def ticks(bars: Sequence[Bar], zone: ZoneInfo, most: int = 8) -> tuple[list[int], list[str]]:
    """Return the positions and labels of about *most* ticks: local days, or hours of few days.

    Those of a week have one for each day.
    """
    local = [bar.start.replace(tzinfo=dt.UTC).astimezone(zone) for bar in bars]
    starts = [
        index
        for index, at in enumerate(local)
        if index == 0 or at.date() != local[index - 1].date()
    ]
    if len(starts) > 3:
        step = max(1, round(len(starts) / most))
        # A first day with few bars has no room for its label.
        positions = [
            n
            for n in starts[::step]
            if n > 0 or len(starts) < 2 or starts[1] > 6 or step > 1 or len(starts) == len(bars)
        ]
        days = [local[index].date() for index in positions]
        return positions, text.axis_days(days, zone)
    step = max(1, len(bars) // most)
    positions = list(range(0, len(bars), step))
    # Hours of several days carry the day where it changes.
    labels = []
    for number, index in enumerate(positions):
        at, before = local[index], local[positions[number - 1]] if number else None
        is_new = len(starts) > 1 and (before is None or before.date() != at.date())
        start = bars[index].start
        labels.append(text.short_timestamp(start, zone) if is_new else f"{at:%H:%M}")
    return positions, labels


def _end_spans(known: Known, bars: Sequence[Bar], zone: ZoneInfo) -> list[ChartSpan]:
    """Return the bar that is not over, or the time since the last data."""
    running, since = known.running(bars), known.silent_since(bars)
    if running is not None:
        return [{"start": running, "end": running + 1, "kind": "running"}]
    if since is None:
        return []
    start, end = bar_position(since, bars), bar_position(known.now, bars)
    missing = known.no_data_since(since, zone)
    return [{"start": start, "end": max(end, start + 0.15), "kind": "gap", "text": missing}]


def _gap_spans(
    spans: Sequence[Span], bars: Sequence[Bar], until: dt.datetime | None, zone: ZoneInfo
) -> list[ChartSpan]:
    """Return the coverage gaps before *until*; those with room for it say when they were."""
    if not bars:
        return []
    until = until or bars[-1].end
    result: list[ChartSpan] = []
    for gap in coverage_banner.long_gaps(spans):
        if gap.start < until:
            start, end = (bar_position(at, bars) for at in (gap.start, min(gap.end, until)))
            span: ChartSpan = {"start": start, "end": max(end, start + 0.15), "kind": "gap"}
            if end - start >= _LABELED_SHARE * len(bars):
                span["text"] = coverage_banner.not_collected(gap, zone)
            result.append(span)
    return result


def _gap_notes(spans: Sequence[Span], bars: Sequence[Bar], zone: ZoneInfo) -> dict[int, str]:
    """Return by index what to say of *bars* of which a part was not collected."""
    notes: dict[int, str] = {}
    for gap in coverage_banner.long_gaps(spans):
        missing = coverage_banner.not_collected(gap, zone)
        for index, bar in enumerate(bars):
            if gap.start < bar.end and bar.start < gap.end:
                notes[index] = f"{missing[0].lower()}{missing[1:]}"
    return notes


def bar_position(at: dt.datetime, bars: Sequence[Bar]) -> float:
    """Return the position of the UTC time *at* on an axis that counts *bars*."""
    for index, bar in enumerate(bars):
        if at < bar.end:
            return index + max(at - bar.start, dt.timedelta()) / (bar.end - bar.start)
    return float(len(bars))


def layout(height: int) -> dict[str, Any]:
    """Return the layout that all charts share; *height* is in px."""
    return {
        "template": None,
        "height": height,
        "margin": {"l": 38, "r": 4, "t": 8, "b": 22},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "bargap": 0.15,
        "showlegend": False,
        "hovermode": "x",
        "font": {
            "family": "Source Sans, sans-serif",
            "size": 11.5,
            "color": theme_color("grayColor"),
        },
        "hoverlabel": {
            "bgcolor": theme_color("backgroundColor"),
            "bordercolor": theme_color("borderColor"),
            "font": {"color": theme_color("textColor"), "size": 12},
        },
    }


def axis(**more: Any) -> dict[str, Any]:
    """Return a horizontal axis without a grid; *more* adds or overrides options."""
    return {"showgrid": False, "zeroline": False, "fixedrange": True, "tickangle": 0, **more}


def value_axis(highest: int) -> dict[str, Any]:
    """Return a vertical axis with a faint grid and integer ticks."""
    return {
        "showgrid": True,
        "gridcolor": theme_color("dataframeBorderColor"),
        "zeroline": False,
        "fixedrange": True,
        "nticks": 4,
        "rangemode": "tozero",
        "tickformat": ",d",
        **({"range": [0, 4], "dtick": 2} if highest <= 3 else {}),
    }


def bar_label(bar: Bar, zone: ZoneInfo) -> str:
    """Return the start and end of a bar in *zone*; a day has no times."""
    start = bar.start.replace(tzinfo=dt.UTC).astimezone(zone)
    if bar.end - bar.start >= dt.timedelta(hours=23):
        return text.day(start.date(), zone)
    return text.time_range(bar.start, bar.end, zone)
