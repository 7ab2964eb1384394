"""Rules: what each looks for, how often it fired, and a new one, tried before it counts."""

import datetime as dt
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from trail.alerts import as_code
from trail.alerts import rules as kept
from trail.alerts.rehearsal import would_have_fired
from trail.alerts.rule import SEVERITIES, Rule
from trail.errors import TrailError
from trail.filters import Filter
from trail.findings import queries as unusual
from trail.outbox import destinations
from trail.queries.incident_records import records
from trail.store import Cursor, utc_now
from ui import forms, text, url_state
from ui.audit import record_action
from ui.page import Context

_KINDS = {
    "events": "Events of a filter",
    "incidents": "A failure that lasts",
    "findings": "Something unusual",
    "silence": "No events for a time",
}
_SNOOZES = {"1 h": dt.timedelta(hours=1), "1 day": dt.timedelta(days=1)}
_DAYS = 30
_TYPED = "rules-yaml"


def draw(ctx: Context) -> None:
    """Draw the form of a new rule, the rules, and rules as code."""
    with st.expander("New rule", expanded=bool(url_state.param("rule"))):
        _form(ctx)
    _list(ctx)
    with st.expander("Rules as code"):
        _code(ctx)


def _form(ctx: Context) -> None:
    store = ctx.runtime.store
    query = url_state.param("rule")
    told = [each.name for each in destinations.all_of(store)]
    if not told:
        st.info("Add a destination first, so that somebody hears of it.", icon=":material/info:")
    kind = st.segmented_control(
        "Look for", list(_KINDS), default="events", required=True, format_func=_KINDS.__getitem__
    )
    name = st.text_input("Name", value=_named(query), max_chars=80)
    query = st.text_input(
        "Filter", value=query, help="What an address of Explore holds, such as kind=disable"
    )
    left, middle, right = st.columns(3, gap="small")
    rule = Rule(name=name, kind=str(kind), query=_untimed(query), zone=url_state.timezone_name())
    if kind == "events":
        rule = replace(
            rule,
            threshold=int(left.number_input("At least so many of one target", 1, 1_000_000, 1)),
            window_minutes=int(middle.number_input("Within minutes", 1, 43_200, 15)),
        )
    elif kind == "findings":
        rule = replace(rule, score=float(left.number_input("Points at least", 0, 1_000, 40)))
    elif kind == "incidents":
        minutes = left.number_input("Open for minutes", 1, 43_200, 60)
        rule = replace(rule, open_minutes=int(minutes))
    else:
        minutes = left.number_input("Silent for minutes", 1, 43_200, 1_440)
        rule = replace(rule, silent_minutes=int(minutes))
    severity = right.selectbox("Severity", SEVERITIES, index=1)
    left, middle, right = st.columns(3, gap="small")
    chosen = left.multiselect("Tell", told, default=told[:1])
    quiet = middle.text_input("Quiet hours", placeholder="22:00-07:00")
    cap = right.number_input("Messages a day at most", 1, 10_000, 50)
    rule = replace(
        rule, severity=severity, destinations=tuple(chosen), quiet=quiet.strip(), daily_cap=int(cap)
    )
    _rehearse(ctx, rule)
    if st.button("Save the rule", type="primary", disabled=not chosen or not name.strip()):
        _save(ctx, rule)


def _named(query: str) -> str:
    pairs = [value for key, value in parse_qsl(query) if key in ("action", "kind", "category")]
    return f"{', '.join(pairs)[:70]}" if pairs else ""


def _untimed(query: str) -> str:
    """Return the filter without its range: a rule looks at what comes."""
    try:
        kept_ = Filter.parse(query.lstrip("?"))
    except TrailError:
        return query
    return Filter(choices=kept_.choices, q=kept_.q, tz=kept_.tz).query()


def _rehearse(ctx: Context, rule: Rule) -> None:
    try:
        found = would_have_fired(ctx.runtime.store, rule, _DAYS, rows=_rows(ctx, rule.kind))
    except TrailError as problem:
        st.error(text.escape(str(problem)))
        return
    st.text(
        f"In the last {_DAYS} days it would have been met {text.count(found.hits, 'time')} and "
        f"made {text.count(found.messages, 'message')}."
    )
    st.bar_chart({"Hits": [hits for _, hits, _ in found.days]}, height=90, color=[_accent()])


