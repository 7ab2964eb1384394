"""Whatever is changed in a ledger, or in a table that it lists, is reported in its own words."""

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.trail.integrity.conftest import NOW, Trail, day, event
from tests.trail.notifications.conftest import forward
from trail.access_log.entry import Entry
from trail.access_log.writer import Writer
from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.core import catalogue
from trail.core.errors import IntegrityError
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import annotations, coverage
from trail.findings import expected_activity, reviews, risks, rule_toggles, rules
from trail.integrity import commits
from trail.notifications import destinations, rule_store
from trail.notifications.destination import Destination
from trail.notifications.rule import Rule
from trail.retention import legal_holds
from trail.runtime import startup
from trail.storage import dimensions, ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.triage import records as triage

HOUR = dt.timedelta(hours=1)
OPEN = dt.datetime(2026, 11, 8)
HOOK = "https://hooks.example.com/audit"


def use(store: Store, settings: Settings, turn: int = 1) -> None:
    """Make a row in each book, and change or delete some of them, as people do."""
    for decision in (reviews.EXPECTED, reviews.OPEN, reviews.DONE):
        store.write(lambda c, d=decision: reviews._insert(c, ["finding-1"], d, "why", "dana"))
    legal_holds.add(store, "target", "src_1", None, None, "case 7", "dana")
    legal_holds.end(store, legal_holds.add(store, "target", "src_2", None, None, "case 8", "dana"))
    risks.set_risk(store, "Source Deleted", 9, "why", "dana")
    triage.assign(store, "incident:1", "jon", "dana")
    triage.comment(store, "incident:1", f"Turn {turn}", "dana")
    rule_toggles.set_enabled(store, rules.rules()[0].name, "dana", on=False)
    annotations.add(store, annotations.parse("time,label\n2026-11-02T10:00:00Z,Deploy\n"), "dana")
    expected_activity.mark_expected(
        store, "users/1", ["Source Deleted"], day(2), day(9), "why", "dana"
    )

    def more(cursor: Cursor) -> None:
        dimensions.map_action(cursor, "Something New", catalogue.CATEGORIES[turn], "dana")
        number = rule_store.save(
            cursor, Rule(f"Deletions {turn}", query="action=Source+Deleted"), "dana"
        )
        rule_store.save(cursor, Rule(f"Others {turn}", query="action=Source+Created"), "dana")
        rule_store.snooze(cursor, number, OPEN)
        there = Destination(0, "webhook", f"Hook {turn}", {"url": HOOK}, {"key": "key"})
        number = destinations.add(cursor, there, forward(), "dana")
        weekly = DigestSchedule(f"Digest {turn}", number)
        weekly = replace(weekly, schedule_id=digest_schedules.save(cursor, weekly, "dana", OPEN))
        digest_schedules.set_active(cursor, weekly, "maya", OPEN, active=False)
        for hours in range(4):
            at = OPEN + hours * HOUR
            coverage.note(cursor, "segment", "watched", at, at + 1.5 * HOUR)
            coverage.note(cursor, "webhook", "watched", at, at + HOUR)
        coverage.withdraw(cursor, "webhook")

    store.write(more)
    writer = Writer(lambda: (store, True), settings.store.path.parent / "spool", 400)
    writer.record(Entry("signed_in", "dana", "owner"), merge=False)
    writer.record(Entry("viewed", "dana", "owner", what="Explore"), merge=True)
    writer.flush(5)
    writer.record(Entry("viewed", "dana", "owner", what="Explore"), merge=True)
    writer.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a trail with sealed days, rows in all books, and two open days."""
    folder = tmp_path_factory.mktemp("prepared")
    settings = Settings(store=StoreSettings(path=folder / "trail.duckdb"))
    trail = Trail(settings, folder)
    trail.load([event(number, of) for of in (1, 2) for number in range(4)])
    trail.run(lambda store: use(store, settings))
    assert trail.seal() == 6
    trail.run(lambda store: use(store, settings, 2))
    trail.load([event(number, of) for of in (7, 8) for number in range(10)])
    assert trail.problems() == []
    return folder


@pytest.fixture
def used(prepared: Path, settings: Settings) -> Trail:
    """Return a copy of the prepared trail."""
    folder = settings.store.path.parent
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    return Trail(settings, folder, loads=9)


NEWEST = "number = (select max(number) from ledger l where l.chain = ledger.chain)"
ALTERED = {
    "update decisions set decision = 'done' where decision = 'open'": ("decisions changed", 2),
    "delete from decisions where decision = 'expected'": ("decisions missing", 2),
    "insert into decisions select * from decisions limit 1": ("decisions added", 1),
    "update decisions set made_at = made_at - interval 1 hour": ("decisions changed", 6),
    "delete from holds where ended_at is null": ("legal holds missing", 2),
    "update holds set ended_at = null": ("legal holds changed", 2),
    "update taught set until = '2027-01-01'": ("expected activity changed", 2),
    "update risk_overrides set risk = 1": ("risks changed", 2),
    "update rule_switches set is_on = true": ("detector rules changed", 2),
    "delete from annotations": ("annotations missing", 1),
    "update mappings set made_by = 'eve'": ("categories changed", 1),
    "update rules set active = false where name = 'Others 1'": ("alert rules changed", 1),
    "delete from rules where name = 'Deletions 1'": ("alert rules missing", 1),
    "update watches set from_at = from_at - interval 9 day": ("coverage changed", 1),
    "delete from watches": ("coverage missing", 1),
    "delete from access_log where kind = 'viewed'": ("access log missing", 2),
    "update access_log set username = 'mallory'": ("access log changed", 4),
    "insert into removals values (1, 3, 0)": ("removed events added", 1),
    "insert into purges values (now()::timestamp, now()::timestamp, 3, 0, 0, 'x')": (
        "retention runs added",
        1,
    ),
}


@pytest.mark.parametrize("edit", ALTERED)
def test_an_altered_row_of_a_book(used: Trail, edit: str) -> None:
    used.sql(edit)
    found = [(word, n) for _, word, n in used.problems() if word != "added"]
    assert found == [ALTERED[edit]]


LEDGER = {
    "delete from ledger where chain = 'records'": "ledger cut",
    "delete from ledger where chain = 'records' and number = 3": "ledger cut",
    "delete from ledger where chain = 'records' and number < 3": "ledger cut",
    f"delete from ledger where chain = 'records' and {NEWEST}": "ledger cut",
    f"delete from ledger where chain = 'commits' and {NEWEST}": "ledger cut",
    f"delete from ledger where chain = 'access' and {NEWEST}": "ledger cut",
    "delete from ledger": "ledger cut",
    "update ledger set body = replace(body, 'dana', 'eve') where chain = 'records'": (
        "ledger changed"
    ),
    "update ledger set number = 10 - number where number between 4 and 6": "ledger changed",
    "update ledger set noted_at = noted_at - interval 1 second": "ledger changed",
    "update ledger set change = 'begin' where chain = 'records' and number = 5": "ledger changed",
    "insert into ledger select * from ledger where number = 2": "ledger changed",
    "update ledger set noted_at = null where number = 2": "ledger changed",
    "update ledger set number = null where number = 2": "ledger changed",
    "update ledger set body = null, book = null where number = 2": "ledger changed",
}


@pytest.mark.parametrize("edit", LEDGER)
def test_an_altered_ledger(used: Trail, edit: str) -> None:
    used.sql(edit)
    assert LEDGER[edit] in {word for _, word, _ in used.problems()}


def test_a_ledger_that_is_written_again(used: Trail) -> None:
    """The seals and the high-water mark tell, even if all hashes are computed again."""

    def forge(cursor: Cursor) -> None:
        rows = cursor.execute("select * from ledger where chain = 'records' order by number")
        entries = [ledger.Entry(row[3], row[4], row[6]) for row in rows.fetchall()]
        cursor.execute("delete from ledger where chain = 'records'")
        kept = [entry for entry in entries if '"decision":"open"' not in entry.body]
        ledger.append(cursor, "records", [*kept, *kept[:2]])
        cursor.execute("delete from decisions where decision = 'open'")

    store = Store.open(used.path, used.settings)
    store.write(forge)
    store.close()
    assert (6, "ledger changed", 1) in used.problems()


OPEN_ROWS = {
    "delete from events where occurred_at = '2026-11-08 02:00:00'": (8, "missing", 1),
    "delete from events where occurred_at >= '2026-11-08'": (8, "missing", 10),
    "update events set raw = replace(raw, 'mara', 'nina') where occurred_at >= '2026-11-08'": (
        8,
        "changed",
        1,
    ),
    "update events set verified = true where occurred_at = '2026-11-07 02:00:00'": (
        7,
        "changed",
        1,
    ),
    "update events set event_id = 'x' where occurred_at = '2026-11-07 02:00:00'": (
        7,
        "changed",
        1,
    ),
}


@pytest.mark.parametrize("edit", OPEN_ROWS)
@pytest.mark.parametrize("read_at_once", [commits._SPAN_ROWS, 1])
def test_altered_rows_of_an_open_day(
    used: Trail, edit: str, read_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_SPAN_ROWS", read_at_once)
    assert used.problems() == []
    used.sql(edit)
    assert used.problems() == [OPEN_ROWS[edit]]
    # The day is not sealed as if nothing had happened, even when all counts agree.
    used.sql("update batches set kept = kept - (select count(*) from events where false)")
    used.seal(NOW.replace(day=12))
    assert OPEN_ROWS[edit][0] in {of for of, _, _ in used.problems()}


def test_an_inserted_row_of_an_open_day(used: Trail) -> None:
    copy = "insert into events select * replace ('x' as event_id, {}) from events limit 1"
    used.sql(copy.format("timestamp '2026-11-08 05:00:00' as occurred_at"))
    used.sql("update batches set kept = kept + 1 where batch_id = 1")
    assert (8, "added", 1) in used.problems()


def test_a_deleted_ledger_of_commits_stops_sealing(used: Trail) -> None:
    used.sql("delete from ledger where chain = 'commits'", "delete from events where false")
    with pytest.raises(IntegrityError, match="ledger of commits"):
        used.seal(NOW.replace(day=12))


def test_an_owner_accepts_and_the_chains_begin_again(used: Trail) -> None:
    used.sql("delete from ledger where chain = 'records' and number = 3", "delete from holds")
    assert used.problems() != []
    settings = used.settings
    used.run(lambda store: fixed_clock.accept(store, settings, "a lost disk", "dana"))
    assert used.problems() == []
    used.run(lambda store: use(store, settings, 3))
    assert used.problems() == []
    used.sql("delete from decisions where decision = 'expected'")
    assert [word for _, word, _ in used.problems()] == ["decisions missing"]


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        ("update events set occurred_at = null where occurred_at > '2026-11-08'", "missing"),
        ("update events set forwarded = null where occurred_at > '2026-11-08'", "source changed"),
        ("update seals set line = null where number = 2", "seal changed"),
        ("update batches set batch_id = null where batch_id = 2", "missing"),
    ],
)
def test_a_null_is_reported(used: Trail, edit: str, word: str) -> None:
    used.sql(edit)
    assert word in {word for _, word, _ in used.problems()}


def test_acceptance_before_any_day_is_sealed(settings: Settings, tmp_path: Path) -> None:
    fresh = Trail(settings, tmp_path)
    fresh.run(lambda store: use(store, settings))
    fresh.sql("delete from decisions")
    assert [word for _, word, _ in fresh.problems()] == ["decisions missing"]
    fresh.run(lambda store: fixed_clock.accept(store, settings, "a lost disk", "dana"))
    assert fresh.problems() == []


def test_an_older_database_begins_its_ledgers_at_the_first_start(
    settings: Settings, tmp_path: Path
) -> None:
    older = Trail(settings, tmp_path)
    older.load([event(0, 8)])
    older.sql(
        "delete from ledger",
        "insert into decisions values ('f', 'done', '', 'dana', now()::timestamp)",
    )
    older.files.known.unlink()
    startup.open_real(settings).close()
    assert older.problems() == []
    older.sql("update decisions set note = 'why'")
    assert [word for _, word, _ in older.problems()] == ["decisions changed"]


def test_old_entries_are_deleted_once_sealed(used: Trail) -> None:
    def entries(chain: str) -> int:
        return int(used.ask(f"select count(*) from ledger where chain = '{chain}'")[0][0])

    before = entries("commits"), entries("records")
    for number in (20, 21, 22):
        used.load([event(0, number)])
        used.seal(dt.datetime(2026, 11, number + 3))
    assert (entries("commits") < before[0] + 3, entries("records")) == (True, before[1])
    assert used.problems() == []


def test_every_entry_states_what_it_lists(used: Trail) -> None:
    bodies: list[tuple[str, str]] = used.ask("select book, body from ledger where book <> ''")
    for book, body in bodies:
        if book in ledger.BOOKS:
            assert set(json.loads(body)) >= set(ledger.BOOKS[book].columns) or "before" in body
