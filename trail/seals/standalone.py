#!/usr/bin/env python3
"""Check an exported trail against its seals, without the program that made them.

    python verify.py PACK [--key KEY]
    python verify.py EXPORT.ndjson SEALS.ndjson [--key KEY] [--whole]

Needs Python 3.11 and the package `cryptography`; reads what it is given and nothing else. It is one
file, so that it can be read and compared whole.

PACK is an evidence pack: the ZIP, or the folder into which it was unpacked.
EXPORT.ndjson is an export of the audit trail: one event a line, with at least event_id,
occurred_at, ingested_at, verified, action_raw, actor_id, target_type, target_id, target_name,
workspace_id, raw.
SEALS.ndjson is the mirror of the seals: one signed line a statement about one UTC day.

What is checked:
1. Each seal: `seal` is the SHA-256 of the line's other fields as JSON (sorted keys, no spaces,
   ASCII, without seal, key and signature); `signature` is Ed25519 by `key` over
   "segment-audit-trail seal 1", a newline, and the seal. All lines have one key; with --key it is
   that one (the key in hex, or its fingerprint). Get it from the trail's owner by another way than
   these files.
2. The chain: lines are numbered from 1 without a gap, `prev` is the seal before (64 zeros first).
3. Each day that the export touches: its events against the newest seal of that day. A row's hash is
   the SHA-256 of (joined by commas, times in microseconds since 1970 UTC)
       event, occurred, ingested, SHA-256 of raw, verified (true, false, -), road, then the texts
       event_id, action_raw, actor_id, target_type, target_id, target_name, workspace_id,
   each text as length in bytes, a colon, and the text; `road` is forwarded where the raw record is
   a forwarded call (has messageId or properties), else api; an export may say it as "road".
   Rows go into parts by hour and first hex digit of the MD5 of the id; a part's digest is the
   SHA-256 of its sorted hashes; a day's digest that of its lines `part:rows:digest`.
   Rows that arrived after the seal (`batch`, `seen_at`) are late: counted, not held against it.
4. Of a pack also: that it has the files that manifest.json names and no others, each with its size
   and SHA-256; that signature.json is Ed25519 by the key of the seals over
   "segment-audit-trail evidence 1", a newline, and the SHA-256 of manifest.json in hex; that
   events.ndjson has as many rows as the manifest says, and their digest: SHA-256 over, for each
   event in order of time and id, its id, LF, its time in microseconds since 1970, LF, the SHA-256
   of raw in hex, LF. Without a filter, each UTC day that lies whole in the period must be whole.

What cannot be checked here: a day of which the export holds a part only (a filter) is named
"in part", or "MISSING" with --whole, which says that the export has no filter; second reports of
one change, which an export leaves out, have a digest of their own in the seals; and whoever holds
the trail, its seals and the signing key can make all of them anew. So keep a copy of SEALS.ndjson
where they cannot reach it: a later SEALS.ndjson must begin with it.

Prints a line a day and a sentence; the exit code is 0 where nothing is wrong, 1 where something is,
2 for wrong use.
"""

import argparse
import datetime as dt
import hashlib
import io
import json
import sys
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIRST = "0" * 64
CONTEXT = b"segment-audit-trail seal 1\n"
PACK_CONTEXT = b"segment-audit-trail evidence 1\n"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
EVENTS, SEALS = "events.ndjson", "seals.ndjson"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
MAY_BE_EMPTY = ("target_type", "target_id", "target_name", "workspace_id")
TEXTS = ("event_id", "action_raw", "actor_id", *MAY_BE_EMPTY)

Row = dict[str, Any]
# What a ZIP raises that was damaged or changed.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def moment(text: str) -> dt.datetime:
    """Return a time in UTC; *text* without an offset is UTC."""
    at = dt.datetime.fromisoformat(text)
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


def micros(text: str) -> int:
    """Return microseconds since 1970."""
    return (moment(text) - EPOCH) // MICROSECOND


def said(row: Row, name: str) -> str:
    """Return a text as it is hashed; what a record does not name is the empty text."""
    value = row.get(name)
    if value is None and name in MAY_BE_EMPTY:
        value = ""
    return "-" if value is None else f"{len(value.encode())}:{value}"


def road(row: Row) -> str:
    """Return the road by which a record came."""
    if row.get("road"):
        return str(row["road"])
    record = json.loads(row["raw"])
    forwarded = record.get("messageId") is not None or record.get("properties") is not None
    return "forwarded" if forwarded else "api"