def _rows(ctx: Context, kind: str) -> list[dict[str, Any]]:
    """Return the findings or incidents that a rule of *kind* would have looked at."""
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    past = Filter(start=f"{_DAYS}d")
    if kind == "incidents":
        return list(records(store, past, now))
    if kind == "findings":
        found = unusual.queue(store, past, now).findings
        return [finding.said(ids) for finding, ids in unusual.event_ids(store, found)]
    return []


def _accent() -> str:
    mode = "dark" if st.context.theme.type == "dark" else "light"
    return str(st.get_option(f"theme.{mode}.primaryColor"))


def _save(ctx: Context, rule: Rule) -> None:
    try:
        rule.check()
        ctx.runtime.store.write(lambda cursor: kept.keep(cursor, rule, ctx.user.username))
    except TrailError as problem:
        st.error(text.escape(str(problem)))
        return
    record_action("settings", ctx.user, f"alert rule {rule.name}", rule.query)
    st.query_params.from_dict({"section": "rules"})
    st.rerun()


def _list(ctx: Context) -> None:
    store = ctx.runtime.store
    found = kept.all_of(store)
    if not found:
        st.text("No rule yet. Make one here, or from Explore with “Alert on this”.")
    past = kept.histories(store, 14, utc_now().date())
    for rule in found:
        with st.container(border=True, gap="xsmall"):
            left, middle, right = st.columns([3, 1.3, 1.6], vertical_alignment="center")
            history = past.get(rule.rule_id, {"days": [], "last_fired_at": None})
            with left:
                st.subheader(text.escape(rule.name), anchor=False)
                st.caption(text.escape(_about(rule, history["last_fired_at"])))
            middle.bar_chart(
                {"Hits": [hits for _, hits, _ in history["days"]]}, height=60, color=[_accent()]
            )
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                _buttons(ctx, rule)


def _about(rule: Rule, last: dt.datetime | None) -> str:
    now = dt.datetime.now(dt.UTC)
    fired = f"last fired {text.ago(last, now)}" if last else "never fired"
    snoozed = (
        f", snoozed until {text.timestamp(rule.snoozed_until, url_state.timezone())}"
        if rule.snoozed_until and rule.snoozed_until > utc_now()
        else ""
    )
    looks = f"{_KINDS[rule.kind]}: {rule.query or 'all events'}"
    return f"{looks} · {rule.severity}, to {', '.join(rule.destinations)} · {fired}{snoozed}"


def _buttons(ctx: Context, rule: Rule) -> None:
    def write(job: object) -> None:
        ctx.runtime.store.write(job)  # type: ignore[arg-type]
        record_action("settings", ctx.user, f"alert rule {rule.name}")

    now = utc_now()
    if rule.snoozed_until and rule.snoozed_until > now:
        st.button(
            "Wake",
            key=f"wake-{rule.rule_id}",
            on_click=write,
            args=(lambda cursor: kept.snooze(cursor, rule.rule_id, None),),
        )
    else:
        for label, length in _SNOOZES.items():
            st.button(
                f"Snooze {label}",
                key=f"snooze-{label}-{rule.rule_id}",
                on_click=write,
                args=(
                    lambda cursor, length=length: kept.snooze(cursor, rule.rule_id, now + length),
                ),
            )
    st.button(
        "Remove",
        key=f"remove-{rule.rule_id}",
        on_click=write,
        args=(lambda cursor: kept.remove(cursor, rule.rule_id),),
    )


def _code(ctx: Context) -> None:
    store = ctx.runtime.store
    st.code(as_code.export(kept.all_of(store)), language="yaml")
    with forms.form("as-code", "Bring in", lambda: _bring_in(ctx), (_TYPED,)):
        st.text_area("Rules to bring in, as YAML", height=160, key=_TYPED)


def _bring_in(ctx: Context) -> str:
    store, found = ctx.runtime.store, as_code.parse(st.session_state[_TYPED])

    def write(cursor: Cursor) -> dict[str, int]:
        return as_code.bring_in(cursor, store, found, ctx.user.username)

    done = store.write(write)
    record_action(
        "settings", ctx.user, "alert rules", f"{done['new']} new, {done['changed']} changed"
    )
    return f"{done['new']:,} new, {done['changed']:,} changed, {done['same']:,} the same"
