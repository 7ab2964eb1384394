"""Downloads as the access log knows them: by whom, what, how many rows and bytes, which digest.

Separate because every route that streams a file needs the same few lines around its stream.
"""

from collections.abc import Iterator

import anyio
from starlette.requests import Request

from trail.access_log import log
from trail.core.download_stats import Tallied, Tally
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web.guard import address_of, user_of

_limiters: list[anyio.CapacityLimiter] = []


def limiter() -> anyio.CapacityLimiter:
    """Return what lets only so many large downloads be made at a time (`limits.exports`)."""
    if not _limiters:
        _limiters.append(anyio.CapacityLimiter(process.current().settings.limits.exports))
    return _limiters[0]


def noted(
    request: Request,
    chunks: Iterator[bytes],
    tally: Tally,
    chosen: Filter | str,
    file_format: str = "csv",
    kind: str = "exported",
) -> Tallied:
    """Return *chunks* so that their end notes the download; *chosen* is the filter or its words.

    *kind* is one of `access_entry.KINDS`. *tally* has to know the rows that *chunks* makes: see
    `by_line`, or `export.stream`.
    """
    user, address = user_of(request), address_of(request)
    words = chosen if isinstance(chosen, str) else chosen.query()
    archived = request.query_params.get("archive", "")
    words += f"&archive={archived}" if archived else ""

    def ended(tally: Tally) -> None:
        log.note(
            kind,
            user.username if user else "",
            user.role if user else "",
            what=request.url.path,
            detail=words if tally.whole else f"{words} (stopped half-way)".lstrip(),
            address=address,
            file_format=file_format,
            rows=tally.rows,
            size=tally.size,
            digest=tally.digest,
        )

    return Tallied(chunks, tally, ended)


def by_line(lines: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    """Yield *lines*, a heading first; count each one after it as a row."""
    for number, line in enumerate(lines):
        tally.made = number
        yield line
