"""CSV tables, plain or compressed: rows in, raw records out.

Cutting rows is separate from what columns mean. Python's csv module reads the cells; here it is
told where a row may end, so that a broken row costs itself and never the rows after it.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from loaders._column_names import Assignment
from loaders._columns import Columns, RowBuffer
from loaders._streams import Stream, head_of
from trail.core.errors import InputError
from trail.core.model import Chunk, Loader, Reject, Source, TableColumns
from trail.core.settings import Settings

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t"
# The line that spreadsheets write and read ahead of the header; one that saved it as a row of the
# table has filled it up with delimiters.
_SEPARATOR = re.compile(r"\s*\"?sep=([^\"\r\n])\1*\"?\1*[\r ]*(?:\n|$)", re.IGNORECASE)
# What the first line of no text has.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")

# A row that goes on for more characters than this has lost a quote. Far above the longest record:
# the content of a long cell is hostile text, and must not be read as rows of the table.
_FARTHEST = 8 << 20
# Lines are read again after a lost quote. Past this much of it, in characters, a region that was
# read in vain is read line by line, so that a hostile file costs no more than twice its size.
_PATIENCE = 4 << 20

# A row: its first line's number, its cells, and what returns its text until the next is read.
Row = tuple[int, list[str], Callable[[], str]]

_OPEN = "A quote is opened and never closed"
_LOOSE = "A quote inside a cell is not doubled, or text follows a closing quote"


def accepts(path: Path) -> bool:
    """Return whether *path*, unpacked, begins with a line of text of two columns or more."""
    head = head_of(path).removeprefix(_BOM).lstrip()
    if not head or head[:1] in b"{[":
        return False
    try:
        line = head.split(b"\n", 1)[0].decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(line) and bool(_layout(head)[0])


def read(source: Source, settings: Settings) -> Iterator[Chunk]:
    """Yield the records of *source*.

    Raises `MappingNeededError` for missing or ambiguous columns, `LoadLimitError` when
    the file unpacks without end.
    """
    with Stream(source.path, settings.limits) as stream:
        header, rows = _opened(stream, source, settings)
        columns = Columns(header, source.mapping, source.name)
        yield from _chunks(rows, columns, stream)
        stream.finish()


def columns(source: Source, settings: Settings) -> TableColumns:
    """Return the columns of *source* with the values of its first row; raises like `read`."""
    with Stream(source.path, settings.limits) as stream:
        header, rows = _opened(stream, source, settings)
        row = next((row for row in rows if not isinstance(row, Reject)), None)
        first = [_legible(cell) for cell in row[1]] if row else [""] * len(header)
        return Assignment(header, source.mapping, source.name).described(first)


def _opened(
    stream: Stream, source: Source, settings: Settings
) -> tuple[list[str], Iterator[Reject | Row]]:
    """Return the names of the columns, and the rows after them."""
    longest = settings.limits.line_bytes
    # The limit applies to the whole process, so it is only ever raised; ingest has its own.
    csv.field_size_limit(max(csv.field_size_limit(), _FARTHEST, longest))
    delimiter, skipped = _layout(stream.peek().removeprefix(_BOM))
    rows = _rows(stream, delimiter or ",", longest, skipped)
    header = next(rows, None)
    if header is None or isinstance(header, Reject):
        raise InputError(
            f"{source.name}: the first line cannot be read as column names.",
            "Name each column there, separated by commas, semicolons or tabs.",
        )
    return [_legible(name) for name in header[1]], rows


def _chunks(rows: Iterator[Reject | Row], columns: Columns, stream: Stream) -> Iterator[Chunk]:
    buffer = RowBuffer()
    for row in rows:
        if isinstance(row, Reject):
            buffer.add_reject(row)
        else:
            line, cells, text_of = row
            try:
                buffer.add(line, columns.record(cells))
            except (UnicodeEncodeError, TypeError):
                buffer.add_reject(_refused(line, text_of(), "Not UTF-8"))
        if buffer.full:
            yield buffer.take(stream.progress)
    yield buffer.take(1.0)


class _Lines:
    """The physical lines of a file, handed to the csv module one at a time; it can go back."""

    def __init__(self, stream: Stream, longest: int) -> None:
        self._blocks = stream.line_blocks(longest)
        self._longest = longest
        self._lines: list[str] = []
        self._first = 1  # the number of the first of these lines
        self._start = 0  # where the present row begins
        self._at = 0
        self._size = 0
        self._wasted = 0
        self._alone_until = 0
        self.cut: Reject | None = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        at = self._at
        if at > self._start:
            self._go_on(at)
        if at == len(self._lines):
            self._fill()
            at = self._at
        self._at = at + 1
        return self._lines[at]

    def begin(self) -> int:
        """Begin a row and return its line's number."""
        self._start = self._at
        return self._first + self._at

    @property
    def count(self) -> int:
        """Return how many lines the present row has taken."""
        return self._at - self._start

    def text(self) -> str:
        """Return the present row as it stands in the file."""
        return "".join(self._lines[self._start : self._at]).rstrip("\r\n")

    @property
    def is_too_long(self) -> bool:
        """Return whether the present row is longer than a record may be."""
        return sum(map(len, self._lines[self._start : self._at])) > self._longest

    def second(self) -> str:
        """Return the present row's second line."""
        return self._lines[self._start + 1]

    def go_back(self) -> None:
        """Take only the first line of the present row; the others are read again."""
        self._wasted += sum(map(len, self._lines[self._start + 1 : self._at]))
        if self._wasted > _PATIENCE:
            self._alone_until = max(self._alone_until, self._first + self._at)
        self._at = self._start + 1

    def pass_cut(self) -> Reject | None:
        """Return the over-long line that stands here, if one does, and go on after it."""
        if self._at < len(self._lines):
            return None
        cut, self.cut = self.cut, None
        if cut:
            self._lines, self._first, self._start, self._at = [], cut.line + 1, 0, 0
        return cut

    def _go_on(self, at: int) -> None:
        """Judge whether the present row may have another line, its *at*-th."""
        if at == self._start + 1:
            self._size = 0
        self._size += len(self._lines[at - 1])
        farthest = max(_FARTHEST, self._longest)
        if self._first + self._start < self._alone_until or self._size > farthest:
            raise _TooFarError

    def _fill(self) -> None:
        """Read another block, keeping the present row's lines."""
        if self.cut:
            raise StopIteration
        del self._lines[: self._start]
        self._first += self._start
        self._at -= self._start
        self._start = 0
        for block, too_long in self._blocks:
            if too_long:
                reason = f"Longer than {self._longest:,} bytes"
                self.cut = Reject(self._first + len(self._lines), reason, bytes(block), too_long)
                raise StopIteration
            octets = bytes(block)
            if self._first == 1 and not self._lines:
                octets = octets.removeprefix(_BOM)
            # Bytes that are not text are kept until their row is known.
            text = octets.decode("utf-8", "surrogateescape")
            self._lines += io.StringIO(text, newline="\n").readlines()
            return
        raise StopIteration


