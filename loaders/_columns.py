"""From a table's columns to records: which column is which, and one row as JSON text.

CSV and Parquet share this. A row becomes a record of the Public API's shape, or of the forwarded
shape for warehouse tables, so that ingest reads it like any other; the columns that mean nothing
here are kept in the record under `columns`.
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

# Whole rows wait in memory until there are this many, or this many bytes of them.
ROWS = 50_000
CHUNK_BYTES = 64 << 20

# Field -> the names that mean it, spaces, dots, underscores, dashes and case apart. A person's
# mapping may use any of them.
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
_ASKED = {"timestamp": "the time of the event", "type": "what was done (the event's type)"}
_LISTED, _SHOWN = 30, 40

_API = {field: (field,) for field in _FIELDS}
_FORWARDED = {
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
_CALL = {
    "timestamp": ("timestamp",),
    "originaltimestamp": ("originalTimestamp",),
    "receivedat": ("receivedAt",),
    "userid": ("userId",),
}
_TIMES = (("timestamp",), ("originalTimestamp",), ("receivedAt",))
_TYPES = (("type",), ("properties", "type"), ("event",))
_DETAIL = re.compile(r"(?:properties[._ ])?details[._ ](.+)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"properties[._ ](.+)", re.IGNORECASE | re.DOTALL)
# Details that no table but Segment's has.
_TELLING = frozenset(
    ["resource_id", "resource_type", "subject", "subject_id", "target", "subject_email"]
)

_BRACKET = re.compile(r"(.*?)\s*\(([^()]*)\)", re.DOTALL)
_EMAIL = re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+")

Path = tuple[str, ...]


def _fold(name: str) -> str:
    return re.sub(r"[\s._-]+", "", name.casefold())


_MEANING = {_fold(word): field for field, words in _FIELDS.items() for word in words.split(",")}


class Columns:
    """How the rows of one table become records."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str], source: str) -> None:
        """Find out which column is which.

        *mapping* (field -> column) goes before any guess. Raises `MappingNeededError` asking for
        what is missing or claimed twice, `InputError` when two columns have the same name or a
        zone has no fixed offset.
        """
        _refuse_duplicates(header, source)
        self.names = _distinct(header)
        bare = [_zoned(name)[0] for name in self.names]
        # Only our CSV names a zone beside `occurred_at`, and only it has quotes before formulas.
        self._guarded = any(
            name == "occurred_at" and zone for name, zone in map(_zoned, self.names)
        )
        self._own = self._guarded or _is_exact_export(self.names)
        self._raw = bare.index("raw") if self._own and "raw" in bare else -1
        is_forwarded = not self._own and _is_forwarded(self.names)
        paths = _FORWARDED if is_forwarded else _API
        wanted, trouble = _mapped(self.names, mapping)
        if is_forwarded:
            result = _call_columns(self.names)
        else:
            taken = set(wanted.values())
            result, doubts = self._guess(bare, wanted, taken)
            trouble += doubts
        result = {path: at for path, at in result.items() if at not in wanted.values()}
        result |= {paths[field]: at for field, at in wanted.items()}
        spare = [n for at, n in enumerate(self.names) if at not in result.values()] or self.names
        asked = " ".join(trouble)
        for field, known in (("timestamp", _TIMES), ("type", _TYPES)):
            if not any(path in result for path in known) and f"`{field} = " not in asked:
                example = spare.pop(0) if len(spare) > 1 else spare[0]
                trouble.append(f"Which column holds {_ASKED[field]}? Write {_line(field, example)}")
        if trouble:
            raise MappingNeededError(
                f"{source}: it is not clear which column is which.",
                f"{' '.join(trouble)} Put the right column's name into each such line, the lines "
                f"into a mapping file, and load again with it. Columns found: {_list(self.names)}.",
            )
        self._is_forwarded = is_forwarded
        self._clock = result.get(("timestamp",), -1)
        self._zone = None if self._own or self._clock < 0 else _zone_of(self.names[self._clock])
        self._kind = bare.index("actor_type") if self._own and "actor_type" in bare else -1
        self._top, self._properties, self._details = (
            [(path[-1], at) for path, at in result.items() if path[:-1] == above]
            for above in ((), ("properties",), ("properties", "details"))
        )
        used = set(result.values())
        self._rest = [(name, at) for at, name in enumerate(self.names) if at not in used]

    def _guess(
        self, bare: list[str], wanted: dict[str, int], taken: set[int]
    ) -> tuple[dict[Path, int], list[str]]:
        claims: dict[str, list[int]] = {}
        for at, name in enumerate(self.names):
            field = _MEANING.get(_fold(name)) or _MEANING.get(_fold(bare[at]))
            if field and field not in wanted and at not in taken:
                claims.setdefault(field, []).append(at)
        if "action_raw" in bare and "type" in claims:
            claims["type"] = [bare.index("action_raw")]  # what the producer wrote goes first
        trouble = []
        for field, places in claims.items():
            if len(places) > 1:
                names = [_shown(self.names[at]) for at in places[:5]]
                both = f"{', '.join(names[:-1])} and {names[-1]}"
                trouble.append(
                    f"The columns {both} all look like {_ASKED.get(field, field)}: which one is "
                    f"it? Write {_line(field, self.names[places[0]])}"
                )
        return {_API[field]: places[0] for field, places in claims.items()}, trouble

    def record(self, cells: Sequence[str]) -> bytes:
        """Return one row, a cell for each column, as JSON text; empty cells are left out.

        Raises `UnicodeEncodeError` or `TypeError` for text that is not UTF-8.
        """
        if self._guarded:
            cells = [cell[1:] if _is_guarded(cell) else cell for cell in cells]
        if self._raw >= 0 and cells[self._raw]:
            return cells[self._raw].encode()
        record: dict[str, object] = {key: cells[at] for key, at in self._top if cells[at]}
        if self._zone and self._clock >= 0:
            record["timestamp"] = _with_offset(cells[self._clock], self._zone)
        rest = {name: cells[at] for name, at in self._rest if cells[at]}
        if self._is_forwarded:
            properties: dict[str, object] = {
                key: cells[at] for key, at in self._properties if cells[at]
            }
            properties["details"] = {key: cells[at] for key, at in self._details if cells[at]}
            record = {"type": "track", **record, "properties": properties}
        elif not self._own:
            _name_by_email(record)
        elif self._kind >= 0 and cells[self._kind] == "unknown" and "actorEmail" in record:
            # With an e-mail beside it, the API's `actor` is always a user; a call's subject is not.
            subject = {
                "subject": record.pop("actor", ""),
                "subject_email": record.pop("actorEmail"),
            }
            record["properties"] = {"type": record.get("type", ""), "details": subject}
        if rest:
            record["columns"] = rest
        return orjson.dumps(record)


