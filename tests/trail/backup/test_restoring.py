"""Backup and restore: everything is as before, and missing events are reported and signed."""

import datetime as dt
import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tests import fixed_clock
from tests.trail.backup.conftest import BackupTrail, all_rows, state
from tests.trail.integrity.conftest import NOW, event
from trail.access_log import spool
from trail.accounts.api_tokens import Tokens
from trail.accounts.api_tokens import path_of as tokens_of
from trail.accounts.users import Users
from trail.backup import bundle, places, restoring, swapping
from trail.core.errors import InputError, UnavailableError
from trail.ingest import receiver
from trail.ingest.write_ahead_log import Entry, Journal
from trail.integrity import chain, high_water_mark, key_file
from trail.retention import policy
from trail.runtime import startup
from trail.storage import schema
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import saved_views
from trail.views.view import Viewer


def newest_line(kept: BackupTrail) -> dict[str, Any]:
    line = kept.trail.files.mirror.read_text().splitlines()[-1]
    return dict(json.loads(line))


def add_all_file_kinds(kept: BackupTrail) -> None:
    """Add a file of each kind to the trail."""
    users = Users(kept.settings.auth.users_path)
    users.add("maya", "Maya", "", "owner", "correct-horse-9")
    Tokens(tokens_of(kept.settings)).add("ci", "manager", ("read",), 30, dt.datetime.now(dt.UTC))
    spool.write(spool.folder_of(kept.settings), 7, {"kind": "viewed"})
    journal = Journal(receiver.folder_of(kept.settings), 10**6)
    journal.append([Entry("webhook", b'{"event":"x"}', verified=True)]).result(5)
    journal.close()
    part = kept.settings.store.archive_path / "day=2026-01-01" / "part-1.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"a part")
    waiting = kept.settings.store.incoming / "a" / "part-a-000000000001.parquet"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(b"waits for the database")
    kept.trail.files.mirror.with_name("trail.seals.ndjson.1").write_text("before\n")


def add_view(store: Store) -> str:
    """Add a shared view with a star; return its ID."""
    maya, filter_ = Viewer("maya", "Maya Lind"), Filter.parse("from=7d&kind=delete")
    view_id = saved_views.create(store, maya, "Ours", filter_, shared=True)
    saved_views.star(store, "maya", view_id, starred=True)
    return view_id


def test_everything_is_restored(kept: BackupTrail, tmp_path: Path) -> None:
    add_all_file_kinds(kept)
    view_id = kept.trail.run(add_view)
    made = kept.backup()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert made.sha256 == bundle.digest(made.path).sha256
    held = made.manifest
    assert (held.events, held.seals, held.schema) == (160, 6, schema.NEWEST)
    assert held.newest_event == "2026-11-05T19:30:00Z"
    assert sorted(path.name for path in kept.folder.iterdir()) == ["copy.tar.zst"]

    into = tmp_path / "into"
    done = kept.restore(made.path, into=into)
    assert (done.missing, done.problems, done.aside) == (None, 0, [])
    new = kept.restored_trail(into)
    for name in ("users.yaml", "tokens.json", "trail.seals.ndjson.1"):
        assert (into / name).read_bytes() == (tmp_path / name).read_bytes()
        assert stat.S_IMODE((into / name).stat().st_mode) == 0o600
    keys = [key_file.public(folder / "trail.seals.key") for folder in (into, tmp_path)]
    assert keys[0] == keys[1] != ""  # the number of the newest seal differs
    assert stat.S_IMODE((into / "trail.seals.key").stat().st_mode) == 0o600
    merged = (
        "archive/day=2026-01-01/part-1.parquet",
        "archive/incoming/a/part-a-000000000001.parquet",
    )
    for name in ("trail.access/7.json", *merged):
        assert (into / name).read_bytes() == (tmp_path / name).read_bytes()
    (old,) = receiver.folder_of(kept.settings).iterdir()
    assert (receiver.folder_of(new.settings) / old.name).read_bytes() == old.read_bytes()
    before, after = kept.trail.run(all_rows), new.run(all_rows)
    for name in ("seals", "seal_parts", "marks"):  # the restore adds a line to the chain
        before.pop(name), after.pop(name)
    assert before == after
    view = new.run(lambda store: saved_views.visible(store, "maya")[0])
    assert (view.view_id, view.name, view.starred, view.shared) == (view_id, "Ours", True, True)
    assert new.problems() == []
    assert new.seal() == 0


def test_the_chain_records_the_restore(kept: BackupTrail, tmp_path: Path) -> None:
    began = dt.datetime.now(dt.UTC)
    made = kept.backup()
    copy = shutil.copy(kept.trail.files.mirror, tmp_path / "copy-of-mirror")
    lost = tmp_path / "lost"
    lost.mkdir()
    for path in tmp_path.glob("trail.*"):
        path.rename(lost / path.name)
    kept.restore(made.path)
    line = newest_line(kept)
    assert (line["kind"], line["number"], line["made_by"]) == ("restored", 7, "test")
    assert line["reason"].endswith("later events are unknown")
    assert kept.trail.problems(Path(copy)) == []
    (reported,) = high_water_mark.shortfalls(kept.trail.files.known)
    assert "later events are missing" in reported.text()
    days = {f"{moment:%Y-%m-%d}" for moment in (began, dt.datetime.now(dt.UTC))}
    assert reported.text().partition("pull --since ")[2][:10] in days


