"""Test that events keep who their records name, and that one person becomes one actor."""

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.conftest import Load, rows
from tests.segment_records import api_event, forwarded, ndjson
from trail.core.clock import utc_now
from trail.core.limits import Limits
from trail.core.model import Batch, Chunk, Directory, Person
from trail.core.settings import Settings
from trail.events import actor_names, counts, people
from trail.findings import queries
from trail.ingest import directory, pipeline
from trail.integrity import sealing, verification
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

AT = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
FAR = "2099-01-01T00:00:00.000Z"


def by(actor: str | None, hours: int = 0, **values: Any) -> dict[str, Any]:
    """Return an API record by *actor* at `AT` and *hours*."""
    number = hours + 1_000
    at = (AT + dt.timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    without = [] if "actorEmail" in values else ["actorEmail"]
    return api_event(number, timestamp=at, actor=actor, without=without, **values)


def ingest(store: Store, record: dict[str, Any], verified: bool | None = None) -> None:
    table = pa.table(
        {"line": [1], "raw": [json.dumps(record)], "verified": pa.array([verified], pa.bool_())}
    )
    pipeline.load(store, Batch("records", "test"), iter([Chunk(table)]), Limits())


def emails(store: Store) -> dict[str, str | None]:
    return {row["event_id"]: row["actor_email"] for row in rows(store)}


def actor_ids(store: Store) -> list[str]:
    return [row["actor_id"] for row in rows(store)]


def current_email(store: Store, actor_id: str) -> str:
    (row,) = store.table(
        "select actor_email from actors where actor_id = $id", {"id": actor_id}
    ).to_pylist()
    return str(row["actor_email"])


def count(store: Store, query: str) -> int:
    return counts.count(store, Filter.parse(query), dt.datetime.now(dt.UTC))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["u1", "users/u1", "u2", "users/u2", None]),
        st.sampled_from(["a@example.com", "b@example.com", "c@example.com", ""]),
    ),
    min_size=1,
    max_size=8,
)


