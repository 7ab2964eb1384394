"""Rules about events: counts by actor, new actors, working hours; the back-test agrees."""

import datetime as dt
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Load
from tests.segment_records import forwarded, ndjson
from tests.trail.notifications.test_evaluate import (
    SaveRule,
    alerts,
    clock,
    delivered,
    save_rule,
    start,
)
from trail.core.errors import InputError
from trail.notifications import matches
from trail.notifications.dry_run import Entry, _Run, dry_run
from trail.notifications.evaluate import Alerts
from trail.notifications.rule import Rule
from trail.notifications.rule_templates import TEMPLATES
from trail.storage.duckdb import Store

__all__ = ["alerts", "clock", "save_rule"]
# The minute of record 1 is 08:01 on Sunday, 1 November 2026 (UTC).
BEGAN = dt.datetime(2026, 11, 1)


def event(number: int, actor: str, target: str = "T1", **top: Any) -> Any:
    details = {"resource_id": target, "target": target, "subject": f"users/{actor}"}
    return forwarded(number, "Source Deleted", details=details, userId=actor, **top)


def test_a_count_by_actor_is_reported_once_for_many_targets(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Burst", query="kind=delete", threshold=3, window_minutes=30, group_by="actor")
    start(load, alerts)
    load(ndjson([event(20 + n, "ana", f"T{n}") for n in range(3)] + [event(23, "bo", "T9")]))
    alerts.run_once()
    (message,) = delivered(store)
    assert (message["count"], message["event"]["target_name"]) == (3, "T0")
    assert [target["label"] for target in message["targets"]] == ["users/ana"]
    end = BEGAN + dt.timedelta(days=1)
    rule = Rule("Burst", query="kind=delete", threshold=3, window_minutes=30, group_by="actor")
    result = dry_run(store, rule, 1, now=end)
    assert (result.matches, result.messages) == (3, 1)
    assert [entry.message for entry in result.entries] == [0, 0, 0]
    assert dry_run(store, replace(rule, group_by="target"), 1, now=end).matches == 0


def test_a_new_actor_is_reported_at_its_first_event_only(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("New", kind="new_actor", query="kind=delete")
    start(load, alerts)
    load(ndjson([forwarded(5, details={"subject": "users/seen"}, userId="seen")]))
    alerts.run_once()
    load(ndjson([event(20, "seen"), event(21, "ana"), event(22, "ana", "T2")]))
    alerts.run_once()
    load(ndjson([event(40, "ana", "T3"), event(41, "seen")]))
    alerts.run_once()
    (message,) = delivered(store)
    assert (message["targets"][0]["label"], message["count"]) == ("users/ana", 2)
    result = dry_run(
        store, Rule("New", "new_actor", query="kind=delete"), 1, now=BEGAN + dt.timedelta(days=1)
    )
    assert [entry.label for entry in result.entries] == ["users/ana"]


def test_only_events_outside_working_hours_match(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    load(ndjson([event(1, "ana"), event(24 * 60 + 1, "ana", "T2")]))
    found = dry_run(store, Rule("All"), 3, now=BEGAN + dt.timedelta(days=3)).entries
    (first, second) = [entry.at for entry in found]
    assert (first.weekday(), second.weekday()) == (6, 0)
    hour = second.hour
    inside = Rule("Inside", outside=f"{hour:02d}:00-{hour + 1:02d}:00")
    end = BEGAN + dt.timedelta(days=3)
    assert [one.at for one in dry_run(store, inside, 3, now=end).entries] == [first]
    # An hour east, what was inside of that hour is past it.
    east = replace(inside, zone="Europe/Oslo")
    assert len(dry_run(store, east, 3, now=end).entries) == 2


def test_invalid_hours_are_rejected() -> None:
    for text in ("8-18", "18:00-08:00", "08:00-08:00", "08:00-24:00"):
        with pytest.raises(InputError, match="outside is"):
            Rule("r", outside=text).check()


def test_templates_are_valid_and_run(store: Store, load: Load) -> None:
    load(ndjson([event(1, "ana")]))
    for template in TEMPLATES.values():
        template.check()
        assert dry_run(store, template, 1, now=BEGAN + dt.timedelta(days=1)).matches <= 1
    assert len({template.name for template in TEMPLATES.values()}) == len(TEMPLATES)


def test_the_key_of_an_event_is_that_of_its_group(store: Store, load: Load) -> None:
    load(ndjson([event(1, "ana")]))
    end = BEGAN + dt.timedelta(days=1)
    row = {"actor_id": "users/ana", "target_type": "source", "target_id": "T1"}
    for rule in (Rule("t"), Rule("a", group_by="actor")):
        (entry,) = dry_run(store, rule, 1, now=end).entries
        assert entry.target == matches.key_of(rule, row)


_ENTRIES = st.lists(
    st.tuples(st.integers(0, 3_000), st.sampled_from("abc"), st.integers(1, 5)), max_size=40
)


@settings(max_examples=50)
@given(_ENTRIES, st.integers(1, 4), st.integers(1, 3), st.sampled_from(["", "22:00-07:00"]))
def test_every_match_of_a_back_test_is_in_one_message(
    items: list[tuple[int, str, int]], cap: int, threshold: int, quiet: str
) -> None:
    run = _Run(Rule("r", daily_cap=cap, threshold=threshold, window_minutes=60, quiet=quiet))
    for minute, target, new in sorted(items):
        at = BEGAN + dt.timedelta(minutes=minute)
        run.add(Entry(at, target, target, new, new))
    run.finish(BEGAN + dt.timedelta(days=4))
    matched = [entry for entry in run.entries if entry.is_match]
    assert all(entry.message is not None for entry in matched)
    reported = sum(message.count for _, message in run.sent)
    assert reported == sum(run.matched.values())
    if threshold == 1:
        by_message = Counter[int | None]()
        for entry in matched:
            by_message[entry.message] += entry.new
        assert all(run.sent[index or 0][1].count == n for index, n in by_message.items())
