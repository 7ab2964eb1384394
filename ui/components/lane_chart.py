"""Lanes over time: a row of marks for each value, each mark linked to its events.

A component because Plotly takes longer to draw a thousand marks than all queries of the page, and
because its marks have no keyboard.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from ui.components import messages
from ui.components.time_chart import Span, Tick, moment


class LaneRow(TypedDict):
    """One lane; `points` are lists of bar, events, failed attempts, and destructive changes."""

    value: str
    label: str
    points: Sequence[Sequence[int]]


class LaneChart(TypedDict):
    """Everything that the chart draws; `edges`, `labels`, `ticks` and `spans` as in `Chart`."""

    label: str
    edges: Sequence[int]
    labels: Sequence[str]
    ticks: Sequence[Tick]
    spans: Sequence[Span]
    lanes: Sequence[LaneRow]


# Called with the value of a lane, and the start and end (UTC, without zone) of a bar.
Pick = Callable[[str, dt.datetime, dt.datetime], None]

_chart = messages.component("trail_lane_chart", "lane_chart")


def lane_chart(chart: LaneChart, key: str, pick: Pick) -> None:
    """Draw *chart*; choosing a mark by click or by keyboard calls *pick*."""

    def on_messages(received: list[dict[str, Any]]) -> None:
        pick(received[-1]["value"], received[-1]["start"], received[-1]["end"])

    messages.draw(_chart, key, chart, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the lane and the period of the message, or None if it has none."""
    value, start, end = (
        message.get("value"),
        moment(message.get("start")),
        moment(message.get("end")),
    )
    if not isinstance(value, str) or not start or not end or start >= end:
        return None
    return {"value": value, "start": start, "end": end}
