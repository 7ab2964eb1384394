#!/usr/bin/env python3
"""Check an exported trail against its seals, without the program that made them.

    python standalone.py EXPORT.ndjson SEALS.ndjson [--key HEX] [--whole]

Needs Python 3.11 and the package `cryptography`; reads two files and nothing else.

EXPORT.ndjson is an export of the audit trail: one event a line, with at least event_id,
occurred_at, ingested_at, verified, action_raw, actor_id, target_type, target_id, target_name,
workspace_id, raw.
SEALS.ndjson is the mirror of the seals: one signed line a statement about one UTC day.

What is checked:
1. Each seal: `seal` is the SHA-256 of the line's other fields as JSON (sorted keys, no spaces,
   ASCII, without seal, key and signature); `signature` is Ed25519 by `key` over
   "segment-audit-trail seal 1", a newline, and the seal. All lines have one key; with --key it is
   that one. Get the key from the trail's owner by another way than these files.
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
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIRST = "0" * 64
CONTEXT = b"segment-audit-trail seal 1\n"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
MAY_BE_EMPTY = ("target_type", "target_id", "target_name", "workspace_id")
TEXTS = ("event_id", "action_raw", "actor_id", *MAY_BE_EMPTY)

Row = dict[str, Any]


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


def fault(body: Row, key: str) -> str:
    """Return what is wrong with one seal by itself, or an empty string."""
    inside = {name: body[name] for name in body if name not in ("seal", "key", "signature")}
    text = json.dumps(inside, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if hashlib.sha256(text.encode()).hexdigest() != body.get("seal"):
        return "is not as it was signed"
    if body.get("key") != key:
        return "was signed by another key"
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(body["signature"]), CONTEXT + body["seal"].encode())
    except (InvalidSignature, ValueError, KeyError):
        return "was not signed by the key"
    return ""


def seals(path: Path, key: str) -> tuple[dict[str, Row], list[str]]:
    """Return the newest seal of each day, and what is wrong with the chain."""
    latest: dict[str, Row] = {}
    wrong: list[str] = []
    prev = FIRST
    for number, line in enumerate(lines_of(path), 1):
        try:
            body = json.loads(line)
            key = key or body["key"]
            problem = fault(body, key)
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


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file that hold something; only a newline ends one."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            if line.strip():
                yield line


def days(path: Path, latest: dict[str, Row]) -> dict[str, tuple[dict[str, list[str]], int]]:
    """Return by day the hashes of the exported events by part, and how many are late."""
    found: dict[str, tuple[dict[str, list[str]], int]] = {}
    for line in lines_of(path):
        row = json.loads(line)
        day = moment(row["occurred_at"]).date().isoformat()
        parts, late = found.get(day, (defaultdict(list), 0))
        seal = latest.get(day)
        if seal and moment(row["ingested_at"]) >= moment(seal["seen_at"]):
            late += 1
        else:
            parts[part_of(row)].append(row_hash(row))
        found[day] = (parts, late)
    return found


def state(seal: Row | None, parts: dict[str, list[str]], late: int) -> tuple[str, bool]:
    """Return what became of one day, in words, and whether that is well."""
    there = sum(len(hashes) for hashes in parts.values())
    more = f", {late:,} arrived after its seal" if late else ""
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


def main() -> int:
    """Check the two files; print what was found; return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported trail against its seals.")
    parser.add_argument("export", type=Path)
    parser.add_argument("seals", type=Path)
    parser.add_argument("--key", default="", metavar="HEX", help="the public key that must sign")
    parser.add_argument("--whole", action="store_true", help="a day in part is wrong: MISSING")
    args = parser.parse_args()
    latest, wrong = seals(args.seals, args.key.lower())
    found = days(args.export, latest)
    for day in sorted(found.keys() | (latest.keys() if args.whole else set())):
        parts, late = found.get(day, ({}, 0))
        words, well = state(latest.get(day), parts, late)
        if args.whole and words.startswith("in part"):
            words, well = words.replace("in part", "MISSING", 1), False
        print(f"{day}  {words}")
        if not well:
            wrong.append(f"{day} {words}")
    for each in wrong:
        print(f"WRONG: {each}")
    key = next(iter(latest.values()), {}).get("key", args.key or "none")
    print(f"{len(found):,} days, {len(latest):,} sealed; {len(wrong):,} wrong; signed by key {key}")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as problem:
        print(f"These files cannot be checked: {problem!r}", file=sys.stderr)
        sys.exit(2)
