"""Texts of an Arrow column as places in its buffers, to hash them in any order without a copy."""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_NEWLINE = 10
_VIEW_BYTES, _INLINE_BYTES = 16, 12  # of an element of a string view, and of its text at most

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextPlaces:
    """The buffer, the start and the length in bytes of each text."""

    buffers: list[memoryview]
    buffer: Places
    start: Places
    length: Places

    def taken(self, order: Places) -> "TextPlaces":
        """Return the texts at the positions *order*."""
        return TextPlaces(self.buffers, self.buffer[order], self.start[order], self.length[order])

    def digest(self, first: int, last: int) -> bytes:
        """Return SHA-256 of two SHA-256 digests over the texts *first* to *last* (exclusive).

        The first is over the texts, each with a newline behind it, the second over their lengths
        (8 bytes each, little-endian). Texts that stand on successive lines are hashed at once.
        """
        buffer, start = self.buffer[first:last], self.start[first:last]
        length = self.length[first:last]
        end = start + length
        content = hashlib.sha256()
        runs = [0, *(np.flatnonzero(~self._continued(buffer, start, end)) + 1).tolist(), len(end)]
        for at, after in itertools.pairwise(runs):
            if at < after:
                data = self.buffers[int(buffer[at])]
                content.update(data[int(start[at]) : int(end[after - 1])])
                content.update(b"\n")
        lengths = hashlib.sha256(length.astype("<i8").tobytes())
        return hashlib.sha256(content.digest() + lengths.digest()).digest()

    def _continued(self, buffer: Places, start: Places, end: Places) -> npt.NDArray[np.bool_]:
        """Return for each text but the last whether the next follows after a newline."""
        near: npt.NDArray[np.bool_] = (buffer[1:] == buffer[:-1]) & (start[1:] == end[:-1] + 1)
        for number in np.unique(buffer[:-1][near]):
            data = np.frombuffer(self.buffers[int(number)], np.uint8)
            here = near & (buffer[:-1] == number)
            near[here] = data[end[:-1][here]] == _NEWLINE
        return near


def places(columns: Iterable[pa.ChunkedArray], *, lines: bool = False) -> TextPlaces:
    """Return the texts of *columns* (strings or views, without nulls), one after the other.

    With *lines*, each text has a newline behind it that does not belong to it.
    """
    buffers: list[memoryview] = []
    found: list[tuple[Places, Places, Places]] = []
    for column in columns:
        for chunk in column.chunks:
            if pa.types.is_string_view(chunk.type):
                found.append(_views(chunk, buffers))
            elif len(chunk):
                found.append(_contiguous(chunk.cast(pa.large_string()), buffers))
    if not found:
        none = np.zeros(0, np.int64)
        return TextPlaces(buffers, none, none, none)
    buffer, start, length = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return TextPlaces(buffers, buffer, start, length - lines)


def _contiguous(
    chunk: pa.LargeStringArray, buffers: list[memoryview]
) -> tuple[Places, Places, Places]:
    offsets = np.frombuffer(chunk.buffers()[1], np.int64)
    offsets = offsets[chunk.offset : chunk.offset + len(chunk) + 1]
    buffers.append(memoryview(chunk.buffers()[2] or b""))
    return np.full(len(chunk), len(buffers) - 1, np.int64), offsets[:-1], np.diff(offsets)


def _views(chunk: pa.StringViewArray, buffers: list[memoryview]) -> tuple[Places, Places, Places]:
    """Return the places by the layout of string views (Arrow columnar format 1.4)."""
    head, *data = (memoryview(part or b"") for part in chunk.buffers()[1:])
    fields = np.frombuffer(head, np.int32).reshape(-1, 4)[chunk.offset : chunk.offset + len(chunk)]
    length = fields[:, 0].astype(np.int64)
    inline = length <= _INLINE_BYTES
    own = (np.arange(len(chunk), dtype=np.int64) + chunk.offset) * _VIEW_BYTES + 4
    buffer = np.where(inline, len(buffers), fields[:, 2].astype(np.int64) + len(buffers) + 1)
    start = np.where(inline, own, fields[:, 3].astype(np.int64))
    buffers += [head, *data]
    return buffer, start, length
