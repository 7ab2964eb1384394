"""From one piece of JSON text to the records inside it, strictly.

Most lines are one record and pass ingest's fast lane, which never comes here. This is the slow
lane: arrays, API pages, saved requests, records without an id, and everything that is not right.
It says in words why a record is refused.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from trail.settings import Limits

# Wrappers inside wrappers are real (an array of pages of events), but not without end.
_MOST_WRAPPERS = 6


@dataclass(frozen=True, slots=True)
class Record:
    """One record's JSON text and, where the producer gave no id, the id made from its content."""

    raw: str
    made_id: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a piece of text holds no record, and the text."""

    reason: str
    raw: bytes


def unfold(text: bytes, limits: Limits) -> Iterator[Record | Refusal]:
    """Yield each record inside *text*, or why there is none. Never raises on any bytes.

    Understands a record, an array of records, an API page `{"data": {"events": [...]}}`, a batch
    `{"batch": [...]}` and a saved request `{"payload": {"body": {...}}}`, nested in one another.
    """
    problem = _problem(text, limits)
    if problem:
        yield Refusal(problem, text)
        return
    value = orjson.loads(text)
    yield from _records(value, text.decode().strip(), 0)


def _problem(text: bytes, limits: Limits) -> str:
    if len(text) > limits.line_bytes:
        return f"Longer than {limits.line_bytes:,} bytes"
    if text.startswith(b"\xef\xbb\xbf"):
        return "Not JSON: starts with a byte order mark"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"Not UTF-8 at byte {error.start + 1}"
    if depth(text) > limits.depth:
        return f"Nested deeper than {limits.depth} levels"
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"Not JSON: {error.msg}, column {error.colno}"
    return ""


def depth(text: bytes) -> int:
    """Return how deep brackets nest in *text*, outside of strings."""
    level = deepest = 0
    inside = escaped = False
    if text.count(b"{") + text.count(b"[") < 8:
        return text.count(b"{") + text.count(b"[")
    for byte in text:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b"{[":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"}]":
            level -= 1
    return deepest


def _records(value: Any, text: str | None, wrappers: int) -> Iterator[Record | Refusal]:
    inner = _inside(value)
    if inner is None:
        yield _record(value, text)
    elif wrappers >= _MOST_WRAPPERS:
        yield Refusal("Wrapped too many times", orjson.dumps(value))
    elif not inner:
        yield Refusal("Holds no records", orjson.dumps(value))
    else:
        for item in inner:
            yield from _records(item, None, wrappers + 1)


def _inside(value: Any) -> list[Any] | None:
    """Return the records that *value* wraps, or None when it is no wrapper."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    if isinstance(data, dict) and isinstance(data.get("events"), list):
        return list(data["events"])
    if isinstance(value.get("batch"), list):
        return list(value["batch"])
    payload = value.get("payload")
    if isinstance(payload, dict) and isinstance(payload.get("body"), dict | list):
        return [payload["body"]]
    return None


def _record(value: Any, text: str | None) -> Record | Refusal:
    raw = orjson.dumps(value) if text is None else text.encode()
    if not isinstance(value, dict):
        return Refusal("Not an audit event: not a JSON object", raw)
    return Record(raw.decode(), "" if _has_id(value) else _content_id(value))


def _has_id(value: dict[str, Any]) -> bool:
    return any(str(value.get(name) or "").strip() for name in ("messageId", "id"))


def _content_id(value: dict[str, Any]) -> str:
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return "sha256-" + hashlib.sha256(canonical).hexdigest()
