"""Which column of a CSV or Parquet table contains which field: by a mapping, or by its name."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from trail.core import zone_abbreviations
from trail.core.errors import InputError
from trail.core.model import ARCHIVE_KEYS, RECORD_COLUMNS, TableColumns

# Field -> its column names, compared ignoring case, spaces, dots, underscores and dashes. A mapping
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
# Details found only in Segment's tables.
_SEGMENT_DETAILS = frozenset(
    ["resource_id", "resource_type", "subject", "subject_id", "target", "subject_email"]
)

_ZONE_SUFFIX = re.compile(r"(.*?)\s*\(([^()]*)\)", re.DOTALL)

Path = tuple[str, ...]


def _normalize(name: str) -> str:
    return re.sub(r"[\s._-]+", "", name.casefold())


_FIELD_OF_NAME = {
    _normalize(word): field for field, words in _FIELDS.items() for word in words.split(",")
}


class Assignment:
    """The columns of one table, and the field that each contains.

    `places` maps each path of a record to its column; `problems` are the questions that a mapping
    must answer; `zone` is the time zone named in the header of the time column.
    """

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str], source: str) -> None:
        """Assign by *mapping* (field -> column) first, then by name.

        Raises `InputError` for duplicate column names or a time zone without a fixed offset.
        """
        _refuse_duplicates(header, source)
        self.names = _unique_names(header)
        self.bare_names = [_split_zone(name)[0] for name in self.names]
        # Only our CSV export has a zone after `occurred_at`, and quotes before formulas.
        self.has_formula_quotes = any(
            name == "occurred_at" and zone for name, zone in map(_split_zone, self.names)
        )
        self.is_export = self.has_formula_quotes or _is_exact_export(self.names)
        self.is_forwarded = not self.is_export and _is_forwarded(self.names)
        paths = _FORWARDED_PATHS if self.is_forwarded else _API_PATHS
        mapped, self.problems = _read_mapping(self.names, mapping)
        self._unclear: list[str] = []
        if self.is_forwarded:
            result = _call_columns(self.names)
        else:
            result, ambiguities = self._guess(mapped)
            self.problems += ambiguities
        result = {path: at for path, at in result.items() if at not in mapped.values()}
        self.places = result | {paths[field]: at for field, at in mapped.items()}
        self._fields = {field: self.places.get(path, -1) for field, path in paths.items()}
        self._add_missing()
        time_at = self.places.get(("timestamp",), -1)
        self.zone = None if self.is_export or time_at < 0 else _zone_of(self.names[time_at])

    def described(self, first: Sequence[str]) -> TableColumns:
        """Return the assignment for display, with the *first* value of each column."""
        fields = {
            name: self.names[at] if at >= 0 and name not in self._unclear else ""
            for name, at in self._fields.items()
        }
        if self.is_forwarded:
            # Segment's own tables define their columns; a mapping does not change them.
            fields = {}
        used = set(self.places.values())
        return TableColumns(
            tuple(self.names),
            tuple(first),
            {} if self.is_export else fields,
            tuple(name for at, name in enumerate(self.names) if at not in used),
            tuple(self._unclear),
        )

    def _add_missing(self) -> None:
        unused = [n for at, n in enumerate(self.names) if at not in self.places.values()]
        unused = unused or self.names
        problem_text = " ".join(self.problems)
        for field, required in (("timestamp", _TIME_PATHS), ("type", _TYPE_PATHS)):
            is_there = any(path in self.places for path in required)
            if not is_there:
                self._unclear.append(field)
            if not is_there and f"`{field} = " not in problem_text:
                example = unused.pop(0) if len(unused) > 1 else unused[0]
                self.problems.append(
                    f"Which column contains {_REQUIRED[field]}? "
                    f"Write {_mapping_line(field, example)}"
                )

    def _guess(self, mapped: dict[str, int]) -> tuple[dict[Path, int], list[str]]:
        claims: dict[str, list[int]] = {}
        taken = set(mapped.values())
        for at, name in enumerate(self.names):
            field = _FIELD_OF_NAME.get(_normalize(name)) or _FIELD_OF_NAME.get(
                _normalize(self.bare_names[at])
            )
            if field and field not in mapped and at not in taken:
                claims.setdefault(field, []).append(at)
        if "action_raw" in self.bare_names and "type" in claims:
            # The original text has priority.
            claims["type"] = [self.bare_names.index("action_raw")]
        problems = []
        for field, places in claims.items():
            if len(places) > 1:
                self._unclear.append(field)
                names = [_display_name(self.names[at]) for at in places[:5]]
                listed = f"{', '.join(names[:-1])} and {names[-1]}"
                problems.append(
                    f"Which of the columns {listed} contains {_REQUIRED.get(field, field)}? "
                    f"Write {_mapping_line(field, self.names[places[0]])}"
                )
        return {_API_PATHS[field]: places[0] for field, places in claims.items()}, problems


def _is_forwarded(names: list[str]) -> bool:
    details = {match[1].lower() for name in names if (match := _DETAIL.fullmatch(name))}
    keys = {_normalize(name) for name in names}
    call = "eventtext" in keys and bool({"originaltimestamp", "receivedat"} & keys)
    return bool(details & _SEGMENT_DETAILS) or "propertiestype" in keys or call


def _call_columns(names: list[str]) -> dict[Path, int]:
    """Return the column of each part of a forwarded event in a warehouse or nested table."""
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
    """Return the names, trimmed, non-empty and unique."""
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
    """Return *name* without a trailing time zone in brackets, and the zone or None."""
    match = _ZONE_SUFFIX.fullmatch(name)
    if not match:
        return name, None
    try:
        return match[1], zone_abbreviations.fixed_zone(match[2]) or ZoneInfo(match[2])
    except (ValueError, KeyError, OSError):
        return name, None


def _zone_of(name: str) -> dt.tzinfo | None:
    """Return the trailing time zone in brackets of *name*, or None.

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
    own = {*RECORD_COLUMNS, *ARCHIVE_KEYS}
    return "occurred_at" in names and own.issuperset(names)


def _mapping_line(field: str, name: str) -> str:
    return f"`{field} = {_quoted(name)}`."


def _display_name(name: str) -> str:
    return _quoted(name if len(name) <= _MAX_NAME_CHARS else name[: _MAX_NAME_CHARS - 1] + "…")


def _quoted(name: str) -> str:
    """Return *name* as a TOML string; unprintable characters are escaped."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


def name_list(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(_display_name(name) for name in names[:_MAX_LISTED]) + more
