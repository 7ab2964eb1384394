"""Stream the events of a filter as CSV, NDJSON, Parquet, OCSF or ECS in constant memory.

CSV is for spreadsheets: times in the filter's zone, formulas neutralized. NDJSON and Parquet are
exact, with times in UTC. OCSF and ECS are for SIEMs: NDJSON documents of those schemas.
"""

import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from trail.core import csv_safety
from trail.core.byte_sink import Sink
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.core.model import RECORD_COLUMNS
from trail.events import csv_columns, document, ecs, events, named_rows, names, ocsf, timeline
from trail.events.column_titles import TITLES
from trail.storage import tiers
from trail.storage.engine import Engine
from trail.storage.filters import Filter

# Default columns of a CSV: all but the raw record.
CSV_COLUMNS = names.LISTED

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "ocsf.ndjson": "application/x-ndjson",
    "ecs.ndjson": "application/x-ndjson",
}
FORMAT_TITLES = {
    "csv": "CSV",
    "ndjson": "NDJSON",
    "parquet": "Parquet",
    "ocsf.ndjson": f"OCSF {ocsf.VERSION}",
    "ecs.ndjson": f"ECS {ecs.VERSION.removesuffix('.0')}",
}
# Formats with the fields of a schema, so that columns cannot be chosen.
DOCUMENTS: dict[str, Callable[[document.Row], dict[str, Any]]] = {
    "ocsf.ndjson": ocsf.event,
    "ecs.ndjson": ecs.event,
}

# What a column may be: those of a record, what is derived of its actor, and its target as shown.
COLUMNS = (*RECORD_COLUMNS, *names.DERIVED, "target")
HEADERS = ("names", "titles")

_TIMES = ("occurred_at", "ingested_at")
_BATCH_ROWS = 20_000
# Rows of one piece of a CSV: about a megabyte, whose memory is used again for the next one.
_PIECE_ROWS = 4_000
# Average bytes per row, measured on the demo workspace.
_ROW_BYTES = {"csv": 285, "ndjson": 1150, "parquet": 120, "ocsf.ndjson": 1680, "ecs.ndjson": 1500}


@dataclass(frozen=True, slots=True)
class Export:
    """An export: filter, format, and columns in order.

    The headers of a CSV are the names of the columns, or their titles on screen.
    """

    filter: Filter
    format: str = "csv"
    columns: tuple[str, ...] = CSV_COLUMNS
    headers: str = "names"

    def __post_init__(self) -> None:
        """Raise `InputError` for an unknown format or headers, unknown or repeated columns."""
        if self.format not in FORMATS:
            raise InputError(f"Unknown format {self.format!r}.", f"Allowed: {', '.join(FORMATS)}.")
        if self.headers not in HEADERS:
            raise InputError(f"Unknown headers {self.headers!r}.", "Allowed: names, titles.")
        unknown = [name for name in self.columns if name not in COLUMNS]
        if unknown or not self.columns or len(set(self.columns)) < len(self.columns):
            raise InputError(
                f"Unknown column {unknown[0]!r}."
                if unknown
                else "The list of columns is empty or has duplicates.",
                f"Allowed: {', '.join(COLUMNS)}.",
            )
        fixed = (CSV_COLUMNS, default_columns(self.format))
        if self.format in DOCUMENTS and self.columns not in fixed:
            raise InputError(
                f"{FORMAT_TITLES[self.format]} has fixed columns.", "Omit the list of columns."
            )

    def file_name(self, now: dt.datetime) -> str:
        """Return the file name with the time of the export and the zone of its times."""
        zone = self.filter.tz if self.format == "csv" else "UTC"
        safe = re.sub(r"[^A-Za-z0-9_+-]", "-", zone)
        moment = now.astimezone(self.filter.zone if self.format == "csv" else dt.UTC)
        return f"audit-trail_{moment:%Y-%m-%dT%H%M}_{safe}.{self.format}"


def default_columns(format_: str) -> tuple[str, ...]:
    """Return the columns of an export that names none."""
    if format_ in DOCUMENTS:
        return names.MESSAGE_COLUMNS
    return CSV_COLUMNS if format_ == "csv" else RECORD_COLUMNS


def format_of(file_name: str) -> str:
    """Return the format named by the extension of *file_name*, or its last extension."""
    lower = file_name.lower()
    known = [name for name in FORMATS if lower.endswith(f".{name}")]
    return max(known, key=len, default=lower.rpartition(".")[2])


def estimated_bytes(format_: str, rows: int) -> int:
    """Return the approximate size in bytes of an export of *rows* events."""
    return _ROW_BYTES[format_] * rows


def download_url(export: Export) -> str:
    """Return the URL that downloads *export*, always with its zone and order."""
    pairs = export.filter.pairs()
    default = default_columns(export.format)
    if export.columns != default:
        pairs.append(("columns", ",".join(export.columns)))
    if export.headers != "names":
        pairs.append(("headers", export.headers))
    return f"/export.{export.format}?{urlencode(pairs)}"


def stream(
    engine: Engine,
    export: Export,
    now: dt.datetime,
    limit: int | None = None,
    tally: Tally | None = None,
    *,
    csv_bom: bool = False,
) -> Iterator[bytes]:
    """Return the file's bytes in parts, from one snapshot of the store; *now* is aware.

    *limit* is the maximum number of events. *tally* counts the rows as they are produced. A CSV
    begins with a byte order mark if *csv_bom*. Raises `UnavailableError` at once if an archive file
    of the window is missing: an export is whole.
    """
    tiers.require_whole(engine, export.filter.window(now), "Then export again.")
    write = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}.get(export.format, _documents)
    chunks = write(engine, export, now, limit, tally or Tally())
    return csv_safety.marked(chunks, csv_bom and export.format == "csv")


