"""Uploaded files: the dry run stores nothing and says what the import then stores."""

import threading
from collections.abc import Callable

import pytest

from tests.conftest import quarantine, rows
from tests.segment_records import api_event, ndjson
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.ingest import uploads
from trail.ingest.uploads import Upload
from trail.runtime import upload_job
from trail.runtime.job import JobContext
from trail.runtime.upload_job import Progress, UploadDesk
from trail.storage.duckdb import Store

GOOD = ndjson([api_event(number) for number in range(3)])
BAD = b'{"eventVersion":"1","eventSource":"x","eventName":"y"}\n' * 2


@pytest.fixture
def desk(store: Store, settings: Settings) -> UploadDesk:
    return UploadDesk(JobContext(settings, lambda: store, lambda: store, threading.Event()))


@pytest.fixture
def upload(settings: Settings) -> Callable[..., Upload]:
    def upload(data: bytes, name: str = "events.ndjson") -> Upload:
        made = uploads.begin(settings, name, len(data), "maya", utc_now())
        uploads.append(settings, made, 0, data)
        return made

    return upload


def run(desk: UploadDesk) -> Progress:
    desk.job.run(desk.job)
    progress = desk.of("maya")
    assert progress
    return progress


@pytest.mark.parametrize("keeps", [True, False])
def test_the_import_stores_what_the_dry_run_counted(
    desk: UploadDesk, upload: Callable[..., Upload], store: Store, settings: Settings, keeps: bool
) -> None:
    file = upload(GOOD + GOOD[: len(ndjson([api_event(0)]))] + BAD)
    checked = run(desk)
    assert (checked.stage, checked.error) == ("checked", "")
    dry = checked.batch
    assert (dry.kept, dry.duplicates, dry.quarantined) == (3, 1, 2)
    [reason] = dry.reasons.values()
    assert (reason.line, reason.last_line, reason.count) == (5, 6, 2)
    assert dry.looks_like == {"AWS CloudTrail": 2}
    assert rows(store) == []
    desk.import_now(file, quarantine=keeps)
    with pytest.raises(InputError):
        desk.import_now(file, quarantine=keeps)
    done = run(desk)
    assert (done.stage, done.batch.kept, done.batch.duplicates) == ("imported", 3, 1)
    assert len(rows(store)) == 3
    assert len(quarantine(store, done.batch)) == done.batch.quarantined == (2 if keeps else 0)
    assert done.batch.left_out == (0 if keeps else 2)
    [batch] = store.table("select * from batches").to_pylist()
    assert batch["source"] == "events.ndjson"
    assert batch["read"] == batch["kept"] + batch["duplicates"] + batch["quarantined"]
    assert uploads.waiting(settings) == []


def test_columns_without_known_names_are_asked_for_and_mapped(
    desk: UploadDesk, upload: Callable[..., Upload], store: Store
) -> None:
    file = upload(b"when,what,user\n2026-01-01T00:00:00Z,Source Created,users/a\n", "a.csv")
    progress = run(desk)
    assert progress.columns and progress.columns.needed == ("timestamp", "type")
    assert progress.columns.first == ("2026-01-01T00:00:00Z", "Source Created", "users/a")
    assert progress.columns.fields["actor"] == "user"
    desk.map_columns(file, {"timestamp": "when", "type": "what"})
    progress = run(desk)
    assert progress.columns and progress.columns.needed == ()
    assert (progress.stage, progress.batch.kept, progress.error) == ("checked", 1, "")
    desk.import_now(progress.upload, quarantine=True)
    assert run(desk).stage == "imported"
    assert rows(store)[0]["action_raw"] == "Source Created"


def test_a_stopped_import_is_checked_again_and_a_discarded_file_is_gone(
    desk: UploadDesk, upload: Callable[..., Upload], settings: Settings
) -> None:
    file = upload(GOOD)
    run(desk)
    desk.import_now(file, quarantine=True)
    desk.stop(file)
    progress = run(desk)
    # What was stored before the stop is a duplicate now, and nothing is lost.
    assert progress.stage == "checked"
    assert progress.batch.kept + progress.batch.duplicates == 3
    desk.discard(file)
    assert desk.of("maya") is None and uploads.waiting(settings) == []


def test_a_waiting_file_is_checked_after_a_restart(
    desk: UploadDesk, upload: Callable[..., Upload], store: Store, settings: Settings
) -> None:
    upload(GOOD)
    run(desk)
    context = JobContext(settings, lambda: store, lambda: store, threading.Event())
    assert run(UploadDesk(context)).batch.kept == 3


def test_what_is_no_known_kind_says_so(desk: UploadDesk, upload: Callable[..., Upload]) -> None:
    upload(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "picture.png")
    assert "not a kind of file that can be read" in run(desk).error


def test_a_file_that_ends_the_check_in_any_way_does_not_block_others(
    desk: UploadDesk, upload: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(GOOD)

    def fail(*_: object) -> None:
        raise RecursionError("in a reader")

    monkeypatch.setattr(upload_job, "table_columns", fail)
    progress = run(desk)
    assert progress.stage == "checked"
    assert progress.error.startswith("Internal error ")
    assert run(desk) is progress


def test_a_file_whose_check_killed_the_server_twice_is_left_alone(
    desk: UploadDesk, upload: Callable[..., Upload], settings: Settings
) -> None:
    file = upload(GOOD)
    for _ in range(2):
        uploads.begin_check(settings, file)
    for _ in range(2):  # a refused check does not allow the next one
        progress = run(desk)
        assert (progress.stage, progress.batch.kept) == ("checked", 0)
        assert progress.error.startswith("The server stopped twice while it checked this file.")
        desk.check(file)
    uploads.end_check(settings, file)
    desk.check(file)
    assert run(desk).batch.kept == 3


def test_columns_chosen_in_another_tab_do_not_stop_a_running_import(
    desk: UploadDesk, upload: Callable[..., Upload]
) -> None:
    file = upload(GOOD)
    run(desk)
    desk.import_now(file, quarantine=True)
    with pytest.raises(InputError):
        desk.map_columns(file, {"type": "Action"})
    assert run(desk).stage == "imported"
