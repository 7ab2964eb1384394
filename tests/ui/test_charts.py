"""Figures reach the browser as they were made; Plotly accepts them, although no run checks it."""

import json

import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest


def _charts() -> None:
    import datetime as dt
    from zoneinfo import ZoneInfo

    from trail.events.lanes import Lane, Point
    from trail.events.timeline import Bar
    from ui import charts, timeline_charts

    hour, zone = dt.timedelta(hours=1), ZoneInfo("Europe/Oslo")
    starts = [dt.datetime(2026, 10, 25) + number * hour for number in range(3)]
    bars = [Bar(at, at + hour, 7) for at in starts]
    names = ["Engage", "<img src=x>"]
    charts.stacked_bars([(at, {"Engage": 3}) for at in starts], names, zone, "stack", print)
    lanes = [Lane(name, name, 7, (Point(bars[1], 7, 2, 1),)) for name in names]
    timeline_charts.lanes(lanes, bars, zone, "lanes", [], [], lambda *_: None)


def test_plotly_accepts_the_figures_that_no_run_checks() -> None:
    app = AppTest.from_function(_charts).run()
    assert not app.exception
    figures = [json.loads(node.proto.spec) for node in app.main if node.type == "plotly_chart"]
    assert len(figures) == 2
    for figure in figures:
        drawn = go.Figure(**figure).to_dict()
        assert [trace["type"] for trace in drawn["data"]] == [t["type"] for t in figure["data"]]
