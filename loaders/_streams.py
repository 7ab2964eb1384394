"""Bytes of a file, unpacked and in UTF-8: gzip, Zstandard and UTF-16 are detected by content.

The memory of a block is used again once nobody refers to it: to touch fresh memory for each block
costs more than to read it.
"""

import codecs
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import zstandard

from trail.core.errors import LoadLimitError
from trail.core.limits import Limits

BLOCK = 8 << 20

# Bytes that are read to recognize a format.
SAMPLE = 256 << 10

# What a damaged or cut file raises while it is unpacked.
DAMAGE = (OSError, EOFError, zlib.error, zstandard.ZstdError)

# A piece of packed bytes; small, since a hostile one grows thousands of times.
_PIECE = 16 << 10

# Bytes that are read to detect the encoding.
_ENCODING_SAMPLE = 64 << 10

_BOM = b"\xef\xbb\xbf"
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# UTF-16 without a mark: this share of the first bytes are zeros that stand beside ASCII letters.
_ZEROS = 0.05
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
        unpacked = _unpacked(self._file, magic)
        self._packed = unpacked is not self._file
        self._bytes = _Text(unpacked)
        self._out = 0
        self._broken: Exception | None = None
        self._memory = _Memory()
        head = self._read_block(b"")
        starts_with_mark = head.slice(0, min(3, len(head))).to_pybytes() == _BOM
        self._head = head.slice(3) if starts_with_mark else head

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

    def finish(self) -> None:
        """Raise what broke the file, if anything did; to be called once all was read.

        Damage ends the blocks early and without a word, so that what came before it is kept.
        """
        if self._broken:
            raise self._broken

    def peek(self) -> bytes:
        """Return the first bytes, unpacked, without taking them."""
        return bytes(self._head.slice(0, min(len(self._head), SAMPLE)))

    def blocks(self) -> Iterator[bytes]:
        """Yield the file's bytes, unpacked."""
        block = self._head
        while len(block):
            yield block.to_pybytes()
            block = self._read_block(b"")

    def line_blocks(self, longest: int) -> Iterator[tuple[pa.Buffer, int]]:
        """Yield (block, 0) of whole lines; or (start, bytes) of one line that is too long."""
        block, start, skipped = self._head, None, 0
        while len(block):
            view = memoryview(block)
            if start is not None:
                end = _find(view, b"\n")
                skipped += len(block) if end < 0 else end
                if end < 0:
                    block = self._read_block(b"")
                    continue
                yield start, skipped
                start, block = None, block.slice(end + 1)
                view = memoryview(block)
            end = _rfind(view, b"\n") + 1
            carry = b""
            if end:
                yield block.slice(0, end), 0
                carry = bytes(view[end:])
            elif len(block) > longest:
                start, skipped = block.slice(0, longest), len(block)
            else:
                carry = bytes(view)
            following = self._read_block(carry)
            if len(following) == len(carry):
                if carry:
                    yield following, 0
                break
            block = following
        if start is not None:
            yield start, skipped

    def _read_block(self, carry: bytes) -> pa.Buffer:
        """Return *carry* and as many bytes as the file still gives, a block together."""
        # One size for all, so that the pool can hand the same pages out again.
        size = BLOCK if 2 * len(carry) < BLOCK else len(carry) + BLOCK
        block = self._memory.block(size)
        view = block.data
        view[: len(carry)] = carry
        filled = len(carry)
        while filled < len(view) and not self._broken:
            try:
                count = self._bytes.readinto(view[filled:])
            except DAMAGE as error:
                self._broken = error
                break
            if not count:
                break
            filled += count
        self._out += filled - len(carry)
        self._check_expansion()
        return pa.py_buffer(block).slice(0, filled)

    def _check_expansion(self) -> None:
        if self._packed and expands_too_much(self._file.tell(), self._out, self._limits):
            self._broken = expansion_error(self._limits)


def expands_too_much(packed: int, unpacked: int, limits: Limits) -> bool:
    """Return whether *packed* bytes may not become *unpacked* ones."""
    return unpacked > _ALWAYS_ALLOWED and unpacked > limits.expansion * packed


def expansion_error(limits: Limits) -> LoadLimitError:
    """Return the error of a file that unpacks to more than the limit."""
    return LoadLimitError(
        f"The file unpacks to more than {limits.expansion:,} times its size.",
        "Unpack and check it before you load it; limits.expansion sets the limit.",
    )


def head_of(path: Path, size: int = SAMPLE) -> bytes:
    """Return the first *size* bytes of *path*, unpacked; fewer where the file is damaged."""
    result = bytearray()
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        text = _Text(_unpacked(file, magic))
        view = memoryview(bytearray(64 << 10))
        try:
            while len(result) < size and (count := text.readinto(view)):
                result += view[:count]
        except DAMAGE:
            return bytes(result)
    return bytes(result[:size])


