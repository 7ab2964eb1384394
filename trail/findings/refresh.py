"""Bring findings up to date: fold the days that changed, judge those and all days after them.

A day is judged with what came before it alone, so a late event changes its own day and later ones,
never earlier ones. What retention removes leaves the aggregates but judges nothing anew: a score
stays what it was when its history was whole.
"""

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass

from trail import registry
from trail.findings import daily, history, kept, risks, standing, switches
from trail.findings.detector import Detector
from trail.findings.score import MEMORY_DAYS, Item, Sizes, Weighed, weigh
from trail.findings.standing import Standing
from trail.store import Cursor, Store


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did: days folded, the first day judged (None for none), findings written."""

    folded: int
    since: dt.date | None
    findings: int


def detectors() -> list[Detector]:
    """Return the statistical detectors, by name."""
    found = registry.discover("detectors", "DETECTOR").values()
    return sorted((each for each in found if isinstance(each, Detector)), key=lambda d: d.name)


def refresh(store: Store, now: dt.datetime) -> Refreshed:
    """Fold and judge what has changed since the last refresh, up to the day of *now*.

    *now* without a zone is UTC. Days are UTC days; the present one is judged as far as it has come,
    and again later. Nothing to do costs a look at the cube.
    """
    moment = now.astimezone(dt.UTC).replace(tzinfo=None) if now.tzinfo else now
    return store.write(lambda cursor: _Refresh(cursor, moment).run())


class _Refresh:
    """One refresh, in one transaction."""

    def __init__(self, cursor: Cursor, now: dt.datetime) -> None:
        self._cursor = cursor
        self._now = now
        self._until = now.date()
        self._detectors = detectors()

    def run(self) -> Refreshed:
        cursor = self._cursor
        before = standing.read(cursor)
        version = standing.version(cursor, self._detectors)
        changed = daily.changed(cursor, before.ingested)
        daily.fold(cursor, {*changed.came, *changed.went})
        if changed.went:
            kept.sweep(cursor)
        first = cursor.execute("select min(day) from daily_actions").fetchall()[0][0]
        since = self._since(before, first, changed.came, anew=version != before.version)
        written = self._judge(since) if since else 0
        if changed.came or changed.went or since:
            opened = min(filter(None, (before.opened, first and first.isoformat())), default="")
            until = self._until.isoformat()
            now = standing.Standing(version, daily.newest(cursor), until, opened)
            standing.write(cursor, now)
        return Refreshed(len(changed.came) + len(changed.went), since, written)

    def _since(
        self, before: Standing, first: dt.date | None, came: tuple[dt.date, ...], *, anew: bool
    ) -> dt.date | None:
        """Return the first day to judge: the first that changed, or that was not yet over."""
        if first is None:
            return None
        if anew or not before.until:
            return first if first <= self._until else None
        judged = dt.date.fromisoformat(before.until)
        wanted = [day for day in came if day <= self._until]
        if judged < self._until:
            wanted.append(judged)
        return max(min(wanted), first) if wanted else None

    def _judge(self, since: dt.date) -> int:
        history.prepare(self._cursor, since, self._until, self._now)
        items = self._items()
        written = self._write(since, self._weigh(items, self._sizes(since, items)))
        history.drop(self._cursor)
        return written

    def _items(self) -> dict[dt.date, list[Item]]:
        found: dict[dt.date, list[Item]] = defaultdict(list)
        for detector in self._detectors:
            table = self._cursor.sql(detector.sql).to_arrow_table()
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
                    found[item.day].append(item)
        return found

    def _sizes(self, since: dt.date, items: dict[dt.date, list[Item]]) -> Sizes:
        """Return the sizes of earlier items, and keep those of the days that are judged."""
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
        for day, each in by_day.items():
            sizes.add(day, each)
        kept.remember(cursor, since, [item for day in sorted(items) for item in items[day]])
        return sizes

    def _weigh(
        self, items: dict[dt.date, list[Item]], sizes: Sizes
    ) -> dict[tuple[dt.date, int], list[Weighed]]:
        found: dict[tuple[dt.date, int], list[Weighed]] = {}
        for day in sorted(items):
            sizes.turn_to(day)
            by_actor: dict[int, list[Item]] = defaultdict(list)
            for item in items[day]:
                by_actor[item.actor_key].append(item)
            for actor_key, each in by_actor.items():
                weighed = weigh(each, sizes)
                if weighed:
                    found[day, actor_key] = weighed
            sizes.add(day, ((item.detector, item.bits) for item in items[day]))
        return found

    def _write(self, since: dt.date, weighed: dict[tuple[dt.date, int], list[Weighed]]) -> int:
        cursor = self._cursor
        ruled = switches.reasons(cursor, since, self._until)
        actors = {
            key: (actor_id, actor_type)
            for key, actor_id, actor_type in cursor.execute(
                "select actor_key, actor_id, actor_type from actors"
            ).fetchall()
        }
        words = {detector.name: detector.explain for detector in self._detectors}
        rows = []
        for day, actor_key in sorted({*weighed, *ruled}):
            reasons = [
                kept.said(each, words[each.item.detector](json.loads(each.item.row["facts"])))
                for each in weighed.get((day, actor_key), [])
            ] + ruled.get((day, actor_key), [])
            actor_id, actor_type = actors[actor_key]
            rows.append((day, actor_id, actor_type, reasons))
        kept.replace(cursor, since, rows, risks.version(cursor), self._now)
        return len(rows)
