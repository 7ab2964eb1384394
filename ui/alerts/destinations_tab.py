"""Destinations: where messages go, how each is doing, a test, a pause, and a new one."""

import datetime as dt

import streamlit as st

from trail.errors import TrailError
from trail.model import FormField, Notification
from trail.outbox import destinations, history, streams, trial
from trail.outbox.destinations import Destination
from trail.store import Cursor, utc_now
from ui import text
from ui.audit import record_action
from ui.page import Context

_STATES = {"on": "✓ On", "paused": "○ Paused", "off": "▲ Off"}


def draw(ctx: Context) -> None:
    """Draw the destinations, and the form of a new one."""
    store = ctx.runtime.store
    found = destinations.all_of(store)
    counted = history.counts(store)
    for each in found:
        with st.container(border=True, gap="xsmall"):
            _one(ctx, each, counted.get(each.destination_id, {}))
    with st.expander("New destination", expanded=not found):
        _form(ctx)


def _one(ctx: Context, each: Destination, counted: dict[str, int]) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.subheader(text.escape(each.name), anchor=False)
        said = f": {each.said}" if each.said else ""
        st.text(f"{_STATES[each.state]}{said}")
        shown = ", ".join(f"{name} {value}" for name, value in each.shown().items() if value)
        forwards = f" · forwards {each.query or 'all events'}" if each.streams else ""
        sealed = f" · seals, up to number {each.seal_number:,}" if each.seals else ""
        st.caption(text.escape(f"{each.forwarder.title} · {shown}{forwards}{sealed}"))
        waiting = counted.get("waiting", 0) + counted.get("sending", 0)
        dead = f", {each.dropped:,} dropped" if each.dropped else ""
        st.caption(
            f"{counted.get('sent', 0):,} sent, {waiting:,} waiting, "
            f"{counted.get('dead', 0):,} dead letters{dead}"
        )
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        tested = st.button("Send a test", key=f"test-{each.destination_id}")
        other = "paused" if each.state == "on" else "on"
        st.button(
            "Pause" if other == "paused" else "Switch on",
            key=f"switch-{each.destination_id}",
            on_click=_write,
            args=(ctx, lambda cursor: destinations.switch(cursor, each.destination_id, other)),
        )
        st.button(
            "Remove",
            key=f"away-{each.destination_id}",
            on_click=_write,
            args=(ctx, lambda cursor: destinations.remove(cursor, each.destination_id)),
        )
    if tested:
        _test(ctx, each)
    if each.streams:
        with st.expander("Send again from a day on"):
            _replay(ctx, each)
    with st.expander("What a message looks like"):
        st.code(_preview(each), language="json")


def _write(ctx: Context, job: object) -> None:
    try:
        ctx.runtime.store.write(job)  # type: ignore[arg-type]
        record_action("settings", ctx.user, "destination of alerts")
    except TrailError as problem:
        st.toast(text.escape(str(problem)), duration="long")


def _test(ctx: Context, each: Destination) -> None:
    try:
        verdict = trial.send_test(ctx.runtime.schedule.outgoing.forwarding, each)
    except TrailError as problem:
        st.error(text.escape(str(problem)))
        return
    if verdict.kind == "ok":
        st.success("The test arrived.", icon=":material/check:")
    else:
        st.error(text.escape(f"It did not arrive: {verdict.text}"))


def _preview(each: Destination) -> str:
    now = dt.datetime.now(dt.UTC)
    body = {
        "title": "Warehouses Disabled",
        "text": "Maya Lind disabled the warehouse Snowflake prod.",
        "severity": "warning",
        "at": now.isoformat(),
    }
    try:
        return trial.preview(
            each, Notification("alert", "sample", now, body, "https://trail.example.com")
        )
    except TrailError as problem:
        return str(problem)


def _replay(ctx: Context, each: Destination) -> None:
    with st.form(f"replay-{each.destination_id}", border=False):
        day = st.date_input("From (UTC)", utc_now().date() - dt.timedelta(days=1))
        pressed = st.form_submit_button("Send again")
    if pressed and isinstance(day, dt.date):
        start = dt.datetime.combine(day, dt.time())

        def write(cursor: Cursor) -> int:
            return streams.replay(cursor, each.destination_id, start, utc_now())

        number = ctx.runtime.store.write(write)
        st.success(f"{text.count(number, 'event')} will be sent again, with the same ids.")


def _form(ctx: Context) -> None:
    kinds = destinations.kinds()
    kind = st.segmented_control(
        "Kind",
        list(kinds),
        default=next(iter(kinds)),
        required=True,
        format_func=lambda name: kinds[name].title,
    )
    forwarder = kinds[str(kind)]
    known = sorted(ctx.runtime.settings.forward.secrets)
    name = st.text_input("Name", max_chars=80, key=f"name-{kind}")
    given = {blank.name: _blank(blank, str(kind)) for blank in forwarder.settings}
    secrets = {}
    for blank in forwarder.secrets:
        chosen = st.selectbox(
            f"{blank.title}: name of the secret",
            ["", *known],
            help=blank.help or None,
            key=f"secret-{kind}-{blank.name}",
        )
        if chosen:
            secrets[blank.name] = chosen
    if not known:
        st.caption(
            "Secrets come from secrets.toml, section forward.secrets, or from the environment, "
            "such as TRAIL_FORWARD__SECRETS__SLACK. They are never shown."
        )
    follows = st.checkbox("Forward events, not only alerts", key=f"streams-{kind}")
    query = ""
    if follows:
        query = st.text_input("Filter of the forwarded events", key=f"query-{kind}")
    sealed = st.checkbox(
        "Send the seals too, as a copy outside this machine",
        key=f"seals-{kind}",
        help="Every seal, to be verified against"
        if forwarder.exact
        else "The newest one after each day, which stands for all before it",
    )
    if st.button("Add", type="primary", disabled=not name.strip()):
        made = Destination(
            0,
            str(kind),
            name.strip(),
            {key: value for key, value in given.items() if value},
            secrets,
            streams=follows,
            query=query,
            seals=sealed,
        )
        try:
            ctx.runtime.store.write(
                lambda cursor: destinations.add(
                    cursor, made, ctx.runtime.settings.forward, ctx.user.username
                )
            )
        except TrailError as problem:
            st.error(text.escape(str(problem)))
            return
        record_action("settings", ctx.user, f"destination {made.name}", made.kind)
        st.rerun()


def _blank(blank: FormField, kind: str) -> str:
    key = f"blank-{kind}-{blank.name}"
    label = blank.title if blank.required else f"{blank.title} (optional)"
    if blank.choices:
        place = blank.choices.index(blank.default) if blank.default in blank.choices else 0
        return str(
            st.selectbox(label, blank.choices, index=place, help=blank.help or None, key=key)
        )
    return st.text_input(label, value=blank.default, help=blank.help or None, key=key)
