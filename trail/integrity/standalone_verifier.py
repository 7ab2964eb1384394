#!/usr/bin/env python3
"""Verify an evidence pack, an export or an archive, without the program that made them.

    python verify.py PACK [--key KEY] [--no-limits]
    python verify.py EXPORT.ndjson SEALS.ndjson [--key KEY] [--whole] [--no-limits]
    python verify.py ARCHIVE [--key KEY]

Needs Python 3.11 and the package `cryptography`; reads only the given files. It is a single file,
so that it can be read and compared as a whole.

The files are not trusted. Text from them is printed on one line, with a question mark for every
character that is not printable. Files made to exhaust memory or disk (see LIMITS) are refused
before they are unpacked; --no-limits reads them anyway.

PACK is an evidence pack: the ZIP, or the folder it was unpacked into.
EXPORT.ndjson is an export of the audit trail: one event per line, with at least event_id,
occurred_at, ingested_at, verified, action_raw, actor_id, target_type, target_id, target_name,
workspace_id, raw.
ARCHIVE is the folder of archived days: day=YYYY-MM-DD/_manifest.json beside the files of the day.
SEALS.ndjson is the mirror of the seals: one signed line per statement about one UTC day.

What is checked:
1. Each seal: `seal` is the SHA-256 of the line's other fields as JSON (sorted keys, no spaces,
   ASCII, without seal, key and signature); `signature` is Ed25519 by `key` over
   "segment-audit-trail seal 1", a newline, and the seal. All lines have the same key, with --key
   the given one (in hex, or its fingerprint). Get it from the trail's owner separately.
2. The chain: lines are numbered from 1 without gaps; `prev` is the previous seal (64 zeros first).
3. Each day of the export: its events against the newest seal of that day. A row's hash is the
   SHA-256 of (joined by commas, times in microseconds since 1970 UTC)
       event, occurred, ingested, SHA-256 of raw, verified (true, false, -), road, then the texts
       event_id, action_raw, actor_id, target_type, target_id, target_name, workspace_id,
   each text as length in bytes, a colon, and the text; actor_id is recorded_actor_id where the
   export has it (the id in the record; actor_id may be the user that it was proven to be); `road`
   is "forwarded" if the raw record is a forwarded call (has messageId or properties), else "api";
   an export may state it as "road".
   Rows are grouped into parts by hour and first hex digit of the MD5 of the id; a part's digest is
   the SHA-256 of its sorted hashes; a day's digest that of its lines `part:rows:digest`.
   Rows that arrived after the seal (`batch`, `seen_at`) are late: counted, but not compared.
   A seal of kind "purge" with "archive", or with a reason that ends in "; archived", states that
   events moved to the archive: the day is compared with the seal before the first of these, unless
   events of it were removed (`gone`, `archive_gone`), or it was accepted or restored, after that:
   then it cannot be checked.
4. For a pack also: that it has exactly the files that manifest.json lists, each with its size and
   SHA-256; that signature.json is Ed25519 by the key of the seals over
   "segment-audit-trail evidence 1", a newline, and the SHA-256 of manifest.json in hex; that
   events.ndjson has as many rows as the manifest states, and their digest: SHA-256 over, for each
   event in order of time and id, its id, LF, its time in microseconds since 1970, LF, the SHA-256
   of raw in hex, LF. Without a filter, each UTC day within the period must be complete.
5. For an archive instead: that _manifest.json of each day is signed as a seal is, over
   "segment-audit-trail archive 1", a newline, and its seal; and that each file that it lists has
   its size and SHA-256. The events and their digest (as in 3) are stated, not computed again: a
   seal of the whole day states the same two. Files that are not listed are not read by the trail.

What cannot be checked: a day of which the export contains only some events (a filter) is reported
as "partial", or as "MISSING" with --whole, which states that the export has no filter; second
reports of one change, which exports omit, have a digest of their own in the seals; and whoever
controls the trail, its seals and the signing key can recreate all of them. Keep a copy of
SEALS.ndjson out of their reach: a later SEALS.ndjson must begin with it.

Prints a line per day and a summary. The exit code is 0 without problems, 1 with problems, 2 for
wrong use or files that cannot be read.
"""

