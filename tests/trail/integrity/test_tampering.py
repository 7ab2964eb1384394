"""Tampering with the files is detected, with its day and kind."""

import json
import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.trail.integrity.conftest import A_DAY, NOW, Trail, day, event
from trail.core.errors import IntegrityError
from trail.integrity import chain, key_file
from trail.integrity.row_digest import DayRows, Edge
from trail.storage import cube, ledger

ON_2 = "occurred_at::date = '2026-11-02'"
ID = "(select min(event_id) from events where occurred_at::date = '2026-11-02')"
COPY = (
    "insert into events select * replace ('forged-1' as event_id{more}) from events "
    f"where event_id = {ID}"
)

EDITS = [
    "raw = replace(raw, 'mara', 'nina')",
    "occurred_at = occurred_at + interval 1 microsecond",
    "occurred_at = occurred_at + interval 2 hour",
    "ingested_at = ingested_at - interval 1 microsecond",
    "event_id = 'x' || event_id",
    "verified = true",
    "forwarded = true",
    "forwarded = null",
    "target_type = 'warehouse'",
    "target_key = target_key + 1000",
    "actor_key = null",
    "action_key = -1",
    "workspace_id = 'other'",
    "raw = null",
]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row(trail: Trail, edit: str) -> None:
    trail.sql(f"update events set {edit} where event_id = {ID}")
    assert trail.problems() == [(2, "changed", 1)]


@pytest.mark.parametrize(
    "edit",
    [
        "update targets set target_name = 'Another'",
        "update actors set actor_id = 'users/other'",
        "update actions set action_raw = 'Source Deleted'",
        "delete from targets",
    ],
)
def test_an_edited_name(trail: Trail, edit: str) -> None:
    trail.sql(edit)
    reported = [item[:2] for item in trail.problems() if item[0]]
    assert reported == [(n, "changed") for n in (1, 2, 4, 5)]


@pytest.mark.parametrize(
    "which",
    [
        f"event_id = {ID}",
        f"occurred_at = (select max(occurred_at) from events where {ON_2})",
        f"occurred_at = (select median(occurred_at) from events where {ON_2}) or event_id = {ID}",
    ],
    ids=["head", "tail", "two"],
)
def test_deleted_rows(trail: Trail, which: str) -> None:
    trail.sql(f"delete from events where {ON_2} and ({which})")
    ((of, word, count),) = trail.problems()
    assert (of, word) == (2, "missing")
    assert count == A_DAY - trail.ask(f"select count(*) from events where {ON_2}")[0][0]


def test_whole_days_deleted(trail: Trail) -> None:
    trail.sql("delete from events where occurred_at::date in ('2026-11-01', '2026-11-05')")
    assert trail.problems() == [(1, "missing", A_DAY), (5, "missing", A_DAY)]


@pytest.mark.parametrize(
    "more",
    ["", ", now()::timestamp as ingested_at", ", 99 as batch_id", ", null as batch_id"],
    ids=["as old", "as new", "of no batch", "without a batch"],
)
def test_an_inserted_row(trail: Trail, more: str) -> None:
    trail.sql(COPY.format(more=more))
    assert trail.problems() == [(2, "added", 1)]
    assert trail.seal() == 0  # not treated as a late row
    assert trail.problems() == [(2, "added", 1)]


def test_a_row_inserted_on_an_empty_day(trail: Trail) -> None:
    trail.sql(COPY.format(more=", timestamp '2026-11-03 10:00:00' as occurred_at"))
    assert trail.problems() == [(3, "added", 1)]


def test_a_duplicated_row(trail: Trail) -> None:
    trail.sql(f"insert into events select * from events where event_id = {ID}")
    assert trail.problems() == [(2, "added", 1)]


def test_two_days_swapped(trail: Trail) -> None:
    trail.sql(
        "update events set occurred_at = case when occurred_at::date = '2026-11-02' "
        "then occurred_at + interval 2 day else occurred_at - interval 2 day end "
        "where occurred_at::date in ('2026-11-02', '2026-11-04')"
    )
    reported = trail.problems()
    assert [item[:2] for item in reported] == [(2, "changed"), (4, "changed")]


