"""CSV that a spreadsheet reads as text, in the right encoding, and cannot run; see `export`."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

# Excel reads CSV in the code page of the machine unless the file begins with it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# With one of these in front, text in a cell is a formula to some spreadsheet; the full-width ones
# are where people write Chinese, Japanese or Korean. `export` and the loader of tables go by them.
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
# Where it is the separator of lists, as in most of Europe, Excel begins a new cell at a semicolon,
# and a row at a line end, as it does not see the quotation marks of a cell after a comma.
SEPARATORS = (";", "\r", "\n")
STARTS = r"\t*[=+\-@＝＋－＠]"
_PLACE = rf"(?:\A|(?<=[{''.join(SEPARATORS)}]))"
# Text that begins with quotes of its own gets another one, so that only ours is taken off again.
_RUN = re.compile(rf"{_PLACE}'*(?={STARTS})|\A'*(?=[\t\r\n])")
_OUR_QUOTE = re.compile(rf"{_PLACE}'(?='*{STARTS})|\A'(?='*[\t\r\n])")


def line(cells: Sequence[object]) -> bytes:
    """Return *cells* as one line; text that a spreadsheet would run gets a quote before it."""
    out = io.StringIO()
    # The writer puts only the marks of its own line end in quotes: a bare return in a cell would
    # end the row for those who read the file.
    csv.writer(out, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue().removesuffix("\r\n").encode() + b"\n"


def harmless(cell: object) -> str:
    """Return *cell* as text that no spreadsheet runs: with a quote before what would be run."""
    return "" if cell is None else _RUN.sub(r"'\g<0>", str(cell))


def original(text: str) -> str:
    """Return the text of which `harmless` made *text*."""
    return _OUR_QUOTE.sub("", text)


def marked(chunks: Iterator[bytes], wanted: bool) -> Iterator[bytes]:
    """Yield the file *chunks*, beginning with a byte order mark if *wanted* (`export.csv_bom`)."""
    if wanted:
        yield _BYTE_ORDER_MARK + next(chunks, b"")
    yield from chunks
