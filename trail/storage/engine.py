"""What the product's queries need of a database: SQL and parameters in, Arrow out.

`duckdb.Store` is the database, and `tiers.both` gives the database and the archive as one.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

Params = dict[str, Any]


class Engine(Protocol):
    """What answers queries."""

    @property
    def name(self) -> str:
        """Return what the engine is called in messages and measurements."""
        ...

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the whole answer."""
        ...

    def reading(self) -> contextlib.AbstractContextManager["Reading"]:
        """Return one snapshot to stream from."""
        ...

    def cancel(self) -> None:
        """Interrupt the queries that run now, from any thread; later ones run."""
        ...


class Reading(Protocol):
    """One snapshot of the store, streamed from."""

    def batches(self, sql: str, params: Params, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the answer in batches of about *rows* rows."""
        ...