def test_a_row_moved_to_another_day(trail: Trail) -> None:
    trail.sql(f"update events set occurred_at = '2026-11-04 01:10:00' where event_id = {ID}")
    assert trail.problems() == [(2, "missing", 1), (4, "added", 1)]


def test_rows_of_an_unsealed_day(trail: Trail) -> None:
    """Batches record how many events they kept, before a day closes."""
    trail.load([event(number, 8) for number in range(10)])
    trail.sql("delete from events where occurred_at > '2026-11-08 03:00:00'")
    ((_, word, count),) = trail.problems()
    assert (word, count) == ("missing", 3)


def test_a_changed_duplicate_report(trail: Trail) -> None:
    trail.sql(
        "insert into twins select 'other', event_id, occurred_at, ingested_at, batch_id, null, raw "
        f"from events where event_id = {ID}"
    )
    assert trail.problems() == [(2, "added", 1)]


def _resign(trail: Trail, number: int, key: Ed25519PrivateKey | None, **changes: object) -> None:
    """Change the seal *number* in the database, and sign it with *key*, or not at all."""
    ((text,),) = trail.ask(f"select line from seals where number = {number}")
    body = json.loads(text)
    body |= changes
    if key:
        outside = ("seal", "key", "signature", "number", "prev", "version", "sealed_at")
        inside = {name: value for name, value in body.items() if name not in outside}
        text = chain.sign(inside, number, body["prev"], body["version"], NOW, key).text
    else:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    trail.sql(f"update seals set line = '{text}' where number = {number}")


def test_a_changed_seal(trail: Trail) -> None:
    trail.sql(f"delete from events where event_id = {ID}")
    _resign(trail, 2, None, events=A_DAY - 1)
    assert trail.problems() == [(2, "missing", 1), (2, "seal changed", 1)]


def test_a_seal_that_is_not_json(trail: Trail) -> None:
    trail.sql("update seals set line = 'nothing' where number = 2")
    assert trail.problems() == [(2, "seal changed", 1)]


def test_a_seal_signed_with_another_key(trail: Trail) -> None:
    _resign(trail, 2, Ed25519PrivateKey.generate(), events=A_DAY - 1)
    assert trail.problems() == [(2, "wrong key", 1)]


def test_a_seal_with_the_signature_of_another_seal(trail: Trail) -> None:
    one, two = (
        json.loads(trail.ask(f"select line from seals where number = {n}")[0][0]) for n in (1, 2)
    )
    _resign(trail, 2, None, signature=one["signature"])
    assert two["signature"] != one["signature"]
    assert trail.problems() == [(2, "seal forged", 1)]


def test_another_key_file(trail: Trail) -> None:
    trail.files.key.unlink()
    key_file.make(trail.files.key)
    reported = trail.problems()
    assert {word for _, word, _ in reported} == {"wrong key", "mirror changed"}


def test_no_key_file(trail: Trail) -> None:
    trail.files.key.unlink()
    assert trail.problems() == [(6, "key missing", 1)]


def test_a_seal_removed_from_the_middle(trail: Trail) -> None:
    trail.sql("delete from seals where number = 2")
    assert trail.problems() == [(2, "seal removed", 1)]


def test_a_seal_removed_from_both(trail: Trail) -> None:
    trail.sql("delete from seals where number = 2")
    lines = trail.files.mirror.read_text().splitlines(keepends=True)
    trail.files.mirror.write_text("".join(lines[:1] + lines[2:]))
    assert (3, "seal removed", 1) in trail.problems()


def test_the_last_seals_removed(trail: Trail) -> None:
    trail.sql("delete from seals where number > 3")
    assert trail.problems() == [
        (4, "seal removed", 1),
        (5, "seal removed", 1),
        (6, "seal removed", 1),
    ]


def test_all_seals_removed(trail: Trail) -> None:
    trail.sql("delete from seals", "delete from seal_parts", "delete from marks")
    assert [word for _, word, _ in trail.problems()] == ["seal removed"] * 6


def test_all_seals_removed_and_the_mirror_too(trail: Trail) -> None:
    """The high-water mark records how many there were."""
    trail.sql("delete from seals", "delete from seal_parts", "delete from marks")
    trail.files.mirror.unlink()
    assert trail.problems() == [(None, "seal removed", 6)]
    with pytest.raises(IntegrityError):
        trail.seal()
    assert trail.problems() == [(None, "seal removed", 6)]


