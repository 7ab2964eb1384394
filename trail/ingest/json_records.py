"""From one piece of JSON text to the records inside it, strictly.

Most lines are one record and pass ingest's fast lane, which never comes here. This is the slow
lane: arrays, API pages, saved requests, records without an id, and everything that is not right.
It gives the reason why a record is refused.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from trail.core.limits import Limits
from trail.ingest import json_cutter

# Wrappers inside wrappers are real (an array of pages of events), but not without end.
_MAX_WRAPPERS = 6

_BLANK = re.compile(r"[ \t\r\n]*")
# Numbers stay text: only where a value ends matters here.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


@dataclass(frozen=True, slots=True)
class Record:
    """One record's exact JSON text, and an id made from its content if it has none."""

    raw: str
    content_id: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a piece of text holds no record, and the text; `size` in bytes where it is cut."""

    reason: str
    raw: bytes
    size: int = 0


def extract_records(text: bytes, limits: Limits) -> Iterator[Record | Refusal]:
    """Yield each record inside *text*, or why there is none. Never raises on any bytes.

    Understands a record, an array of records, an API page `{"data": {"events": [...]}}`, a batch
    `{"batch": [...]}` and a saved request `{"payload": {"body": {...}}}`, nested in one another;
    and records without anything between them. A broken record costs no other.
    """
    problem = _problem(text, limits)
    if not problem:
        yield from _records(text.decode().strip(), 0)
        return
    pieces = list(json_cutter.cut([text], limits.line_bytes))
    if not _separate(text, pieces):
        yield Refusal(problem, text)
        return
    for piece in pieces:
        problem = piece.reason or _problem(piece.raw, limits)
        if problem:
            yield Refusal(problem, piece.raw, piece.size)
        else:
            yield from _records(piece.raw.decode().strip(), 0)


def _separate(text: bytes, pieces: list[json_cutter.Piece]) -> bool:
    """Return whether *pieces* are records of their own, not parts of one broken record."""
    objects = [piece.raw for piece in pieces if piece.raw.startswith(b"{")]
    if not any(map(json_cutter.is_record, objects)):
        return False
    return len(objects) > 1 or text.startswith(b"\x1e") or json_cutter.is_wrapper(text)


def split(text: bytes, *path: str) -> tuple[list[bytes], bytes]:
    """Return the exact bytes of each element of the array at *path*, and *text* without them.

    Broken elements are included. Raises `ValueError` if the rest is not JSON or has no array at
    *path*.
    """
    start = json_cutter.blank_end(text, 0)
    if path:
        start, _ = json_cutter.inside(text, start, path)
    if start < 0 or text[start : start + 1] != b"[":
        raise ValueError(f"no array at {'.'.join(path)}")
    cutter = json_cutter.Cutter(iter([text[start:]]), len(text))
    items = [piece.raw for piece in cutter.array() if piece.raw != b","]
    if not cutter.is_closed:
        raise ValueError("the array is never closed")
    rest = text[:start] + b"[]" + cutter.rest
    try:
        document = json.loads(rest)
    except RecursionError:
        raise ValueError("nested too deep") from None
    for name in path:
        document = document[name] if isinstance(document, dict) else None
    if document != []:
        raise ValueError("a name is repeated")
    return items, rest


def without(text: str, name: str) -> str:
    """Return the JSON object *text* without its members called *name*; the others stay as written.

    Raises `RecursionError` for what nests too deep.
    """
    members = _members(text.strip())
    kept = (f"{json.dumps(item)}:{value}" for item, value in members if item != name)
    return "{" + ",".join(kept) + "}"


def _problem(text: bytes, limits: Limits) -> str:
    if len(text) > limits.line_bytes:
        return f"Longer than {limits.line_bytes:,} bytes"
    if text.startswith(b"\xef\xbb\xbf"):
        return "Not JSON: starts with a byte order mark"
    if fault := json_cutter.utf8_fault(text):
        return fault
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


def _records(text: str, wrappers: int) -> Iterator[Record | Refusal]:
    inner = _inside(text)
    if inner is None:
        yield _record(text)
    elif wrappers >= _MAX_WRAPPERS:
        yield Refusal("Wrapped too many times", text.encode())
    elif not inner:
        yield Refusal("Contains no records", text.encode())
    else:
        for item in inner:
            yield from _records(item, wrappers + 1)


def _inside(text: str) -> list[str] | None:
    """Return the texts of the records that *text* wraps, or None if it is not a wrapper."""
    if text.startswith("["):
        return _elements(text)
    if not text.startswith("{"):
        return None
    top = _first(text)
    events = _first(top.get("data", "")).get("events", "")
    for wrapped in (events, top.get("batch", "")):
        if wrapped.startswith("["):
            return _elements(wrapped)
    body = _first(top.get("payload", "")).get("body", "")
    return [body] if body[:1] in ("{", "[") else None


def _elements(text: str) -> list[str]:
    return [value for _, value in _members(text)]


def _first(text: str) -> dict[str, str]:
    """Return the members of the object *text* as text; of a repeated name the first."""
    result: dict[str, str] = {}
    if text.startswith("{"):
        for name, value in _members(text):
            result.setdefault(name, value)
    return result


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, exact text) of each member of valid JSON; elements have an empty name."""
    at = _blank(text, 1)
    while text[at] not in "]}":
        name = ""
        if text[0] == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _blank(text, _blank(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        yield name, text[at:end]
        at = _blank(text, end)
        if text[at] == ",":
            at = _blank(text, at + 1)


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _record(text: str) -> Record | Refusal:
    if not text.startswith("{"):
        return Refusal("Not an audit event: not a JSON object", text.encode())
    canonical = orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS)
    return Record(text, "sha256-" + hashlib.sha256(canonical).hexdigest())
