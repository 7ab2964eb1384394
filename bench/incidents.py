"""Measure the quality of incidents: grouping, outages found, persistence and likely causes.

`python -m bench.incidents` prints eight seeds; `--speed FILE` measures the speed on a database.
The simulated workspace shares nothing with the demo, on which the rules were developed. Events are
loaded by the product's ingest.
"""

import argparse
import datetime as dt
import itertools
import json
import operator
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.incidents import likely_causes, materialize, queries
from trail.incidents.grouping import PERSISTENT, STORM, TRANSIENT
from trail.incidents.incident import Incident
from trail.ingest.files import load_files
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

SEEDS = range(51, 59)
START = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
DAYS = 90
MINUTES = DAYS * 1440
RESOURCES = 730
OUTAGES = 24
STORMS = 4
# Waits after the first, second, ... attempt, in minutes.
BACKOFF = np.array([1.0, 2.0, 4.0, 8.0])
KINDS = {
    "audience": ("Audience Run Failed", "Audience Destination Sync Failed"),
    "computed_trait": ("Computed Trait Run Failed", "Computed Trait Destination Sync Failed"),
    "warehouse": ("Warehouse Run Failed",),
}
CHANGED = {
    "audience": "Audience Modified",
    "computed_trait": "Computed Trait Modified",
    "warehouse": "Warehouses Modified",
}


@dataclass
class Thing:
    """One resource: the interval of its runs in minutes, and the changes per day."""

    name: str
    kind: str
    action: str
    every: float
    offset: float
    changes_a_day: float


@dataclass
class World:
    """The events of one workspace as JSON lines, and the true grouping of its failed attempts."""

    lines: list[bytes] = field(default_factory=list)
    truth: dict[str, str] = field(
        default_factory=dict
    )  # event id of an attempt: its outage, storm or run
    outages: dict[str, str] = field(default_factory=dict)  # outage: event id of its cause, or empty


def things(dice: np.random.Generator) -> list[Thing]:
    """Return the resources: most are audiences; schedules are hourly to daily."""
    made = []
    for number in range(RESOURCES):
        kind = dice.choice(list(KINDS), p=[0.8, 0.15, 0.05])
        every = float(dice.choice([60, 180, 360, 720, 1440], p=[0.35, 0.1, 0.1, 0.1, 0.35]))
        made.append(
            Thing(
                f"{kind[:3]}{number:04}",
                str(kind),
                str(dice.choice(KINDS[kind])),
                60.0 if kind == "warehouse" and dice.random() < 0.7 else every,
                float(dice.uniform(0, every)),
                # From one change per quarter to one in three days; most resources change rarely.
                float(np.exp(dice.normal(np.log(1 / 25), 0.9))),
            )
        )
    return made


def world(seed: int) -> World:
    """Return one workspace of 90 days."""
    dice = np.random.default_rng(seed)
    made, all_ = World(), things(dice)
    busy: dict[str, list[tuple[float, float]]] = defaultdict(list)
    ids = itertools.count()
    for number in range(OUTAGES):
        _outage(made, dice, all_[int(dice.integers(len(all_)))], f"outage{number}", busy, ids)
    for number in range(STORMS):
        _storm(made, dice, all_, f"storm{number}", busy, ids)
    for thing in all_:
        _transients(made, dice, thing, busy, ids)
        _changes(made, dice, thing, ids)
    dice.shuffle(made.lines)
    return made


def _outage(made, dice, thing, name, busy, ids) -> None:  # type: ignore[no-untyped-def]
    """Let every scheduled run fail for hours or days; half of the outages follow a change."""
    length = float(np.clip(np.exp(dice.normal(np.log(18 * 60), 0.8)), 3 * 60, 5 * 1440))
    length = max(length, 2.5 * thing.every)
    begin = float(dice.uniform(2 * 1440, MINUTES - length - 1440))
    runs = np.arange(_next(thing, begin), begin + length, thing.every)
    cause = ""
    if dice.random() < 0.5:
        # The first run after the change is the first to fail.
        cause = _line(made, runs[0] - float(dice.uniform(0, min(thing.every, 1400))), thing, ids,
                      CHANGED[thing.kind])  # fmt: skip
    made.outages[name] = cause
    # Hourly warehouse runs are not retried; all others are.
    once = thing.kind == "warehouse" and thing.every <= 60
    for run in runs:
        _attempts(made, dice, run, 1 if once else 5, thing, name, ids)
    busy[thing.name].append((begin - 1440 if cause else begin, begin + length + 60))


