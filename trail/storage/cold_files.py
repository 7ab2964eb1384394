"""Which files of the archive can be read as its parts: others may have damaged or changed them."""

import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trail.core.model import ARCHIVE_KEYS, RECORD_COLUMNS

# The schema is fixed and not derived, so that all files of an archive have the same one.
_TYPES: dict[str, pa.DataType] = {
    "occurred_at": pa.timestamp("us", "UTC"),
    "ingested_at": pa.timestamp("us", "UTC"),
    "risk": pa.int8(),
    "verified": pa.bool_(),
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in RECORD_COLUMNS])
_KEY_TYPES = {"timestamp": pa.timestamp("us"), "integer": pa.int32(), "boolean": pa.bool_()}
# With what makes a part fast to read for the database that writes it.
KEYED_SCHEMA = pa.unify_schemas(
    [SCHEMA, pa.schema([(name, _KEY_TYPES[kind]) for name, kind in ARCHIVE_KEYS.items()])]
)
# The first releases did not write this one.
_OPTIONAL = {"recorded_actor_id"}


def is_readable(path: Path, size: int | None, *, keyed: bool) -> bool:
    """Return whether *path*, a part that had *size* bytes, can be read as a part.

    A file of this size is not opened: what is in it is for `verify`.
    """
    try:
        state = path.stat()
    except (OSError, ValueError):
        return False
    if not stat.S_ISREG(state.st_mode):
        return False
    return state.st_size == size or not schema_problem(path, keyed=keyed)


def schema_problem(path: Path | pa.NativeFile, *, keyed: bool) -> str:
    """Return why the regular or opened file *path* is not a part, or "" if it has its columns."""
    try:
        found = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return "not a Parquet file"
    for field in KEYED_SCHEMA if keyed else SCHEMA:
        if field.name not in found.names:
            if field.name not in _OPTIONAL:
                return f"no column {field.name}"
        elif found.names.count(field.name) > 1 or found.field(field.name).type != field.type:
            return f"column {field.name} is not {field.type}"
    return ""
