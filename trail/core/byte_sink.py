"""A file that gives away what was written to it: what writes to files becomes a stream."""

import io


class Sink(io.RawIOBase):
    """Takes writes, knows how far they came, and cannot go back."""

    def __init__(self) -> None:
        """Begin empty."""
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """Return that it takes writes."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keep *data* until it is taken."""
        self._parts.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were written in all."""
        return self._at

    def take(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
