"""Signatures of accepted requests, each with a digest of the records that it came with.

Separate because a signature that covers only some records of a request can be captured and sent
again with others. Kept in SQLite beside the write-ahead log, since DuckDB may be busy or shut when
a request must be answered. Used by the thread that writes the log.
"""

import contextlib
import datetime as dt
import errno
import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trail.core.clock import utc_now
from trail.core.model import Received

_log = logging.getLogger("trail.intake")

MAX_AGE = dt.timedelta(days=90)
MAX_SIGNATURES = 1_000_000
# How many old signatures each write removes at most, besides as many as it adds.
_EXPIRED = 100

_SCHEMA = (
    "create table if not exists signatures ("
    "id integer primary key, signature blob not null unique, records blob not null, "
    "seen_s integer not null)"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature and the SHA-256 of its records; `alone` if nothing else proves them."""

    signature: bytes
    records: bytes
    alone: bool


def proof_of(received: Received) -> Proof | None:
    """Return what is remembered of *received*, None for a request without a signature.

    The digest covers the records as cut from the body, so that white space between them is ignored.
    """
    if not received.signature:
        return None
    digest = hashlib.sha256()
    for record in received.records:
        digest.update(len(record).to_bytes(8))
        digest.update(record)
    return Proof(received.signature, digest.digest(), not received.other_proof)


class UsedSignatures:
    """The signatures of the last 90 days, at most a million, in the file *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def remember(self, proofs: Sequence[Proof | None]) -> Iterator[list[bool]]:
        """Yield which *proofs* are replays: their signature was used alone with other records.

        The others are on disk once the block has ended; if it fails, none is remembered. Raises
        `OSError`.
        """
        if not any(proofs):
            yield [False] * len(proofs)
            return
        try:
            with self._opened() as connection:  # commits or rolls back
                yield [proof is not None and _is_replay(connection, proof) for proof in proofs]
                _prune(connection, len(proofs))
        except sqlite3.Error as error:
            self.close()
            if not isinstance(error, sqlite3.OperationalError):
                self._start_anew()
            raise OSError(errno.EIO, f"used signatures: {error}") from error

    def close(self) -> None:
        """Close the file, in the thread that used it."""
        if self._connection:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _opened(self) -> sqlite3.Connection:
        if not self._connection:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(self._path)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = full")
            self._connection.execute(_SCHEMA)
        return self._connection

    def _start_anew(self) -> None:
        """Remove a damaged file: events matter more than signatures that were used before."""
        _log.warning("the list of used signatures is damaged; a new one is started: %s", self._path)
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _is_replay(connection: sqlite3.Connection, proof: Proof) -> bool:
    """Remember *proof* if its signature is new; return whether it is a replay."""
    connection.execute(
        "insert or ignore into signatures (signature, records, seen_s) values (?, ?, ?)",
        (proof.signature, proof.records, _seconds(utc_now())),
    )
    known = connection.execute(
        "select records from signatures where signature = ?", (proof.signature,)
    ).fetchone()
    return proof.alone and bool(known[0] != proof.records)


def _prune(connection: sqlite3.Connection, added: int) -> None:
    connection.execute(
        "delete from signatures where id <= (select max(id) from signatures) - ?", (MAX_SIGNATURES,)
    )
    connection.execute(
        "delete from signatures where seen_s < ? "
        "and id in (select id from signatures order by id limit ?)",
        (_seconds(utc_now() - MAX_AGE), added + _EXPIRED),
    )


def _seconds(moment: dt.datetime) -> int:
    """Return *moment* (UTC, without zone) in seconds since 1970."""
    return int(moment.replace(tzinfo=dt.UTC).timestamp())
