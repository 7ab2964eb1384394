"""Rounds of asking, against a server that answers as the Public API is documented to."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

import loaders._segment_http
from loaders._segment_http import SegmentSettings
from loaders.segment_api import LOADER
from tests.conftest import rows
from tests.segment_api_server import TOKEN, SegmentApi
from tests.segment_records import api_event
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import directory, polling
from trail.storage import cursors
from trail.storage.duckdb import Store

NOW = dt.datetime(2026, 11, 24, 10, 0)
DAY = dt.timedelta(days=1)


def event(number: int, back: dt.timedelta) -> dict[str, Any]:
    at = (NOW - back).isoformat(timespec="milliseconds")
    return {**api_event(number, resourceId=f"r{number}"), "timestamp": f"{at}Z"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SegmentApi]:
    monkeypatch.setattr(loaders._segment_http, "_sleep", lambda _: None)
    events = [event(number, dt.timedelta(hours=18 * number)) for number in range(40)]
    users = [
        {"id": f"u{number}", "name": f"N{number}", "email": f"{number}@example.com"}
        for number in range(3)
    ]
    with SegmentApi(events, users=users) as running:
        yield running


@pytest.fixture
def asking(settings: Settings, api: SegmentApi) -> Settings:
    segment = SegmentSettings(token=SecretStr(TOKEN), url=api.url, page_events=10, patience_s=2)
    return settings.model_copy(update={"segment": segment})


def pull(store: Store, settings: Settings, now: dt.datetime = NOW, **more: Any) -> Any:
    return polling.pull(store, settings, LOADER, now, **more)


def test_the_first_poll_is_a_backfill_and_the_next_requests_the_overlap(
    store: Store, asking: Settings, api: SegmentApi
) -> None:
    shares: list[float] = []
    batch = pull(store, asking, progress=lambda share, _: shares.append(share))
    assert (batch.kept, batch.error) == (40, "")
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    oldest = NOW - 90 * DAY
    assert coverage.gaps(store, "segment_api", oldest, NOW) == []
    before = len(api.asked())
    later = pull(store, asking, NOW + dt.timedelta(minutes=5))
    assert (later.read, later.kept) == (2, 0)
    assert len(api.asked()) == before + 1


def test_a_poll_without_new_events_records_no_batch(store: Store, asking: Settings) -> None:
    pull(store, asking)
    pull(store, asking, NOW + dt.timedelta(minutes=5))
    assert store.table("select count(*) n from batches")["n"][0].as_py() == 1


def test_a_gap_is_requested_later(store: Store, asking: Settings, api: SegmentApi) -> None:
    pull(store, asking)
    back = NOW + 5 * DAY
    api.events.append(event(900, -2 * DAY))
    assert coverage.spans(store, NOW, back)[0].state == "gap"
    assert pull(store, asking, back).kept == 1
    assert [span.state for span in coverage.spans(store, NOW, back)] == ["watched"]


def test_an_interrupted_poll_resumes_at_its_page(
    store: Store, asking: Settings, api: SegmentApi
) -> None:
    api.events[:] = [event(number, dt.timedelta(hours=7 * number)) for number in range(60)]
    api.plan("good", "good", "good", *["500"] * 400)
    batch = pull(store, asking)
    assert batch.kept > 0
    assert "Segment" in batch.error
    mark = cursors.get(store, "segment_api")
    assert mark
    api.plan()
    api._planned.clear()
    before = len(api.asked())
    assert pull(store, asking).error == ""
    assert "pagination.cursor" in str(api.asked()[before])
    assert len(rows(store)) == 60
    assert cursors.get(store, "segment_api") == ""


def test_a_failure_is_recorded_with_its_reason_until_a_success(
    store: Store, asking: Settings
) -> None:
    wrong = asking.model_copy(
        update={"segment": asking.segment.model_copy(update={"token": SecretStr("sgp_wrong")})}
    )
    batch = pull(store, wrong)
    assert "token" in batch.error
    assert "sgp_wrong" not in batch.error
    failed = store.table("select detail from watches where state = 'failed'")["detail"].to_pylist()
    assert failed == [batch.error]
    assert coverage.spans(store, NOW - DAY, NOW)[0].state == "unknown"


def test_a_paused_backfill_asks_for_new_events_only_and_resumes_where_it_was(
    store: Store, asking: Settings, api: SegmentApi
) -> None:
    def paused(settings: Settings) -> Settings:
        segment = settings.of(SegmentSettings).model_copy(update={"backfill": False})
        return settings.model_copy(update={"segment": segment})

    assert polling.backfill(store, asking, LOADER, NOW).share == 0
    # As the pause does: the poll stops after its first week, with the mark of where it was.
    chunks = iter(range(100))
    pull(store, asking, stopping=lambda: next(chunks) > 2)
    before = polling.backfill(store, asking, LOADER, NOW)
    assert 0 < before.share < 1 and before.reached < NOW
    asked = len(api.asked())
    assert pull(store, paused(asking)).error == ""
    assert {seen.query["startTime"] for seen in api.asked()[asked:]} == {"2026-11-23T10:00:00.000Z"}
    assert polling.backfill(store, asking, LOADER, NOW) == before
    pull(store, asking)
    assert polling.backfill(store, asking, LOADER, NOW).share == 1
    assert len(rows(store)) == 40


def test_since_requests_the_whole_period_again(store: Store, asking: Settings) -> None:
    pull(store, asking)
    again = pull(store, asking, since=NOW - 10 * DAY)
    assert again.kept == 0
    assert again.read > 12


def test_a_sweep_finds_events_that_polls_missed(
    store: Store, asking: Settings, api: SegmentApi
) -> None:
    pull(store, asking)
    api.events.append(event(901, 20 * DAY))
    assert pull(store, asking, NOW + dt.timedelta(minutes=5)).kept == 0
    assert pull(store, asking, NOW + dt.timedelta(minutes=6), sweep=True).kept == 1
    polling.note_sweep(store, LOADER, NOW, 1)
    assert polling.last_sweep(store, LOADER) == (NOW, 1)
    assert not polling.sweep_due(store, LOADER, NOW + 6 * DAY)
    assert polling.sweep_due(store, LOADER, NOW + 7 * DAY)


def test_a_stop_during_a_poll_is_not_a_failure(store: Store, asking: Settings) -> None:
    left = [3]

    def stopping() -> bool:
        left[0] -= 1
        return left[0] < 0

    batch = pull(store, asking, stopping=stopping)
    assert 0 < batch.kept < 40
    assert store.table("select 1 from watches where state = 'failed'").num_rows == 0
    assert pull(store, asking).error == ""
    assert len(rows(store)) == 40


def test_a_missing_token_is_reported_with_its_setting(store: Store, settings: Settings) -> None:
    with pytest.raises(InputError, match="TRAIL_SEGMENT__TOKEN"):
        pull(store, settings)


def test_the_directory_sets_actor_names_and_the_workspace_name(
    store: Store, asking: Settings, api: SegmentApi
) -> None:
    api.events[:] = [
        {**event(1, DAY), "actor": "users/u1", "actorEmail": "old@example.com"},
        {**event(2, DAY / 2), "actor": "users/u2"},
    ]
    pull(store, asking)
    polling.refresh_directory(store, asking, LOADER, NOW)
    current = store.table("select actor_id, actor_name, actor_email from actors order by all")
    assert [tuple(row.values()) for row in current.to_pylist()] == [
        ("users/u1", "N1", "1@example.com"),
        ("users/u2", "N2", "2@example.com"),
    ]
    recorded = {row["actor_id"]: (row["actor_name"], row["actor_email"]) for row in rows(store)}
    assert recorded == {
        "users/u1": (None, "old@example.com"),
        "users/u2": (None, "mara@example.com"),
    }
    assert directory.workspace_name(store) == "Example Ltd"
    api.events.append({**event(3, DAY / 4), "actor": "users/u0"})
    pull(store, asking, NOW + dt.timedelta(minutes=5))
    assert "N0" in {row["actor_name"] for row in rows(store)}
    asked = len(api.asked("/users"))
    polling.refresh_directory(store, asking, LOADER, NOW + dt.timedelta(hours=1))
    assert len(api.asked("/users")) == asked
