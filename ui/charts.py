"""Charts, as small Plotly figures: one trace, no legend, no mode bar, colours of the theme.

Figures are plain dicts: building graph objects costs more than the query behind them.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from trail.coverage import Span
from trail.queries.timeline import Bar, Histogram
from ui import coverage

CONFIG = {"displayModeBar": False, "doubleClick": False, "scrollZoom": False}
_GRAINS = {60: "minute", 300: "5 minutes", 900: "15 minutes", 3600: "hour", 86400: "day"}


def grain_words(grain: dt.timedelta) -> str:
    """Return how wide a bar is, in words: `hour`."""
    return _GRAINS.get(int(grain.total_seconds()), "bar")


def histogram(
    found: Histogram,
    zone: ZoneInfo,
    key: str,
    brush: Callable[[Bar, Bar], None],
    spans: Sequence[Span] = (),
) -> None:
    """Draw bars over time; dragging over some calls *brush* with the first and the last of them.

    Of *spans*, those in which nobody watched are shaded.

    The axis counts bars, since the clock of a zone repeats an hour once a year.
    """
    bars = found.bars
    accent = theme("primaryColor")

    def selected() -> None:
        boxes = st.session_state[key]["selection"].get("box", [])
        if boxes:
            low, high = sorted(float(edge) for edge in boxes[0]["x"])
            first = min(max(round(low), 0), len(bars) - 1)
            last = min(max(round(high), first), len(bars) - 1)
            brush(bars[first], bars[last])

    places, texts = ticks(bars, zone)
    figure = {
        "data": [
            {
                "type": "bar",
                "x": list(range(len(bars))),
                "y": [bar.count for bar in bars],
                "marker": {"color": accent},
                "customdata": [span_words(bar, zone) for bar in bars],
                "hovertemplate": "%{customdata}<br>%{y:,}<extra></extra>",
                "selected": {"marker": {"opacity": 1}},
                "unselected": {"marker": {"opacity": 0.45}},
            }
        ],
        "layout": {
            **layout(126),
            "shapes": coverage.strip(spans, bars, theme("orangeColor")),
            "dragmode": "select",
            "selectdirection": "h",
            "newselection": {"line": {"color": accent, "width": 1, "dash": "solid"}},
            "xaxis": axis(
                tickvals=places,
                ticktext=texts,
                range=[-0.6, len(bars) - 0.4],
                ticklabelshift=14,
                ticks="outside",
                ticklen=4,
                tickcolor=theme("borderColor"),
            ),
            "yaxis": value_axis(max((bar.count for bar in bars), default=0)),
        },
    }
    st.plotly_chart(
        figure,
        theme=None,
        key=key,
        on_select=selected,
        selection_mode="box",
        config=CONFIG,
        height=126,
        alt="Events over time",
    )


def stack(
    bars: Sequence[tuple[dt.datetime, dict[str, int]]],
    order: Sequence[str],
    zone: ZoneInfo,
    key: str,
    pick: Callable[[int], None],
) -> None:
    """Draw one stacked bar a day, categories in *order*; a click calls *pick* with its number."""
    colours = categorical()
    page = theme("backgroundColor")

    def selected() -> None:
        points = st.session_state[key]["selection"].get("points", [])
        if points:
            pick(int(points[0]["x"]))

    days = [at.replace(tzinfo=dt.UTC).astimezone(zone) for at, _ in bars]
    every = max(1, round(len(bars) / 8))
    figure = {
        "data": [
            {
                "type": "bar",
                "name": name,
                "x": list(range(len(bars))),
                "y": [counts.get(name, 0) for _, counts in bars],
                "marker": {
                    "color": colours[min(place, len(colours) - 1)],
                    "line": {"width": 1, "color": page},
                },
                "hovertemplate": f"{name}: %{{y:,}}<extra></extra>",
                "unselected": {"marker": {"opacity": 0.45}},
            }
            for place, name in enumerate(order)
        ],
        "layout": {
            **layout(272),
            "barmode": "stack",
            "hovermode": "closest",
            "xaxis": axis(
                tickvals=list(range(0, len(bars), every)),
                ticktext=[_day(day) for day in days[::every]],
            ),
            "yaxis": value_axis(max((sum(counts.values()) for _, counts in bars), default=0)),
        },
    }
    st.plotly_chart(
        figure,
        theme=None,
        key=key,
        on_select=selected,
        selection_mode="points",
        config=CONFIG,
        height=272,
        alt="Changes per day by category",
    )


def ticks(bars: Sequence[Bar], zone: ZoneInfo) -> tuple[list[int], list[str]]:
    """Return where the axis says something: local days, or hours where there are few days."""
    local = [bar.start.replace(tzinfo=dt.UTC).astimezone(zone) for bar in bars]
    starts = [
        number
        for number, at in enumerate(local)
        if number == 0 or at.date() != local[number - 1].date()
    ]
    if len(starts) > 3:
        every = max(1, round(len(starts) / 8))
        # A first day that is nearly over has no room for its name.
        chosen = [
            n for n in starts[::every] if n > 0 or len(starts) < 2 or starts[1] > 6 or every > 1
        ]
        return chosen, [_day(local[number]) for number in chosen]
    every = max(1, len(bars) // 8)
    places = list(range(0, len(bars), every))
    return places, [f"{local[number]:%H:%M}" for number in places]


def layout(height: int) -> dict[str, Any]:
    """Return the look that all charts share."""
    return {
        "template": None,
        "height": height,
        "margin": {"l": 38, "r": 4, "t": 8, "b": 22},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "bargap": 0.15,
        "showlegend": False,
        "hovermode": "x",
        "font": {"family": "Source Sans, sans-serif", "size": 11.5, "color": theme("grayColor")},
        "hoverlabel": {
            "bgcolor": theme("backgroundColor"),
            "bordercolor": theme("borderColor"),
            "font": {"color": theme("textColor"), "size": 12},
        },
    }


def axis(**more: Any) -> dict[str, Any]:
    """Return a horizontal axis without a grid."""
    return {"showgrid": False, "zeroline": False, "fixedrange": True, "tickangle": 0, **more}


def value_axis(highest: int) -> dict[str, Any]:
    """Return a vertical axis with a faint grid and whole numbers."""
    return {
        "showgrid": True,
        "gridcolor": theme("dataframeBorderColor"),
        "zeroline": False,
        "fixedrange": True,
        "nticks": 4,
        "rangemode": "tozero",
        "tickformat": ",d",
        **({"range": [0, 4], "dtick": 2} if highest <= 3 else {}),
    }


def theme(name: str) -> str:
    """Return a colour of the theme in the reader's mode."""
    return str(st.get_option(f"theme.{_mode()}.{name}"))


def categorical() -> list[str]:
    """Return the colours of the categories, in their order."""
    return list(st.get_option(f"theme.{_mode()}.chartCategoricalColors"))


def _mode() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _day(at: dt.datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}" if at.day == 1 else f"{at:%a} {at.day}"


def span_words(bar: Bar, zone: ZoneInfo) -> str:
    """Return when a bar begins and ends, in *zone*."""
    start = bar.start.replace(tzinfo=dt.UTC).astimezone(zone)
    if bar.end - bar.start >= dt.timedelta(hours=23):
        return f"{start:%a} {start.day} {start:%b}"
    end = bar.end.replace(tzinfo=dt.UTC).astimezone(zone)
    return f"{start:%a} {start.day} {start:%b} {start:%H:%M}–{end:%H:%M}"
