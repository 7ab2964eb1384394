"""Records on disk before they are acknowledged: an append-only journal beside the database.

Separate from the database so that a sender is answered within milliseconds whatever the writer is
busy with, and so that nothing acknowledged depends on it. All who wait share one write and one
sync. Frames carry a length and a checksum; a torn tail was never acknowledged and is not read.
Signatures are checked and remembered here, since requests are written one after another here only.
"""

import contextlib
import os
import queue
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import orjson

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.model import RefusedError
from trail.ingest.used_signatures import Proof, UsedSignatures

_FRAME = struct.Struct("<II")
_SUFFIX = ".journal"
_REPLAYED = "The signature was used before with other records."


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it came: by which receiver, its exact bytes, and whether it is proved.

    With a `refusal`, the reason, it goes to quarantine.
    """

    receiver: str
    raw: bytes
    verified: bool
    named: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    """The frames of one request, and what its sender waits for."""

    data: bytes
    proof: Proof | None
    future: "Future[None]"


class Journal:
    """An open journal: a folder of numbered files, the last of which is being written.

    Beside the folder, a file remembers the signatures; see `signatures_beside`.
    """

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
        self._used = UsedSignatures(signatures_beside(folder))
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="trail-journal", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes have not been taken out yet."""
        return self._waiting

    def append(self, entries: list[Entry], proof: Proof | None = None) -> "Future[None]":
        """Write *entries*; the future is done once they and *proof* are on disk.

        It fails with `UnavailableError` when the journal is full, stopping, or the disk refuses,
        and with `RefusedError` (401) when *proof* is a replay. If it is cancelled before its turn,
        nothing is written.
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
                self._jobs.put(_Job(data, proof, future))
        return future

    def closed(self) -> list[Path]:
        """Return the files that are complete, oldest first; what is being written is closed."""
        with self._lock:
            self._close_file()
            return self._closed()

    def forget(self, path: Path) -> None:
        """Remove a file whose records are safe elsewhere."""
        self._leave(path, path.unlink)

    def move(self, path: Path, target: Path) -> None:
        """Let a file be *target*, in the same file system, and forget it; survives a power loss."""
        self._leave(path, lambda: path.rename(target))
        atomic_file.sync_folder(self._folder)

    def _leave(self, path: Path, remove: Callable[[], object]) -> None:
        size = path.stat().st_size
        remove()
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
        self._used.close()

    def _write(self, jobs: list[_Job]) -> None:
        """Write *jobs* in order and together, without those that are cancelled or refused."""
        wanted = [job for job in jobs if job.future.set_running_or_notify_cancel()]
        problems: list[Exception | None] = []
        written = 0
        with self._lock:
            size = self._size if self._file >= 0 else 0
            try:
                with self._used.remember([job.proof for job in wanted]) as replays:
                    pairs = zip(wanted, replays, strict=True)
                    data = b"".join(job.data for job, replay in pairs if not replay)
                    if data:
                        self._put(data)
                written = len(data)
                problems = [_replayed() if replay else None for replay in replays]
            except OSError as error:
                # Whatever of it is on disk was not acknowledged; what follows starts a new file.
                self._size = size
                self._abandon()
                problems = [_unavailable(f"Cannot write to disk: {error.strerror}.")] * len(wanted)
            self._waiting -= sum(len(job.data) for job in jobs) - written
        for job, problem in zip(wanted, problems, strict=True):
            if problem:
                job.future.set_exception(problem)
            else:
                job.future.set_result(None)

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
            receiver, verified, named, *refusal = orjson.loads(about)
            yield Entry(receiver, raw, verified, named, *refusal)


def signatures_beside(folder: Path) -> Path:
    """Return the file of the signatures that the journal in *folder* accepted."""
    return folder.with_suffix(".signatures")


def _framed(entry: Entry) -> bytes:
    about = [entry.receiver, entry.verified, entry.named]
    data = orjson.dumps([*about, entry.refusal] if entry.refusal else about) + b"\n" + entry.raw
    return _FRAME.pack(len(data), zlib.crc32(data)) + data


def _replayed() -> RefusedError:
    body = {"success": False, "code": "signature_used", "message": _REPLAYED}
    return RefusedError(401, orjson.dumps(body), "the signature was used with other records")


def _unavailable(words: str) -> UnavailableError:
    return UnavailableError(words, "Send it again later.")