import argparse
import datetime as dt
import hashlib
import io
import json
import os
import sys
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIRST = "0" * 64
CONTEXT = b"segment-audit-trail seal 1\n"
ARCHIVE_CONTEXT = b"segment-audit-trail archive 1\n"
PACK_CONTEXT = b"segment-audit-trail evidence 1\n"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
DAY_MANIFEST = "_manifest.json"  # of an archive
EVENTS, SEALS = "events.ndjson", "seals.ndjson"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
MAY_BE_EMPTY = ("target_type", "target_id", "target_name", "workspace_id")
TEXTS = ("event_id", "action_raw", "actor_id", *MAY_BE_EMPTY)

Row = dict[str, Any]
# Exceptions raised by a damaged or modified ZIP.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
# Exceptions raised by lines and documents with unexpected content.
ODD = (ValueError, KeyError, TypeError, AttributeError, OverflowError)

# What a pack may demand. A ratio is only judged where more than `free_bytes` are unpacked.
LIMITS = {
    "files": 1000,  # in a pack
    "directory_bytes": 4 << 20,  # of a ZIP: the list of its files
    "free_bytes": 64 << 20,
    "ratio": 200,  # unpacked bytes for each packed byte
    "line_bytes": 8 << 20,  # of a line, and of manifest.json and signature.json
    "days": 100_000,  # in a pack
    "rows": 2_000_000,  # of one sealed day
    "shown": 1000,  # problems, gaps
    "characters": 500,  # of one text from a pack
}


class RefusedError(Exception):
    """The files demand more than LIMITS allows."""


def refuse_above(limit: str, value: int, what: str) -> None:
    """Raise `RefusedError`, which says *what* is wrong, if *value* exceeds LIMITS."""
    if value > LIMITS[limit]:
        raise RefusedError(f"{what} ({value:,}; the limit is {LIMITS[limit]:,})")


def clean(text: object) -> str:
    """Return *text* as one line, with ? for control and direction characters."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def quoted(value: object) -> str:
    """Return a value from the files as text of limited length."""
    text = value if isinstance(value, str) else repr(value)
    limit = LIMITS["characters"]
    return text if len(text) <= limit else f"{text[:limit]}…"


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line; the only function that prints, so that nothing is printed unescaped."""
    print(clean(line), file=file or sys.stdout)


def moment(text: str) -> dt.datetime:
    """Return a time in UTC; *text* without an offset is UTC."""
    at = dt.datetime.fromisoformat(text)
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


def micros(text: str) -> int:
    """Return microseconds since 1970."""
    return (moment(text) - EPOCH) // MICROSECOND


def field_text(row: Row, name: str) -> str:
    """Return a field as it is hashed; one that a record omits is the empty text."""
    value = row.get(name)
    if value is None and name in MAY_BE_EMPTY:
        value = ""
    return "-" if value is None else f"{len(value.encode())}:{value}"


def road(row: Row) -> str:
    """Return how a record arrived: "forwarded" or "api"."""
    if row.get("road"):
        return str(row["road"])
    record = json.loads(row["raw"])
    forwarded = record.get("messageId") is not None or record.get("properties") is not None
    return "forwarded" if forwarded else "api"


def row_hash(row: Row) -> str:
    """Return the hash of one event, in hex."""
    verified = {True: "true", False: "false", None: "-"}[row.get("verified")]
    if row.get("recorded_actor_id") is not None:
        row = {**row, "actor_id": row["recorded_actor_id"]}
    fields = (
        "event",
        str(micros(row["occurred_at"])),
        str(micros(row["ingested_at"])),
        hashlib.sha256(row["raw"].encode()).hexdigest(),
        verified,
        road(row),
        *(field_text(row, name) for name in TEXTS),
    )
    return hashlib.sha256(",".join(fields).encode()).hexdigest()


def part_of(row: Row) -> str:
    """Return the part of an event: its hour and the first hex digit of the MD5 of its id."""
    digit = hashlib.md5(row["event_id"].encode(), usedforsecurity=False).hexdigest()[0]
    return f"{moment(row['occurred_at']):%H}{digit}"


def day_digest(parts: Mapping[str, Iterable[str]]) -> str:
    """Return the digest of a day from the hashes of its rows by part, in hex."""
    digest = hashlib.sha256()
    for part in sorted(parts):
        hashes = sorted(bytes.fromhex(row) for row in parts[part])
        inner = hashlib.sha256()
        for row in hashes:
            inner.update(row.hex().encode())
        digest.update(f"{part}:{len(hashes)}:{inner.hexdigest()}\n".encode())
    return digest.hexdigest()


