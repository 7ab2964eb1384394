"""Looking at what is new, and telling of it: hits, messages and the place moved, all at once.

Events are followed by their order of keeping, so that loading them costs nothing more. Whoever
keeps findings or incidents calls `offer` in the same transaction.
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
from trail.notifications import deliveries, destinations, matches, rule_store
from trail.notifications.matches import News
from trail.notifications.rate_limit import Hit, Message, Tally, due_at, step
from trail.notifications.rule import Rule
from trail.storage import cursors
from trail.storage.database import Cursor, Inside, Store

_log = logging.getLogger("trail.alerts")

PLACE = "alerts"
_SILENCE_EVERY = dt.timedelta(minutes=1)
_SEEN_DAYS = 400
_BEFORE_ALL = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - UTC, as the store keeps times


@dataclass(slots=True)
class Alerts:
    """The running rules of one store. *clock* gives UTC without zone."""

    settings: Settings
    store: Callable[[], Store]
    clock: Callable[[], dt.datetime] = utc_now
    _silence_at: dt.datetime | None = None
    _problems: dict[int, str] = field(default_factory=dict)

    def round(self) -> str:
        """Look at what was kept since the last look, and at what time alone has brought.

        Returns words for the pages. Messages wait in the outbox when it comes back.
        """
        store, now = self.store(), self.clock()
        kept, place = cursors.kept(store), cursors.get(store, PLACE)
        active = [rule for rule in rule_store.all_of(store) if rule.active]
        tallies = rule_store.tallies(store) if active else {}
        news = None
        if kept and place and kept > dt.datetime.fromisoformat(place):
            news = News(dt.datetime.fromisoformat(place), kept)
        asks_silence = self._silence_at is None or now - self._silence_at >= _SILENCE_EVERY
        result: dict[int, list[Hit]] = {}
        for rule in active:
            tally = tallies.get(rule.rule_id, Tally())
            result[rule.rule_id] = self._hits(store, rule, tally, news, now, asks_silence)
        if asks_silence:
            self._silence_at = now
        concerned = [
            rule
            for rule in active
            if result[rule.rule_id] or _is_due(rule, tallies.get(rule.rule_id), now)
        ]
        # Before the first event there is a place too, or the very first would be behind it.
        text = (kept or _BEFORE_ALL).isoformat()
        if concerned or text != place:
            store.write(lambda cursor: _act(cursor, concerned, result, place, text, now))
        if self._problems:
            return next(iter(self._problems.values()))
        return f"{len(active):,} rules, {sum(map(len, result.values())):,} targets met one"

    def _hits(
        self,
        store: Store,
        rule: Rule,
        tally: Tally,
        news: News | None,
        now: dt.datetime,
        asks_silence: bool,
    ) -> list[Hit]:
        try:
            if rule.kind == "events" and news:
                oldest = now - dt.timedelta(hours=self.settings.forward.alert_hours)
                events = matches.of_events(store, rule, tally, news, now, oldest)
            elif rule.kind == "silence" and asks_silence:
                events = _silence(store, rule, now)
            else:
                events = []
            self._problems.pop(rule.rule_id, None)
        except TrailError as error:
            # One rule that cannot be read must not hold up the others.
            self._problems[rule.rule_id] = f"Rule {rule.name!r}: {error}"
            _log.warning("rule %r: %s", rule.name, error)
            return []
        return events


def offer(cursor: Cursor, kind: str, rows: Iterable[Mapping[str, Any]], now: dt.datetime) -> int:
    """Let the rules of *kind* (`findings` or `incidents`) look at *rows*; return how many hits.

    Rows are dicts with the fields of DESIGN section 6. Call it with every row that is new or has
    changed, in the transaction that keeps them, and with all open incidents now and then: each
    finding or incident is told once a rule, however often it is offered. *now* is UTC without
    zone.
    """
    listed, total = list(rows), 0
    engine = Inside(cursor)
    for rule in rule_store.all_of(engine):
        if rule.kind != kind or not rule.active:
            continue
        if kind == "findings":
            met = matches.of_findings(rule, listed)
        else:
            met = matches.of_incidents(rule, listed, now)
        new = rule_store.unseen(cursor, rule.rule_id, list(met), now)
        result = [hit for key, hit in met.items() if key in new]
        if result:
            tally = rule_store.tallies(engine).get(rule.rule_id, Tally())
            _tell(cursor, rule, tally, result, now)
            total += len(result)
    return total


def prune(cursor: Cursor, now: dt.datetime) -> None:
    """Forget what rules were told of more than a year ago, and their counts of days."""
    before = now - dt.timedelta(days=_SEEN_DAYS)
    cursor.execute("delete from rule_seen where seen_at < $before", {"before": before})
    cursor.execute("delete from rule_days where day < $before::date", {"before": before})


def _silence(store: Store, rule: Rule, now: dt.datetime) -> list[Hit]:
    known = store.table(
        "select key from rule_seen where rule_id = $id and key = 'silence'", {"id": rule.rule_id}
    ).num_rows
    if matches.heard(store, rule, now):
        if known:
            store.write(lambda cursor: rule_store.forget_seen(cursor, rule.rule_id, "silence"))
        return []
    if known:
        return []
    words = f"No such event for {rule.silent_minutes:,} minutes."
    return [Hit("silence", rule.name, 1, {}, words)]


def _is_due(rule: Rule, tally: Tally | None, now: dt.datetime) -> bool:
    due = due_at(rule, tally) if tally else None
    return bool(due and due <= now and not rule.silent(now))


def _act(
    cursor: Cursor,
    concerned: list[Rule],
    hits: dict[int, list[Hit]],
    place: str,
    kept: str,
    now: dt.datetime,
) -> None:
    if cursors.read(cursor, PLACE) != place:
        return  # another look has been here; the next one sees what it left
    remembered = rule_store.tallies(Inside(cursor))
    for rule in concerned:
        if rule.rule_id not in remembered:
            continue  # it was removed meanwhile
        if rule.kind == "silence" and hits[rule.rule_id]:
            rule_store.unseen(cursor, rule.rule_id, ["silence"], now)
        _tell(cursor, rule, remembered[rule.rule_id], hits[rule.rule_id], now)
    cursors.put(cursor, PLACE, kept)


def _tell(cursor: Cursor, rule: Rule, tally: Tally, hits: list[Hit], now: dt.datetime) -> None:
    """Take a rule one step further: its messages into the outbox, its memory into the store."""
    messages = step(rule, tally, hits, now)
    wanted = {name.lower() for name in rule.destinations}
    known = destinations.all_of(Inside(cursor)) if messages and wanted else []
    for number, message in enumerate(messages):
        kind, body = _payload(rule, message, now)
        key = f"{rule.rule_id}-{now.isoformat()}-{number}"
        notification = Notification(kind, key, now, body)
        for item in known:
            if item.name.lower() in wanted and item.forwarder.accepts(notification, item.settings):
                deliveries.enqueue(cursor, item.destination_id, kind, key, body, now)
    rule_store.put_tally(cursor, rule.rule_id, tally)
    rule_store.note(cursor, rule.rule_id, now, sum(hit.count for hit in hits), len(messages))


def _payload(rule: Rule, message: Message, now: dt.datetime) -> tuple[str, dict[str, Any]]:
    """Return the kind of delivery and its body: see the issue's list of what a message holds."""
    result = {"rule": rule.name, "rule_id": rule.rule_id, "severity": rule.severity}
    why = rule.why or (
        f"{rule.threshold:,} or more in {rule.window_minutes:,} minutes"
        if rule.kind == "events" and rule.threshold > 1
        else ""
    )
    if message.form == "first" and rule.kind in ("findings", "incidents"):
        reason = f"Rule “{rule.name}”" + (f": {why}" if why else "")
        return rule.kind[:-1], {**message.example, **result, "why": reason}
    text = message.text
    if message.form == "rollup":
        others = len(message.targets) + message.more_targets
        since = message.since or now
        minutes = max(1, round((now - since).total_seconds() / 60))
        text = f"{message.count:,} more on {others:,} target{'s' * (others != 1)} in {minutes} min."
    elif message.count > 1:
        text = f"{message.count:,} × {message.targets[0][0] or 'without a target'}."
    return "alert", {
        **result,
        "form": message.form,
        "count": message.count,
        "text": text,
        "why": why,
        "targets": [{"label": label, "count": count} for label, count in message.targets],
        "more_targets": message.more_targets,
        "event": dict(message.example) or None,
        "query": rule.query,
        "since": message.since,
        "at": now,
    }
