"""Retention: what the next run removes, the legal holds, and the archive."""

import datetime as dt
from itertools import groupby

import streamlit as st

from trail.core.clock import utc_now
from trail.core.text import printable
from trail.findings import expiring
from trail.retention import expiry, legal_holds, policy, shrink
from trail.retention.policy import Preview
from trail.retention.shrink import Unreviewed
from trail.storage import cold_tier
from trail.storage.filters import Filter
from ui import clock_warning, forms, tables, text, url_state
from ui.audit import record_action
from ui.page import Context, acting_user, acts

_KINDS = {"event": "Event", "target": "Target", "period": "Period"}
_MAX_DAYS = 14
# Archived months that are listed at once, and the width of their texts.
_MONTHS, _MONTH_WIDTH = 12, 340
_SOON = dt.timedelta(days=7)
_VALUE, _DAYS, _REASON = "hold-what", "hold-days", "hold-reason"


def draw(ctx: Context) -> None:
    """Draw the next removal, the legal holds, and the archive."""
    clock_warning.ask(ctx)
    _ask_about_unreviewed(ctx)
    with st.container(border=True, gap="xsmall"):
        _next_run(ctx)
    with st.container(border=True, gap="xsmall"):
        _holds(ctx)
    with st.container(border=True, gap="xsmall"):
        _archive(ctx)


def _ask_about_unreviewed(ctx: Context) -> None:
    """Draw what a shorter retention period removes unreviewed, and the owner's confirmation."""
    found = shrink.unreviewed(ctx.runtime.store, ctx.runtime.settings, utc_now())
    if not found or not found.count:
        return
    with st.container(border=True, gap="xsmall"):
        st.subheader("Shorter retention period", anchor=False)
        st.text(f"▲ {found.error()}")
        with st.expander("Unreviewed"):
            st.text("\n".join(printable(line) for line in found.lines()))
        with st.container(horizontal=True, vertical_alignment="center"):
            sure = st.checkbox(f"All {found.count:,} may expire", key="shrink-sure")
            st.button(
                "Confirm the shorter period",
                key="shrink-confirm",
                disabled=not sure,
                on_click=_confirm_shrink,
                args=(ctx, found),
            )


@acts("configure")
def _confirm_shrink(ctx: Context, shown: Unreviewed) -> None:
    shrink.confirm(ctx.runtime.store, shown)
    detail = f"{shown.before} to {shown.after} days, {shown.count} unreviewed"
    record_action("shrink_confirmed", ctx.user, "Admin page", detail)
    ctx.runtime.schedule.run_now("retention")
    st.toast("Confirmed. Retention goes on.")


def _next_run(ctx: Context) -> None:
    store, settings, now = ctx.runtime.store, ctx.runtime.settings, utc_now()
    preview = policy.preview(store, settings, now)
    kept = text.count(settings.store.retention_days, "day")
    where = "The database keeps events" if settings.store.archive else "Events are kept"
    st.subheader(f"{where} for {kept}", anchor=False)
    if preview.events:
        st.text(
            f"The next run removes {text.count(preview.events, 'event')} from {preview.first} "
            f"to {preview.last} (UTC days)."
        )
    else:
        where = " in the database" if settings.store.archive else ""
        st.text(f"✓ No events before {preview.cutoff:%Y-%m-%d}, 00:00 UTC{where}")
    if preview.held:
        st.text(f"{text.count(preview.held, 'older event')} under legal hold")
    if settings.store.archive:
        st.caption("Events are archived before they are removed from the database.")
    else:
        st.caption("Events are not archived before removal: store.archive is off.")
    if warning := expiring.expiring(store, settings, dt.datetime.now(dt.UTC)).text():
        st.text(f"▲ {warning}")
    later = policy.preview(store, settings, now + _SOON).events - preview.events
    if later:
        st.caption(f"{text.count(later, 'more event')} expire within {_SOON.days} days.")
    if preview.days:
        with st.expander("By day"):
            _removal_by_day(preview)
    is_due = bool(preview.events or expiry.due(store, settings, now))
    with st.container(horizontal=True, vertical_alignment="center"):
        confirmed = st.checkbox(
            "Remove now, not with the next hourly run", key="retain-sure", disabled=not is_due
        )
        st.button(
            "Remove events",
            key="retain-now",
            disabled=not confirmed,
            on_click=_remove,
            args=(ctx,),
        )


def _removal_by_day(preview: Preview) -> None:
    shown = preview.days[:_MAX_DAYS]
    tables.draw(
        {
            "Day (UTC)": [str(day.day) for day in shown],
            "To remove": [day.events for day in shown],
            "On hold": [day.held for day in shown],
        },
        "Events to remove by day",
    )
    if len(preview.days) > _MAX_DAYS:
        st.caption(f"First {_MAX_DAYS} of {len(preview.days):,} days")