class Hashes:
    """The hashes of the rows of one part, 32 bytes each."""

    def __init__(self) -> None:
        """Begin without rows."""
        self._bytes = bytearray()

    def add(self, row: str) -> None:
        """Add the hash of a row, in hex."""
        self._bytes += bytes.fromhex(row)

    def __iter__(self) -> Iterator[str]:
        """Yield the hashes in hex."""
        for at in range(0, len(self._bytes), 32):
            yield self._bytes[at : at + 32].hex()


class Day:
    """The exported events of one day: how many, how many of them late, and their digest."""

    def __init__(self) -> None:
        """Begin without events."""
        self.count, self.late, self.scattered = 0, 0, False
        self._parts: dict[str, Hashes] | None = defaultdict(Hashes)
        self._digest = ""

    def add(self, row: Row) -> None:
        """Add an event that is not late to a sealed day."""
        self.count += 1
        if self._parts is None:
            self.scattered = True  # in a pack, the events of a day are together
        else:
            self._parts[part_of(row)].add(row_hash(row))

    def digest(self) -> str:
        """Return the digest; no event can be added afterwards, and the memory is free."""
        if self._parts is not None:
            self._digest, self._parts = day_digest(self._parts), None
        return self._digest


def fingerprint(key: str) -> str:
    """Return the fingerprint of a public key in hex: 32 digits of its SHA-256 in groups of 4."""
    digest = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def is_key(key: str, wanted: str) -> bool:
    """Return whether *key* (hex) matches *wanted*, a key in hex or a fingerprint."""
    plain = "".join(wanted.split()).lower()
    return not plain or plain in (key.lower(), fingerprint(key).replace(" ", ""))


def is_signed(key: str, signature: str, text: bytes) -> bool:
    """Return whether *signature* over *text* was made with *key*, both in hex."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def fault(body: Row, key: str, wanted: str, context: bytes = CONTEXT) -> str:
    """Return the problem of a single seal, or of what is signed as one, or an empty string."""
    inside = {name: body[name] for name in body if name not in ("seal", "key", "signature")}
    text = json.dumps(inside, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if hashlib.sha256(text.encode()).hexdigest() != body.get("seal"):
        return "was changed after it was signed"
    if body.get("key") != key or not is_key(key, wanted):
        return "was signed by a different key"
    if not is_signed(key, str(body.get("signature")), context + body["seal"].encode()):
        return "has an invalid signature"
    return ""


def seals(lines: Iterable[str], key: str, wanted: str) -> tuple[dict[str, Row], list[str]]:
    """Return the seal that each day is compared with, and the problems of the chain.

    All must be signed by *key* (hex), or the first line's if it is empty; *wanted* is the --key.
    """
    latest: dict[str, Row] = {}
    problems: list[str] = []
    prev = FIRST
    for number, line in enumerate(lines, 1):
        if len(problems) >= LIMITS["shown"]:
            problems.append(f"the seals from line {number} were not checked")
            break
        try:
            body = json.loads(line)
            key = key or str(body["key"])
            day = str(body["day"])
            if dt.date.fromisoformat(day).isoformat() != day:
                raise ValueError(day)
            problem = fault(body, key, wanted)
            if not problem and body["number"] != number:
                problem = f"is in the place of seal {number}"
            elif not problem and body["prev"] != prev:
                problem = "does not continue the previous seal"
        except (RecursionError, *ODD):
            problems.append(f"line {number} of the seals cannot be read")
            continue
        if problem:
            problems.append(f"seal {quoted(body.get('number'))} of {day} {problem}")
        else:
            latest[day] = compared(latest.get(day), body)
            refuse_above("days", len(latest), "There are seals of too many days")
        prev = str(body.get("seal"))
    return latest, problems


def compared(before: Row | None, body: Row) -> Row:
    """Return what a day is compared with from the seal *body* on, and with *before* until then."""
    kept = ("seen_at", "events", "digest", "kind", "reason", "made_by", "gone", "key")
    seal = {name: body[name] for name in kept if name in body}
    was_archived = before is not None and before["archived"]
    purged, kind = body.get("kind") == "purge", body.get("kind")
    # The first releases did not state the files.
    said = "archive" in body or str(body.get("reason", "")).endswith("; archived")
    moved = purged and said and "archive_gone" not in body
    # A purge can also be of second reports alone.
    lost = purged and not moved and bool(body.get("gone") or "archive_gone" in body)
    unsure = (moved and before is None) or (
        was_archived and (lost or kind in ("accepted", "restored"))
    )
    if before and (moved or was_archived):
        return {**before, "archived": True, "unsure": before["unsure"] or unsure}
    return {**seal, "archived": moved, "unsure": unsure}


def lines_of(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file that are not blank; only a newline ends a line."""
    limit = LIMITS["line_bytes"]
    with io.BufferedReader(cast("io.RawIOBase", file), 1 << 20) as reader:
        while line := reader.readline(limit + 1):
            refuse_above("line_bytes", len(line), "There is a line with too many bytes")
            text = line.decode()
            if text.strip():
                yield text


