"""Files and folders in: which loader reads what, and the batches that come of it.

Separate from ingest, which knows records and not files. Loaders are found, not listed: a new one
is one new file under loaders/.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.compute as pc

from trail.core import registry
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.model import Arrived, Batch, Chunk, Drop, Loader, Source
from trail.core.settings import Settings
from trail.ingest import pipeline, seen_files
from trail.storage.database import Cursor, Store

Progress = Callable[[float, Batch], None]

# Written by Segment into a bucket to try whether it may; holds no events.
_NOT_DATA = "dummy-object.txt"


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
                if file.is_file() and file.name != _NOT_DATA and not file.name.startswith(".")
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
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """Load each file of *paths* and yield its batch.

    A file that cannot be read gives a batch with an error, and the others go on. One found in a
    folder that is of no known kind is marked as skipped.
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
            pipeline.load(store, batch, chunks, settings.limits, dry_run=dry_run, progress=progress)
        except (TrailError, OSError) as error:
            batch.error = batch.error or str(error)
        yield batch


def load_drop(
    store: Store, settings: Settings, drop: Drop, progress: Progress | None = None
) -> Iterator[Batch]:
    """Load each file that waits in *drop* and yield its batch, whose source is the file's key.

    A file is noted once its records are kept, whatever became of them, so that no look loads it
    again; one that is of no known kind, or cannot be read, gives a batch with an error. Raises
    what the drop's `waiting` raises, and `UnavailableError` when the store cannot take the file,
    which is then left as it was.
    """
    known = loaders()
    waiting = drop.waiting(settings, seen_files.seen(store, drop.name))
    try:
        for arrived in waiting:
            batch = _load_arrived(store, settings, drop, arrived, known, progress)
            store.write(partial(_note, drop=drop, arrived=arrived, batch=batch))
            arrived.finish(batch)
            yield batch
    finally:
        # A drop may hold a copy of the file that is being loaded.
        if isinstance(waiting, Generator):
            waiting.close()


def _note(cursor: Cursor, drop: Drop, arrived: Arrived, batch: Batch) -> None:
    seen_files.note(cursor, drop.name, arrived.key, arrived.version, batch.batch_id)


def _load_arrived(
    store: Store,
    settings: Settings,
    drop: Drop,
    arrived: Arrived,
    known: list[Loader],
    progress: Progress | None,
) -> Batch:
    batch = Batch(source=arrived.key, loader=drop.name)
    try:
        loader = _loader_of(arrived.path, known)
        if loader is None:
            raise InputError(_no_loader(arrived.key.rpartition("/")[2], known))
        chunks = _unread(loader.read(Source(arrived.path), settings), batch, arrived.lines_read)
    except UnavailableError:
        raise
    except (TrailError, OSError) as error:
        # Nobody watches a drop as they watch a command: the refusal is kept like any batch.
        chunks = _refusal(error)
    return pipeline.load(store, batch, chunks, settings.limits, progress=progress)


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


def _refusal(error: TrailError | OSError) -> Iterator[Chunk]:
    raise error
    yield


def _loader_of(path: Path, known: list[Loader]) -> Loader | None:
    return next((loader for loader in known if loader.accepts(path)), None)


def _no_loader(name: str, known: list[Loader]) -> str:
    titles = ", ".join(loader.title for loader in known)
    return f"{name}: not a kind of file that can be read. Known: {titles}."
