"""How well findings find, and how fast: incidents in demo workspaces and in real histories.

`python -m bench.findings [--seeds 11,12] [--events 40000] [--speed 1000000]` prints tables. The
real histories are read where `TRAIL_DATA` names their folder. The incidents follow the list of
DETECTION section 3; their author also wrote the detectors, which flatters them.
"""

import argparse
import datetime as dt
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from trail import demo
from trail.filters import Filter
from trail.findings import budget, queries
from trail.findings.budget import Scored
from trail.findings.model import Finding, Reason
from trail.findings.refresh import refresh
from trail.loading import load_files
from trail.settings import Settings
from trail.store import Store

END = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAYS = 90
BUDGETS = (1.0, 3.0, 5.0)
_SHARE = 0.2  # of a finding's evidence that must be the incident's, to count as found


@dataclass(frozen=True, slots=True)
class Planted:
    """One event to put in: time, actor, action, target."""

    at: dt.datetime
    actor: str
    action: str
    target: str


@dataclass(frozen=True, slots=True)
class Background:
    """What incidents are drawn from: who is there, on what, and from when to when."""

    people: list[str]
    tokens: list[str]
    targets: list[str]
    start: dt.datetime
    days: int
    usual: dict[str, list[str]]  # actions of each actor


Kind = Callable[[Background, random.Random, dt.datetime], list[Planted]]


def _spread(
    at: dt.datetime, who: str, action: str, targets: list[str], gap_s: float = 90
) -> list[Planted]:
    return [
        Planted(at + dt.timedelta(seconds=gap_s * number), who, action, target)
        for number, target in enumerate(targets)
    ]


def _some(b: Background, dice: random.Random, count: int) -> list[str]:
    return dice.sample(b.targets, min(count, len(b.targets)))


def _outsider(b: Background, dice: random.Random, action: str) -> str:
    """Return somebody who never does *action*."""
    who = [each for each in b.people if action not in b.usual[each]]
    return dice.choice(who or b.people)