def rows_by_day(rows: Iterable[Row], latest: dict[str, Row], in_order: bool) -> dict[str, Day]:
    """Return the exported events by day. With *in_order*, the events of a day must be together."""
    days: dict[str, Day] = {}
    current = ""
    for row in rows:
        day = moment(row["occurred_at"]).date().isoformat()
        if day != current:
            if in_order and current in days and current in latest:
                days[current].digest()
            current = day
        if day not in days:
            days[day] = Day()
            if in_order:
                refuse_above("days", len(days), "There are events of too many days")
        seal = latest.get(day)
        if not seal:
            days[day].count += 1
        elif moment(row["ingested_at"]) >= moment(seal["seen_at"]):
            days[day].late += 1
        else:
            days[day].add(row)
            if in_order:
                refuse_above("rows", days[day].count, f"There are too many events on {day}")
    return days


def intervention(seal: Row) -> str:
    """Return what was done to the day before the seal that it is compared with, or nothing."""
    reason = quoted(seal.get("reason", ""))
    moved = "; archived since" if seal["archived"] else ""
    if seal.get("kind") == "accepted":
        return f"; accepted by {quoted(seal.get('made_by'))} as it was then ({reason}){moved}"
    if seal.get("kind") == "purge":
        return f"; {int(seal.get('gone', 0)):,} removed earlier ({reason}){moved}"
    return moved


def state(seal: Row | None, day: Day) -> tuple[str, bool]:
    """Return the result for one day as text, and whether it is free of problems."""
    count = day.count
    more = f", {day.late:,} arrived after its seal" if day.late else ""
    more += intervention(seal) if seal else ""
    if seal is None or seal["unsure"]:
        why = "removed or accepted after it was archived" if seal else "not sealed"
        return f"{why}, {count:,} events cannot be checked", True
    sealed = int(seal["events"])
    if day.scattered:
        return f"CHANGED: its {count:,} events are not in order of time{more}", False
    if count == sealed and day.digest() == seal["digest"]:
        return f"unchanged, {count:,} events{more}", True
    if count == sealed:
        return f"CHANGED: {count:,} events do not match their seal{more}", False
    if count > sealed:
        return f"ADDED: {count - sealed:,} events more than the {sealed:,} sealed{more}", False
    return f"partial: {count:,} of {sealed:,} sealed events; cannot be checked{more}", True


def check_days(days: dict[str, Day], latest: dict[str, Row], complete: set[str]) -> list[str]:
    """Print the result for each day; return the problems. Days of *complete* must be complete."""
    problems = []
    for day in sorted(days.keys() | (latest.keys() & complete)):
        text, ok = state(latest.get(day), days.get(day) or Day())
        if day in complete and text.startswith("partial"):
            text, ok = text.replace("partial", "MISSING", 1), False
        say(f"{day}  {text}")
        if not ok:
            problems.append(f"{day} {text}")
    return problems


