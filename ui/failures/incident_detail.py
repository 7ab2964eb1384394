"""One incident: attempts by day, runs, recurrence, and what changed before it."""

import datetime as dt
from itertools import groupby
from typing import Any

import pandas as pd
import streamlit as st

from trail.events import counts, overview
from trail.incidents import attempt_strip, cause_score, columns, queries
from trail.incidents import incident_text as wording
from trail.incidents.attempt_strip import Strip, Strips
from trail.incidents.columns import Scene
from trail.incidents.grouping import MAX_ATTEMPTS
from trail.incidents.incident import Change, Incident, Recurrence
from trail.incidents.listing import Line
from trail.storage import cold_tier
from trail.storage.filters import Filter, Window
from trail.triage import records
from ui import text, triage_comments, triage_menu, url_state
from ui.components.day_strip import StripDay, StripRow, day_strip
from ui.failures.badge import badge
from ui.failures.incident_table import STRENGTHS, mark
from ui.page import Context

_DAYS, _ROWS, _RUNS = 30, 7, 12
_MISSING = "archived events of this time cannot be read"


def draw(ctx: Context, filter_: Filter, line: Line, scene: Scene) -> None:
    """Draw the incident of *line*."""
    store, now, incident = ctx.store, ctx.now, line.incident
    only = queries.attempts_filter(store, filter_, incident, now)
    subject = records.subject("incident", incident.incident_id)
    what = wording.target_label(incident)
    glyph, tone = mark(incident)
    with st.container(horizontal=True, horizontal_alignment="distribute", key="incident-head"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.header(text.escape(columns.target(incident)), anchor=False, width="content")
            badge(f"{glyph} {wording.state_text(incident.state)}, {incident.class_}", tone)
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            triage_menu.draw(ctx, line.triage, subject, what, f"of-{subject}")
            if ctx.user.may("configure"):
                st.page_link(
                    url_state.ALERTS,
                    label="Alert on this",
                    icon=":material/notifications:",
                    query_params={
                        "rule": only.query(),
                        "name": what[:80],
                    },
                )
    st.text(
        f"{wording.headline(incident, now, filter_.zone)}; "
        f"{wording.current_state(incident, now, filter_.zone)}.\n"
        f"{wording.facts_text(incident)}. {wording.class_text(incident)}\n"
        f"Owner: {columns.owner_text(line.owner)}."
    )
    st.page_link(
        url_state.EXPLORE,
        label=f"Show {text.count(incident.attempts, 'failed attempt')} in Explore",
        icon=":material/manage_search:",
        query_params=url_state.query_params(only),
    )
    left, right = st.columns([1.62, 1], gap="small")
    with left:
        with st.container(border=True, gap="xsmall"):
            _strip(ctx, filter_, incident, now)
        with st.container(border=True, gap="xsmall"):
            _runs(ctx, filter_, incident)
    with right:
        with st.container(border=True, gap="xsmall"):
            _before(ctx, filter_, incident, list(line.causes))
        with st.container(border=True, gap="xsmall"):
            triage_comments.draw(ctx, line.triage, subject, what)
        with st.container(border=True, gap="xsmall"):
            _recurrence(queries.recurrence(store, incident))


def _strip(ctx: Context, filter_: Filter, incident: Incident, now: dt.datetime) -> None:
    st.header(f"Failed attempts per day, last {_DAYS} days", anchor=False)
    shown = attempt_strip.strips(ctx.store, filter_, now, days=_DAYS, most=_ROWS)
    rows = rows_of(shown)
    for row, strip in zip(rows, shown.strips, strict=True):
        row["current"] = (strip.action, strip.target) == (incident.action, incident.target)
    draw_strip(shown, rows, filter_, "incident-strip", _DAYS)
    more = f"{text.count(shown.more, 'more target')} with fewer failures. " if shown.more else ""
    unknown = sum(shown.no_data)
    lost = f"Hatched: no data, {text.count(unknown, 'day')}. " if unknown else ""
    st.caption(f"{lost}{more}Click a target to see its failed attempts")


def draw_strip(shown: Strips, rows: list[StripRow], filter_: Filter, key: str, days: int) -> None:
    """Draw *rows*; a click on one opens its attempts of the last *days* days in Explore."""

    def open_attempts(row_id: str) -> None:
        for strip in shown.strips:
            if row_id == _row_id(strip):
                url_state.open_page(url_state.EXPLORE, _attempts_filter(strip, filter_, days))

    day_strip(rows, strip_days(shown, filter_), key, open_attempts)


def _row_id(strip: Strip) -> str:
    return f"{strip.action}\n{strip.target_id or strip.target_name}"


def _attempts_filter(strip: Strip, filter_: Filter, days: int) -> Filter:
    only = Filter(start=f"{days}d", tz=filter_.tz).put("action", strip.action, "include")
    value = strip.target_id or strip.target_name
    return only.put("target", value, "include") if value else only


def rows_of(shown: Strips) -> list[StripRow]:
    """Return the rows of a strip, each named by its target."""
    return [
        {
            "id": _row_id(strip),
            "name": name,
            "label": f"{strip.action}, {strip.attempts:,} failed attempts",
            "values": strip.by_day,
        }
        for strip, name in zip(shown.strips, attempt_strip.names(shown.strips), strict=True)
    ]


def strip_days(shown: Strips, filter_: Filter) -> list[StripDay]:
    """Return the days of a strip, named in the zone of *filter_*."""
    # Only every seventh day has room for a label.
    local = [at.replace(tzinfo=dt.UTC).astimezone(filter_.zone).date() for at in shown.days]
    ticks = text.axis_days(local[::7], filter_.zone)
    return [
        {
            "name": text.day(date, filter_.zone),
            "tick": ticks[index // 7] if index % 7 == 0 else "",
            "unknown": unknown,
        }
        for index, (date, unknown) in enumerate(zip(local, shown.no_data, strict=True))
    ]


def _runs(ctx: Context, filter_: Filter, incident: Incident) -> None:
    rows = queries.attempts(ctx.store, incident)
    runs = [
        list(group)
        for _, group in groupby(
            sorted(rows, key=lambda row: (row["target_id"] or "", row["run"], row["occurred_at"])),
            key=lambda row: (row["target_id"] or "", row["run"]),
        )
    ]
    runs.sort(key=lambda run: run[0]["occurred_at"], reverse=True)
    st.header(f"Runs: {incident.runs:,}", anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                "Run started": [
                    text.timestamp(run[0]["occurred_at"], filter_.zone) for run in runs[:_RUNS]
                ],
                "Target": [run[0]["target_name"] or run[0]["target_id"] for run in runs[:_RUNS]],
                "Attempts": [len(run) for run in runs[:_RUNS]],
                "Interval": [_attempt_interval(run) for run in runs[:_RUNS]],
                "Result": [_result(run) for run in runs[:_RUNS]],
            }
        ),
        hide_index=True,
        alt="Runs of this incident",
    )
    if len(rows) < incident.attempts and _is_missing(ctx, incident.first_at, incident.last_at):
        which = "Some failed attempts" if rows else "The failed attempts"
        st.text(f"{which} cannot be shown: {_MISSING}.")
    elif len(runs) > _RUNS or len(rows) < incident.attempts:
        st.caption(f"Latest {min(len(runs), _RUNS):,} of {text.count(incident.runs, 'run')}")


