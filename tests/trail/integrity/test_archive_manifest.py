"""Each archived day has a signed list of its files, which follows them and says what was sealed."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import fixed_clock
from tests.trail.integrity.conftest import Trail, day, event
from tests.trail.integrity.test_archive_check import LATER, parts
from tests.trail.integrity.test_cold_verification import verified
from trail.core.settings import Settings
from trail.integrity import archive_manifest, chain, key_file, seal_store, standalone_verifier
from trail.retention import adoption
from trail.storage import archive_place, cold_changes
from trail.storage.duckdb import Store

KEPT = dt.timedelta(days=4)


@pytest.fixture
def archived(settings: Settings, tmp_path: Path) -> Trail:
    """Return a trail of four sealed days that are archived since."""
    store = settings.store.model_copy(update={"archive": True, "archive_path": tmp_path / "kept"})
    trail = Trail(settings.model_copy(update={"store": store}), tmp_path)
    trail.load([event(number, of) for of in (1, 2, 3, 4) for number in range(3)])
    trail.seal()
    retain(trail)
    return trail


def retain(trail: Trail) -> None:
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, LATER + KEPT))


def path(trail: Trail, of: int) -> Path:
    return trail.settings.store.archive_path / archive_place.name(day(of), archive_manifest.NAME)


def body(trail: Trail, of: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path(trail, of).read_text())
    return found


def problems(trail: Trail) -> list[tuple[dt.date | None, str, str]]:
    return [(p.day, p.problem, p.text) for p in verified(trail).problems]


def standalone(trail: Trail, *more: str) -> tuple[int, str]:
    script = standalone_verifier.__file__
    folder = trail.settings.store.archive_path
    done = subprocess.run(
        [sys.executable, script, str(folder), *more], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_a_manifest_states_the_day_as_its_seal_does(archived: Trail) -> None:
    lines = archived.run(lambda store: seal_store.lines(lambda sql: store.table(sql).to_pylist()))
    sealed = {line.day: line.body for line in chain.read(lines) if line.body["kind"] == chain.DAY}
    for of in (1, 2, 3, 4):
        stated, seal = body(archived, of), sealed[day(of)]
        assert (stated["events"], stated["digest"]) == (seal["events"], seal["digest"])
        assert stated["key"] == key_file.public(archived.files.key)
        (part,) = stated["parts"]
        assert part.items() <= lines_of_purge(lines, of).items()
    assert problems(archived) == []


def lines_of_purge(lines: list[str], of: int) -> dict[str, Any]:
    (part,) = [
        part
        for line in chain.read(lines)
        if line.day == day(of)
        for part in line.body.get("archive", [])
    ]
    found: dict[str, Any] = part
    return found


def test_a_late_part_renews_it(archived: Trail) -> None:
    before = body(archived, 2)
    archived.load([event(40, 2)])
    retain(archived)
    stated = body(archived, 2)
    assert (before["events"], stated["events"]) == (3, 4)
    assert [part["file"] for part in stated["parts"]] == [
        file.relative_to(archived.settings.store.archive_path).as_posix()
        for file in parts(archived)
        if file.parent == path(archived, 2).parent
    ]
    assert (problems(archived), standalone(archived)[0]) == ([], 0)


def test_another_database_signs_with_its_own_key(archived: Trail, tmp_path: Path) -> None:
    before = body(archived, 1)
    store = archived.settings.store.model_copy(update={"path": tmp_path / "other" / "o.duckdb"})
    other = Trail(archived.settings.model_copy(update={"store": store}), tmp_path)
    other.run(lambda store: adoption.adopt(store, other.settings))
    stated = body(other, 1)
    assert stated["key"] == key_file.public(other.files.key) != before["key"]
    assert [stated[name] for name in ("parts", "events", "digest")] == [
        before[name] for name in ("parts", "events", "digest")
    ]
    assert (problems(other), verified(other).files) == ([], 4)
    data = bytearray(parts(other)[2].read_bytes())
    data[len(data) // 2] ^= 1
    parts(other)[2].write_bytes(data)
    assert [(of, kind) for of, kind, _ in problems(other)] == [(day(3), "manifest")]


def test_a_changed_manifest_is_named_with_its_day(archived: Trail) -> None:
    whole = path(archived, 2).read_text()
    stated, own = json.loads(whole), key_file.load(archived.files.key)

    def signed(**more: Any) -> str:
        return chain.canonical(chain.signed({**stated, **more}, own, archive_manifest.CONTEXT))

    (part,) = stated["parts"]
    other = Path(archived.settings.store.path).with_name("other.key")
    for text, words in (
        (whole.replace('"events":3', '"events":2'), "changed after it was signed"),
        ("[]", "changed after it was signed"),
        (whole.replace(stated["signature"][:8], "0" * 8), "wrong signature"),
        (
            chain.canonical(chain.signed(stated, key_file.make(other), archive_manifest.CONTEXT)),
            "wrong signature",
        ),
        (chain.canonical(chain.signed(stated, own)), "wrong signature"),
        (path(archived, 1).read_text(), "other files"),
        (signed(parts=[]), "other files"),
        (signed(parts=[{**part, "rows": 2}]), f"differs from {part['file']}"),
        (signed(schema=2), "later release"),
        (signed(events=2), "states other events"),
        (signed(digest="0" * 64), "states other events"),
    ):
        path(archived, 2).write_text(text)
        ((of, kind, said),) = problems(archived)
        assert (of, kind) == (day(2), "manifest")
        assert words in said
        assert "day=2026-11-02/_manifest.json" in said
    path(archived, 2).unlink()
    assert problems(archived) == [], "an archive of an earlier release has none"


def test_it_waits_until_it_can_be_written(archived: Trail) -> None:
    aside = path(archived, 2).with_name("aside")
    path(archived, 2).rename(aside)
    path(archived, 2).mkdir()  # in the way
    archived.load([event(40, 2)])
    retain(archived)
    assert archived.run(cold_changes.unstated) == [day(2)]
    assert problems(archived) == [], "it is out of date, which is known"
    path(archived, 2).rmdir()
    archived.run(lambda store: adoption.adopt(store, archived.settings))
    assert archived.run(cold_changes.unstated) == []
    assert body(archived, 2)["events"] == 4


def test_a_new_key_signs_all_again(archived: Trail) -> None:
    archived.files.key.unlink()

    def accept(store: Store) -> None:
        fixed_clock.accept(store, archived.settings, "a lost key", "dana")
        adoption.adopt(store, archived.settings)

    archived.run(accept)
    keys = {body(archived, of)["key"] for of in (1, 2, 3, 4)}
    assert keys == {key_file.public(archived.files.key)}
    assert problems(archived) == []


def test_it_can_be_verified_without_this_program(archived: Trail) -> None:
    key = key_file.public(archived.files.key)
    code, text = standalone(archived, "--key", key_file.fingerprint(key))
    assert (code, text.count("  verified")) == (0, 4)
    parts(archived)[0].write_bytes(b"")
    parts(archived)[1].unlink()
    changed = path(archived, 3).read_text().replace('"events":3', '"events":2')
    path(archived, 3).write_text(changed)
    code, text = standalone(archived)
    assert (code, text.count("  verified")) == (1, 1)
    for words in ("was changed", "is missing", "manifest of 2026-11-03 was changed"):
        assert words in text
    assert standalone(archived, "--key", "00" * 32)[0] == 1
