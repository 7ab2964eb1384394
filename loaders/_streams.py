"""Bytes of a file, unpacked on the way: gzip and Zstandard are told by content, not by name.

Blocks come from Arrow's memory pool, which hands the same pages out again: reading costs a third
of what fresh memory for each block does.
"""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import pyarrow as pa
import zstandard

from trail.errors import LoadLimitError
from trail.settings import Limits

BLOCK = 8 << 20

# How much of a file is looked at to tell what it is.
SAMPLE = 256 << 10

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"

# Below this size unpacked, no ratio is suspicious: a few bytes may well hold a megabyte of blanks.
_ALWAYS_ALLOWED = 64 << 20


class Stream:
    """An open file, read in blocks that end at a line's end."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = max(path.stat().st_size, 1)
        self._limits = limits
        magic = self._file.read(4)
        self._file.seek(0)
        self._bytes = _unpacked(self._file, magic)
        self._packed = self._bytes is not self._file
        self._out = 0
        self._head = self._read_block(b"")

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def progress(self) -> float:
        """Return the share of the file that has been read, 0 to 1."""
        return min(self._file.tell() / self._size, 1.0)

    def peek(self) -> bytes:
        """Return the first bytes, unpacked, without taking them."""
        return self._head.slice(0, min(len(self._head), SAMPLE)).to_pybytes()

    def blocks(self) -> Iterator[bytes]:
        """Yield the file's bytes, unpacked."""
        block = self._head
        while len(block):
            yield block.to_pybytes()
            block = self._read_block(b"")

    def line_blocks(self, longest: int) -> Iterator[tuple[pa.Buffer, bool]]:
        """Yield (block, cut): whole lines; or the start of one line that is too long, cut."""
        block, carry = self._head, b""
        skipping = False
        while len(block):
            view = memoryview(block)
            if skipping:
                end = _find(view, b"\n")
                if end < 0:
                    block = self._read_block(b"")
                    continue
                skipping, block = False, block.slice(end + 1)
                view = memoryview(block)
            end = _rfind(view, b"\n") + 1
            if end:
                yield block.slice(0, end), False
                carry = bytes(view[end:])
            elif len(block) > longest:
                yield block.slice(0, longest), True
                skipping, carry = True, b""
            else:
                carry = bytes(view)
            following = self._read_block(carry)
            if len(following) == len(carry):
                if carry:
                    yield following, False
                return
            block = following

    def _read_block(self, carry: bytes) -> pa.Buffer:
        """Return *carry* and as many bytes as the file still gives, a block together."""
        # One size for all, so that the pool can hand the same pages out again.
        buffer = pa.allocate_buffer(
            memory_pool=pa.system_memory_pool(),
            size=BLOCK if 2 * len(carry) < BLOCK else len(carry) + BLOCK,
        )
        view = memoryview(buffer).cast("B")
        view[: len(carry)] = carry
        filled = len(carry)
        while filled < len(view):
            count = self._bytes.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                break
            filled += count
        self._out += filled - len(carry)
        self._check_expansion()
        return buffer.slice(0, filled)

    def _check_expansion(self) -> None:
        if not self._packed or self._out <= _ALWAYS_ALLOWED:
            return
        if self._out > self._limits.expansion * self._file.tell():
            raise LoadLimitError(
                f"The file unpacks to more than {self._limits.expansion:,} times its size.",
                "Unpack it and look at it before you load it; limits.expansion sets the limit.",
            )


def head_of(path: Path, size: int = SAMPLE) -> bytes:
    """Return the first *size* bytes of *path*, unpacked; fewer where the file is damaged."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        try:
            return _unpacked(file, magic).read(size)
        except (OSError, EOFError, zstandard.ZstdError):
            return b""


def _unpacked(file: BinaryIO, magic: bytes) -> BinaryIO:
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if magic == _ZSTD:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return io.BufferedReader(reader, BLOCK)  # type: ignore[arg-type,return-value]
    return file


def _find(view: memoryview, mark: bytes) -> int:
    return bytes(view).find(mark)


def _rfind(view: memoryview, mark: bytes) -> int:
    # The last newline is near the end; look there first and spare a copy of the block.
    tail = max(len(view) - 65_536, 0)
    found = bytes(view[tail:]).rfind(mark)
    return tail + found if found >= 0 else bytes(view[:tail]).rfind(mark)
