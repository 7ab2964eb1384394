"""Assign, mute and comment on a problem, the same for every list and panel that shows one.

Each action checks the role of the session again, is recorded in the access log, and returns a
sentence that says what it did.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from trail.accounts.users import User, Users
from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.core.errors import InputError, TrailError
from trail.runtime import process
from trail.triage import records
from trail.triage.records import Triage
from ui import text, url_state
from ui.audit import record_action
from ui.page import Context, current_user

# Label by length of a mute; a date is another one.
MUTES = {"hour": "1 hour", "tomorrow": "Until tomorrow 09:00", "week": "1 week"}
_MORNING = dt.time(9)
NOBODY = ""


def assign(subject: str, what: str, assignee: str) -> str:
    """Assign *subject* to the user *assignee*, or to nobody; return what was done.

    *what* names the subject in the access log. Raises `InputError` for an unknown user, and for a
    role that may not.
    """
    user = _allowed()
    if assignee and assignee not in dict(assignees(user)):
        raise InputError("Unknown user.", "Choose one of the list.")
    records.assign(process.current().store, subject, assignee, user.username)
    record_action("assigned", user, what, f"to {assignee}" if assignee else "to nobody")
    return f"Assigned to {name_of(assignee)}." if assignee else "Assigned to nobody."


def mute(subject: str, what: str, until: dt.datetime | None, reason: str = "") -> str:
    """Mute *subject* until a time (UTC without zone), or end its mute; return what was done.

    Raises `InputError` for a time that is past, and for a role that may not.
    """
    user = _allowed()
    records.mute(process.current().store, subject, until, reason, user.username)
    if until is None:
        record_action("muted", user, what, "ended")
        return "Mute ended."
    end = text.timestamp(until, ZoneInfo("UTC"))
    record_action("muted", user, what, f"until {end} UTC")
    return f"Muted until {text.short_timestamp(until, url_state.timezone())}."


def comment(subject: str, what: str, words: str) -> str:
    """Add a comment on *subject*; return what was done.

    Raises `InputError` for an empty or long comment, and for a role that may not.
    """
    user = _allowed()
    records.comment(process.current().store, subject, words, user.username)
    record_action("commented", user, what)
    return "Comment added."


def mute_end(choice: str, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return when a mute of `MUTES`, or until 09:00 of an ISO date in *zone*, ends.

    *now* is aware; the result is UTC without zone. Raises `InputError` for anything else.
    """
    if choice == "hour":
        return naive_utc(now + dt.timedelta(hours=1))
    local = now.astimezone(zone).date()
    if choice == "week":
        return naive_utc(now + dt.timedelta(weeks=1))
    if choice == "tomorrow":
        day = local + dt.timedelta(days=1)
    else:
        try:
            day = dt.date.fromisoformat(choice)
        except ValueError:
            raise InputError("Unknown end of the mute.", "Choose a date.") from None
    try:
        return naive_utc(dt.datetime.combine(day, _MORNING, zone))
    except OverflowError:
        raise InputError("The end of the mute is too far away.", "Choose a date.") from None


def assignees(user: User) -> list[tuple[str, str]]:
    """Return username and name of everyone who may be assigned, *user* first, then by name."""
    others = [one for one in _users().all() if one.username != user.username]
    ordered = sorted(others, key=lambda one: (one.name.casefold(), one.username))
    me = (user.username, f"Me ({user.name})")
    return [me, *((one.username, one.name) for one in ordered)]


def name_of(username: str) -> str:
    """Return the name of the user, or the username if there is no such user any more."""
    user = _users().get(username)
    return user.name if user else username


def draw(ctx: Context, state: Triage, subject: str, what: str, key: str) -> None:
    """Draw the two buttons "Assign" and "Mute until", with the *state* of *subject*.

    Who may not change it sees the state alone. *what* names the subject in the access log, *key*
    the widgets.
    """
    zone = url_state.timezone()
    muted = state.muted_until if state.is_muted(naive_utc(ctx.now)) else None
    until = f"Muted until {time_labels.short(muted, zone, ctx.now)}" if muted else ""
    owner = f"Assigned to {name_of(state.assignee)}" if state.assignee else ""
    if not ctx.user.may("triage"):
        st.caption(text.escape(" · ".join(filter(None, (owner or "Not assigned", until)))))
        return
    with st.container(horizontal=True, key=f"{key}-triage"):
        label = text.escape(owner or "Assign")
        with st.popover(label, icon=":material/person:", key=f"{key}-assign"):
            _assign_form(ctx, state, subject, what, key)
        with st.popover(until or "Mute until", icon=":material/notifications_off:", key=f"{key}-m"):
            _mute_form(ctx, subject, what, key, is_muted=bool(muted))


def _assign_form(ctx: Context, state: Triage, subject: str, what: str, key: str) -> None:
    names = {NOBODY: "Nobody", **dict(assignees(ctx.user))}
    if state.assignee not in names:
        names[state.assignee] = state.assignee
    field = f"{key}-assignee-{state.assignee}"
    st.selectbox(
        "Assign to",
        list(names),
        index=list(names).index(state.assignee),
        format_func=names.__getitem__,
        key=field,
        on_change=lambda: say(lambda: assign(subject, what, st.session_state[field])),
    )


def _mute_form(ctx: Context, subject: str, what: str, key: str, *, is_muted: bool) -> None:
    zone, field = url_state.timezone(), f"{key}-mute-day"

    def end(choice: str) -> None:
        say(lambda: mute(subject, what, mute_end(choice, dt.datetime.now(dt.UTC), zone)))

    def until_day() -> None:
        if day := st.session_state[field]:
            end(day.isoformat())

    if is_muted:
        st.button("End mute", key=f"{key}-wake", on_click=_ended(subject, what))
    for choice, label in MUTES.items():
        st.button(label, key=f"{key}-mute-{choice}", on_click=end, args=(choice,), width="stretch")
    tomorrow = ctx.now.astimezone(zone).date() + dt.timedelta(days=1)
    st.date_input(
        "Until 09:00 of",
        None,
        min_value=tomorrow,
        max_value=tomorrow + records.MAX_MUTE - dt.timedelta(days=2),
        key=field,
        on_change=until_day,
        format="YYYY-MM-DD",
    )


def _ended(subject: str, what: str) -> Callable[[], Any]:
    return lambda: say(lambda: mute(subject, what, None))


def say(action: Callable[[], str]) -> None:
    """Run *action* and show the sentence that it returns, or its error; for use in callbacks."""
    try:
        st.toast(text.escape(action()), icon=":material/check:")
    except TrailError as error:
        st.toast(text.escape(str(error)), icon=":material/error:")


def _allowed() -> User:
    user = current_user()
    if user is None or not user.may("triage"):
        raise InputError("Your role cannot assign, mute or comment.", "Ask an owner or a reviewer.")
    return user


def _users() -> Users:
    return process.current().users
