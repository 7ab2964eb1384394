"""Alert rules: their conditions and matches, a new rule with its back-test, and YAML import."""

import datetime as dt
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from trail.core.clock import utc_now, utc_text
from trail.core.errors import TrailError
from trail.findings import queries
from trail.incidents.incident_json import records
from trail.notifications import destinations, rule_store, yaml_rules
from trail.notifications.dry_run import dry_run
from trail.notifications.rule import HIGH_SCORE, SEVERITIES, STATE_KINDS, Rule
from trail.runtime import process
from trail.storage.filters import Filter
from ui import forms, text, url_state
from ui.alerts import changes, matches_chart
from ui.filter_bar import active_filters
from ui.page import Context

_KINDS = {
    "events": "Matching events",
    "incidents": "Long incident",
    "findings": "Finding",
    "silence": "No events",
    "source": "Source failing",
    "delivery": "Delivery failing",
    "integrity": "Integrity",
}
_STATES = "Sends one message when the problem begins, and one when it has ended."
_SNOOZES = {"1 h": dt.timedelta(hours=1), "1 day": dt.timedelta(days=1)}
_BACK_TEST_DAYS, _HISTORY_DAYS = 30, 14
_YAML = "rules-yaml"


def draw(ctx: Context) -> None:
    """Draw the form of a new rule, the rules, and the rules as YAML."""
    requested = bool(url_state.param("rule"))
    key = f"new-rule-{requested}"
    # The back-test counts a month of events, so it runs only where it is seen.
    with st.expander("New rule", expanded=requested, key=key, on_change="rerun") as form:
        if form.open:
            _form(ctx)
    _list(ctx)
    with st.expander("Rules as YAML"):
        st.code(yaml_rules.export(rule_store.list_all(ctx.runtime.store)), language="yaml")
        with forms.form("as-code", "Import", _import, (_YAML,)):
            st.text_area("Rules to import, as YAML", height=160, key=_YAML)


def _form(ctx: Context) -> None:
    query = url_state.param("rule")
    names = [destination.name for destination in destinations.list_all(ctx.runtime.store)]
    if not names:
        st.info("Add a destination first: a rule needs one to send to.", icon=":material/info:")
    kind = st.segmented_control(
        "Condition", list(_KINDS), default="events", required=True, format_func=_KINDS.__getitem__
    )
    suggested = url_state.param("name")[:80] or _suggested_name(query)
    name = st.text_input("Name", value=suggested, max_chars=80)
    if kind in STATE_KINDS:
        query = ""
        st.caption(_STATES)
    else:
        query = st.text_input(
            "Filter",
            value=_without_range(query),
            help="Query string of an Explore page, such as kind=disable",
        )
    left, middle, right = st.columns(3, gap="small")
    rule = Rule(
        name=name, kind=str(kind), query=_without_range(query), zone=url_state.timezone_name()
    )
    if kind == "events":
        rule = replace(
            rule,
            threshold=int(left.number_input("Minimum events per target", 1, 1_000_000, 1)),
            window_minutes=int(middle.number_input("Within (minutes)", 1, 43_200, 15)),
        )
    elif kind == "findings":
        rule = replace(rule, score=float(left.number_input("Minimum points", 0, 1_000, HIGH_SCORE)))
    elif kind == "incidents":
        minutes = left.number_input("Open for (minutes)", 1, 43_200, 60)
        rule = replace(rule, open_minutes=int(minutes))
    elif kind == "silence":
        minutes = left.number_input("Without events for (minutes)", 1, 43_200, 1_440)
        rule = replace(rule, silent_minutes=int(minutes))
    severity = right.selectbox("Severity", SEVERITIES, index=1)
    left, middle, right = st.columns(3, gap="small")
    chosen = left.multiselect("Send to", names, default=names[:1])
    quiet = middle.text_input("Quiet hours", placeholder="22:00-07:00")
    cap = right.number_input("Maximum messages per day", 1, 10_000, 50)
    rule = replace(
        rule, severity=severity, destinations=tuple(chosen), quiet=quiet.strip(), daily_cap=int(cap)
    )
    if kind not in STATE_KINDS:
        _back_test(ctx, rule)
    if st.button("Save rule", type="primary", disabled=not chosen or not name.strip()):
        _save(rule)


def _suggested_name(query: str) -> str:
    values = [value for key, value in parse_qsl(query) if key in ("action", "kind", "category")]
    return ", ".join(values)[:70]


def _without_range(query: str) -> str:
    """Return the filter without its time range, since a rule applies to events that arrive."""
    try:
        parsed = Filter.parse(query.lstrip("?"))
    except TrailError:
        return query
    return Filter(choices=parsed.choices, q=parsed.q, tz=parsed.tz).query()


