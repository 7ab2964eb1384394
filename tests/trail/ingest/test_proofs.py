"""Test when an unverified event counts, and what records that are no proof leave as it was."""

import json
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.conftest import counted, quarantine, row, rows
from tests.segment_records import USER, api_event, forwarded
from tests.trail.random_trail import NOW
from trail.core.limits import Limits
from trail.core.model import Batch, Chunk
from trail.core.settings import Settings
from trail.events import counts
from trail.ingest import dedup, pipeline, proofs
from trail.integrity import batch_balance, seal_store
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DETAILS = {
    "subject": f"users/{USER}",
    "subject_email": "mara@example.com",
    "resource_type": "source",
    "resource_id": "LAn9KpdvNZ",
    "target": "Web shop",
}


def call(number: int = 1, **details: str) -> dict[str, Any]:
    return forwarded(number, details={**DETAILS, **details})


def ingest(store: Store, *records: tuple[dict[str, Any], bool | None]) -> Batch:
    """Load each record as verified (True), unverified (False) or unsigned (None)."""
    table = pa.table(
        {
            "line": range(1, len(records) + 1),
            "raw": [json.dumps(record) for record, _ in records],
            "verified": pa.array([verified for _, verified in records], pa.bool_()),
        }
    )
    return pipeline.load(store, Batch("records", "test"), iter([Chunk(table)]), Limits())


def unverified(store: Store) -> list[str]:
    result = store.table("select event_id from events where unverified order by event_id")
    ids = [row["event_id"] for row in result.to_pylist()]
    assert counts.unverified(store, Filter(), NOW) == len(ids)
    trusted = store.table("select count(*) as n from trusted_events")["n"][0].as_py()
    assert trusted + len(ids) == len(rows(store))
    return ids


def assert_balanced(store: Store) -> None:
    cube, events = counted(store)
    assert cube == events
    assert not store.write(lambda cursor: batch_balance.imbalances(seal_store.asking(cursor)))


@pytest.mark.parametrize("verified", [True, None])
def test_the_same_record_from_a_trusted_source_proves_the_event(
    store: Store, verified: bool | None
) -> None:
    ingest(store, (call(), False))
    (event_id,) = unverified(store)
    assert counts.count(store, Filter.parse("actor=mara@example.com"), NOW) == 0
    batch = ingest(store, ({**call(), "sentAt": "2026-11-20T10:00:00.000Z"}, verified))
    assert (batch.read, batch.kept, batch.duplicates, batch.linked) == (1, 0, 1, 1)
    assert unverified(store) == []
    assert row(store, event_id)["verified"] is False  # as recorded
    assert len(dedup.of(store, event_id)) == 1
    assert counts.count(store, Filter.parse("actor=mara@example.com"), NOW) == 1
    assert_balanced(store)
    again = ingest(store, (call(), verified))
    assert (again.duplicates, again.linked) == (1, 0)


def test_another_unverified_copy_proves_nothing(store: Store) -> None:
    ingest(store, (call(), False))
    assert ingest(store, (call(), False)).linked == 0
    assert len(unverified(store)) == 1


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_the_report_of_the_api_proves_the_event(store: Store, first: bool) -> None:
    arrivals = [(call(), False), (api_event(), None)]
    for arrival in arrivals[::-1] if first else arrivals:
        ingest(store, arrival)
    assert len(rows(store)) == 1
    assert unverified(store) == []
    assert_balanced(store)


def test_a_proven_event_still_links_to_the_report_of_the_api(store: Store) -> None:
    for arrival in ((call(), False), (call(), True), (api_event(), None)):
        ingest(store, arrival)
    (event,) = rows(store)
    assert len(dedup.of(store, event["event_id"])) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "users/other"},
        {"subject_email": "other@example.com"},
        {"resource_id": "other"},
        {"target": "Other shop"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_other_content_under_the_same_id_is_quarantined(
    store: Store, changed: dict[str, str]
) -> None:
    ingest(store, (call(**changed), False))
    batch = ingest(store, (call(), True), (call(2), True))
    assert (batch.read, batch.kept, batch.quarantined) == (2, 1, 1)
    (refused,) = quarantine(store, batch)
    assert (refused["line"], refused["reason"]) == (1, proofs.CONFLICT)
    assert len(unverified(store)) == 1
    assert_balanced(store)


def test_of_two_copies_in_one_chunk_the_verified_one_is_kept(store: Store) -> None:
    ingest(store, (call(target="Forged"), False), (call(), True))
    (event,) = rows(store)
    assert (event["target_name"], event["verified"]) == ("Web shop", True)
    assert unverified(store) == []


ARRIVALS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([True, False, None, "api"])),
    min_size=1,
    max_size=8,
)


@hypothesis_settings(max_examples=8)
@given(arrivals=ARRIVALS, data=st.data())
def test_an_event_is_unverified_until_a_proof_arrives_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[int, Any]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("store") / "trail.duckdb"
    store = Store.open(path, Settings(store={"path": path}))  # type: ignore[arg-type]
    try:
        records: list[tuple[dict[str, Any], bool | None]] = [
            (api_event(number), None) if how == "api" else (call(number), how)
            for number, how in arrivals
        ]
        cuts = sorted(data.draw(st.sets(st.integers(1, len(records)), max_size=3)))
        for start, end in pairwise([0, *cuts, len(records)]):
            if start < end:
                ingest(store, *records[start:end])
        numbers = {number for number, _ in arrivals}
        proven = {number for number, how in arrivals if how is not False}
        assert len(rows(store)) == len(numbers)
        assert len(unverified(store)) == len(numbers - proven)
        assert_balanced(store)
    finally:
        store.close()
