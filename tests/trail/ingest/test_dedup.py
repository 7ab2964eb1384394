"""One change by two roads is one event, with both records; two changes stay two."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Load, counted, rows
from tests.segment_records import api_event, forwarded, line, ndjson
from trail.core.settings import Settings
from trail.ingest import dedup
from trail.ingest.files import load_files
from trail.storage.duckdb import Store

AT = dt.datetime(2026, 3, 2, 10, 0, tzinfo=dt.UTC)


def at(seconds: float) -> str:
    moment = AT + dt.timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def call(number: int, seconds: float = 0, **details: Any) -> dict[str, Any]:
    return {**forwarded(number, "Warehouse Disabled", details=details), "timestamp": at(seconds)}


def reported(number: int, seconds: float = 0, **given: Any) -> dict[str, Any]:
    return {
        **api_event(number, "Warehouses Disabled"),
        "timestamp": at(seconds),
        **given,
    }


def test_the_second_report_is_linked_to_the_first(load: Load, store: Store) -> None:
    assert load(ndjson([call(1)])).kept == 1
    batch = load(ndjson([reported(1, 1.5)]), "api.json")
    assert (batch.read, batch.kept, batch.duplicates, batch.linked) == (1, 0, 1, 1)
    (event,) = rows(store)
    (other,) = dedup.of(store, event["event_id"])
    assert event["event_id"] == call(1)["messageId"]
    assert other["event_id"] == reported(1)["id"]
    assert json.loads(str(other["raw"])) == reported(1, 1.5)
    assert other["source"] == "api.json"


@pytest.mark.parametrize("first", ["api", "forwarded"])
def test_reports_are_linked_in_either_order_and_in_one_file(
    load: Load, store: Store, first: str
) -> None:
    pair = [reported(1), call(1, 1)]
    batch = load(ndjson(pair if first == "api" else pair[::-1]))
    assert (batch.kept, batch.linked) == (1, 1)
    assert rows(store)[0]["event_id"] == (
        reported(1)["id"] if first == "api" else call(1)["messageId"]
    )


def test_loading_either_report_again_changes_nothing(load: Load, store: Store) -> None:
    load(ndjson([call(1)]))
    load(ndjson([reported(1)]))
    for again in ([call(1)], [reported(1)], [reported(1), call(1)]):
        batch = load(ndjson(again))
        assert (batch.kept, batch.linked, batch.duplicates) == (0, 0, len(again))
    assert store.table("select count(*) n from twins")["n"][0].as_py() == 1


@pytest.mark.parametrize(
    "other",
    [
        reported(1, 2.001),
        reported(1, type="Warehouses Enabled"),
        reported(1, resourceId="elsewhere"),
        reported(1, actor="users/somebody-else"),
        call(2, 1),
    ],
    ids=["later", "action", "target", "actor", "same road"],
)
def test_different_events_are_not_linked(load: Load, other: dict[str, Any]) -> None:
    load(ndjson([call(1)]))
    assert load(ndjson([other])).kept == 1


def test_ids_are_compared_by_their_last_part(load: Load) -> None:
    load(ndjson([call(1, resource_id="spaces/default/audiences/aud_1", subject="users/u9")]))
    assert load(ndjson([reported(1, resourceId="aud_1", actor="u9")])).linked == 1


def test_equal_changes_within_two_seconds_are_linked_one_to_one(load: Load, store: Store) -> None:
    load(ndjson([call(1, 0), call(2, 0), call(3, 1)]))
    batch = load(ndjson([reported(1, 0), reported(2, 0.5), reported(3, 1), reported(4, 1)]))
    assert (batch.kept, batch.linked) == (1, 3)
    assert store.table("select count(distinct twin_of) n from twins")["n"][0].as_py() == 3


@settings(max_examples=8)
@given(
    st.lists(st.integers(0, 40), max_size=8),
    st.lists(st.integers(0, 40), max_size=8),
    st.integers(0, 8),
)
def test_no_report_is_lost_or_linked_twice(
    tmp_path_factory: pytest.TempPathFactory, ours: list[int], theirs: list[int], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("twins")
    store = Store.open(folder / "t.duckdb", Settings())
    reports = [call(number, tenths / 10) for number, tenths in enumerate(ours)]
    reports += [reported(number, tenths / 10) for number, tenths in enumerate(theirs)]
    try:
        for name, part in (("a", reports[:cut]), ("b", reports[cut:])):
            path = folder / f"{name}.ndjson"
            path.write_bytes(b"\n".join(line(item) for item in part))
            list(load_files(store, Settings(), [path]))
        pairs = store.table(
            "select t.event_id, t.twin_of, abs(epoch_ms(t.occurred_at - e.occurred_at)) as apart "
            "from twins t join events e on e.event_id = t.twin_of"
        ).to_pylist()
        kept = {row["event_id"] for row in rows(store)}
        assert len(kept) + len(pairs) == len(reports)
        assert len({pair["twin_of"] for pair in pairs}) == len(pairs)
        assert all(pair["apart"] <= 2_000 for pair in pairs)
        assert not kept & {pair["event_id"] for pair in pairs}
        cube, same = counted(store)
        assert cube == same
    finally:
        store.close()


def test_events_about_forwarded_events_are_marked(load: Load, store: Store) -> None:
    def news(number: int, name: str) -> dict[str, Any]:
        return forwarded(number, "New Event Allowed", details={"name": name})

    load(ndjson([news(1, "Warehouse Disabled"), news(2, "Audit"), news(3, "Order Completed")]))
    result = store.table("select echo from events order by event_id")["echo"].to_pylist()
    assert result == [True, True, False]