def _csv(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    zone = export.filter.zone
    window = timeline.bounded(engine, export.filter.window(now), now)
    headers = [
        f"{TITLES[name] if export.headers == 'titles' else name}"
        f"{f' ({zone.key})' if name in _TIMES else ''}"
        for name in export.columns
    ]
    times = csv_columns.LocalTimes(zone, window)
    moment = export.columns.index("occurred_at") if "occurred_at" in export.columns else None
    arrival = export.columns.index("ingested_at") if "ingested_at" in export.columns else None
    # With the first rows, so that an error that they meet comes before the first byte.
    header = _header(headers)
    with engine.reading() as reading:
        for batch in named_rows.stream(
            engine,
            reading,
            export.filter,
            now,
            export.columns,
            csv_columns.harmless,
            rows=_BATCH_ROWS,
            limit=limit,
        ):
            rows = batch
            if moment is not None:
                rows = rows.set_column(moment, "occurred_at", times.texts(rows.column(moment)))
            rows = rows if arrival is None else _format_arrivals(rows, arrival, zone)
            for at in range(0, rows.num_rows, _PIECE_ROWS):
                piece = rows.slice(at, _PIECE_ROWS)
                tally.made += piece.num_rows
                yield header + _csv_rows(piece)
                header = b""
    if header:
        yield header


def _format_arrivals(batch: pa.RecordBatch, index: int, zone: ZoneInfo) -> pa.RecordBatch:
    """Return *batch* with arrival times as text, formatted once per distinct time."""
    encoded = batch.column(index).dictionary_encode()
    moments = encoded.dictionary.to_pylist()
    formatted = [csv_columns.local_iso(moment, zone) for moment in moments]
    column = pa.array(formatted, pa.string()).take(encoded.indices)
    return batch.set_column(index, batch.schema.field(index).name, column)


def _header(texts: list[str]) -> bytes:
    return (",".join(f'"{text}"' for text in texts) + "\n").encode()


def _csv_rows(batch: pa.RecordBatch) -> bytes:
    if batch.num_columns == 1 and batch.column(0).null_count:
        # A row of nothing would be an empty line, which readers skip.
        column = batch.column(0).cast(pa.string()).fill_null("")
        batch = pa.RecordBatch.from_arrays([column], batch.schema.names)
    out = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(batch, out, options)
    return out.getvalue()


def _ndjson(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    fields = ", ".join(f"{name} := {_iso_sql(name)}" for name in export.columns)
    line = f"to_json(struct_pack({fields}))::varchar || chr(10) as line"
    with engine.reading() as reading:
        for batch in events.stream(
            engine, reading, export.filter, now, line, rows=_BATCH_ROWS, limit=limit
        ):
            column = batch.column(0)
            tally.made += batch.num_rows
            yield b"".join(column.to_pylist()) if pa.types.is_binary(column.type) else _text(column)


def _text(column: pa.Array) -> bytes:
    """Return the concatenated text of *column*, taken from its data buffer."""
    if column.null_count or not pa.types.is_string(column.type):
        return "".join(column.to_pylist()).encode()
    offsets = memoryview(column.buffers()[1]).cast("i")
    first, last = offsets[column.offset], offsets[column.offset + len(column)]
    return bytes(memoryview(column.buffers()[2])[first:last]) if last > first else b""


def _iso_sql(name: str) -> str:
    if name in _TIMES:
        return f"replace({name}::varchar, ' ', 'T') || 'Z'"
    return names.TARGET if name == "target" else name


def _documents(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    to_document, columns = DOCUMENTS[export.format], ", ".join(names.MESSAGE_COLUMNS)
    with engine.reading() as reading:
        for batch in events.stream(
            engine, reading, export.filter, now, columns, rows=_BATCH_ROWS, limit=limit
        ):
            for at in range(0, batch.num_rows, _PIECE_ROWS):
                rows = batch.slice(at, _PIECE_ROWS).to_pylist()
                tally.made += len(rows)
                yield b"".join(document.line(to_document(row)) + b"\n" for row in rows)


def _parquet(
    engine: Engine, export: Export, now: dt.datetime, limit: int | None, tally: Tally
) -> Iterator[bytes]:
    sink = Sink()
    writer = None
    columns = ", ".join(
        f"{names.TARGET} as target" if name == "target" else name for name in export.columns
    )
    with engine.reading() as reading:
        for batch in events.stream(
            engine, reading, export.filter, now, columns, rows=_BATCH_ROWS, limit=limit
        ):
            writer = writer or _parquet_writer(sink, batch.schema)
            tally.made += batch.num_rows
            writer.write_batch(batch.cast(_utc_schema(batch.schema)))
            yield sink.take()
    if writer is None:
        derived = ", ".join(f"'' as {name}" for name in names.DERIVED)
        empty = engine.table(f"select {columns} from (select *, {derived} from event_rows) limit 0")
        writer = _parquet_writer(sink, empty.schema)
    writer.close()
    yield sink.take()


def _parquet_writer(sink: Sink, schema: pa.Schema) -> pyarrow.parquet.ParquetWriter:
    return pyarrow.parquet.ParquetWriter(
        pa.PythonFile(sink, mode="w"), _utc_schema(schema), compression="zstd"
    )


def _utc_schema(schema: pa.Schema) -> pa.Schema:
    """Return *schema* with its timestamps marked as UTC."""
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