def _result(run: list[dict[str, Any]]) -> str:
    return "Retries exhausted" if len(run) >= MAX_ATTEMPTS else "Fewer attempts failed"


def _attempt_interval(run: list[dict[str, Any]]) -> str:
    if len(run) < 2:
        return "single attempt"
    seconds = (run[-1]["occurred_at"] - run[0]["occurred_at"]).total_seconds() / (len(run) - 1)
    return wording.cadence_text(seconds)


def _is_missing(ctx: Context, start: dt.datetime, end: dt.datetime) -> bool:
    """Return whether archived events of the time from *start* to *end* cannot be read."""
    return bool(cold_tier.missing(ctx.store, Window(start, end)))


def _before(ctx: Context, filter_: Filter, incident: Incident, changes: list[Change]) -> None:
    start = incident.first_at - cause_score.LOOK_BACK
    is_missing = _is_missing(ctx, start, incident.first_at)
    title = "Changes" if is_missing and not changes else wording.changes_title(changes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(title, anchor=False, width="content")
        if changes:
            badge(f"{changes[0].strength} evidence", STRENGTHS[changes[0].strength])
    st.caption("Changes of this target and of what it refers to, 24 hours before the first failure")
    if is_missing:
        which = "Other changes may be missing" if changes else "Changes cannot be shown"
        st.text(f"{which}: {_MISSING}.")
    elif not changes:
        st.text("No recorded change before the first failure.")
    for change in changes:
        kind = "Upstream change" if change.upstream else "Preceding change"
        kind = "Likely cause" if change.likely_cause else kind
        with st.container(gap="xxsmall"):
            st.text(
                f"{kind}, {wording.evidence_text(change)}\n{wording.change_text(change)}.\n"
                f"{change.actor}, {text.timestamp(change.occurred_at, filter_.zone)}"
            )
            st.page_link(
                url_state.EXPLORE,
                label="Open the change",
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
    around = overview.changes(url_state.with_range(filter_.cleared(), start, incident.first_at))
    number = counts.count(ctx.store, around, ctx.now)
    st.page_link(
        url_state.EXPLORE,
        label=f"Show all {text.count(number, 'change')} of those 24 hours in Explore",
        query_params=url_state.query_params(around),
    )
    if changes:
        st.caption(
            "Evidence rests on how often a change falls this close before a failure by chance, "
            "given how often this target changes and fails: strong if that is rare, moderate below "
            "one in ten, else weak. Changes upstream are never more than weak evidence."
        )


def _recurrence(recurrence: Recurrence) -> None:
    st.header("Recurrence", anchor=False)
    lines = [
        f"{text.count(recurrence.incidents, 'incident')} of this kind in "
        f"{recurrence.days:.0f} days with {text.count(recurrence.attempts, 'failed attempt')} "
        f"({text.percent(recurrence.share)} of all attempts of this action)."
    ]
    if recurrence.mean_interval_s:
        lines.append(
            f"Mean time between incidents: {wording.duration_text(recurrence.mean_interval_s)}."
        )
    lines.append(
        f"Incidents in 30 days: {recurrence.per_30d:.1f} on this target, "
        f"{recurrence.peer_median_per_30d:.1f} on other targets."
    )
    st.text("\n".join(lines))
