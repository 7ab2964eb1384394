"""The database: one writer, snapshots for readers, one process, and what survives a close."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.conftest import Load, rows
from tests.segment_records import forwarded, ndjson
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.storage import schema
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

ROOT = Path(__file__).parents[3]


def count(store: Store) -> int:
    return int(store.table("select count(*) as n from events")["n"][0].as_py())


def adding(number: int) -> Callable[[Cursor], int]:
    """Return a job that adds *number* events."""

    def job(cursor: Cursor) -> int:
        cursor.execute(
            "insert into events (event_id, occurred_at) "
            "select 'e' || range, timestamp '2026-01-01' from range($n)",
            {"n": number},
        )
        return number

    return job


def test_written_data_is_there_after_reopening(
    store: Store, settings: Settings, load: Load
) -> None:
    load(ndjson([forwarded(n) for n in range(50)]))
    before = rows(store)
    store.close()
    again = Store.open(settings.store.path, settings)
    assert rows(again) == before
    assert load(ndjson([forwarded(n) for n in range(60)]), into=again).kept == 10
    again.close()


def test_the_folder_is_created(tmp_path: Path, settings: Settings) -> None:
    opened = Store.open(tmp_path / "a" / "b" / "t.duckdb", settings)
    assert opened.path.is_file()
    opened.close()


def test_opening_in_another_process_is_an_error_with_a_remedy(store: Store, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from trail.core.errors import UnavailableError\n"
        "from trail.core.settings import Settings\n"
        "from trail.storage.duckdb import Store\n"
        "try:\n    Store.open(Path(sys.argv[1]), Settings())\n"
        "except UnavailableError as error:\n    print(error); sys.exit(7)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(store.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 7, answer.stderr
    assert answer.stdout.strip() == (
        "trail.duckdb cannot be opened: another process has it open. "
        "Stop that process, or run this command as the user who runs the server."
    )
    assert str(tmp_path) not in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    assert store.write(adding(1)) == 1


def test_a_second_opening_in_one_process_is_an_error_with_a_remedy(
    store: Store, settings: Settings
) -> None:
    with pytest.raises(UnavailableError, match="cannot be opened"):
        Store.open(store.path, settings)
    assert store.write(adding(1)) == 1


def test_a_file_that_is_not_a_database_is_an_error(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_bytes(b"these are my notes, not a database\n" * 1_000)
    with pytest.raises(UnavailableError, match=r"^notes\.duckdb cannot be opened") as refused:
        Store.open(path, settings)
    assert str(tmp_path) not in str(refused.value)


def test_a_database_of_a_newer_release_is_refused_and_closed(
    store: Store, settings: Settings
) -> None:
    newer = schema.NEWEST + 1
    store.write(
        lambda cursor: cursor.execute(
            "insert into schema_version values ($version, now()::timestamp)", {"version": newer}
        )
    )
    store.close()
    for _ in range(2):  # the second opening shows that the first let go of the file
        with pytest.raises(InputError, match=f"has version {newer}") as refused:
            Store.open(settings.store.path, settings)
        assert refused.value.hint


def test_large_answers_keep_their_order(store: Store) -> None:
    sql = "select range as n from range(300000) order by n"
    for _ in range(8):  # several threads hand their parts over
        assert store.table(sql)["n"].to_numpy().tolist() == [*range(300_000)]


def test_a_failed_write_is_rolled_back_and_the_writer_continues(store: Store) -> None:
    store.write(adding(2))

    def failing(cursor: Cursor) -> None:
        adding(5)(cursor)
        raise ZeroDivisionError("a mistake")

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        store.write(failing)
    assert count(store) == 2
    assert store.write(adding(3)) == 3
    assert count(store) == 5


def test_a_write_with_failing_sql_is_rolled_back_and_the_writer_continues(store: Store) -> None:
    def failing(cursor: Cursor) -> None:
        adding(5)(cursor)
        cursor.execute("select * from no_such_table")

    failed = store.submit(failing)
    assert "no_such_table" in str(failed.exception(timeout=30))
    assert store.write(adding(3)) == 3
    assert count(store) == 3


def test_a_canceled_write_is_not_run(store: Store) -> None:
    may_go = threading.Event()
    store.submit(lambda _: may_go.wait(30))
    called_off = store.submit(adding(7))
    assert called_off.cancel()
    may_go.set()
    assert store.write(adding(1)) == 1
    assert count(store) == 1


def test_writes_run_one_at_a_time_in_order(store: Store) -> None:
    running: list[int] = []
    seen: list[tuple[int, int]] = []

    def job(number: int) -> Callable[[Cursor], None]:
        def run(_: Cursor) -> None:
            running.append(number)
            seen.append((number, len(running)))
            running.remove(number)

        return run

    futures: list[Future[None]] = [store.submit(job(number)) for number in range(50)]
    for future in futures:
        future.result(timeout=30)
    assert seen == [(number, 1) for number in range(50)]


def test_writes_from_many_threads_are_all_stored(store: Store) -> None:
    threads = [threading.Thread(target=lambda: store.write(adding(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert count(store) == 80


def test_a_snapshot_stays_the_same_while_a_write_commits(store: Store) -> None:
    store.write(adding(1_000))
    sql = "select event_id from events"

    with store.reading() as reading:
        assert sum(batch.num_rows for batch in reading.batches(sql, {}, 300)) == 1_000
        store.write(adding(500))
        assert sum(batch.num_rows for batch in reading.batches(sql, {}, 300)) == 1_000
    assert count(store) == 1_500


def test_a_started_stream_stays_the_same_while_a_write_commits(store: Store) -> None:
    store.write(adding(50_000))
    with store.reading() as reading:
        batches = reading.batches("select event_id from events", {}, 2_048)
        begun = next(batches).num_rows
        store.write(adding(1))
        store.write(lambda cursor: cursor.execute("delete from events where event_id = 'e3'"))
        assert begun + sum(batch.num_rows for batch in batches) == 50_000
    assert count(store) == 50_000


def test_readers_never_see_half_of_a_write(store: Store) -> None:
    stop = threading.Event()
    seen: set[int] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(count(store))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        store.write(adding(20_000))
    stop.set()
    reader.join(30)
    assert seen
    assert {number % 20_000 for number in seen} == {0}


def test_values_are_parameters(store: Store) -> None:
    hostile = "'; drop table events; --"
    assert store.table("select $x as x", {"x": hostile})["x"].to_pylist() == [hostile]


def test_a_closed_store_refuses_writes_and_can_be_closed_again(store: Store) -> None:
    queued = [store.submit(adding(1)) for _ in range(20)]
    store.close()
    assert [future.result(timeout=1) for future in queued] == [1] * 20
    with pytest.raises(UnavailableError, match="stopping"):
        store.write(adding(1))
    store.close()


def test_times_are_read_in_utc_in_any_local_zone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    opened = Store.open(tmp_path / "tz.duckdb", settings)
    assert opened.table("select current_setting('TimeZone') as z")["z"].to_pylist() == ["UTC"]
    message = opened.table("select (timestamptz '2026-01-01T05:00:00+05:00')::varchar as at")
    assert message["at"].to_pylist() == ["2026-01-01 00:00:00+00"]
    opened.close()


def test_a_stream_gives_the_memory_of_cached_pages_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trail.storage.inside._STREAMED_ROWS", 1_000)
    monkeypatch.setattr("trail.storage.duckdb._KEPT_BYTES", 1 << 20)
    store.write(
        lambda cursor: cursor.execute(
            "create table texts as select md5(range::varchar) as text from range(300_000)"
        )
    )
    store.checkpoint()
    limit = store.table("select current_setting('memory_limit') as bytes").to_pylist()
    cached = (
        "select coalesce(sum(memory_usage_bytes), 0)::bigint as bytes from duckdb_memory() "
        "where tag = 'BASE_TABLE'"
    )
    store.table("select max(text) as text from texts")
    assert store.table(cached)["bytes"][0].as_py() > 5 << 20
    with store.reading() as reading:
        rows = sum(
            batch.num_rows
            for _ in range(2)
            for batch in reading.batches("select text from texts", {}, 10_000)
        )
    assert rows == 600_000
    assert store.table(cached)["bytes"][0].as_py() <= 1 << 20
    assert store.table("select current_setting('memory_limit') as bytes").to_pylist() == limit


def test_a_checkpoint_waits_for_the_end_of_a_snapshot(store: Store) -> None:
    store.write(lambda cursor: cursor.execute("create table numbers as from range(50000) t(n)"))
    with store.reading() as reading:
        batches = reading.batches("select n from numbers", {}, 1_000)
        next(batches)
        store.write(lambda cursor: cursor.execute("update numbers set n = n + 1 where n % 5 = 0"))
        assert not store.checkpoint()
        assert sum(batch.num_rows for batch in batches) == 49_000
    assert store.checkpoint()


def test_cancelled_queries_end_and_later_ones_run(store: Store) -> None:
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            store.table("select count(*) as n from range(200_000_000) a, range(1_000) b")
        except BaseException as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive():
        store.cancel()
        asking.join(0.01)
    assert isinstance(failed[0], UnavailableError)
    assert store.table("select 1 as n")["n"].to_pylist() == [1]
