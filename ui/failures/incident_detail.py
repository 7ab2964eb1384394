"""One incident: its attempts by day, its runs, how often it comes, and what changed before."""

import datetime as dt
from itertools import groupby
from typing import Any

import pandas as pd
import streamlit as st

from trail.filters import Filter
from trail.incidents import words as said
from trail.incidents.model import Change, Incident, Recurrence
from trail.queries import incidents, strips
from trail.queries.strips import Strip, Strips
from ui import actor_names, text, url_state
from ui.components import bridge
from ui.components.day_strip import StripDay, StripRow, day_strip
from ui.failures.incident_table import target
from ui.page import Context

_DAYS, _ROWS, _RUNS = 30, 7, 12


def draw(ctx: Context, filter_: Filter, found: Incident, changes: dict[str, list[Change]]) -> None:
    """Draw the incident *found*."""
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    only = incidents.attempts_filter(store, filter_, found)
    with st.container(horizontal=True, horizontal_alignment="distribute", key="incident-head"):
        st.header(text.escape(target(found)), anchor=False, width="content")
        st.page_link(
            url_state.EXPLORE,
            label="Its attempts in Explore",
            icon=":material/manage_search:",
            query_params=url_state.query_params(only),
        )
    mark = "▲ Open" if found.open else "○ Quiet"
    st.text(
        f"{mark} · {said.headline(found, now, filter_.zone)}; "
        f"{said.current_state(found, now, filter_.zone)}.\n{said.class_text(found)}"
    )
    left, right = st.columns([1.62, 1], gap="small")
    with left:
        with st.container(border=True, gap="xsmall"):
            _strip(ctx, filter_, found, now)
        with st.container(border=True, gap="xsmall"):
            _runs(ctx, filter_, found)
    with right, st.container(border=True, gap="xsmall"):
        _before(ctx, filter_, changes[found.incident_id])
        _again(incidents.recurrence(store, found), found)


def _strip(ctx: Context, filter_: Filter, found: Incident, now: dt.datetime) -> None:
    st.header(f"Failed attempts a day, {_DAYS} days", anchor=False)
    shown = strips.strips(ctx.runtime.store, filter_, now, days=_DAYS, most=_ROWS)
    rows = rows_of(shown)
    for row, each in zip(rows, shown.strips, strict=True):
        row["current"] = each.action == found.action and each.target_id == found.target_id
    draw_strip(shown, rows, filter_, "incident-strip", _DAYS)
    more = f"{text.count(shown.more, 'further target')} failed less often. " if shown.more else ""
    st.caption(f"{more}Press a target to see its failed attempts")


def draw_strip(shown: Strips, rows: list[StripRow], filter_: Filter, key: str, days: int) -> None:
    """Draw *rows*; pressing one opens its attempts of the last *days* days in Explore."""

    def go() -> None:
        for name in bridge.ways(key):
            for each in shown.strips:
                if name == _name(each):
                    url_state.open_page(url_state.EXPLORE, _way(each, filter_, days))

    day_strip(rows, _days(shown, filter_), key, go)


def _name(each: Strip) -> str:
    return f"{each.action}\n{each.target_id or each.target_name}"


def _way(each: Strip, filter_: Filter, days: int) -> Filter:
    only = Filter(start=f"{days}d", tz=filter_.tz).put("action", each.action, "include")
    value = each.target_id or each.target_name
    return only.put("target", value, "include") if value else only


def rows_of(shown: Strips) -> list[StripRow]:
    """Return the rows of a strip, each named by its target."""
    return [
        {
            "go": _name(each),
            "name": each.target_name or each.target_id or each.action,
            "label": f"{each.action}, {each.attempts:,} failed attempts",
            "values": each.by_day,
        }
        for each in shown.strips
    ]


def _days(shown: Strips, filter_: Filter) -> list[StripDay]:
    # Every seventh day has room for its name.
    local = [at.replace(tzinfo=dt.UTC).astimezone(filter_.zone) for at in shown.days]
    return [
        {
            "name": f"{day:%a} {day.day} {day:%b}",
            "tick": f"{day.day} {day:%b}" if place % 7 == 0 else "",
        }
        for place, day in enumerate(local)
    ]


def _runs(ctx: Context, filter_: Filter, found: Incident) -> None:
    rows = incidents.attempts(ctx.runtime.store, found)
    runs = [
        list(group)
        for _, group in groupby(
            sorted(rows, key=lambda row: (row["target_id"] or "", row["run"], row["occurred_at"])),
            key=lambda row: (row["target_id"] or "", row["run"]),
        )
    ]
    runs.sort(key=lambda run: run[0]["occurred_at"], reverse=True)
    st.header(f"Runs: {found.runs:,}", anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                "Run started": [
                    text.timestamp(run[0]["occurred_at"], filter_.zone) for run in runs[:_RUNS]
                ],
                "Target": [run[0]["target_name"] or run[0]["target_id"] for run in runs[:_RUNS]],
                "Attempts": [len(run) for run in runs[:_RUNS]],
                "Spacing": [_spacing(run) for run in runs[:_RUNS]],
            }
        ),
        hide_index=True,
        alt="Runs of this incident",
    )
    if len(runs) > _RUNS or len(rows) < found.attempts:
        st.caption(f"The latest {_RUNS} of {found.runs:,}")


def _spacing(run: list[dict[str, Any]]) -> str:
    if len(run) < 2:
        return "one attempt"
    seconds = (run[-1]["occurred_at"] - run[0]["occurred_at"]).total_seconds() / (len(run) - 1)
    return said.cadence_text(seconds)


def _before(ctx: Context, filter_: Filter, changes: list[Change]) -> None:
    st.header(said.changes_title(changes), anchor=False)
    st.caption("Same target and what it names, 24 h before the first failure")
    if not changes:
        st.text("Nothing that the trail knows of changed before it began.")
    called = actor_names.display_names(ctx.runtime.store, [each.actor_id for each in changes])
    for change in changes:
        kind = "Upstream" if change.upstream else "Preceding"
        kind = "Likely cause" if change.likely_cause else kind
        with st.container(gap="xxsmall"):
            st.text(
                f"{kind} · {change.bits:.1f} bits\n{said.change_text(change)}.\n"
                f"{called[change.actor_id]}, {text.timestamp(change.occurred_at, filter_.zone)}"
            )
            st.page_link(
                url_state.EXPLORE,
                label="See the change",
                query_params=url_state.query_params(
                    url_state.with_range(
                        filter_.cleared(),
                        change.occurred_at,
                        change.occurred_at + dt.timedelta(milliseconds=1),
                    ),
                    event=change.event_id,
                    at=change.occurred_at.isoformat(),
                ),
            )
    if changes:
        st.caption(
            "Bits say how surprising a change so shortly before is, by how often this target "
            "changes. Only a very surprising one is called a likely cause."
        )


def _again(found: Recurrence, incident: Incident) -> None:
    st.header("How often", anchor=False)
    lines = [
        f"{text.count(found.incidents, 'incident')} of this kind in {found.days:.0f} days, "
        f"{found.attempts:,} attempts: {found.share:.0%} of all attempts of this action."
    ]
    if found.mean_interval_s:
        lines.append(f"From one to the next {said.duration_text(found.mean_interval_s)}.")
    lines.append(
        f"Other targets of this action: {found.peer_median_per_30d:.1f} incidents in 30 days; "
        f"this one {found.per_30d:.1f}."
    )
    st.text("\n".join(lines))
