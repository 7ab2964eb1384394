"""Every chosen event as CSV, NDJSON or Parquet, streamed: memory stays flat at any size.

CSV is for people and spreadsheets: times in the reader's zone, formulas made harmless. NDJSON and
Parquet are exact.
"""

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from trail.core import csv_safety
from trail.core.byte_sink import Sink
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.core.model import EVENT_COLUMNS
from trail.events import events, timeline
from trail.storage import timezones
from trail.storage.database import Engine
from trail.storage.filters import Filter

# The CSV's columns where none are asked for: all but the raw record.
CSV_COLUMNS = events.LISTED

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

_TIMES = ("occurred_at", "ingested_at")
_RUN = ", ".join(f"chr({ord(mark)})" for mark in csv_safety.RUN_BY_SPREADSHEETS)
_BATCH_ROWS = 20_000
# Rough bytes of a row by format, measured on the demo workspace; for the button only.
_ROW_BYTES = {"csv": 285, "ndjson": 1150, "parquet": 120}


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported: the filter, the format, and the columns in their order."""

    filter: Filter
    format: str = "csv"
    columns: tuple[str, ...] = CSV_COLUMNS

    def __post_init__(self) -> None:
        """Raise `InputError` for a format or a column that does not exist."""
        if self.format not in FORMATS:
            raise InputError(f"Unknown format {self.format!r}.", "Use csv, ndjson or parquet.")
        unknown = [name for name in self.columns if name not in EVENT_COLUMNS]
        if unknown or not self.columns or len(set(self.columns)) < len(self.columns):
            raise InputError(
                f"Unknown column {unknown[0]!r}." if unknown else "No columns, or one twice.",
                f"Known: {', '.join(EVENT_COLUMNS)}.",
            )

    def file_name(self, now: dt.datetime) -> str:
        """Return the name of the file: what, when, and the zone of its times."""
        zone = self.filter.tz if self.format == "csv" else "UTC"
        safe = re.sub(r"[^A-Za-z0-9_+-]", "-", zone)
        moment = now.astimezone(self.filter.zone if self.format == "csv" else dt.UTC)
        return f"audit-trail_{moment:%Y-%m-%dT%H%M}_{safe}.{self.format}"


def rough_bytes(format_: str, rows: int) -> int:
    """Return about how many bytes an export of *rows* events has."""
    return _ROW_BYTES[format_] * rows


def address(export: Export, archived: str = "") -> str:
    """Return the address of a download of *export*, its zone and order always in it.

    *archived* names a month of the archive to take the events from, such as `2026-08`.
    """
    pairs = export.filter.pairs()
    if archived:
        pairs.append(("archive", archived))
    default = CSV_COLUMNS if export.format == "csv" else EVENT_COLUMNS
    if export.columns != default:
        pairs.append(("columns", ",".join(export.columns)))
    return f"/export.{export.format}?{urlencode(pairs)}"


def stream(
    engine: Engine,
    export: Export,
    now: dt.datetime,
    limit: int | None = None,
    tally: Tally | None = None,
) -> Iterator[bytes]:
    """Yield the file's bytes, from one snapshot of the store; *now* is aware.

    With *limit*, only so many events. *tally* counts the rows as they are made.
    """
    write = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}[export.format]
    return write(engine, export, now, limit, tally or Tally())


def _csv(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    zone = export.filter.zone
    window = timeline.bounded(engine, export.filter.window(now), now)
    names = [f"{name} ({zone.key})" if name in _TIMES else name for name in export.columns]
    columns = []
    for name in export.columns:
        if name == "occurred_at":
            clock = timezones.local(name, zone, window)
            offset = timezones.suffix(name, zone, window)
            columns.append(f"strftime({clock}, '%Y-%m-%dT%H:%M:%S.%f') || {offset} as {name}")
        else:
            columns.append(f"{_harmless(name)} as {name}" if name == "raw" else name)
    arrival = export.columns.index("ingested_at") if "ingested_at" in export.columns else None
    yield _header(names)
    with engine.reading() as reading:
        for batch in events.stream(
            engine,
            reading,
            export.filter,
            now,
            ", ".join(columns),
            rows=_BATCH_ROWS,
            limit=limit,
            text=_harmless,
        ):
            tally.made += batch.num_rows
            yield _csv_rows(batch if arrival is None else _arrivals(batch, arrival, zone))


def _arrivals(batch: pa.RecordBatch, place: int, zone: ZoneInfo) -> pa.RecordBatch:
    """Return *batch* with its arrival times as text; one load gives many rows the same one."""
    encoded = batch.column(place).dictionary_encode()
    texts = [
        moment.replace(tzinfo=dt.UTC).astimezone(zone).isoformat(timespec="microseconds")
        for moment in encoded.dictionary.to_pylist()
    ]
    if zone.key == "UTC":
        texts = [text.replace("+00:00", "Z") for text in texts]
    made = pa.array(texts, pa.string()).take(encoded.indices)
    return batch.set_column(place, batch.schema.field(place).name, made)


def _header(names: list[str]) -> bytes:
    return (",".join(f'"{name}"' for name in names) + "\n").encode()


def _csv_rows(batch: pa.RecordBatch) -> bytes:
    out = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(batch, out, options)
    return out.getvalue()


def _harmless(name: str) -> str:
    """Return SQL that puts a quote before text that a spreadsheet would run."""
    return f"case when {name}[1] in ({_RUN}) then '''' || {name} else {name} end"


def _ndjson(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    fields = ", ".join(f"{name} := {_exact(name)}" for name in export.columns)
    line = f"to_json(struct_pack({fields}))::varchar || chr(10) as line"
    with engine.reading() as reading:
        for batch in events.stream(
            engine, reading, export.filter, now, line, rows=_BATCH_ROWS, limit=limit
        ):
            column = batch.column(0)
            tally.made += batch.num_rows
            yield b"".join(column.to_pylist()) if pa.types.is_binary(column.type) else _text(column)


def _text(column: pa.Array) -> bytes:
    """Return the column's text back to back: its data buffer is already that."""
    if column.null_count or not pa.types.is_string(column.type):
        return "".join(column.to_pylist()).encode()
    offsets = memoryview(column.buffers()[1]).cast("i")
    first, last = offsets[column.offset], offsets[column.offset + len(column)]
    return bytes(memoryview(column.buffers()[2])[first:last]) if last > first else b""


