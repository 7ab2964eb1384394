"""Sign-offs and packs of periods whose days were archived, before or after signing."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.trail.evidence.conftest import Check, files, zipped
from tests.trail.integrity.conftest import A_DAY, DAYS, NOW, Trail, event
from trail.core.download_stats import Tally
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.evidence import certificate, pack, sign_off
from trail.findings import sign_offs
from trail.integrity import standalone_verifier
from trail.retention import policy
from trail.storage import archive_place, tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

AWARE = NOW.replace(tzinfo=dt.UTC)
WEEK = Filter.parse("from=2026-11-01T00:00:00Z&to=2026-11-06T00:00:00Z")
# When the days of DAYS are archived, and when they are removed from the archive.
LATER = AWARE + dt.timedelta(days=15)
LAST = AWARE + dt.timedelta(days=40)
ALL = len(DAYS) * A_DAY


@pytest.fixture(autouse=True)
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_place, "AGAIN_S", 0.0)


@pytest.fixture
def archiving(settings: Settings, tmp_path: Path) -> Trail:
    kept = settings.store.model_copy(update={"archive": True, "retention_days": 14})
    made = Trail(settings.model_copy(update={"store": kept}), tmp_path)
    made.load([event(number, of) for of in DAYS for number in range(A_DAY)])
    assert made.seal() == 6
    return made


def sign(trail: Trail, now: dt.datetime = AWARE) -> int:
    number: int = trail.run(
        lambda store: sign_off.sign(
            store, trail.settings, WEEK, now, "reviewed", "rita", frozenset()
        )
    )
    return number


def archive(trail: Trail, now: dt.datetime = LATER) -> policy.Purged:
    done: policy.Purged = trail.run(lambda store: fixed_clock.retain(store, trail.settings, now))
    return done


def signed(trail: Trail, now: dt.datetime = LATER) -> sign_offs.Signoff:
    (row,) = trail.run(lambda store: sign_offs.signoffs(tiers.both(store), now))
    return row


def packed(trail: Trail, now: dt.datetime = LATER, number: int = 0) -> bytes:
    def build(store: Store) -> bytes:
        made = (
            pack.prepare_signed(store, trail.settings, number, now)
            if number
            else pack.prepare(store, trail.settings, WEEK, now)
        )
        return b"".join(made.stream(Tally()))

    data: bytes = trail.run(build)
    return data


@pytest.mark.parametrize("first", ["signed", "archived"])
def test_a_sign_off_covers_archived_days_and_stays_as_signed(
    archiving: Trail, check: Check, first: str
) -> None:
    if first == "signed":
        sign(archiving)
    assert archive(archiving).archived == ALL
    if first == "archived":
        sign(archiving, LATER)
    row = signed(archiving)
    assert (row.events, row.state) == (ALL, "as signed")

    data = packed(archiving, number=row.signoff_id)
    inside = files(data)
    assert inside["events.ndjson"].count(b"\n") == ALL
    manifest = json.loads(inside["manifest.json"])
    assert manifest["sign_offs"][0]["state"] == "as signed"
    result = check(data)
    assert result.code == 0, result.text
    assert result.text.count("unchanged, 40 events; archived since") == len(DAYS)


def test_what_is_removed_from_the_archive_is_a_change(archiving: Trail, check: Check) -> None:
    sign(archiving)
    archive(archiving)
    stored = archiving.settings.store.model_copy(update={"archive_days": 20})
    archiving.settings = archiving.settings.model_copy(update={"store": stored})
    assert archive(archiving, LAST).expired.events == ALL
    row = signed(archiving, LAST)
    assert row.state.startswith(f"changed after signing: {ALL} events removed (")
    result = check(packed(archiving, LAST))
    assert result.code == 0, result.text
    assert "removed or accepted after it was archived, 0 events cannot be checked" in result.text


def test_a_pack_with_a_changed_archived_event_is_refused(archiving: Trail, check: Check) -> None:
    archive(archiving)
    inside = files(packed(archiving))
    lines = inside["events.ndjson"].splitlines(keepends=True)
    inside["events.ndjson"] = b"".join([lines[0].replace(b"users/", b"users/x"), *lines[1:]])
    result = check(zipped(list(inside.items())))
    assert result.code == 1
    assert "CHANGED: 40 events do not match their seal; archived since" in result.text


def test_an_export_of_archived_days_is_compared_with_their_seals(
    archiving: Trail, check: Check, tmp_path: Path
) -> None:
    archive(archiving)
    path = tmp_path / "events.ndjson"
    path.write_bytes(files(packed(archiving))["events.ndjson"])
    result = check(path, str(archiving.files.mirror), "--whole")
    assert result.code == 0, result.text
    path.write_bytes(path.read_bytes().partition(b"\n")[2])
    assert "MISSING: 39 of 40" in check(path, str(archiving.files.mirror), "--whole").text


def test_late_and_held_events_of_archived_days(archiving: Trail, check: Check) -> None:
    archive(archiving)
    archiving.load([event(A_DAY + 1, 2)])
    result = check(packed(archiving))
    assert result.code == 0, result.text
    assert "unchanged, 40 events, 1 arrived after its seal; archived since" in result.text


def test_without_the_archive_nothing_is_claimed(archiving: Trail) -> None:
    number = sign(archiving)
    archive(archiving)
    folder = archiving.settings.store.archive_path
    folder.rename(folder.with_name("away"))
    row = signed(archiving)
    assert row.state.startswith("not compared: Archive files day=2026-11-01")
    shown = certificate.view(row, "Example")
    assert (shown["status"], shown["unchanged"]) == ("Not compared", False)
    steps: tuple[Callable[[], object], ...] = (
        lambda: sign(archiving, LATER),
        lambda: packed(archiving),
        lambda: packed(archiving, number=number),
    )
    for step in steps:
        with pytest.raises(UnavailableError, match="missing or damaged"):
            step()
    folder.with_name("away").rename(folder)
    assert signed(archiving).state == "as signed"


_SEALED = {"kind": "seal", "events": 3, "digest": "d", "key": "k", "seen_at": "t"}
_PURGED = {**_SEALED, "kind": "purge", "events": 0, "gone": 3}
_MOVED = {**_PURGED, "archive": []}
_ACCEPTED = {**_SEALED, "kind": "accepted"}


@pytest.mark.parametrize(
    ("bodies", "archived", "unsure"),
    [
        ([_SEALED], False, False),
        ([_SEALED, _MOVED], True, False),
        ([_SEALED, {**_PURGED, "reason": "retention policy; archived"}], True, False),
        (
            [_SEALED, _MOVED, {**_PURGED, "gone": 0, "gone_twins": 1}],
            True,
            False,
        ),
        ([_SEALED, _MOVED, _SEALED], True, False),
        ([_SEALED, _MOVED, _PURGED], True, True),
        (
            [_SEALED, _MOVED, {**_MOVED, "archive_gone": 1}],
            True,
            True,
        ),
        (
            [_SEALED, _MOVED, _ACCEPTED, _SEALED],
            True,
            True,
        ),
        ([_MOVED], True, True),
    ],
)
def test_what_an_archived_day_is_compared_with(
    bodies: list[dict[str, object]], archived: bool, unsure: bool
) -> None:
    before = None
    for body in bodies:
        before = standalone_verifier.compared(before, body)
    assert before
    assert (before["archived"], before["unsure"]) == (archived, unsure)
    assert unsure or before["events"] == 3
