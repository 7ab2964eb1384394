"""Cuts JSON text of any size into records, in bounded memory, each with its exact bytes.

Where a record ends is decided by its brackets and strings alone, so that a record that no parser
takes costs only itself: the next is found where an object begins that is whole and has a time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

# An array of pages of batches is real; more is not.
MOST_WRAPPERS = 6

_TOO_MANY = "Not JSON: a bracket too many"
_ENDLESS = "Not JSON: it never ends"
NEVER_CLOSED = "The array is never closed: the file is cut short"

_RS = 0x1E
_BLANK = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*+")
_OUTSIDE = re.compile(rb'[^"{}\[\]\x1e]*+')
# No string spans lines or records: JSON escapes a line feed and a record separator.
_INSIDE = re.compile(rb'(?:[^"\\\n\x1e]++|\\[^\n\x1e])*+')
_RUN = re.compile(rb'(?:[^"{}\[\]\x1e]++|"(?:[^"\\\n\x1e]++|\\[^\n\x1e])*+")*+')
_EXTRA = re.compile(rb"\s*+\}++")
_SCALAR = re.compile(rb'"(?:[^"\\\n\x1e]++|\\[^\n\x1e])*+"|[^{}\[\],\n\x1e]++')
_KEY = re.compile(rb'"((?:[^"\\\n\x1e]++|\\[^\n\x1e])*+)"\s*+:\s*+')
_OBJECT = re.compile(rb'\{\s*+"')
_COLON_BEFORE = re.compile(rb":\s*\Z")
_TIMES = frozenset(("timestamp", "originalTimestamp", "receivedAt"))
_CLOSER = {0x7B: 0x7D, 0x5B: 0x5D}
_CLOSED = frozenset(_CLOSER.values())
# Bounds the work on hostile text.
_DEEPEST = 64
# Most records end within so many bytes.
_NEAR = 65_536


@dataclass(frozen=True, slots=True)
class Piece:
    """The exact bytes of one record, or of what is none and why (`reason`).

    `size` is its length in bytes where `raw` is only its beginning.
    """

    raw: bytes
    reason: str = ""
    size: int = 0


def cut(blocks: Iterable[bytes], longest: int) -> Iterator[Piece]:
    """Yield the records of a text that comes in *blocks*, in order, never raising on any bytes.

    The text may be records one after another with anything or nothing between, an array, a page
    `{"data": {"events": [...]}}`, a batch `{"batch": [...]}`, or JSON text sequences (RFC 7464).
    A wrapper of at most *longest* bytes in which all is right is one piece. A record longer than
    *longest* bytes is reported with a reason, and only its beginning is kept.
    """
    return Cutter(iter(blocks), longest).pieces()


def inside(text: bytes, at: int, *paths: tuple[str, ...]) -> tuple[int, bytes]:
    """Return where the array at the first found of *paths* begins in the object at *at*.

    Also returns the brackets that are open there. The position is -1 without such an array.
    """
    for path in paths:
        found, opened = at, b""
        for name in path:
            found = _value_of(text, found, name.encode())
            opened += b"{"
            if found < 0:
                break
        if found >= 0 and text[found] == 0x5B:
            return found, opened
    return -1, b""


def is_wrapper(text: bytes) -> bool:
    """Return whether *text* is an array or wraps one."""
    at = blank_end(text, 0)
    return text[at : at + 1] == b"[" or inside(text, at, *_WRAPPERS)[0] >= 0


def end_of(text: bytes, at: int) -> int:
    """Return where the object, array or scalar at *at* ends, or -1 if it does not."""
    if text[at : at + 1] not in (b"{", b"["):
        match = _SCALAR.match(text, at)
        return match.end() if match else -1
    lexer = _Lexer(bytearray())
    end = lexer.run(text, at)
    return end if lexer.done else -1


_WRAPPERS = (("data", "events"), ("batch",))


class _Lexer:
    """Brackets and strings of one value, read on from block to block."""

    def __init__(self, stack: bytearray) -> None:
        self.stack = stack
        self.done = self.broken = False
        self._in_string = False
        self._last = 0x2C

    def run(self, text: bytes, at: int) -> int:
        """Read *text* on from *at*; return where the value ends, breaks, or the text ends."""
        size = len(text)
        while at < size:
            if self._in_string:
                at = self._string_end(text, at)
                if self.broken or self._in_string:
                    return at
                continue
            start = at
            match = _OUTSIDE.match(text, at)
            at = match.end() if match else at
            between = text[start:at].rstrip()
            if between:
                self._last = between[-1]
            if at == size:
                return at
            mark = text[at]
            if mark == 0x22:
                self._in_string = True
                at += 1
                continue
            if not self._bracket(mark):
                self.broken = True
                return at
            at += 1
            if not self.stack:
                self.done = True
                return at
        return at

    def _string_end(self, text: bytes, at: int) -> int:
        match = _INSIDE.match(text, at)
        end = match.end() if match else at
        if end == len(text) or (end == len(text) - 1 and text[end] == 0x5C):
            return end
        if text[end] != 0x22:
            self.broken = True
            return end
        if text[end - 1] == 0x7B and end - 1 > at and is_record(text, end - 1):
            # What looks like a string stands between two records: a quote is missing before.
            self.broken = True
            return end - 1
        self._in_string = False
        self._last = 0x22
        return end + 1

    def _bracket(self, mark: int) -> bool:
        stack = self.stack
        if mark in _CLOSER:
            if stack:
                before = self._last
                fits = before == 0x3A if stack[-1] == 0x7B else before in (0x2C, 0x5B)
                if not fits:
                    return False
            stack.append(mark)
        elif not stack or _CLOSER[stack[-1]] != mark or mark == _RS:
            return False
        else:
            stack.pop()
        self._last = mark
        return True


class Cutter:
    """The part of the text that is being cut, refilled when it runs short."""

    def __init__(self, blocks: Iterator[bytes], longest: int) -> None:
        self._blocks = blocks
        self._longest = longest
        self._text = b""
        self._at = 0
        self._ended = False
        # One for each open array: the brackets to close after it.
        self._open: list[bytes] = []

    @property
    def rest(self) -> bytes:
        """Return what was refilled and not cut yet."""
        return self._text[self._at :]

    @property
    def is_closed(self) -> bool:
        """Return whether every array that began has ended."""
        return not self._open

    def array(self) -> Iterator[Piece]:
        """Yield the elements of the array that begins here, and stop behind it."""
        return self._pieces(whole=False)

    def pieces(self) -> Iterator[Piece]:
        """Yield all records of the text."""
        return self._pieces(whole=True)

    def _pieces(self, *, whole: bool) -> Iterator[Piece]:
        before = reason = ""
        while self._skip_blank():
            mark = chr(self._text[self._at])
            if mark == "\x1e":
                if self._open and not reason:
                    yield Piece(b"", NEVER_CLOSED)
                self._open, before, reason = [], "", ""
                self._at += 1
            elif mark in ",]" and self._open:
                if before == "," or (before == "[" and mark == ","):
                    yield Piece(mark.encode(), "Not JSON: a comma without a record")
                before = mark if mark == "," else "element"
                self._at += 1
                if mark == "]":
                    yield from self._leave()
                    if not whole and not self._open:
                        return
            elif mark == "[" and not self._open:
                self._open.append(b"")
                before, self._at = "[", self._at + 1
            else:
                depth = len(self._open)
                for piece in self._element():
                    reason = piece.reason
                    yield piece
                before = "[" if len(self._open) > depth else "element"
        if self._open and not reason:
            yield Piece(b"", NEVER_CLOSED)

    def _element(self) -> Iterator[Piece]:
        """Yield the record here, or why it is none; or open the array that it wraps."""
        self._need(self._longest + 1)
        text, start = self._text, self._at
        if text[start] not in b"{[":
            match = _SCALAR.match(text, start)
            end = match.end() if match else start + 1
            yield self._take(end, "" if match else "Not JSON: unexpected character")
            return
        end = _plain_end(text, start, min(self._longest, _NEAR))
        if end >= 0 and _is_json(text[start:end]):
            extra = _EXTRA.match(text, end)
            yield self._take(extra.end(), _TOO_MANY) if extra else self._take(end)
            return
        lexer = _Lexer(bytearray())
        end = lexer.run(text, start)
        fits = lexer.done and end - start <= self._longest
        if fits and _is_json(text[start:end]):
            yield self._take(end)
            return
        if text[start] == 0x5B:
            found, opened = start, b""
        else:
            found, opened = inside(text, start, *_WRAPPERS)
        if found >= 0:
            if len(self._open) < MOST_WRAPPERS:
                self._open.append(opened)
                self._at = found + 1
                return
            if fits:
                yield self._take(end, "Wrapped too many times")
                return
        yield self._refused(lexer, end)

    def _refused(self, lexer: _Lexer, end: int) -> Piece:
        start = self._at
        if lexer.done:
            # A missing quote or bracket may have swallowed the records up to another such fault.
            following = _next_record(self._text, start + 1, end)
            if end - start > self._longest:
                return self._take(end, self._too_long)
            end = following if following >= 0 else end
            return self._take(end, utf8_fault(bytes(self._text[start:end])) or "Not JSON")
        following = _next_record(self._text, start + 1, len(self._text))
        if following >= 0:
            long = following - start > self._longest
            return self._take(following, self._too_long if long else _ENDLESS)
        return self._skip(lexer, end)

    def _skip(self, lexer: _Lexer, at: int) -> Piece:
        """Pass over what is longer than a record may be; return its beginning and its size."""
        head = self._text[self._at : self._at + self._longest]
        size = -self._at
        while True:
            if lexer.broken:
                following = _next_record(self._text, at, len(self._text))
                if following >= 0:
                    at = following
                    break
                # An object that is cut by the end of the text is read again with more text.
                at = max(at, len(self._text) - self._longest)
            elif lexer.done:
                break
            if self._ended:
                at = len(self._text)
                break
            size += at
            self._at, at = at, 0
            self._refill()
            if not lexer.broken:
                at = lexer.run(self._text, 0)
        size += at
        self._at = at
        reason = self._too_long if size > self._longest else _ENDLESS
        if size <= len(head):
            return Piece(head[:size].rstrip(b", \t\r\n"), reason)
        return Piece(head, reason, size)

    @property
    def _too_long(self) -> str:
        return f"Longer than {self._longest:,} bytes"

    def _leave(self) -> Iterator[Piece]:
        """Close an array and pass over the rest of what wraps it."""
        opened = self._open.pop()
        if not opened:
            return
        lexer = _Lexer(bytearray(opened))
        while True:
            end = lexer.run(self._text, self._at)
            self._at = end
            if lexer.done:
                return
            if lexer.broken:
                return
            if not self._refill():
                yield Piece(b"", NEVER_CLOSED)
                return

    def _take(self, end: int, reason: str = "") -> Piece:
        raw = self._text[self._at : end]
        self._at = end
        if not reason:
            return Piece(raw.rstrip())
        raw = raw.rstrip(b", \t\r\n") or raw
        size = len(raw)
        return Piece(raw[: self._longest], reason, size if size > self._longest else 0)

    def _skip_blank(self) -> bool:
        """Move to the next mark; return whether there is one."""
        while True:
            match = _BLANK.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return True
            if not self._refill():
                return False

    def _need(self, size: int) -> None:
        while len(self._text) - self._at < size and self._refill():
            pass

    def _refill(self) -> bool:
        block = next(self._blocks, b"")
        self._ended = self._ended or not block
        if self._ended:
            return False
        self._text = self._text[self._at :] + block
        self._at = 0
        return True


def _value_of(text: bytes, at: int, name: bytes) -> int:
    """Return where the value of the member *name* of the object at *at* begins, or -1."""
    if text[at : at + 1] != b"{":
        return -1
    at = blank_end(text, at + 1)
    while key := _KEY.match(text, at):
        at = key.end()
        if key[1] == name:
            return at if at < len(text) else -1
        end = end_of(text, at)
        at = blank_end(text, end if end >= 0 else len(text))
        if text[at : at + 1] == b",":
            at = blank_end(text, at + 1)
    return -1


def blank_end(text: bytes, at: int) -> int:
    """Return where the first mark that is not blank stands in *text* from *at*."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _next_record(text: bytes, start: int, stop: int) -> int:
    """Return where the first whole record begins in *text* from *start* to *stop*, or -1."""
    for match in _OBJECT.finditer(text, start, stop):
        at = match.start()
        if not _COLON_BEFORE.search(text, max(start - 1, at - 64), at) and is_record(text, at):
            return at
    return -1


def is_record(text: bytes, at: int = 0) -> bool:
    """Return whether a whole object with a time begins at *at*."""
    end = _plain_end(text, at, len(text)) if text[at : at + 1] == b"{" else -1
    if end < 0:
        return False
    try:
        value = orjson.loads(text[at:end])
    except orjson.JSONDecodeError:
        return False
    return not _TIMES.isdisjoint(value)


def _plain_end(text: bytes, at: int, longest: int) -> int:
    """Return the end of the object or array at *at*, or -1 if it is not whole or longer.

    What looks like a string is taken for one.
    """
    stack = bytearray()
    stop = min(len(text), at + longest)
    while True:
        match = _RUN.match(text, at, stop)
        at = match.end() if match else at
        if at == stop:
            return -1
        mark = text[at]
        if mark in _CLOSER and len(stack) < _DEEPEST:
            stack.append(mark)
        elif mark not in _CLOSED or not stack or _CLOSER[stack.pop()] != mark:
            return -1
        at += 1
        if not stack:
            return at


def utf8_fault(text: bytes) -> str:
    """Return where *text* is not UTF-8, in words; empty if it is."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"Not UTF-8 at byte {error.start + 1}"
    return ""


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
