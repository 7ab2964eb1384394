"""The same incidents in real change histories: git logs, read from the folder `TRAIL_DATA`.

A history only has created, modified and deleted files per folder, so incidents use these verbs. The
rest of a real history may contain unlabelled incidents.
"""

import datetime as dt
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bench.detection import DAYS
from bench.detection.world import Planted

Row = dict[str, Any]
FILES = ("git_audit_kubernetes_org.parquet", "git_audit_segment_docs.parquet")


def files() -> list[Path]:
    """Return the available histories; none if `TRAIL_DATA` is not set."""
    folder = os.environ.get("TRAIL_DATA")
    return [path for name in FILES if folder and (path := Path(folder) / name).exists()]


def windows(path: Path, count: int) -> Iterator[tuple[dt.datetime, list[Row]]]:
    """Yield start and rows of the *count* busiest periods of 90 days of a history."""
    columns = ["actor", "actor_type", "action", "resource_type", "resource_id", "timestamp"]
    rows = pq.read_table(path, columns=columns).to_pylist()
    first = min(row["timestamp"] for row in rows).replace(hour=0, minute=0, second=0)
    by_window: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_window[(row["timestamp"] - first).days // DAYS].append(row)
    for number in sorted(by_window, key=lambda key: -len(by_window[key]))[:count]:
        yield first + dt.timedelta(days=DAYS * number), by_window[number]


class History:
    """One period of a history, and the incidents planted in it."""

    def __init__(self, start: dt.datetime, rows: list[Row], seed: int) -> None:
        """Start with *rows* from *start* (UTC, without a zone); *seed* selects what is planted."""
        self.start, self.rows = start, rows
        self.dice = np.random.default_rng([seed, 77])
        self.planted: dict[str, Planted] = {}
        self.truth: dict[tuple[str, dt.date], set[str]] = defaultdict(set)
        self._folder = {str(r["resource_id"]): str(r["resource_type"]) for r in rows}
        self._added: list[tuple[dt.datetime, str, str, str, str]] = []
        active: dict[str, set[dt.date]] = defaultdict(set)
        for row in rows:
            active[self.actor(row)].add(row["timestamp"].date())
        self.known = [who for who, days in sorted(active.items()) if len(days) >= 5]
        self.last = {who: max(days) for who, days in active.items()}

    def actor(self, row: Row) -> str:
        """Return the actor of a row as the API writes it."""
        return f"{row['actor_type']}s/{row['actor']}"

    def add(self, label: str, who: str, at: dt.datetime, verb: str, targets: list[str]) -> None:
        """Add one event on each of *targets*, which are files of the history."""
        for number, target in enumerate(targets):
            moment = at + dt.timedelta(seconds=70 * number)
            self._added.append((moment, who, verb, target, label))
            self.truth[who, moment.date()].add(label)

    def plant(self, copies: int = 2) -> None:
        """Plant *copies* of each of the nine scenarios that a file history can express."""
        for name, shape in _SHAPES.items():
            for copy in range(copies):
                label = f"{name}#{copy}"
                day = int(self.dice.integers(14, DAYS - 8))
                at = self.start + dt.timedelta(days=day, hours=float(self.dice.uniform(8, 18)))
                self.planted[label] = Planted(label, name, "incident", at.replace(tzinfo=dt.UTC))
                shape(self, label, at)

    def some(self, count: int) -> list[str]:
        """Return *count* files."""
        names = sorted(self._folder)
        return [names[int(n)] for n in self.dice.choice(len(names), min(count, len(names)), False)]

    def one(self) -> str:
        """Return an actor with at least five active days."""
        return str(self.dice.choice(self.known))

    def write(self, path: Path) -> None:
        """Write the history and the planted events in the format of the Public API."""
        recorded = [
            (row["timestamp"], self.actor(row), str(row["action"]), str(row["resource_id"]), "")
            for row in self.rows
        ]
        with path.open("w") as file:
            for number, (at, who, verb, target, label) in enumerate([*recorded, *self._added]):
                event_id = f"evt_{number:07}"
                if label:
                    self.planted[label].ids.add(event_id)
                record = {
                    "id": event_id,
                    "timestamp": at.isoformat(timespec="milliseconds") + "Z",
                    "type": f"{self._folder[target]} {verb}",
                    "actor": who,
                    "resourceId": target,
                    "resourceType": self._folder[target],
                    "resourceName": target,
                }
                file.write(json.dumps(record) + "\n")


def _mass_delete(h: History, label: str, at: dt.datetime) -> None:
    h.add(label, h.one(), at, "Deleted", h.some(int(h.dice.integers(8, 25))))


def _slow_delete(h: History, label: str, at: dt.datetime) -> None:
    who = h.one()
    for later in range(6):
        h.add(label, who, at + dt.timedelta(days=later), "Deleted", h.some(2))


def _outsider(h: History, label: str, at: dt.datetime) -> None:
    h.add(label, h.one(), at, "Deleted", h.some(1))


def _night(h: History, label: str, at: dt.datetime) -> None:
    who = h.one()
    hours: Counter[int] = Counter(row["timestamp"].hour for row in h.rows if h.actor(row) == who)
    quiet = min(range(24), key=lambda hour: sum(hours[(hour + d) % 24] for d in (-2, -1, 0, 1, 2)))
    h.add(label, who, at.replace(hour=quiet), "Modified", h.some(3))
    h.add(label, who, at.replace(hour=quiet, minute=40), "Deleted", h.some(1))


def _made_and_gone(h: History, label: str, at: dt.datetime) -> None:
    who, target = h.one(), h.some(1)
    h.add(label, who, at, "Created", target)
    h.add(label, who, at + dt.timedelta(hours=2), "Deleted", target)


def _newcomer(h: History, label: str, at: dt.datetime) -> None:
    who = f"users/new-{label.replace('#', '-')}"
    h.add(label, who, at, "Created", h.some(2))
    h.add(label, who, at + dt.timedelta(hours=1), "Deleted", h.some(2))


def _dormant(h: History, label: str, at: dt.datetime) -> None:
    gone = [who for who in h.known if (at.date() - h.last[who]).days >= 21] or h.known
    h.add(label, str(h.dice.choice(gone)), at, "Deleted", h.some(2))


def _burst_of_edits(h: History, label: str, at: dt.datetime) -> None:
    h.add(label, h.one(), at, "Modified", h.some(int(h.dice.integers(15, 40))))


def _removed_many(h: History, label: str, at: dt.datetime) -> None:
    h.add(label, h.one(), at, "Deleted", h.some(int(h.dice.integers(3, 7))))


_SHAPES = {
    "mass_delete": _mass_delete, "slow_delete": _slow_delete,
    "warehouse_disabled_by_outsider": _outsider,
    "off_hours_takeover": _night, "create_then_delete": _made_and_gone,
    "newhire_abuse": _newcomer, "dormant_reactivated": _dormant,
    "token_level_shift": _burst_of_edits, "tracking_plans_disconnected": _removed_many,
}  # fmt: skip