@hypothesis_settings(max_examples=6)
@given(events=EVENTS, data=st.data())
def test_email_of_an_event_never_changes(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[Any, str]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("store") / "trail.duckdb"
    store = Store.open(path, Settings(store={"path": path}))  # type: ignore[arg-type]
    try:
        recorded: dict[str, str | None] = {}
        order = data.draw(st.permutations(list(enumerate(events))))
        for number, (actor, email) in order:
            record = by(actor, number, **({"actorEmail": email} if email else {}))
            ingest(store, record)
            recorded[record["id"]] = email or None
            assert emails(store) == recorded
        ids = {row["event_id"]: row["actor_id"] for row in rows(store)}
        everyone = [f"actor={actor_id}" for actor_id in set(ids.values())]
        assert sum(count(store, query) for query in everyone) == len(events)
    finally:
        store.close()


def test_filter_by_any_email_finds_all_events_of_the_actor(store: Store, load: Load) -> None:
    load(
        ndjson(
            [
                by("u1", 0, actorEmail="old@example.com"),
                by("u1", 1, actorEmail="new@example.com"),
                by("u2", 2, actorEmail="pat@example.com"),
            ]
        )
    )
    for email in ("old@example.com", "new@example.com"):
        assert count(store, f"actor={email}") == 2
        assert count(store, f"actor=-{email}") == 1
    (value,) = counts.facets(store, Filter.parse("actor=old@example.com"), AT).values["actor"][:1]
    assert (value.value, value.label, value.count) == ("users/u1", "new@example.com", 2)
    assert people.own_actor_ids(store, ["old@example.com"]) == {"old@example.com"}
    for link in ("u1", "users/u1"):
        assert people.own_actor_ids(store, [link]) == {"users/u1", link}


CLAIM = {"subject": "users/u1", "subject_email": "x@example.com"}


@pytest.mark.parametrize(
    ("record", "verified"),
    [
        (forwarded(1, timestamp=FAR, details=CLAIM), True),
        (forwarded(1, timestamp=FAR, details=CLAIM), None),
        (forwarded(1, details=CLAIM), False),
    ],
    ids=["future-verified", "future", "unverified"],
)
def test_records_without_proof_rename_nobody(
    store: Store, load: Load, record: Any, verified: bool | None
) -> None:
    load(ndjson([by("u1", 0, actorEmail="dana@example.com")]))
    ingest(store, record, verified)
    assert current_email(store, "users/u1") == "dana@example.com"
    assert count(store, "actor=x@example.com&from=2000-01-01&to=2100-01-01") == 0
    assert "x@example.com" in emails(store).values()


PERSON = [
    by("usr1", 0, actorEmail="dana@example.com"),
    by("usr1", 1),
    by("users/usr1", 2),
    by("user/usr1", 3),
    by("Dana@example.com", 4),
    by(None, 5, actorEmail="dana@example.com"),
]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [5, 4, 1, 3, 2, 0], [1, 4, 0, 5, 2, 3]])
@pytest.mark.parametrize("together", [True, False])
def test_all_forms_of_one_person_are_one_actor(
    store: Store, load: Load, order: list[int], together: bool
) -> None:
    records = [PERSON[at] for at in order]
    for data in [ndjson(records)] if together else [ndjson([record]) for record in records]:
        load(data)
    assert actor_ids(store) == ["users/usr1"] * 6
    assert count(store, "actor=users/usr1") == count(store, "actor=usr1") == 6
    assert count(store, "actor_type=user") == 6
    assert store.table("select 1 from actors").num_rows == 1
    queue = queries.queue(store, Filter.parse("from=2026-11-01"), AT, everything=True)
    assert {finding.actor_id for finding in queue.findings} <= {"users/usr1"}
    days = store.table("select distinct actor_key from daily_actions")
    assert (
        days["actor_key"].to_pylist()
        == store.table("select actor_key from actors")["actor_key"].to_pylist()
    )


def test_email_of_two_users_proves_neither(store: Store, load: Load) -> None:
    load(
        ndjson(
            [
                by("u1", 0, actorEmail="shared@example.com"),
                by("u2", 1, actorEmail="shared@example.com"),
                by("shared@example.com", 2),
            ]
        )
    )
    assert len(set(actor_ids(store))) == 3


def test_directory_names_earlier_bare_ids(store: Store, load: Load) -> None:
    load(ndjson([by("usr7", 0), by("lee@example.com", 1)]))
    assert actor_ids(store) == ["usr7", "lee@example.com"]
    directory.keep(
        store,
        Directory(
            "w",
            "Example",
            "example",
            (
                Person("users/usr7", "Kim Ode", "kim@example.com"),
                Person("users/usr8", "Lee Park", "lee@example.com"),
            ),
        ),
    )
    assert actor_ids(store) == ["users/usr7", "users/usr8"]
    assert set(emails(store).values()) == {None}
    assert actor_names.display_names(store, ["users/usr7", "users/usr8"]) == {
        "users/usr7": "Kim Ode",
        "users/usr8": "Lee Park",
    }
    load(ndjson([by("usr7", 2)]), "later.ndjson")
    assert actor_ids(store)[-1] == "users/usr7"


def test_sealed_days_verify_after_a_merge(store: Store, settings: Settings, load: Load) -> None:
    load(ndjson([by("usr1", 0), by("tokens/t", 1)]))
    assert sealing.seal(store, settings, utc_now())
    load(ndjson([by("users/usr1", 48)]), "later.ndjson")
    assert set(actor_ids(store)) == {"users/usr1", "tokens/t"}
    assert not verification.verify(store, settings).problems
    store.write(lambda cursor: cursor.execute("update actors set actor_id = 'users/eve'"))
    assert verification.verify(store, settings).problems
