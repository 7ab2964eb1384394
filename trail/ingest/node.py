"""An ingest process: its write-ahead log becomes parts for the server, each exactly once.

The database is not opened. A file of the log is renamed to `<sequence>.outgoing`, written as the
part of that number, and removed; after a crash at any point, the next start goes on from there. A
part that is written a second time, since the server had taken it already, is recognized by its
process and sequence.
"""

import contextlib
import fcntl
import itertools
import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from trail.core import atomic_file
from trail.core.clock import utc_now, utc_text
from trail.core.errors import SettingError
from trail.core.settings import Settings
from trail.ingest import parsing, parts
from trail.ingest.keeper import chunk_of
from trail.ingest.parts import About
from trail.ingest.receiver import Intake
from trail.ingest.write_ahead_log import Entry, Journal, read
from trail.storage import connection

_log = logging.getLogger("trail.intake")

REPORT = "node.json"
# What is wrong without `store.node`, and what to do.
NO_NAME = ("store.node is empty.", "Give each ingest process a name of its own, such as a.")
_OUTGOING = ".outgoing"
# Records of a part that are read at once: at most so many, and so many bytes.
_MOST_ENTRIES, _MOST_BYTES = 20_000, 32 << 20
_REPORT_EVERY_S = 10.0
# No process counts so far: a file with such a number is of somebody else.
_HIGHEST = 10**11
_KEYED = """
select pos, event_id, occurred_at, md5_number_lower(event_id) as event_key from parsed
qualify row_number() over (partition by pos order by event_id) = 1
"""


@dataclass(frozen=True, slots=True)
class _Identity:
    """Who writes parts: the process, its first part, and the number of its next one."""

    process: str
    first: int
    next: int


