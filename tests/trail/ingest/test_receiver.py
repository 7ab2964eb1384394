"""From the journal into the store: hourly batches, both kinds of trouble, and the next start."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import duckdb
import pytest

from loaders.webhook import LOADER
from tests.conftest import rows
from tests.segment_records import forwarded
from trail.core.errors import UnavailableError
from trail.core.model import Received
from trail.core.settings import Settings
from trail.ingest import pipeline
from trail.ingest.keeper import Keeper
from trail.ingest.receiver import Intake, folder_of, into_store, recover
from trail.ingest.write_ahead_log import Entry, Journal
from trail.storage.duckdb import Store

RECEIVER = replace(LOADER, read=lambda *_: Received((), ()))


def received(*records: bytes, verified: bool = True) -> Received:
    return Received(records, (verified,) * len(records))


def raw(number: int) -> bytes:
    return json.dumps(forwarded(number, details={"target": f"Thing {number}"})).encode()


@pytest.fixture
def running(settings: Settings, store: Store) -> Iterator[Intake]:
    opened = into_store(settings, lambda: store)
    yield opened
    opened.close()


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def batches(store: Store) -> list[dict[str, object]]:
    return store.table(
        "select loader, read, kept, duplicates, quarantined, ended_at is not null as ended "
        "from batches order by batch_id"
    ).to_pylist()


def test_what_is_offered_is_kept_and_counted_in_one_batch(running: Intake, store: Store) -> None:
    for number in range(5):
        running.offer(RECEIVER, received(raw(number))).result(5)
    running.offer(RECEIVER, received(raw(0), b"{", b"\xff", verified=False)).result(5)
    eventually(lambda: running.waiting_bytes == 0)
    running.close()
    assert [row["verified"] for row in rows(store)] == [True] * 5
    assert batches(store) == [
        {
            "loader": "webhook",
            "read": 8,
            "kept": 5,
            "duplicates": 1,
            "quarantined": 2,
            "ended": True,
        }
    ]


def test_an_unproved_record_is_marked(running: Intake, store: Store) -> None:
    both = Received((raw(1), raw(2)), (True, False))
    running.offer(RECEIVER, both).result(5)
    running.close()
    assert [row["verified"] for row in rows(store, "event_id")] == [True, False]


def test_closing_keeps_what_was_offered_last(settings: Settings, store: Store) -> None:
    opened = into_store(settings, lambda: store)
    done = [opened.offer(RECEIVER, received(raw(number))) for number in range(300)]
    opened.close()
    assert all(item.exception() is None for item in done)
    assert len(rows(store)) == 300
    with pytest.raises(UnavailableError):
        opened.offer(RECEIVER, received(raw(999))).result(5)


def test_a_store_that_refuses_loses_nothing(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(pipeline, "add", full)
    opened = into_store(settings, lambda: store)
    opened.offer(RECEIVER, received(raw(1))).result(5)
    eventually(lambda: opened.problem != "")
    opened.offer(RECEIVER, received(raw(2))).result(5)
    monkeypatch.undo()
    eventually(lambda: opened.problem == "" and opened.waiting_bytes == 0)
    opened.close()
    assert len(rows(store)) == 2


def test_a_record_that_breaks_the_reader_goes_to_quarantine_alone(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pipeline.add

    def brittle(store: Store, batch: object, chunk: object, limits: object) -> None:
        if any("Thing 2" in text for text in chunk.records["raw"].to_pylist()):  # type: ignore[attr-defined]
            raise RuntimeError("broken by this one")
        real(store, batch, chunk, limits)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "add", brittle)
    opened = into_store(settings, lambda: store)
    opened.offer(RECEIVER, received(*(raw(number) for number in range(4)))).result(5)
    opened.close()
    assert len(rows(store)) == 3
    refused = store.table("select reason, raw from quarantine").to_pylist()
    assert refused == [{"reason": "Internal error while reading it", "raw": raw(2)}]


def test_the_next_start_keeps_what_a_kill_left_behind(settings: Settings, store: Store) -> None:
    journal = Journal(folder_of(settings), 1 << 20)
    journal.append([Entry("webhook", raw(number), True) for number in range(3)]).result(5)
    # Half of it was in the database already, as when killed between the commit and the removal.
    Keeper(settings).keep(store, [Entry("webhook", raw(0), True)])
    assert recover(settings, lambda: store) == 1
    assert len(rows(store)) == 3
    assert recover(settings, lambda: store) == 0
    journal.close()


def test_recovering_opens_no_store_when_nothing_is_left(settings: Settings) -> None:
    def never() -> Store:
        raise AssertionError("no store is needed")

    assert recover(settings, never) == 0
