"""Operations that raise no alarm: late rows, repeated loads, purges, legal holds, archives."""

import datetime as dt
import json

import pytest

from tests import fixed_clock
from tests.segment_records import api_event, forwarded
from tests.trail.integrity.conftest import A_DAY, NOW, Trail, day, event
from trail.core.errors import InputError, IntegrityError
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.integrity import key_file, mirror, seal_status, sealing, verification
from trail.retention import legal_holds

# At this moment retention of two days takes 1 to 4 November, at LATER the 5th too.
THEN = dt.datetime(2026, 11, 7, 9)


def _short(trail: Trail, days: int, archive: bool = False) -> None:
    trail.settings = Settings(
        store=StoreSettings(
            path=trail.path,
            memory="1GB",
            retention_days=days,
            archive=archive,
            archive_path=trail.folder / "archive",
        )
    )


def _reasons(trail: Trail, of: int) -> list[str]:
    result = trail.ask(f"select line from seals where day = '2026-11-{of:02}' order by number")
    return [json.loads(text)["reason"] for (text,) in result]


def test_empty_days_are_sealed(trail: Trail) -> None:
    report = trail.verify()
    assert [item.day for item in report.days] == [day(number) for number in range(1, 7)]
    assert [item.events for item in report.days] == [A_DAY, A_DAY, 0, A_DAY, A_DAY, 0]
    assert {item.state for item in report.days} == {verification.UNCHANGED}
    assert report.ok and report.sealed_to == day(6)


def test_a_day_closes_a_day_after_its_end(trail: Trail) -> None:
    assert trail.seal(dt.datetime(2026, 11, 8, 23, 59)) == 0
    assert trail.seal(dt.datetime(2026, 11, 9, 0, 0)) == 1


def test_late_rows_reseal_the_day_with_the_reason(trail: Trail) -> None:
    trail.load([event(number + 40, 2) for number in range(3)])
    assert trail.problems() == []
    assert [item.late for item in trail.verify().days] == [0, 3, 0, 0, 0, 0]
    assert trail.seal() == 1
    assert trail.problems() == []
    assert _reasons(trail, 2) == ["closed", "late: +3 events in batch 2"]
    assert trail.seal() == 0


def test_late_rows_do_not_hide_an_edit(trail: Trail) -> None:
    trail.sql("update events set verified = true where occurred_at = '2026-11-02 00:30:00'")
    trail.load([event(41, 2)])
    assert trail.seal() == 0
    assert trail.problems() == [(2, "changed", 1)]


def test_loading_the_same_file_again_changes_nothing(trail: Trail) -> None:
    before = trail.files.mirror.read_bytes()
    batch = trail.load([event(number, of) for of in (1, 2, 4, 5) for number in range(A_DAY)])
    assert batch.kept == 0
    assert trail.seal() == 0
    assert trail.problems() == []
    assert trail.files.mirror.read_bytes() == before


def test_a_purge_records_counts_and_reason(trail: Trail) -> None:
    _short(trail, 4)
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    report = trail.verify()
    assert report.ok
    states = {item.day.day: (item.state, item.purged, item.events) for item in report.days}
    assert states[1] == states[2] == (verification.PURGED, A_DAY, 0)
    assert states[4] == (verification.UNCHANGED, 0, A_DAY)
    assert _reasons(trail, 1) == [
        "closed",
        "retention policy: events before 2026-11-03",
    ]
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    assert len(_reasons(trail, 1)) == 2


def test_rows_loaded_again_after_a_purge_are_late(trail: Trail) -> None:
    _short(trail, 4)
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    trail.load([event(1, 1)])
    assert trail.problems() == []
    assert trail.seal() == 1
    assert trail.problems() == []


def test_a_row_inserted_after_a_purge_is_detected(trail: Trail) -> None:
    _short(trail, 4)
    trail.sql("create table stolen as select * from events where occurred_at < '2026-11-01 00:10'")
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    trail.sql("insert into events select * from stolen", "drop table stolen")
    assert trail.problems() == [(1, "added", 1)]


def test_rows_on_legal_hold_stay_and_are_resealed(trail: Trail) -> None:
    _short(trail, 4)
    held = trail.ask("select min(event_id) from events")[0][0]
    trail.run(lambda store: legal_holds.add(store, "event", held, None, None, "case 7", "owner"))
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    report = trail.verify()
    assert report.ok
    assert (report.days[0].events, report.days[0].purged) == (1, A_DAY - 1)
    trail.sql(f"update events set verified = true where event_id = '{held}'")
    assert trail.problems() == [(1, "changed", 1)]


def test_an_edit_before_a_purge_is_still_reported_if_rows_remain(trail: Trail) -> None:
    """A purge must not hide edits of the remaining rows."""
    _short(trail, 4)
    held = trail.ask("select min(event_id) from events")[0][0]
    trail.run(lambda store: legal_holds.add(store, "event", held, None, None, "case 7", "owner"))
    trail.sql(f"update events set verified = true where event_id = '{held}'")
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    assert trail.problems() == [(1, "changed", 1)]


def test_a_deletion_before_a_purge_is_still_reported(trail: Trail) -> None:
    _short(trail, 4)
    trail.sql("delete from events where occurred_at = '2026-11-01 00:30:00'")
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    assert trail.problems() == [(1, "missing", 1)]


def test_nothing_is_purged_while_the_chain_is_invalid(trail: Trail) -> None:
    _short(trail, 4)
    trail.sql("update seals set line = 'nothing' where number = 2")
    with pytest.raises(IntegrityError, match="chain of seals is invalid"):
        trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    assert trail.ask("select count(*) from events") == [(4 * A_DAY,)]


