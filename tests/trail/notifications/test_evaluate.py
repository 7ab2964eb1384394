"""From kept events to messages in the outbox: filters, thresholds, silence, findings, incidents."""

import datetime as dt
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
from trail.notifications.destinations import Destination
from trail.notifications.dry_run import would_have_fired
from trail.notifications.evaluate import PLACE, Alerts, offer, prune
from trail.notifications.rule import Rule, read
from trail.storage import cursors
from trail.storage.database import Store

WAREHOUSE = {"resource_type": "warehouse", "resource_id": "WH1", "target": "Prod"}
Keep = Callable[..., Rule]


@pytest.fixture
def clock() -> Clock:
    return Clock(dt.datetime(2026, 11, 1, 9, 0))


@pytest.fixture
def alerts(store: Store, settings: Settings, clock: Clock) -> Alerts:
    """Return running rules that have looked once, with one destination named hook."""
    using = settings.model_copy(update={"forward": forward()})
    made = Destination(0, "webhook", "hook", {"url": "https://hooks.example.com/"}, {"key": "key"})
    store.write(lambda cursor: destinations.add(cursor, made, forward(), "owner"))
    return Alerts(using, lambda: store, clock)


@pytest.fixture
def keep(store: Store) -> Keep:
    """Return a function that keeps a rule that tells `hook`."""

    def kept(name: str = "rule", **given: Any) -> Rule:
        rule = Rule(name, destinations=("hook",), **given)
        number = store.write(lambda cursor: rule_store.keep(cursor, rule, "owner"))
        return replace(rule, rule_id=number)

    return kept


def delivered(store: Store) -> list[dict[str, Any]]:
    """Return the bodies of what waits, the first one first, with the kind of each."""
    import json

    return [
        {"kind": row["kind"], **json.loads(row["payload"])}
        for row in delivery_log.page(store)[::-1]
    ]


def start(load: Load, alerts: Alerts) -> None:
    load(ndjson([forwarded(1)]))
    alerts.round()


def test_a_warehouse_disabled_is_told_at_once_with_its_event(
    store: Store, load: Load, alerts: Alerts, keep: Keep
) -> None:
    keep("Warehouses", query="kind=disable&category=Warehouses", severity="critical")
    start(load, alerts)
    assert delivered(store) == []
    load(ndjson([forwarded(30, "Warehouse Disabled", details=WAREHOUSE), forwarded(31)]))
    alerts.round()
    (message,) = delivered(store)
    assert (message["kind"], message["form"], message["count"]) == ("alert", "first", 1)
    assert message["event"]["event_id"] == message_id(30)
    assert message["event"]["target_name"] == "Prod"
    assert (message["rule"], message["severity"]) == ("Warehouses", "critical")
    alerts.round()
    assert len(delivered(store)) == 1
    made = rule_store.histories(store, 14, dt.date(2026, 11, 1))
    (history,) = made.values()
    assert history["days"][-1] == (dt.date(2026, 11, 1), 1, 1)
    assert len(history["days"]) == 14


def test_the_very_first_event_of_a_store_is_seen(
    store: Store, load: Load, alerts: Alerts, keep: Keep
) -> None:
    keep("Any")
    alerts.round()
    load(ndjson([forwarded(1)]))
    alerts.round()
    assert [message["count"] for message in delivered(store)] == [1]


def test_an_alert_of_an_echo_does_not_go_back_to_segment(
    store: Store, load: Load, alerts: Alerts
) -> None:
    made = Destination(0, "segment_source", "segment", {}, {"write_key": "key"})
    store.write(lambda cursor: destinations.add(cursor, made, forward(), "owner"))
    both = Rule("Both", query="action=New Event Allowed", destinations=("hook", "Segment", "gone"))
    store.write(lambda cursor: rule_store.keep(cursor, both, "owner"))
    start(load, alerts)
    load(ndjson([new_event_allowed(9)]))
    alerts.round()
    assert [row["destination"] for row in delivery_log.page(store)] == ["hook"]


def test_a_storm_of_real_failures_is_three_messages_at_most(
    store: Store, load: Load, alerts: Alerts, keep: Keep, clock: Clock
) -> None:
    keep("Failures", query="outcome=failure")
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
        alerts.round()
        clock.move(60)
    clock.move(600)
    alerts.round()
    messages = delivered(store)
    assert len(messages) <= 3
    assert sum(message["count"] for message in messages) == 5_000
    assert messages[-1]["more_targets"] == 30


