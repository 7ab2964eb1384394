"""Retention: which events are deleted and kept, and consistent counts afterwards."""

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests import fixed_clock, segment_records
from tests.conftest import Load, counted, rows
from tests.trail.random_trail import event
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import counts
from trail.ingest.files import load_files
from trail.retention import legal_holds, policy
from trail.retention.purge import Purge
from trail.storage import tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Reading
from trail.storage.filters import Filter

NOW = dt.datetime(2026, 11, 2, 15, 34, tzinfo=dt.UTC)
CUTOFF = dt.datetime(2026, 8, 4)
DAY = dt.timedelta(days=1)
TICK = dt.timedelta(microseconds=1)
SOURCE = ("source", "s1", "Web shop")


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def ids(store: Store) -> list[str]:
    return [row["event_id"] for row in rows(store, "event_id")]


def assert_consistent(store: Store) -> None:
    """Assert that the cube matches the events and that every event still has its names."""
    cube, events = counted(store)
    assert cube == events
    assert len(rows(store)) == store.table("select count(*) n from events")["n"][0].as_py()
    assert_actor_times(store)


def assert_actor_times(store: Store) -> None:
    """Assert that what is kept of when actors were seen, and access removed, is in the events."""
    for kept, read in (
        (
            "select actor_key, min(first_at), max(last_at) from actor_times",
            "select actor_key, min(occurred_at), max(occurred_at) from events "
            "where not future_dated",
        ),
        (
            "select target_key, max(occurred_at) from access_removals",
            "select target_key, max(occurred_at) from trusted_events join actions "
            "using (action_key) where action in ('User Removed', 'Group Memberships Deleted')",
        ),
    ):
        tables = [store.table(f"{sql} group by all order by all") for sql in (kept, read)]
        first, second = ([tuple(row.values()) for row in table.to_pylist()] for table in tables)
        assert first == second


def size(store: Store, table: str) -> int:
    return int(store.table(f"select count(*) as n from {table}")["n"][0].as_py())


def run(store: Store, sql: str) -> None:
    store.write(lambda cursor: cursor.execute(sql))


def purges(store: Store) -> list[dict[str, Any]]:
    return store.table("select * from purges order by purged_at").to_pylist()


@pytest.mark.parametrize(
    ("now", "days", "expected"),
    [
        (NOW, 90, CUTOFF),
        (NOW.replace(hour=0, minute=0), 90, CUTOFF),
        (NOW.replace(hour=23, minute=59), 90, CUTOFF),
        (NOW.replace(tzinfo=None), 1, dt.datetime(2026, 11, 1)),
        # Still the 1st of November in UTC.
        (dt.datetime(2026, 11, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=5))), 1,
         dt.datetime(2026, 10, 31)),
    ],
)  # fmt: skip
def test_cutoff_is_midnight_utc(
    settings: Settings, now: dt.datetime, days: int, expected: dt.datetime
) -> None:
    assert with_retention(settings, days).store.cutoff(now) == expected


def with_retention(settings: Settings, days: int) -> Settings:
    kept = settings.store.model_copy(update={"retention_days": days})
    return settings.model_copy(update={"store": kept})


def test_events_before_the_cutoff_are_deleted(store: Store, settings: Settings, load: Load) -> None:
    load(text(event("before", CUTOFF - TICK), event("at", CUTOFF), event("after", CUTOFF + TICK)))
    done = fixed_clock.retain(store, settings, NOW)
    assert (done.events, done.held, done.archived) == (1, 0, 0)
    assert ids(store) == ["after", "at"]
    assert_consistent(store)


def test_second_run_deletes_nothing_and_records_no_purge(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(event("old", CUTOFF - DAY), event("new", CUTOFF + DAY)))
    fixed_clock.retain(store, settings, NOW, "mara")
    before = rows(store)
    again = fixed_clock.retain(store, settings, NOW, "mara")
    assert (again.events, sum(again.swept.values()), again.days) == (0, 0, ())
    assert rows(store) == before
    assert purges(store) == [
        {"purged_at": NOW.replace(tzinfo=None), "cutoff": CUTOFF, "events": 1, "held": 0,
         "archived": 0, "made_by": "mara"}
    ]  # fmt: skip


