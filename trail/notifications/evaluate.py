"""Evaluate alert rules: match new events and queue messages in one transaction.

A cursor over `ingested_at` marks the events that were evaluated, so ingest does no extra work.
Callers that store findings or incidents call `evaluate_rows` in the same transaction.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Notification
from trail.core.settings import Settings
from trail.notifications import deliveries, delivery_log, destinations, maintenance, rule_store
from trail.notifications.matches import (
    NewEvents,
    has_recent_event,
    match_events,
    match_findings,
    match_incidents,
    silence_text,
)
from trail.notifications.rate_limit import Match, Message, RateLimitState, due_at, step
from trail.notifications.rule import EVENT_KINDS, STATE_KINDS, Rule
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.inside import Inside

_log = logging.getLogger("trail.alerts")

CURSOR = "alerts"
_SILENCE_INTERVAL = dt.timedelta(minutes=1)
_SEEN_RETENTION_DAYS = 400
_BEFORE_FIRST_EVENT = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - UTC, as stored


@dataclass(slots=True)
class Alerts:
    """Evaluates the active rules of one database. *clock* returns naive UTC."""

    settings: Settings
    store: Callable[[], Store]
    clock: Callable[[], dt.datetime] = utc_now
    _silence_checked_at: dt.datetime | None = None
    _problems: dict[int, str] = field(default_factory=dict)

    def run_once(self) -> str:
        """Evaluate events since the last run, silence, and due roll-ups; return a status text.

        Messages are queued in the outbox, in the transaction that moves the cursor.
        """
        store, now = self.store(), self.clock()
        newest, cursor_text = cursors.kept(store), cursors.get(store, CURSOR)
        windows = maintenance.list_all(store)
        active = [
            maintenance.quieted(windows, rule, now)
            for rule in rule_store.list_all(store)
            if rule.active
        ]
        states = rule_store.rate_limit_states(store) if active else {}
        new_events = None
        if newest and cursor_text and newest > dt.datetime.fromisoformat(cursor_text):
            new_events = NewEvents.find(store, dt.datetime.fromisoformat(cursor_text), newest)
        checks_silence = (
            self._silence_checked_at is None or now - self._silence_checked_at >= _SILENCE_INTERVAL
        )
        matches_by_rule: dict[int, list[Match]] = {}
        for rule in active:
            state = states.get(rule.rule_id, RateLimitState())
            matches_by_rule[rule.rule_id] = self._match_rule(
                store, rule, state, new_events, now, checks_silence
            )
        if checks_silence:
            self._silence_checked_at = now
        firing = [
            rule
            for rule in active
            if matches_by_rule[rule.rule_id] or _is_due(rule, states.get(rule.rule_id), now)
        ]
        # An empty database also has a cursor, so that its first event counts as new.
        next_text = (newest or _BEFORE_FIRST_EVENT).isoformat()
        if firing or next_text != cursor_text:
            store.write(
                lambda cursor: _apply(cursor, firing, matches_by_rule, cursor_text, next_text, now)
            )
        if self._problems:
            return next(iter(self._problems.values()))
        matched = sum(map(len, matches_by_rule.values()))
        return f"{len(active):,} rules, {matched:,} targets matched"

    def _match_rule(
        self,
        store: Store,
        rule: Rule,
        state: RateLimitState,
        new_events: NewEvents | None,
        now: dt.datetime,
        checks_silence: bool,
    ) -> list[Match]:
        try:
            if rule.kind in EVENT_KINDS and new_events:
                oldest = now - dt.timedelta(hours=self.settings.forward.alert_hours)
                matches = match_events(store, rule, state, new_events, now, oldest)
            elif rule.kind == "silence" and checks_silence:
                matches = _match_silence(store, rule, now)
            else:
                matches = []
            self._problems.pop(rule.rule_id, None)
        except TrailError as error:
            # An invalid rule must not block the others.
            self._problems[rule.rule_id] = f"Rule {rule.name!r}: {error}"
            _log.warning("rule %r: %s", rule.name, error)
            return []
        return matches


def evaluate_rows(
    cursor: Cursor, kind: str, rows: Iterable[Mapping[str, Any]], now: dt.datetime
) -> int:
    """Evaluate the rules of *kind* (`findings` or `incidents`) on *rows*; return new matches.

    Rows are dicts with the fields of DESIGN section 6. Pass every new or changed row, in the
    transaction that stores it, and all open incidents at intervals. A rule reports each finding
    or incident once, however often it is passed. *now* is naive UTC.
    """
    items, total = list(rows), 0
    engine = Inside(cursor)
    for rule in rule_store.list_all(engine):
        if rule.kind != kind or not rule.active:
            continue
        if kind == "findings":
            matches = match_findings(rule, items)
        else:
            matches = match_incidents(rule, items, now)
        new = rule_store.mark_seen(cursor, rule.rule_id, list(matches), now)
        unseen = [match for key, match in matches.items() if key in new]
        if unseen:
            state = rule_store.rate_limit_states(engine).get(rule.rule_id, RateLimitState())
            queue_messages(cursor, rule, state, unseen, now)
            total += len(unseen)
    return total


def prune(cursor: Cursor, now: dt.datetime) -> None:
    """Delete the seen keys and daily counts of rules after their retention period."""
    before = now - dt.timedelta(days=_SEEN_RETENTION_DAYS)
    cursor.execute("delete from rule_seen where seen_at < $before", {"before": before})
    cursor.execute("delete from rule_days where day < $before::date", {"before": before})


def _match_silence(store: Store, rule: Rule, now: dt.datetime) -> list[Match]:
    is_reported = store.table(
        "select key from rule_seen where rule_id = $id and key = 'silence'", {"id": rule.rule_id}
    ).num_rows
    if has_recent_event(store, rule, now):
        if is_reported:
            store.write(lambda cursor: rule_store.clear_seen(cursor, rule.rule_id, "silence"))
        return []
    if is_reported:
        return []
    return [Match("silence", rule.name, 1, {}, silence_text(rule))]


def _is_due(rule: Rule, state: RateLimitState | None, now: dt.datetime) -> bool:
    due = due_at(rule, state) if state else None
    return bool(due and due <= now and not rule.is_silent(now))


def _apply(
    cursor: Cursor,
    firing: list[Rule],
    matches_by_rule: dict[int, list[Match]],
    cursor_text: str,
    newest: str,
    now: dt.datetime,
) -> None:
    if cursors.read(cursor, CURSOR) != cursor_text:
        return  # another run moved the cursor; the next one continues from there
    states = rule_store.rate_limit_states(Inside(cursor))
    for rule in firing:
        if rule.rule_id not in states:
            continue  # deleted in the meantime
        if rule.kind == "silence" and matches_by_rule[rule.rule_id]:
            rule_store.mark_seen(cursor, rule.rule_id, ["silence"], now)
        queue_messages(cursor, rule, states[rule.rule_id], matches_by_rule[rule.rule_id], now)
    cursors.put(cursor, CURSOR, newest)


def queue_messages(
    cursor: Cursor,
    rule: Rule,
    state: RateLimitState,
    matches: list[Match],
    now: dt.datetime,
) -> None:
    """Apply the rate limit, queue the messages to send, and store the new state.

    Messages about failing deliveries skip the failing destination. In a maintenance window no
    message is sent; the window counts the matches it holds back.
    """
    engine = Inside(cursor)
    windows = maintenance.list_all(engine)
    if matches and (found := maintenance.held_by(windows, rule, now)):
        held = sum(match.count for match in matches)
        state.held, state.held_by = state.held + held, found[0].name
        maintenance.record_held(cursor, found[0].window_id, held, now)
    messages = step(maintenance.quieted(windows, rule, now), state, matches, now)
    names = {name.lower() for name in rule.destinations}
    existing = destinations.list_all(engine) if messages and names else []
    without = delivery_log.failing(engine) if existing and rule.kind == "delivery" else frozenset()
    for number, message in enumerate(messages):
        kind, body = payload(rule, message, now)
        key = f"{rule.rule_id}-{now.isoformat()}-{number}"
        notification = Notification(kind, key, now, body)
        for destination in existing:
            is_meant = destination.name.lower() in names
            is_meant &= destination.destination_id not in without
            if is_meant and destination.forwarder.accepts(notification, destination.settings):
                deliveries.enqueue(cursor, destination.destination_id, kind, key, body, now)
    rule_store.save_rate_limit_state(cursor, rule.rule_id, state)
    count = sum(match.count for match in matches)
    rule_store.record_counts(cursor, rule.rule_id, now, count, len(messages))


def payload(rule: Rule, message: Message, now: dt.datetime) -> tuple[str, dict[str, Any]]:
    """Return the delivery kind of *message* and its body, with times as `datetime`."""
    header = {"rule": rule.name, "rule_id": rule.rule_id, "severity": rule.severity}
    reason = rule.why or (
        f"{rule.threshold:,} or more in {rule.window_minutes:,} minutes"
        if rule.kind == "events" and rule.threshold > 1
        else ""
    )
    if message.form == "first" and rule.kind in ("findings", "incidents"):
        why = f"Rule “{rule.name}”" + (f": {reason}" if reason else "")
        return rule.kind[:-1], {**message.example, **header, "why": why}
    text = message.text
    if message.form == "rollup" and rule.kind in STATE_KINDS:
        # The label of a state is a sentence that says what began or has ended.
        more = f" And {message.more_targets:,} more." if message.more_targets else ""
        text = " ".join(label for label, _ in message.targets) + more
    elif message.form == "rollup":
        targets = len(message.targets) + message.more_targets
        since = message.since or now
        minutes = max(1, round((now - since).total_seconds() / 60))
        text = (
            f"{message.count:,} more on {targets:,} target{'s' * (targets != 1)} in {minutes} min."
        )
    elif message.count > 1:
        text = f"{message.count:,} × {message.targets[0][0] or 'without a target'}."
    if message.held:
        window = f"the maintenance window “{message.held_by}”"
        text = f"{text} {message.held:,} of {message.count:,} held back by {window}."
    return "alert", {
        **header,
        "form": message.form,
        "count": message.count,
        "text": text,
        "why": reason,
        "targets": [{"label": label, "count": count} for label, count in message.targets],
        "more_targets": message.more_targets,
        "held": message.held,
        "event": dict(message.example) or None,
        "query": rule.query,
        "since": message.since,
        "at": now,
    }
