"""Limit the duration of a stop, before a service manager kills the process.

Ending the process is safe at any time: uncommitted writes leave no trace, and acknowledged events
are in the write-ahead log.
"""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator

# A stop takes at most `REQUESTS_S` for requests and exports, then `REST_S` for everything else.
REQUESTS_S, REST_S = 4, 4.5
_log = logging.getLogger("trail.server")


@contextlib.contextmanager
def bounded(seconds: float = REST_S) -> Iterator[None]:
    """End the process with exit code 1 if the block exceeds *seconds*; log what was running."""
    timer = threading.Timer(seconds, _end, (seconds,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(seconds: float) -> None:
    names = sorted(
        thread.name for thread in threading.enumerate() if thread.name.startswith("trail-")
    )
    _log.warning(
        "Stopped %s seconds after the last request, while these were running: %s. Uncommitted "
        "work is repeated after the next start.",
        seconds,
        ", ".join(names) or "none of the jobs",
    )
    sys.stderr.flush()
    os._exit(1)