def row_hash(row: Row) -> str:
    """Return the hash of one event, in hex."""
    verified = {True: "true", False: "false", None: "-"}[row.get("verified")]
    fields = (
        "event",
        str(micros(row["occurred_at"])),
        str(micros(row["ingested_at"])),
        hashlib.sha256(row["raw"].encode()).hexdigest(),
        verified,
        road(row),
        *(said(row, name) for name in TEXTS),
    )
    return hashlib.sha256(",".join(fields).encode()).hexdigest()


def part_of(row: Row) -> str:
    """Return the part that an event belongs to: its hour, and a digit of its id's MD5."""
    digit = hashlib.md5(row["event_id"].encode(), usedforsecurity=False).hexdigest()[0]
    return f"{moment(row['occurred_at']):%H}{digit}"


def day_digest(parts: dict[str, list[str]]) -> str:
    """Return the digest of a day from the hashes of its rows by part."""
    lines = (
        f"{part}:{len(hashes)}:{hashlib.sha256(''.join(sorted(hashes)).encode()).hexdigest()}\n"
        for part, hashes in sorted(parts.items())
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def fingerprint(key: str) -> str:
    """Return the fingerprint of a public key in hex: 32 digits of its SHA-256, in fours."""
    digest = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def is_key(key: str, wanted: str) -> bool:
    """Return whether *key* (hex) is the one *wanted*, in hex or by its fingerprint."""
    plain = "".join(wanted.split()).lower()
    return not plain or plain in (key.lower(), fingerprint(key).replace(" ", ""))


def signed(key: str, signature: str, text: bytes) -> bool:
    """Return whether *signature* over *text* was made with *key*, both in hex."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def fault(body: Row, key: str, wanted: str) -> str:
    """Return what is wrong with one seal by itself, or an empty string."""
    inside = {name: body[name] for name in body if name not in ("seal", "key", "signature")}
    text = json.dumps(inside, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if hashlib.sha256(text.encode()).hexdigest() != body.get("seal"):
        return "is not as it was signed"
    if body.get("key") != key or not is_key(key, wanted):
        return "was signed by another key"
    if not signed(key, str(body.get("signature")), CONTEXT + body["seal"].encode()):
        return "was not signed by the key"
    return ""


def seals(lines: Iterable[str], key: str, wanted: str) -> tuple[dict[str, Row], list[str]]:
    """Return the newest seal of each day, and what is wrong with the chain.

    *key* in hex must have signed all, without it the first line's; *wanted* is what --key says.
    """
    latest: dict[str, Row] = {}
    wrong: list[str] = []
    prev = FIRST
    for number, line in enumerate(lines, 1):
        try:
            body = json.loads(line)
            key = key or body["key"]
            problem = fault(body, key, wanted)
            if not problem and body["number"] != number:
                problem = f"stands where seal {number} should"
            elif not problem and body["prev"] != prev:
                problem = "does not follow the one before it"
        except (ValueError, KeyError, TypeError, AttributeError):
            wrong.append(f"line {number} of the seals cannot be read")
            continue
        if problem:
            wrong.append(f"seal {body.get('number')} of {body.get('day')} {problem}")
        else:
            latest[body["day"]] = body
        prev = str(body.get("seal"))
    return latest, wrong


def lines_of(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file that hold something; only a newline ends one."""
    for line in io.TextIOWrapper(file, encoding="utf-8", newline="\n"):
        if line.strip():
            yield line


def days(
    rows: Iterable[Row], latest: dict[str, Row]
) -> dict[str, tuple[dict[str, list[str]], int]]:
    """Return by day the hashes of the exported events by part, and how many are late."""
    found: dict[str, tuple[dict[str, list[str]], int]] = {}
    for row in rows:
        day = moment(row["occurred_at"]).date().isoformat()
        parts, late = found.get(day, (defaultdict(list), 0))
        seal = latest.get(day)
        if seal and moment(row["ingested_at"]) >= moment(seal["seen_at"]):
            late += 1
        else:
            parts[part_of(row)].append(row_hash(row))
        found[day] = (parts, late)
    return found


def sealed_anew(seal: Row) -> str:
    """Return in words what somebody did to the day before its newest seal, or an empty string."""
    reason = "".join(c if c.isprintable() else "?" for c in str(seal.get("reason", "")))
    if seal.get("kind") == "accepted":
        return f"; sealed anew since {seal.get('made_by')} accepted it ({reason})"
    if seal.get("kind") == "purge":
        return f"; {seal.get('gone'):,} were removed before ({reason})"
    return ""


def state(seal: Row | None, parts: dict[str, list[str]], late: int) -> tuple[str, bool]:
    """Return what became of one day, in words, and whether that is well."""
    there = sum(len(hashes) for hashes in parts.values())
    more = f", {late:,} arrived after its seal" if late else ""
    more += sealed_anew(seal) if seal else ""
    if seal is None:
        return f"not sealed, {there:,} events cannot be checked", True
    sealed = int(seal["events"])
    if there == sealed and day_digest(parts) == seal["digest"]:
        return f"unchanged, {there:,} events{more}", True
    if there == sealed:
        return f"CHANGED: {there:,} events are not as they were sealed{more}", False
    if there > sealed:
        return f"ADDED: {there - sealed:,} events more than the {sealed:,} sealed{more}", False
    return f"in part: {there:,} of {sealed:,} sealed events; cannot be checked whole{more}", True


def judged(
    found: dict[str, tuple[dict[str, list[str]], int]], latest: dict[str, Row], whole: set[str]
) -> list[str]:
    """Print what became of each day; return what is wrong. A day of *whole* must be all there."""
    wrong = []
    for day in sorted(found.keys() | (latest.keys() & whole)):
        parts, late = found.get(day, ({}, 0))
        words, well = state(latest.get(day), parts, late)
        if day in whole and words.startswith("in part"):
            words, well = words.replace("in part", "MISSING", 1), False
        print(f"{day}  {words}")
        if not well:
            wrong.append(f"{day} {words}")
    return wrong


class Pack:
    """An evidence pack: a ZIP, or the folder of its files."""

    def __init__(self, path: Path) -> None:
        """Open *path*; raises `ValueError` or `OSError` for what is neither."""
        self.folder = path if path.is_dir() else None
        try:
            self.zip = None if self.folder else zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path.name} is no ZIP") from error
        self.names = self.zip.namelist() if self.zip else self._listed(path)

    @staticmethod
    def _listed(folder: Path) -> list[str]:
        found = (each for each in sorted(folder.rglob("*")) if not each.is_dir())
        return [each.relative_to(folder).as_posix() for each in found]

    def open(self, name: str) -> BinaryIO:
        """Return the file *name*, to be read; raises `KeyError` where there is none."""
        if self.zip:
            return self.zip.open(name)  # type: ignore[return-value]
        if name not in self.names or not self.folder:
            raise KeyError(name)
        return (self.folder / name).open("rb")

    def json(self, name: str) -> Row:
        """Return the object in the file *name*; an empty one where there is none."""
        try:
            with self.open(name) as file:
                found = json.loads(file.read())
        except (KeyError, ValueError, *BROKEN):  # too deep is a RuntimeError
            return {}
        return found if isinstance(found, dict) else {}

    def digest(self, name: str) -> tuple[int, str]:
        """Return the size of the file *name* in bytes, and its SHA-256 in hex."""
        size, found = 0, hashlib.sha256()
        with self.open(name) as file:
            while chunk := file.read(1 << 20):
                size += len(chunk)
                found.update(chunk)
        return size, found.hexdigest()


