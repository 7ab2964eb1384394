"""Write the rows of a CSV or Parquet table as JSON records.

A row becomes a record in the format of the Public API, or of a forwarded event for warehouse
tables. Columns without a field are kept in the record under `columns`.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence

import orjson
import pyarrow as pa

from loaders._column_names import Assignment, name_list
from trail.core import csv_safety
from trail.core.errors import MappingNeededError
from trail.core.model import Chunk, Reject

# Rows are buffered up to this many rows or bytes.
ROWS = 50_000
CHUNK_BYTES = 64 << 20

_EMAIL = re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+")


class Columns:
    """The column mapping of one table, which turns its rows into records."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str], source: str) -> None:
        """Assign columns to fields: by *mapping* (field -> column) first, then by their names.

        Raises `MappingNeededError` for a missing or ambiguous field, `InputError` for two columns
        of one name or a time zone without a fixed offset.
        """
        assigned = Assignment(header, mapping, source)
        if assigned.problems:
            raise MappingNeededError(
                f"{source}: Columns are missing or ambiguous.",
                f"{' '.join(assigned.problems)} Write these lines, with the correct columns, to a "
                "mapping file and load again with --mapping FILE. "
                f"Columns found: {name_list(assigned.names)}.",
            )
        self.names, result = assigned.names, assigned.places
        self._has_formula_quotes, self._is_export = assigned.has_formula_quotes, assigned.is_export
        bare_names = assigned.bare_names
        self._raw_at = bare_names.index("raw") if self._is_export and "raw" in bare_names else -1
        self._is_forwarded = assigned.is_forwarded
        self._time_at = result.get(("timestamp",), -1)
        self._zone = assigned.zone
        self._actor_type_at = (
            bare_names.index("actor_type") if self._is_export and "actor_type" in bare_names else -1
        )
        self._top, self._properties, self._details = (
            [(path[-1], at) for path, at in result.items() if path[:-1] == above]
            for above in ((), ("properties",), ("properties", "details"))
        )
        used = set(result.values())
        self._other_columns = [(name, at) for at, name in enumerate(self.names) if at not in used]

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


def _with_offset(text: str, zone: dt.tzinfo) -> str:
    """Return *text* with the offset of *zone*, if it is a time without an offset."""
    try:
        parsed = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if parsed.tzinfo else parsed.replace(tzinfo=zone).isoformat()