def test_restoring_an_older_backup_reports_missing_events(
    kept: BackupTrail, tmp_path: Path
) -> None:
    made = kept.backup()
    kept.trail.load([event(number, 7) for number in range(12)])
    assert kept.trail.seal(NOW + dt.timedelta(days=1)) == 1
    kept.trail.load([event(number, 9) for number in range(3)])
    copy = shutil.copy(kept.trail.files.mirror, tmp_path / "copy-of-mirror")
    before = kept.trail.files.mirror.read_text()

    done = kept.restore(made.path, replace=True)
    assert done.missing and done.missing.events == 15
    assert (done.missing.first, done.missing.last) == (
        dt.datetime(2026, 11, 7),
        dt.datetime(2026, 11, 9, 1),
    )
    assert (done.recorded.taken_over, done.recorded.signed, done.problems) == (1, 1, 0)
    line = newest_line(kept)
    assert (line["day"], line["kind"], line["missing"]) == ("2026-11-07", chain.RESTORED, 15)
    assert "15 newer events are missing, from 2026-11-07 00:00 to 2026-11-09" in line["reason"]
    # Copies of the mirror still match, and there is no false alarm.
    assert kept.trail.files.mirror.read_text().startswith(before)
    assert kept.trail.problems(Path(copy)) == []
    report = kept.trail.verify()
    assert {str(day.day): day.state for day in report.days}["2026-11-07"] == "restored"
    # It stays recorded until somebody resolves it, also after restarts.
    for _ in range(2):
        kept.trail.open().close()
        (reported,) = high_water_mark.shortfalls(kept.trail.files.known)
        assert "15 newer events are missing. Pull again the events from" in reported.text()
    # The trail goes on: what was lost is loaded again, days are sealed again.
    kept.trail.load([event(number, 7) for number in range(12)])
    kept.trail.load([event(number, 9) for number in range(3)])
    assert kept.trail.seal(NOW + dt.timedelta(days=9)) > 0
    assert kept.trail.problems() == []
    kept.trail.run(lambda store: fixed_clock.accept(store, kept.settings, "pulled again", "maya"))
    assert high_water_mark.shortfalls(kept.trail.files.known) == ()
    assert kept.trail.problems(Path(copy)) == []


def test_a_purge_after_the_backup_can_be_repeated(kept: BackupTrail) -> None:
    made = kept.backup()
    store = kept.settings.store.model_copy(update={"retention_days": 10})
    short = kept.settings.model_copy(update={"store": store})
    now = dt.datetime(2026, 11, 13)

    def purge() -> int:
        done: policy.Purged = kept.trail.run(lambda store: fixed_clock.retain(store, short, now))
        return done.events

    assert purge() == 80
    done = kept.restore(made.path, replace=True)
    assert done.missing and done.missing.events == 0
    assert high_water_mark.shortfalls(kept.trail.files.known) == ()
    assert kept.trail.problems() == []
    assert purge() == 80
    assert kept.trail.problems() == []


def test_damage_in_a_backup_is_still_reported(kept: BackupTrail) -> None:
    kept.trail.sql("update events set raw = '{}' where occurred_at < '2026-11-01 01:00'")
    made = kept.backup()
    kept.trail.load([event(number, 7) for number in range(12)])
    kept.trail.seal(NOW + dt.timedelta(days=1))
    before = kept.trail.problems()
    assert before[0][:2] == (1, "changed")
    assert kept.restore(made.path, replace=True).problems == len(before)
    assert kept.trail.problems() == before


def test_missing_events_are_derived_from_the_high_water_mark(kept: BackupTrail) -> None:
    made = kept.backup()
    old = kept.trail.copy("old.duckdb")
    kept.trail.load([event(number, 8) for number in range(10)])
    shutil.copy(old, kept.trail.path)  # what was cut away is in no database any more
    done = kept.restore(made.path, replace=True)
    assert done.missing and done.missing.events == 10
    assert done.missing.first == dt.datetime(2026, 11, 8)
    assert kept.trail.problems() == []


def test_a_trail_with_another_key_is_renamed(kept: BackupTrail, tmp_path: Path) -> None:
    made = kept.backup()
    for path in tmp_path.glob("trail.*"):
        path.unlink()
    kept.trail.load([event(number, 4) for number in range(5)])
    kept.trail.seal()
    done = kept.restore(made.path, replace=True)
    assert (done.recorded.taken_over, done.recorded.apart) == (0, 3)
    assert len([path for path in done.aside if "seals" in path.name]) == 2
    assert all(path.exists() for path in done.aside)
    assert kept.trail.problems() == []