@acts("configure")
def _remove(ctx: Context) -> None:
    store, settings = ctx.runtime.store, ctx.runtime.settings
    purged = policy.retain(store, settings, utc_now(), made_by=ctx.user.username)
    record_action(
        "retained", ctx.user, "manually", f"{purged.events:,} removed, {purged.held:,} held"
    )
    expired = purged.expired.events
    st.toast(
        f"{text.count(purged.events, 'event')} removed, {purged.archived:,} archived, "
        f"{purged.held:,} on hold"
        + (f"; {text.count(expired, 'archived event')} removed" if expired else "")
    )


def _holds(ctx: Context) -> None:
    st.subheader("Legal holds", anchor=False)
    active = legal_holds.active(ctx.runtime.store)
    if not active:
        st.text("No legal holds")
    for hold in active:
        left, right = st.columns([4, 1], vertical_alignment="center")
        scope = (
            text.time_range(hold["from_at"], hold["to_at"], url_state.timezone())
            if hold["kind"] == "period"
            else hold["value"]
        )
        left.text(f"{_KINDS[hold['kind']]}: {scope}\n{hold['reason']} ({hold['made_by']})")
        right.button(
            "End hold",
            key=f"end-hold-{hold['hold_id']}",
            on_click=_end_hold,
            args=(ctx, hold["hold_id"]),
        )
    with st.expander("New legal hold"):
        _hold_form(ctx)


@acts("configure")
def _end_hold(ctx: Context, number: int) -> None:
    legal_holds.end(ctx.runtime.store, number)
    record_action("hold_ended", ctx.user, f"hold {number}")


def _hold_form(ctx: Context) -> None:
    kind = st.segmented_control(
        "Scope", list(_KINDS), default="target", required=True, format_func=_KINDS.__getitem__
    )
    with forms.form("hold", "Place hold", lambda: _place_hold(ctx, str(kind)), (_VALUE, _REASON)):
        if kind == "period":
            today = utc_now().date()
            st.date_input("Days (UTC)", (today, today), format="YYYY-MM-DD", key=_DAYS)
        else:
            st.text_input("Event ID" if kind == "event" else "Target ID or name", key=_VALUE)
        st.text_input("Reason", key=_REASON)


def _place_hold(ctx: Context, kind: str) -> str:
    start = end = None
    value, reason = "", st.session_state[_REASON]
    if kind != "period":
        value = st.session_state[_VALUE]
    elif len(days := st.session_state[_DAYS]) == 2:
        start = dt.datetime.combine(days[0], dt.time())
        end = dt.datetime.combine(days[1], dt.time()) + dt.timedelta(days=1)
    user = acting_user("configure")
    number = legal_holds.add(ctx.runtime.store, kind, value, start, end, reason, user.username)
    record_action("held", user, f"hold {number}", f"{kind} {value}: {reason}")
    covered = legal_holds.count_events(ctx.runtime.store, number)
    return f"Hold {number} placed on {text.count(covered, 'event')}"


def _archive(ctx: Context) -> None:
    store, settings = ctx.runtime.store, ctx.runtime.settings
    st.subheader("Archive", anchor=False)
    days = cold_tier.archived_days(store)
    if not days:
        st.text(
            "The archive is empty"
            if settings.store.archive
            else "Archiving is off. Set store.archive to archive events before their removal."
        )
        return
    st.caption(
        "Archived events are shown, searched and exported with all others. "
        + _kept_for(settings.store.archive_days)
    )
    going = expiry.due(store, settings, utc_now())
    if going:
        events = sum(count for _, count, _ in going)
        st.text(
            f"The next run removes {text.count(events, 'archived event')} from {going[0][0]} "
            f"to {going[-1][0]} (UTC days), except those under legal hold."
        )
    missing = set(cold_tier.missing(store))
    if missing:
        st.text(f"▲ {cold_tier.missing_text(sorted(missing), store.archive)}")
    months = [list(group) for _, group in groupby(days, key=lambda day: f"{day[0]:%Y-%m}")]
    for month in months[:_MONTHS]:
        _archived_month(month)
    if earlier := months[_MONTHS:]:
        with st.expander(f"{text.count(len(earlier), 'earlier month')}"):
            for month in earlier:
                _archived_month(month)


def _archived_month(days: list[tuple[dt.date, int, int]]) -> None:
    last, first = days[0][0], days[-1][0]
    events = sum(count for _, count, _ in days)
    octets = sum(size for _, _, size in days)
    shown = Filter(
        start=f"{first}T00:00:00Z",
        end=f"{last + dt.timedelta(days=1)}T00:00:00Z",
        tz=url_state.timezone_name(),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(
            f"{first:%B %Y}: {text.count(events, 'event')}, {text.byte_size(octets)}",
            width=_MONTH_WIDTH,
        )
        st.page_link(
            url_state.EXPLORE,
            label="Open in Explore",
            query_params=url_state.query_params(shown),
        )


def _kept_for(days: int) -> str:
    if days:
        return f"They are kept for {text.count(days, 'day')}."
    return "They are kept until an owner sets a period (store.archive_days)."