class Rows:
    """The events of a pack, one after the other: counted, and digested in their order."""

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


def of_files(pack: Pack, manifest: Row) -> list[str]:
    """Return what is wrong with the files: missing, too many, or not as the manifest says."""
    listed = {str(each["name"]): each for each in manifest.get("files", [])}
    wrong = [f"{name} is in the pack more than once" for name in sorted(twice(pack.names))]
    known = {*listed, MANIFEST, SIGNATURE}
    wrong += [f"{name} is not in the manifest" for name in sorted({*pack.names} - known)]
    wrong += [f"{name} is missing" for name in sorted(known - {*pack.names})]
    for name, said in listed.items():
        if name in pack.names:
            try:
                right = pack.digest(name) == (said["bytes"], said["sha256"])
            except BROKEN:
                right = False
            if not right:
                wrong.append(f"{name} is not the file that the manifest names")
    return wrong


def twice(names: list[str]) -> set[str]:
    """Return the names that are there more than once."""
    return {name for name in names if names.count(name) > 1}


def of_signature(pack: Pack, wanted: str) -> tuple[str, list[str]]:
    """Return the key in hex that signed the manifest, and what is wrong with the signature."""
    said = pack.json(SIGNATURE)
    key = str(said.get("key", ""))
    if MANIFEST not in pack.names or SIGNATURE not in pack.names:
        return "", ["the manifest is not signed: the pack proves nothing"]
    try:
        digest = pack.digest(MANIFEST)[1]
    except BROKEN:
        return "", [f"{MANIFEST} cannot be read"]
    if not signed(key, str(said.get("signature")), PACK_CONTEXT + digest.encode()):
        return "", [f"{MANIFEST} is not as it was signed"]
    return key, [] if is_key(key, wanted) else [f"{MANIFEST} was signed by another key"]


