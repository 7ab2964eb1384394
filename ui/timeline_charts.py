"""Charts of the Timeline: activity and the expected range, lanes, hours of the week."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from trail.events.annotations import Annotation
from trail.events.coverage import Span
from trail.events.expected_range import Expected
from trail.events.hours_of_week import HourOfWeek
from trail.events.lanes import Lane, Point
from trail.events.timeline import Bar, Histogram
from ui import charts, known_time, text
from ui.components.lane_chart import Pick, lane_chart
from ui.components.time_chart import Brush, ExpectedRange, LegendEntry, Series, time_chart
from ui.components.time_chart import Span as ChartSpan
from ui.components.week_grid import WEEKDAYS, Cell, week_grid
from ui.known_time import Known
from ui.week_start import week_start


def activity(
    result: Histogram,
    categories: Sequence[Lane],
    expected: Expected,
    zone: ZoneInfo,
    spans: Sequence[Span],
    notes: Sequence[Annotation],
    brush: Brush,
    known: Known,
) -> None:
    """Draw stacked bars over time by category above the *expected* range of their sum.

    Selecting bars calls *brush* with their start and end.
    """
    positions = {bar.start: index for index, bar in enumerate(result.bars)}
    label = "Events over time by category"
    chart = charts.bars_over_time(label, result.bars, zone, spans, height=150, known=known)
    chart["expected"] = _range_columns(expected)
    legend = [_expected_entry(expected)]
    if (running := known.running(result.bars)) is not None:
        bar = charts.bar_label(result.bars[running], zone)
        legend.append({"kind": "running", "text": f"{known_time.SO_FAR.capitalize()}: {bar}"})
    chart["legend"] = legend
    chart["spans"] = [*chart["spans"], *_note_spans(notes, result.bars)]
    series: list[Series] = []
    for lane in sorted(categories, key=lambda item: int(text.category_color(item.value))):
        counts = [0] * len(result.bars)
        for point in lane.points:
            counts[positions[point.bar.start]] = point.count
        square = text.category_color(lane.value)
        series.append({"name": lane.value, "square": square, "counts": counts})
    chart["series"] = series
    time_chart(chart, "activity", brush)


def activity_table(
    result: Histogram, expected: Expected, zone: ZoneInfo, known: Known
) -> dict[str, list[Any]]:
    """Return the columns of the bars of `activity`, with their expected range and notes."""
    notes, ranges = known.notes(result.bars, zone), _range_columns(expected)
    return {
        "From": [text.timestamp(bar.start, zone) for bar in result.bars],
        "Events": [bar.count for bar in result.bars],
        "Expected from": list(ranges["low"]),
        "Expected median": list(ranges["median"]),
        "Expected to": list(ranges["high"]),
        "Weeks": [item.weeks if item else None for item in expected.ranges],
        "Note": [notes.get(index, "") for index in range(len(result.bars))],
    }


def lanes(
    lanes: Sequence[Lane],
    bars: Sequence[Bar],
    zone: ZoneInfo,
    spans: Sequence[Span],
    notes: Sequence[Annotation],
    pick: Pick,
    known: Known | None = None,
) -> None:
    """Draw a row of marks for each lane; choosing a mark calls *pick* with its lane and period."""
    positions = {bar.start: index for index, bar in enumerate(bars)}
    label = "Events by lane over time"
    chart = charts.bars_over_time(label, bars, zone, spans, height=0, known=known)
    lane_chart(
        {
            "label": chart["label"],
            "edges": chart["edges"],
            "labels": chart["labels"],
            "ticks": chart["ticks"],
            # The text is on the chart above.
            "spans": [
                {"start": span["start"], "end": span["end"], "kind": span["kind"]}
                for span in (*chart["spans"], *_note_spans(notes, bars))
            ],
            "lanes": [
                {
                    "value": lane.value,
                    "label": lane.label,
                    "points": [
                        _point(positions[point.bar.start], point)
                        for point in lane.points
                        if point.bar.start in positions
                    ],
                }
                for lane in lanes
            ],
        },
        "lanes",
        pick,
    )


def _point(bar: int, point: Point) -> list[int]:
    others = point.count - point.failures - point.destructive
    return [bar, others, point.failures, point.destructive]


def _note_spans(notes: Sequence[Annotation], bars: Sequence[Bar]) -> list[ChartSpan]:
    """Return the annotations in positions of *bars*."""
    if not bars:
        return []
    ends = [(note.at_time, note.until_time or note.at_time) for note in notes]
    return [
        {
            "start": charts.bar_position(start, bars),
            "end": charts.bar_position(end, bars),
            "kind": "note",
        }
        for start, end in ends
    ]


def week(
    hours: Sequence[Sequence[HourOfWeek]],
    zone: ZoneInfo,
    key: str,
    pick: Callable[[int, int], None],
) -> None:
    """Draw average events by weekday and hour of *zone*; a click calls *pick* with both."""

    def on_click(cell_id: str) -> None:
        day, _, hour = cell_id.partition(" ")
        if day.isdigit() and hour.isdigit():
            pick(int(day), int(hour))

    cells: list[list[Cell]] = [
        [
            {
                "average": item.average,
                "text": hour_text(day, hour, item),
                "empty": not item.all_events,
            }
            for hour, item in enumerate(row)
        ]
        for day, row in enumerate(hours)
    ]
    week_grid(cells, week_start(), f"Average events by weekday and hour, {zone.key}", key, on_click)


def week_table(hours: Sequence[Sequence[HourOfWeek]]) -> dict[str, list[Any]]:
    """Return the columns of the hours of the week: the average, and what it is made of."""
    days = [*range(week_start(), 7), *range(week_start())]
    rows = [(day, hour, hours[day][hour]) for day in days for hour in range(24)]
    return {
        "Weekday": [WEEKDAYS[day] for day, _, _ in rows],
        "Hour": [f"{hour:02d}:00" for _, hour, _ in rows],
        "Average events": [
            None if item.average is None else text.rounded(item.average) for _, _, item in rows
        ],
        "Events": [item.events for _, _, item in rows],
        "Complete hours": [item.hours for _, _, item in rows],
    }


def hour_text(day: int, hour: int, item: HourOfWeek) -> str:
    """Return what a cell of the week says: `4.2 per Monday 09:00, 3 Mondays`."""
    name = f"{WEEKDAYS[day]} {hour:02d}:00"
    if item.average is None:
        return f"{name}: no complete hour with data"
    return f"{text.average(item.average)} per {name}, {text.count(item.hours, WEEKDAYS[day])}"


def _range_columns(expected: Expected) -> ExpectedRange:
    return {
        "low": [text.rounded(item.low) if item else None for item in expected.ranges],
        "median": [text.rounded(item.median) if item else None for item in expected.ranges],
        "high": [text.rounded(item.high) if item else None for item in expected.ranges],
    }


def _expected_entry(expected: Expected) -> LegendEntry:
    if expected.reason:
        return {"kind": "", "text": expected.reason}
    least, most = expected.weeks
    weeks = f"{most}" if least == most else f"{least} to {most}"
    return {
        "kind": "expected",
        "text": f"Expected (median and middle half of the last {weeks} weeks)",
    }
