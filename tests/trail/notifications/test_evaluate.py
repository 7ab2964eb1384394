"""Evaluation of alert rules: filters, thresholds, silence, findings, incidents, back-test, YAML."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import Load
from tests.segment_records import forwarded, message_id, ndjson, new_event_allowed
from tests.trail.notifications.conftest import Clock, forward
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.notifications import delivery_log, destinations, rule_store, yaml_rules
from trail.notifications.destination import Destination
from trail.notifications.dry_run import dry_run
from trail.notifications.evaluate import CURSOR, Alerts, evaluate_rows, prune
from trail.notifications.rule import Rule, parse_rule
from trail.storage import cursors
from trail.storage.duckdb import Store

WAREHOUSE = {"resource_type": "warehouse", "resource_id": "WH1", "target": "Prod"}
SaveRule = Callable[..., Rule]


@pytest.fixture
def clock() -> Clock:
    return Clock(dt.datetime(2026, 11, 1, 9, 0))


@pytest.fixture
def alerts(store: Store, settings: Settings, clock: Clock) -> Alerts:
    """Return alerts with one destination named hook."""
    using = settings.model_copy(update={"forward": forward()})
    destination = Destination(
        0, "webhook", "hook", {"url": "https://hooks.example.com/"}, {"key": "key"}
    )
    store.write(lambda cursor: destinations.add(cursor, destination, forward(), "owner"))
    return Alerts(using, lambda: store, clock)


@pytest.fixture
def save_rule(store: Store) -> SaveRule:
    """Return a function that stores a rule with the destination `hook`."""

    def save(name: str = "rule", **values: Any) -> Rule:
        rule = Rule(name, destinations=("hook",), **values)
        number = store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
        return replace(rule, rule_id=number)

    return save


def delivered(store: Store) -> list[dict[str, Any]]:
    """Return kind and body of the queued deliveries, oldest first."""
    return [
        {"kind": row["kind"], **json.loads(row["payload"])}
        for row in delivery_log.list_deliveries(store)[::-1]
    ]


def start(load: Load, alerts: Alerts) -> None:
    load(ndjson([forwarded(1)]))
    alerts.run_once()


def test_a_rule_of_an_earlier_version_keeps_the_meaning_of_its_search(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("now", query="q=OR1+OR+Prod*")
    for name, text in (("before", "q=Prod+OR+(x"), ("broken", "q=(Prod"), ("plain", "q=-no+Prod")):
        rule = save_rule(name, query="q=x")
        stored = json.dumps({**rule.definition(), "query": text})
        store.write(
            lambda cursor, stored=stored, rule=rule: cursor.execute(
                "update rules set definition = $stored where rule_id = $id",
                {"stored": stored, "id": rule.rule_id},
            )
        )
    rules = rule_store.list_all(store)
    assert yaml_rules.parse(yaml_rules.export(rules)) == rules
    start(load, alerts)
    named = [
        {**WAREHOUSE, "resource_id": f"WH{number}", "target": name}
        for number, name in enumerate(("Prod", "Prod OR (x", "a (Prod"))
    ]
    load(ndjson([forwarded(30 + n, "Warehouse Disabled", details=d) for n, d in enumerate(named)]))
    alerts.run_once()
    found = {message["rule"]: message["targets"] for message in delivered(store)}
    assert set(found) == {"now", "before", "broken", "plain"}
    assert [target["label"] for target in found["before"]] == ["Prod OR (x"]
    assert [target["label"] for target in found["broken"]] == ["a (Prod"]


def test_first_match_is_reported_immediately_with_its_event(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Warehouses", query="kind=disable&category=Warehouses", severity="critical")
    start(load, alerts)
    assert delivered(store) == []
    load(ndjson([forwarded(30, "Warehouse Disabled", details=WAREHOUSE), forwarded(31)]))
    alerts.run_once()
    (message,) = delivered(store)
    assert (message["kind"], message["form"], message["count"]) == ("alert", "first", 1)
    assert message["event"]["event_id"] == message_id(30)
    assert message["event"]["target_name"] == "Prod"
    assert (message["rule"], message["severity"]) == ("Warehouses", "critical")
    alerts.run_once()
    assert len(delivered(store)) == 1
    destination = rule_store.histories(store, 14, dt.date(2026, 11, 1))
    (history,) = destination.values()
    assert history["days"][-1] == (dt.date(2026, 11, 1), 1, 1)
    assert len(history["days"]) == 14


def test_first_event_of_an_empty_database_matches(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Any")
    alerts.run_once()
    load(ndjson([forwarded(1)]))
    alerts.run_once()
    assert [message["count"] for message in delivered(store)] == [1]


def test_alert_of_an_echo_is_not_sent_to_segment(store: Store, load: Load, alerts: Alerts) -> None:
    destination = Destination(0, "segment_source", "segment", {}, {"write_key": "key"})
    store.write(lambda cursor: destinations.add(cursor, destination, forward(), "owner"))
    both = Rule("Both", query="action=New Event Allowed", destinations=("hook", "Segment", "gone"))
    store.write(lambda cursor: rule_store.save(cursor, both, "owner"))
    start(load, alerts)
    load(ndjson([new_event_allowed(9)]))
    alerts.run_once()
    assert [row["destination"] for row in delivery_log.list_deliveries(store)] == ["hook"]


def test_event_storm_sends_at_most_three_messages(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule, clock: Clock
) -> None:
    save_rule("Failures", query="outcome=failure")
    start(load, alerts)
    for minute in range(5):
        load(
            ndjson(
                forwarded(
                    10_000 * minute + n + 10,
                    "Warehouse Run Failed",
                    details={**WAREHOUSE, "resource_id": f"W{n % 40}"},
                    timestamp=f"2026-11-01T09:0{minute}:{n % 60:02}.{n // 60:03}Z",
                )
                for n in range(1_000)
            )
        )
        alerts.run_once()
        clock.move(60)
    clock.move(600)
    alerts.run_once()
    messages = delivered(store)
    assert len(messages) <= 3
    assert sum(message["count"] for message in messages) == 5_000
    assert messages[-1]["more_targets"] == 30


def test_threshold_counts_the_whole_window_when_reached(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Many", query="outcome=failure", threshold=5, window_minutes=10)
    start(load, alerts)

    def fail(*numbers: int) -> None:
        load(ndjson(forwarded(n, "Warehouse Run Failed", details=WAREHOUSE) for n in numbers))
        alerts.run_once()

    fail(2, 3, 14, 15)
    assert delivered(store) == []
    fail(16, 17)
    assert delivered(store) == []
    fail(18)
    (message,) = delivered(store)
    assert message["count"] == 5


def test_old_events_do_not_match(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule, clock: Clock
) -> None:
    save_rule("Any")
    start(load, alerts)
    clock.now = dt.datetime(2026, 11, 5)
    load(ndjson(forwarded(n) for n in range(2, 50)))
    alerts.run_once()
    assert delivered(store) == []


def test_events_match_after_the_clock_was_set_back(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule("Any")
    start(load, alerts)
    monkeypatch.setattr(cursors, "utc_now", lambda: dt.datetime(2020, 1, 1))
    load(ndjson([forwarded(7)]))
    alerts.run_once()
    assert len(delivered(store)) == 1


def test_silence_is_reported_once_per_gap(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule, clock: Clock
) -> None:
    save_rule("Quiet", kind="silence", silent_minutes=60)
    start(load, alerts)  # the event is of 08:01, the clock is at 09:00
    assert delivered(store) == []
    for _ in range(5):
        clock.move(600)
        alerts.run_once()
    (message,) = delivered(store)
    assert message["text"] == "No matching event for 60 minutes."
    clock.now = dt.datetime(2026, 11, 1, 10, 0)
    load(ndjson([forwarded(115)]))
    alerts.run_once()
    clock.now = dt.datetime(2026, 11, 1, 11, 30)
    alerts.run_once()
    assert len(delivered(store)) == 2


def test_findings_above_the_score_are_reported_once(
    store: Store, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Unusual", kind="findings", score=50)
    now = dt.datetime(2026, 11, 1, 9)
    rows = [
        {"finding_id": f"f{n}", "score": n * 20, "actor_id": f"users/{n}", "day": "2026-11-01"}
        for n in range(5)
    ]
    assert store.write(lambda cursor: evaluate_rows(cursor, "findings", rows, now)) == 2
    assert store.write(lambda cursor: evaluate_rows(cursor, "findings", rows, now)) == 0
    messages = delivered(store)
    assert [(message["kind"], message["finding_id"]) for message in messages] == [
        ("finding", "f3"),
        ("finding", "f4"),
    ]
    assert "Unusual" in messages[0]["why"]


def test_persistent_and_long_open_incidents_match(
    store: Store, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Broken", kind="incidents", open_minutes=30)
    now = dt.datetime(2026, 11, 1, 9)

    def row(name: str, minutes: int, **values: Any) -> dict[str, Any]:
        first = (now - dt.timedelta(minutes=minutes)).isoformat() + "Z"
        usual = {"class": "transient", "open": True, "target_id": name, "attempts": 3}
        return {"incident_id": name, "first_at": first, "action": "Run Failed", **usual, **values}

    rows = [
        row("young", 5),
        row("over", 500, open=False),
        row("persistent", 1, **{"class": "persistent"}),
        row("long", 30),
        row("unknown", 500, state="unknown", known_until=now - dt.timedelta(minutes=480)),
    ]
    assert store.write(lambda cursor: evaluate_rows(cursor, "incidents", rows, now)) == 2
    assert [item["incident_id"] for item in delivered(store)] == ["persistent", "long"]
    later = now + dt.timedelta(minutes=26)
    assert store.write(lambda cursor: evaluate_rows(cursor, "incidents", rows, later)) == 1


def test_invalid_rule_does_not_block_other_rules(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    bad = save_rule("Bad")
    save_rule("Good")
    start(load, alerts)
    store.write(
        lambda cursor: cursor.execute(
            'update rules set definition = replace(definition, \'"query": ""\', '
            '\'"query": "colour=red"\') where rule_id = $id',
            {"id": bad.rule_id},
        )
    )
    load(ndjson([forwarded(9)]))
    assert "'Bad'" in alerts.run_once()
    assert [item["rule"] for item in delivered(store)] == ["Good"]


def test_inactive_snoozed_and_deleted_rules_send_nothing(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule, clock: Clock
) -> None:
    rule = save_rule("Rests")
    start(load, alerts)
    store.write(lambda cursor: rule_store.save(cursor, replace(rule, active=False), "owner"))
    load(ndjson([forwarded(9)]))
    alerts.run_once()
    store.write(lambda cursor: rule_store.save(cursor, replace(rule, active=True), "owner"))
    until = clock() + dt.timedelta(hours=1)
    store.write(lambda cursor: rule_store.snooze(cursor, rule.rule_id, until))
    load(ndjson([forwarded(10)]))
    alerts.run_once()
    assert delivered(store) == []
    clock.move(3_601)
    alerts.run_once()
    assert delivered(store)[0]["count"] == 1
    store.write(lambda cursor: rule_store.remove(cursor, rule.rule_id))
    store.write(lambda cursor: prune(cursor, clock()))
    assert rule_store.list_all(store) == []
    assert cursors.get(store, CURSOR)


def test_dry_run_matches_live_evaluation(store: Store, load: Load) -> None:
    start_at = dt.datetime(2026, 11, 1, 8, 0)
    load(
        ndjson(
            forwarded(n, "Warehouse Run Failed", details={**WAREHOUSE, "resource_id": f"W{n % 3}"})
            for n in range(0, 600, 2)
        )
    )
    end = start_at + dt.timedelta(hours=24)
    rule = Rule("Failures", query="outcome=failure", roll_up_minutes=60)
    result = dry_run(store, rule, days=1, now=end)
    assert result.matches == 300
    assert 10 <= result.messages <= 14
    assert sum(hits for _, hits, _ in result.days) == 300
    assert sum(messages for _, _, messages in result.days) == result.messages
    rare = Rule("Rare", query="outcome=failure", threshold=11, window_minutes=60)
    assert dry_run(store, rare, days=1, now=end).matches == 0
    some = replace(rare, threshold=10)
    assert dry_run(store, some, days=1, now=end).messages > 0
    silence = Rule("Silence", kind="silence", silent_minutes=300)
    assert dry_run(store, silence, days=1, now=end).messages == 1
    rows = [{"finding_id": "f", "score": 60, "actor_id": "users/a", "day": "2026-11-01"}]
    scored = Rule("Unusual", kind="findings", score=50)
    assert dry_run(store, scored, days=2, now=end, rows=rows).messages == 1


def test_rules_round_trip_through_yaml(store: Store, save_rule: SaveRule) -> None:
    save_rule("Warehouses", query="kind=disable", severity="critical", quiet="22:00-07:00")
    save_rule("Nächte", kind="silence", silent_minutes=90, why="Nobody works at night; check.")
    text = yaml_rules.export(rule_store.list_all(store))
    assert "threshold" not in text
    result = yaml_rules.parse(text)
    assert result == rule_store.list_all(store)
    changed = [replace(result[0], daily_cap=7), result[1], Rule("Third")]
    from trail.storage.inside import Inside

    counts = store.write(lambda c: yaml_rules.import_rules(c, Inside(c), changed, "owner"))
    assert counts == {"new": 1, "changed": 1, "same": 1}
    assert [rule.daily_cap for rule in rule_store.list_all(store)] == [7, 50, 50]


@pytest.mark.parametrize(
    "text",
    [
        "rules: [",
        "- name: x",
        "rules: {name: x}",
        "rules: [x]",
        "rules: [{name: x, colour: red}]",
        "rules: [{query: kind=disable}]",
        "rules: [{name: x, threshold: many}]",
        "rules: [{name: x, threshold: true}]",
        "rules: [{name: x, threshold: 0}]",
        "rules: [{name: x, query: 'colour=red'}]",
        "rules: [{name: x, quiet: 'at night'}]",
        "rules: [{name: x, zone: Mars/Base}]",
        "rules: [{name: x, destinations: hook}]",
        "rules: [{name: x, kind: pigeon}]",
        "rules: [{name: x}, {name: X}]",
        "rules: !!python/object/apply:os.system [true]",
    ],
)
def test_invalid_yaml_rules_are_rejected(text: str) -> None:
    with pytest.raises(InputError):
        yaml_rules.parse(text)


def test_rule_names_are_unique(store: Store, save_rule: SaveRule) -> None:
    save_rule("Twice")
    with pytest.raises(InputError):
        save_rule("twice")
    assert parse_rule({"name": "x", "score": 3}).score == 3.0