def mass_delete(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    count = dice.randint(8, 20)
    return _spread(at, dice.choice(b.people), "Source Deleted", _some(b, dice, count))


def slow_delete(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return [
        each
        for day in range(6)
        for each in _spread(at + dt.timedelta(days=day), who, "Audience Deleted", _some(b, dice, 2))
    ]


def warehouse_outsider(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = _outsider(b, dice, "Warehouses Disabled")
    return _spread(at, who, "Warehouses Disabled", _some(b, dice, 1))


def off_hours(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    night = at.replace(hour=dice.choice((1, 2, 3)))
    return [
        *_spread(night, who, "Integrations Modified", _some(b, dice, 3)),
        *_spread(night + dt.timedelta(minutes=8), who, "Source Disabled", _some(b, dice, 1)),
    ]


def exfil_burst(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return _spread(at, who, "Audience CSV Downloaded", _some(b, dice, dice.randint(6, 16)))


def exfil_slow(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return [
        each
        for day in range(5)
        for each in _spread(
            at + dt.timedelta(days=day), who, "Audience CSV Downloaded", _some(b, dice, 2)
        )
    ]


def rights_chain(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = _outsider(b, dice, "User Group Updated")
    return [
        *_spread(at, who, "User Invite Sent", ["invite-x"]),
        *_spread(at + dt.timedelta(minutes=20), who, "User Group Updated", ["group-owners"]),
    ]


def token_strays(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.tokens or b.people)
    return [
        *_spread(at, who, "User Group Updated", ["group-owners"]),
        *_spread(at + dt.timedelta(minutes=2), who, "Warehouses Modified", _some(b, dice, 1)),
    ]


def control_then_egress(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return [
        *_spread(at, who, "Destination Filters Deleted", ["filter-consent"]),
        *_spread(at + dt.timedelta(minutes=40), who, "Integrations Created", ["integration-new"]),
    ]


def create_then_delete(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return [
        *_spread(at, who, "Integrations Created", ["integration-brief"]),
        *_spread(at + dt.timedelta(hours=2), who, "Integrations Deleted", ["integration-brief"]),
    ]


def function_tamper(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return _spread(at, who, "Destination Function Modified", _some(b, dice, 1) * 2)


def new_hire(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = f"users/hire{dice.randrange(10**6)}"
    return [
        *_spread(at, who, "Audience CSV Downloaded", _some(b, dice, 2)),
        *_spread(at + dt.timedelta(hours=1), who, "Source Deleted", _some(b, dice, 1)),
    ]


def flapping(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who, target = dice.choice(b.people), _some(b, dice, 1)
    return [
        each
        for number in range(3)
        for action in ("Integrations Disabled", "Integrations Enabled")
        for each in _spread(
            at + dt.timedelta(minutes=12 * number + (action.endswith("Enabled")) * 5),
            who,
            action,
            target,
        )
    ]


def plans_disconnected(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return _spread(at, who, "Source Disconnected From Tracking Plan", _some(b, dice, 6))


def weekend_deploy(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    saturday = at + dt.timedelta(days=(5 - at.weekday()) % 7)
    who = dice.choice(b.people)
    return _spread(saturday, who, "Destination Function Modified", _some(b, dice, 3))


def grant_revoke(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.people)
    return [
        *_spread(at, who, "User Group Updated", ["group-admins"]),
        *_spread(at + dt.timedelta(hours=3), who, "User Group Updated", ["group-admins"]),
    ]


def level_shift(b: Background, dice: random.Random, at: dt.datetime) -> list[Planted]:
    who = dice.choice(b.tokens or b.people)
    action = dice.choice(sorted(b.usual[who]) or ["Source Modified"])
    return _spread(at, who, action, _some(b, dice, 20) * 15, 20)


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        mass_delete, slow_delete, warehouse_outsider, off_hours, exfil_burst, exfil_slow,
        rights_chain, token_strays, control_then_egress, create_then_delete, function_tamper,
        new_hire, flapping, plans_disconnected, weekend_deploy, grant_revoke, level_shift,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one workspace's incidents at one budget."""

    found: dict[str, bool]
    shown: int
    true: int
    days: int


Results = dict[tuple[str, float], Outcome]  # by method and budget


def background(store: Store, start: dt.datetime, days: int) -> Background:
    """Return what incidents are drawn from, read from the events of *store*."""
    rows = store.table(
        "select p.actor_id, p.actor_type, list(distinct a.action) as actions, "
        "count(distinct e.occurred_at::date) as days from events e join actions a using "
        "(action_key) join actors p using (actor_key) where a.kind not in ('failure', 'detect') "
        "group by all having days >= 8 order by all"
    ).to_pylist()
    targets = store.table(
        "select distinct target_id from targets where target_id <> '' order by all"
    )["target_id"].to_pylist()
    return Background(
        [row["actor_id"] for row in rows if row["actor_type"] == "user"],
        [row["actor_id"] for row in rows if row["actor_type"] == "token"],
        targets,
        start,
        days,
        {row["actor_id"]: sorted(row["actions"]) for row in rows},
    )


def incidents(b: Background, seed: int, count: int) -> Iterator[tuple[str, list[Planted]]]:
    """Yield *count* incidents by name; one in ten within days 5 to 13."""
    dice = random.Random(f"incidents {seed}")
    names = list(KINDS)
    for number in range(count):
        cold = number % 10 == 9
        day = dice.randint(5, 13) if cold else dice.randint(14, b.days - 8)
        at = b.start + dt.timedelta(
            days=day, hours=dice.randint(8, 17), minutes=dice.randint(0, 59)
        )
        name = names[number % len(names)]
        yield f"{name} {number}", KINDS[name](b, dice, at)


def plain(
    planted: dict[str, list[Planted]], folders: dict[str, str], dice: random.Random
) -> dict[str, list[Planted]]:
    """Return the incidents as a git history tells: a verb on a file of the folder it lies in.

    What is acted on and is no file of the history becomes one of them.
    """

    def told(each: Planted, files: dict[str, str]) -> Planted:
        gone = ("Deleted", "Disabled", "Downloaded", "Plan")
        verb = "Deleted" if each.action.endswith(gone) else "Modified"
        verb = "Created" if each.action.endswith("Created") else verb
        file = each.target if each.target in folders else files.setdefault(
            each.target, dice.choice(sorted(folders))
        )  # fmt: skip
        return replace(each, action=f"{folders[file]} {verb}", target=file)

    named: dict[str, list[Planted]] = {}
    for name, events in planted.items():
        files: dict[str, str] = {}
        named[name] = [told(each, files) for each in events]
    return named


def put(store: Store, settings: Settings, path: Path, planted: dict[str, list[Planted]]) -> None:
    """Load the incidents' events; their ids begin with `evt_incident` and the number."""
    with path.open("w") as file:
        for number, events in enumerate(planted.values()):
            for place, each in enumerate(events):
                record = {
                    "id": f"evt_incident-{number}-{place}",
                    "timestamp": each.at.isoformat(timespec="milliseconds") + "Z",
                    "type": each.action,
                    "actor": each.actor,
                    "resourceId": each.target,
                    "resourceType": "Thing",
                    "resourceName": each.target,
                }
                file.write(json.dumps(record) + "\n")
    for batch in load_files(store, settings, [path]):
        assert not batch.error and not batch.quarantined, batch


# What simpler methods make of the same days: SQL to actor_id, day, score and actions.
_DAYS = (
    "select d.day, p.actor_id, p.actor_type, a.action, a.risk::integer as risk, "
    "sum(d.n)::bigint as n from daily_actions d "
    "join actions a using (action_key) join actors p using (actor_key) "
    "where a.kind not in ('failure', 'partial', 'enforce', 'detect', 'complete') group by all"
)
BASELINES = {
    "new terms of 14 days, by risk": f"""
select actor_id, actor_type, day, sum(10 * risk + 1)::integer as score,
 list(action order by action) as actions from (
  select *, lag(day) over (partition by actor_id, action order by day) as before from ({_DAYS})
 ) where before is null or day - before > 14 group by all""",
    "risk of 7 and more": f"""
select actor_id, actor_type, day, (100 * max(risk) + sum(n))::integer as score,
 list(action order by action) as actions from ({_DAYS}) where risk >= 7 group by all""",
    "z-score of the day's events": f"""
with days as (select actor_id, actor_type, day, sum(n)::double as n from ({_DAYS}) group by all),
scored as (
 select *, (n - avg(n) over mine) / (0.5 + stddev_pop(n) over mine) as z from days
 window mine as (partition by actor_id order by day
  rows between unbounded preceding and 1 preceding)
) select actor_id, actor_type, day, (100 * z)::integer as score, null::varchar[] as actions
from scored where z > 0.01""",
}


def baselines(store: Store) -> dict[str, list[Finding]]:
    """Return what each baseline scores, as findings."""
    return {
        name: [
            Finding(
                f"b-{number}",
                row["day"],
                row["actor_id"],
                row["actor_type"],
                row["score"],
                (Reason(name, row["score"], "", {}, tuple(row["actions"] or ()) or None),),
            )
            for number, row in enumerate(store.table(f"{sql} order by all").to_pylist())
        ]
        for name, sql in BASELINES.items()
    }


def within(found: list[Finding], opened: dt.date, now: dt.datetime, a_day: float) -> list[Finding]:
    """Return those of *found* that the same budget lets through."""
    scored = [Scored(each.finding_id, each.day, each.actor_id, each.score) for each in found]
    shown = budget.judge(scored, opened, now.date(), a_day).shown
    return [each for each in found if each.finding_id in shown]


def outcome(
    store: Store, shown: list[Finding], planted: dict[str, list[Planted]], days: int
) -> Outcome:
    """Return which incidents the findings *shown* hold."""
    names = list(planted)
    found = dict.fromkeys(names, False)
    true = 0
    for _, ids in queries.event_ids(store, shown):
        hits = [each for each in ids if each.startswith("evt_incident-")]
        if ids and len(hits) >= _SHARE * len(ids):
            true += 1
            for each in hits:
                found[names[int(each.split("-")[1])]] = True
    return Outcome(found, len(shown), true, days)


def demo_workspace(seed: int, events: int, folder: Path) -> tuple[Store, Settings, dt.datetime]:
    """Return a store with a demo workspace that ends at END."""
    path = folder / f"demo-{seed}.ndjson"
    demo.write(path, events, DAYS, seed, end=END)
    settings = Settings(store={"path": folder / f"demo-{seed}.duckdb"})  # type: ignore[arg-type]
    store = Store.open(settings.store.path, settings)
    for batch in load_files(store, settings, [path]):
        assert not batch.error
    path.unlink()
    return store, settings, END - dt.timedelta(seconds=1)


def real_workspace(
    path: Path, window: int, folder: Path
) -> tuple[Store, Settings, dt.datetime] | None:
    """Return a store with the *window*-th busiest 90 days of a history; its times are kept."""
    table = pq.read_table(
        path, columns=["actor", "actor_type", "action", "resource_type", "resource_id", "timestamp"]
    )
    rows = table.to_pylist()
    first = min(row["timestamp"] for row in rows)
    by_window: dict[int, list[dict[str, object]]] = {}
    for row in rows:
        by_window.setdefault((row["timestamp"] - first).days // DAYS, []).append(row)
    ranked = sorted(by_window, key=lambda key: -len(by_window[key]))
    if window >= len(ranked):
        return None
    number = ranked[window]
    start = first + dt.timedelta(days=DAYS * number)
    source = folder / f"real-{window}.ndjson"
    with source.open("w") as file:
        for place, row in enumerate(by_window[number]):
            record = {
                "id": f"evt_real-{place}",
                "timestamp": row["timestamp"].isoformat(timespec="milliseconds") + "Z",  # type: ignore[attr-defined]
                "type": f"{row['resource_type']} {row['action']}",
                "actor": f"{row['actor_type']}s/{row['actor']}",
                "resourceId": row["resource_id"],
                "resourceType": row["resource_type"],
                "resourceName": row["resource_id"],
            }
            file.write(json.dumps(record) + "\n")
    settings = Settings(store={"path": folder / f"{path.stem}-{window}.duckdb"})  # type: ignore[arg-type]
    store = Store.open(settings.store.path, settings)
    for batch in load_files(store, settings, [source]):
        assert not batch.error
    return store, settings, (start + dt.timedelta(days=DAYS, seconds=-1)).replace(tzinfo=dt.UTC)


def judge(
    opened: tuple[Store, Settings, dt.datetime], seed: int, count: int, *, real: bool = False
) -> Results:
    """Put incidents in, refresh, and return the outcome for each method and budget."""
    store, settings, now = opened
    start = now.replace(tzinfo=None) + dt.timedelta(seconds=1) - dt.timedelta(days=DAYS)
    planted = dict(incidents(background(store, start, DAYS), seed, count))
    if real:
        rows = store.table(
            "select target_id, any_value(target_type) as folder from targets group by 1"
        )
        folders = dict(zip(rows["target_id"].to_pylist(), rows["folder"].to_pylist(), strict=True))
        planted = plain(planted, folders, random.Random(f"files {seed}"))
    put(store, settings, settings.store.path.with_suffix(".incidents.ndjson"), planted)
    refresh(store, now)
    others = baselines(store)
    results: Results = {}
    for a_day in BUDGETS:
        ours = queries.queue(store, Filter(), now, a_day=a_day).findings
        results["findings", a_day] = outcome(store, ours, planted, DAYS)
        for name, found in others.items():
            shown = within(found, start.date(), now, a_day)
            results[name, a_day] = outcome(store, shown, planted, DAYS)
    store.close()
    return results


def report(title: str, runs: list[Results]) -> None:
    """Print recall, precision and false alarms by method and budget, and recall by incident."""
    print(f"\n## {title}\n")
    print("| method | budget a day | shown a day | recall (sd) | precision | false a week |")
    print("|---|---|---|---|---|---|")
    for name, a_day in runs[0]:
        each = [run[name, a_day] for run in runs]
        recalls = [sum(one.found.values()) / len(one.found) for one in each]
        shown, true = sum(one.shown for one in each), sum(one.true for one in each)
        days = sum(one.days for one in each)
        print(
            f"| {name} | {a_day:g} | {shown / days:.2f} | {statistics.mean(recalls):.2f} "
            f"({statistics.pstdev(recalls):.2f}) | {true / max(shown, 1):.2f} "
            f"| {(shown - true) / days * 7:.1f} |"
        )
    by_name: dict[str, list[bool]] = {}
    for run in runs:
        for name, hit in run["findings", 3.0].found.items():
            by_name.setdefault(name.split()[0], []).append(hit)
    print("\nRecall at 3 a day by incident: " + ", ".join(
        f"{name} {sum(hits) / len(hits):.2f}" for name, hits in sorted(by_name.items())
    ))  # fmt: skip


def speed(events: int, folder: Path) -> None:
    """Print how long a full refresh and a day's refresh of a demo workspace take."""
    store, settings, now = demo_workspace(1, events, folder)
    began = time.perf_counter()
    done = refresh(store, now)
    full = time.perf_counter() - began
    at = now.replace(tzinfo=None) - dt.timedelta(hours=2)
    late = {"late": [Planted(at, "users/late", "Source Modified", "thing")]}
    put(store, settings, folder / "late.ndjson", late)
    began = time.perf_counter()
    again = refresh(store, now)
    day = time.perf_counter() - began
    began = time.perf_counter()
    refresh(store, now)
    idle = time.perf_counter() - began
    began = time.perf_counter()
    shown: list[Finding] = queries.queue(store, Filter(), now).findings
    asked = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n## Speed, {events:,} demo events\n")
    print(
        f"Full refresh {full:.2f} s ({done.folded} days folded, {done.findings:,} findings); one "
        f"day {day:.2f} s ({again.folded} folded, {again.findings:,} findings); nothing new "
        f"{idle:.3f} s; queue of {len(shown)} {asked:.2f} s; peak {peak:,.0f} MB with the load."
    )
    store.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="11,12,13,14")
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--incidents", type=int, default=44)
    parser.add_argument("--speed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = [int(seed) for seed in args.seeds.split(",") if seed]
        runs = [
            judge(demo_workspace(seed, args.events, folder), seed, args.incidents) for seed in seeds
        ]
        if runs:
            report(f"Demo workspaces, seeds {args.seeds}, {args.events:,} events each", runs)
        given = os.environ.get("TRAIL_DATA")
        for path in sorted(Path(given).glob("*.parquet")) if given else []:
            opened = [real_workspace(path, window, folder) for window in range(4)]
            real = [
                judge(each, number, 17, real=True) for number, each in enumerate(opened) if each
            ]
            report(f"Real history {path.stem}, its four busiest 90 days", real)
        if args.speed:
            speed(args.speed, folder)


if __name__ == "__main__":
    main()