def _exact(name: str) -> str:
    if name in _TIMES:
        return f"replace({name}::varchar, ' ', 'T') || 'Z'"
    return name


def _parquet(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    sink = Sink()
    writer = None
    columns = ", ".join(export.columns)
    with engine.reading() as reading:
        for batch in events.stream(
            engine, reading, export.filter, now, columns, rows=_BATCH_ROWS, limit=limit
        ):
            writer = writer or _parquet_writer(sink, batch.schema)
            tally.made += batch.num_rows
            writer.write_batch(batch.cast(_utc_schema(batch.schema)))
            yield sink.take()
    if writer is None:
        empty = engine.table(f"select {columns} from event_rows limit 0")
        writer = _parquet_writer(sink, empty.schema)
    writer.close()
    yield sink.take()


def _parquet_writer(sink: Sink, schema: pa.Schema) -> pyarrow.parquet.ParquetWriter:
    return pyarrow.parquet.ParquetWriter(
        pa.PythonFile(sink, mode="w"), _utc_schema(schema), compression="zstd"
    )


def _utc_schema(schema: pa.Schema) -> pa.Schema:
    """Return *schema* with its times marked as UTC, as they are."""
    return pa.schema(
        [
            field.with_type(pa.timestamp("us", tz="UTC"))
            if pa.types.is_timestamp(field.type)
            else field.with_type(pa.string())
            if pa.types.is_string_view(field.type)
            else field
            for field in schema
        ]
    )