class Rows:
    """Records and rejects waiting until there are enough of them for a chunk."""

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

    def refuse(self, reject: Reject) -> None:
        """Add what could not become a record."""
        self._rejects.append(reject)
        self._size += len(reject.raw)

    @property
    def full(self) -> bool:
        """Return whether it is time to `take`."""
        many = len(self._texts) >= ROWS or len(self._rejects) >= ROWS
        return many or self._size >= CHUNK_BYTES

    def take(self, progress: float) -> Chunk:
        """Return the collected records as one chunk and start a new one."""
        numbers = pa.array(self._numbers, pa.int64())
        table = pa.table({"line": numbers, "raw": pa.array(self._texts, pa.string())})
        chunk = Chunk(table, tuple(self._rejects), progress, mapped=True)
        self._clear()
        return chunk


def _name_by_email(record: dict[str, object]) -> None:
    """Let an e-mail in either of an actor's two fields stand in both."""
    actor, email = record.get("actor"), record.get("actorEmail")
    if actor and not email and _EMAIL.fullmatch(str(actor)):
        record["actorEmail"] = actor
    elif email and not actor:
        record["actor"] = email


def _is_forwarded(names: list[str]) -> bool:
    details = {match[1].lower() for name in names if (match := _DETAIL.fullmatch(name))}
    keys = {_fold(name) for name in names}
    call = "eventtext" in keys and bool({"originaltimestamp", "receivedat"} & keys)
    return bool(details & _TELLING) or "propertiestype" in keys or call


