"""The access log: entries are stored, merged, trimmed and read, without secrets."""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests import fixed_clock
from trail.access_log import log, spool
from trail.access_log.entry import KINDS, Entry
from trail.access_log.writer import Writer
from trail.core.settings import Settings
from trail.integrity import clock_check
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Window

ALL = Window()
UTC = ZoneInfo("UTC")
Make = Callable[..., Writer]


class Clock:
    """A clock that tests advance."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool_folder(settings: Settings) -> Path:
    return spool.folder_of(settings)


@pytest.fixture
def writer(store: Store, spool_folder: Path, clock: Clock):  # type: ignore[no-untyped-def]
    made = Writer(lambda: (store, True), spool_folder, 400, clock)
    yield made
    made.close()


def rows(store: Store, **filters: object) -> list[dict[str, object]]:
    return log.entries(store, ALL, **filters)  # type: ignore[arg-type]


def test_recorded_entry_is_stored_after_flush(writer: Writer, store: Store) -> None:
    writer.record(
        Entry(
            "exported", "maya", "owner", "10.0.0.7", "/export.csv", "from=7d", "csv", 3, 99, "ab"
        ),
        merge=False,
    )
    writer.flush(5)
    [row] = rows(store)
    assert row["first_at"] == row["last_at"] == dt.datetime(2026, 11, 24, 12)
    assert (row["kind"], row["username"], row["role"]) == ("exported", "maya", "owner")
    assert (row["address"], row["what"], row["detail"]) == ("10.0.0.7", "/export.csv", "from=7d")
    assert (row["file_format"], row["row_count"], row["byte_count"]) == ("csv", 3, 99)
    assert (row["digest"], row["times"]) == ("ab", 1)


def test_repeated_views_within_ten_minutes_are_merged(
    writer: Writer, store: Store, clock: Clock
) -> None:
    def view(detail: str = "from=7d", user: str = "maya") -> None:
        writer.record(Entry("viewed", user, "owner", what="explore", detail=detail), merge=True)

    for _ in range(5):
        view()
        writer.flush(5)
        clock.advance(minutes=1)
    view("from=24h")
    view(user="jon")
    clock.advance(minutes=6)
    view()  # eleven minutes after the first
    writer.flush(5)
    message = sorted((str(row["username"]), row["detail"], row["times"]) for row in rows(store))
    assert message == [
        ("jon", "from=7d", 1),
        ("maya", "from=24h", 1),
        ("maya", "from=7d", 1),
        ("maya", "from=7d", 5),
    ]
    counted = next(row for row in rows(store) if row["times"] == 5)
    assert counted["last_at"] == dt.datetime(2026, 11, 24, 12, 4)


def test_close_writes_all_entries(store: Store, spool_folder: Path) -> None:
    writer = Writer(lambda: (store, True), spool_folder, 400)
    for number in range(5_000):
        writer.record(Entry("command", what=str(number)), merge=False)
    writer.close()
    assert log.count(store, ALL) == 5_000
    result = rows(store, rows=10_000)
    assert [row["what"] for row in result] == [str(number) for number in reversed(range(5_000))]
    assert len({row["entry_id"] for row in result}) == 5_000


def test_record_does_not_block_on_a_busy_store(writer: Writer, store: Store) -> None:
    busy = store.submit(lambda _: time.sleep(1.5))
    durations = []
    for number in range(200):
        started = time.perf_counter()
        writer.record(Entry("viewed", "maya", what=f"page {number}"), merge=True)
        durations.append(time.perf_counter() - started)
    started = time.perf_counter()
    writer.flush(0.2)
    assert time.perf_counter() - started < 1
    assert sorted(durations)[100] < 0.002
    assert not busy.done()
    busy.result()
    writer.flush(5)
    assert log.count(store, ALL) == 200


def test_failed_write_is_retried(
    store: Store, spool_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [True]

    def current_store() -> tuple[Store, bool]:
        if broken:
            raise RuntimeError("no room")
        return store, True

    writer = Writer(current_store, spool_folder, 400)
    writer.record(Entry("signed_in", "maya"), merge=False)
    writer.flush(5)
    assert "wait for the next attempt" in caplog.text
    broken.clear()
    writer.close()
    assert [row["username"] for row in rows(store)] == ["maya"]


def test_demo_entries_are_copied_to_the_real_database(
    settings: Settings, spool_folder: Path, tmp_path: Path, clock: Clock
) -> None:
    demo = Store.open(tmp_path / "demo.duckdb", settings)
    real = Store.open(tmp_path / "real.duckdb", settings)
    shown = [(demo, False)]
    writer = Writer(lambda: shown[0], spool_folder, 400, clock)
    writer.record(Entry("signed_in", "maya"), merge=False)
    writer.record(Entry("viewed", "maya", what="explore"), merge=True)
    writer.flush(5)
    writer.record(Entry("viewed", "maya", what="explore"), merge=True)
    writer.flush(5)
    assert [row["times"] for row in rows(demo)] == [2, 1]
    shown[0] = (real, True)
    writer.close()
    assert [(row["kind"], row["times"]) for row in rows(real)] == [("viewed", 2), ("signed_in", 1)]
    assert spool.pending(spool_folder) == []
    demo.close()
    real.close()


def test_spooled_entries_are_imported_once(store: Store, spool_folder: Path) -> None:
    with log.spooled(spool_folder):
        log.record("user_added", log.COMMAND_LINE, what="jon", detail="manager")
    [name] = spool.pending(spool_folder)
    assert (spool_folder / name).stat().st_mode & 0o077 == 0
    copy = (spool_folder / name).read_bytes()
    (spool_folder / "1.json").write_text("{broken")
    (spool_folder / "2.json").write_text('{"kind": "no-such-kind"}')
    Writer(lambda: (store, True), spool_folder, 400).close()
    (spool_folder / name).write_bytes(copy)  # as after a crash before the file was removed
    Writer(lambda: (store, True), spool_folder, 400).close()
    assert [(row["kind"], row["what"]) for row in rows(store)] == [("user_added", "jon")]
    assert spool.pending(spool_folder) == []


def test_expired_entries_are_deleted_and_the_deletion_is_logged(
    store: Store, spool_folder: Path, clock: Clock
) -> None:
    first = Writer(lambda: (store, True), spool_folder, 30, clock)
    first.record(Entry("signed_in", "maya"), merge=False)
    first.close()
    clock.advance(days=29)
    second = Writer(lambda: (store, True), spool_folder, 30, clock)
    second.record(Entry("signed_in", "jon"), merge=False)
    second.close()
    assert log.count(store, ALL) == 2
    clock.advance(days=2)
    Writer(lambda: (store, True), spool_folder, 30, clock).close()
    result = rows(store)
    assert [row["kind"] for row in result if row["kind"] != "trimmed"] == ["signed_in"]
    Writer(lambda: (store, True), spool_folder, 30, clock).close()
    [trimmed] = rows(store, kind="trimmed")
    assert trimmed["row_count"] == 1


def test_an_implausible_clock_deletes_nothing(
    store: Store, spool_folder: Path, clock: Clock
) -> None:
    clock_check.require_plausible(store, clock())
    for days in (0, 500):
        clock.advance(days=days)
        writer = Writer(
            lambda: (store, True), spool_folder, 30, clock, trims=clock_check.is_plausible
        )
        writer.record(Entry("signed_in", "maya"), merge=False)
        writer.close()
    assert len(rows(store, kind="signed_in")) == 2
    clock.advance(hours=1)
    fixed_clock.confirm(store, clock())
    Writer(lambda: (store, True), spool_folder, 30, clock, trims=clock_check.is_plausible).close()
    assert len(rows(store, kind="signed_in")) == 1


def test_entries_are_filtered_by_user_kind_and_time_and_paged(
    writer: Writer, store: Store, clock: Clock
) -> None:
    for number in range(10):
        user = "maya" if number % 2 else "jon"
        writer.record(Entry("viewed", user, what=str(number)), merge=False)
        clock.advance(hours=1)
    writer.record(Entry("signed_out", "maya"), merge=False)
    writer.flush(5)
    assert len(rows(store, user="maya")) == 6
    assert len(rows(store, user="maya", kind="viewed")) == 5
    window = Window(dt.datetime(2026, 11, 24, 14), dt.datetime(2026, 11, 24, 16))
    assert [row["what"] for row in log.entries(store, window)] == ["3", "2"]
    seen, after = [], None
    while page := log.entries(store, ALL, after=after, rows=4):
        seen += [row["entry_id"] for row in page]
        after = page[-1]["entry_id"]
    assert len(seen) == len(set(seen)) == 11
    assert log.users(store) == ["jon", "maya"]


def test_entries_are_ordered_by_a_column_with_empty_ones_last(writer: Writer, store: Store) -> None:
    for size in (5, None, 30, 7):
        writer.record(
            Entry("exported", "maya", "owner", "", "", "", "csv", None, size, ""), merge=False
        )
    writer.flush(5)
    assert {order for order in log.ORDERS if not rows(store, order=order)} == set()
    assert [row["byte_count"] for row in rows(store, order="byte_count")] == [5, 7, 30, None]
    second = [row["byte_count"] for row in rows(store, order="-byte_count", rows=2, skip=1)]
    assert second == [7, 5]
    assert rows(store, order="raw; drop table") == rows(store)


def test_csv_download_neutralizes_formulas(writer: Writer, store: Store) -> None:
    writer.record(Entry("viewed", "maya", what="=HYPERLINK(1)", detail='a,"b"'), merge=False)
    writer.flush(5)
    lines = b"".join(log.stream(store, ALL, ZoneInfo("Europe/Oslo"))).decode().splitlines()
    assert lines[0].startswith("entry_id,first_at (Europe/Oslo),last_at (Europe/Oslo),times,kind")
    assert "'=HYPERLINK(1)" in lines[1]
    assert '"a,""b"""' in lines[1]
    assert "2026-11-24T13:00:00.000+01:00" in lines[1]
    assert len(lines) == 2


