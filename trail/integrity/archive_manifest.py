"""The manifest of an archived day: a signed list of its files, beside them.

`day=YYYY-MM-DD/_manifest.json` is one JSON object: `schema` (1), `day`, `parts` (each with `file`
below the archive folder, `rows`, `bytes` and `sha256`), `events` and `digest` of the day as
`row_digest` has them, over the distinct events of these parts, and `written_at`. `seal`, `key` and
`signature` are made as those of a seal are (see `chain`), over `segment-audit-trail archive 1`.

It is renewed whenever the day's parts change. An archive of an earlier release has none.
"""

import contextlib
import datetime as dt
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.settings import Settings
from trail.integrity import archive_check, chain, mirror, row_digest, seal_store, sealing
from trail.integrity.archive_check import Part
from trail.integrity.chain import Body
from trail.integrity.chain_history import Problem
from trail.integrity.row_digest import Tally
from trail.storage import archive_place, cold_changes, cold_tier, cold_views
from trail.storage.archive_place import Place
from trail.storage.cold_tier import ColdPart
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

# Engines that read folders of Parquet leave out names that begin so.
NAME = "_manifest.json"
CONTEXT = b"segment-audit-trail archive 1\n"
_SCHEMA = 1
_NUMBERS = ("rows", "bytes", "sha256")
_log = logging.getLogger("trail.seals")


def renew(store: Store, settings: Settings) -> int:
    """Write the manifests that are out of date; return how many cannot be written now.

    They wait for the next call: of a day with a missing or damaged part, in a folder that cannot be
    written, or without the signing key. The manifest of a day without parts is deleted.
    """
    since, days = cold_changes.revision(store), cold_changes.unstated(store)
    place = archive_place.of(settings)
    if not days or not place.is_there():
        return len(days)
    listed, done = cold_tier.parts_by_day(store), []
    try:
        key = store.write(lambda cursor: _key(cursor, settings, store.path))
        for day in days:
            parts = listed.get(day, [])
            if all(cold_tier.is_present(place, part) for part in parts):
                _renew(store, place, day, parts, key)
                done.append(day)
    except (OSError, TrailError) as error:
        _log.warning("Manifests of archived days wait: %s", error)
    finally:
        if done:
            store.write(lambda cursor: cold_changes.stated(cursor, done, since))
    return len(days) - len(done)


def _key(cursor: Cursor, settings: Settings, path: Path) -> Ed25519PrivateKey:
    number, _ = seal_store.last(seal_store.asking(cursor))
    return seal_store.signing_key(mirror.files(path, settings), number)


def _renew(
    store: Store, place: Place, day: dt.date, parts: list[ColdPart], key: Ed25519PrivateKey
) -> None:
    name = archive_place.name(day, NAME)
    if not parts:
        place.delete(name)
        return
    with contextlib.ExitStack() as stack:
        paths = [stack.enter_context(place.local(part.file)) for part in parts]
        sums = [archive_check.sha256_of(path) for path in paths]
        with sealing.snapshot(store) as ask:
            rows = row_digest.of_records(ask, cold_views.records(paths))
    body: Body = {
        "schema": _SCHEMA,
        "day": day.isoformat(),
        "parts": [
            {"file": part.file, "rows": part.rows, "bytes": part.bytes, "sha256": sha256}
            for part, sha256 in zip(parts, sums, strict=True)
        ],
        "events": rows.count,
        "digest": rows.digest,
        "written_at": utc_now().isoformat(),
    }
    place.replace_text(name, chain.canonical(chain.signed(body, key, CONTEXT)) + "\n")


def is_there(place: Place, day: dt.date) -> bool:
    """Return whether *day* has a manifest."""
    return place.size(archive_place.name(day, NAME)) is not None


def problems(
    place: Place,
    day: dt.date,
    listed: Collection[str],
    stated: Mapping[str, Part],
    paths: Mapping[str, Path],
    key: str,
) -> list[Problem]:
    """Return what is wrong with the manifest of *day*; nothing where there is none.

    *listed* are the files of the day that are read, *stated* those that a seal states, which are
    compared with their files elsewhere, *paths* has where each file is, and *key* is that of the
    seals (hex). Its events are for `differs`.
    """
    name = archive_place.name(day, NAME)
    try:
        text = place.text(name)
    except OSError:
        return [_problem(day, name, "cannot be read.")]
    if text is None:
        return []
    body = chain.parsed(text)
    if fault := chain.fault_of(body, key, CONTEXT):
        how = "was changed after it was signed." if fault == "changed" else "has a wrong signature."
        return [_problem(day, name, how)]
    if body.get("schema") != _SCHEMA:
        return [_problem(day, name, "is of a later release.")]
    parts = {part["file"]: part for part in body["parts"]}
    if body["day"] != day.isoformat() or parts.keys() != set(listed):
        return [_problem(day, name, "lists other files than are read.")]
    found = []
    for file, part in parts.items():
        numbers = tuple(part[number] for number in _NUMBERS)
        if file in stated:
            right = numbers == tuple(getattr(stated[file], number) for number in _NUMBERS)
        else:
            right = _is_file(paths[file], part)
        if not right:
            found.append(_problem(day, name, f"differs from {file}."))
    return found


def differs(place: Place, day: dt.date, rows: Tally) -> Problem | None:
    """Return how the manifest of *day*, which has no other problem, differs from its events.

    *rows* is the tally of the events in the files that it lists.
    """
    name = archive_place.name(day, NAME)
    body = chain.parsed(place.text(name) or "")
    if not body or (body["events"], body["digest"]) == (rows.count, rows.digest):
        return None
    return _problem(day, name, f"states other events than the {rows.count:,} in its files.")


def _is_file(path: Path, part: Body) -> bool:
    try:
        size, sha256 = path.stat().st_size, archive_check.sha256_of(path)
    except OSError:
        return False
    return (size, sha256) == (part["bytes"], part["sha256"])


def _problem(day: dt.date, name: str, how: str) -> Problem:
    return Problem(day, "manifest", 1, f"Manifest {name} {how}")
