"""The detection rules, each with its toggle and its matches in the last 90 days."""

import datetime as dt

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trail.core import event_text
from trail.core.clock import naive_utc
from trail.events import actor_names
from trail.findings import rule_toggles, rules
from trail.findings.detector import Rule
from trail.storage.filters import Window
from ui import coverage_banner, tables, text, url_state
from ui.audit import record_action
from ui.page import Context, acts
from ui.slow_read import SlowRead


def draw(ctx: Context) -> None:
    """Draw the rules with their descriptions, toggles and matches."""
    st.caption(
        "A rule adds points to a day whenever it matches, even if the activity is usual for the "
        "actor. Check the matches of a rule before you enable it."
    )
    window = Window(naive_utc(ctx.now) - dt.timedelta(days=rules.BACK_TEST_DAYS))
    coverage_banner.show_missing_archive(ctx, window)
    place = SlowRead.place()
    places: list[tuple[Rule, DeltaGenerator]] = []
    with st.container(border=True, gap="small"):
        for state in rule_toggles.states(ctx.runtime.store):
            rule = state["rule"]
            left, right = st.columns([3, 1], vertical_alignment="center")
            with left.container(gap=None):
                st.toggle(
                    text.escape(f"{rule.title} · {text.count(rule.points, 'point')}"),
                    value=state["is_on"],
                    key=f"rule-{rule.name}-{state['is_on']}",
                    on_change=_toggle,
                    args=(ctx, rule.name, not state["is_on"]),
                    disabled=not ctx.user.may("configure"),
                )
                st.caption(text.escape(rule.description))
            places.append((rule, right))
    # Last, since archived days may take long.
    with SlowRead.of_window(ctx.store, window, "detection rules", place) as reading:
        for rule, right in places:
            reading.step(rule.name)
            with right:
                _matches(ctx, rules.back_test(ctx.store, rule, ctx.now))


def _matches(ctx: Context, matches: rules.BackTest) -> None:
    summary, rows = matches.summary, matches.rows
    if not rows:
        st.caption(summary)
        return
    zone = url_state.timezone()
    names = actor_names.display_names(ctx.runtime.store, [row["actor_id"] for row in rows])
    with st.popover(summary, width="stretch"):
        tables.draw(
            {
                "Time": [text.timestamp(row["occurred_at"], zone) for row in rows],
                "Action": [row["action"] for row in rows],
                "Target": [event_text.target(row) for row in rows],
                "Actor": [names[row["actor_id"]] for row in rows],
            },
            "Events that the rule matches",
            visible=8,
            width=760,
        )
        newest = f"Newest {len(rows):,}. " if matches.count > len(rows) else ""
        st.caption(f"{newest}Times in {text.escape(zone.key)}.")


@acts("configure")
def _toggle(ctx: Context, name: str, on: bool) -> None:
    rule_toggles.set_enabled(ctx.runtime.store, name, ctx.user.username, on=on)
    record_action("settings", ctx.user, f"detection rule {name}", "on" if on else "off")
