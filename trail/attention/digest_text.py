"""A digest as plain text, one line each, for terminals; messages have their own form."""

from trail.attention.digest import Digest
from trail.attention.digest_parts import Line
from trail.core.text import printable


def plain(digest: Digest) -> str:
    """Return *digest* as lines of printable text that end with a line break."""
    lines = [f"{digest.title} ({digest.period.tz})"]
    lines += [f"! {printable(notice.text)}" for notice in digest.notices]
    for section in digest.sections:
        lines += ["", section.title + (f" ({printable(section.note)})" if section.note else "")]
        lines += [_line(line) for line in section.lines]
    return "\n".join(lines) + "\n"


def _line(line: Line) -> str:
    change = f"  {line.change}" if line.change else ""
    note = f"  ({printable(line.note)})" if line.note else ""
    if line.number is None:
        return f"           {printable(line.text)}{note}"
    return f"  {line.value:>7}  {printable(line.text)}{change}{note}"
