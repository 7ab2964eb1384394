"""Destinations of alerts and events: state, test message, pause, replay, and a new one."""

import datetime as dt

import streamlit as st

from trail.attention import digest_schedules
from trail.config_files import folder
from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Notification
from trail.notifications import (
    delivery_log,
    destinations,
    event_streams,
    rule_store,
    test_message,
)
from trail.notifications.destination import Destination
from trail.runtime import process, startup, stored_secrets
from trail.storage.connection import Cursor
from ui import authorship, text
from ui.alerts import changes, destination_form
from ui.alerts.destination_form import DestinationForm
from ui.audit import record_action
from ui.page import Context, acting_user

_STATES = {"on": "✓ On", "paused": "○ Paused", "off": "▲ Off"}
_RESUME = {"on": "Pause", "paused": "Resume", "off": "Switch on"}


def draw(ctx: Context) -> None:
    """Draw the destinations, and the form of a new one."""
    store = ctx.runtime.store
    rows = destinations.list_all(store)
    counts = delivery_log.counts(store)
    origins = folder.origins(store, "destinations")
    for destination in rows:
        with st.container(border=True, gap="xsmall"):
            origin = authorship.from_files(origins, destination.name, at=destination.changed_at)
            _destination(ctx, destination, counts.get(destination.destination_id, {}), origin)
    with st.expander("New destination", expanded=not rows):
        DestinationForm(ctx, "new-destination").draw()


def _destination(
    ctx: Context, destination: Destination, counts: dict[str, int], origin: str
) -> None:
    number = destination.destination_id
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left, st.container(gap=None):
        st.subheader(text.escape(destination.name), anchor=False)
        reason = f": {destination.reason}" if destination.reason else ""
        st.text(f"{_STATES[destination.state]}{reason}")
        st.caption(text.escape(_about(destination)))
        waiting = counts.get("waiting", 0) + counts.get("sending", 0)
        dropped = f", {destination.dropped:,} dropped" if destination.dropped else ""
        st.caption(
            f"{counts.get('sent', 0):,} sent, {waiting:,} waiting, "
            f"{text.count(counts.get('dead', 0), 'dead letter')}{dropped}"
        )
        if origin:
            st.caption(text.escape(origin))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        tested = st.button("Send test message", key=f"test-{number}")
        state = "paused" if destination.state == "on" else "on"
        st.button(
            _RESUME[destination.state],
            key=f"switch-{number}",
            on_click=changes.attempt,
            args=(
                f"destination {destination.name}",
                lambda cursor, _: destinations.set_state(cursor, number, state),
                state,
            ),
        )
        _delete(ctx, destination)
    if tested:
        _test(ctx, destination)
    if destination.secrets:
        with st.expander("Replace secret"):
            destination_form.draw_replacement(destination)
    with st.expander("Send again"):
        _replay(ctx, destination)
    with st.expander("Message preview"):
        st.code(_preview(destination), language="json")


def _delete(ctx: Context, destination: Destination) -> None:
    """Draw the delete button; it asks for confirmation if something is lost with it."""
    number, runtime = destination.destination_id, ctx.runtime
    used = _uses(ctx, destination)
    secrets = stored_secrets.used_only_by(runtime.store, runtime.settings, [destination])

    def button(label: str) -> None:
        st.button(label, key=f"delete-{number}", on_click=_remove, args=(destination,))

    if not used and not secrets:
        button("Delete")
        return
    with st.popover("Delete", key=f"ask-delete-{number}"):
        if used:
            st.text(f"Still used by {', '.join(used)}, which will no longer send messages here.")
        if secrets:
            what = "The secret that was" if len(secrets) == 1 else "The secrets that were"
            st.text(f"{what} entered for it in the browser will also be deleted.")
        button("Delete destination")


def _remove(destination: Destination) -> None:
    """Delete *destination*, then what was stored for it alone; for use in callbacks."""
    try:
        changes.write(
            f"destination {destination.name}",
            lambda cursor, _: destinations.remove(cursor, destination.destination_id),
            "deleted",
        )
        runtime, user = process.current(), acting_user(changes.CAPABILITY)
        for name in stored_secrets.remove_with(runtime.store, runtime.settings, [destination]):
            record_action("settings", user, name, "set → not set")
    except TrailError as error:
        st.toast(text.escape(str(error)), duration="long")


