"""Scheduled exports: periods without gap, files with the rows of the screen, limits, messages."""

import csv
import datetime as dt
import io
import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.notifications.conftest import forward, hook
from tests.trail.random_trail import ZONES
from trail.access_log import log, spool
from trail.core.clock import naive_utc
from trail.core.errors import InputError, UnavailableError
from trail.core.sections import Export
from trail.core.settings import Settings
from trail.events import events
from trail.notifications import destinations
from trail.runtime import export_job
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from trail.views import export_files, scheduled_exports
from trail.views.scheduled_exports import CADENCES, ScheduledExport

NOW = random_trail.NOW
ROWS = random_trail.random_rows(5, 200)
FILTER = Filter.parse("from=24h&kind=-delete&tz=Europe/London")
LONG = 3_650


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


@pytest.fixture
def trail(full_store: Store, tmp_path: Path) -> Iterator[Store]:
    """Give the store without scheduled exports, with an access log."""
    for table in ("scheduled_exports", "deliveries", "access_log"):
        full_store.write(lambda cursor, table=table: cursor.execute(f"delete from {table}"))
    log.start(lambda: (full_store, True), spool.folder_of(settings(tmp_path)), 400)
    yield full_store
    log.stop()


def settings(folder: Path, **export: object) -> Settings:
    """Return settings with the folder of exports below *folder*."""
    return Settings(
        store={"path": folder / "trail.duckdb"},  # type: ignore[arg-type]
        export=Export(folder=folder / "out", **export),  # type: ignore[arg-type]
        forward=forward(),
    )


def schedule(store: Store, **given: object) -> ScheduledExport:
    """Schedule an export as the dialog does."""
    values = {
        "columns": ("occurred_at", "event_id"),
        "file_format": "csv",
        "cadence": "daily",
        "destination_id": None,
        "made_by": "maya",
        "now": NOW,
        "readable_days": LONG,
    } | given
    name = str(values.pop("name", "Prod: ../../x «é»"))
    filter_ = values.pop("filter_", FILTER)
    return scheduled_exports.create(store, name, filter_, **values)  # type: ignore[arg-type]


def run(store: Store, using: Settings, now: dt.datetime) -> str:
    return export_job.run_due(store, using, now, lambda: False)


def listed(store: Store) -> ScheduledExport:
    [export] = scheduled_exports.list_all(store)
    return export


@given(
    st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2027, 12, 31)),
    st.sampled_from(ZONES),
    st.sampled_from(CADENCES),
)
def test_periods_follow_each_other_at_local_midnight(
    at: dt.datetime, zone: str, cadence: str
) -> None:
    first = scheduled_exports._first_day(at.date(), cadence)
    start = scheduled_exports._midnight(first, ZoneInfo(zone))
    export = ScheduledExport(
        "abc", "a", f"tz={zone}", (), "csv", cadence, None, "", at, start
    )  # fmt: skip
    assert first <= at.date()
    for _ in range(15):
        period = export.period
        assert period.start and period.end and period.start < period.end
        local = [
            moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
            for moment in (period.start, period.end)
        ]
        assert {(moment.hour, moment.minute) for moment in local} == {(0, 0)}
        days = (local[1].date() - local[0].date()).days
        assert {
            "daily": days == 1,
            "weekly": days == 7 and local[0].weekday() == 0,
            "monthly": local[0].day == local[1].day == 1 and days in range(28, 32),
        }[cadence]
        export = ScheduledExport(
            "abc", "a", f"tz={zone}", (), "csv", cadence, None, "", at, period.end
        )  # fmt: skip


