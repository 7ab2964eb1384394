"""Recording of downloads in the access log: user, filter, rows, bytes and digest."""

from collections.abc import Iterator

from starlette.requests import Request

from trail.access_log import log
from trail.core.download_stats import Tallied, Tally
from trail.storage.filters import Filter
from trail.web.guard import client_address, request_user


def recorded(
    request: Request,
    chunks: Iterator[bytes],
    tally: Tally,
    chosen: Filter | str,
    file_format: str = "csv",
    kind: str = "exported",
) -> Tallied:
    """Return *chunks* wrapped so that their end is recorded; *chosen* is the filter or its text.

    *kind* is one of `entry.KINDS`. The rows in *tally* come from the source of *chunks*: see
    `count_rows` and `export.stream`.
    """
    user, address = request_user(request), client_address(request)
    detail = chosen if isinstance(chosen, str) else chosen.query()

    def ended(tally: Tally) -> None:
        log.record(
            kind,
            user.username if user else "",
            user.role if user else "",
            what=request.url.path,
            detail=detail if tally.whole else f"{detail} (incomplete)".lstrip(),
            address=address,
            file_format=file_format,
            rows=tally.rows,
            size=tally.size,
            digest=tally.digest,
        )

    return Tallied(chunks, tally, ended)


def count_rows(lines: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    """Yield *lines* and count the rows, which are all lines after the heading."""
    for number, line in enumerate(lines):
        tally.made = number
        yield line