def _uses(ctx: Context, destination: Destination) -> list[str]:
    """Return the rules and digests that are sent to *destination*, in words."""
    store, name = ctx.runtime.store, destination.name.lower()
    rules = [
        f"the rule “{rule.name}”"
        for rule in rule_store.list_all(store)
        if name in (target.lower() for target in rule.destinations)
    ]
    digests = [
        f"the digest “{schedule.name}”"
        for schedule in digest_schedules.list_all(store)
        if schedule.destination_id == destination.destination_id
    ]
    return rules + digests


def _about(destination: Destination) -> str:
    parts = [
        destination.forwarder.title,
        ", ".join(
            f"{name} {value}" for name, value in destination.display_settings().items() if value
        ),
    ]
    if destination.streams:
        parts.append(f"forwards {destination.query or 'all events'}")
    if destination.seals:
        parts.append(f"seals sent up to number {destination.seal_number:,}")
    return " · ".join(part for part in parts if part)


def _test(ctx: Context, destination: Destination) -> None:
    try:
        record_action("tested", acting_user(changes.CAPABILITY), f"destination {destination.name}")
        verdict = test_message.send_test(ctx.runtime.schedule.notifications.forwarding, destination)
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    if verdict.kind == "ok":
        st.success("Test message delivered", icon=":material/check:")
    else:
        st.error(text.escape(f"Test message not delivered: {verdict.text}"))


def _preview(destination: Destination) -> str:
    now = dt.datetime.now(dt.UTC)
    body = {
        "title": "Warehouses Disabled",
        "text": "Maya Lind disabled the warehouse Snowflake prod.",
        "severity": "warning",
        "at": now.isoformat(),
    }
    try:
        sample = Notification("alert", "sample", now, body, "https://trail.example.com")
        return test_message.preview(destination, sample)
    except TrailError as error:
        return str(error)


def _replay(ctx: Context, destination: Destination) -> None:
    """Draw the period to send again; then what would be sent, and its confirmation."""
    number = destination.destination_id
    key = f"replay-{number}"
    today = utc_now().date()
    with st.form(key, border=False):
        days = st.date_input(
            "Days of the events (UTC)",
            (today - dt.timedelta(days=1), today),
            max_value=today,
            format="YYYY-MM-DD",
        )
        pressed = st.form_submit_button("Count")
    if pressed and isinstance(days, tuple) and len(days) == 2:
        since, until = event_streams.days(*days)
        try:
            counted = event_streams.count_replay(ctx.store, destination, since, utc_now(), until)
        except TrailError as error:
            st.error(text.escape(str(error)))
            return
        st.session_state[key + "-counted"] = (since, until, counted)
    if chosen := st.session_state.get(key + "-counted"):
        counted = chosen[2]
        st.text(counted.text())
        if counted.total:
            st.button(
                f"Send {text.count(counted.total, 'message')} again",
                key=key + "-send",
                on_click=_send_again,
                args=(destination, *chosen),
            )
    if result := st.session_state.pop(key + "-result", None):
        draw, message = result
        draw(text.escape(message))


def _send_again(
    destination: Destination,
    since: dt.datetime,
    until: dt.datetime,
    counted: event_streams.Replay,
) -> None:
    number = destination.destination_id
    key = f"replay-{number}"
    st.session_state.pop(key + "-counted", None)

    def write(cursor: Cursor, _by: str) -> int:
        return event_streams.replay(
            cursor,
            startup.reading_store(),
            number,
            since,
            utc_now(),
            until,
            confirmed=counted.total,
        )

    try:
        total = changes.write(
            f"destination {destination.name}",
            write,
            lambda total: f"{event_streams.span_text(since, until)}: {total:,}",
            "replayed",
        )
    except TrailError as error:
        st.session_state[key + "-result"] = (st.error, str(error))
        return
    st.session_state[key + "-result"] = (
        st.success,
        f"{text.count(total, 'message')} queued with their original IDs",
    )
