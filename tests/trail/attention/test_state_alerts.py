"""Alert rules about a state: one message when a problem begins and one when it has ended."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from loaders._segment_http import SegmentSettings
from tests.receiver import Receiver
from tests.trail.notifications.conftest import Clock, forward, hook
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import coverage
from trail.integrity import seal_status
from trail.integrity.chain_history import Problem as Found
from trail.integrity.verification import Report
from trail.notifications import (
    delivery_log,
    destinations,
    rule_store,
    state_alerts,
    yaml_rules,
)
from trail.notifications.rule import STATE_KINDS, Rule, parse_rule
from trail.notifications.state_alerts import Problem
from trail.runtime.notification_job import NotificationJob
from trail.storage.duckdb import Store
from trail.triage import records

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def using(settings: Settings) -> Settings:
    segment = SegmentSettings(token=SecretStr("sgp_" + "x" * 40))
    return settings.model_copy(update={"forward": forward(), "segment": segment})


@pytest.fixture
def job(store: Store, using: Settings, clock: Clock) -> Iterator[NotificationJob]:
    made = NotificationJob(using, lambda: store, clock)
    yield made
    made.close()


def save(store: Store, kind: str, *names: str) -> None:
    rule = Rule(f"Rule of {kind}", kind, destinations=names)
    store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))


def poll(store: Store, state: str, at: dt.datetime, detail: str = "") -> None:
    store.write(lambda cursor: coverage.note(cursor, "segment_api", state, at - MINUTE, at, detail))


def step(job: NotificationJob, clock: Clock, seconds: float = 60) -> None:
    clock.move(seconds)
    job.run()
    job.forwarding.run_once(until_done=True)


def texts(receiver: Receiver) -> list[str]:
    return [message.json["data"]["text"] for message in receiver.taken]


def test_a_source_that_fails_is_reported_once_and_again_when_it_works(
    store: Store, job: NotificationJob, clock: Clock
) -> None:
    with Receiver() as receiver:
        hook(store, receiver.url)
        save(store, "source", "hook")
        poll(store, coverage.WATCHED, clock())
        step(job, clock)
        assert receiver.taken == []
        for _ in range(20):
            poll(store, coverage.FAILED, clock(), "Segment rejected the token (401).")
            step(job, clock)
        assert texts(receiver) == ["Segment Public API fails: Segment rejected the token (401)."]
        for _ in range(3):
            poll(store, coverage.WATCHED, clock())
            step(job, clock)
        assert texts(receiver)[1:] == ["Segment Public API no longer fails."]


def test_a_failing_destination_is_reported_to_the_others(
    store: Store, job: NotificationJob, clock: Clock
) -> None:
    with Receiver() as receiver:
        hook(store, receiver.url)
        broken = hook(store, "http://127.0.0.1:9/", name="broken").destination_id
        save(store, "delivery", "hook", "broken")

        def switch(state: str) -> None:
            store.write(
                lambda cursor: destinations.set_state(cursor, broken, state, "Gone (410).", clock())
            )

        switch("off")
        for _ in range(3):
            step(job, clock)
        assert texts(receiver) == ["broken is switched off: Gone (410)."]
        switch("paused")
        step(job, clock)
        assert texts(receiver)[1:] == ["broken no longer fails."]
        # What the rate limit holds back does not go there later either.
        for state in ("off", "paused", "off"):
            switch(state)
            step(job, clock)
        step(job, clock, 700)
        assert len(receiver.taken) == 3
        assert "broken is switched off: Gone (410)." in texts(receiver)[2]
        assert delivery_log.counts(store)[broken] == {"waiting": 1}  # that it had worked again


def test_what_the_daily_cap_holds_back_is_reported_the_next_day(
    store: Store, clock: Clock, using: Settings
) -> None:
    job = NotificationJob(using, lambda: store, clock)
    with Receiver() as receiver:
        hook(store, receiver.url)
        rule = Rule("Capped", "source", destinations=("hook",), daily_cap=1)
        store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
        for name in ("a", "b", "c"):
            problems = [
                Problem(one, f"{one} fails.", f"{one} works.") for one in "abc"[: ord(name) - 96]
            ]
            state_alerts.run(store, {"source": problems}, clock())
            clock.move(60)
        state_alerts.run(store, {"source": problems[:2]}, clock())
        job.forwarding.run_once(until_done=True)
        assert texts(receiver)[0] == "a fails."
        assert "Daily cap of 1" in texts(receiver)[1]
        clock.move(86_400)
        job.alerts.run_once()
        job.forwarding.run_once(until_done=True)
        assert texts(receiver)[2:] == ["b fails. c fails. c works."]
        job.close()


def test_integrity_is_reported_and_muted_problems_are_not(
    store: Store, job: NotificationJob, clock: Clock
) -> None:
    with Receiver() as receiver:
        hook(store, receiver.url)
        save(store, "integrity", "hook")
        found = (Found(clock().date(), "changed", 3, "3 events were changed."),)
        records.mute(store, "integrity", utc_now() + dt.timedelta(days=60), "known", "maya")
        seal_status.store_report(store, Report(clock(), (), found, 1, 0, 0.1))
        step(job, clock)
        assert receiver.taken == []
        records.mute(store, "integrity", None, "", "maya")
        step(job, clock)
        step(job, clock)
        assert texts(receiver) == ["Verification found 1 problem: 3 events were changed."]
        seal_status.store_report(store, Report(clock(), (), (), 1, 0, 0.1))
        step(job, clock)
        assert texts(receiver)[1:] == ["Trail integrity: no open problem."]


HISTORY = st.lists(st.sets(st.sampled_from("abc"), max_size=3), min_size=1, max_size=12)


@hypothesis_settings(max_examples=10)
@given(history=HISTORY)
def test_each_beginning_and_each_end_counts_once(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Any, history: list[set[str]]
) -> None:
    path = tmp_path_factory.mktemp("states") / "trail.duckdb"
    path.write_bytes(empty_database.read_bytes())
    store = Store.open(path, Settings())
    save(store, "source")
    clock, before, expected, reported = Clock(), set[str](), 0, 0
    for present in history:
        clock.move(60)
        problems = [Problem(name, f"{name} fails.", f"{name} works.") for name in sorted(present)]
        for _ in range(2):
            reported += state_alerts.run(store, {"source": problems}, clock())
        expected += len(present ^ before)
        before = present
        assert reported == expected
    [days] = [one["days"] for one in rule_store.histories(store, 1, clock().date()).values()]
    assert days[0][1] == expected
    store.close()


@pytest.mark.parametrize("kind", STATE_KINDS)
def test_the_kinds_are_kept_in_yaml(store: Store, kind: str) -> None:
    rule = parse_rule({"name": "State", "kind": kind, "destinations": ["hook"]})
    assert yaml_rules.parse(yaml_rules.export([rule])) == [rule]
    store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
    assert [replace(one, rule_id=0) for one in rule_store.list_all(store)] == [rule]
    assert state_alerts.kinds_in_use(store) == {kind}
