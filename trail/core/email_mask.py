"""Mask e-mail addresses in outgoing text and tables, without changing lengths.

`maya.lind@example.com` becomes `m********@example.com`, and `m@example.com` `*@example.com`. The
same number of bytes replaces the rest of the part before the @, and no character is cut, so that
JSON, CSV and Arrow buffers stay valid. Formats with lengths between texts are masked text by text.
"""

import re
from dataclasses import dataclass

# An @ (or its URL encoding), the word joiner of `ui.text.escape` (or its JSON escape), a domain.
_LABEL = rb"[A-Za-z0-9\x80-\xff_-]+"
_FROM_AT = re.compile(
    rb"(?:@|%40|\\u0040)(?:\xe2\x81\xa0|\\+u2060)?" + _LABEL + rb"(?:\\*\." + _LABEL + rb")+"
)
# Ends the part before the @, read backwards.
_LOCAL = frozenset(range(0x21, 0x7F)) - frozenset(b'"<>()[],;:=?/|@')
_LONGEST_LOCAL = 400
# The first byte, or an escaped character, which may only change as a whole.
_WIDE = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_KEPT = re.compile(rb"\\+(?:u[0-9A-Fa-f]{4}|" + _WIDE + rb"|.)?|" + _WIDE + rb"|.", re.DOTALL)
# A multi-byte letter at the end of the text.
_WIDE_END = re.compile(rb"(?:" + _WIDE + rb")\Z")
# An escape that is not a letter, such as a line break.
_NO_LETTER = re.compile(rb"\\+[^u]?", re.DOTALL)
# No address continues past this, so that everything before can be sent.
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
        if first == end and not _NO_LETTER.fullmatch(data, start, end):
            first = start  # one letter only
        if first < end:
            masked = bytearray(data) if masked is None else masked
            masked[first:end] = b"*" * (end - first)
    return data if masked is None else bytes(masked)


@dataclass(slots=True)
class MaskedStream:
    """Masks a stream; a possible beginning of an address is held until the next part."""

    _rest: bytes = b""

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """Return the part of the stream that can be sent; after the *last* part, all of it."""
        data = self._rest + data
        end = len(data)
        if not last:
            tail = data[-_LONGEST:]
            ends = [found.end() for found in _END.finditer(tail)]
            end = len(data) - len(tail) + ends[-1] if ends else max(0, len(data) - _LONGEST)
        self._rest = data[end:]
        # Include the following bytes, so that an address across the boundary is found.
        return mask(data)[:end]