def _storm(made, dice, all_, name, busy, ids) -> None:  # type: ignore[no-untyped-def]
    """Let many resources of one action fail within minutes; nearly all recover."""
    action = str(dice.choice(["Audience Run Failed", "Audience Destination Sync Failed"]))
    alike = [thing for thing in all_ if thing.action == action]
    begin = float(dice.uniform(1440, MINUTES - 1440))
    for thing in dice.choice(alike, int(dice.integers(15, 80)), replace=False):
        _attempts(
            made, dice, begin + dice.uniform(0, 15), int(dice.integers(1, 5)), thing, name, ids
        )
        busy[thing.name].append((begin - 60, begin + 60))


def _transients(made, dice, thing, busy, ids) -> None:  # type: ignore[no-untyped-def]
    """Let single runs fail at random; most succeed at a later attempt."""
    rate = float(np.exp(dice.normal(np.log(4.5), 0.8)))
    for number in range(dice.poisson(rate)):
        at = _next(thing, float(dice.uniform(0, MINUTES - 1440)))
        if any(start <= at <= end for start, end in busy[thing.name]):
            continue
        busy[thing.name].append((at - 31, at + 31))
        attempts = min(int(dice.geometric(0.55)), 5)
        _attempts(made, dice, at, attempts, thing, f"{thing.name}/{number}", ids)


def _changes(made, dice, thing, ids) -> None:  # type: ignore[no-untyped-def]
    """Change a resource in working hours, sometimes twice in an hour."""
    for _ in range(dice.poisson(thing.changes_a_day * DAYS)):
        day = int(dice.integers(DAYS))
        minute = day * 1440 + float(np.clip(dice.normal(13 * 60, 150), 0, 1439))
        for extra in range(1 + int(dice.random() < 0.3)):
            _line(made, minute + 7 * extra, thing, ids, CHANGED[thing.kind])


def _attempts(made, dice, at, count, thing, group, ids) -> None:  # type: ignore[no-untyped-def]
    waits = BACKOFF[: count - 1] * dice.uniform(0.85, 1.25, count - 1)
    for moment in at + dice.exponential(1.5) + np.r_[0, np.cumsum(waits)]:
        made.truth[_line(made, float(moment), thing, ids, thing.action)] = group


def _next(thing: Thing, at: float) -> float:
    return float(np.ceil((at - thing.offset) / thing.every) * thing.every + thing.offset)


def _line(made: World, at: float, thing: Thing, ids: Iterator[int], action: str) -> str:
    event_id = f"made-{next(ids):07}"
    record = {
        "id": event_id,
        "timestamp": (START + dt.timedelta(minutes=at)).isoformat().replace("+00:00", "Z"),
        "type": action,
        "actor": "users/ana",
        "resourceId": thing.name,
        "resourceType": thing.kind,
        "resourceName": thing.name,
    }
    made.lines.append(json.dumps(record).encode())
    return event_id


def pair_f1(truth: dict[str, str], grouped: dict[str, str]) -> float:
    """Return the F1 score over pairs of attempts in the same group."""
    together = _pairs(Counter((truth[key], grouped[key]) for key in truth))
    return 2 * together / (_pairs(Counter(truth.values())) + _pairs(Counter(grouped.values())))


def _pairs(sizes: Counter) -> int:  # type: ignore[type-arg]
    return sum(size * (size - 1) // 2 for size in sizes.values())


def measure(seed: int) -> dict[str, float]:
    """Return the figures of one seed."""
    made = world(seed)
    now = START + dt.timedelta(days=DAYS)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=StoreSettings(path=Path(folder) / "trail.duckdb"))
        store = Store.open(settings.store.path, settings)
        try:
            path = Path(folder) / "made.ndjson"
            path.write_bytes(b"\n".join(made.lines))
            assert sum(batch.kept for batch in load_files(store, settings, [path])) == len(
                made.lines
            )
            materialize.catch_up(store, 600)
            detected = queries.incidents(store, Filter(), now)
            ids = queries.attempt_ids(store, detected)
            blamed = {
                name: [change.event_id for change in changes if change.likely_cause]
                for name, changes in likely_causes.changes_before(store, detected).items()
            }
            ranked = {
                name: [change.event_id for change in changes]
                for name, changes in likely_causes.changes_before(store, detected).items()
            }
        finally:
            store.close()
    return score(made, detected, ids, blamed, ranked)