def _call_columns(names: list[str]) -> dict[Path, int]:
    """Return where each part of a forwarded call stands, in a warehouse's or a nested table."""
    keys = [_fold(name) for name in names]
    result: dict[Path, int] = {}
    for at, name in enumerate(names):
        if inner := _DETAIL.fullmatch(name):
            result.setdefault(("properties", "details", inner[1]), at)
        elif inner := _PROPERTY.fullmatch(name):
            result.setdefault(("properties", inner[1]), at)
        elif keys[at] in _CALL:
            result.setdefault(_CALL[keys[at]], at)
    # A warehouse drops the prefix `properties`, and keeps the call's name readable as event_text.
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


def _mapped(names: list[str], mapping: Mapping[str, str]) -> tuple[dict[str, int], list[str]]:
    """Return the columns that a person named, by field, and what is wrong with the mapping."""
    wanted: dict[str, int] = {}
    trouble = []
    folded = [_fold(name) for name in names]
    for word, name in mapping.items():
        field = _MEANING.get(_fold(word))
        key = _fold(str(name))
        if field is None:
            trouble.append(
                f"The mapping's {_shown(word)} is no field; fields are {', '.join(_FIELDS)}."
            )
        elif field in wanted:
            trouble.append(f"The mapping names {field} twice; keep one line.")
        elif name in names or folded.count(key) == 1:
            wanted[field] = names.index(name) if name in names else folded.index(key)
        else:
            trouble.append(
                f"The mapping says {_line(field, str(name))} There is no such column; which one "
                "is it?"
            )
    return wanted, trouble


def _distinct(header: Sequence[str]) -> list[str]:
    """Return the names trimmed, none empty and none twice."""
    names: list[str] = []
    seen: set[str] = set()
    for number, given in enumerate(header, 1):
        name = given.strip() or f"column {number}"
        again = 2
        while name in seen:
            name, again = f"{given.strip() or f'column {number}'} ({again})", again + 1
        seen.add(name)
        names.append(name)
    return names


def _refuse_duplicates(header: Sequence[str], source: str) -> None:
    """Raise `InputError` if two columns have the same name: one of them would be lost unnoticed."""
    places: dict[str, list[int]] = {}
    for number, name in enumerate(header, 1):
        if name.strip():
            places.setdefault(name.strip(), []).append(number)
    for name, numbers in places.items():
        if len(numbers) > 1:
            raise InputError(
                f"{source}: {len(numbers)} columns are named {_shown(name)} "
                f"({', '.join(map(str, numbers[:5]))}{', …' if len(numbers) > 5 else ''}).",
                "Give each column its own name and load the file again.",
            )


def _zoned(name: str) -> tuple[str, dt.tzinfo | None]:
    """Return *name* without the zone in brackets at its end, and that zone; or all of it, None."""
    match = _BRACKET.fullmatch(name)
    if not match:
        return name, None
    try:
        return match[1], zone_abbreviations.fixed_zone(match[2]) or ZoneInfo(match[2])
    except (ValueError, KeyError, OSError):
        return name, None


def _zone_of(name: str) -> dt.tzinfo | None:
    """Return the zone in brackets at the end of *name*, the column of the time.

    Raises `InputError` for an abbreviation without a fixed offset.
    """
    match = _BRACKET.fullmatch(name)
    if match and zone_abbreviations.is_ambiguous(match[2]):
        raise InputError(
            f"Ambiguous time zone {match[2]} in the column {_shown(name)}.",
            "Name the zone in the header like Europe/London, or give each time an offset.",
        )
    return _zoned(name)[1]


def _is_guarded(cell: str) -> bool:
    """Return whether the export put a quote before *cell*; it does before other quotes as well."""
    return cell.startswith("'") and cell.lstrip("'").startswith(csv_safety.RUN_BY_SPREADSHEETS)


def _is_exact_export(names: list[str]) -> bool:
    return "occurred_at" in names and all(name in RECORD_COLUMNS for name in names)


def _with_offset(text: str, zone: dt.tzinfo) -> str:
    """Return *text* with the offset of *zone*, if it is a time without one."""
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=zone).isoformat()


def _line(field: str, name: str) -> str:
    return f"`{field} = {_quoted(name)}`."


def _shown(name: str) -> str:
    return _quoted(name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…")


def _quoted(name: str) -> str:
    """Return *name* as TOML writes text; marks that a reader cannot see are spelled out."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(_shown(name) for name in names[:_LISTED]) + more
