"""Files as `load` reads them: NDJSON, JSON, CSV, Parquet and compressed dumps."""

import gzip
import tempfile
from functools import partial
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz import Target
from loaders import csv_table, json_lines, parquet_table
from loaders._streams import DAMAGE
from trail.cli.command import read_mapping
from trail.core.errors import InputError
from trail.core.limits import Limits
from trail.core.model import Loader, Source
from trail.core.settings import Settings
from trail.ingest import json_records

# Low limits, so that the fuzzer reaches them.
_SETTINGS = Settings(limits=Limits(line_bytes=1024, depth=16))
_FOLDER = tempfile.TemporaryDirectory(prefix="trail-fuzz-")
_PATH = Path(_FOLDER.name, "input")

_CALL = orjson.dumps(
    {
        "messageId": "api-1",
        "timestamp": "2026-11-01T08:01:00.000Z",
        "type": "track",
        "event": "Audit",
        "userId": "MNxxtIRCbe",
        "properties": {
            "type": "Source Modified",
            "details": {"resource_id": "LAn9KpdvNZ", "resource_type": "source", "target": "Web"},
        },
    }
)
_PAGE = b'{"data":{"events":[' + _CALL + b", " + _CALL + b'],"pagination":{"next":"MQ=="}}}'


def _read(loader: Loader, data: bytes, mapping: dict[str, str] | None = None) -> None:
    """Read all of *data* and process each record as ingest does."""
    _PATH.write_bytes(data)
    loader.accepts(_PATH)
    try:
        for chunk in loader.read(Source(_PATH, mapping or {}), _SETTINGS):
            for raw in chunk.records["raw"].to_pylist():
                list(json_records.extract_records(raw.encode(), _SETTINGS.limits))
            assert 0 <= chunk.progress <= 1
    except (InputError, *DAMAGE):  # expected by ingest
        return


def dump(data: bytes) -> None:
    """Read gzip-compressed NDJSON, truncated if the length of *data* is odd."""
    packed = gzip.compress(data, 1)
    _read(json_lines.LOADER, packed[:-9] if len(data) % 2 else packed)


def mapping(data: bytes) -> None:
    """Read a mapping file, and a CSV file with it."""
    path = _PATH.with_suffix(".toml")
    path.write_bytes(data)
    try:
        result = read_mapping(path)
    except InputError:
        return
    _read(csv_table.LOADER, b"when,what,who\n2026-11-01,Source Modified,maya\n", result)


def _parquet() -> bytes:
    out = pa.BufferOutputStream()
    table = pa.table(
        {
            "timestamp": pa.array([0, None], pa.timestamp("ns", "Europe/Oslo")),
            "type": pa.array(["Source Modified", "x"]).dictionary_encode(),
            "day": pa.array([1, 2], pa.date32()),
            "amount": pa.array([1, 2], pa.decimal128(9, 2)),
            "details": [{"subject": b"maya", "list": [1.5]}, None],
        }
    )
    pq.write_table(table, out, compression="none", write_statistics=False)
    return out.getvalue().to_pybytes()


_LINES = (_CALL + b"\n" + _CALL, b"[" + _CALL + b",\n" + _CALL + b"]", _PAGE)
_TABLE = b'timestamp,type,actor,"resource id"\n2026-11-01T08:00:00Z,Source Modified,"a ""b""",x\n'
_WAREHOUSE = b"id\toriginal_timestamp\tevent_text\tdetails_subject\n1\t2026-11-01\tAudit\tmaya\n"
TARGETS = (
    Target("json", partial(_read, json_lines.LOADER), _LINES),
    Target(
        "csv",
        partial(_read, csv_table.LOADER),
        (_TABLE, _WAREHOUSE, b"occurred_at (Europe/Oslo);action\n2026-11-01 08:00;'=Source\n"),
    ),
    Target("parquet", partial(_read, parquet_table.LOADER), (_parquet(), b"PAR1\x00PAR1")),
    Target("s3_dump", dump, _LINES),
    Target("mapping", mapping, (b'timestamp = "when"\ntype = "what"\n', b"actor = 0x1f\nid = 1.5")),
)
