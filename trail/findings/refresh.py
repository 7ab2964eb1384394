"""Update findings: aggregate the days that changed, then score them and all later days.

A late event changes its own day and later days, never earlier ones. Retention removes events from
the aggregates, but scores stay as they were when the history was complete.
"""

import concurrent.futures
import contextlib
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trail.core import registry
from trail.core.clock import naive_utc
from trail.core.errors import UnavailableError
from trail.core.sections import REVIEWED_DAYS
from trail.findings import (
    daily,
    evidence_index,
    finding_store,
    history,
    observed,
    risks,
    rule_toggles,
    rules,
    same_events,
    watermark,
)
from trail.findings.detector import Detector, Rule
from trail.findings.score import MEMORY_DAYS, Item, Sizes, Weighed, weigh
from trail.findings.watermark import Watermark
from trail.storage import cold_views
from trail.storage.connection import Cursor, arrow
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

_DAY = dt.timedelta(days=1)
_TIMEOUT_S = 5.0

_ActorDay = tuple[dt.date, int]  # the day, UTC, and the actor's key


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The days aggregated, the first day scored (None for none), and the findings written."""

    folded: int
    since: dt.date | None
    findings: int


# The version of each store's data, and the day, for which the findings are up to date.
_caught_up: dict[int, tuple[int, dt.date]] = {}


def detectors() -> list[Detector]:
    """Return the statistical detectors, by name."""
    discovered = registry.discover("detectors", "DETECTOR").values()
    return sorted((d for d in discovered if isinstance(d, Detector)), key=lambda d: d.name)


def catch_up(engine: Engine, now: dt.datetime, timeout_s: float = _TIMEOUT_S) -> None:
    """Bring the findings up to date; every query of findings by budget calls this first.

    While a load occupies the writer it waits at most *timeout_s* seconds; the reader then gets the
    findings as of the last update, as it does if an archived day cannot be read. A snapshot, or a
    transaction, is read as it is.
    """
    if not isinstance(engine, Store):
        return
    # The version before: what was written meanwhile may have come too late for this refresh.
    seen = engine.version, naive_utc(now).date()
    if _caught_up.get(engine.number) != seen:
        with contextlib.suppress(concurrent.futures.TimeoutError, UnavailableError):
            engine.submit(lambda cursor: _Refresh(cursor, naive_utc(now)).run()).result(timeout_s)
            _caught_up[engine.number] = seen


def refresh(store: Store, now: dt.datetime) -> Refreshed:
    """Aggregate and score what changed since the last refresh, up to the day of *now*.

    *now* without a zone is UTC. The current UTC day is scored as far as it is recorded, and again
    later. Without changes only the cube is read.
    """
    moment = naive_utc(now)
    return store.write(lambda cursor: _Refresh(cursor, moment).run())


def invalidate(cursor: Cursor, days: Iterable[dt.date]) -> None:
    """Let the next refresh aggregate *days* again, because their events changed in place."""
    cursor.execute(
        "delete from folded where list_contains($days::date[], day)",
        {"days": [day.isoformat() for day in days]},
    )


class _Refresh:
    """One refresh, in one transaction."""

    def __init__(self, cursor: Cursor, now: dt.datetime) -> None:
        self._cursor = cursor
        self._now = now
        self._until = now.date()
        self._detectors = detectors()

    def run(self) -> Refreshed:
        cursor = self._cursor
        before = watermark.read(cursor)
        version = watermark.version(cursor, self._detectors)
        # Archived days are kept for as long as findings of them are.
        kept = self._until - dt.timedelta(days=REVIEWED_DAYS)
        changed = daily.changed_days(cursor, before.ingested, kept)
        newest = daily.newest_archived(cursor, kept)
        stale = [*changed.updated, *changed.removed]
        if before.until:
            stale.append(dt.date.fromisoformat(before.until))
        is_all = version != before.version or not before.until
        if newest is None or not (is_all or min(stale) <= newest + _DAY):
            return self._run(before, version, changed, kept)
        with daily.with_archived(cursor, kept):
            return self._run(before, version, changed, kept)

    def _run(
        self, before: Watermark, version: str, changed: daily.ChangedDays, kept: dt.date
    ) -> Refreshed:
        cursor = self._cursor
        daily.fold(cursor, {*changed.updated, *changed.removed}, kept)
        if version != before.version and before.version:
            daily.fold_sequences(cursor)
        if changed.removed:
            finding_store.remove_expired(cursor)
        first = cursor.execute("select min(day) from daily_actions").fetchall()[0][0]
        since = self._since(before, first, changed.updated, rescore=version != before.version)
        since = self._readable_since(since)
        written = self._score(since) if since else 0
        if changed.updated or changed.removed or since:
            opened = min(filter(None, (before.opened, first and first.isoformat())), default="")
            until = self._until.isoformat()
            after = Watermark(version, daily.newest_ingestion(cursor), until, opened)
            watermark.write(cursor, after)
            self._index(opened)
        elif not evidence_index.is_filled(cursor):
            self._index(before.opened)
        return Refreshed(len(changed.updated) + len(changed.removed), since, written)

    def _index(self, opened: str) -> None:
        first = dt.date.fromisoformat(opened) if opened else None
        evidence_index.rebuild(self._cursor, first, self._until)

    def _since(
        self,
        before: Watermark,
        first: dt.date | None,
        updated: tuple[dt.date, ...],
        *,
        rescore: bool,
    ) -> dt.date | None:
        """Return the first day to score: the first that changed or that had not ended."""
        if first is None:
            return None
        if rescore or not before.until:
            return first if first <= self._until else None
        scored_until = dt.date.fromisoformat(before.until)
        stale = [day for day in updated if day <= self._until]
        if scored_until < self._until:
            stale.append(scored_until)
        return max(min(stale), first) if stale else None

    def _readable_since(self, since: dt.date | None) -> dt.date | None:
        """Return *since*, or the day after the last one whose archived events cannot be read.

        What is known of earlier days stays as it is: their events cannot be looked at again.
        """
        if since is None:
            return None
        days = [since + number * _DAY for number in range((self._until - since).days + 1)]
        unread = cold_views.unreadable(self._cursor, days)
        if not unread:
            return since
        after = max(unread) + _DAY
        return after if after <= self._until else None

    def _score(self, since: dt.date) -> int:
        history.prepare(self._cursor, since, self._until, self._now)
        items = self._items()
        written = self._write(since, self._weigh(items, self._sizes(since, items)))
        history.drop(self._cursor)
        return written

    def _items(self) -> dict[dt.date, list[Item]]:
        items: dict[dt.date, list[Item]] = defaultdict(list)
        for detector in self._detectors:
            table = arrow(self._cursor, detector.sql)
            for row in table.to_pylist():
                item = Item(
                    row["day"],
                    row["actor_key"],
                    detector.name,
                    round(row["bits"], 6),
                    row["risk"],
                    row,
                )
                if item.bits > 0:
                    items[item.day].append(item)
        return items

    def _sizes(self, since: dt.date, items: dict[dt.date, list[Item]]) -> Sizes:
        """Return the sizes of earlier items, and store those of the scored days."""
        cursor = self._cursor
        active = dict(
            cursor.execute("select day, count(*) from actor_days group by day").fetchall()
        )
        sizes = Sizes(active)
        by_day: dict[dt.date, list[tuple[str, float]]] = defaultdict(list)
        for day, detector, bits in cursor.execute(
            f"select day, detector, bits from item_sizes where day < date '{since}' "
            f"and day >= date '{since - dt.timedelta(days=MEMORY_DAYS)}' "
            "order by day, detector, bits"
        ).fetchall():
            by_day[day].append((detector, bits))
        for day, earlier in by_day.items():
            sizes.add(day, earlier)
        finding_store.replace_item_sizes(
            cursor, since, [item for day in sorted(items) for item in items[day]]
        )
        return sizes

    def _with_sentences(
        self,
        weighed: dict[_ActorDay, list[Weighed]],
        by_rule: dict[_ActorDay, list[dict[str, Any]]],
    ) -> list[tuple[_ActorDay, list[dict[str, Any]]]]:
        """Return the reasons by day and actor as stored, in that order."""
        found = {
            key: [finding_store.reason_record(w) for w in weighed.get(key, [])]
            + by_rule.get(key, [])
            for key in sorted({*weighed, *by_rule})
        }
        seen = iter(
            observed.observe(
                self._cursor,
                [
                    (actor_key, day, reason["actions"], reason["since"], reason["upto"])
                    for (day, actor_key), reasons in found.items()
                    for reason in reasons
                ],
            )
        )
        makers: dict[str, Detector | Rule] = {
            **{detector.name: detector for detector in self._detectors},
            **{f"rule:{rule.name}": rule for rule in rules.rules()},
        }
        return [
            (
                key,
                same_events.merged(
                    [
                        finding_store.stored_record(reason, next(seen), makers[reason["detector"]])
                        for reason in reasons
                    ]
                ),
            )
            for key, reasons in found.items()
        ]

    def _weigh(
        self, items: dict[dt.date, list[Item]], sizes: Sizes
    ) -> dict[_ActorDay, list[Weighed]]:
        weighed: dict[_ActorDay, list[Weighed]] = {}
        for day in sorted(items):
            sizes.advance_to(day)
            by_actor: dict[int, list[Item]] = defaultdict(list)
            for item in items[day]:
                by_actor[item.actor_key].append(item)
            for actor_key, actor_items in by_actor.items():
                if ranked := weigh(actor_items, sizes):
                    weighed[day, actor_key] = ranked
            sizes.add(day, ((item.detector, item.bits) for item in items[day]))
        return weighed

    def _write(self, since: dt.date, weighed: dict[_ActorDay, list[Weighed]]) -> int:
        cursor = self._cursor
        by_rule = rule_toggles.rule_reasons(cursor, since, self._until)
        actors = {
            key: (actor_id, actor_type)
            for key, actor_id, actor_type in cursor.execute(
                "select actor_key, actor_id, actor_type from actors"
            ).fetchall()
        }
        rows = []
        for (day, actor_key), reasons in self._with_sentences(weighed, by_rule):
            actor_id, actor_type = actors[actor_key]
            rows.append((day, actor_id, actor_type, reasons))
        finding_store.replace_findings(cursor, since, rows, risks.version(cursor), self._now)
        return len(rows)
