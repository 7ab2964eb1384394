"""Bars over time with a brush: stacked series, coverage gaps, annotations, the expected range.

A component because Plotly takes longer to update than the queries behind a chart, and because its
brush has no keyboard.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from trail.core.clock import naive_utc
from ui.components import messages


class Series(TypedDict):
    """The counts of one part of each bar, bottom up.

    `square` is a CSS color, or the index of a categorical color of the theme; an empty one is the
    accent color.
    """

    name: str
    square: str
    counts: Sequence[int]


class Tick(TypedDict):
    """A label of the time axis at the start of the bar `at`."""

    at: int
    text: str


class Span(TypedDict):
    """A period in positions of bars: 1.5 is the middle of the second bar. Equal ends are a line.

    `kind` is `gap` (not collected), `running` (not over) or `note`; `text` is written at its top.
    """

    start: float
    end: float
    kind: str
    text: NotRequired[str]


class ExpectedRange(TypedDict):
    """The usual range of each bar and its median; None where it is unknown."""

    low: Sequence[float | None]
    median: Sequence[float | None]
    high: Sequence[float | None]


class LegendEntry(TypedDict):
    """What a drawing of `kind` means: `expected`, `running` or an outcome; empty is only text."""

    kind: str
    text: str


class Chart(TypedDict):
    """Everything that the chart draws.

    `edges` are the starts of the bars and the end of the last one, in seconds since 1970 UTC;
    `labels` name the bars, `notes` say by index what else to know of one, such as `so far`.
    `before` are the counts of the earlier period, None where it is not compared; `expected` is
    drawn as a band over the bars. With `click`, a click selects its bar.
    """

    label: str
    height: int
    edges: Sequence[int]
    labels: Sequence[str]
    series: Sequence[Series]
    ticks: Sequence[Tick]
    spans: Sequence[Span]
    notes: NotRequired[Mapping[int, str]]
    before: NotRequired[Sequence[int | None]]
    expected: NotRequired[ExpectedRange]
    legend: NotRequired[Sequence[LegendEntry]]
    click: NotRequired[bool]


# Called with the start and end (UTC, without zone) of the selected bars.
Brush = Callable[[dt.datetime, dt.datetime], None]

_chart = messages.component("trail_time_chart", "time_chart")


def time_chart(chart: Chart, key: str, brush: Brush) -> None:
    """Draw *chart*; selecting bars by drag or by keyboard calls *brush*."""

    def on_messages(received: list[dict[str, dt.datetime]]) -> None:
        brush(received[-1]["start"], received[-1]["end"])

    messages.draw(_chart, key, chart, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the selected period, or None if the message has none."""
    start, end = (moment(message.get(name)) for name in ("start", "end"))
    return {"start": start, "end": end} if start and end and start < end else None


def moment(seconds: object) -> dt.datetime | None:
    """Return the time (UTC, without zone) that a message gives in seconds, or None."""
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return naive_utc(dt.datetime.fromtimestamp(seconds, dt.UTC))
    except (ValueError, OverflowError, OSError):
        return None