def test_purge_of_an_empty_store_does_nothing(store: Store, settings: Settings) -> None:
    result = policy.preview(store, settings, NOW)
    assert (result.events, result.held, result.first, result.last) == (0, 0, None, None)
    assert fixed_clock.retain(store, settings, NOW).events == 0
    assert purges(store) == []


@pytest.mark.parametrize("kind", legal_holds.KINDS)
def test_events_on_hold_are_kept_and_counted(
    store: Store, settings: Settings, load: Load, kind: str
) -> None:
    load(
        text(
            event("kept", CUTOFF - 5 * DAY, target=SOURCE, actor="users/ana"),
            event("gone", CUTOFF - 4 * DAY, "User Invite Sent", actor="users/bo"),
            event("new", CUTOFF + DAY, actor="users/cy"),
        )
    )
    value = {"event": "kept", "target": "s1", "period": ""}[kind]
    span = (CUTOFF - 5 * DAY, CUTOFF - 4 * DAY) if kind == "period" else (None, None)
    number = legal_holds.add(store, kind, value, *span, "a question", "mara")
    result = policy.preview(store, settings, NOW)
    assert [(day.events, day.held) for day in result.days] == [(0, 1), (1, 0)]
    assert result.first == result.last == (CUTOFF - 4 * DAY).date()
    done = fixed_clock.retain(store, settings, NOW)
    assert (done.events, done.held, purges(store)[0]["held"]) == (1, 1, 1)
    assert ids(store) == ["kept", "new"]
    assert_consistent(store)
    assert counts.count(store, Filter.parse("actor=users/ana"), NOW) == 1
    assert counts.count(store, Filter.parse(""), NOW) == 2
    assert fixed_clock.retain(store, settings, NOW).events == 0

    legal_holds.end(store, number)
    assert fixed_clock.retain(store, settings, NOW).events == 1
    assert ids(store) == ["new"]
    assert_consistent(store)


def test_duplicates_are_deleted_with_their_event(
    store: Store, settings: Settings, load: Load
) -> None:
    at = [CUTOFF - 3 * DAY, CUTOFF - DAY, CUTOFF - dt.timedelta(milliseconds=500), CUTOFF + DAY]
    # The third event is before the cutoff, its duplicate after it.
    later = [0, 0, 1, 0]
    first, second = [], []
    for number, moment in enumerate(at):
        first.append(segment_records.forwarded(number, timestamp=f"{moment.isoformat()}Z"))
        moment += dt.timedelta(seconds=later[number])
        second.append(segment_records.api_event(number, timestamp=f"{moment.isoformat()}Z"))
    load(segment_records.ndjson(first))
    assert load(segment_records.ndjson(second), "again.ndjson").linked == 4
    legal_holds.add(store, "event", second[1]["id"], None, None, "a question", "mara")
    done = fixed_clock.retain(store, settings, NOW)
    assert (done.events, done.swept["twins"]) == (2, 2)
    twins = store.table("select twin_of from twins order by all")["twin_of"].to_pylist()
    assert twins == ids(store) == [segment_records.message_id(1), segment_records.message_id(3)]
    assert_consistent(store)