def test_archived_removals_state_the_archive(trail: Trail) -> None:
    _short(trail, 4, archive=True)
    done = trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    assert done.archived == 2 * A_DAY
    assert trail.problems() == []
    assert _reasons(trail, 1)[-1].endswith("; archived")


def test_duplicate_reports_are_sealed_and_purged(settings: Settings, tmp_path: object) -> None:
    trail = Trail(settings, settings.store.path.parent)
    trail.load([forwarded(1), forwarded(3)])
    twin = api_event(
        9,
        timestamp=forwarded(1)["timestamp"],
        resourceId="LAn9KpdvNZ",
        resourceName="Web shop",
    )
    assert trail.load([twin]).linked == 1
    assert trail.seal() == 6
    assert trail.problems() == []
    copy = trail.copy("kept.duckdb")
    trail.sql("update twins set raw = '{}'")
    assert trail.problems() == [(1, "changed", 1)]
    trail.sql("delete from twins")
    assert trail.problems() == [(1, "missing", 1)]
    copy.replace(trail.path)
    _short(trail, 4)
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, THEN))
    report = trail.verify()
    assert (report.ok, report.days[0].purged) == (True, 3)


def test_the_mirror_catches_up_after_a_crash(trail: Trail) -> None:
    lines = trail.files.mirror.read_text().splitlines(keepends=True)
    trail.files.mirror.write_text("".join(lines[:4]) + lines[4][:50])
    trail.run(
        lambda store: store.write(
            lambda cursor: (
                cursor.execute(
                    "update marks set mark = replace(mark, '6', '4') where source = 'seals.mirror'"
                )
                and None
            )
        )
    )
    assert trail.problems() == []
    trail.seal()
    assert trail.files.mirror.read_text() == "".join(lines)


def test_mirror_path_is_configurable(settings: Settings) -> None:
    path = settings.store.path.parent / "elsewhere" / "seals.ndjson"
    trail = Trail(
        settings.model_copy(update={"seals": settings.seals.model_copy(update={"mirror": path})}),
        settings.store.path.parent,
    )
    trail.load([event(1, 1)])
    assert trail.seal() == 6
    assert len(mirror.read(path)) == 6
    assert trail.problems() == []


def test_the_key_is_private_and_never_replaced(trail: Trail) -> None:
    assert trail.files.key.stat().st_mode & 0o777 == 0o600
    before = trail.files.key.read_bytes()
    key_file.make(trail.files.key)
    assert trail.files.key.read_bytes() == before
    assert before.splitlines()[1] not in trail.files.mirror.read_bytes()
    trail.files.key.unlink()
    with pytest.raises(IntegrityError, match="chain of seals is invalid"):
        trail.seal(NOW.replace(day=20))
    assert not trail.files.key.exists()
    assert trail.run(lambda store: fixed_clock.accept(store, trail.settings, "lost", "owner")) == 6
    assert trail.problems() == []


@pytest.mark.parametrize(
    "statement",
    [
        "delete from events where occurred_at < '2026-11-01 00:10'",
        "update seals set line = 'nothing' where number = 2",
        "delete from seals where number > 3",
        "delete from seals where number < 3",
        "insert into events select * replace ('x' as event_id) from events limit 1",
        "insert into events select * replace ('x' as event_id, 77 as batch_id) from events limit 1",
    ],
)
def test_accepting_the_current_state_needs_a_reason(trail: Trail, statement: str) -> None:
    trail.sql(statement)
    assert not trail.verify().ok
    with pytest.raises(InputError, match="reason"):
        trail.run(lambda store: fixed_clock.accept(store, trail.settings, " ", "owner"))
    trail.run(lambda store: fixed_clock.accept(store, trail.settings, "restored", "owner"))
    assert trail.problems() == []
    assert trail.seal(NOW.replace(day=20)) > 0
    assert trail.problems() == []
    assert trail.files.mirror.with_name("trail.seals.ndjson.1").exists()


def test_status_of_the_seals(trail: Trail) -> None:
    def current_status(_: object = None) -> seal_status.Status:
        result: seal_status.Status = trail.run(seal_status.status)
        return result

    assert current_status().sealed_to == day(6)
    assert current_status().ok is None
    trail.run(
        lambda store: seal_status.store_report(store, verification.verify(store, trail.settings))
    )
    assert current_status().ok is True
    assert current_status().checked_days == 6
    trail.sql("delete from events where occurred_at < '2026-11-01 00:10'")
    trail.run(
        lambda store: seal_status.store_report(store, verification.verify(store, trail.settings))
    )
    message = current_status()
    assert (message.ok, message.problem_count, message.problems[0].problem) == (False, 1, "missing")


def test_status_without_seals(settings: Settings) -> None:
    trail = Trail(settings, settings.store.path.parent)
    report = trail.verify()
    assert (report.ok, report.days, report.sealed_to) == (True, (), None)
    trail.run(lambda store: seal_status.store_report(store, report))
    assert trail.run(seal_status.status).ok is None  # nothing was checked, so nothing is proven
    assert trail.seal() == 0
    assert sealing.newest_closed(NOW, 24) == day(6)


def test_an_implausible_date_does_not_seal_decades(settings: Settings) -> None:
    trail = Trail(settings, settings.store.path.parent)
    trail.load([event(1, 1), api_event(5, timestamp="2001-01-01T00:00:00.000Z")])
    assert trail.seal() == 7
    assert trail.problems() == []