class _Memory:
    """Blocks of memory, which are handed out again once nobody else refers to them."""

    def __init__(self) -> None:
        self._blocks: list[npt.NDArray[np.uint8]] = []

    def block(self, size: int) -> npt.NDArray[np.uint8]:
        if size != BLOCK:
            return np.empty(size, np.uint8)
        for number in range(len(self._blocks)):
            # The list, and the argument.
            if sys.getrefcount(self._blocks[number]) == 2:
                return self._blocks[number]
        self._blocks.append(np.empty(size, np.uint8))
        return self._blocks[-1]


class _Readable(Protocol):
    def readinto(self, view: memoryview, /) -> int | None: ...


class _Text:
    """Bytes as they are, or in UTF-8 if they are UTF-16.

    What cannot be decoded becomes bytes that are not UTF-8, so that only its record is refused.
    """

    def __init__(self, source: _Readable) -> None:
        self._source = source
        self._left: memoryview | None = None
        self._damage: Exception | None = None
        self._decoder: codecs.IncrementalDecoder | None = None

    def readinto(self, view: memoryview, /) -> int:
        if self._left is None:
            self._detect()
        while not self._left:
            if self._damage:
                raise self._damage
            if self._decoder is None:
                return self._source.readinto(view) or 0
            self._decode()
            if not self._left:
                return 0
        count = min(len(view), len(self._left))
        view[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _detect(self) -> None:
        sample = bytearray(_ENCODING_SAMPLE)
        filled = 0
        try:
            while filled < len(sample) and (
                count := self._source.readinto(memoryview(sample)[filled:])
            ):
                filled += count
        except DAMAGE as error:
            self._damage = error  # raised once all before it has been taken
        head = bytes(sample[:filled])
        self._left = memoryview(head)
        codec = _utf_16(head)
        if codec:
            self._decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
            self._left = memoryview(self._encoded(self._left))

    def _decode(self) -> None:
        """Decode the next bytes that give text; none are left at the end."""
        assert self._decoder is not None
        block = memoryview(bytearray(_ENCODING_SAMPLE))
        while not self._left:
            count = self._source.readinto(block) or 0
            if not count:
                rest, _ = self._decoder.getstate()
                self._decoder.reset()
                # Half a character is damage, half a line end is not.
                self._left = memoryview(b"\xff" if rest.strip(b"\0\r\n") else b"")
                return
            self._left = memoryview(self._encoded(block[:count]))

    def _encoded(self, octets: memoryview) -> bytes:
        assert self._decoder is not None
        return self._decoder.decode(bytes(octets)).encode("utf-8", "surrogatepass")


class _Packed:
    """A compressed file as bytes; the members or frames of one file follow one another.

    Says when the file is cut short, which the libraries' own readers of Zstandard do not, and
    gives all that comes before damage, which those of gzip do not.
    """

    def __init__(self, file: BinaryIO, make: Callable[[], Any]) -> None:
        self._file = file
        self._make = make
        self._unpack: Any = None
        self._left = memoryview(b"")
        self._rest = b""

    def readinto(self, view: memoryview, /) -> int:
        while not self._left:
            piece = self._rest or self._file.read(_PIECE)
            self._rest = b""
            if not piece:
                if self._unpack is not None:
                    raise EOFError
                return 0
            if self._unpack is None:
                if not piece.strip(b"\0"):
                    continue  # padding after the last member
                self._unpack = self._make()
            self._left = memoryview(self._unpack.decompress(piece))
            if self._unpack.eof:
                self._rest = self._unpack.unused_data
                self._unpack = None
        count = min(len(view), len(self._left))
        view[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _utf_16(sample: bytes) -> str:
    """Return the codec of *sample* if it is the start of a text in UTF-16, else an empty string."""
    if sample[:2] in _UTF_16:
        return _UTF_16[sample[:2]]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < max(_ZEROS * len(sample), 4) or 10 * min(even, odd) > max(even, odd):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _unpacked(file: BinaryIO, magic: bytes) -> _Readable:
    if magic.startswith(_GZIP):
        return _Packed(file, lambda: zlib.decompressobj(wbits=31))
    if magic == _ZSTD:
        return _Packed(file, lambda: zstandard.ZstdDecompressor().decompressobj())
    return cast(_Readable, file)


def _find(view: memoryview, mark: bytes) -> int:
    return bytes(view).find(mark)


def _rfind(view: memoryview, mark: bytes) -> int:
    # The last newline is near the end; look there first and spare a copy of the block.
    tail = max(len(view) - 65_536, 0)
    result = bytes(view[tail:]).rfind(mark)
    return tail + result if result >= 0 else bytes(view[:tail]).rfind(mark)