def test_secrets_and_control_characters_are_removed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "trail.access")
    entry = Entry("viewed", "maya", what="q=trail_abcdefghijklmnop-1234", detail="a\x1b[2J\nb")
    entry.log()
    assert entry.what == "q=trail_…"
    assert "\x1b" not in entry.detail
    assert "\n" not in entry.detail
    assert "abcdefghijklmnop" not in caplog.text
    assert len(Entry("viewed", detail="x" * 9_999).detail) == 2_000


def refuse(writer: Writer, number: int, address: str = "10.0.0.9", name: str = "") -> None:
    writer.record(
        Entry("session_refused", name, address=address, what=f"cookie {number}"), merge=True
    )


def test_random_cookies_are_one_entry_per_client_and_interval(
    writer: Writer, store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trail.access")
    for number in range(3_000):
        refuse(writer, number)
        refuse(writer, number, f"2001:db8::{number:x}")
    writer.record(Entry("signed_in", "maya"), merge=False)
    writer.record(Entry("viewed", "maya", "owner", what="explore"), merge=True)
    writer.flush(5)
    assert sorted((row["address"], row["what"], row["times"]) for row in rows(store)[2:]) == [
        ("10.0.0.9", "several", 3_000),
        ("2001:db8::/64", "several", 3_000),
    ]
    assert [row["kind"] for row in rows(store)[:2]] == ["viewed", "signed_in"]
    assert len(caplog.records) == 102
    clock.advance(minutes=11)
    refuse(writer, 1)
    writer.flush(5)
    newest = rows(store)[0]
    assert (newest["what"], newest["times"]) == ("cookie 1", 1)


def test_many_clients_and_reasons_are_bounded(writer: Writer, store: Store) -> None:
    """No entry of a person is lost or merged away by them, and nothing is left uncounted."""
    for number in range(3_000):
        refuse(writer, 1, f"10.1.{number // 250}.{number % 250}")
        writer.record(
            Entry("sign_in_refused", address="10.9.9.9", detail=f"unknown name {number}"),
            merge=True,
        )
        writer.record(
            Entry("route_refused", "jon", "manager", "10.8.8.8", f"/api/findings/{number}"),
            merge=True,
        )
        if number % 100 == 0:
            writer.record(Entry("viewed", "maya", "owner", what="explore"), merge=True)
            writer.record(Entry("exported", "maya", "owner", what=f"{number}"), merge=False)
    writer.flush(5)
    counts = {
        kind: (len(found), sum(int(str(row["times"])) for row in found))
        for kind in ("session_refused", "sign_in_refused", "route_refused", "viewed", "exported")
        if (found := rows(store, kind=kind, rows=9_999))
    }
    assert counts == {
        "session_refused": (499, 3_000),
        "sign_in_refused": (10, 3_000),
        "route_refused": (10, 3_000),
        "viewed": (1, 30),
        "exported": (30, 30),
    }
    assert len(writer._refusals._clients) <= 501


def test_unknown_kind_raises_and_before_startup_only_the_server_log_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "trail.access")
    log.record("signed_in", "maya", "owner", address="10.0.0.7")
    assert "signed in · maya · owner · from 10.0.0.7" in caplog.text
    with pytest.raises(LookupError):
        log.record("no-such-kind")
    assert all(words[0].isupper() or words.startswith("API") for words in KINDS.values())


def test_spooled_entry_keeps_its_timestamp(spool_folder: Path) -> None:
    entry = Entry("exported", "maya", row_count=3, first_at=dt.datetime(2026, 1, 2, 3, 4, 5, 6))
    spool.write(spool_folder, 7, entry.to_dict())
    assert (
        json.loads((spool_folder / "7.json").read_text())["first_at"]
        == "2026-01-02T03:04:05.000006"
    )


def test_access_log_entries_are_not_events(writer: Writer, store: Store) -> None:
    writer.record(Entry("signed_in", "maya"), merge=False)
    writer.flush(5)

    def count_events(cursor: Cursor) -> int:
        row = cursor.execute("select count(*) from event_rows").fetchone()
        return int(row[0]) if row else -1

    assert store.write(count_events) == 0
