"""A seal: one line of JSON with a statement about a day, the previous seal, and a signature.

The canonical text of a statement is its JSON
with sorted keys, no spaces, and ASCII only; `seal` is the SHA-256 of that text, in hex; `signature`
is Ed25519 (RFC 8032) over `segment-audit-trail seal 1`, a newline and the seal; `key` is the public
key, both in hex. `prev` is the previous seal, 64 zeros for the first.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trail.integrity import row_digest
from trail.integrity.row_digest import Edge

FIRST = "0" * 64
DAY, PURGE, ACCEPTED, RESTORED = "day", "purge", "accepted", "restored"

_CONTEXT = b"segment-audit-trail seal 1\n"
_OUTSIDE = ("seal", "key", "signature")

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line as read, and its fault: empty, or "changed", "forged" or "wrong key"."""

    text: str
    body: Body
    fault: str = ""

    @property
    def number(self) -> int:
        """Return its position in the chain, from 1; 0 if it states none."""
        return integer(self.body.get("number"))

    @property
    def day(self) -> dt.date | None:
        """Return the UTC day that it is about, or None."""
        try:
            return dt.date.fromisoformat(str(self.body.get("day")))
        except ValueError:
            return None

    @property
    def seal(self) -> str:
        """Return the seal in hex."""
        return str(self.body.get("seal", ""))

    @property
    def edge(self) -> Edge:
        """Return what it covers; only for lines without a fault."""
        assert self.day
        return Edge(
            self.day, int(self.body["batch"]), dt.datetime.fromisoformat(self.body["seen_at"])
        )


def integer(value: object) -> int:
    """Return *value* if it is an integer, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def statement(kind: str, edge: Edge, day_rows: row_digest.DayRows, **more: Any) -> Body:
    """Return the statement about a day; `sign` adds its position in the chain."""
    return {
        "form": row_digest.FORM,
        "kind": kind,
        "day": edge.day.isoformat(),
        "events": day_rows.event.count,
        "digest": day_rows.event.digest,
        "twins": day_rows.twin.count,
        "twins_digest": day_rows.twin.digest,
        "batch": edge.batch,
        "seen_at": edge.seen_at.isoformat(),
        **more,
    }


def sign(
    body: Body, number: int, prev: str, version: int, now: dt.datetime, key: Ed25519PrivateKey
) -> Line:
    """Return *body* as signed line *number* after the seal *prev*; *now* is UTC without zone."""
    full = {
        **body,
        "number": number,
        "version": version,
        "prev": prev,
        "sealed_at": now.isoformat(),
    }
    full = signed(full, key)
    return Line(canonical(full), full)


def signed(body: Body, key: Ed25519PrivateKey, context: bytes = _CONTEXT) -> Body:
    """Return *body* with its seal, the public key and the signature.

    *context* says what is signed, so that it cannot be taken for something else.
    """
    seal = _seal(body)
    public, signature = key.public_key().public_bytes_raw(), key.sign(context + seal.encode())
    return {**body, "seal": seal, "key": public.hex(), "signature": signature.hex()}


def read(texts: Iterable[str], key: str = "") -> list[Line]:
    """Return the lines of *texts*, each checked individually.

    *key* is the expected public key in hex; if empty, that of the first line.
    """
    lines: list[Line] = []
    for text in texts:
        body = parsed(text)
        fault = fault_of(body, key)
        if not fault and body.get("form") != row_digest.FORM:
            fault = "changed"
        key = key or str(body.get("key", ""))
        lines.append(Line(text, body, fault))
    return lines


def fault_of(body: Body, key: str, context: bytes = _CONTEXT) -> str:
    """Return how *body* differs from what was `signed` with *key* (hex), or "".

    If *key* is empty, any key is right.
    """
    if not body or _seal(body) != body.get("seal"):
        return "changed"
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(body.get("key"))))
        public.verify(bytes.fromhex(str(body.get("signature"))), context + body["seal"].encode())
    except (InvalidSignature, ValueError):
        return "forged"
    return "wrong key" if key and body["key"] != key else ""


def parsed(text: str) -> Body:
    """Return the JSON object *text*, empty if it is none."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _seal(body: Body) -> str:
    inside = {name: value for name, value in body.items() if name not in _OUTSIDE}
    return hashlib.sha256(canonical(inside).encode()).hexdigest()


def canonical(body: Body) -> str:
    """Return *body* as the text whose digest is signed."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
