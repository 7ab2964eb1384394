"""Digests by schedule: each is queued once, whatever stops in between, and arrives."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.receiver import Receiver
from tests.trail import random_trail
from tests.trail.notifications.conftest import Clock, forward, hook
from trail.attention import digest_period, digest_schedules
from trail.attention.digest import digest
from trail.attention.digest_schedules import DigestSchedule
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.notifications import deliveries, delivery_log, destinations, test_message
from trail.notifications.destination import Destination
from trail.notifications.worker import Forwarding
from trail.runtime import digest_job
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

ROWS = random_trail.random_rows(7, 120)
# The week of 26 October is over; it is Monday, 08:30 in London.
NOW = dt.datetime(2026, 11, 2, 8, 30, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


@pytest.fixture
def sending(settings: Settings) -> Settings:
    public = forward(public_url="https://trail.example.com", timeout_s=5)
    return settings.model_copy(update={"forward": public})


@pytest.fixture
def trail(store: Store, tmp_path: Path) -> Iterator[Store]:
    random_trail.add(store, tmp_path, [row.raw for row in ROWS])
    return store


def schedule(store: Store, made_at: dt.datetime, **given: object) -> DigestSchedule:
    """Store a weekly digest for Monday 08:00 in London and return it."""
    made = replace(DigestSchedule("Team", 1, zone="Europe/London"), **given)  # type: ignore[arg-type]
    before = made_at.replace(tzinfo=None)
    store.write(lambda cursor: digest_schedules.save(cursor, made, "maya", before))
    return digest_schedules.list_all(store)[-1]


def queued(store: Store) -> list[tuple[str, dict[str, object]]]:
    rows = store.table("select key, kind, payload from deliveries order by delivery_id").to_pylist()
    assert {row["kind"] for row in rows} <= {"digest"}
    return [(row["key"], json.loads(row["payload"])) for row in rows]


def test_a_digest_is_queued_once_with_the_figures_of_its_page(
    trail: Store, sending: Settings
) -> None:
    hook(trail, "https://hooks.example.com/a")
    kept = schedule(trail, NOW - WEEK)
    assert digest_job.run_due(trail, sending, NOW - dt.timedelta(hours=1)) == "Nothing due"
    assert digest_job.run_due(trail, sending, NOW) == "1 queued"
    assert digest_job.run_due(trail, sending, NOW) == "Nothing due"
    [(key, body)] = queued(trail)
    assert key == f"digest-{kept.schedule_id}-2026-10-26"
    period = digest_period.parse("2026-10-26", "", "Europe/London", NOW)
    expected = digest(trail, sending, period, NOW, findings=True).to_dict()
    assert {**body, "schedule": None} == {**json.loads(json.dumps(expected)), "schedule": None}
    [kept] = digest_schedules.list_all(trail)
    assert (kept.last_period, kept.last_error) == (dt.date(2026, 10, 26), "")
    assert kept.next_at == dt.datetime(2026, 11, 9, 8)


def test_after_a_long_stop_only_the_newest_missed_digest_is_sent(
    trail: Store, sending: Settings
) -> None:
    hook(trail, "https://hooks.example.com/a")
    schedule(trail, NOW - 5 * WEEK, findings=False)
    assert digest_job.run_due(trail, sending, NOW + dt.timedelta(days=3)) == "1 queued"
    [(key, body)] = queued(trail)
    assert key.endswith("-2026-10-26")
    assert "/unusual" not in json.dumps(body)
    assert digest_job.run_due(trail, sending, NOW + dt.timedelta(days=6)) == "Nothing due"


def test_a_stop_before_the_commit_queues_it_in_the_next_run(
    trail: Store, sending: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(trail, "https://hooks.example.com/a")
    schedule(trail, NOW - WEEK)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "enqueue", stop)
        with pytest.raises(KeyboardInterrupt):
            digest_job.run_due(trail, sending, NOW)
    assert queued(trail) == []
    assert digest_job.run_due(trail, sending, NOW) == "1 queued"
    assert len(queued(trail)) == 1


def test_a_change_meanwhile_is_not_overtaken(trail: Store, sending: Settings) -> None:
    hook(trail, "https://hooks.example.com/a")
    kept = schedule(trail, NOW - WEEK)
    moment = NOW.replace(tzinfo=None)
    trail.write(
        lambda cursor: digest_schedules.set_active(cursor, kept, "maya", moment, active=False)
    )

    def finish(cursor: Cursor) -> bool:
        return digest_schedules.finish(cursor, kept, moment, kept.period(moment))

    assert trail.write(finish) is False


def test_a_missing_destination_is_reported_and_tried_again(trail: Store, sending: Settings) -> None:
    number = hook(trail, "https://hooks.example.com/a").destination_id
    schedule(trail, NOW - WEEK)
    trail.write(lambda cursor: destinations.remove(cursor, number))
    with pytest.raises(UnavailableError):
        digest_job.run_due(trail, sending, NOW)
    [kept] = digest_schedules.list_all(trail)
    assert kept.last_error.startswith("Destination not found.")
    version = trail.version
    with pytest.raises(UnavailableError):
        digest_job.run_due(trail, sending, NOW + dt.timedelta(minutes=1))
    assert trail.version == version
    assert kept.due(NOW.replace(tzinfo=None)) is not None


def test_digests_arrive_at_slack_and_at_a_webhook(trail: Store, sending: Settings) -> None:
    with Receiver() as slack, Receiver() as receiver:
        secrets = {**sending.forward.secrets, "slack": slack.url}
        values = {**sending.forward.model_dump(), "secrets": secrets}
        using = sending.model_copy(update={"forward": type(sending.forward)(**values)})
        hook(trail, receiver.url, using.forward)
        there = Destination(0, "slack", "ops", {}, {"url": "slack"})
        trail.write(lambda cursor: destinations.add(cursor, there, using.forward, "owner"))
        schedule(trail, NOW - WEEK)
        schedule(trail, NOW - WEEK, name="Ops", destination_id=2, cadence="daily")
        assert digest_job.run_due(trail, using, NOW) == "2 queued"
        outbox = Forwarding(using, lambda: trail, Clock(NOW.replace(tzinfo=None)))
        outbox.run_once(until_done=True)
        verdict = test_message.send_test(
            outbox, destinations.get(trail, 2), "digest", queued(trail)[0][1]
        )
        outbox.close()
        assert verdict.kind == "ok"
        [webhook] = receiver.taken
        assert webhook.json["type"] == "audit.digest"
        assert webhook.json["data"]["title"].startswith("Weekly digest: Mon 26 Oct")
        daily, test = (taken.json for taken in slack.taken)
        assert daily["blocks"][0]["text"]["text"] == "Daily digest: Sun 1 Nov 2026"
        assert "https://trail.example.com/explore?from=2026-11-01" in json.dumps(daily)
        assert "Test message" in json.dumps(test)
        assert delivery_log.counts(trail) == {1: {"sent": 1}, 2: {"sent": 1}}
