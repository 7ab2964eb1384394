"""One seal is one line of JSON: a statement about a day, the seal before it, and a signature.

Separate because it knows neither files nor database. The canonical text of a statement is its JSON
with sorted keys, no spaces, and ASCII only; `seal` is the SHA-256 of that text, in hex; `signature`
is Ed25519 (RFC 8032) over `segment-audit-trail seal 1`, a newline and the seal; `key` is the public
key, both in hex. `prev` is the seal before, 64 zeros for the first.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trail.seals import rows
from trail.seals.rows import Edge

FIRST = "0" * 64
DAY, PURGE, ACCEPTED, RESTORED = "day", "purge", "accepted", "restored"

_CONTEXT = b"segment-audit-trail seal 1\n"
_OUTSIDE = ("seal", "key", "signature")

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read, and what is wrong with it: empty, changed, forged or wrong key."""

    text: str
    body: Body
    fault: str = ""

    @property
    def number(self) -> int:
        """Return its place in the chain, from 1; 0 where it says none."""
        return whole(self.body.get("number"))

    @property
    def day(self) -> dt.date | None:
        """Return the UTC day that it speaks of."""
        try:
            return dt.date.fromisoformat(str(self.body.get("day")))
        except ValueError:
            return None

    @property
    def seal(self) -> str:
        """Return its seal in hex."""
        return str(self.body.get("seal", ""))

    @property
    def edge(self) -> Edge:
        """Return what it covers; only for a line without fault."""
        assert self.day
        return Edge(
            self.day, int(self.body["batch"]), dt.datetime.fromisoformat(self.body["seen_at"])
        )


def whole(value: object) -> int:
    """Return *value* where it is a whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def statement(kind: str, edge: Edge, found: rows.DayRows, **more: Any) -> Body:
    """Return what is to be said of a day; `close` adds its place in the chain."""
    return {
        "form": rows.FORM,
        "kind": kind,
        "day": edge.day.isoformat(),
        "events": found.event.count,
        "digest": found.event.digest,
        "twins": found.twin.count,
        "twins_digest": found.twin.digest,
        "batch": edge.batch,
        "seen_at": edge.seen_at.isoformat(),
        **more,
    }


def close(
    body: Body, number: int, prev: str, version: int, now: dt.datetime, key: Ed25519PrivateKey
) -> Line:
    """Return *body* as the signed line *number* after the seal *prev*; *now* is UTC, no zone."""
    full = {
        **body,
        "number": number,
        "version": version,
        "prev": prev,
        "sealed_at": now.isoformat(),
    }
    seal = _seal(full)
    full |= {
        "seal": seal,
        "key": key.public_key().public_bytes_raw().hex(),
        "signature": key.sign(_CONTEXT + seal.encode()).hex(),
    }
    return Line(_canonical(full), full)


def read(texts: Iterable[str], key: str = "") -> list[Line]:
    """Return the lines of *texts*, each judged by itself.

    *key* is the public key in hex that must have signed them; without it the first line's.
    """
    lines: list[Line] = []
    for text in texts:
        body = _parsed(text)
        fault = _fault(body, key)
        key = key or str(body.get("key", ""))
        lines.append(Line(text, body, fault))
    return lines


def _fault(body: Body, key: str) -> str:
    if not body or _seal(body) != body.get("seal"):
        return "changed"
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(body.get("key"))))
        public.verify(bytes.fromhex(str(body.get("signature"))), _CONTEXT + body["seal"].encode())
    except (InvalidSignature, ValueError):
        return "forged"
    if key and body["key"] != key:
        return "wrong key"
    return "" if body.get("form") == rows.FORM else "changed"


def _parsed(text: str) -> Body:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _seal(body: Body) -> str:
    inside = {name: value for name, value in body.items() if name not in _OUTSIDE}
    return hashlib.sha256(_canonical(inside).encode()).hexdigest()


def _canonical(body: Body) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
