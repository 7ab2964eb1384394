"""Records on disk before they are acknowledged: an append-only journal beside the database.

Separate from the database so that a sender is answered within milliseconds whatever the writer is
busy with, and so that nothing acknowledged depends on it. All who wait share one write and one
sync. Frames carry a length and a checksum; a torn tail was never acknowledged and is not read.
"""

import contextlib
import os
import queue
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import orjson

from trail.core import atomic_file
from trail.core.errors import UnavailableError

_FRAME = struct.Struct("<II")
_SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it came: by which receiver, its exact bytes, and whether it is proved."""

    receiver: str
    raw: bytes
    verified: bool
    named: bool = False


class Journal:
    """An open journal: a folder of numbered files, the last of which is being written."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._most = most_bytes
        self._lock = threading.Lock()
        self._file = -1
        self._size = 0
        numbers = [int(path.stem) for path in self._closed()]
        self._number = max(numbers, default=0)
        self._waiting = sum(path.stat().st_size for path in self._closed())
        self._jobs: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="trail-journal", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes have not been taken out yet."""
        return self._waiting

    def append(self, entries: list[Entry]) -> "Future[None]":
        """Write *entries*; the future is done once they are on disk.

        It fails with `UnavailableError` when the journal is full, stopping, or the disk refuses.
        """
        future: Future[None] = Future()
        data = b"".join(_framed(entry) for entry in entries)
        with self._lock:
            if self._stopping:
                future.set_exception(_unavailable("The server is stopping."))
            elif self._waiting + len(data) > self._most:
                future.set_exception(_unavailable("Too many events wait for the database."))
            else:
                self._waiting += len(data)
                self._jobs.put((data, future))
        return future

    def closed(self) -> list[Path]:
        """Return the files that are complete, oldest first; what is being written is closed."""
        with self._lock:
            self._close_file()
            return self._closed()

    def forget(self, path: Path) -> None:
        """Remove a file whose records are safe elsewhere."""
        size = path.stat().st_size
        path.unlink()
        with self._lock:
            self._waiting -= size

    def close(self) -> None:
        """Write what was appended, then stop."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            self._jobs.put(None)
        self._thread.join()
        with self._lock:
            self._close_file()

    def _closed(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def _run(self) -> None:
        ending = False
        while not ending:
            jobs = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    jobs.append(self._jobs.get_nowait())
            ending = None in jobs
            self._write([job for job in jobs if job])

    def _write(self, jobs: list[tuple[bytes, "Future[None]"]]) -> None:
        if not jobs:
            return
        data = b"".join(job[0] for job in jobs)
        problem: Exception | None = None
        with self._lock:
            try:
                self._put(data)
            except OSError as error:
                # Whatever of it is on disk was not acknowledged; what follows starts a new file.
                self._waiting -= len(data)
                self._abandon()
                problem = _unavailable(f"Cannot write to disk: {error.strerror}.")
        for _, future in jobs:
            if problem:
                future.set_exception(problem)
            else:
                future.set_result(None)

    def _put(self, data: bytes) -> None:
        if self._file < 0:
            self._number += 1
            path = self._folder / f"{self._number:012d}{_SUFFIX}"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._size = 0
            atomic_file.sync_folder(self._folder)
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]
        os.fdatasync(self._file)
        self._size += len(data)

    def _abandon(self) -> None:
        with contextlib.suppress(OSError):
            if self._file >= 0:
                os.ftruncate(self._file, self._size)
        self._close_file()

    def _close_file(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            with contextlib.suppress(OSError):
                os.close(file)


def read(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file of the journal; ends at the first frame that is not whole."""
    with path.open("rb") as file:
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            length, checksum = _FRAME.unpack(head)
            data = file.read(length)
            if len(data) < length or zlib.crc32(data) != checksum:
                return
            about, _, raw = data.partition(b"\n")
            receiver, verified, named = orjson.loads(about)
            yield Entry(receiver, raw, verified, named)


def _framed(entry: Entry) -> bytes:
    about = orjson.dumps([entry.receiver, entry.verified, entry.named])
    data = about + b"\n" + entry.raw
    return _FRAME.pack(len(data), zlib.crc32(data)) + data


def _unavailable(words: str) -> UnavailableError:
    return UnavailableError(words, "Send it again later.")
