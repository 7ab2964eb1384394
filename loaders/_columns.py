"""Map the columns of a CSV or Parquet table to fields, and write rows as JSON records.

A row becomes a record in the format of the Public API, or of a forwarded event for warehouse
tables. Columns without a field are kept in the record under `columns`.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa

from trail.core import csv_safety, zone_abbreviations
from trail.core.errors import InputError, MappingNeededError
from trail.core.model import RECORD_COLUMNS, Chunk, Reject

# Rows are buffered up to this many rows or bytes.
ROWS = 50_000
CHUNK_BYTES = 64 << 20

# Field -> its column names, compared without spaces, dots, underscores, dashes and case. A mapping
# file may use any of them.
_FIELDS = {
    "id": "id, event id, message id",
    "timestamp": "timestamp, time, date, datetime, occurred at, created at, event time",
    "type": "type, event type, action, action raw, event, event name, activity",
    "actor": "actor, actor id, user, user id, subject, performed by",
    "actorEmail": "email, user email, actor email",
    "resourceId": "resource id, target id",
    "resourceType": "resource type, target type",
    "resourceName": "resource name, resource, target name, target",
    "workspaceId": "workspace id, workspace",
}
_REQUIRED = {"timestamp": "the time of the event", "type": "the event type"}
_MAX_LISTED, _MAX_NAME_CHARS = 30, 40

_API_PATHS = {field: (field,) for field in _FIELDS}
_FORWARDED_PATHS = {
    "id": ("messageId",),
    "timestamp": ("timestamp",),
    "type": ("properties", "type"),
    "actor": ("properties", "details", "subject"),
    "actorEmail": ("properties", "details", "subject_email"),
    "resourceId": ("properties", "details", "resource_id"),
    "resourceType": ("properties", "details", "resource_type"),
    "resourceName": ("properties", "details", "target"),
    "workspaceId": ("properties", "workspace_id"),
}
_FORWARDED_CALL = {
    "timestamp": ("timestamp",),
    "originaltimestamp": ("originalTimestamp",),
    "receivedat": ("receivedAt",),
    "userid": ("userId",),
}
_TIME_PATHS = (("timestamp",), ("originalTimestamp",), ("receivedAt",))
_TYPE_PATHS = (("type",), ("properties", "type"), ("event",))
_DETAIL = re.compile(r"(?:properties[._ ])?details[._ ](.+)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"properties[._ ](.+)", re.IGNORECASE | re.DOTALL)
# Details that only Segment's tables have.
_SEGMENT_DETAILS = frozenset(
    ["resource_id", "resource_type", "subject", "subject_id", "target", "subject_email"]
)

_ZONE_SUFFIX = re.compile(r"(.*?)\s*\(([^()]*)\)", re.DOTALL)
_EMAIL = re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+")

Path = tuple[str, ...]


def _normalize(name: str) -> str:
    return re.sub(r"[\s._-]+", "", name.casefold())


_FIELD_OF_NAME = {
    _normalize(word): field for field, words in _FIELDS.items() for word in words.split(",")
}


class Columns:
    """The column mapping of one table, which turns its rows into records."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str], source: str) -> None:
        """Assign columns to fields: by *mapping* (field -> column) first, then by their names.

        Raises `MappingNeededError` for a missing or ambiguous field, `InputError` for two columns
        of one name or a time zone without a fixed offset.
        """
        _refuse_duplicates(header, source)
        self.names = _unique_names(header)
        bare_names = [_split_zone(name)[0] for name in self.names]
        # Only our CSV export has a zone after `occurred_at`, and quotes before formulas.
        self._has_formula_quotes = any(
            name == "occurred_at" and zone for name, zone in map(_split_zone, self.names)
        )
        self._is_export = self._has_formula_quotes or _is_exact_export(self.names)
        self._raw_at = bare_names.index("raw") if self._is_export and "raw" in bare_names else -1
        is_forwarded = not self._is_export and _is_forwarded(self.names)
        paths = _FORWARDED_PATHS if is_forwarded else _API_PATHS
        mapped, problems = _read_mapping(self.names, mapping)
        if is_forwarded:
            result = _call_columns(self.names)
        else:
            taken = set(mapped.values())
            result, ambiguities = self._guess(bare_names, mapped, taken)
            problems += ambiguities
        result = {path: at for path, at in result.items() if at not in mapped.values()}
        result |= {paths[field]: at for field, at in mapped.items()}
        unused = [n for at, n in enumerate(self.names) if at not in result.values()] or self.names
        problem_text = " ".join(problems)
        for field, required in (("timestamp", _TIME_PATHS), ("type", _TYPE_PATHS)):
            if not any(path in result for path in required) and f"`{field} = " not in problem_text:
                example = unused.pop(0) if len(unused) > 1 else unused[0]
                problems.append(
                    f"Which column contains {_REQUIRED[field]}? "
                    f"Write {_mapping_line(field, example)}"
                )
        if problems:
            raise MappingNeededError(
                f"{source}: Columns are missing or ambiguous.",
                f"{' '.join(problems)} Write these lines, with the correct columns, to a mapping "
                f"file and load again with --mapping FILE. "
                f"Columns found: {_name_list(self.names)}.",
            )
        self._is_forwarded = is_forwarded
        self._time_at = result.get(("timestamp",), -1)
        self._zone = (
            None if self._is_export or self._time_at < 0 else _zone_of(self.names[self._time_at])
        )
        self._actor_type_at = (
            bare_names.index("actor_type") if self._is_export and "actor_type" in bare_names else -1
        )
        self._top, self._properties, self._details = (
            [(path[-1], at) for path, at in result.items() if path[:-1] == above]
            for above in ((), ("properties",), ("properties", "details"))
        )
        used = set(result.values())
        self._other_columns = [(name, at) for at, name in enumerate(self.names) if at not in used]

    def _guess(
        self, bare_names: list[str], mapped: dict[str, int], taken: set[int]
    ) -> tuple[dict[Path, int], list[str]]:
        claims: dict[str, list[int]] = {}
        for at, name in enumerate(self.names):
            field = _FIELD_OF_NAME.get(_normalize(name)) or _FIELD_OF_NAME.get(
                _normalize(bare_names[at])
            )
            if field and field not in mapped and at not in taken:
                claims.setdefault(field, []).append(at)
        if "action_raw" in bare_names and "type" in claims:
            claims["type"] = [bare_names.index("action_raw")]  # the original text has priority
        problems = []
        for field, places in claims.items():
            if len(places) > 1:
                names = [_display_name(self.names[at]) for at in places[:5]]
                listed = f"{', '.join(names[:-1])} and {names[-1]}"
                problems.append(
                    f"Which of the columns {listed} contains {_REQUIRED.get(field, field)}? "
                    f"Write {_mapping_line(field, self.names[places[0]])}"
                )
        return {_API_PATHS[field]: places[0] for field, places in claims.items()}, problems

    def record(self, cells: Sequence[str]) -> bytes:
        """Return one row, with one cell per column, as JSON text without empty cells.

        Raises `UnicodeEncodeError` or `TypeError` for text that is not UTF-8.
        """
        if self._has_formula_quotes:
            cells = [csv_safety.original(cell) for cell in cells]
        if self._raw_at >= 0 and cells[self._raw_at]:
            return cells[self._raw_at].encode()
        record: dict[str, object] = {key: cells[at] for key, at in self._top if cells[at]}
        if self._zone and self._time_at >= 0:
            record["timestamp"] = _with_offset(cells[self._time_at], self._zone)
        rest = {name: cells[at] for name, at in self._other_columns if cells[at]}
        if self._is_forwarded:
            properties: dict[str, object] = {
                key: cells[at] for key, at in self._properties if cells[at]
            }
            properties["details"] = {key: cells[at] for key, at in self._details if cells[at]}
            record = {"type": "track", **record, "properties": properties}
        elif not self._is_export:
            _name_by_email(record)
        elif (
            self._actor_type_at >= 0
            and cells[self._actor_type_at] == "unknown"
            and "actorEmail" in record
        ):
            # In the API's format, an actor with an email is always a user.
            subject = {
                "subject": record.pop("actor", ""),
                "subject_email": record.pop("actorEmail"),
            }
            record["properties"] = {"type": record.get("type", ""), "details": subject}
        if rest:
            record["columns"] = rest
        return orjson.dumps(record)


