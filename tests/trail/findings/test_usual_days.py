"""What is usual for an actor: equal to a calculation by hand, for actors of random habits."""

import datetime as dt
import math
import random
from collections import Counter
from dataclasses import replace

from tests import detection, fixed_clock
from trail.core.settings import Settings
from trail.findings import queries, risks, usual_days
from trail.findings.detector import FIRST_DAY, ExampleEvent, events
from trail.findings.model import Finding, Reason
from trail.findings.refresh import refresh
from trail.storage import tiers
from trail.storage.duckdb import Store

ACTIONS = ("Source Modified", "Warehouses Disabled", "Audience Created")
LAST = 45


def _finding(actor: str) -> Finding:
    day = FIRST_DAY + dt.timedelta(days=LAST)
    return Finding("f-1", day, actor, "user", 1, ())


def _by_hand(numbers: list[int], seen: int) -> dict[str, object]:
    """Return what is expected of the numbers a day of all earlier active days."""
    ordered, days = sorted(numbers), len(numbers)

    def rank(share: float) -> int | None:
        # The smallest number that at least this share of the days does not exceed.
        return ordered[max(math.ceil(share * days - 1e-9), 1) - 1] if days else None

    return {
        "seen": seen,
        "days": sum(number > 0 for number in numbers),
        "of": days,
        "expected": round(sum(numbers) / days, 2) if days else 0.0,
        "low": rank(0.05),
        "high": rank(0.95),
        "most": max(numbers, default=0),
    }


def test_days_without_the_action_count_as_zero(store: Store, settings: Settings) -> None:
    random_ = random.Random(16)
    done: dict[str, dict[int, Counter[str]]] = {}
    history: list[ExampleEvent] = []
    for number in range(14):
        actor = f"users/{number}"
        active = random_.sample(range(LAST), random_.choice([0, 1, 3, 19, 20, 21, 40]))
        done[actor] = {}
        for day in [*active, LAST]:
            counts = Counter({random_.choice(ACTIONS): random_.randint(1, 9) for _ in range(2)})
            done[actor][day] = counts
            for place, (action, times) in enumerate(counts.items()):
                history += events(day, f"{9 + place}:00".zfill(5), actor, action, times=times)
            # A permission check does not make a day active.
            history += events(day - 1 if day else 0, "07:00", actor, "Permission Check")
    detection.load(store, settings, history)
    refresh(store, detection.end_of_day(LAST))
    for actor, days in done.items():
        earlier = [counts for day, counts in days.items() if day < LAST]
        rows = usual_days.expected_and_seen(store, _finding(actor))
        assert rows[0]["action"] == usual_days.ALL
        assert {row["action"] for row in rows[1:]} == set(days[LAST])
        assert [-row["risk"] for row in rows[1:]] == sorted(-row["risk"] for row in rows[1:])
        for row in rows:
            names = [row["action"]] if row["action"] else list(ACTIONS)
            numbers = [sum(counts[name] for name in names) for counts in earlier]
            seen = sum(days[LAST][name] for name in names)
            by_hand = _by_hand(numbers, seen)
            assert {name: row[name] for name in by_hand} == by_hand, (actor, row)


def test_rows_are_in_the_order_of_overridden_risks(store: Store, settings: Settings) -> None:
    both = [event for action in ACTIONS[:2] for event in events(LAST, "09:00", "users/1", action)]
    detection.load(store, settings, both)
    refresh(store, detection.end_of_day(LAST))

    def order() -> list[str]:
        rows = usual_days.expected_and_seen(store, _finding("users/1"))
        return [row["action"] for row in rows[1:]]

    assert order() == ["Warehouses Disabled", "Source Modified"]
    risks.set_risk(store, "Warehouses Disabled", 0, "Routine here", "maya")
    assert order() == ["Source Modified", "Warehouses Disabled"]
    risks.set_risk(store, "Warehouses Disabled", None, "Not any more", "maya")
    assert order() == ["Warehouses Disabled", "Source Modified"]


def test_archived_days_count_for_the_actor_and_peers(store: Store, settings: Settings) -> None:
    days = range(LAST + 1)
    mine = [one for day in days for one in events(day, "09:00", "users/1", ACTIONS[day % 3])]
    others = [one for day in days[:-9] for one in events(day, "10:00", "users/2", ACTIONS[1])]
    # Neither makes a day active.
    checks = [one for day in days for one in events(day, "11:00", "users/3", "Permission Check")]
    detection.load(store, settings, [*mine, *others, *checks])
    refresh(store, detection.end_of_day(LAST))
    reason = Reason("volume", 1, "", {}, (ACTIONS[1],))
    finding = replace(_finding("users/1"), reasons=(reason,))
    before = usual_days.expected_and_seen(store, finding), queries.peers(store, finding)
    assert (before[0][0]["of"], before[1]["doing"], before[1]["active"]) == (LAST, 1, 1)
    kept = settings.store.model_copy(update={"archive": True, "retention_days": 7})
    archiving = settings.model_copy(update={"store": kept})
    assert fixed_clock.retain(store, archiving, detection.end_of_day(LAST)).archived
    refresh(store, detection.end_of_day(LAST))
    both = tiers.both(store)
    after = usual_days.expected_and_seen(both, finding), queries.peers(both, finding)
    assert after == before
