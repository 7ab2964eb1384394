"""When the trail was watched, drawn and in words: under charts, and as a calendar of days."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from trail.coverage import DayCount, Span
from trail.queries.timeline import Bar
from ui import text

# More gaps than this are counted, not listed.
_LISTED = 3
_SHORTEST = dt.timedelta(minutes=2)

_STYLE = """
<style>
.trail-days { display: grid; grid-template-columns: repeat(auto-fill, 22px); gap: 4px;
  max-width: 776px; }
.trail-days span { height: 22px; border-radius: 4px; box-sizing: border-box; position: relative; }
.trail-days .watched { background: color-mix(in srgb, ACCENT 55%, PAGE); }
.trail-days .unknown { background: PANEL; border: 1px solid LINE; }
.trail-days .blind { border: 1px solid WARN;
  background: repeating-linear-gradient(135deg, WARN 0 2px, transparent 2px 6px); }
.trail-days .few::after { content: ""; position: absolute; left: 50%; top: 50%;
  width: 6px; height: 6px; margin: -3px; border-radius: 50%; background: PAGE; }
.trail-legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin-top: 12px;
  font-size: 12.5px; color: GREY; }
.trail-legend div { display: flex; align-items: center; gap: 6px; }
.trail-legend .trail-days { display: inline-grid; grid-template-columns: 14px; }
.trail-legend .trail-days span { height: 14px; }
</style>
"""


def blind(spans: Sequence[Span]) -> list[Span]:
    """Return the gaps that are long enough to tell of: a restart is none."""
    return [span for span in spans if span.state == "blind" and span.end - span.start >= _SHORTEST]


def sentence(spans: Sequence[Span], zone: ZoneInfo) -> str:
    """Return in words when nobody watched: `Blind Tue 24 Nov 02:00–02:40.`; empty for no gap."""
    gaps = blind(spans)
    if not gaps:
        return ""
    told = ", ".join(text.stretch(gap.start, gap.end, zone) for gap in gaps[-_LISTED:])
    more = f" and {len(gaps) - _LISTED} times before" if len(gaps) > _LISTED else ""
    return f"Blind {told}{more}: nobody watched then, so events may be missing."


def strip(spans: Sequence[Span], bars: Sequence[Bar], colour: str) -> list[dict[str, Any]]:
    """Return shapes for a chart whose axis counts *bars*: a mark under each gap."""
    if not bars:
        return []
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": place_of(gap.start, bars),
            "x1": max(place_of(gap.end, bars), place_of(gap.start, bars) + 0.15),
            "y0": 0,
            "y1": 1,
            "line": {"width": 0},
            "fillcolor": colour,
            "opacity": 0.16,
            "layer": "below",
        }
        for gap in blind(spans)
    ]


def place_of(at: dt.datetime, bars: Sequence[Bar]) -> float:
    """Return where *at* (UTC) lies on an axis that counts *bars*."""
    for number, bar in enumerate(bars):
        if at < bar.end:
            return number - 0.5 + max(at - bar.start, dt.timedelta()) / (bar.end - bar.start)
    return len(bars) - 0.5


def calendar(days: Sequence[DayCount], spans: Sequence[Span]) -> None:
    """Draw a square a UTC day: watched, blind for some of it, or from before there was a watch."""
    squares = []
    for each in days:
        kind, told = _kind(each.day, spans)
        usual = f", usually {each.usual:,.0f}" if each.usual is not None else ""
        # The last day is not over, and may yet become a usual one.
        few = each is not days[-1] and each.usual is not None and each.events < each.usual / 4
        label = f"{each.day:%a} {each.day.day} {each.day:%b}: {told}, {each.events:,} events{usual}"
        classes = f"{kind} few" if few and kind == "watched" else kind
        squares.append(
            f'<span class="{classes}" title="{label}" role="img" aria-label="{label}"></span>'
        )
    legend = "".join(
        f'<div><span class="trail-days"><span class="{kind}"></span></span>{name}</div>'
        for kind, name in (
            ("watched", "Watched all day"),
            ("watched few", "Watched, far fewer events than usual"),
            ("blind", "Blind for a part of it"),
            ("unknown", "Before anything was watched"),
        )
    )
    st.html(
        f'{_style()}<div class="trail-days">{"".join(squares)}</div>'
        f'<div class="trail-legend">{legend}</div>'
    )


def _kind(day: dt.date, spans: Sequence[Span]) -> tuple[str, str]:
    start = dt.datetime.combine(day, dt.time())
    end = start + dt.timedelta(days=1)
    lengths = {"watched": dt.timedelta(), "blind": dt.timedelta(), "unknown": dt.timedelta()}
    for span in spans:
        inside = min(span.end, end) - max(span.start, start)
        if inside > dt.timedelta():
            lengths[span.state] += inside
    if lengths["blind"] >= _SHORTEST:
        return "blind", f"blind for {text.length(lengths['blind'].total_seconds())}"
    if lengths["watched"]:
        return "watched", "watched"
    return "unknown", "not watched yet"


def _style() -> str:
    mode = "dark" if st.context.theme.type == "dark" else "light"
    style = _STYLE
    for word, option in (
        ("ACCENT", "greenColor"),
        ("PANEL", "secondaryBackgroundColor"),
        ("LINE", "borderColor"),
        ("WARN", "orangeColor"),
        ("PAGE", "backgroundColor"),
        ("GREY", "grayColor"),
    ):
        style = style.replace(word, str(st.get_option(f"theme.{mode}.{option}")))
    return style