def test_each_closed_day_becomes_a_file_with_the_rows_of_the_screen(
    trail: Store, tmp_path: Path
) -> None:
    using = settings(tmp_path, keep=3)
    start = NOW - dt.timedelta(days=12)
    export = schedule(trail, now=start)
    assert run(trail, using, start + dt.timedelta(hours=1)) == "Nothing due"
    # The server was stopped for days; the current day is not closed yet.
    assert run(trail, using, NOW) == "12 made"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    days = ["2026-10-30", "2026-10-31", "2026-11-01"]
    assert names == [f"prod-x_{export.export_id[:6]}_{day}.csv" for day in days]
    found = 0
    for day, name in zip(days, names, strict=True):
        [_, *rows] = csv.reader(io.StringIO((tmp_path / "out" / name).read_text("utf-8-sig")))
        following = dt.date.fromisoformat(day) + dt.timedelta(days=1)
        shown = Filter.parse(f"from={day}&to={following}&kind=-delete&tz=Europe/London")
        page = events.page(trail, shown, NOW, rows=500).rows
        # Spreadsheets get an apostrophe before what looks like a formula.
        assert [row[1].lstrip("'") for row in rows] == [row["event_id"] for row in page]
        found += len(rows)
    assert found > 10
    done = listed(trail)
    assert (done.last_file, done.last_error) == (names[-1], "")
    assert done.last_bytes == (tmp_path / "out" / names[-1]).stat().st_size
    log.flush()
    entries = log.entries(trail, Window(), kind="exported")
    assert len(entries) == 12
    assert (entries[0]["username"], entries[0]["file_format"]) == ("maya", "csv")
    assert entries[0]["byte_count"] == done.last_bytes
    assert run(trail, using, NOW) == "Nothing due"


@pytest.mark.parametrize("file_format", ["ndjson", "parquet"])
def test_other_formats_are_written(trail: Store, tmp_path: Path, file_format: str) -> None:
    schedule(trail, now=NOW - dt.timedelta(days=1), file_format=file_format, columns=("event_id",))
    assert run(trail, settings(tmp_path), NOW) == "1 made"
    [path] = (tmp_path / "out").iterdir()
    assert path.suffix == f".{file_format}"
    assert path.stat().st_size == listed(trail).last_bytes


def test_a_file_that_is_too_large_is_skipped_with_its_reason(trail: Store, tmp_path: Path) -> None:
    schedule(trail, now=NOW - dt.timedelta(days=2), columns=("raw",))
    using = settings(tmp_path, max_bytes=1_024)
    with pytest.raises(UnavailableError, match="1 export failed"):
        run(trail, using, NOW)
    failed = listed(trail)
    assert "larger than 1,024 bytes" in (failed.last_error or "")
    assert list((tmp_path / "out").iterdir()) == []
    # The next period is tried with the next run.
    assert failed.next_from == dt.datetime(2026, 11, 1)


def test_after_other_errors_the_period_is_repeated(trail: Store, tmp_path: Path) -> None:
    export = schedule(trail, now=NOW - dt.timedelta(days=1))
    (tmp_path / "out").write_text("not a folder")
    using = settings(tmp_path)
    with pytest.raises(UnavailableError):
        run(trail, using, NOW)
    assert "cannot be written to" in (listed(trail).last_error or "")
    assert listed(trail).next_from == export.next_from
    (tmp_path / "out").unlink()
    assert run(trail, using, NOW) == "1 made"
    without = using.model_copy(update={"export": Export()})
    with pytest.raises(UnavailableError):
        run(trail, without, NOW + dt.timedelta(days=1))
    assert listed(trail).last_error == "No folder for scheduled exports. Set export.folder."
    trail.write(lambda cursor: cursor.execute("update scheduled_exports set query = 'tz=old'"))
    with pytest.raises(UnavailableError):  # one that cannot be read does not stop the others
        run(trail, using, NOW)
    assert "Unknown zone" in (listed(trail).last_error or "")


