"""Compare the recorded fields of two events: action, actor, and the values of their raw records.

Records are hostile: of any shape, depth and size. Every value is compared in full, and cut only
for display.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trail.core import event_text

MAX_RECORD_CHARS = 256 * 1024
MAX_FIELDS = 200
_MAX_VALUE_CHARS = 300
# Characters before the first difference of two long values that remain visible.
_CONTEXT_CHARS = 40
_MAX_DEPTH = 24
# Top-level keys that identify or date a record, or repeat what the action and actor say.
_ENVELOPE = frozenset(
    {"id", "messageId", "timestamp", "type", "action", "actor", "actorEmail", "subject"}
)

_Path = tuple[str | int, ...]


class _Number(str):
    """A number as it was recorded: parsing would round long ones."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A recorded value in the previous event and in this one; None where it was not recorded."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The fields that differ and those that are equal, at most `MAX_FIELDS` together.

    `changed_total` and `total` count all fields. `note` says what could not be compared.
    """

    changed: list[Field]
    unchanged: list[Field]
    changed_total: int
    total: int
    note: str = ""


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """Compare two events with the `LISTED` columns and `raw`, in the order of the fields."""
    fields = [
        (
            Field("Action", before["action"], after["action"]),
            before["action"] != after["action"],
        ),
        _actor(before, after),
    ]
    first, second = _record(before["raw"]), _record(after["raw"])
    note = ""
    for record, which in ((second, "this event"), (first, "the previous event")):
        if isinstance(record, str):
            note = f"Only action and actor are compared: the record of {which} {record}."
    if not isinstance(first, str) and not isinstance(second, str):
        if first.forwarded is not second.forwarded:
            note = "The records have two formats: only the fields that both have are compared."
            first, second = _shared(first, second)
        paths = dict.fromkeys([*second.values, *first.values])
        fields += [_field(path, first.values.get(path), second.values.get(path)) for path in paths]
    changed = [field for field, differs in fields if differs]
    unchanged = [field for field, differs in fields if not differs]
    return Comparison(
        changed[:MAX_FIELDS],
        unchanged[: max(MAX_FIELDS - len(changed), 0)],
        len(changed),
        len(fields),
        note,
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """The values of a record as JSON, by path; forwarded, or in the format of the Public API."""

    values: dict[_Path, str]
    forwarded: bool


def _record(raw: object) -> _Record | str:
    """Return the values of a record, or why it has none."""
    if not isinstance(raw, str) or not raw:
        return "is not stored"
    if len(raw) > MAX_RECORD_CHARS:
        return f"is too large ({len(raw):,} characters)"
    try:
        record = json.loads(raw, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        if not isinstance(record, dict):
            return "is not a JSON object"
        values = dict(_leaves((), _recorded(record), 0))
        return _Record(values, isinstance(record.get("properties"), dict))
    except RecursionError:
        return "is nested too deeply"
    except ValueError:
        return "is not valid JSON"


def _recorded(record: dict[str, Any]) -> dict[str, Any]:
    """Return what *record* says of the event: without its envelope, the details at the top."""
    body = record.get("properties")
    body = body if isinstance(body, dict) else record
    details = body.get("details")
    result = {key: value for key, value in body.items() if key not in _ENVELOPE}
    if isinstance(details, dict):
        del result["details"]
        result |= {key: value for key, value in details.items() if key not in _ENVELOPE}
    return result


def _shared(first: _Record, second: _Record) -> tuple[_Record, _Record]:
    """Return two records of different formats with the fields of both, named as if forwarded."""
    one, two = (
        record.values
        if record.forwarded
        else {(_forwarded_name(path[0]), *path[1:]): text for path, text in record.values.items()}
        for record in (first, second)
    )
    return (
        _Record({path: text for path, text in one.items() if path in two}, forwarded=True),
        _Record({path: text for path, text in two.items() if path in one}, forwarded=True),
    )


def _forwarded_name(key: str | int) -> str:
    """Return what forwarded records call a field of the Public API: `resource_id`."""
    name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(key)).lower()
    return "target" if name == "resource_name" else name


def _leaves(path: _Path, value: Any, depth: int) -> Iterator[tuple[_Path, str]]:
    """Yield the values of *value* as JSON with their paths; a list of plain values is one value."""
    if depth < _MAX_DEPTH and value:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from _leaves((*path, key), item, depth + 1)
            return
        if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            for index, item in enumerate(value):
                yield from _leaves((*path, index), item, depth + 1)
            return
    if path:
        yield path, _json(value)


def _json(value: Any) -> str:
    """Return *value* as JSON, with its numbers as they were recorded."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_json(key)}: {_json(item)}' for key, item in value.items())}}}"
    return _printable(json.dumps(value, ensure_ascii=False))


def _name(path: _Path) -> str:
    """Return a path as text: `schedule.times[0]`, `labels["a.b"]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif key and not set(key) & set('.[]"'):
            text += f".{key}" if text else key
        else:
            text += f"[{json.dumps(key, ensure_ascii=False)}]"
    return _printable(text)


def _printable(text: str) -> str:
    """Return *text* with half of a surrogate pair, which no encoding has, written as an escape."""
    return text.encode(errors="backslashreplace").decode()


def _actor(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Field, bool]:
    names = event_text.actor(before), event_text.actor(after)
    differs = before["actor_id"] != after["actor_id"]
    if differs and names[0] == names[1]:
        names = before["actor_id"], after["actor_id"]
    return Field("Actor", *names), differs


def _field(path: _Path, before: str | None, after: str | None) -> tuple[Field, bool]:
    """Return a field of two values as JSON, and whether they differ."""
    differs = before != after
    shown = _plain(before), _plain(after)
    if differs and shown[0] == shown[1]:
        shown = before, after  # a number and a string of the same digits
    return Field(_name(path), *_cut(*shown)), differs


def _plain(value: str | None) -> str | None:
    """Return a JSON string that has characters without its quotes, other values as they are."""
    if not value or value[0] != '"' or value == '""':
        return value
    return _printable(json.loads(value))


def _cut(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Cut two values for display, so that their first difference remains visible."""
    start = 0
    if before and after and before != after:
        pairs = enumerate(zip(before, after, strict=False))
        equal = next((at for at, (a, b) in pairs if a != b), min(len(before), len(after)))
        start = max(equal - _CONTEXT_CHARS, 0)
    start = start if max(map(len, (before or "", after or ""))) > _MAX_VALUE_CHARS else 0

    def cut(value: str | None) -> str | None:
        if value is None or len(value) <= _MAX_VALUE_CHARS:
            return value
        rest = value[start:]
        end = "…" if len(rest) > _MAX_VALUE_CHARS else ""
        return f"{'…' if start else ''}{rest[:_MAX_VALUE_CHARS]}{end}"

    return cut(before), cut(after)
