"""Files and folders in: which loader reads what, and the batches that come of it.

Separate from ingest, which knows records and not files. Loaders are found, not listed: a new one
is one new file under loaders/.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from trail.core import registry
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.model import Arrived, Batch, Chunk, Drop, Loader, Source, TableColumns
from trail.core.settings import Settings
from trail.ingest import pipeline, seen_files
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

Progress = Callable[[float, Batch], None]

# A transaction costs as much as thousands of records: files of up to so many bytes and records
# share one, until there are enough of them or the first has waited for some seconds.
_SMALL_BYTES, _SMALL_ROWS = 256 << 10, 2_000
_FILES, _BYTES, _SECONDS = 500, 16 << 20, 3.0

# These hold no events: Segment writes one into a bucket to try whether it may, the archive others.
_NOT_DATA = ("dummy-object.txt", "day=*/_manifest.json")


def loaders() -> list[Loader]:
    """Return the loaders of files in the order in which they are asked."""
    return sorted(registry.of_kind(Loader), key=lambda loader: loader.rank)


def files(paths: list[Path]) -> list[tuple[Path, bool]]:
    """Return (file, asked for by name) for all that *paths* name, folders opened, in name order.

    Raises `InputError` for a path that does not exist, or a folder without files.
    """
    result: list[tuple[Path, bool]] = []
    for path in paths:
        if path.is_dir():
            inside = [
                file
                for file in sorted(path.rglob("*"))
                if file.is_file()
                and not any(file.match(pattern) for pattern in _NOT_DATA)
                and not file.name.startswith(".")
            ]
            if not inside:
                raise InputError(
                    f"{path.name}: the folder contains no files.", "Name another folder."
                )
            result.extend((file, False) for file in inside)
        elif path.exists():
            result.append((path, True))
        else:
            raise InputError(f"{path.name}: no such file.", "Check the path.")
    return result


def load_files(
    store: Store,
    settings: Settings,
    paths: list[Path],
    *,
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,
    quarantine: bool = True,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """Load each file of *paths* and yield its batch; for the options, see `pipeline.load`.

    A file that cannot be read yields a batch with an error, and loading continues with the others.
    A file found in a folder that has no known format is marked as skipped.
    """
    known = loaders()
    for path, named in files(paths):
        source = Source(path, mapping or {})
        batch = Batch(source=source.name, loader="")
        try:
            loader = _loader_of(path, known)
            if loader is None:
                batch.error = _no_loader(path.name, known)
                batch.skipped = not named
                yield batch
                continue
            batch.loader = loader.name
            chunks = loader.read(source, settings)
            pipeline.load(
                store,
                batch,
                chunks,
                settings.limits,
                dry_run=dry_run,
                quarantine=quarantine,
                progress=progress,
            )
        except (TrailError, OSError) as error:
            batch.error = batch.error or str(error)
        yield batch


def table_columns(settings: Settings, path: Path, mapping: dict[str, str]) -> TableColumns | None:
    """Return the columns of the file *path* under *mapping*; None if it is not a table.

    Raises `InputError` for a table whose header cannot be read.
    """
    loader = _loader_of(path, loaders())
    return loader.columns(Source(path, mapping), settings) if loader and loader.columns else None


def load_drop(
    store: Store, settings: Settings, drop: Drop, progress: Progress | None = None
) -> Iterator[Batch]:
    """Load each file that waits in *drop* and yield its batch, whose source is the file's key.

    Small files are kept together, many in one transaction. A file is noted with its records,
    whatever became of them, so that no look loads it again; one that is of no known kind, or cannot
    be read, gives a batch with an error. Raises what the drop's `waiting` raises, and
    `UnavailableError` when the store cannot take the file, which is then left as it was.
    """
    known = loaders()
    waiting = drop.waiting(settings, seen_files.seen(store, drop.name))
    group = _Group(store, settings, drop, progress)
    failure: TrailError | None = None
    try:
        while failure is None:
            try:
                arrived = next(waiting, None)
            except TrailError as error:
                failure = error
                break
            if arrived is None:
                break
            batch = Batch(source=arrived.key, loader=drop.name)
            chunks = _chunks(settings, arrived, batch, known)
            first, is_small = _start(chunks, batch, arrived)
            if is_small and not group.fits(first):
                yield from group.load()
            if is_small:
                group.add(arrived, batch, first)
                if group.is_full:
                    yield from group.load()
                continue
            yield from group.load()
            rest = chain(first, chunks)
            pipeline.load(store, batch, rest, settings.limits, progress=progress)
            store.write(partial(_note, drop=drop, arrived=arrived, batch=batch))
            arrived.finish(batch)
            yield batch
        yield from group.load()
        if failure:
            raise failure
    finally:
        # A drop may hold a copy of the file that is being loaded.
        if isinstance(waiting, Generator):
            waiting.close()


class _Group:
    """Small files of a drop that are kept in one transaction."""

    def __init__(
        self, store: Store, settings: Settings, drop: Drop, progress: Progress | None
    ) -> None:
        self._store = store
        self._settings = settings
        self._drop = drop
        self._progress = progress
        self._clear()

    def _clear(self) -> None:
        self._files: list[tuple[Arrived, Batch]] = []
        self._chunks: list[Chunk] = []
        self._kinds: set[tuple[bool, bool]] = set()
        self._bytes = 0
        self._since = time.monotonic()

    def fits(self, chunks: list[Chunk]) -> bool:
        """Return whether *chunks* can be parsed together with those of the group."""
        return len(self._kinds.union(map(_kind, filter(_holds, chunks)))) <= 1

    def add(self, arrived: Arrived, batch: Batch, chunks: list[Chunk]) -> None:
        """Add a file and all of its records."""
        if not self._files:
            self._since = time.monotonic()
        chunk = _merged(chunks)
        self._kinds.update(map(_kind, filter(_holds, chunks)))
        self._files.append((arrived, batch))
        self._chunks.append(chunk)
        self._bytes += chunk.records.nbytes + sum(len(reject.raw) for reject in chunk.rejects)

    @property
    def is_full(self) -> bool:
        """Return whether it is time to `load`."""
        waited = time.monotonic() - self._since
        return len(self._files) >= _FILES or self._bytes >= _BYTES or waited >= _SECONDS

    def load(self) -> Iterator[Batch]:
        """Keep, note and finish the files, then yield their batches."""
        files, chunks = self._files, self._chunks
        if not files:
            return
        self._clear()
        batches = [batch for _, batch in files]

        def note(cursor: Cursor) -> None:
            versions = [(item.key, item.version, batch.batch_id) for item, batch in files]
            seen_files.note_all(cursor, self._drop.name, versions)

        # The first chunk tells how all are read; one without records tells nothing.
        order = sorted(range(len(files)), key=lambda number: not _holds(chunks[number]))
        parts = [(batches[number], chunks[number]) for number in order]
        pipeline.add_together(self._store, parts, self._settings.limits, note)
        for arrived, batch in files:
            if self._progress:
                self._progress(1.0, batch)
            arrived.finish(batch)
        yield from batches


def _holds(chunk: Chunk) -> bool:
    return bool(chunk.records.num_rows)


def _kind(chunk: Chunk) -> tuple[bool, bool]:
    return chunk.named, chunk.mapped


def _merged(chunks: list[Chunk]) -> Chunk:
    """Return the small *chunks* of one file as one, with records of its own."""
    marked = next(filter(_holds, chunks), None)
    tables = [
        pa.table(
            {
                name: _owned(values)
                for name, values in zip(table.column_names, table.columns, strict=True)
            }
        )
        for table in (chunk.records for chunk in chunks)
    ]
    rejects = tuple(reject for chunk in chunks for reject in chunk.rejects)
    if marked is None:
        return Chunk(tables[0] if tables else _NO_RECORDS, rejects)
    return replace(marked, records=pa.concat_tables(tables), rejects=rejects)


def _owned(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # A view of text keeps the whole block that was read for a file in memory.
    return values.cast(pa.string()) if pa.types.is_string_view(values.type) else values


_NO_RECORDS = pa.table({"line": pa.array([], pa.int64()), "raw": pa.array([], pa.string())})


def _note(cursor: Cursor, drop: Drop, arrived: Arrived, batch: Batch) -> None:
    seen_files.note(cursor, drop.name, arrived.key, arrived.version, batch.batch_id)


def _chunks(
    settings: Settings, arrived: Arrived, batch: Batch, known: list[Loader]
) -> Iterator[Chunk]:
    """Return the records of a file; raises what its loader raises when they are taken."""
    try:
        loader = _loader_of(arrived.path, known)
        if loader is None:
            raise InputError(_no_loader(arrived.key.rpartition("/")[2], known))
        return _unread(loader.read(Source(arrived.path), settings), batch, arrived.lines_read)
    except UnavailableError:
        raise
    except (TrailError, OSError) as error:
        # Nobody watches a drop as they watch a command: the refusal is kept like any batch.
        return _refusal(error)


def _start(chunks: Iterator[Chunk], batch: Batch, arrived: Arrived) -> tuple[list[Chunk], bool]:
    """Return the first chunks of a file, and whether that is all and it is small.

    What breaks a small file is kept in `batch.error`.
    """
    taken: list[Chunk] = []
    rows = 0
    try:
        if arrived.path.stat().st_size > _SMALL_BYTES:
            return taken, False
        for chunk in chunks:
            taken.append(chunk)
            rows += chunk.records.num_rows + len(chunk.rejects)
            if rows > _SMALL_ROWS:
                return taken, False
    except pipeline.SOURCE_FAILURES as error:
        batch.error = pipeline.failure_text(error)
    return taken, True


def _refusal(error: TrailError | OSError) -> Iterator[Chunk]:
    raise error
    yield


def _unread(chunks: Iterator[Chunk], batch: Batch, lines_read: int) -> Iterator[Chunk]:
    """Yield *chunks* without what begins on the first *lines_read* lines; note the last line."""
    for chunk in chunks:
        last = pc.max(chunk.records["line"]).as_py() or 0
        batch.last_line = max(batch.last_line, last, *(reject.line for reject in chunk.rejects))
        if not lines_read:
            yield chunk
            continue
        read = pc.sum(pc.less_equal(chunk.records["line"], lines_read)).as_py() or 0
        rejects = tuple(reject for reject in chunk.rejects if reject.line > lines_read)
        yield replace(chunk, records=chunk.records.slice(read), rejects=rejects)


def _loader_of(path: Path, known: list[Loader]) -> Loader | None:
    return next((loader for loader in known if loader.accepts(path)), None)


def _no_loader(name: str, known: list[Loader]) -> str:
    titles = ", ".join(loader.title for loader in known)
    return f"{name}: not a kind of file that can be read. Known: {titles}."
