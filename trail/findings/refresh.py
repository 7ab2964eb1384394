"""Bring findings up to date: fold the days that changed, judge those and all days after them.

A day is judged with what came before it alone, so a late event changes its own day and later ones,
never earlier ones. What retention removes leaves the aggregates but judges nothing anew: a score
stays what it was when its history was whole.
"""

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail import catalogue, marks, registry
from trail.findings import daily, history, risks, switches
from trail.findings.model import Detector
from trail.findings.score import MEMORY_DAYS, Item, Sizes, Weighed, weigh
from trail.store import Cursor, Store

_SOURCE = "findings"
_DAY = dt.timedelta(days=1)
# Raised when the scoring itself changes, so that what is kept is judged anew.
_SCORING = 1

_OPEN = "open"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did: days folded, the first day judged (None for none), findings written."""

    folded: int
    since: dt.date | None
    findings: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where the last refresh stood."""

    version: str = ""
    ingested: str = ""
    until: str = ""

    @classmethod
    def read(cls, cursor: Cursor) -> "_Mark":
        text = marks.read(cursor, _SOURCE)
        return cls(**json.loads(text)) if text else cls()


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
        mark = _Mark.read(cursor)
        version = _version(cursor, self._detectors)
        changed = daily.changed(cursor, mark.ingested)
        daily.fold(cursor, {*changed.came, *changed.went})
        if changed.went:
            _sweep(cursor)
        since = self._since(mark, changed.came, anew=version != mark.version)
        written = self._judge(since) if since else 0
        if changed.came or changed.went or since:
            kept = {
                "version": version,
                "ingested": daily.newest(cursor),
                "until": self._until.isoformat(),
            }
            marks.put(cursor, _SOURCE, json.dumps(kept))
        return Refreshed(len(changed.came) + len(changed.went), since, written)

    def _since(self, mark: _Mark, came: tuple[dt.date, ...], *, anew: bool) -> dt.date | None:
        """Return the first day to judge: the first that changed, or that was not yet over."""
        first = self._cursor.execute("select min(day) from daily_actions").fetchall()[0][0]
        if first is None:
            return None
        if anew or not mark.until:
            return first if first <= self._until else None
        judged = dt.date.fromisoformat(mark.until)
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
        cursor.execute(f"delete from item_sizes where day >= date '{since}'")
        flat = [item for day in sorted(items) for item in items[day]]
        _insert(
            cursor,
            "item_sizes",
            {
                "day": pa.array([item.day for item in flat], pa.date32()),
                "detector": pa.array([item.detector for item in flat], pa.string()),
                "bits": pa.array([item.bits for item in flat], pa.float64()),
            },
        )
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
        words = {detector.name: detector.words for detector in self._detectors}
        rows = []
        for day, actor_key in sorted({*weighed, *ruled}):
            reasons = [
                _said(each, words[each.item.detector](json.loads(each.item.row["facts"])))
                for each in weighed.get((day, actor_key), [])
            ] + ruled.get((day, actor_key), [])
            actor_id, actor_type = actors[actor_key]
            rows.append((day, actor_id, actor_type, reasons))
        _replace(cursor, since, self._until, rows, risks.version(cursor), self._now)
        return len(rows)


def finding_id(day: dt.date, actor_id: str) -> str:
    """Return the id of an actor's day: the same for ever."""
    return "f-" + hashlib.sha256(f"{day.isoformat()}\0{actor_id}".encode()).hexdigest()[:16]


def _said(weighed: Weighed, text: str) -> dict[str, Any]:
    row = weighed.item.row
    return {
        "detector": weighed.item.detector,
        "points": weighed.points,
        "text": text,
        "facts": json.loads(row["facts"]),
        "actions": row["actions"],
        "since": row["since"].isoformat() if row["since"] else None,
        "upto": row["upto"].isoformat() if row["upto"] else None,
    }


def _replace(
    cursor: Cursor,
    since: dt.date,
    until: dt.date,
    rows: list[tuple[dt.date, str, str, list[dict[str, Any]]]],
    risk_version: int,
    now: dt.datetime,
) -> None:
    """Write the findings from *since* on anew; what people decided about them stays."""
    states = dict(
        cursor.execute(
            f"select finding_id, state from findings where day >= date '{since}' "
            f"and state <> '{_OPEN}'"
        ).fetchall()
    )
    ids = [finding_id(day, actor_id) for day, actor_id, *_ in rows]
    cursor.register("written_again", pa.table({"finding_id": pa.array(ids, pa.string())}))
    # A decision is kept even where its reasons are gone, since somebody may have to show it.
    cursor.execute(
        f"delete from findings where day >= date '{since}' and (state = '{_OPEN}' "
        "or finding_id in (select finding_id from written_again))"
    )
    cursor.unregister("written_again")
    _insert(
        cursor,
        "findings",
        {
            "finding_id": pa.array(ids, pa.string()),
            "day": pa.array([row[0] for row in rows], pa.date32()),
            "actor_id": pa.array([row[1] for row in rows], pa.string()),
            "actor_type": pa.array([row[2] for row in rows], pa.string()),
            "score": pa.array([sum(r["points"] for r in row[3]) for row in rows], pa.int32()),
            "reasons": pa.array([json.dumps(row[3]) for row in rows], pa.string()),
            "state": pa.array([states.get(each, _OPEN) for each in ids], pa.string()),
            "risk_version": pa.array([risk_version] * len(rows), pa.int32()),
            "scored_at": pa.array([now] * len(rows), pa.timestamp("us")),
        },
    )


def _sweep(cursor: Cursor) -> None:
    """Let go what is about days whose events are gone; what people decided stays."""
    oldest = "(select coalesce(min(day), date '9999-01-01') from folded)"
    cursor.execute(f"delete from findings where state = '{_OPEN}' and day < {oldest}")
    cursor.execute(f"delete from item_sizes where day < {oldest} - {MEMORY_DAYS}")


def _insert(cursor: Cursor, table: str, columns: dict[str, pa.Array]) -> None:
    cursor.register("to_insert", pa.table(columns))
    cursor.execute(f"insert into {table} select * from to_insert")
    cursor.unregister("to_insert")


def _version(cursor: Cursor, known: Iterable[Detector]) -> str:
    """Return what scores depend on besides the events: formulas, risks, lessons, switches."""
    parts = [
        str(_SCORING),
        catalogue.VERSION,
        str(risks.version(cursor)),
        *(f"{each.name} {each.sql}" for each in known),
        *(str(row) for row in cursor.execute(_TAUGHT).fetchall()),
        *sorted(switches.on(cursor)),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


_TAUGHT = "select actor_id, action, since, until from taught order by all"