class Limited(io.FileIO):
    """A file that refuses to be read in large pieces: the list of files of a ZIP is one piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to *size* bytes."""
        rest = max(0, os.fstat(self.fileno()).st_size - self.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        refuse_above("directory_bytes", wanted, "The list of files in the ZIP is too long")
        return super().read(wanted)


def refuse_bombs(members: list[zipfile.ZipInfo], packed: int) -> None:
    """Raise `RefusedError` for a ZIP of *packed* bytes that is made to exhaust memory or disk.

    The sizes are those that the ZIP states; `zipfile` never unpacks more of a member than that.
    """
    refuse_above("files", len(members), "There are too many files in the ZIP")
    if any(
        item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for item in members
    ):
        raise RefusedError("The ZIP uses a compression that packs do not use")
    pairs = [(item.file_size, item.compress_size) for item in members]
    for size, compressed in (*pairs, (sum(size for size, _ in pairs), packed)):
        if size > LIMITS["free_bytes"]:
            refuse_above(
                "ratio", size // max(1, compressed), "The ZIP unpacks to too many times its size"
            )


class Pack:
    """An evidence pack: a ZIP, or the folder of its files."""

    def __init__(self, path: Path) -> None:
        """Open *path*; raises `ValueError`, `OSError` or `RefusedError` if it is neither."""
        self.folder = path if path.is_dir() else None
        self.zip: zipfile.ZipFile | None = None
        if self.folder:
            self.names = self._listed(path)
            return
        self._file = Limited(path)
        try:
            self.zip = zipfile.ZipFile(self._file)
            refuse_bombs(self.zip.infolist(), path.stat().st_size)
            self.names = self.zip.namelist()
        except BaseException as error:
            self._file.close()
            if isinstance(error, zipfile.BadZipFile):
                raise ValueError(f"{path.name} is not a ZIP file") from error
            raise

    def __enter__(self) -> "Pack":
        """Return the pack."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self.zip:
            self.zip.close()
            self._file.close()

    @staticmethod
    def _listed(folder: Path) -> list[str]:
        names = []
        for path in folder.rglob("*"):
            if path.is_symlink() or not path.is_dir():
                names.append(path.relative_to(folder).as_posix())
                refuse_above("files", len(names), "There are too many files in the folder")
        return sorted(names)

    def open(self, name: str) -> BinaryIO:
        """Open the file *name* for reading; raises `KeyError` if there is none."""
        if self.zip:
            return self.zip.open(name)  # type: ignore[return-value]
        if name not in self.names or not self.folder:
            raise KeyError(name)
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            raise OSError("not a regular file")
        return path.open("rb", buffering=0)

    def json(self, name: str) -> Row:
        """Return the JSON object in the file *name*, or an empty one."""
        try:
            text = bytearray()
            with self.open(name) as file:
                while piece := file.read(1 << 20):
                    text += piece
                    refuse_above("line_bytes", len(text), f"{quoted(name)} has too many bytes")
            document = json.loads(text)
        except (*ODD, *BROKEN):  # a RuntimeError if nested too deeply
            return {}
        return document if isinstance(document, dict) else {}

    def digest(self, name: str) -> tuple[int, str]:
        """Return the size of the file *name* in bytes, and its SHA-256 in hex."""
        size, digest = 0, hashlib.sha256()
        with self.open(name) as file:
            while chunk := file.read(1 << 20):
                size += len(chunk)
                digest.update(chunk)
        return size, digest.hexdigest()


class Rows:
    """Iterates over the events of a pack, and counts and digests them in their order."""

    def __init__(self, file: BinaryIO) -> None:
        """Read from *file*."""
        self.count, self.digest, self._file = 0, hashlib.sha256(), file

    def __iter__(self) -> Iterator[Row]:
        """Yield the events."""
        for line in lines_of(self._file):
            row = json.loads(line)
            raw = hashlib.sha256(row["raw"].encode()).hexdigest()
            self.digest.update(f"{row['event_id']}\n{micros(row['occurred_at'])}\n{raw}\n".encode())
            self.count += 1
            yield row


def file_problems(pack: Pack, manifest: Row) -> list[str]:
    """Return the problems of the files: missing, additional, or different from the manifest."""
    listed = {str(file["name"]): file for file in manifest.get("files", [])}
    refuse_above("files", len(listed), "There are too many files in the manifest")
    expected = {*listed, MANIFEST, SIGNATURE}
    problems = [
        f"{quoted(name)} is in the pack more than once"
        for name in sorted({name for name in pack.names if pack.names.count(name) > 1})
    ]
    problems += [
        f"{quoted(name)} is not in the manifest" for name in sorted({*pack.names} - expected)
    ]
    problems += [f"{quoted(name)} is missing" for name in sorted(expected - {*pack.names})]
    for name, file in listed.items():
        if name in pack.names:
            try:
                matches = pack.digest(name) == (file["bytes"], file["sha256"])
            except BROKEN:
                matches = False
            if not matches:
                problems.append(f"{quoted(name)} does not match the manifest")
    return problems


def signer(pack: Pack, wanted: str) -> tuple[str, list[str]]:
    """Return the key in hex that signed the manifest, and the problems of the signature."""
    document = pack.json(SIGNATURE)
    key = str(document.get("key", ""))
    if MANIFEST not in pack.names or SIGNATURE not in pack.names:
        return "", ["the manifest is not signed: the pack proves nothing"]
    try:
        digest = pack.digest(MANIFEST)[1]
    except BROKEN:
        return "", [f"{MANIFEST} cannot be read"]
    if not is_signed(key, str(document.get("signature")), PACK_CONTEXT + digest.encode()):
        return "", [f"{MANIFEST} does not match its signature"]
    return key, [] if is_key(key, wanted) else [f"{MANIFEST} was signed by a different key"]


def count_problems(rows: Rows, lines: int, manifest: Row) -> list[str]:
    """Return where events and seals differ from the counts and digests of the manifest."""
    problems = []
    events = manifest.get("events", {})
    if rows.count != events.get("rows"):
        problems.append(
            f"{EVENTS} has {rows.count:,} events, the manifest states {quoted(events.get('rows'))}"
        )
    elif rows.digest.hexdigest() != events.get("digest"):
        problems.append(f"the events of {EVENTS} do not match the digest in the manifest")
    if lines != manifest.get("seals", {}).get("lines"):
        problems.append(f"{SEALS} has {lines:,} seals, the manifest states another number")
    return problems


def complete_days(manifest: Row, days: Iterable[str]) -> set[str]:
    """Return those of *days* (UTC) that lie within the period; none if the pack is filtered."""
    if manifest.get("filter", {}).get("narrowed", True):
        return set()
    period = manifest["period"]
    start = moment(period["from"]) if period["from"] else None
    end = moment(period["to"]) if period["to"] else None
    return {
        day
        for day in days
        if (start is None or start <= moment(day))
        and (end is None or moment(day) + dt.timedelta(days=1) <= end)
    }


def check_pack(pack: Pack, wanted: str) -> int:
    """Verify an evidence pack and print the results; return the exit code."""
    key, problems = signer(pack, wanted)
    if not key:
        return report(problems, key)  # nothing else can be judged without the manifest
    manifest = pack.json(MANIFEST)
    problems += file_problems(pack, manifest)
    if EVENTS not in pack.names or SEALS not in pack.names:
        return report(problems, key)
    # The rest, such as findings, is not needed in memory.
    needed = ("events", "seals", "filter", "period", "coverage")
    manifest = {name: manifest[name] for name in needed if name in manifest}
    chain = Counted()
    try:
        with pack.open(SEALS) as file:
            latest, chain_problems = seals(chain.of(lines_of(file)), key, wanted)
        with pack.open(EVENTS) as file:
            rows = Rows(file)
            days = rows_by_day(rows, latest, in_order=True)
    except (*ODD, *BROKEN):
        return report([*problems, f"{EVENTS} or {SEALS} cannot be read"], key)
    problems += chain_problems + count_problems(rows, chain.count, manifest)
    problems += check_days(days, latest, complete_days(manifest, latest))
    say(f"{rows.count:,} events, {len(days):,} days; {chain.count:,} seals in the chain")
    say(f"Selection: {quoted(manifest.get('filter', {}).get('words'))}")
    if manifest.get("filter", {}).get("narrowed", True):
        say(
            "This pack is filtered and contains only some events of each day. The files, the "
            "signature and the chain were checked; whether the pack contains everything that "
            "matches its filter cannot be checked."
        )
    say_each("Gap", [quoted(gap) for gap in manifest.get("coverage", {}).get("gaps", [])])
    return report(problems, key)


class Counted:
    """Counts the lines that pass."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.count = 0

    def of(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield *lines*."""
        for line in lines:
            self.count += 1
            yield line


def say_each(label: str, texts: list[str]) -> None:
    """Print each of *texts* after its *label*, up to the limit."""
    for text in texts[: LIMITS["shown"]]:
        say(f"{label}: {text}")
    if len(texts) > LIMITS["shown"]:
        say(f"{label}: {len(texts) - LIMITS['shown']:,} more")


def report(problems: list[str], key: str, what: str = "pack") -> int:
    """Print the problems and the signer of *what* was verified; return the exit code."""
    say_each("PROBLEM", problems)
    if key:
        say(f"Signed by the key with the fingerprint {fingerprint(key)}")
        say("Compare it with the fingerprint that the trail's owner gives you separately.")
    say(
        f"{len(problems):,} problems. Do not rely on this {what}."
        if problems
        else "No problems found."
    )
    return 1 if problems else 0


def check_export(export: Path, mirror: Path, wanted: str, whole: bool) -> int:
    """Verify an export against the seals and print the results; return the exit code."""
    with mirror.open("rb", buffering=0) as file:
        latest, problems = seals(lines_of(file), "", wanted)
    key = quoted(next(iter(latest.values()), {}).get("key", wanted or "none"))
    with export.open("rb", buffering=0) as file:
        rows = (json.loads(line) for line in lines_of(file))
        days = rows_by_day(rows, latest, in_order=False)
    problems += check_days(days, latest, set(latest) if whole else set())
    say_each("PROBLEM", problems)
    say(f"{len(days):,} days, {len(latest):,} sealed; {len(problems):,} problems; key {key}")
    return 1 if problems else 0


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def day_problems(folder: Path, day: str, key: str, wanted: str) -> tuple[list[str], Row]:
    """Return the problems of an archived day, and its manifest."""
    with (folder / f"day={day}" / DAY_MANIFEST).open("rb", buffering=0) as file:
        body: Row = json.loads(next(lines_of(file)))
    if problem := fault(body, key or str(body.get("key")), wanted, ARCHIVE_CONTEXT):
        return [f"the manifest of {day} {problem}"], body
    if body["day"] != day or body["schema"] != 1:
        return [f"the manifest of {day} is of another day, or of a later version"], body
    problems = []
    for part in body["parts"]:
        path = folder / part["file"]
        if path.parent != folder / f"day={day}" or not path.is_file():
            problems.append(f"{quoted(part['file'])} is missing")
        elif (path.stat().st_size, file_sha256(path)) != (part["bytes"], part["sha256"]):
            problems.append(f"{quoted(part['file'])} was changed")
    return problems, body


def check_archive(folder: Path, wanted: str) -> int:
    """Verify the manifests of an archive and their files, print the results; return the code."""
    problems: list[str] = []
    key, days, without = "", 0, 0
    for path in sorted(folder.glob("day=*")):
        day = path.name.removeprefix("day=")
        if not (path / DAY_MANIFEST).exists():
            without += 1
            continue
        found, body = day_problems(folder, day, key, wanted)
        key = key or ("" if found else str(body["key"]))
        problems += found
        days += 1
        if not found:
            say(f"{day}  {body['events']:>10,} events  {body['digest']}  verified")
    say(f"{days:,} days with a manifest, {without:,} without")
    return report(problems, key, "archive")


def main() -> int:
    """Verify the files on the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        description="Verify an evidence pack, an export or an archive against its signatures."
    )
    parser.add_argument("export", type=Path, metavar="PACK|EXPORT|ARCHIVE")
    parser.add_argument("seals", type=Path, nargs="?")
    parser.add_argument("--key", default="", help="expected signing key, or its fingerprint")
    parser.add_argument(
        "--whole", action="store_true", help="report partial days as problems (MISSING)"
    )
    parser.add_argument(
        "--no-limits", action="store_true", help="read files of any size, if you trust them"
    )
    args = parser.parse_args()
    if args.no_limits:
        LIMITS.update(dict.fromkeys(LIMITS.keys() - {"shown", "characters"}, sys.maxsize // 2))
    if args.seals is None and any(args.export.glob(f"day=*/{DAY_MANIFEST}")):
        return check_archive(args.export, args.key)
    if args.seals is None:
        with Pack(args.export) as pack:
            return check_pack(pack, args.key)
    return check_export(args.export, args.seals, args.key, args.whole)


if __name__ == "__main__":
    # Characters that the terminal cannot show do not stop the check.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(main())
    except RefusedError as refusal:
        say(
            f"These files were not verified: {refusal}. With --no-limits they are read anyway.",
            sys.stderr,
        )
        sys.exit(2)
    except MemoryError:
        say("These files cannot be verified: there is not enough memory.", sys.stderr)
        sys.exit(2)
    except (*ODD, *BROKEN) as problem:
        say(f"These files cannot be verified: {quoted(problem)}", sys.stderr)
        sys.exit(2)
