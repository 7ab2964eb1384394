"""What will be removed and when, what is held against it, and what the archive holds."""

import datetime as dt
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from trail import archive, expiry, holds, retention
from trail.errors import TrailError
from trail.filters import Filter
from trail.store import utc_now
from ui import forms, text, url_state
from ui.audit import record_action
from ui.page import Context

_KINDS = {"event": "One event", "target": "One target", "period": "A period"}
_LISTED_DAYS = 14
_WHAT, _DAYS, _REASON = "hold-what", "hold-days", "hold-reason"


def draw(ctx: Context) -> None:
    """Draw what goes next, the holds, and the archive."""
    with st.container(border=True, gap="xsmall"):
        _next(ctx)
    with st.container(border=True, gap="xsmall"):
        _holds(ctx)
    with st.container(border=True, gap="xsmall"):
        _archive(ctx)


def _next(ctx: Context) -> None:
    kept = ctx.runtime.settings.store.retention_days
    found = retention.preview(ctx.runtime.store, ctx.runtime.settings, utc_now())
    st.subheader(f"Events are kept for {kept} days", anchor=False)
    if not found.events:
        st.text(f"✓ Nothing is older than {found.cutoff:%Y-%m-%d}, 00:00 UTC.")
    else:
        st.text(
            f"The next run removes {text.count(found.events, 'event')} of "
            f"{found.first} to {found.last} (UTC days)."
        )
    if found.held:
        st.text(f"{text.count(found.held, 'older event')} stay because they are held.")
    if ctx.runtime.settings.store.archive:
        st.caption("They are written to the archive first.")
    else:
        st.caption("They are not archived: store.archive is off.")
    now = dt.datetime.now(dt.UTC)
    if said := expiry.leaving(ctx.runtime.store, ctx.runtime.settings, now).said():
        st.text(f"▲ {said}")
    following = _following(ctx)
    if following:
        st.caption(f"After that {text.count(following, 'event')} leave within seven days.")
    if found.days:
        with st.expander("By day"):
            st.dataframe(
                pd.DataFrame(
                    {
                        "Day (UTC)": [str(day.day) for day in found.days[:_LISTED_DAYS]],
                        "Removed": [day.events for day in found.days[:_LISTED_DAYS]],
                        "Held": [day.held for day in found.days[:_LISTED_DAYS]],
                    }
                ),
                hide_index=True,
                alt="What would be removed, by day",
            )
            if len(found.days) > _LISTED_DAYS:
                st.caption(f"The first {_LISTED_DAYS} of {len(found.days):,} days")
    with st.container(horizontal=True, vertical_alignment="center"):
        sure = st.checkbox(
            "Remove them now, not tonight", key="retain-sure", disabled=not found.events
        )
        st.button("Remove now", key="retain-now", disabled=not sure, on_click=_retain, args=(ctx,))


def _following(ctx: Context) -> int:
    later = utc_now() + dt.timedelta(days=7)
    soon = retention.preview(ctx.runtime.store, ctx.runtime.settings, later)
    due = retention.preview(ctx.runtime.store, ctx.runtime.settings, utc_now())
    return soon.events - due.events


def _retain(ctx: Context) -> None:
    try:
        done = retention.retain(
            ctx.runtime.store, ctx.runtime.settings, utc_now(), made_by=ctx.user.username
        )
    except TrailError as problem:
        st.toast(text.escape(str(problem)), duration="long")
        return
    record_action("retained", ctx.user, "by hand", f"{done.events:,} removed, {done.held:,} held")
    st.toast(
        f"{text.count(done.events, 'event')} removed, {done.archived:,} archived, "
        f"{done.held:,} held"
    )


def _holds(ctx: Context) -> None:
    st.subheader("Holds", anchor=False)
    found = holds.active(ctx.runtime.store)
    if not found:
        st.text("Nothing is held.")
    for hold in found:
        left, right = st.columns([4, 1], vertical_alignment="center")
        what = (
            text.time_range(hold["from_at"], hold["to_at"], url_state.timezone())
            if hold["kind"] == "period"
            else hold["value"]
        )
        left.text(f"{_KINDS[hold['kind']]}: {what}\n{hold['reason']} ({hold['made_by']})")
        right.button(
            "End the hold",
            key=f"end-hold-{hold['hold_id']}",
            on_click=_end_hold,
            args=(ctx, hold["hold_id"]),
        )
    with st.expander("Hold something"):
        _new_hold(ctx)


def _end_hold(ctx: Context, number: int) -> None:
    holds.end(ctx.runtime.store, number)
    record_action("hold_ended", ctx.user, f"hold {number}")


def _new_hold(ctx: Context) -> None:
    kind = st.segmented_control(
        "What", list(_KINDS), default="target", required=True, format_func=_KINDS.__getitem__
    )
    with forms.form("hold", "Hold", lambda: _hold(ctx, str(kind)), (_WHAT, _REASON)):
        if kind == "period":
            today = utc_now().date()
            st.date_input("Days (UTC)", (today, today), format="YYYY-MM-DD", key=_DAYS)
        else:
            st.text_input("Event id" if kind == "event" else "Target id, or its name", key=_WHAT)
        st.text_input("Reason", key=_REASON)


def _hold(ctx: Context, kind: str) -> str:
    typed = st.session_state
    days: tuple[dt.date, ...] = typed.get(_DAYS, ()) if kind == "period" else ()
    start = end = None
    if len(days) == 2:
        start = dt.datetime.combine(days[0], dt.time())
        end = dt.datetime.combine(days[1], dt.time()) + dt.timedelta(days=1)
    value, reason = typed.get(_WHAT, "") if kind != "period" else "", typed[_REASON]
    number = holds.add(ctx.runtime.store, kind, value, start, end, reason, ctx.user.username)
    covered = holds.covered(ctx.runtime.store, number)
    record_action("held", ctx.user, f"hold {number}", f"{kind} {value}: {reason}")
    return f"{text.count(covered, 'event')} {'is' if covered == 1 else 'are'} held now"


@dataclass
class _Month:
    first: dt.date
    last: dt.date
    events: int = 0
    size: int = 0


def _archive(ctx: Context) -> None:
    st.subheader("Archive", anchor=False)
    months: dict[str, _Month] = {}
    for day, events, size in archive.days(ctx.runtime.settings):
        month = months.setdefault(f"{day:%Y-%m}", _Month(day, day))
        month.first, month.last = min(month.first, day), max(month.last, day)
        month.events += events
        month.size += size
    if not months:
        st.text(
            "The archive is empty."
            if ctx.runtime.settings.store.archive
            else "Nothing is archived: set store.archive to write events there before they go."
        )
        return
    for name, month in sorted(months.items(), reverse=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.text(
            f"{month.first:%B %Y}: {text.count(month.events, 'event')}, "
            f"{text.byte_size(month.size)}"
        )
        right.button("Open in Explore", key=f"archive-{name}", on_click=_open, args=(name, month))


def _open(name: str, month: _Month) -> None:
    end = month.last + dt.timedelta(days=1)
    filter_ = Filter(
        start=f"{month.first}T00:00:00Z", end=f"{end}T00:00:00Z", tz=url_state.timezone_name()
    )
    url_state.open_page(url_state.EXPLORE, filter_, archive=name)