def score(
    made: World,
    detected: list[Incident],
    ids: dict[str, list[str]],
    blamed: dict[str, list[str]],
    ranked: dict[str, list[str]],
) -> dict[str, float]:
    """Return the quality figures of the detected incidents."""
    by_event = {event: name for name, events in ids.items() for event in events}
    by_id = {incident.incident_id: incident for incident in detected}
    main: dict[str, str] = {}
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for event, group in made.truth.items():
        sizes[group][by_event[event]] += 1
    for group, counter in sizes.items():
        main[group] = counter.most_common(1)[0][0]
    seen = [
        name
        for name in made.outages
        if by_id[main[name]].class_ not in (TRANSIENT, STORM)
        and sizes[name][main[name]] >= 0.5 * sizes[name].total()
    ]
    lasting = [incident for incident in detected if incident.class_ == PERSISTENT]
    right = sum(
        any(made.truth[event] in made.outages for event in ids[incident.incident_id])
        for incident in lasting
    )
    free = [name for name, cause in made.outages.items() if not cause]
    caused = {name: cause for name, cause in made.outages.items() if cause}
    outage_incidents = {by_event[e] for e, g in made.truth.items() if g in made.outages}
    return {
        "attempts": len(made.truth),
        "incidents": len(detected),
        "f1": pair_f1(made.truth, by_event),
        "outages": len(made.outages),
        "outages_found": len(seen),
        "storms_found": sum(by_id[main[f"storm{n}"]].class_ == STORM for n in range(STORMS)),
        "false_storms": sum(
            incident.class_ == STORM
            and not any(
                made.truth[event].startswith("storm") for event in ids[incident.incident_id]
            )
            for incident in detected
        ),
        "persistent": len(lasting),
        "precision": right / max(len(lasting), 1),
        "raw": sum(group in made.outages for group in made.truth.values()) / len(made.truth),
        "free": len(free),
        "free_nearby": sum(bool(ranked[main[name]]) for name in free),
        "wrongly_blamed": sum(bool(blamed[main[name]]) for name in free),
        "blamed_elsewhere": sum(
            bool(changes) for name, changes in blamed.items() if name not in outage_incidents
        ),
        "caused": len(caused),
        "rightly_blamed": sum(cause in blamed[main[name]] for name, cause in caused.items()),
        "other_blamed": sum(
            bool(set(blamed[main[name]]) - {cause}) for name, cause in caused.items()
        ),
        "top1": sum(ranked[main[name]][:1] == [cause] for name, cause in caused.items()),
        "top3": sum(cause in ranked[main[name]][:3] for name, cause in caused.items()),
    }


def speed(path: Path) -> None:
    """Print the time to build the incidents of a database, and to update a few."""
    store = Store.open(path, Settings(store=StoreSettings(path=path)))
    try:
        store.write(lambda cursor: cursor.execute("delete from marks where source = 'incidents'"))
        print(f"built in {_ms(lambda: materialize.catch_up(store, 600)):,.0f} ms")
        for size in (1, 20, 100):
            times = []
            for _ in range(7):
                touch = (
                    "insert into touched select distinct i.action, i.target, a.target_key "
                    "from attempts a join incidents i using (incident_id) "
                    f"using sample {size}"
                )
                store.write(operator.methodcaller("execute", touch))
                times.append(_ms(lambda: materialize.catch_up(store, 600)))
            print(f"{size} series touched: {statistics.median(times[1:]):.0f} ms")
    finally:
        store.close()


def _ms(work) -> float:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print the figures of each seed and of all seeds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=Path, help="a database to measure on; it is changed")
    parser.add_argument("--seeds", type=int, nargs=2, default=(SEEDS.start, SEEDS.stop))
    args = parser.parse_args()
    if args.speed:
        return speed(args.speed)
    rows = []
    for seed in range(*args.seeds):
        rows.append(measure(seed))
        print(seed, {name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    lasting = sum(row["precision"] * row["persistent"] for row in rows)
    print(
        f"\nall: pair F1 {min(r['f1'] for r in rows):.3f} to {max(r['f1'] for r in rows):.3f}; "
        f"outages {total['outages_found']} of {total['outages']}; "
        f"storms {total['storms_found']} of {STORMS * len(rows)}, {total['false_storms']} false; "
        f"persistent {lasting / total['persistent']:.2f} of {total['persistent']} right "
        f"(raw attempts {total['raw'] / len(rows):.2f}); "
        f"blamed {total['rightly_blamed']} of {total['caused']} changes that caused, "
        f"{total['wrongly_blamed']} of {total['free']} outages without a cause "
        f"({total['free_nearby']} had a change nearby); cause first {total['top1']}, "
        f"among three {total['top3']}"
    )
    return None


if __name__ == "__main__":
    main()