def _back_test(ctx: Context, rule: Rule) -> None:
    try:
        result = dry_run(
            ctx.runtime.store, rule, _BACK_TEST_DAYS, rows=_past_records(ctx, rule.kind)
        )
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    st.text(
        f"Back-test, last {_BACK_TEST_DAYS} days: "
        f"{text.count(result.matches, 'match', 'matches')}, "
        f"{text.count(result.messages, 'message')}"
    )
    days = [(day, matches) for day, matches, _ in result.days]
    matches_chart.draw(days, rule.query, "back-test", 90)


def _past_records(ctx: Context, kind: str) -> list[dict[str, Any]]:
    """Return the findings or incidents of the back-test; nothing for other kinds of rules."""
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    past = Filter(start=f"{_BACK_TEST_DAYS}d")
    if kind == "incidents":
        return list(records(store, past, now))
    if kind == "findings":
        findings = queries.queue(store, past, now).findings
        return list(queries.records(store, findings, past.zone, now))
    return []


def _save(rule: Rule) -> None:
    try:
        changes.write(
            f"alert rule {rule.name}",
            lambda cursor, by: rule_store.save(cursor, rule, by),
            rule.query,
        )
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    st.query_params.from_dict({"section": "rules"})
    st.rerun()


def _list(ctx: Context) -> None:
    rows = rule_store.list_all(ctx.runtime.store)
    if not rows:
        st.text("No rules yet. Create one here, or from Explore with “Create alert rule”.")
    histories = rule_store.histories(ctx.runtime.store, _HISTORY_DAYS, utc_now().date())
    for rule in rows:
        history = histories.get(rule.rule_id, {"days": [], "last_fired_at": None})
        with st.container(border=True, gap="xsmall"):
            left, middle, right = st.columns([3, 1.3, 1.6], vertical_alignment="center")
            with left:
                st.subheader(text.escape(rule.name), anchor=False)
                st.caption(text.escape(_about(rule, history["last_fired_at"])))
                _problem(rule)
            with middle:
                if rule.kind not in STATE_KINDS:
                    days = [(day, matches) for day, matches, _ in history["days"]]
                    matches_chart.draw(days, rule.query, f"rule-days-{rule.rule_id}", 44)
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                _buttons(rule)


def _problem(rule: Rule) -> None:
    """Show why a saved rule is not evaluated, such as limits that were lowered since."""
    try:
        rule.check()
    except TrailError as error:
        st.error(text.escape(str(error)))


def _about(rule: Rule, last_fired_at: dt.datetime | None) -> str:
    now = dt.datetime.now(dt.UTC)
    fired = f"last fired {text.ago(last_fired_at, now)}" if last_fired_at else "never fired"
    if _snoozed(rule) and rule.snoozed_until:
        fired += f", snoozed until {text.timestamp(rule.snoozed_until, url_state.timezone())}"
    condition = _KINDS[rule.kind]
    if rule.kind not in STATE_KINDS:
        condition += f": {_condition(rule.query)}"
    return f"{condition} · {rule.severity}, to {', '.join(rule.destinations)} · {fired}"


def _condition(query: str) -> str:
    """Return the filter *query* in the words of the chips in Explore."""
    try:
        return active_filters.in_words(Filter.parse(query)) or "all events"
    except TrailError:
        return query


def _snoozed(rule: Rule) -> bool:
    return bool(rule.snoozed_until and rule.snoozed_until > utc_now())


def _buttons(rule: Rule) -> None:
    def write(change: str, job: changes.Job[None]) -> None:
        changes.attempt(f"alert rule {rule.name}", job, change)

    def snooze(length: dt.timedelta | None) -> None:
        until = utc_now() + length if length else None
        change = f"snoozed until {utc_text(until)}" if until else "snooze ended"
        write(change, lambda cursor, _: rule_store.snooze(cursor, rule.rule_id, until))

    if _snoozed(rule):
        st.button("End snooze", key=f"wake-{rule.rule_id}", on_click=snooze, args=(None,))
    else:
        for label, length in _SNOOZES.items():
            key = f"snooze-{label}-{rule.rule_id}"
            st.button(f"Snooze {label}", key=key, on_click=snooze, args=(length,))
    st.button(
        "Delete",
        key=f"delete-{rule.rule_id}",
        on_click=write,
        args=("deleted", lambda cursor, _: rule_store.remove(cursor, rule.rule_id)),
    )


def _import() -> str:
    store, imported = process.current().store, yaml_rules.parse(st.session_state[_YAML])
    counts = changes.write(
        "alert rules",
        lambda cursor, by: yaml_rules.import_rules(cursor, store, imported, by),
        changes.counted,
    )
    return f"{changes.counted(counts)}, {counts['same']:,} unchanged"
