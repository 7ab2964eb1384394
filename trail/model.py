"""The words of the trail as types: what a loader yields, what a batch reports, what a row holds.

Separate because loaders, the store and the pages all speak these and nothing else of each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from trail.settings import Settings

# The columns of one event, in the order in which every table, export and command gives them.
EVENT_COLUMNS = (
    "event_id",
    "occurred_at",
    "ingested_at",
    "action",
    "action_raw",
    "category",
    "kind",
    "outcome",
    "risk",
    "actor_id",
    "actor_type",
    "actor_email",
    "actor_name",
    "target_type",
    "target_id",
    "target_name",
    "workspace_id",
    "verified",
    "raw",
)

ACTOR_TYPES = ("user", "token", "system", "unknown")
OUTCOMES = ("success", "failure", "unknown")

# What a quarantined record keeps of its bytes.
QUARANTINE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not become an event: where it stood, why, and its bytes.

    `size` is how many bytes it had, where `raw` is only its beginning.
    """

    line: int
    reason: str
    raw: bytes
    size: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of one source.

    `records` has two columns: `line` (int64, 1-based line or record number) and `raw` (string or
    string_view; UTF-8 text that is meant to be one JSON value). `progress` is the share of the
    source that has been read, 0 to 1.
    """

    records: pa.Table
    rejects: tuple[Reject, ...] = ()
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """One file to load, and how to read it."""

    path: Path
    mapping: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name that batches and quarantine show."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Loader:
    """One kind of source: what it accepts, and how it reads.

    `accepts` looks at the file's content; `read` yields chunks. Loaders are asked in the order of
    `rank`, the lowest first.
    """

    name: str
    title: str
    rank: int
    accepts: Callable[[Path], bool]
    read: Callable[[Source, Settings], Iterator[Chunk]]


@dataclass(slots=True)
class Batch:
    """What one load did: read = kept + duplicates + quarantined."""

    source: str
    loader: str
    batch_id: int | None = None
    read: int = 0
    kept: int = 0
    duplicates: int = 0
    quarantined: int = 0
    error: str = ""
    skipped: bool = False

    def report(self) -> dict[str, Any]:
        """Return the numbers as `load --json` prints them."""
        return asdict(self)