def folder_of(settings: Settings) -> Path:
    """Return where the write-ahead log of this ingest process lies."""
    path = settings.store.path.absolute()
    return path.with_name(f"{path.stem}.{settings.store.node}.ingest")


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[Intake]:
    """Give the intake of this ingest process, which alone may use its folder.

    Raises `SettingError` if another process of this machine has its name, or it has none.
    """
    if not settings.store.node:
        raise SettingError(*NO_NAME)
    folder = folder_of(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingError(
                f"Another ingest process has the name {settings.store.node}.",
                "Give each a store.node of its own.",
            ) from None
        sink = PartSink(settings)
        intake = Intake(Journal(folder, settings.push.backlog_bytes), sink)
        try:
            yield intake
        finally:
            intake.close()
            sink.close()


class PartSink:
    """Writes what the log has as parts into the folder of this node."""

    every_s = 2.0
    problem = "Events wait on disk: their parts cannot be written to the folder of the archive."

    def __init__(self, settings: Settings) -> None:
        self._settings, self._node = settings, settings.store.node
        self._folder, self._incoming = folder_of(settings), settings.store.incoming / self._node
        self._cursor = connection.without_database(settings, self._folder / "spill")
        self._reported_at = 0.0
        self._identity: _Identity | None = None

    def close(self) -> None:
        """End; what waits is written at the next start."""
        self._cursor.close()

    def drain(self, journal: Journal, *, ending: bool) -> None:
        """Write the parts of all that *journal* has. Raises `OSError` if that cannot be done."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        identity = self._identity = self._identity or self._known()
        for outgoing in self._outgoing():
            identity = self._pass_on(outgoing, identity)
        for path in journal.closed():
            if next(read(path), None) is None:
                journal.forget(path)
                continue
            outgoing = self._folder / f"{identity.next:012d}{_OUTGOING}"
            journal.move(path, outgoing)
            identity = self._pass_on(outgoing, identity)
        if ending or time.monotonic() - self._reported_at >= _REPORT_EVERY_S:
            self._report(journal.waiting_bytes)

    def _known(self) -> _Identity:
        path = self._folder / "identity.json"
        try:
            return _Identity(**orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            pass
        except (ValueError, TypeError):
            _log.warning("%s is damaged: the numbering of parts starts again", path)
        # A folder that was lost had parts, too: theirs may wait under the first names.
        waiting = parts.waiting(self._incoming)
        numbers = (parts.sequence_of(path, self._node) for path in waiting)
        taken = max((number for number in numbers if number < _HIGHEST), default=0)
        following = taken + 1
        for outgoing in self._outgoing():
            # What it is a part of is not known any more. There is at most one.
            outgoing.rename(self._folder / f"{following:012d}{_OUTGOING}")
            following += 1
        return self._noted(_Identity(secrets.token_hex(8), taken + 1, following))

    def _outgoing(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_OUTGOING}"))

    def _noted(self, identity: _Identity) -> _Identity:
        text = orjson.dumps(asdict(identity)).decode()
        atomic_file.replace(self._folder / "identity.json", text)
        self._identity = identity
        return identity

    def _pass_on(self, outgoing: Path, identity: _Identity) -> _Identity:
        """Write the part of *outgoing*, then remove it; return who writes the next one."""
        sequence = int(outgoing.stem)
        about = About(self._node, identity.process, identity.first, sequence)
        parts.write(self._incoming, about, self._groups(outgoing))
        # First, so that no other part gets the number once the file is removed.
        identity = self._noted(_Identity(identity.process, identity.first, sequence + 1))
        outgoing.unlink()
        return identity

    def _groups(self, path: Path) -> Iterator[tuple[pa.Table, int, int]]:
        for entries in _sliced(read(path)):
            # Together what is kept together; the order within a receiver stays.
            entries.sort(key=lambda entry: (entry.receiver, entry.named))
            yield self._group(entries)

    def _group(self, entries: list[Entry]) -> tuple[pa.Table, int, int]:
        """Return *entries* with what is in them, and how many events and refused records."""
        columns = {
            name: [getattr(entry, name) for entry in entries]
            for name in ("receiver", "raw", "verified", "named", "refusal")
        }
        events, refused, events_of = 0, 0, list[pa.Table]()
        for (_, named), group in itertools.groupby(
            enumerate(entries), lambda item: (item[1].receiver, item[1].named)
        ):
            first, *_ = numbered = list(group)
            chunk = chunk_of([entry for _, entry in numbered])
            refused += len(chunk.rejects)
            try:
                parsed = parsing.parse(
                    self._cursor, chunk.records, self._settings.limits, named=named, mapped=False
                )
            except Exception:  # the server finds out which one
                _log.exception("a batch of %d records could not be read together", len(numbered))
                continue
            events += parsed.events.num_rows
            refused += len(parsed.rejects)
            # A record without a line of its own is inside one of those given.
            places = pa.array(parsed.origin).take(parsed.events["pos"].combine_chunks())
            lines = chunk.records["line"].combine_chunks().take(places)
            found = parsed.events.select(["event_id", "occurred_at"])
            events_of.append(found.append_column("pos", pc.add(lines, first[0] - 1)))
        table = pa.table({name: pa.array(columns[name], _type(name)) for name in columns})
        return self._with_events(table, events_of), events, refused

    def _with_events(self, table: pa.Table, events_of: list[pa.Table]) -> pa.Table:
        """Return the records of *table* with the columns of the events in them, by `SCHEMA`."""
        empty = pa.nulls(table.num_rows)
        names = [name for name in parts.SCHEMA.names if name not in table.column_names]
        ids: list[list[object]] = [empty.to_pylist() for _ in names]
        if events_of:
            self._cursor.register("parsed", pa.concat_tables(events_of))
            for pos, *values in self._cursor.execute(_KEYED).fetchall():
                for column, value in zip(ids, values, strict=True):
                    column[pos] = value
            self._cursor.unregister("parsed")
        for name, column in zip(names, ids, strict=True):
            table = table.append_column(name, pa.array(column, _type(name)))
        return table.cast(parts.SCHEMA)

    def _report(self, waiting_bytes: int) -> None:
        """State that this node is running."""
        state = {"node": self._node, "seen_at": utc_text(utc_now()), "waiting_bytes": waiting_bytes}
        text = orjson.dumps(state).decode()
        atomic_file.replace(self._incoming / REPORT, text, durable=False, mode=0o644)
        self._reported_at = time.monotonic()


def _type(name: str) -> pa.DataType:
    return parts.SCHEMA.field(name).type


def _sliced(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    """Yield *entries* in lists that fit into memory."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        group.append(entry)
        size += len(entry.raw)
        if len(group) >= _MOST_ENTRIES or size >= _MOST_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
