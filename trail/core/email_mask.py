"""Masks e-mail addresses in bytes that go out, whatever their format, without changing lengths.

`maya.lind@example.com` becomes `m********@example.com`. The same number of bytes replaces the part
before the @, and neither its first byte nor one of several is touched, so that JSON, CSV, protobuf
messages (where the byte before a text is its length) and Arrow buffers stay valid.
"""

import re
from dataclasses import dataclass

# An @, also encoded for a URL, the word joiner of `ui.text.escape`, also as in JSON, and a domain.
_LABEL = rb"[A-Za-z0-9\x80-\xff_-]+"
_FROM_AT = re.compile(
    rb"(?:@|%40|\\u0040)(?:\xe2\x81\xa0|\\+u2060)?" + _LABEL + rb"(?:\\*\." + _LABEL + rb")+"
)
# What ends the part before the @, read backwards.
_LOCAL = frozenset(range(0x21, 0x7F)) - frozenset(b"\"'<>()[],;:=&?/|@")
_LONGEST_LOCAL = 400
# The first byte, or an escaped character, of which no part alone may change.
_WIDE = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_KEPT = re.compile(rb"\\+(?:u[0-9A-Fa-f]{4}|" + _WIDE + rb"|.)?|" + _WIDE + rb"|.", re.DOTALL)
# A letter of several bytes at the end of some. A length in a message is never one.
_WIDE_END = re.compile(rb"(?:" + _WIDE + rb")\Z")
# Where a text of one letter begins for certain.
_BEFORE_ONE = frozenset(b" \"'<>(,;:")
# Where no address goes on, so that what is before can be sent.
_END = re.compile(rb"[\x00-\x20\"<>()\[\],;|\x7f]")
_LONGEST = 4096


def mask(data: bytes) -> bytes:
    """Return *data*, of the same length, with the part before the @ of every e-mail masked."""
    masked: bytearray | None = None
    for found in _FROM_AT.finditer(data):
        end = start = found.start()
        least = max(0, end - _LONGEST_LOCAL)
        while start > least:
            if data[start - 1] in _LOCAL:
                start -= 1
            elif wide := _WIDE_END.search(data, max(least, start - 4), start):
                start = wide.start()
            else:
                break
        kept = _KEPT.match(data, start, end)
        first = kept.end() if kept else end
        if end - start == 1 and start and data[start - 1] in _BEFORE_ONE:
            first = start
        if first < end:
            masked = bytearray(data) if masked is None else masked
            masked[first:end] = b"*" * (end - first)
    return data if masked is None else bytes(masked)


@dataclass(slots=True)
class MaskedStream:
    """Masks a stream: what could be the beginning of an address waits for the next part."""

    _rest: bytes = b""

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """Return what can be sent of the stream so far; all of it after the *last* part."""
        data = self._rest + data
        end = len(data)
        if not last:
            tail = data[-_LONGEST:]
            ends = [found.end() for found in _END.finditer(tail)]
            end = len(data) - len(tail) + ends[-1] if ends else max(0, len(data) - _LONGEST)
        self._rest = data[end:]
        # With what follows in view, so that an address across the edge is seen.
        return mask(data)[:end]