def test_below_the_threshold_nothing_and_at_it_the_whole_count(
    store: Store, load: Load, alerts: Alerts, keep: Keep
) -> None:
    keep("Many", query="outcome=failure", threshold=5, window_minutes=10)
    start(load, alerts)

    def fail(*numbers: int) -> None:
        load(ndjson(forwarded(n, "Warehouse Run Failed", details=WAREHOUSE) for n in numbers))
        alerts.round()

    fail(2, 3, 14, 15)
    assert delivered(store) == []
    fail(16, 17)
    assert delivered(store) == []
    fail(18)
    (message,) = delivered(store)
    assert message["count"] == 5


def test_old_events_are_no_alarm(
    store: Store, load: Load, alerts: Alerts, keep: Keep, clock: Clock
) -> None:
    keep("Any")
    start(load, alerts)
    clock.now = dt.datetime(2026, 11, 5)
    load(ndjson(forwarded(n) for n in range(2, 50)))
    alerts.round()
    assert delivered(store) == []


def test_events_that_come_while_the_clock_is_set_back_are_still_seen(
    store: Store, load: Load, alerts: Alerts, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("Any")
    start(load, alerts)
    monkeypatch.setattr(cursors, "utc_now", lambda: dt.datetime(2020, 1, 1))
    load(ndjson([forwarded(7)]))
    alerts.round()
    assert len(delivered(store)) == 1


def test_silence_is_told_once_and_again_after_a_sound(
    store: Store, load: Load, alerts: Alerts, keep: Keep, clock: Clock
) -> None:
    keep("Quiet", kind="silence", silent_minutes=60)
    start(load, alerts)  # the event is of 08:01, and it is nine
    assert delivered(store) == []
    for _ in range(5):
        clock.move(600)
        alerts.round()
    (message,) = delivered(store)
    assert message["text"] == "No such event for 60 minutes."
    clock.now = dt.datetime(2026, 11, 1, 10, 0)
    load(ndjson([forwarded(115)]))
    alerts.round()
    clock.now = dt.datetime(2026, 11, 1, 11, 30)
    alerts.round()
    assert len(delivered(store)) == 2


def test_findings_above_a_score_are_told_once_each(
    store: Store, alerts: Alerts, keep: Keep
) -> None:
    keep("Unusual", kind="findings", score=50)
    now = dt.datetime(2026, 11, 1, 9)
    rows = [
        {"finding_id": f"f{n}", "score": n * 20, "actor_id": f"users/{n}", "day": "2026-11-01"}
        for n in range(5)
    ]
    assert store.write(lambda cursor: offer(cursor, "findings", rows, now)) == 2
    assert store.write(lambda cursor: offer(cursor, "findings", rows, now)) == 0
    messages = delivered(store)
    assert [(message["kind"], message["finding_id"]) for message in messages] == [
        ("finding", "f3"),
        ("finding", "f4"),
    ]
    assert "Unusual" in messages[0]["why"]


def test_incidents_that_persist_or_stay_open(store: Store, alerts: Alerts, keep: Keep) -> None:
    keep("Broken", kind="incidents", open_minutes=30)
    now = dt.datetime(2026, 11, 1, 9)

    def row(name: str, minutes: int, **given: Any) -> dict[str, Any]:
        first = (now - dt.timedelta(minutes=minutes)).isoformat() + "Z"
        usual = {"class": "transient", "open": True, "target_id": name, "attempts": 3}
        return {"incident_id": name, "first_at": first, "action": "Run Failed", **usual, **given}

    rows = [
        row("young", 5),
        row("over", 500, open=False),
        row("persistent", 1, **{"class": "persistent"}),
        row("long", 30),
    ]
    assert store.write(lambda cursor: offer(cursor, "incidents", rows, now)) == 2
    assert [item["incident_id"] for item in delivered(store)] == ["persistent", "long"]
    later = now + dt.timedelta(minutes=26)
    assert store.write(lambda cursor: offer(cursor, "incidents", rows, later)) == 1


def test_one_rule_that_cannot_be_read_holds_up_no_other(
    store: Store, load: Load, alerts: Alerts, keep: Keep
) -> None:
    bad = keep("Bad")
    keep("Good")
    start(load, alerts)
    store.write(
        lambda cursor: cursor.execute(
            'update rules set definition = replace(definition, \'"query": ""\', '
            '\'"query": "colour=red"\') where rule_id = $id',
            {"id": bad.rule_id},
        )
    )
    load(ndjson([forwarded(9)]))
    assert "'Bad'" in alerts.round()
    assert [item["rule"] for item in delivered(store)] == ["Good"]


def test_a_rule_that_rests_or_is_removed_says_nothing(
    store: Store, load: Load, alerts: Alerts, keep: Keep, clock: Clock
) -> None:
    rule = keep("Rests")
    start(load, alerts)
    store.write(lambda cursor: rule_store.keep(cursor, replace(rule, active=False), "owner"))
    load(ndjson([forwarded(9)]))
    alerts.round()
    store.write(lambda cursor: rule_store.keep(cursor, replace(rule, active=True), "owner"))
    until = clock() + dt.timedelta(hours=1)
    store.write(lambda cursor: rule_store.snooze(cursor, rule.rule_id, until))
    load(ndjson([forwarded(10)]))
    alerts.round()
    assert delivered(store) == []
    clock.move(3_601)
    alerts.round()
    assert delivered(store)[0]["count"] == 1
    store.write(lambda cursor: rule_store.remove(cursor, rule.rule_id))
    store.write(lambda cursor: prune(cursor, clock()))
    assert rule_store.all_of(store) == []
    assert cursors.get(store, PLACE)


def test_would_have_fired_goes_the_same_steps(store: Store, load: Load) -> None:
    start_at = dt.datetime(2026, 11, 1, 8, 0)
    load(
        ndjson(
            forwarded(n, "Warehouse Run Failed", details={**WAREHOUSE, "resource_id": f"W{n % 3}"})
            for n in range(0, 600, 2)
        )
    )
    end = start_at + dt.timedelta(hours=24)
    rule = Rule("Failures", query="outcome=failure", roll_up_minutes=60)
    result = would_have_fired(store, rule, days=1, now=end)
    assert result.hits == 300
    assert 10 <= result.messages <= 14
    assert sum(hits for _, hits, _ in result.days) == 300
    assert sum(messages for _, _, messages in result.days) == result.messages
    rare = Rule("Rare", query="outcome=failure", threshold=11, window_minutes=60)
    assert would_have_fired(store, rare, days=1, now=end).hits == 0
    some = replace(rare, threshold=10)
    assert would_have_fired(store, some, days=1, now=end).messages > 0
    silence = Rule("Silence", kind="silence", silent_minutes=300)
    assert would_have_fired(store, silence, days=1, now=end).messages == 1
    rows = [{"finding_id": "f", "score": 60, "actor_id": "users/a", "day": "2026-11-01"}]
    scored = Rule("Unusual", kind="findings", score=50)
    assert would_have_fired(store, scored, days=2, now=end, rows=rows).messages == 1


def test_rules_as_code(store: Store, keep: Keep) -> None:
    keep("Warehouses", query="kind=disable", severity="critical", quiet="22:00-07:00")
    keep("Nächte", kind="silence", silent_minutes=90, why="Nobody looks; so we do.")
    text = yaml_rules.export(rule_store.all_of(store))
    assert "threshold" not in text
    result = yaml_rules.parse(text)
    assert result == rule_store.all_of(store)
    changed = [replace(result[0], daily_cap=7), result[1], Rule("Third")]
    from trail.storage.database import Inside

    done = store.write(lambda c: yaml_rules.bring_in(c, Inside(c), changed, "owner"))
    assert done == {"new": 1, "changed": 1, "same": 1}
    assert [rule.daily_cap for rule in rule_store.all_of(store)] == [7, 50, 50]


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
def test_rules_that_cannot_be_read_are_refused_calmly(text: str) -> None:
    with pytest.raises(InputError):
        yaml_rules.parse(text)


def test_a_name_is_used_once(store: Store, keep: Keep) -> None:
    keep("Twice")
    with pytest.raises(InputError):
        keep("twice")
    assert read({"name": "x", "score": 3}).score == 3.0
