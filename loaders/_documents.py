"""JSON documents that span lines: arrays of any length, API pages, pretty-printed records.

Elements of an outer array are cut out one at a time with their exact text, so that memory stays
flat however long the array is.
"""

import json
import re
from collections.abc import Iterator

import pyarrow as pa

from loaders._streams import Stream
from trail.core.model import Chunk, Reject

_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
# After a broken element, the next place where a sibling object may begin.
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")
# Numbers stay text: only where an element ends matters, and a long one would raise.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


def chunks(stream: Stream, rows: int, longest: int) -> Iterator[Chunk]:
    """Yield the documents of *stream*, an outer array opened; lines count records from 1."""
    numbers: list[int] = []
    texts: list[str] = []
    rejects: list[Reject] = []
    size = 0
    for number, (text, reason) in enumerate(_elements(stream, longest), 1):
        size += len(text)
        if reason or (not text.isascii() and not _encodes(text)):
            raw = text.encode("utf-8", "surrogateescape")
            rejects.append(Reject(number, reason or "Not UTF-8", raw))
        else:
            numbers.append(number)
            texts.append(text)
        if len(numbers) >= rows or size > 256 << 20:
            yield _chunk(numbers, texts, rejects, stream.progress)
            numbers, texts, rejects, size = [], [], [], 0
    yield _chunk(numbers, texts, rejects, 1.0)
    stream.finish()


def _chunk(numbers: list[int], texts: list[str], rejects: list[Reject], progress: float) -> Chunk:
    table = pa.table(
        {"line": pa.array(numbers, pa.int64()), "raw": pa.array(texts, pa.large_string())}
    )
    return Chunk(table, tuple(rejects), progress)


def _elements(stream: Stream, longest: int) -> Iterator[tuple[str, str]]:
    """Yield (text, reason): one element's own text, or what could not be read and why."""
    window = _Window(stream)
    in_array, before, reason = False, "", ""
    while window.skip_blank():
        mark = window.mark()
        if mark == "[" and not in_array:
            in_array, before = True, window.take(1)
        elif in_array and mark in ",]":
            if before == "," or (before == "[" and mark == ","):
                yield mark, "Not JSON: a comma without a record"
            in_array, before = mark == ",", window.take(1)
        else:
            text, reason = window.element(longest)
            before = "element"
            yield text, reason
    if in_array and not reason:
        yield "", "The array is never closed: the file is cut short"


class _Window:
    """The part of the text that is being read, refilled from the stream when it runs short."""

    def __init__(self, stream: Stream) -> None:
        self._blocks = stream.blocks()
        self._bytes = b""
        self._text = ""
        self._at = 0
        self._ended = False
        self._refill()

    def mark(self) -> str:
        return self._text[self._at]

    def take(self, count: int) -> str:
        taken = self._text[self._at : self._at + count]
        self._at += count
        return taken

    def skip_blank(self) -> bool:
        """Move to the next mark; return whether there is one."""
        while True:
            match = _BLANK.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return True
            if not self._refill():
                return False

    def element(self, longest: int) -> tuple[str, str]:
        """Return the element here as (text, ""), or the text that was skipped and why."""
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                return self._skip("Nested too deep")
            except json.JSONDecodeError as error:
                # Too little text and wrong text look alike; an element has a longest length.
                if len(self._text) - self._at <= 2 * longest and self._refill():
                    continue
                return self._skip(f"Not JSON: {error.msg.lower()}")
            if end == len(self._text) and self._refill():
                continue
            return self.take(end - self._at), ""

    def _skip(self, reason: str) -> tuple[str, str]:
        match = _NEXT.search(self._text, self._at)
        if match:
            return self.take(match.start() + 1 - self._at), reason
        skipped = self.take(len(self._text) - self._at)
        while self._refill():
            self._at = len(self._text)
        return skipped, reason

    def _refill(self) -> bool:
        block = next(self._blocks, b"")
        if not block and self._ended:
            return False
        self._ended = not block
        data = self._bytes + block
        # A character may be cut by the block's end; its bytes wait for the next block.
        cut = len(data) if self._ended else _whole(data)
        self._bytes = data[cut:]
        self._text = self._text[self._at :] + data[:cut].decode("utf-8", "surrogateescape")
        self._at = 0
        return True


def _whole(data: bytes) -> int:
    """Return where the last whole character of *data* ends."""
    for back in range(1, min(4, len(data)) + 1):
        octet = data[-back]
        if octet & 0xC0 != 0x80:
            needed = 1 if octet < 0xC0 else 2 if octet < 0xE0 else 3 if octet < 0xF0 else 4
            return len(data) - back if needed > back else len(data)
    return len(data)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
