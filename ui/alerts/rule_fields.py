"""The fields of a rule in the editor, depending on its kind."""

from dataclasses import replace
from typing import Any

import streamlit as st

from trail.core.text import count
from trail.core.zones import zone_names
from trail.notifications.rule import FILTERED_KINDS, SEVERITIES, STATE_KINDS, Rule
from trail.storage.duckdb import Store
from ui import text
from ui.alerts import rule_filter, rule_words

_STATES = "Sends one message when a problem begins and one when it ends."
_ROLL_UPS = (1, 5, 10, 15, 30, 60, 120, 360, 720, 1_440)
# The rule kind of choices that share one.
_COUNT, _LEAST = "count", 2
_KIND_OF = {_COUNT: "events"}


def draw(store: Store, initial: Rule, key: str, destination_names: list[str]) -> Rule:
    """Draw the fields of the rule *initial* in the editor *key*; return the rule as filled in."""
    left, right = st.columns([1.7, 1], gap="small")
    name = left.text_input("Name", value=initial.name, max_chars=80, key=f"{key}-name")
    choices = list(rule_words.KINDS)
    choice = right.selectbox(
        "Kind",
        choices,
        index=choices.index(rule_words.choice_of(initial)),
        format_func=rule_words.KINDS.__getitem__,
        key=f"{key}-kind",
    )
    rule = replace(initial, name=name, kind=_KIND_OF.get(choice, choice))
    query = rule_filter.draw(store, initial, key) if rule.kind in FILTERED_KINDS else ""
    if rule.kind in STATE_KINDS:
        st.caption(_STATES)
    rule = replace(rule, query=query, **_condition(initial, choice, key))
    return replace(rule, **_messages(initial, rule, key, destination_names))


def destinations_key(key: str) -> str:
    """Return the key of the field with the destinations in the editor *key*."""
    return f"{key}-destinations"


def _condition(initial: Rule, choice: str, key: str) -> dict[str, Any]:
    """Draw the condition of a rule of this *choice*."""
    values: dict[str, Any] = {}

    def number(column: Any, field: str, label: str, most: int, least: int = 1) -> None:
        value = min(max(int(getattr(initial, field)), least), most)
        values[field] = int(
            column.number_input(label, least, most, value, key=f"{key}-{field}-{choice}")
        )

    if choice in ("events", _COUNT, "new_actor"):
        columns = st.columns(3 if choice == _COUNT else 2, gap="small")
        left, middle, right = columns[0], columns[1], columns[-1]
        if choice == _COUNT:
            number(left, "threshold", "At least this many events", 1_000_000, _LEAST)
            number(middle, "window_minutes", "Within (minutes)", 43_200)
        else:
            values["threshold"] = 1
        if choice != "new_actor":
            groups = list(rule_words.GROUPS)
            values["group_by"] = right.selectbox(
                "Group by",
                groups,
                index=groups.index(initial.group_by),
                format_func=rule_words.GROUPS.__getitem__,
                key=f"{key}-group",
            )
        column = st if choice == _COUNT else left
        values["outside"] = column.text_input(
            "Only outside these hours",
            value=initial.outside,
            placeholder="08:00-18:00",
            help="Working hours from Monday to Friday, in the time zone of the rule",
            key=f"{key}-outside",
        ).strip()
    elif choice == "findings":
        value = min(max(float(initial.score), 0.0), 1_000_000.0)
        values["score"] = float(
            st.number_input("Minimum points", 0.0, 1_000_000.0, value, 1.0, key=f"{key}-score")
        )
    elif choice == "incidents":
        number(
            st, "open_minutes", "Open for (minutes); persistent incidents match immediately", 43_200
        )
    elif choice == "silence":
        number(st, "silent_minutes", "Without events for (minutes)", 43_200)
    return values


def _messages(initial: Rule, rule: Rule, key: str, names: list[str]) -> dict[str, Any]:
    """Draw when and where messages are sent."""
    left, middle, right = st.columns(3, gap="small")
    roll_ups = sorted({*_ROLL_UPS, initial.roll_up_minutes})
    severities = list(SEVERITIES)
    zones = sorted(zone_names())
    missing = [name for name in initial.destinations if name not in names]
    chosen = [name for name in initial.destinations if name in names]
    values: dict[str, Any] = {
        "roll_up_minutes": left.selectbox(
            "Group into one message",
            roll_ups,
            index=roll_ups.index(initial.roll_up_minutes),
            format_func=lambda minutes: f"Within {count(minutes, 'minute')}",
            help="The first match is sent immediately, later ones together after this time",
            key=f"{key}-roll-up",
        ),
        "quiet": middle.text_input(
            "Quiet hours",
            value=initial.quiet,
            placeholder="22:00-07:00",
            help="Matches in these hours are reported in one message afterwards",
            key=f"{key}-quiet",
        ).strip(),
        "zone": right.selectbox(
            "Time zone",
            zones,
            index=zones.index(initial.zone) if initial.zone in zones else zones.index("UTC"),
            key=f"{key}-zone",
        ),
    }
    left, right = st.columns([1, 2], gap="small")
    values["severity"] = left.selectbox(
        "Severity",
        severities,
        index=severities.index(initial.severity),
        format_func=str.capitalize,
        key=f"{key}-severity",
    )
    values["daily_cap"] = int(
        right.number_input(
            "Maximum messages per day", 1, 10_000, initial.daily_cap, key=f"{key}-cap"
        )
    )
    chosen_key = destinations_key(key)
    st.session_state.setdefault(chosen_key, chosen)
    if names:
        values["destinations"] = tuple(st.multiselect("Sends to", names, key=chosen_key))
    else:
        values["destinations"] = ()
        st.caption("Sends to: no destination yet. Add one below.")
    if missing:
        st.warning(text.escape(f"Deleted destinations: {', '.join(missing)}. Saving removes them."))
    values["why"] = st.text_input(
        "Reason, shown in messages", value=initial.why, max_chars=300, key=f"{key}-why"
    )
    return values
