"""The health of sources, from what polls against a real HTTP server and receivers record."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import strategies as st
from pydantic import SecretStr

import loaders._segment_http
from loaders._segment_http import SegmentSettings
from loaders.folder import FolderSettings
from loaders.segment_api import LOADER
from tests import fixed_clock
from tests.segment_api_server import TOKEN, SegmentApi, error
from tests.segment_records import api_event
from trail.core.model import Batch, Chunk
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import pipeline, polling, source_health
from trail.ingest.source_health import SourceHealth
from trail.storage.duckdb import Store

NOW = dt.datetime(2026, 11, 24, 10, 0)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
NAME = "segment_api"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SegmentApi]:
    monkeypatch.setattr(loaders._segment_http, "_sleep", lambda _: None)
    at = (NOW - HOUR).isoformat(timespec="milliseconds")
    with SegmentApi([{**api_event(1), "timestamp": f"{at}Z"}]) as running:
        yield running


@pytest.fixture
def polled(settings: Settings, api: SegmentApi) -> Settings:
    segment = SegmentSettings(token=SecretStr(TOKEN), url=api.url, patience_s=5)
    # One request a poll.
    stored = settings.store.model_copy(update={"retention_days": 1})
    return settings.model_copy(update={"segment": segment, "store": stored})


def only(store: Store, settings: Settings, now: dt.datetime = NOW) -> SourceHealth:
    (health,) = source_health.sources(store, settings, now)
    return health


def note(store: Store, state: str, start: dt.datetime, end: dt.datetime, source: str) -> None:
    store.write(lambda cursor: coverage.note(cursor, source, state, start, end))


def received(store: Store, settings: Settings, source: str, *events: dict[str, Any]) -> None:
    texts = [json.dumps(event) for event in events]
    chunk = Chunk(pa.table({"line": pa.array(range(len(texts)), pa.int64()), "raw": texts}))
    batch = Batch(source="a delivery", loader=source)
    pipeline.load(store, batch, iter([chunk]), settings.limits)


def listening_to_webhooks(settings: Settings) -> Settings:
    push = settings.push.model_copy(update={"webhook_secrets": (SecretStr("shared"),)})
    return settings.model_copy(update={"push": push})


def test_without_a_configured_source_there_is_none(store: Store, settings: Settings) -> None:
    assert source_health.sources(store, settings, NOW) == ()


def test_a_poller_is_never_then_ok_and_silent_when_late(store: Store, polled: Settings) -> None:
    health = only(store, polled)
    assert (health.state, health.since, health.last_event) == ("never", None, None)
    polling.pull(store, polled, LOADER, NOW)
    health = only(store, polled, NOW + 14 * MINUTE)
    assert (health.state, health.message) == ("ok", "")
    assert (health.last_event, health.last_success) == (NOW - HOUR, NOW)
    assert health.interval == 5 * MINUTE
    late = only(store, polled, NOW + 16 * MINUTE)
    assert (late.state, late.since) == ("silent", NOW)


def test_a_source_without_an_event_for_the_hours_of_the_setting_is_silent(
    store: Store, polled: Settings
) -> None:
    polling.pull(store, polled, LOADER, NOW)  # its newest event is one hour old
    for hours, state in ((0, "ok"), (1, "silent"), (2, "ok")):
        sources = polled.sources.model_copy(update={"silent_hours": hours})
        given = polled.model_copy(update={"sources": sources})
        health = only(store, given, NOW + MINUTE)
        assert health.state == state, hours
        if state == "silent":
            assert (health.since, health.message) == (NOW - HOUR, "No event for 1 hour.")


def test_a_source_stays_silent_when_its_events_have_left_the_database(
    store: Store, polled: Settings
) -> None:
    polling.pull(store, polled, LOADER, NOW)
    sources = polled.sources.model_copy(update={"silent_hours": 24})
    given = polled.model_copy(update={"sources": sources})
    arrived = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    later = arrived + 3 * DAY
    for _ in range(2):
        note(store, "watched", arrived, later, NAME)
        health = only(store, given, later)
        assert (health.state, health.message) == ("silent", "No event for 24 hours.")
        fixed_clock.retain(store, given, later.replace(tzinfo=dt.UTC))
    assert not store.table("from events").num_rows


def test_a_poller_of_an_empty_workspace_is_never(
    store: Store, polled: Settings, api: SegmentApi
) -> None:
    api.events.clear()
    polling.pull(store, polled, LOADER, NOW)
    health = only(store, polled)
    assert (health.state, health.last_success) == ("never", NOW)


@pytest.mark.parametrize("fault", ["401", "403", "429", "500", "slow", "no-answer", "not-json"])
def test_each_kind_of_failing_poll_shows_with_its_reason(
    store: Store, polled: Settings, api: SegmentApi, fault: str
) -> None:
    polling.pull(store, polled, LOADER, NOW - HOUR)
    segment, said = polled.segment, fault
    if fault == "401":
        segment = segment.model_copy(update={"token": SecretStr("sgp_revoked-secret")})
        said = "token was not accepted"
    elif fault == "403":
        api.always = error(403, f"forbidden for {TOKEN}")
        said = "lacks permission"
    elif fault == "no-answer":
        segment = segment.model_copy(update={"url": "http://127.0.0.1:9"})
        said = "connection failed"
    elif fault == "slow":
        segment = segment.model_copy(update={"timeout_s": 0.1})
        api.mix(1, 1, ["slow"])
        said = "no response within"
    elif fault == "not-json":
        api.mix(1, 1, ["json"])
        said = "truncated response"
    else:
        api.retry_after = "9"  # longer than the patience
        api.mix(1, 1, [fault])
    broken = polled.model_copy(update={"segment": segment})
    polling.pull(store, broken, LOADER, NOW)
    health = only(store, broken, NOW + MINUTE)
    assert (health.state, health.since) == ("failing", NOW - HOUR)
    assert said in health.message
    assert "secret" not in health.message
    assert TOKEN not in health.message
    assert source_health.failing([health]) == (health,)
    # A second failure does not move the start, a success ends it.
    polling.pull(store, broken, LOADER, NOW + 5 * MINUTE)
    assert only(store, broken, NOW + 6 * MINUTE).since == NOW - HOUR
    api.always = None
    api.mix(0, 1)
    polling.pull(store, polled, LOADER, NOW + 10 * MINUTE)
    assert only(store, polled, NOW + 11 * MINUTE).state == "ok"


def test_a_secret_in_a_recorded_reason_is_not_repeated(store: Store, polled: Settings) -> None:
    detail = f"bad request with {TOKEN}"
    store.write(lambda cursor: coverage.note_failure(cursor, NAME, NOW, HOUR, detail))
    health = only(store, polled)
    assert (health.state, health.since) == ("failing", NOW)
    assert health.message == "bad request with …"


def test_the_rest_of_a_poll_that_fails_beside_a_success_is_a_note(
    store: Store, polled: Settings
) -> None:
    polling.pull(store, polled, LOADER, NOW - HOUR)
    note(store, coverage.WATCHED, NOW - HOUR, NOW, NAME)
    store.write(lambda cursor: coverage.note_failure(cursor, NAME, NOW, HOUR, "a gap is missing"))
    health = only(store, polled)
    assert (health.state, health.message) == ("ok", "a gap is missing")


@hypothesis.settings(max_examples=15)
@hypothesis.given(
    st.lists(
        st.tuples(st.sampled_from(["good", "401", "500"]), st.integers(1, 40)),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 40),
)
def test_over_any_history_of_polls_the_last_one_decides(
    store: Store, settings: Settings, polls: list[tuple[str, int]], after: int
) -> None:
    """The state equals that of an independent reading of the history, whatever came before."""
    source = settings.model_copy(update={"segment": SegmentSettings(token=SecretStr(TOKEN))})
    store.write(lambda cursor: cursor.execute("delete from watches") and None)
    if not store.table("select 1 from batches").num_rows:
        received(store, settings, NAME, api_event(1))
    at, successes, failures = NOW, list[dt.datetime](), list[dt.datetime]()
    for outcome, minutes in polls:
        at += minutes * MINUTE
        if outcome == "good":
            note(store, coverage.WATCHED, at - DAY, at, NAME)
            successes.append(at)
        else:
            store.write(
                lambda cursor, at=at, outcome=outcome: coverage.note_failure(  # type: ignore[misc]
                    cursor, NAME, at, 10 * MINUTE, outcome
                )
            )
            failures.append(at)
    now = at + after * MINUTE
    health = only(store, source, now)
    if polls[-1][0] != "good":
        assert (health.state, health.message) == ("failing", polls[-1][0])
        assert health.since == (successes[-1] if successes else failures[0])
    else:
        assert health.state == ("silent" if after > 15 else "ok")
    assert health.last_success == (successes[-1] if successes else None)
    # Failed spans never reach over a success.
    spans = store.table("select from_at, to_at from watches where state = 'failed'").to_pylist()
    assert not any(s["from_at"] < good < s["to_at"] for s in spans for good in successes)
    assert {at for s in spans for at in (s["from_at"], s["to_at"])} <= set(failures)


def test_a_receiver_without_a_delivery_is_never_and_covers_nothing(
    store: Store, settings: Settings
) -> None:
    listening = listening_to_webhooks(settings)
    assert only(store, listening).state == "never"
    assert not source_health.has_delivered(store, "webhook")
    received(store, settings, "webhook", api_event(1))
    assert source_health.has_delivered(store, "webhook")
    health = only(store, listening)
    assert (health.state, health.interval) == ("ok", None)
    assert health.last_success


def test_a_receiver_is_silent_against_its_own_weeks_and_not_soon_after_a_start(
    store: Store, settings: Settings
) -> None:
    listening = listening_to_webhooks(settings)
    last = NOW - 5 * HOUR
    times = [
        NOW - dt.timedelta(weeks=week, minutes=10 * number)
        for week in range(1, 6)
        for number in range(60)
    ]
    events = [
        {**api_event(number), "timestamp": f"{at.isoformat(timespec='milliseconds')}Z"}
        for number, at in enumerate([*times, last])
    ]
    received(store, settings, "webhook", *events)
    # Events of another source do not hide it.
    other = {**api_event(999), "timestamp": f"{(NOW - MINUTE).isoformat(timespec='seconds')}Z"}
    received(store, settings, "json", other)
    assert only(store, listening).state == "ok"  # nothing is known about when it listened
    note(store, coverage.WATCHED, NOW - HOUR, NOW, "webhook")
    assert only(store, listening).state == "ok"
    note(store, coverage.WATCHED, NOW - 9 * HOUR, NOW, "webhook")
    health = only(store, listening)
    assert (health.state, health.since, health.last_event) == ("silent", last, last)
    assert "5 weeks before" in health.message


def test_a_source_that_is_not_configured_any_more_is_off(store: Store, settings: Settings) -> None:
    received(store, settings, NAME, api_event(1))
    note(store, coverage.WATCHED, NOW - DAY, NOW - HOUR, NAME)
    health = only(store, settings)
    assert (health.name, health.state, health.since) == (NAME, "off", NOW - HOUR)


def test_a_simulated_source_is_judged_as_a_poller(store: Store, settings: Settings) -> None:
    received(store, settings, "json", api_event(1))
    store.write(lambda c: source_health.simulate(c, "json", "Demo workspace", 5 * MINUTE))
    assert only(store, settings).state == "never"
    note(store, coverage.WATCHED, NOW - DAY, NOW, "json")
    health = only(store, settings, NOW + MINUTE)
    assert (health.title, health.state, health.interval) == ("Demo workspace", "ok", 5 * MINUTE)


def test_a_folder_that_cannot_be_read_fails(store: Store, settings: Settings) -> None:
    watching = settings.model_copy(update={"folder": FolderSettings(path=Path("inbox"))})
    assert only(store, watching).state == "never"
    note(store, "looked", NOW - HOUR, NOW - MINUTE, "folder")
    assert only(store, watching).message == "No event received yet."
    store.write(lambda c: coverage.note_failure(c, "folder", NOW, MINUTE, "no read access"))
    health = only(store, watching)
    assert (health.state, health.since) == ("failing", NOW - MINUTE)
