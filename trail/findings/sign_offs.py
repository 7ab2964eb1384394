"""Sign-offs of periods: append-only, each with a body that says word for word what it covered.

The body is canonical JSON (sorted keys, no spaces, ASCII), stored once under its SHA-256, the
fingerprint of the sign-off. `signature` is Ed25519 over `segment-audit-trail sign-off 1`, a newline
and the fingerprint in hex, by the key of the seals. Sign-offs of earlier versions have no body.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trail.core.clock import naive_utc
from trail.core.errors import InputError
from trail.findings import sign_off_changes
from trail.findings.sign_off_changes import Change
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window

CONTEXT = "segment-audit-trail sign-off 1"

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signoff:
    """A signed period (UTC, end exclusive), what it covered, and what has changed since.

    *body*, *body_text*, *fingerprint*, *key* and *signature* are empty for a sign-off of an earlier
    version.
    """

    signoff_id: int
    from_at: dt.datetime
    to_at: dt.datetime
    query: str
    events: int
    digest: str
    findings: int
    undecided: int
    reason: str
    signed_by: str
    signed_at: dt.datetime
    body: Body
    body_text: str
    fingerprint: str
    key: str
    signature: str
    changes: tuple[Change, ...]
    signed_again: int | None = None

    @property
    def is_unknown(self) -> bool:
        """Return whether nobody can tell now whether anything has changed."""
        return bool(self.changes) and all(change.is_unknown for change in self.changes)

    @property
    def state(self) -> str:
        """Return `as signed`, or what has changed after signing, or why that is not known."""
        if not self.changes:
            return "as signed"
        texts = "; ".join(change.text for change in self.changes)
        if self.is_unknown:
            return f"not compared: {texts}"
        return f"changed after signing: {texts}" if self.fingerprint else f"reopened: {texts}"


def record(store: Store, body: Body, key: Ed25519PrivateKey) -> int:
    """Store a sign-off with its signed *body*; return its number, which the body then states."""

    def write(cursor: Cursor) -> int:
        highest = cursor.execute("select max(signoff_id) from signoffs").fetchall()[0][0]
        return _insert(cursor, {**body, "number": (highest or 0) + 1}, key)

    return store.write(write)


def _insert(cursor: Cursor, body: Body, key: Ed25519PrivateKey) -> int:
    """Record one sign-off; every sign-off is written here."""
    text = canonical(body)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    with ledger.changing(cursor, "signoff_bodies", "digest = $digest", {"digest": fingerprint}):
        cursor.execute(
            "insert into signoff_bodies values ($digest, $body, $key, $signature)",
            {
                "digest": fingerprint,
                "body": text,
                "key": key.public_key().public_bytes_raw().hex(),
                "signature": key.sign(_signed_text(fingerprint)).hex(),
            },
        )
    row = {**_columns(body), "body": fingerprint}
    columns = ", ".join(f"${name} as {name}" for name in row)
    with ledger.changing(cursor, "signoffs", "signoff_id = $id", {"id": body["number"]}):
        cursor.execute(f"insert into signoffs by name select {columns}", row)
    return int(body["number"])


def _columns(body: Body) -> dict[str, Any]:
    """Return the columns of a sign-off with *body*."""
    return {
        "signoff_id": body["number"],
        "from_at": _moment(body["period"]["from"]),
        "to_at": _moment(body["period"]["to"]),
        "query": body["filter"]["query"],
        "events": body["events"]["rows"],
        "digest": body["events"]["digest"],
        "findings": len(body["findings"]),
        "undecided": body["undecided"],
        "reason": body["reason"],
        "signed_by": body["signed_by"],
        "signed_at": _moment(body["signed_at"]),
    }


def canonical(body: Body) -> str:
    """Return *body* as the text that its fingerprint is computed of."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def signoffs(engine: Engine, now: dt.datetime, window: Window | None = None) -> list[Signoff]:
    """Return the sign-offs of periods that overlap *window* (default: all), latest first."""
    window = window or Window()
    return _read(
        engine,
        now,
        lambda row: (
            (window.start is None or row["to_at"] > window.start)
            and (window.end is None or row["from_at"] < window.end)
        ),
    )


def get(engine: Engine, number: int, now: dt.datetime) -> Signoff | None:
    """Return the sign-off with that number, or None."""
    return next(iter(_read(engine, now, lambda row: row["signoff_id"] == number)), None)


def require(engine: Engine, number: int, now: dt.datetime) -> Signoff:
    """Return the sign-off with that number; raises `InputError` if there is none."""
    signed = get(engine, number, now)
    if signed is None:
        raise InputError(f"There is no sign-off {number}.", "Choose one of the signed periods.")
    return signed


def _read(
    engine: Engine, now: dt.datetime, wanted: Callable[[dict[str, Any]], bool]
) -> list[Signoff]:
    rows = engine.table(
        "select s.* exclude (body), b.digest as fingerprint, s.body as stated, b.body, b.key, "
        "b.signature from signoffs s left join signoff_bodies b on b.digest = s.body "
        "order by signoff_id desc"
    ).to_pylist()
    keys = _seal_keys(engine)
    result: list[Signoff] = []
    later: dict[tuple[Any, ...], int] = {}
    for row in rows:
        again = later.get((row["from_at"], row["to_at"], row["query"]))
        if wanted(row):
            result.append(_signoff(engine, dict(row), now, keys, again))
        later[row["from_at"], row["to_at"], row["query"]] = row["signoff_id"]
    return result


def _signoff(
    engine: Engine, row: dict[str, Any], now: dt.datetime, seal_keys: set[str], again: int | None
) -> Signoff:
    stated, text = row.pop("stated"), row.pop("body") or ""
    signature, key = row.pop("signature") or "", row.pop("key") or ""
    fingerprint = row.pop("fingerprint") or ""
    body = _checked(text, row, fingerprint, key, signature, seal_keys) if stated else {}
    if not stated:
        changes = sign_off_changes.of_events(engine, row, now)
    elif body:
        changes = sign_off_changes.since(engine, body, now)
    else:
        changes = (Change("the stored sign-off was altered, or its body is missing"),)
    # Of an altered body nothing is shown but that it was altered.
    return Signoff(
        **row,
        body=body,
        body_text=text,
        fingerprint=fingerprint or stated or "",
        key=key,
        signature=signature,
        changes=changes,
        signed_again=again,
    )


def _checked(
    text: str, row: dict[str, Any], fingerprint: str, key: str, signature: str, seal_keys: set[str]
) -> Body:
    """Return the body, or an empty one if it, its signature or its row were altered."""
    try:
        if hashlib.sha256(text.encode()).hexdigest() != fingerprint or key not in seal_keys:
            return {}
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), _signed_text(fingerprint))
        body: Body = json.loads(text)
        return body if _columns(body) == row else {}
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return {}


def _signed_text(fingerprint: str) -> bytes:
    return f"{CONTEXT}\n{fingerprint}".encode()


def _seal_keys(engine: Engine) -> set[str]:
    """Return the public keys in hex that signed the seals."""
    table = engine.table(
        """select distinct regexp_extract(line, '"key":"([0-9a-f]+)"', 1) as key from seals"""
    )
    return set(table["key"].to_pylist())


def _moment(text: str) -> dt.datetime:
    return naive_utc(dt.datetime.fromisoformat(text))
