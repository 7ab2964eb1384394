"""What was refused can be looked at, and tried again once the reason is gone."""

import json

import pyarrow as pa

from tests.conftest import Load, rows
from tests.segment_records import api_event, ndjson
from trail.core.limits import Limits
from trail.core.model import Batch, Chunk, Reject
from trail.core.settings import Settings
from trail.ingest import pipeline, quarantine
from trail.ingest.quarantine import UNVERIFIED
from trail.storage.duckdb import Store


def test_reasons_are_counted_by_batch(load: Load, store: Store) -> None:
    load(b"{\n{\n" + ndjson([api_event(1, timestamp="soon")]))
    result = quarantine.reasons(store)
    assert sorted((row["records"], row["whole"]) for row in result) == [(1, 1), (2, 2)]
    first = next(row for row in result if row["records"] == 2)
    records = quarantine.records(store, first["batch_id"], first["reason"], 10)
    assert [(row["line"], row["raw"]) for row in records] == [(1, b"{"), (2, b"{")]


def test_a_retry_with_a_higher_line_limit_keeps_the_record(
    load: Load, store: Store, settings: Settings
) -> None:
    short = settings.model_copy(update={"limits": Limits(line_bytes=1024)})
    long = api_event(1, resourceName="x" * 2_000)
    batch = load(ndjson([long, api_event(2)]), using=short)
    assert (batch.kept, batch.quarantined) == (1, 1)
    assert batch.batch_id
    again = quarantine.retry(store, settings.limits, batch.batch_id)
    assert (again.read, again.kept, again.quarantined) == (1, 1, 0)
    assert len(rows(store)) == 2
    assert quarantine.reasons(store) == []


def test_a_retry_of_an_invalid_record_quarantines_it_again(load: Load, store: Store) -> None:
    batch = load(b'{"a":\n\xff\xfe\n' + json.dumps(api_event(1)).encode())
    assert batch.batch_id
    again = quarantine.retry(store, Limits(), batch.batch_id)
    assert (again.read, again.kept, again.quarantined) == (2, 0, 2)
    kept = store.table("select batch_id, raw from quarantine order by line").to_pylist()
    assert [row["raw"] for row in kept] == [b'{"a":', b"\xff\xfe"]
    assert {row["batch_id"] for row in kept} == {again.batch_id}


def test_a_truncated_record_is_not_retried(load: Load, store: Store) -> None:
    batch = load(b'{"a":' + b"x" * 2_000_000)
    assert batch.batch_id
    assert quarantine.retry(store, Limits(), batch.batch_id).read == 0
    (row,) = quarantine.reasons(store)
    assert (row["records"], row["whole"]) == (1, 0)


def test_what_no_signature_covers_stays_unverified(store: Store) -> None:
    texts = [json.dumps(api_event(number)).encode() for number in (1, 2)]
    nothing = pa.table({"line": pa.array([], pa.int64()), "raw": pa.array([], pa.string())})
    rejects = (
        Reject(1, UNVERIFIED, texts[0], verified=False),
        Reject(2, "Too long", texts[1], verified=None),
    )
    batch = Batch("an hour", "webhook")
    pipeline.start(store, batch)
    pipeline.add(store, batch, Chunk(nothing, rejects), Limits())
    assert batch.batch_id
    assert quarantine.retry(store, Limits(), batch.batch_id).kept == 2
    assert [row["verified"] for row in rows(store, "event_id")] == [False, None]