def test_unreferenced_names_are_deleted_and_recreated(
    store: Store, settings: Settings, load: Load
) -> None:
    old = text(
        event("o1", CUTOFF - DAY, actor="users/ana", target=("source", "s9", "Gone")),
        event("o2", CUTOFF - DAY, actor="users/bo", target=SOURCE),
        event("o3", CUTOFF - DAY, actor="users/zoe"),
    )
    load(text(event("n1", CUTOFF + DAY, actor="users/bo", target=SOURCE)), "new.ndjson")
    run(store, "insert into people (actor_id) values ('users/zoe'), (null)")
    for _ in range(3):
        batch = load(old, "old.ndjson")
        assert (batch.kept, batch.duplicates) == (3, 0)
        assert_consistent(store)
        done = fixed_clock.retain(store, settings, NOW)
        assert done.events == 3
        assert ids(store) == ["n1"]
        actors = store.table("select actor_id from actors order by all")["actor_id"].to_pylist()
        # Zoe is in the directory, so her name is kept.
        assert actors == ["users/bo", "users/zoe"]
        assert store.table("select target_id from targets")["target_id"].to_pylist() == ["s1"]
        assert_consistent(store)
    assert size(store, "actions") == 1


def test_old_rows_of_other_tables_are_deleted(store: Store, settings: Settings, load: Load) -> None:
    load(text(event("held", CUTOFF - 9 * DAY)), "held.ndjson")  # batch 1
    load(b"{broken\n", "refused.ndjson")  # batch 2
    load(text(event("old", CUTOFF - DAY)) + b"{broken\n", "old.ndjson")  # batch 3
    load(text(event("new", CUTOFF + DAY)), "new.ndjson")  # batch 4
    legal_holds.add(store, "event", "held", None, None, "a question", "mara")
    legal_holds.add(store, "period", "", CUTOFF - 20 * DAY, CUTOFF - 19 * DAY, "a question", "mara")
    longer = CUTOFF - 30 * DAY
    for sql in (
        f"update batches set ended_at = timestamp '{CUTOFF - DAY}' where batch_id < 4",
        f"update quarantine set seen_at = timestamp '{CUTOFF - TICK}' where batch_id = 3",
        f"update quarantine set seen_at = timestamp '{CUTOFF}' where batch_id = 2",
        "insert into quarantine (batch_id, seen_at) "
        f"values (4, timestamp '{CUTOFF - 20 * DAY}'), (4, timestamp '{CUTOFF - 19 * DAY}')",
        f"insert into arrivals (key, arrived_at) values ('a', timestamp '{longer - TICK}'), "
        f"('b', timestamp '{longer}'), ('c', timestamp '{CUTOFF + DAY}')",
        f"insert into watches (state, to_at) values ('a', timestamp '{CUTOFF - TICK}'), "
        f"('b', timestamp '{CUTOFF}'), ('c', null)",
    ):
        run(store, sql)
    done = fixed_clock.retain(store, settings, NOW)
    swept = {name: done.swept[name] for name in ("quarantine", "batches", "arrivals", "watches")}
    assert swept == {"quarantine": 2, "batches": 1, "arrivals": 1, "watches": 1}
    batches = store.table("select batch_id from batches order by all")["batch_id"].to_pylist()
    assert batches == [1, 2, 4]
    assert store.table("select state from watches order by all")["state"].to_pylist() == ["b", "c"]
    assert store.table("select key from arrivals order by all")["key"].to_pylist() == ["b", "c"]
    assert size(store, "quarantine") == 2
    assert_consistent(store)


def test_large_purge_is_split_into_transactions_of_whole_days(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "_SLICE_ROWS", 10)
    lines = [event(f"{d}-{n}", CUTOFF - (9 - d) * DAY + n * DAY / 30) for d in range(9) for n in
             range(4 if d != 5 else 25)]  # fmt: skip
    load(text(*lines, event("new", CUTOFF + DAY)))
    seen = []
    whole = Purge.run

    def watched(self: Any, cursor: Cursor) -> dict[str, int]:
        assert_consistent(store)  # what a reader sees between two transactions
        done = whole(self, cursor)
        seen.append(done["events"])
        return done

    monkeypatch.setattr(Purge, "run", watched)
    done = fixed_clock.retain(store, settings, NOW)
    assert done.events == sum(seen) == sum(day.events for day in done.days) == 57
    assert seen[:3] == [8, 8, 4]
    assert max(seen) == 25  # days are not split
    assert [row["events"] for row in purges(store)] == [57]
    assert ids(store) == ["new"]
    assert_consistent(store)


