"""NDJSON, JSON arrays and API pages, plain or compressed: text files in, raw records out.

Plain lines are cut without copying a byte: Arrow views point into the blocks that were read.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa

from loaders import _documents
from loaders._streams import SAMPLE, Stream, head_of
from trail.core.limits import Limits
from trail.core.model import Chunk, Loader, Reject, Source
from trail.core.settings import Settings
from trail.storage.schema import ROW_GROUP

# A whole row group for each of two threads: it goes to disk directly, where anything less passes
# through the write-ahead log first.
ROWS = 2 * ROW_GROUP

# Begins each record of a JSON text sequence (RFC 7464).
_SEPARATOR = "\x1e"

_NAMED = re.compile(r"\.(json|jsonl|ndjson)(\.|$)", re.IGNORECASE)
_RECORD_LINE = re.compile(rb"^[ \t]*[{\[]", re.MULTILINE)

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


def accepts(path: Path) -> bool:
    """Return whether the first bytes of *path*, unpacked, look like JSON text; or it is empty.

    A file that is named as JSON may have broken lines ahead of its records.
    """
    text = head_of(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text or text[:1] in (b"{", b"[", _SEPARATOR.encode()):
        return True
    return bool(_NAMED.search(path.name) and _RECORD_LINE.search(text))


def read(source: Source, settings: Settings) -> Iterator[Chunk]:
    """Yield the records of *source*. Raises `LoadLimitError` when it unpacks without end."""
    with Stream(source.path, settings.limits) as stream:
        if is_lines(stream.peek()):
            yield from lines(stream, settings.limits)
        else:
            yield from _documents.chunks(stream, ROWS, settings.limits)


def is_lines(head: bytes) -> bool:
    """Return whether *head* begins a file of one record a line, broken ones among them.

    A document that spans lines is valid up to where it is cut; lines that are broken are not.
    """
    text = head.decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
    # A JSON text sequence, or a line that may be longer than a line may be, is a document.
    if not text or text.startswith(_SEPARATOR) or (len(head) >= SAMPLE and "\n" not in text):
        return False
    first, newline, rest = text.partition("\n")
    if text.startswith("["):
        return bool(rest.strip()) and _is_json(first)
    if not newline or not text.startswith("{"):
        return True
    # Cut at a line's end, where no string can be open.
    text = text[: text.rindex("\n")].rstrip()
    try:
        _, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        return error.pos < len(text)
    except RecursionError:
        return True
    return end <= len(first)


def _is_json(row: str) -> bool:
    try:
        return isinstance(orjson.loads(row), dict | list)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return False


def lines(stream: Stream, limits: Limits) -> Iterator[Chunk]:
    """Yield chunks of `ROWS` lines; blank lines are no records and are not counted."""
    gathered = _Gathered()
    first_line, longest = 1, limits.line_bytes
    for block, too_long in stream.line_blocks(longest):
        views, numbers, bad_lines, seen = _cut(block, first_line)
        rejects: list[Reject] = []
        if too_long:
            reason = f"Longer than {longest:,} bytes"
            rejects = [Reject(first_line, reason, bytes(block), too_long)]
            views, numbers, bad_lines, seen = views[:0], numbers[:0], [], 1
        first_line += seen
        for number, text in bad_lines:
            good, bad = _documents.decoded(number, text, limits)
            gathered.add(pa.array(good, pa.string_view()), np.full(len(good), number), bad)
        gathered.add(views, numbers, rejects)
        while gathered.rows >= ROWS:
            yield gathered.take(ROWS, stream.progress)
    yield gathered.take(gathered.rows, 1.0)
    stream.finish()


class _Gathered:
    """Lines waiting until there are enough of them for a chunk."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._rejects: list[Reject] = []
        self.rows = 0

    def add(self, views: pa.Array, numbers: np.ndarray, rejects: list[Reject]) -> None:
        self._tables.append(pa.table({"line": numbers, "raw": views}))
        self._rejects.extend(rejects)
        self.rows += len(views)

    def take(self, rows: int, progress: float) -> Chunk:
        table = pa.concat_tables(self._tables) if self._tables else _EMPTY
        rejects, self._rejects = tuple(self._rejects), []
        self._tables = [table.slice(rows)] if rows < table.num_rows else []
        self.rows -= rows
        return Chunk(table.slice(0, rows), rejects, progress)


_EMPTY = pa.table({"line": pa.array([], pa.int64()), "raw": pa.array([], pa.string_view())})


def _cut(
    block: pa.Buffer, first_line: int
) -> tuple[pa.Array, np.ndarray, list[tuple[int, bytes]], int]:
    """Cut *block* at its newlines: views, their line numbers, lines not UTF-8, lines seen."""
    octets = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(octets == 0x0A)
    if not len(octets):
        return _EMPTY["raw"].combine_chunks(), np.empty(0, np.int64), [], 0
    if octets[-1] != 0x0A:
        ends = np.append(ends, len(octets))
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    numbers = np.arange(first_line, first_line + len(ends), dtype=np.int64)
    seen = len(ends)
    lengths = ends - starts
    # Only a line that is empty or begins with a blank can be blank.
    maybe = np.flatnonzero((lengths == 0) | (octets[starts.clip(max=len(octets) - 1)] <= 0x20))
    blank = [at for at in maybe if not octets[starts[at] : ends[at]].tobytes().strip()]
    if blank:
        keep = np.ones(seen, bool)
        keep[blank] = False
        starts, ends, numbers, lengths = starts[keep], ends[keep], numbers[keep], lengths[keep]
    views = _views(block, octets, starts, lengths)
    try:
        views.validate(full=True)
    except pa.ArrowInvalid:
        return *_without_bad_text(block, octets, starts, lengths, numbers), seen
    return views, numbers, [], seen


def _views(
    block: pa.Buffer, octets: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> pa.Array:
    """Return string views of the lines: length, first four bytes, buffer 0, offset.

    The layout is Arrow's Variable-size Binary View, with text of 12 bytes or less inline.
    """
    view = np.zeros((len(starts), 16), np.uint8)
    words = view.view(np.int32)
    words[:, 0] = lengths
    inline = lengths <= 12
    for at in np.flatnonzero(inline):
        text = octets[starts[at] : starts[at] + lengths[at]]
        view[at, 4 : 4 + len(text)] = text
    long = np.flatnonzero(~inline)
    for octet in range(4):
        view[long, 4 + octet] = octets[starts[long] + octet]
    words[long, 3] = starts[long]
    return pa.Array.from_buffers(pa.string_view(), len(starts), [None, pa.py_buffer(view), block])


def _without_bad_text(
    block: pa.Buffer,
    octets: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    numbers: np.ndarray,
) -> tuple[pa.Array, np.ndarray, list[tuple[int, bytes]]]:
    keep = np.ones(len(starts), bool)
    bad_lines = []
    for at, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        text = octets[start : start + length].tobytes()
        try:
            text.decode()
        except UnicodeDecodeError:
            keep[at] = False
            bad_lines.append((int(numbers[at]), text))
    return _views(block, octets, starts[keep], lengths[keep]), numbers[keep], bad_lines


_EXAMPLE = (
    b'{"id":"e1","timestamp":"2026-11-24T11:58:00Z","type":"Source Deleted","actor":"users/u1"}'
)

LOADER = Loader("json", "NDJSON, JSON arrays and API pages", 10, accepts, read, lambda: _EXAMPLE)
