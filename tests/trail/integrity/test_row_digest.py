"""Row digests do not depend on load order, and plain Python computes the same as SQL."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from tests.segment_records import api_event, forwarded, ndjson
from tests.trail.integrity.conftest import Trail
from trail.core.clock import utc_now
from trail.core.model import EVENT_COLUMNS
from trail.core.settings import Settings
from trail.events.export import Export, stream
from trail.ingest.files import load_files
from trail.integrity import row_digest, seal_store, standalone_verifier
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
DAY = dt.date(2026, 11, 1)
SCRIPT = Path(standalone_verifier.__file__)
FIXED = "update events set ingested_at = timestamp '2026-11-05 12:00:00.000001'"


@st.composite
def record(draw: st.DrawFn) -> dict[str, Any]:
    number = draw(st.integers(0, 10_000))
    minute = draw(st.integers(0, 86_399_999))
    at = dt.datetime(2026, 11, 1) + dt.timedelta(milliseconds=minute)
    name = draw(TEXT)
    if draw(st.booleans()):
        return forwarded(
            number, details={"target": name}, timestamp=f"{at.isoformat(timespec='milliseconds')}Z"
        )
    return api_event(
        number,
        timestamp=f"{at.isoformat(timespec='milliseconds')}Z",
        resourceName=name,
        resourceId=draw(TEXT),
        type=draw(st.sampled_from(["Source Modified", "Kilroy, was: here", "5:Æ,ø"])),
    )


def _digest(settings: Settings, folder: Path, loads: list[list[dict[str, Any]]]) -> Any:
    """Return the digest of the day after *loads*, and its export, arrival times set alike."""
    for path in folder.glob("once*"):
        path.unlink()
    store = Store.open(folder / "once.duckdb", settings)
    try:
        for number, records in enumerate(loads):
            path = folder / f"once-{number}.ndjson"
            path.write_bytes(ndjson(records))
            next(load_files(store, settings, [path]))
        store.write(lambda cursor: cursor.execute(FIXED) and None)
        store.write(lambda cursor: cursor.execute("delete from twins") and None)
        edge = row_digest.Edge(DAY, 99, utc_now() + dt.timedelta(days=9))
        result = store.write(lambda cursor: row_digest.scan(seal_store.asking(cursor), [edge]))[DAY]
        chosen = Export(Filter.parse(""), "ndjson", EVENT_COLUMNS)
        text = b"".join(stream(store, chosen, dt.datetime.now(dt.UTC)))
        return result, [json.loads(line) for line in text.split(b"\n") if line]
    finally:
        store.close()


@hypothesis.settings(max_examples=6)
@hypothesis.given(st.lists(record(), min_size=1, max_size=8), st.randoms(), st.integers(0, 8))
def test_any_order_of_loads_gives_the_same_digest(
    settings: Settings, tmp_path: Path, records: list[dict[str, Any]], shuffle: Any, cut: int
) -> None:
    known = {item.get("messageId") or item["id"]: item for item in records}
    # Forwarded calls only or API events only in one trail: which of a pair is first may differ.
    first = "messageId" in records[0]
    records = [item for item in known.values() if ("messageId" in item) == first]
    one, exported = _digest(settings, tmp_path, [records])
    mixed = shuffle.sample(records, len(records))
    two, _ = _digest(settings, tmp_path, [mixed[:cut], mixed[cut:], records])
    assert one.event.digest == two.event.digest
    assert one.event.count == len(exported)
    parts: dict[str, list[str]] = {}
    for row in exported:
        parts.setdefault(standalone_verifier.part_of(row), []).append(
            standalone_verifier.row_hash(row)
        )
    assert standalone_verifier.day_digest(parts) == one.event.digest


def test_canonical_form_of_one_row(trail: Trail) -> None:
    """The exact bytes: any change of them needs a new version."""
    row = {
        "event_id": "evt_1",
        "occurred_at": "2026-11-01T08:00:00Z",
        "ingested_at": "2026-11-01T08:00:01.000002Z",
        "verified": None,
        "action_raw": "Source Modified",
        "actor_id": "users/a",
        "target_type": "source",
        "target_id": "s1",
        "target_name": "Ærø, web",
        "workspace_id": None,
        "raw": '{"id":"evt_1"}',
    }
    assert standalone_verifier.row_hash(row) == (
        "804ed034fcd1313171d94a009421c640cbbf3f1026415b449a505230f81ba657"
    )


@pytest.fixture
def exported(trail: Trail) -> Path:
    """Return an export of the whole trail."""
    path = trail.folder / "export.ndjson"
    trail.load([forwarded(1, timestamp="2026-11-02T23:00:00.000Z")])
    trail.seal()

    def write(store: Store) -> None:
        chosen = Export(Filter.parse(""), "ndjson", EVENT_COLUMNS)
        path.write_bytes(b"".join(stream(store, chosen, dt.datetime.now(dt.UTC))))

    trail.run(write)
    return path


def _checked(export: Path, seals: Path, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(export), str(seals), *more],
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_verifier_accepts_an_unmodified_export(trail: Trail, exported: Path) -> None:
    code, text = _checked(exported, trail.files.mirror, "--whole")
    assert code == 0, text
    assert text.count("unchanged") == 6
    assert "2026-11-02  unchanged, 41 events" in text


def test_the_verifier_detects_an_edit(trail: Trail, exported: Path) -> None:
    exported.write_text(exported.read_text().replace("Web shop", "Web shap", 1))
    code, text = _checked(exported, trail.files.mirror)
    assert code == 1
    assert text.count("CHANGED") == 2  # on its day, and again among the problems


def test_the_verifier_detects_missing_and_added_events(trail: Trail, exported: Path) -> None:
    lines = exported.read_text().splitlines(keepends=True)
    exported.write_text("".join(lines[1:]))
    assert _checked(exported, trail.files.mirror)[0] == 0  # may be a filter's
    code, text = _checked(exported, trail.files.mirror, "--whole")
    assert (code, "MISSING: 39 of 40" in text) == (1, True)
    exported.write_text("".join([*lines, lines[0].replace("evt_", "evt-")]))
    code, text = _checked(exported, trail.files.mirror)
    assert (code, "ADDED: 1 events more" in text) == (1, True)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('"events":40', '"events":39', "changed after it was signed"),
        ('"signature":"', '"signature":"00', "has an invalid signature"),
        ("{", "", "cannot be read"),
    ],
)
def test_the_verifier_detects_a_changed_seal(
    trail: Trail, exported: Path, old: str, new: str, word: str
) -> None:
    seals = trail.folder / "seals.ndjson"
    seals.write_text(trail.files.mirror.read_text().replace(old, new, 1))
    code, text = _checked(exported, seals)
    assert (code, word in text) == (1, True), text


def test_the_verifier_detects_a_removed_seal_and_a_different_key(
    trail: Trail, exported: Path
) -> None:
    seals = trail.folder / "seals.ndjson"
    lines = trail.files.mirror.read_text().splitlines(keepends=True)
    seals.write_text("".join(lines[:1] + lines[2:]))
    code, text = _checked(exported, seals)
    assert (code, "is in the place of seal 2" in text) == (1, True)
    code, text = _checked(exported, trail.files.mirror, "--key", "00" * 32)
    assert (code, "signed by a different key" in text) == (1, True)


def test_the_verifier_rejects_unreadable_files(trail: Trail, exported: Path) -> None:
    assert _checked(trail.folder / "none.ndjson", trail.files.mirror)[0] == 2
    exported.write_text("nothing\n")
    assert _checked(exported, trail.files.mirror)[0] == 2


@hypothesis.given(sizes=st.lists(st.integers(0, 50)), most=st.integers(1, 60))
def test_groups_are_as_large_as_the_limit_allows(sizes: list[int], most: int) -> None:
    made = row_digest.groups(range(len(sizes)), sizes.__getitem__, most)
    assert [item for group in made for item in group] == list(range(len(sizes)))
    rows = [sum(sizes[item] for item in group) for group in made]
    for group, size in zip(made, rows, strict=True):
        assert size <= most or len(group) == 1
    for size, after in zip(rows, made[1:], strict=False):
        assert size + sizes[after[0]] > most