def test_the_mirror_truncated(trail: Trail) -> None:
    lines = trail.files.mirror.read_text().splitlines(keepends=True)
    trail.files.mirror.write_text("".join(lines[:4]))
    assert trail.problems() == [(5, "mirror cut", 2)]
    trail.files.mirror.unlink()
    assert trail.problems() == [(1, "mirror cut", 6)]


def test_the_mirror_changed(trail: Trail) -> None:
    text = trail.files.mirror.read_text()
    trail.files.mirror.write_text(text.replace('"events":40', '"events":39', 1))
    assert trail.problems() == [(1, "mirror changed", 1)]


def test_a_forged_purge(trail: Trail) -> None:
    """Rows deleted, and a purge claimed by a line that the key did not sign."""
    trail.sql("delete from events where occurred_at::date = '2026-11-01'")
    ((number, text),) = trail.ask("select number, line from seals order by number desc limit 1")
    prev = json.loads(text)["seal"]
    message = chain.statement(
        chain.PURGE, Edge(day(1), 1, NOW), DayRows(), gone=A_DAY, gone_twins=0, reason="retention"
    )
    line = chain.sign(message, number + 1, prev, 2, NOW, Ed25519PrivateKey.generate())
    own = json.loads(trail.ask("select line from seals limit 1")[0][0])["key"]
    text = line.text.replace(str(line.body["key"]), own)
    trail.sql(
        f"insert into seals values ({number + 1}, '2026-11-01', '{text}')",
        f"insert into removals values (1, {A_DAY}, 0)",
    )
    assert trail.problems() == [
        (1, "missing", A_DAY),
        (1, "purge forged", A_DAY),
        (None, "removed events added", 1),
    ]


def test_the_database_replaced_by_an_older_copy(trail: Trail) -> None:
    old = trail.copy("old.duckdb")
    trail.load([event(number, 7) for number in range(10)])
    trail.seal(NOW.replace(day=12))
    assert trail.problems() == []
    shutil.copy(old, trail.path)
    reported = trail.problems()
    assert (7, "rolled back", 10) in reported
    assert {word for _, word, _ in reported} == {"rolled back", "seal removed", "ledger cut"}


def test_all_files_replaced_by_older_copies(trail: Trail) -> None:
    """With the key file among them, only a copy of the mirror stored elsewhere reveals it."""
    names = (trail.path, trail.files.mirror, trail.files.known, trail.files.key)
    old = trail.folder / "old"
    old.mkdir()
    for path in names:
        shutil.copy(path, old)
    trail.load([event(number, 7) for number in range(10)])
    trail.seal(NOW.replace(day=12))
    elsewhere = trail.folder / "elsewhere.ndjson"
    shutil.copy(trail.files.mirror, elsewhere)
    for path in names:
        shutil.copy(old / path.name, path)
    assert trail.problems() == []
    assert (7, "rolled back", 10) in trail.problems(elsewhere)


def test_everything_signed_again_with_another_key(trail: Trail) -> None:
    """Anybody with the files can sign again; a copy stored elsewhere has the right key."""
    elsewhere = trail.folder / "elsewhere.ndjson"
    shutil.copy(trail.files.mirror, elsewhere)
    trail.sql(
        f"delete from events where event_id = {ID}",
        "delete from seals",
        "delete from seal_parts",
        "delete from marks",
        "delete from ledger",
        "insert into marks values ('ledger.begin', 'due', now()::timestamp)",
        "update batches set kept = kept - 1",
    )
    for path in (trail.files.mirror, trail.files.key, trail.files.known):
        path.unlink()
    trail.run(lambda store: store.write(ledger.begin_if_due))
    trail.run(lambda store: store.write(lambda cursor: cube.rebuild(cursor, "true", "true")))
    trail.seal()
    assert trail.problems() == []
    reported = trail.problems(elsewhere)
    assert (2, "wrong key", 1) in reported
    assert any(of == 2 and word in ("missing", "rolled back") for of, word, _ in reported)
