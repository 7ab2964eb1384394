"""The list of alert rules: switch, condition in words, 14 days, last message, and a menu."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import streamlit as st

from trail.config_files import folder
from trail.core.clock import utc_now, utc_text
from trail.core.errors import TrailError
from trail.notifications import destinations, rule_store
from trail.notifications.rule import FILTERED_KINDS, Rule
from trail.notifications.rule_store import Authorship
from trail.storage.filters import Filter
from ui import authorship, text, url_state
from ui.alerts import changes, rule_source, rule_words
from ui.components.day_bars import DayBar, day_bars
from ui.page import Context

_SNOOZES = {"1 h": dt.timedelta(hours=1), "1 day": dt.timedelta(days=1)}
_HISTORY_DAYS = 14
_EXPLORE_RANGE = "30d"
_WIDTHS = (0.5, 3.8, 1.3, 1.3, 1.5, 1.5)
_HEADS = ("On", "Rule", f"{_HISTORY_DAYS} days", "Last message", "Sends to", "")


def draw(ctx: Context, rules: list[Rule], names: rule_words.Names, opened: int) -> None:
    """Draw *rules*, with the *names* of actors; *opened* is the ID of the edited one, or 0."""
    store = ctx.runtime.store
    receivers = frozenset(one.name.casefold() for one in destinations.list_all(store))
    origins = folder.origins(store, "rules")
    authors = rule_store.authorships(store)
    histories = rule_store.histories(store, _HISTORY_DAYS, utc_now().date())
    with st.container(border=True, gap="xsmall", key="rules"):
        with st.container(key="rule-heads"):
            for column, head in zip(st.columns(_WIDTHS, gap="small"), _HEADS, strict=True):
                column.caption(head)
        for rule in rules:
            author = authors.get(rule.rule_id)
            edit = (author.edited_by, author.edited_at) if author else ("", None)
            origin = authorship.from_files(origins, rule.name, *edit)
            history = histories.get(rule.rule_id, {"days": [], "last_fired_at": None})
            state = "open" if rule.rule_id == opened else "row"
            with st.container(key=f"rule-{state}-{rule.rule_id}"):
                _Row(rule, history, names, receivers, origin, edited(author)).draw()


@dataclass(frozen=True, slots=True)
class _Row:
    rule: Rule
    history: dict[str, Any]
    names: rule_words.Names
    receivers: frozenset[str]
    """The case-folded names of the destinations."""
    origin: str
    """A note that the rule comes from files, or empty."""
    edited: str
    """A note on who changed the rule last, or empty."""

    def draw(self) -> None:
        rule, number = self.rule, self.rule.rule_id
        columns = st.columns(_WIDTHS, gap="small", vertical_alignment="center")
        on, about, days, fired, sends_to, actions = columns
        with on:
            key = f"rule-on-{number}"
            st.session_state[key] = rule.active
            st.toggle(
                f"On: {text.escape(rule.name)}",
                key=key,
                label_visibility="collapsed",
                on_change=self._switch,
            )
        with about, st.container(gap=None):
            st.text(rule.name)
            st.caption(text.escape(rule_words.condition(rule, self.names)))
            self._notes()
        with days:
            self._days()
        fired.caption(self._last_fired())
        sends_to.caption(text.escape(self._sends_to()))
        with actions, st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            st.button(
                "Edit",
                key=f"edit-{number}",
                on_click=rule_source.open_editor,
                args=(str(number),),
            )
            with st.popover(
                "", icon=":material/more_horiz:", type="tertiary", key=f"rule-menu-{number}"
            ):
                self._menu()

    def _notes(self) -> None:
        """Draw whether the rule comes from files, is snoozed, or cannot be evaluated."""
        if self.origin:
            st.caption(text.escape(self.origin))
        if self._snoozed() and self.rule.snoozed_until:
            until = text.short_timestamp(self.rule.snoozed_until, url_state.timezone())
            st.caption(f"○ Snoozed until {until}")
        try:
            self.rule.check()
        except TrailError as error:
            st.error(text.escape(str(error)))

    def _sends_to(self) -> str:
        names = [
            name if name.casefold() in self.receivers else f"{name} (deleted)"
            for name in self.rule.destinations
        ]
        return ", ".join(names) or "No destination"

    def _days(self) -> None:
        zone, bars = url_state.timezone(), list[DayBar]()
        for day, matched, _ in self.history["days"]:
            count = text.count(matched, "match", "matches")
            bars.append({"label": f"{text.day(day, zone)} (UTC): {count}", "count": matched})
        total = text.count(sum(bar["count"] for bar in bars), "match", "matches")
        day_bars(bars, f"rule-days-{self.rule.rule_id}", f"{total} in {_HISTORY_DAYS} days")

    def _last_fired(self) -> str:
        at = self.history["last_fired_at"]
        return text.short_timestamp(at, url_state.timezone()) if at else "Never"

    def _menu(self) -> None:
        number = self.rule.rule_id
        if self.rule.kind in FILTERED_KINDS:
            draw_explore_button(self.rule, f"explore-{number}")
        st.button(
            "Duplicate",
            type="tertiary",
            key=f"copy-{number}",
            on_click=rule_source.open_copy,
            args=(number,),
        )
        if self._snoozed():
            st.button(
                "End snooze",
                key=f"wake-{number}",
                type="tertiary",
                on_click=self._snooze,
                args=(None,),
            )
        else:
            for label, length in _SNOOZES.items():
                key = f"snooze-{label}-{number}"
                st.button(
                    f"Snooze {label}",
                    key=key,
                    type="tertiary",
                    on_click=self._snooze,
                    args=(length,),
                )
        draw_delete(self.rule, f"delete-{number}")
        if self.edited:
            st.caption(text.escape(self.edited))

    def _snoozed(self) -> bool:
        return bool(self.rule.snoozed_until and self.rule.snoozed_until > utc_now())

    def _switch(self) -> None:
        active = bool(st.session_state[f"rule-on-{self.rule.rule_id}"])
        changes.attempt(
            f"alert rule {self.rule.name}",
            lambda cursor, by: rule_store.set_active(cursor, self.rule.rule_id, by, active=active),
            "on" if active else "off",
        )

    def _snooze(self, length: dt.timedelta | None) -> None:
        until = utc_now() + length if length else None
        changes.attempt(
            f"alert rule {self.rule.name}",
            lambda cursor, _: rule_store.snooze(cursor, self.rule.rule_id, until),
            f"snoozed until {utc_text(until)}" if until else "snooze ended",
        )


def edited(author: Authorship | None) -> str:
    """Return who changed a rule last and when; empty for one that is not stored."""
    if not author:
        return ""
    return authorship.edited(author.made_by, author.made_at, author.edited_by, author.edited_at)


def draw_explore_button(rule: Rule, key: str) -> None:
    """Draw the button that opens the events of the rule's filter in Explore."""
    try:
        filter_ = Filter.parse(rule.query.lstrip("?"))
    except TrailError:  # a rule of an earlier version; its row shows the error
        return
    zone = url_state.timezone_name()
    filter_ = Filter(start=_EXPLORE_RANGE, choices=filter_.choices, q=filter_.q, tz=zone)
    st.button(
        "Open in Explore",
        key=key,
        type="tertiary",
        on_click=url_state.open_page,
        args=(url_state.EXPLORE, filter_),
    )


def draw_delete(rule: Rule, key: str) -> None:
    """Draw the button that deletes a rule, below its consequences."""
    st.caption("Deleting a rule keeps its deliveries in the log.")
    st.button("Delete rule", key=key, on_click=_delete, args=(rule,))


def _delete(rule: Rule) -> None:
    changes.attempt(
        f"alert rule {rule.name}",
        lambda cursor, _: rule_store.remove(cursor, rule.rule_id),
        "deleted",
    )