def test_nothing_outside_the_folder_is_written_or_deleted(trail: Store, tmp_path: Path) -> None:
    export = schedule(trail, now=NOW - dt.timedelta(days=3))
    using, out = settings(tmp_path, keep=1), tmp_path / "out"
    out.mkdir()
    outside = tmp_path / "users.yaml"
    outside.write_text("kept")
    days = ["2026-10-30", "2026-10-31", "2026-11-01"]
    names = [f"prod-x_{export.export_id[:6]}_{day}.csv" for day in days]
    (out / names[0]).symlink_to(outside)
    os.mkfifo(out / names[1])  # would block whoever opens it
    (out / f".{names[2]}.part").symlink_to(outside)
    (out / "prod-x_other_2020-01-01.csv").write_text("kept")
    (out / f"prod-x_{export.export_id[:6]}_2020-01-01.csv").mkdir()
    assert run(trail, using, NOW) == "3 made"
    assert outside.read_text() == "kept"
    left = {path.name for path in out.iterdir() if path.is_file()}
    assert left == {names[2], "prod-x_other_2020-01-01.csv"}
    assert not (out / names[2]).is_symlink() and (out / names[2]).stat().st_size > 100
    # A folder in the way is an error that names the folder, and stops no other export.
    (out / names[2].replace("2026-11-01", "2026-11-02")).mkdir()
    schedule(trail, name="Another", now=NOW)
    with pytest.raises(UnavailableError, match="1 export failed"):
        run(trail, using, NOW + dt.timedelta(days=1))
    errors = {item.name: item.last_error for item in scheduled_exports.list_all(trail)}
    assert errors["Another"] == ""
    assert "Check export.folder" in (errors[export.name] or "")
    assert not list(out.glob(".*"))


def test_a_full_disk_leaves_no_file(trail: Store, tmp_path: Path) -> None:
    schedule(trail, now=NOW - dt.timedelta(days=3), columns=("raw",))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        export = listed(trail)
        with pytest.raises(UnavailableError, match="cannot be written to: File too large"):
            export_files.write(
                trail,
                export,
                tmp_path / "out",
                NOW,
                max_bytes=1 << 30,
                csv_bom=True,
                stopping=lambda: False,
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_destination_gets_the_number_of_events_and_a_link(trail: Store, tmp_path: Path) -> None:
    destination = hook(trail, "https://hooks.example.com/")
    schedule(trail, now=NOW - dt.timedelta(days=1), destination_id=destination.destination_id)
    assert run(trail, settings(tmp_path), NOW) == "1 made"
    [row] = trail.table("select kind, payload from deliveries").to_pylist()
    body = json.loads(row["payload"])
    shown = Filter.parse(body["query"])
    rows = events.page(trail, shown, NOW, rows=500).rows
    assert row["kind"] == "notice" and rows
    assert body["text"].startswith(f"{len(rows):,} events from Sun 1 Nov 2026, 00:00:00 to ")
    assert shown.start.startswith("2026-11-01T00:00") and shown.end.startswith("2026-11-02T00:00")
    trail.write(lambda cursor: destinations.remove(cursor, destination.destination_id))
    with pytest.raises(UnavailableError):
        run(trail, settings(tmp_path), NOW + dt.timedelta(days=1))
    assert (listed(trail).last_error or "").startswith("Destination not found.")


def test_what_cannot_be_scheduled_is_refused(trail: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, message in (
        ({"cadence": "hourly"}, "Unknown cadence"),
        ({"file_format": "xlsx"}, "Unknown format"),
        ({"name": "a\u202eb"}, "name is missing or invalid"),
        ({"columns": ("nope",)}, "Unknown column"),
        ({"cadence": "monthly", "readable_days": 31}, "kept for 31 days"),
    ):
        with pytest.raises(InputError, match=message):
            schedule(trail, **wrong)
    monkeypatch.setattr(scheduled_exports, "MAX_EXPORTS", 1)
    export = schedule(trail)
    assert export.next_from == dt.datetime(2026, 11, 2)
    assert listed(trail) == export
    with pytest.raises(InputError, match="There are 1"):
        schedule(trail)
    scheduled_exports.delete(trail, export.export_id)
    assert scheduled_exports.list_all(trail) == []
    assert naive_utc(NOW) == export.made_at
