"""Panels side by side: warehouse runs, syncs of audiences and traits, and what else fails."""

from dataclasses import replace
from typing import Literal

import streamlit as st

from trail.core.clock import naive_utc
from trail.incidents import attempt_strip, incident_text
from trail.incidents.incident import QUIET, has_ended
from trail.incidents.listing import triage_of
from trail.incidents.spotlight import DAYS, Spotlight, Target, spotlights
from trail.storage.filters import Filter
from trail.triage.records import NONE, Triage
from ui import coverage_banner, style, text, url_state
from ui.components.day_strip import StripDay, StripRow, day_strip
from ui.failures import incident_table
from ui.failures.badge import badge
from ui.failures.incident_detail import strip_days
from ui.page import Context
from ui.triage_menu import name_of

_ROWS = 4
_STYLE = """
.trail-levels { display: flex; flex-wrap: wrap; gap: 2px 14px; justify-content: flex-end; }
.trail-levels span { color: GREY; font-size: 12.5px; white-space: nowrap; }
.trail-levels i { display: inline-block; width: 12px; height: 12px; margin-right: 6px;
  border-radius: 2px; vertical-align: -1px; }
.trail-levels .some { background: color-mix(in srgb, RED 50%, PAGE); }
.trail-levels .every { background: RED; }
.trail-levels .nodata { border: 1px solid LINE;
  background: repeating-linear-gradient(135deg, LINE 0 1px, transparent 1px 4px); }
"""


def draw(ctx: Context, filter_: Filter) -> None:
    """Draw the panels, two side by side, and what their shades mean."""
    panels = spotlights(ctx.store, ctx.now, filter_.tz)
    for start in range(0, len(panels), 2):
        for column, panel in zip(
            st.columns(2, gap="small"), panels[start : start + 2], strict=False
        ):
            with column, st.container(border=True, gap="xsmall", height="stretch"):
                _panel(ctx, filter_, panel)
    _legend()


def _legend() -> None:
    """Draw what the shades of the days mean."""
    keys = "".join(
        f'<span><i class="{level}"></i>{name}</span>'
        for level, name in (
            ("some", "some attempts failed"),
            ("every", "a run failed on every attempt"),
            ("nodata", "no data"),
        )
    )
    st.html(f'<style>{style.themed(_STYLE)}</style><div class="trail-levels">{keys}</div>')


def _panel(ctx: Context, filter_: Filter, panel: Spotlight) -> None:
    failed = text.count(len(panel.targets), "target")
    name = panel.kind.name
    with st.container(horizontal=True, horizontal_alignment="distribute", key=f"spot-{name}"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.header(panel.kind.title, anchor=False, width="content")
            if panel.open > panel.unknown:
                badge(f"▲ {panel.open:,} open", "red")
            elif panel.open:
                badge(f"? {panel.open:,} last known failing", "amber")
        st.caption(f"{failed} failed in {DAYS} days, today right", width="content")
    if not panel.targets:
        missing = coverage_banner.missing_in(ctx, replace(filter_, end=""))
        st.text(f"{'?' if missing else '✓'} No failed attempts in {DAYS} days. {missing}")
        return
    shown = panel.targets[:_ROWS]
    triage = triage_of(ctx.store, [target.incident for target in shown])
    rows = [
        _row(ctx, filter_, panel, target, triage.get(target.incident.incident_id, NONE), name)
        for target, name in zip(
            shown, attempt_strip.names([target.strip for target in shown]), strict=True
        )
    ]
    by_id = {row["id"]: target for row, target in zip(rows, shown, strict=True)}

    def open_incident(row_id: str) -> None:
        url_state.put_params(incident=by_id[row_id].incident.incident_id)

    days: list[StripDay] = [{**day, "tick": ""} for day in strip_days(panel.strips, filter_)]
    day_strip(rows, days, f"spot-rows-{name}", open_incident)
    rest = panel.targets[_ROWS:]
    if rest:
        running = len({target.incident.incident_id for target in rest if target.incident.open})
        st.button(
            f"{text.count(len(rest), 'other target')}, "
            + (f"{running:,} open" if running else "no open incident"),
            type="tertiary",
            key=f"rest-{name}",
            on_click=lambda: url_state.set_url(
                panel.filter, group="open" if running else "", owner="", pattern="", order=""
            ),
        )


def _row(
    ctx: Context, filter_: Filter, panel: Spotlight, target: Target, triage: Triage, name: str
) -> StripRow:
    strip, incident = target.strip, target.incident
    glyph, tone = incident_table.mark(incident)
    if incident.state == QUIET and has_ended(incident.known_until, naive_utc(ctx.now)):
        glyph = "?"
    state = incident_text.status_text(incident, ctx.now, filter_.zone)
    return {
        "id": f"{strip.action}\n{strip.target}",
        "name": name,
        "label": strip.action,
        "values": strip.by_day,
        "levels": [
            _level(number, exhausted=failed, no_data=missing)
            for number, failed, missing in zip(
                strip.by_day, strip.exhausted, panel.strips.no_data, strict=True
            )
        ],
        "glyph": glyph,
        "tone": tone,
        "state": state,
        "assignee": name_of(triage.assignee) if triage.assignee else "–",
    }


def _level(
    number: int, *, exhausted: bool, no_data: bool
) -> Literal["none", "some", "every", "nodata"]:
    if exhausted:
        return "every"
    if number:
        return "some"
    return "nodata" if no_data else "none"