class _TooFarError(Exception):
    """A row goes on for longer than any row does."""


def _rows(stream: Stream, delimiter: str, longest: int, skipped: int) -> Iterator[Reject | Row]:
    """Yield each row after *skipped* lines, the header first, or why a row is none."""
    lines = _Lines(stream, longest)
    for _ in range(skipped):
        lines.begin()
        next(lines, None)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    while True:
        line = lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            if cut := lines.pass_cut():
                yield cut
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
                continue
            return
        except (csv.Error, _TooFarError) as error:
            lines.go_back()
            yield _refused(line, lines.text(), _reason(error))
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        if not width:
            width = len(cells) if any(cells) else 0
        if len(cells) == width:
            if lines.is_too_long:
                yield _refused(line, lines.text(), f"Longer than {longest:,} bytes")
            elif any(cells):
                yield line, cells, lines.text
        elif lines.count > 1 and _stands_alone(lines.second(), delimiter, width):
            lines.go_back()
            yield _refused(line, lines.text(), _OPEN)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        elif any(cell.strip() for cell in cells):
            yield _refused(line, lines.text(), f"{len(cells)} cells, where the header has {width}")


def _stands_alone(line: str, delimiter: str, width: int) -> bool:
    """Return whether *line* is a whole row, so that what swallowed it had lost a quote."""
    return line.count('"') % 2 == 0 and len(_cells(line, delimiter)) == width


def _layout(head: bytes) -> tuple[str, int]:
    """Return the delimiter of the table that begins with *head*, and the lines before its header.

    The delimiter is the one that the line `sep=` names, else the one that cuts the first row into
    the most cells; it is empty when none does.
    """
    text = head.decode("utf-8", "surrogateescape")
    if separator := _SEPARATOR.match(text):
        return separator[1], separator[0].count("\n")
    text = text.lstrip()
    widths = {mark: len(_cells(text, mark)) for mark in _DELIMITERS}
    best = max(widths, key=lambda mark: widths[mark])
    return (best, 0) if widths[best] > 1 else ("", 0)


def _cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of the first row of *text*; none when it cannot be read."""
    try:
        return next(csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return []


def _reason(error: Exception) -> str:
    if isinstance(error, _TooFarError) or "unexpected end" in str(error):
        return _OPEN
    if "field larger" in str(error):
        return f"A cell is longer than {csv.field_size_limit():,} characters"
    if "new-line" in str(error):
        return "A line ends in the middle of a cell without quotes"
    return _LOOSE


def _refused(line: int, text: str, reason: str) -> Reject:
    raw = text.encode("utf-8", "surrogateescape")
    return Reject(line, _bad_bytes(raw) or reason, raw)


def _legible(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _bad_bytes(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"Not UTF-8 at byte {error.start + 1}"
    return ""


_EXAMPLE = b"timestamp,type,actor\n2026-11-24T11:58:00Z,Source Deleted,mara@example.com\n"

LOADER = Loader("csv", "CSV tables", 20, accepts, read, lambda: _EXAMPLE, columns)
