"""Counting a download while it is sent: rows, bytes, and the digest of exactly these bytes.

Separate because only what was really sent counts, and only the stream's end knows that.
"""

import hashlib
from collections.abc import Callable, Iterator


class Tally:
    """What has been sent so far; `whole` once the last byte has."""

    def __init__(self) -> None:
        self.made = self.rows = self.size = 0
        self.whole = False
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The SHA-256 of what has been sent, in hexadecimal."""
        return self._digest.hexdigest()

    def sent(self, chunk: bytes) -> None:
        """Count *chunk*, and the rows made up to it, as sent."""
        self._digest.update(chunk)
        self.size += len(chunk)
        self.rows = self.made


class Tallied:
    """An iterator over *chunks* that counts them, and says once how it ended."""

    def __init__(
        self, chunks: Iterator[bytes], tally: Tally, ended: Callable[[Tally], None]
    ) -> None:
        self._chunks, self._tally, self._ended = chunks, tally, ended
        self._last: bytes | None = None
        self._said = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        # Whoever asks for the next one has sent the last one.
        if self._last is not None:
            self._tally.sent(self._last)
            self._last = None
        try:
            self._last = next(self._chunks)
        except StopIteration:
            self._tally.whole = True
            raise
        return self._last

    def close(self) -> None:
        """Close what is read from, and say how it ended."""
        try:
            close = getattr(self._chunks, "close", None)
            if close:
                close()
        finally:
            if not self._said:
                self._said = True
                self._ended(self._tally)
