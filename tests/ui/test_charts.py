"""Charts reach the browser as they were made; Plotly accepts figures that no run checks."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest

from trail.events.timeline import Bar
from ui import charts


def _charts() -> None:
    import datetime as dt
    from zoneinfo import ZoneInfo

    from trail.events.lanes import Lane, Point
    from trail.events.timeline import Bar
    from ui import charts, timeline_charts
    from ui.unusual import daily_chart

    hour, zone = dt.timedelta(hours=1), ZoneInfo("Europe/Oslo")
    starts = [dt.datetime(2026, 10, 25) + number * hour for number in range(3)]
    bars = [Bar(at, at + hour, 7) for at in starts]
    names = ["Engage", "<img src=x>"]
    counted = [(bar, {"Engage": 3}) for bar in bars]
    charts.stacked_bars(counted, names, zone, "stack", print, label="Changes")
    lanes = [Lane(name, name, 7, (Point(bars[1], 7, 2, 1),)) for name in names]
    timeline_charts.lanes(lanes, bars, zone, [], [], lambda *_: None)
    day = dt.timedelta(days=1)
    starts = [dt.datetime(2026, 10, 23, 22) + number * day for number in range(3)]
    days = [Bar(at, at + day, 3 * number) for number, at in enumerate(starts)]
    daily_chart.draw_days(days, [True, False, True], starts[1] + hour, zone)


def test_charts_of_bars_and_lanes_agree_on_their_bars() -> None:
    """The hour that is repeated at the end of daylight saving time has two bars."""
    app = AppTest.from_function(_charts).run()
    assert not app.exception
    stack, lanes = (
        json.loads(node.proto.json) for node in app.main if node.type == "bidi_component"
    )
    assert stack["edges"][:3] == lanes["edges"][:3]
    assert stack["series"][0]["counts"] == [3, 3, 3]
    year = "" if dt.datetime.now(dt.UTC).year == 2026 else " 2026"
    assert lanes["labels"] == [
        f"Sun 25 Oct{year} 02:00–02:00",
        f"Sun 25 Oct{year} 02:00–03:00",
        f"Sun 25 Oct{year} 03:00–04:00",
    ]
    assert [lane["points"] for lane in lanes["lanes"]] == [[[1, 4, 2, 1]]] * 2


def test_labels_of_an_axis_name_days_months_and_other_years() -> None:
    zone, hour = ZoneInfo("UTC"), dt.timedelta(hours=1)
    first = dt.datetime(2025, 11, 29, 12)

    def labels(step: dt.timedelta, number: int) -> list[str]:
        starts = [first + step * place for place in range(number)]
        return charts.ticks([Bar(at, at + step, 1) for at in starts], zone)[1]

    assert labels(hour, 8)[:2] == ["12:00", "13:00"]
    two_days = labels(hour, 32)
    assert two_days[:5] == [
        "Sat 29 Nov 2025 12:00",
        "16:00",
        "20:00",
        "Sun 30 Nov 2025 00:00",
        "04:00",
    ]
    assert labels(dt.timedelta(days=1), 5) == [
        *("Sat 29 Nov 2025", "Sun 30", "Mon 1 Dec 2025", "Tue 2", "Wed 3"),
    ]


def test_plotly_accepts_the_figures_that_no_run_checks() -> None:
    app = AppTest.from_function(_charts).run()
    figures = [json.loads(node.proto.spec) for node in app.main if node.type == "plotly_chart"]
    assert len(figures) == 1
    events, hatched = figures[0]["data"]
    assert hatched["x"] == [0, 2]
    red = [color == events["marker"]["color"][1] for color in events["marker"]["color"]]
    assert red == [False, True, False]
    assert [label.split(": ")[1] for label in events["customdata"]] == [
        "no data",
        "3",
        "6, no data of most of the day",
    ]
    for figure in figures:
        drawn = go.Figure(**figure).to_dict()
        assert [trace["type"] for trace in drawn["data"]] == [t["type"] for t in figure["data"]]
