"""Parquet files: rows in, records out, flat or nested.

Nested columns are spread out under dotted names (`properties.details.subject`), so that one
reading of names serves warehouse tables, nested records and CSV alike.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loaders._column_names import Assignment
from loaders._columns import ROWS, Columns, RowBuffer
from loaders._streams import expands_too_much, expansion_error
from trail.core.errors import InputError
from trail.core.limits import Limits
from trail.core.model import QUARANTINE_BYTES, Chunk, Loader, Reject, Source, TableColumns
from trail.core.settings import Settings

_MAGIC = b"PAR1"
# Approximate uncompressed size of a batch of rows, in bytes.
_BATCH_BYTES = 64 << 20
# Rows read at once where lists repeat values, whose unpacked size no metadata states.
_LIST_ROWS = 64
# What reading a damaged file ends in: besides Arrow's own errors, names and zones that are no text,
# unknown time zones, and times outside of Python's calendar.
_DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, OverflowError)


def accepts(path: Path) -> bool:
    """Return whether *path* begins as Parquet files do."""
    with path.open("rb") as file:
        return file.read(4) == _MAGIC


def read(source: Source, settings: Settings) -> Iterator[Chunk]:
    """Yield the rows of *source* as records; rows are counted from 1.

    Raises `MappingNeededError` for missing or ambiguous columns, `InputError` when it is damaged.
    """
    row, longest, unpacked = 0, settings.limits.line_bytes, 0
    buffer = RowBuffer()
    try:
        with _opened(source.path, settings.limits) as (file, rows_at_once):
            total = max(file.metadata.num_rows, 1)
            empty = pa.RecordBatch.from_pylist([], file.schema_arrow)
            table = Columns(list(_spread(empty)), source.mapping, source.name)
            for batch in file.iter_batches(rows_at_once):
                cells_by_name = _spread(batch)
                unpacked += sum(
                    column.nbytes
                    for column in cells_by_name.values()
                    if pa.types.is_nested(column.type)
                )
                if expands_too_much(source.path.stat().st_size, unpacked, settings.limits):
                    raise expansion_error(settings.limits)
                texts = [_texts(column) for column in cells_by_name.values()]
                for cells in zip(*texts, strict=True):
                    row += 1
                    if sum(map(len, cells)) > longest:
                        buffer.add_reject(_too_long(row, cells, longest))
                        continue
                    try:
                        buffer.add(row, table.record(cells))
                    except (TypeError, UnicodeEncodeError):
                        raw = "\t".join(cells).encode("utf-8", "surrogateescape")
                        buffer.add_reject(Reject(row, "Not UTF-8", raw))
                    if buffer.full:
                        yield buffer.take(row / total)
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno:
            raise
        # What is already read is kept, as it is of every source that breaks half-way.
        yield buffer.take(1.0)
        raise InputError(
            f"{source.name}: the Parquet file is damaged or cut short, after row {row:,}.",
            "Rows before that are kept. Write or copy the file again and load it again.",
        ) from error
    yield buffer.take(1.0)


@contextlib.contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[tuple[pq.ParquetFile, int]]:
    """Yield the file and the number of rows to read at once, so that memory is bounded.

    Text columns are read as dictionaries, so that repeated values are stored once.
    Raises `LoadLimitError` if the file unpacks to more than *limits* allow.
    """
    with pq.ParquetFile(path) as file:
        metadata, columns = file.metadata, file.schema
    unpacked = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if expands_too_much(path.stat().st_size, unpacked, limits):
        raise expansion_error(limits)
    texts = [
        column
        for column in map(columns.column, range(len(columns)))
        if column.physical_type == "BYTE_ARRAY"
    ]
    flat = [column.path for column in texts if not column.max_repetition_level]
    rows = ROWS * _BATCH_BYTES // max(unpacked * ROWS // max(metadata.num_rows, 1), _BATCH_BYTES)
    with pq.ParquetFile(path, read_dictionary=flat) as file:
        yield file, max(min(rows, _LIST_ROWS if len(flat) < len(texts) else rows), 1)


def _too_long(row: int, cells: Sequence[str], longest: int) -> Reject:
    size = sum(map(len, cells))
    raw, left = list[str](), QUARANTINE_BYTES
    for cell in cells:
        raw.append(cell[:left])
        left -= len(raw[-1]) + 1
        if left <= 0:
            break
    kept = "\t".join(raw).encode("utf-8", "surrogateescape")[:QUARANTINE_BYTES]
    return Reject(row, f"Longer than {longest:,} bytes", kept, size)


def columns(source: Source, settings: Settings) -> TableColumns:
    """Return the columns of *source* with the values of its first row; raises like `read`."""
    try:
        with _opened(source.path, settings.limits) as (file, _):
            empty = pa.RecordBatch.from_pylist([], file.schema_arrow)
            batch = next(file.iter_batches(1), empty)
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise InputError(
            f"{source.name}: the Parquet file is damaged.", "Write or copy the file again."
        ) from error
    spread = _spread(batch)
    first = ["".join(_texts(column)[:1]) for column in spread.values()]
    return Assignment(list(spread), source.mapping, source.name).described(first)


def _spread(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """Return the columns with those inside of structs under dotted names."""
    result: dict[str, pa.Array] = {}

    def add(name: str, column: pa.Array) -> None:
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        if not pa.types.is_struct(column.type):
            # A name may come twice; `Columns` tells such columns apart by their order.
            while name in result:
                name += " "
            result[name] = column
            return
        for field, inside in zip(column.type, column.flatten(), strict=True):
            add(f"{name}.{field.name}", inside)

    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        add(name, column)
    return result


def _texts(column: pa.Array) -> list[str]:
    """Return the column's values as text, empty where there is none."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        # Rows with the same value share its text.
        values = _texts(column.dictionary)
        return ["" if at is None else values[at] for at in column.indices.to_pylist()]
    if pa.types.is_timestamp(kind):
        return [text and text.replace(" ", "T", 1) + "Z" for text in _cast(_utc(column))]
    if pa.types.is_nested(kind):
        return ["" if v is None else orjson.dumps(_plain(v)).decode() for v in column.to_pylist()]
    if _is_bytes(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _decoded(column)
    return _cast(column)


def _utc(column: pa.Array) -> pa.Array:
    """Return times in UTC without a zone, to the microsecond; those without a zone are in UTC."""
    unit = "us" if column.type.unit == "ns" else column.type.unit
    if column.type.tz:
        column = pc.cast(column, pa.timestamp(column.type.unit, "UTC"))
    return pc.cast(column, pa.timestamp(unit), safe=False)


def _cast(column: pa.Array) -> list[str]:
    try:
        texts = pc.cast(column, pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
    return [text or "" for text in texts]


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        (types.is_binary(kind), types.is_large_binary(kind), types.is_fixed_size_binary(kind))
    )


def _decoded(column: pa.Array) -> list[str]:
    """Return text; bytes that are no text as hexadecimal digits."""
    if not _is_bytes(column.type):
        try:
            return [text or "" for text in column.to_pylist()]
        except UnicodeDecodeError:
            # Marked, so that only the rows with the bad bytes are refused.
            octets = column.cast(pa.large_binary()).to_pylist()
            return [(octet or b"").decode("utf-8", "surrogateescape") for octet in octets]
    return [_bytes_text(item or b"") for item in column.to_pylist()]


def _bytes_text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.hex()


def _plain(value: Any) -> Any:
    """Return a nested value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): _plain(inside) for key, inside in value.items()}
    if isinstance(value, list):
        # A map comes as pairs.
        if value and all(isinstance(pair, tuple) for pair in value):
            return {str(key): _plain(inside) for key, inside in value}
        return [_plain(inside) for inside in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    return _bytes_text(value) if isinstance(value, bytes) else str(value)


def _example() -> bytes:
    row = {"timestamp": "2026-11-24T11:58:00Z", "type": "Source Deleted", "actor": "users/u1"}
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([row]), out)
    return bytes(out.getvalue())


LOADER = Loader("parquet", "Parquet tables", 5, accepts, read, _example, columns)