def test_events_acknowledged_after_the_backup_are_kept(kept: BackupTrail) -> None:
    add_all_file_kinds(kept)
    made = kept.backup()
    journal = Journal(receiver.folder_of(kept.settings), 10**6)
    journal.append([Entry("webhook", b'{"event":"y"}', verified=True)]).result(5)
    journal.close()
    before = {path.read_bytes() for path in receiver.folder_of(kept.settings).iterdir()}
    kept.restore(made.path, replace=True)
    after = [path.read_bytes() for path in receiver.folder_of(kept.settings).iterdir()]
    assert len(after) == 3
    assert set(after) == before


def test_restored_settings_do_not_overwrite_current_ones(
    kept: BackupTrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "my.toml"
    config.write_text('workspace = "acme"\n')
    monkeypatch.setenv("TRAIL_CONFIG", str(config))
    made = kept.backup()
    kept.restore(made.path, into=tmp_path / "into")
    assert (tmp_path / "into" / "trail.toml.restored").read_text() == 'workspace = "acme"\n'
    config.write_text('[segment]\ntoken = "sgp_secret"\n')
    again = kept.backup("again.tar.zst")
    assert "segment.token" in again.manifest.left_out[places.CONFIG]
    assert places.CONFIG not in {file.name for file in again.manifest.files}


def test_secrets_are_listed_but_not_included(
    kept: BackupTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAIL_SEGMENT__TOKEN", "sgp_hidden_value")
    monkeypatch.setenv("TRAIL_FORWARD__SECRETS", '{"slack": "hidden_too"}')
    loaded = type(kept.settings)()
    assert sorted(places.secrets(loaded)) == ["forward.secrets", "segment.token"]


def test_an_existing_file_is_not_overwritten(kept: BackupTrail) -> None:
    made = kept.backup()
    before = made.path.read_bytes()
    with pytest.raises(InputError, match="already exists"):
        kept.backup()
    assert made.path.read_bytes() == before


def test_an_unwritable_folder_is_reported(kept: BackupTrail) -> None:
    with pytest.raises(UnavailableError, match="cannot be written"):
        kept.backup("no/such/folder.tar.zst")


def test_an_older_schema_is_brought_up_to_date(
    kept: BackupTrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = kept.backup()
    step = "create table of_the_next_release (x integer)"
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
    monkeypatch.setattr(schema, "NEWEST", schema.NEWEST + 1)
    kept.restore(made.path, into=tmp_path / "into")
    new = kept.restored_trail(tmp_path / "into")
    assert new.ask("select max(version) from schema_version") == [(schema.NEWEST,)]
    assert new.problems() == []


# Killed half-way.


class Killed(BaseException):
    """Ends everything at once, as far as the files can see."""


def test_a_restore_that_is_killed_leaves_all_or_nothing(
    kept: BackupTrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = kept.backup()
    kept.trail.load([event(number, 7) for number in range(12)])
    moves: list[Path] = []
    real = swapping._move

    def counted(source: Path, target: Path) -> None:
        if len(moves) == stop:
            raise Killed
        moves.append(target)
        real(source, target)

    stop = 10**6
    with monkeypatch.context() as patched:
        patched.setattr(swapping, "_move", counted)
        kept.restore(made.path, replace=True)
        all_moves = len(moves)
        assert all_moves > 5
        for stop in range(all_moves):
            moves.clear()
            with pytest.raises(Killed):
                kept.restore(made.path, replace=True)
            patched.setattr(swapping, "_move", real)
            assert swapping.finish(kept.settings)
            assert not swapping.work_folder(kept.settings).exists()
            assert kept.trail.problems() == []
            assert kept.trail.ask("select count(*) from events") == [(160,)]
            patched.setattr(swapping, "_move", counted)


def test_a_restore_that_is_killed_before_its_commit_changes_nothing(
    kept: BackupTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = kept.backup()
    kept.trail.load([event(number, 7) for number in range(12)])
    before = state(kept.settings.store.path.parent)

    def killed(*_: object) -> None:
        raise Killed

    for module, name in ((restoring.verification, "verify"), (swapping, "commit")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, killed)
            with pytest.raises(Killed):
                kept.restore(made.path, replace=True)
        assert state(kept.settings.store.path.parent) == before
    assert not swapping.finish(kept.settings)


def test_two_restores_at_once_are_refused(kept: BackupTrail) -> None:
    made = kept.backup()
    with (
        swapping.exclusive(kept.settings),
        pytest.raises(UnavailableError, match="Another restore is running"),
    ):
        kept.restore(made.path, replace=True)


def test_startup_finishes_a_committed_restore(
    kept: BackupTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = kept.backup()
    kept.trail.load([event(number, 7) for number in range(12)])

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(swapping, "_carry_out", lambda room: None)
        patched.setattr(restoring, "_update_mirror", killed)
        with pytest.raises(Killed):
            kept.restore(made.path, replace=True)
    assert kept.trail.ask("select count(*) from events") == [(172,)]
    now = startup.start(kept.settings)
    try:
        assert now.store.table("select count(*) as n from events")["n"].to_pylist() == [160]
    finally:
        startup.stop()