def of_rows(rows: Rows, chain: list[str], manifest: Row) -> list[str]:
    """Return where rows and seals are not those that the manifest counts."""
    wrong = []
    said = manifest.get("events", {})
    if rows.count != said.get("rows"):
        wrong.append(f"{EVENTS} has {rows.count:,} events, the manifest says {said.get('rows')}")
    elif rows.digest.hexdigest() != said.get("digest"):
        wrong.append(f"the events of {EVENTS} are not those of the manifest's digest")
    if len(chain) != manifest.get("seals", {}).get("lines"):
        wrong.append(f"{SEALS} has {len(chain):,} seals, the manifest names another number")
    return wrong


def whole_days(manifest: Row, days_: Iterable[str]) -> set[str]:
    """Return those of *days_* (UTC) that the period holds whole; none where a filter narrows it."""
    if manifest.get("filter", {}).get("narrowed", True):
        return set()
    period = manifest["period"]
    start = moment(period["from"]) if period["from"] else None
    end = moment(period["to"]) if period["to"] else None
    found = set()
    for day in days_:
        first = moment(day)
        after = first + dt.timedelta(days=1)
        if (start is None or start <= first) and (end is None or after <= end):
            found.add(day)
    return found


def check_pack(path: Path, wanted: str) -> int:
    """Check an evidence pack on its own; print what was found; return the exit code."""
    pack = Pack(path)
    key, wrong = of_signature(pack, wanted)
    if not key:
        return told(wrong, key)  # without its manifest nothing else can be judged
    manifest = pack.json(MANIFEST)
    wrong += of_files(pack, manifest)
    if EVENTS not in pack.names or SEALS not in pack.names:
        return told(wrong, key)
    try:
        with pack.open(SEALS) as file:
            chain = list(lines_of(file))
        latest, problems = seals(chain, key, wanted)
        with pack.open(EVENTS) as file:
            rows = Rows(file)
            found = days(rows, latest)
    except (ValueError, KeyError, TypeError, AttributeError, *BROKEN):
        return told([*wrong, f"{EVENTS} or {SEALS} cannot be read"], key)
    wrong += problems + of_rows(rows, chain, manifest)
    wrong += judged(found, latest, whole_days(manifest, latest))
    print(f"{rows.count:,} events, {len(found):,} days; {len(chain):,} seals in the chain")
    print(f"Chosen: {manifest.get('filter', {}).get('words')}")
    if manifest.get("filter", {}).get("narrowed", True):
        print(
            "This pack is filtered: a day holds a part of its events, so that only the files, the "
            "signature, the chain and days that are whole by chance can be checked. That nothing "
            "was left out of the choice cannot be."
        )
    for gap in manifest.get("coverage", {}).get("gaps", []):
        print(f"Gap: {gap}")
    return told(wrong, key)


def told(wrong: list[str], key: str) -> int:
    """Print what is wrong and who signed; return the exit code."""
    for each in wrong:
        print(f"WRONG: {each}")
    if key:
        print(f"Signed by the key with the fingerprint {fingerprint(key)}")
        print("Ask the trail's owner for the fingerprint by another way, and compare.")
    print("Nothing is wrong." if not wrong else f"{len(wrong):,} wrong. Do not rely on this pack.")
    return 1 if wrong else 0


def check_export(export: Path, mirror: Path, wanted: str, whole: bool) -> int:
    """Check an export against the seals; print what was found; return the exit code."""
    with mirror.open("rb") as file:
        latest, wrong = seals(lines_of(file), "", wanted)
    with export.open("rb") as file:
        found = days((json.loads(line) for line in lines_of(file)), latest)
    wrong += judged(found, latest, set(latest) if whole else set())
    for each in wrong:
        print(f"WRONG: {each}")
    key = next(iter(latest.values()), {}).get("key", wanted or "none")
    print(f"{len(found):,} days, {len(latest):,} sealed; {len(wrong):,} wrong; signed by key {key}")
    return 1 if wrong else 0


def main() -> int:
    """Check what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported trail against its seals.")
    parser.add_argument("export", type=Path, metavar="PACK|EXPORT")
    parser.add_argument("seals", type=Path, nargs="?")
    parser.add_argument("--key", default="", help="the key that must sign, or its fingerprint")
    parser.add_argument("--whole", action="store_true", help="a day in part is wrong: MISSING")
    args = parser.parse_args()
    if args.seals is None:
        return check_pack(args.export, args.key)
    return check_export(args.export, args.seals, args.key, args.whole)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, *BROKEN) as problem:
        print(f"These files cannot be checked: {problem!r}", file=sys.stderr)
        sys.exit(2)
