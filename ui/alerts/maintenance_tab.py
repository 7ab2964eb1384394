"""Maintenance windows for alerts: a form for new ones, and the list with held-back matches."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import naive_utc, utc_now
from trail.core.errors import InputError
from trail.core.zones import zone_names
from trail.notifications import maintenance, rule_store
from trail.notifications.maintenance import WEEKDAYS, MaintenanceWindow
from ui import forms, text, url_state
from ui.alerts import changes
from ui.page import Context

_ONCE, _WEEKLY = "Once", "Weekly"
_KEY = "window"


def draw(ctx: Context) -> None:
    """Draw the form of a new window, and the windows."""
    store = ctx.runtime.store
    windows = maintenance.list_all(store)
    names = {rule.rule_id: rule.name for rule in rule_store.list_all(store)}
    st.caption(
        "Rules send no messages during a maintenance window. Matches are counted, and reported in "
        "one message after the window."
    )
    with st.expander("New maintenance window", expanded=not windows):
        _form(names)
    now = utc_now()
    for window in windows:
        with st.container(border=True, gap="xsmall"):
            _window(window, names, now)


def draw_held(ctx: Context) -> None:
    """Draw which windows held matches back, for the delivery log."""
    zone = url_state.timezone()
    for window in maintenance.list_all(ctx.runtime.store):
        if window.held:
            st.caption(text.escape(f"○ {window.name}: {_held(window, zone)}"))


def _held(window: MaintenanceWindow, zone: ZoneInfo) -> str:
    count = text.count(window.held, "match", "matches")
    last = f", most recently {text.short_timestamp(window.held_at, zone)}" if window.held_at else ""
    return f"{count} held back{last}"


def _window(window: MaintenanceWindow, names: Mapping[int, str], now: dt.datetime) -> None:
    zone = url_state.timezone()
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left, st.container(gap=None):
        st.subheader(text.escape(window.name), anchor=False)
        st.text(_state(window, now, zone))
        rules = ", ".join(names.get(number, "a deleted rule") for number in window.rule_ids)
        made = f"by {window.made_by}"
        if window.made_at:
            made += f", {text.short_timestamp(window.made_at, zone)}"
        parts = (when(window), rules or "All rules", window.reason, made)
        st.caption(text.escape(" · ".join(part for part in parts if part)))
        if window.held:
            st.caption(_held(window, zone))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            "Delete",
            key=f"delete-window-{window.window_id}",
            on_click=changes.attempt,
            args=(
                f"maintenance window {window.name}",
                lambda cursor, _: maintenance.remove(cursor, window.window_id),
                "deleted",
            ),
        )


def _state(window: MaintenanceWindow, now: dt.datetime, zone: ZoneInfo) -> str:
    if end := window.end_at(now):
        return f"● Now, until {text.short_timestamp(end, zone)}"
    if window.weekly or (window.starts_at and window.starts_at > now):
        return "○ Planned"
    return "✓ Ended"


def when(window: MaintenanceWindow) -> str:
    """Return the time of a window as text, in the window's own zone."""
    if window.weekly:
        day = WEEKDAYS[window.weekday]
        return f"{day}s {window.start_time}–{window.end_time}, {window.zone}"
    assert window.starts_at and window.ends_at
    zone = ZoneInfo(window.zone)
    return f"{text.time_range(window.starts_at, window.ends_at, zone)}, {window.zone}"


def _form(names: Mapping[int, str]) -> None:
    kind = st.segmented_control(
        "Repeats", (_ONCE, _WEEKLY), default=_ONCE, required=True, key=f"{_KEY}-kind"
    )
    weekly = kind == _WEEKLY
    today = dt.datetime.now(url_state.timezone()).date()
    zones = sorted(zone_names())
    cleared = (f"{_KEY}-name", f"{_KEY}-reason")
    with forms.form(f"new-{_KEY}", "Save window", lambda: _save(weekly=weekly), cleared):
        left, right = st.columns(2, gap="small")
        left.text_input("Name", max_chars=80, key=f"{_KEY}-name")
        right.text_input("Reason", max_chars=300, key=f"{_KEY}-reason")
        first, second, third, fourth = st.columns(4, gap="small")
        if weekly:
            first.selectbox(
                "Weekday", range(len(WEEKDAYS)), format_func=WEEKDAYS.__getitem__, key=f"{_KEY}-day"
            )
        else:
            first.date_input(
                "Days", (today, today), min_value=today, format="YYYY-MM-DD", key=f"{_KEY}-days"
            )
        second.time_input("From", dt.time(1), key=f"{_KEY}-from")
        third.time_input("To", dt.time(3), key=f"{_KEY}-to")
        fourth.selectbox(
            "Time zone", zones, index=zones.index(url_state.timezone_name()), key=f"{_KEY}-zone"
        )
        st.multiselect(
            "Rules (all if empty)", list(names), format_func=names.__getitem__, key=f"{_KEY}-rules"
        )


def _save(*, weekly: bool) -> str:
    def given(name: str) -> object:
        return st.session_state[f"{_KEY}-{name}"]

    start, end = given("from"), given("to")
    assert isinstance(start, dt.time) and isinstance(end, dt.time)
    rules, day = given("rules"), given("day") if weekly else 0
    assert isinstance(rules, list) and isinstance(day, int)
    window = MaintenanceWindow(
        str(given("name")).strip(),
        weekly=weekly,
        weekday=day,
        start_time=f"{start:%H:%M}",
        end_time=f"{end:%H:%M}",
        zone=str(given("zone")),
        rule_ids=tuple(rules),
        reason=str(given("reason")).strip(),
    )
    if not weekly:
        window = _once(window, given("days"), start, end)
    window.check()
    changes.write(
        f"maintenance window {window.name}",
        lambda cursor, by: maintenance.add(cursor, window, by),
        ". ".join(part for part in (when(window), window.reason) if part),
    )
    return "Window saved."


def _once(
    window: MaintenanceWindow, days: object, start: dt.time, end: dt.time
) -> MaintenanceWindow:
    """Return *window* from *start* on the first of *days* to *end* on the last, in its zone."""
    if not isinstance(days, tuple) or not days:
        raise InputError("The days are missing.", "Choose the first and the last day.")
    zone = ZoneInfo(window.zone)
    # As with weekly windows, the later of two possible ends around a clock change.
    starts_at = naive_utc(dt.datetime.combine(days[0], start, zone))
    ends_at = naive_utc(dt.datetime.combine(days[-1], end, zone).replace(fold=1))
    return MaintenanceWindow(
        window.name,
        starts_at=starts_at,
        ends_at=ends_at,
        zone=window.zone,
        rule_ids=window.rule_ids,
        reason=window.reason,
    )