def test_interrupted_purge_leaves_whole_days(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "_SLICE_ROWS", 10)
    load(text(*(event(f"{d}-{n}", CUTOFF - (d + 1) * DAY) for d in range(4) for n in range(8))))
    whole = Purge.run

    def breaking(self: Any, cursor: Cursor) -> dict[str, int]:
        done = whole(self, cursor)
        if size(store, "events") <= 16:
            raise RuntimeError("the power is gone")
        return done

    monkeypatch.setattr(Purge, "run", breaking)
    with pytest.raises(RuntimeError):
        fixed_clock.retain(store, settings, NOW)
    assert_consistent(store)
    assert size(store, "events") == 16
    assert [row["events"] for row in purges(store)] == [16]
    monkeypatch.setattr(Purge, "run", whole)
    assert fixed_clock.retain(store, settings, NOW).events == 16


def test_old_events_loaded_during_a_purge_are_deleted(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events before the cutoff that arrive between preview and purge are deleted too."""
    load(text(event("old", CUTOFF - DAY)))
    slices = policy._slices

    def loading(preview: policy.Preview) -> Any:
        load(text(event("late", CUTOFF - 9 * DAY), event("later", CUTOFF - DAY)), "late.ndjson")
        return slices(preview)

    monkeypatch.setattr(policy, "_slices", loading)
    assert fixed_clock.retain(store, settings, NOW).events == 3
    assert_consistent(store)


def test_reader_keeps_its_snapshot_during_a_purge(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(event("old", CUTOFF - DAY, target=SOURCE), event("new", CUTOFF)))
    sql = "select event_id, target_id from event_rows order by all"

    def seen(reading: Reading) -> list[str]:
        batches = reading.batches(sql, {}, 100)
        return [row["event_id"] for batch in batches for row in batch.to_pylist()]

    with store.reading() as reading, store.narrowed({"found": "select 1"}, {}):
        assert fixed_clock.retain(store, settings, NOW).events == 1
        assert seen(reading) == ["new", "old"]
    with store.reading() as reading:
        assert seen(reading) == ["new"]


def test_concurrent_purges_run_one_after_another(store: Store, tmp_path: Path, load: Load) -> None:
    archived = with_archive(tmp_path)
    now = utc_now()
    day = dt.datetime.combine(now.date(), dt.time()) - 100 * DAY
    load(text(*(event(f"e{n}", day) for n in range(50))))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: policy.retain(store, archived, now), range(4)))
    assert sorted(item.events for item in done) == [0, 0, 0, 50]
    assert [row["events"] for row in purges(store)] == [50]
    assert len(list(archived.store.archive_path.rglob("*.parquet"))) == 1


# --- compared with an independent implementation -----------------------------------------------

_MOMENTS = st.one_of(
    st.sampled_from([CUTOFF - TICK, CUTOFF, CUTOFF + TICK, CUTOFF - DAY, CUTOFF - DAY - TICK]),
    st.datetimes(CUTOFF - 4 * DAY, CUTOFF + 2 * DAY),
)
_TARGETS = (SOURCE, ("source", "s1", "Renamed"), ("space", "", "Web shop"), ("", "", ""))
_EVENTS = st.lists(
    st.tuples(_MOMENTS, st.sampled_from(_TARGETS), st.sampled_from(["", "users/ana", "users/bo"])),
    max_size=25,
)
_HOLDS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 30).map(lambda n: f"e{n}"), st.none()),
        st.tuples(st.just("target"), st.sampled_from(["s1", "Web shop", "Renamed"]), st.none()),
        st.tuples(st.just("period"), st.just(""), st.tuples(_MOMENTS, _MOMENTS)),
    ),
    max_size=3,
)


def is_held(number: int, at: dt.datetime, target: tuple[str, str, str], hold: Any) -> bool:
    kind, value, span = hold
    if kind == "event":
        return value == f"e{number}"
    if kind == "target":
        return value == (target[1] or target[2])
    return min(span) <= at < max(span)


@profile(max_examples=8, suppress_health_check=list(HealthCheck))
@given(_EVENTS, _HOLDS, st.booleans(), st.sampled_from([1, 5, 500_000]))
def test_preview_matches_the_purge(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[tuple[dt.datetime, tuple[str, str, str], str]],
    held: list[Any],
    archive: bool,
    slice_rows: int,
) -> None:
    held = [hold for hold in held if hold[2] is None or hold[2][0] != hold[2][1]]
    folder = tmp_path_factory.mktemp("trail")
    settings = with_archive(folder, archive)
    path = folder / "events.ndjson"
    path.write_bytes(
        text(*(event(f"e{n}", at, target=target, actor=actor)
               for n, (at, target, actor) in enumerate(events)))
    )  # fmt: skip
    store = Store.open(settings.store.path, settings)
    try:
        next(load_files(store, settings, [path]))
        for kind, value, span in held:
            legal_holds.add(
                store, kind, value, *(sorted(span) if span else (None, None)), "why", "mara"
            )
        goes: Counter[dt.date] = Counter()
        stays: Counter[dt.date] = Counter()
        left = set()
        for number, (at, target, _) in enumerate(events):
            if at < CUTOFF and not any(is_held(number, at, target, hold) for hold in held):
                goes[at.date()] += 1
                continue
            left.add(f"e{number}")
            if at < CUTOFF:
                stays[at.date()] += 1
        result = policy.preview(store, settings, NOW)
        assert result.cutoff == CUTOFF
        assert {day.day: day.events for day in result.days if day.events} == dict(goes)
        assert {day.day: day.held for day in result.days if day.held} == dict(stays)
        assert (result.first, result.last) == (min(goes, default=None), max(goes, default=None))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(policy, "_SLICE_ROWS", slice_rows)
            done = fixed_clock.retain(store, settings, NOW)
        assert (done.events, done.held) == (result.events, result.held)
        assert done.archived == (result.events if archive else 0)
        assert set(ids(store)) == left
        assert_consistent(store)
        used = "select distinct target_key from {} order by all"
        both = tiers.both(store)
        assert store.table(used.format("targets")) == both.table(used.format("events"))
        assert policy.preview(store, settings, NOW).events == 0
    finally:
        store.close()


def with_archive(folder: Path, archive: bool = True) -> Settings:
    """Return settings with a database and, if *archive*, an archive in *folder*."""
    return Settings.model_validate(
        {"store": {"path": folder / "trail.duckdb", "memory": "1GB", "archive": archive,
                   "archive_path": folder / "archive"}}
    )  # fmt: skip


def test_tables_stay_small_over_twenty_days_of_retention(
    store: Store, settings: Settings, load: Load
) -> None:
    kept = with_retention(settings, 10)
    biggest = {"events": 0, "targets": 0, "actors": 0, "cube": 0, "batches": 0}
    for day in range(20):
        at = CUTOFF + day * DAY
        load(
            text(*(event(f"{day}-{n}", at + n * DAY / 30, actor=f"users/{day}",
                         target=("source", f"s{day}-{n}", "Shop")) for n in range(30))),
            f"{day}.ndjson",
        )  # fmt: skip
        run(store, f"update batches set ended_at = timestamp '{at}' where batch_id = {day + 1}")
        fixed_clock.retain(store, kept, (at + DAY).replace(tzinfo=dt.UTC))
        biggest = {table: max(most, size(store, table)) for table, most in biggest.items()}
        assert_consistent(store)
    assert biggest == {"events": 300, "targets": 300, "actors": 10, "cube": 240, "batches": 10}
    assert len(purges(store)) == 10
