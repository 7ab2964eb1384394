"""The back-test of a rule: days, the newest matches with their messages, and the first message."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from forwarders import _message
from trail.core import event_text
from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Notification
from trail.events import events
from trail.findings import queries
from trail.incidents.incident_json import records
from trail.notifications import deliveries, matches
from trail.notifications.dry_run import DryRunResult, Entry, dry_run
from trail.notifications.evaluate import payload
from trail.notifications.rule import EVENT_KINDS, STATE_KINDS, Rule
from trail.storage.filters import Filter, Window
from ui import coverage_banner, text, url_state
from ui.alerts import matches_chart, rule_list
from ui.page import Context

_DAYS = 30
_ROWS = 8
# Number of newest events that are searched for matches to show.
_CANDIDATES = 500
_WEEKS = _DAYS / 7


@dataclass(frozen=True, slots=True)
class _Match:
    """A match on screen: its time (naive UTC), a sentence, its event if any, and its message."""

    at: dt.datetime
    sentence: str
    event: Mapping[str, Any]
    message: int | None


def draw(ctx: Context, rule: Rule, key: str) -> None:
    """Draw what *rule* would have sent in the last days, or the error of an invalid rule."""
    if rule.kind in STATE_KINDS:
        st.caption("No back-test: the history of sources, deliveries and checks is not stored.")
        return
    coverage_banner.show_missing_archive(ctx, Window(utc_now() - dt.timedelta(days=_DAYS)))
    try:
        result = dry_run(ctx.store, rule, _DAYS, rows=_past_records(ctx, rule.kind))
        found = _matches(ctx, rule, result)
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(f"**Back-test, last {_DAYS} days**", width="content")
        if rule.kind in EVENT_KINDS:
            rule_list.draw_explore_button(rule, f"{key}-explore")
    st.text(_summary(rule, result))
    days = [(day, matched) for day, matched, _ in result.days]
    matches_chart.draw(days, rule.query, f"{key}-back-test", 60)
    _rows(rule, result, found[:_ROWS])
    if result.sent:
        _preview(ctx, rule, result, found)


def _summary(rule: Rule, result: DryRunResult) -> str:
    noun = "event" if rule.kind in EVENT_KINDS else "match"
    plural = "events" if rule.kind in EVENT_KINDS else "matches"
    total = (
        f"{text.count(result.matches, noun, plural)} in {text.count(result.messages, 'message')}"
    )
    weekly = result.messages / _WEEKS
    if not result.messages:
        return total
    rate = f"about {weekly:.0f} a week" if weekly >= 1 else "less than 1 a week"
    return f"{total}, {rate}"


def _past_records(ctx: Context, kind: str) -> list[dict[str, Any]]:
    """Return the findings or incidents of the back-test; nothing for other kinds of rules."""
    store, now = ctx.store, dt.datetime.now(dt.UTC)
    past = Filter(start=f"{_DAYS}d")
    if kind == "incidents":
        return list(records(store, past, now))
    if kind == "findings":
        findings = queries.queue(store, past, now).findings
        return list(queries.records(store, findings, past.zone, now))
    return []


def _matches(ctx: Context, rule: Rule, result: DryRunResult) -> list[_Match]:
    """Return the newest matches, newest first, with one row for each event."""
    if rule.kind not in EVENT_KINDS:
        return [
            _Match(entry.at, _sentence_of(rule, entry), {}, entry.message)
            for entry in reversed(result.entries)
        ]
    by_place = {(entry.at, entry.target): entry for entry in result.entries}
    filter_ = replace(Filter.parse(rule.query), start=f"{_DAYS}d", end="", sort="newest")
    now = dt.datetime.now(dt.UTC)
    page = events.page(ctx.store, filter_, now, rows=_CANDIDATES)
    found = []
    for event in page.rows:
        place = (matches.truncated(event["occurred_at"], result.unit), matches.key_of(rule, event))
        if entry := by_place.get(place):
            sentence = event_text.sentence(event).removesuffix(".")
            found.append(_Match(event["occurred_at"], sentence, event, entry.message))
    return found


def _sentence_of(rule: Rule, entry: Entry) -> str:
    body = {**entry.example, "text": entry.text, "title": entry.example.get("title") or rule.name}
    kind = rule.kind.removesuffix("s") if entry.example else "notice"
    message = _message.compose(Notification(kind, "back-test", utc_now(), body), {})
    return message.sentence.removesuffix(".")


def _rows(rule: Rule, result: DryRunResult, found: list[_Match]) -> None:
    zone = url_state.timezone()
    with st.container(gap="xxsmall", key="back-test-rows"):
        for match in found:
            left, middle, right = st.columns([1.1, 3, 0.9], gap="small")
            # A finding belongs to a day.
            of_day = rule.kind == "findings"
            at = text.day(match.at, zone) if of_day else text.short_timestamp(match.at, zone)
            left.caption(at)
            middle.text(match.sentence)
            number = "" if match.message is None else len(result.sent) - match.message
            right.caption(f"message {number}" if number else "")
    shown = sum(match.message is not None for match in found)
    if result.matches > shown:
        st.caption("The newest matches. Message 1 is the newest one.")


def _preview(ctx: Context, rule: Rule, result: DryRunResult, found: list[_Match]) -> None:
    """Draw the newest message, built like sent messages."""
    index = len(result.sent) - 1
    at, message = result.sent[index]
    own = [match for match in found if match.message == index and match.event]
    if message.form == "first" and own:
        message = replace(message, example=dict(own[-1].event))
    kind, body = payload(rule, message, at)
    home = ctx.runtime.settings.forward.public_url.rstrip("/")
    made = _message.compose(Notification(kind, "preview", at, deliveries.as_sent(body), home), {})
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.markdown("**Message preview**", width="content")
        st.caption("Message 1 of the back-test", width="content")
    with st.container(key="message-preview", gap="xxsmall"):
        st.text(made.title)
        for line in made.text().splitlines():
            st.caption(text.escape(line))
        if made.reason:
            st.caption(text.escape(made.reason))
