"""Charts of the Timeline: activity and an earlier period, lanes, hours of the week."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from trail.events.annotations import Annotation
from trail.events.coverage import Span
from trail.events.lanes import Lane, Point
from trail.events.timeline import Bar, Histogram
from ui import charts, text
from ui.components.lane_chart import Pick, lane_chart
from ui.components.time_chart import Brush, Series, time_chart
from ui.components.time_chart import Span as ChartSpan
from ui.components.week_grid import week_grid
from ui.known_time import Known
from ui.week_start import week_start


def activity(
    result: Histogram,
    categories: Sequence[Lane],
    before: Sequence[int | None],
    zone: ZoneInfo,
    spans: Sequence[Span],
    notes: Sequence[Annotation],
    brush: Brush,
    known: Known,
) -> None:
    """Draw stacked bars over time by category, and the counts *before* as a dotted line.

    Selecting bars calls *brush* with their start and end.
    """
    positions = {bar.start: index for index, bar in enumerate(result.bars)}
    label = "Events over time by category"
    label += ", those of an earlier period as a dotted line" if before else ""
    chart = charts.bars_over_time(label, result.bars, zone, spans, height=150, known=known)
    if before:
        chart["before"] = list(before)
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
    counts: Sequence[Sequence[int]], zone: ZoneInfo, key: str, pick: Callable[[int, int], None]
) -> None:
    """Draw events by weekday and hour of *zone*; a click calls *pick* with both."""

    def on_click(cell_id: str) -> None:
        day, _, hour = cell_id.partition(" ")
        if day.isdigit() and hour.isdigit():
            pick(int(day), int(hour))

    week_grid(counts, week_start(), f"Events by weekday and hour, {zone.key}", key, on_click)
