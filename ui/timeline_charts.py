"""Charts of the Timeline: activity and the previous period, lanes, hours of the week."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from trail.events.annotations import Annotation
from trail.events.lanes import Lane, Point
from trail.events.timeline import Bar, Histogram
from trail.ingest.coverage import Span
from ui import charts, style, text
from ui.components.week_grid import week_grid

_ROW, _LABEL = 26, 34
# Symbol, attribute of `Point`, theme color, label. Symbols differ by shape as well as by color.
_MARKS = (
    ("circle", "count", "primaryColor", "events"),
    ("x", "failures", "redColor", "failed attempts"),
    ("diamond", "destructive", "orangeColor", "destructive changes"),
)
# Marks of one bar are drawn side by side; failures and destructive changes are more opaque.
_SHIFT = {"circle": 0.0, "x": 0.17, "diamond": -0.17}
_OPACITY = {"circle": 0.4, "x": 0.95, "diamond": 0.95}

Pick = Callable[[Lane, Point], None]
Brush = Callable[[Bar, Bar], None]


def activity(
    result: Histogram,
    categories: Sequence[Lane],
    before: Sequence[int],
    zone: ZoneInfo,
    key: str,
    spans: Sequence[Span],
    notes: Sequence[Annotation],
    brush: Brush,
) -> None:
    """Draw stacked bars over time by category, and the counts *before* as a dotted line.

    A drag calls *brush* with the first and the last selected bar.
    """
    bars = result.bars
    colors = style.category_colors()
    positions = {bar.start: index for index, bar in enumerate(bars)}

    def selected() -> None:
        boxes = st.session_state[key]["selection"].get("box", [])
        if boxes:
            brush(*_selected_bars(boxes, bars))

    tick_positions, tick_labels = charts.ticks(bars, zone)
    highest = max((*(bar.count for bar in bars), *before), default=0)
    figure = {
        "data": [
            *(
                {
                    "type": "bar",
                    "name": lane.value,
                    "x": [positions[point.bar.start] for point in lane.points],
                    "y": [point.count for point in lane.points],
                    "marker": {"color": colors[int(text.category_color(lane.value))]},
                    "customdata": [
                        f"{charts.bar_label(point.bar, zone)}<br>{lane.value}: {point.count:,}"
                        for point in lane.points
                    ],
                    "hovertemplate": "%{customdata}<extra></extra>",
                    "selected": {"marker": {"opacity": 1}},
                    "unselected": {"marker": {"opacity": 0.45}},
                }
                for lane in sorted(
                    categories, key=lambda item: int(text.category_color(item.value))
                )
            ),
            {
                "type": "scatter",
                "mode": "lines",
                "x": list(range(len(bars))),
                "y": list(before),
                "line": {
                    "color": style.theme_color("grayColor"),
                    "width": 1.5,
                    "dash": "dot",
                    "shape": "hvh",
                },
                "hoverinfo": "skip",
            },
        ],
        "layout": {
            **charts.layout(180),
            "barmode": "stack",
            "dragmode": "select",
            "selectdirection": "h",
            "hovermode": "closest",
            "shapes": [
                *charts.gap_shapes(spans, bars),
                *note_lines(notes, bars),
            ],
            "xaxis": charts.axis(
                tickvals=tick_positions, ticktext=tick_labels, range=[-0.6, len(bars) - 0.4]
            ),
            "yaxis": charts.value_axis(highest),
        },
    }
    st.plotly_chart(
        charts.as_is(figure),
        theme=None,
        key=key,
        on_select=selected,
        selection_mode="box",
        config=charts.CONFIG,
        height=180,
        alt="Events over time by category, previous period as a dotted line",
    )


def _selected_bars(boxes: Sequence[dict[str, Any]], bars: Sequence[Bar]) -> tuple[Bar, Bar]:
    low, high = sorted(float(edge) for edge in boxes[0]["x"])
    first = min(max(round(low), 0), len(bars) - 1)
    return bars[first], bars[min(max(round(high), first), len(bars) - 1)]


def lanes(
    lanes: Sequence[Lane],
    bars: Sequence[Bar],
    zone: ZoneInfo,
    key: str,
    spans: Sequence[Span],
    notes: Sequence[Annotation],
    pick: Pick,
) -> None:
    """Draw a row of marks for each lane; a click on a mark calls *pick*."""
    positions = {bar.start: index for index, bar in enumerate(bars)}
    points = _points(lanes, positions)
    height = 40 + _ROW * len(lanes)

    def selected() -> None:
        chosen = st.session_state[key]["selection"].get("point_indices", [])
        if chosen:
            lane, point, _, _ = points[chosen[0]]
            pick(lanes[lane], point)

    most = max((count for _, _, count, _ in points), default=1)
    tick_positions, tick_labels = charts.ticks(bars, zone)
    figure = {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [positions[point.bar.start] + _SHIFT[mark[0]] for _, point, _, mark in points],
                "y": [lane for lane, _, _, _ in points],
                "marker": {
                    "size": [5 + 13 * math.sqrt(count / most) for _, _, count, _ in points],
                    "symbol": [mark[0] for _, _, _, mark in points],
                    "color": [style.theme_color(mark[2]) for _, _, _, mark in points],
                    "opacity": [_OPACITY[mark[0]] for _, _, _, mark in points],
                    "line": {"width": 0},
                },
                "customdata": [
                    f"{text.escape_chart(lanes[lane].label)}<br>{charts.bar_label(point.bar, zone)}"
                    f"<br>{count:,} {mark[3]}"
                    for lane, point, count, mark in points
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
                "selected": {"marker": {"opacity": 1}},
                "unselected": {"marker": {"opacity": 0.45}},
            }
        ],
        "layout": {
            **charts.layout(height),
            "margin": {"l": 190, "r": 4, "t": 8, "b": 24},
            "hovermode": "closest",
            "shapes": [
                *charts.gap_shapes(spans, bars),
                *note_lines(notes, bars),
            ],
            "xaxis": charts.axis(
                tickvals=tick_positions, ticktext=tick_labels, range=[-0.6, len(bars) - 0.4]
            ),
            "yaxis": {
                "tickvals": list(range(len(lanes))),
                "ticktext": [text.escape_chart(lane.label, _LABEL) for lane in lanes],
                "range": [len(lanes) - 0.4, -0.6],
                "fixedrange": True,
                "zeroline": False,
                "gridcolor": style.theme_color("dataframeBorderColor"),
            },
        },
    }
    st.plotly_chart(
        charts.as_is(figure),
        theme=None,
        key=key,
        on_select=selected,
        selection_mode="points",
        config=charts.CONFIG,
        height=height,
        alt="Events by lane over time",
    )


def _points(
    lanes: Sequence[Lane], positions: dict[dt.datetime, int]
) -> list[tuple[int, Point, int, tuple[str, str, str, str]]]:
    """Return the marks to draw: index of the lane, point, number of events, and mark."""
    points = []
    for index, lane in enumerate(lanes):
        for point in lane.points:
            if point.bar.start not in positions:
                continue
            for mark in _MARKS:
                count = getattr(point, mark[1])
                if mark[1] == "count":
                    count -= point.failures + point.destructive
                if count:
                    points.append((index, point, count, mark))
    return points


def note_lines(notes: Sequence[Annotation], bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """Return lines and bands that mark annotations on a chart whose axis counts *bars*."""
    if not bars:
        return []
    color = style.theme_color("textColor")
    shapes = []
    for note in notes:
        start = charts.bar_position(note.at_time, bars)
        end = charts.bar_position(note.until_time or note.at_time, bars)
        band = note.until_time is not None
        shapes.append(
            {
                "type": "rect" if band else "line",
                "xref": "x",
                "yref": "paper",
                "x0": start,
                "x1": end,
                "y0": 0,
                "y1": 1,
                "line": {"width": 0 if band else 1, "dash": "dot", "color": color},
                "fillcolor": color,
                "opacity": 0.08 if band else 0.7,
                "layer": "below",
            }
        )
    return shapes


def week(
    counts: Sequence[Sequence[int]], zone: ZoneInfo, key: str, pick: Callable[[int, int], None]
) -> None:
    """Draw events by weekday and hour of *zone*; a click calls *pick* with both."""

    def on_click(cell_id: str) -> None:
        day, _, hour = cell_id.partition(" ")
        if day.isdigit() and hour.isdigit():
            pick(int(day), int(hour))

    week_grid(counts, f"Events by weekday and hour, {zone.key}", key, on_click)