class RowBuffer:
    """Buffers records and rejects until a chunk is full."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._texts: list[bytes] = []
        self._rejects: list[Reject] = []
        self._size = 0

    def add(self, number: int, text: bytes) -> None:
        """Add the record of row or line *number*."""
        self._numbers.append(number)
        self._texts.append(text)
        self._size += len(text)

    def add_reject(self, reject: Reject) -> None:
        """Add a row that is not a record."""
        self._rejects.append(reject)
        self._size += len(reject.raw)

    @property
    def full(self) -> bool:
        """Return whether the chunk is full."""
        many = len(self._texts) >= ROWS or len(self._rejects) >= ROWS
        return many or self._size >= CHUNK_BYTES

    def take(self, progress: float) -> Chunk:
        """Return the buffer as one chunk and clear it; *progress* is from 0 to 1."""
        numbers = pa.array(self._numbers, pa.int64())
        table = pa.table({"line": numbers, "raw": pa.array(self._texts, pa.string())})
        chunk = Chunk(table, tuple(self._rejects), progress, mapped=True)
        self._clear()
        return chunk


def _name_by_email(record: dict[str, object]) -> None:
    """Copy an email in one of the two actor fields to the other."""
    actor, email = record.get("actor"), record.get("actorEmail")
    if actor and not email and _EMAIL.fullmatch(str(actor)):
        record["actorEmail"] = actor
    elif email and not actor:
        record["actor"] = email


def _is_forwarded(names: list[str]) -> bool:
    details = {match[1].lower() for name in names if (match := _DETAIL.fullmatch(name))}
    keys = {_normalize(name) for name in names}
    call = "eventtext" in keys and bool({"originaltimestamp", "receivedat"} & keys)
    return bool(details & _SEGMENT_DETAILS) or "propertiestype" in keys or call


def _call_columns(names: list[str]) -> dict[Path, int]:
    """Return the column of each part of a forwarded event, in a warehouse or nested table."""
    keys = [_normalize(name) for name in names]
    result: dict[Path, int] = {}
    for at, name in enumerate(names):
        if inner := _DETAIL.fullmatch(name):
            result.setdefault(("properties", "details", inner[1]), at)
        elif inner := _PROPERTY.fullmatch(name):
            result.setdefault(("properties", inner[1]), at)
        elif keys[at] in _FORWARDED_CALL:
            result.setdefault(_FORWARDED_CALL[keys[at]], at)
    # Warehouse tables have no prefix `properties`, and the event name is in `event_text`.
    for path, choices in (
        (("messageId",), ("messageid", "id")),
        (("event",), ("eventtext", "event")),
        (("properties", "workspace_id"), ("workspaceid",)),
        (("type",) if ("properties", "type") in result else ("properties", "type"), ("type",)),
    ):
        at = next((keys.index(key) for key in choices if key in keys), -1)
        if at >= 0:
            result.setdefault(path, at)
    return result


def _read_mapping(names: list[str], mapping: Mapping[str, str]) -> tuple[dict[str, int], list[str]]:
    """Return the column of each mapped field, and the problems of the mapping."""
    mapped: dict[str, int] = {}
    problems = []
    normalized = [_normalize(name) for name in names]
    for given_field, name in mapping.items():
        field = _FIELD_OF_NAME.get(_normalize(given_field))
        key = _normalize(str(name))
        if field is None:
            problems.append(
                f"Unknown field {_display_name(given_field)} in the mapping. "
                f"Allowed: {', '.join(_FIELDS)}."
            )
        elif field in mapped:
            problems.append(f"The mapping contains {field} twice. Keep one line.")
        elif name in names or normalized.count(key) == 1:
            mapped[field] = names.index(name) if name in names else normalized.index(key)
        else:
            problems.append(
                f"The mapping contains {_mapping_line(field, str(name))} "
                "This column does not exist."
            )
    return mapped, problems


def _unique_names(header: Sequence[str]) -> list[str]:
    """Return the names trimmed, non-empty and unique."""
    names: list[str] = []
    seen: set[str] = set()
    for number, given in enumerate(header, 1):
        name = given.strip() or f"column {number}"
        copy = 2
        while name in seen:
            name, copy = f"{given.strip() or f'column {number}'} ({copy})", copy + 1
        seen.add(name)
        names.append(name)
    return names


def _refuse_duplicates(header: Sequence[str], source: str) -> None:
    """Raise `InputError` if two columns have the same name, since one would be lost."""
    places: dict[str, list[int]] = {}
    for number, name in enumerate(header, 1):
        if name.strip():
            places.setdefault(name.strip(), []).append(number)
    for name, numbers in places.items():
        if len(numbers) > 1:
            raise InputError(
                f"{source}: {len(numbers)} columns are named {_display_name(name)} "
                f"({', '.join(map(str, numbers[:5]))}{', …' if len(numbers) > 5 else ''}).",
                "Give each column its own name and load the file again.",
            )


def _split_zone(name: str) -> tuple[str, dt.tzinfo | None]:
    """Return *name* without the time zone in brackets at its end, and the zone or None."""
    match = _ZONE_SUFFIX.fullmatch(name)
    if not match:
        return name, None
    try:
        return match[1], zone_abbreviations.fixed_zone(match[2]) or ZoneInfo(match[2])
    except (ValueError, KeyError, OSError):
        return name, None


def _zone_of(name: str) -> dt.tzinfo | None:
    """Return the time zone in brackets at the end of *name*, or None.

    Raises `InputError` for an abbreviation without a fixed offset.
    """
    match = _ZONE_SUFFIX.fullmatch(name)
    if match and zone_abbreviations.is_ambiguous(match[2]):
        raise InputError(
            f"Ambiguous time zone {match[2]} in the column {_display_name(name)}.",
            "Name the zone in the header like Europe/London, or give each time an offset.",
        )
    return _split_zone(name)[1]


def _is_exact_export(names: list[str]) -> bool:
    return "occurred_at" in names and all(name in RECORD_COLUMNS for name in names)


def _with_offset(text: str, zone: dt.tzinfo) -> str:
    """Return *text* with the offset of *zone*, if it is a time without an offset."""
    try:
        parsed = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if parsed.tzinfo else parsed.replace(tzinfo=zone).isoformat()


def _mapping_line(field: str, name: str) -> str:
    return f"`{field} = {_quoted(name)}`."


def _display_name(name: str) -> str:
    return _quoted(name if len(name) <= _MAX_NAME_CHARS else name[: _MAX_NAME_CHARS - 1] + "…")


def _quoted(name: str) -> str:
    """Return *name* as a TOML string; unprintable characters are escaped."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _name_list(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(_display_name(name) for name in names[:_MAX_LISTED]) + more
