"""Give memory back to the system when nobody has opened a page for a moment.

Python and the C library keep what a busy hour took, and DuckDB keeps the blocks that it has read up
to its limit. After many viewers, or after a verification of all events, most of it is not needed
again.
"""

import contextlib
import ctypes
import gc
import mmap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from trail.core.errors import UnavailableError
from trail.storage import shared_results
from trail.storage.duckdb import Store

_LOOK_S = 10.0
_QUIET_S = 15.0
# By then Streamlit has forgotten closed tabs and what their pages held: after the 60 s of
# `server.disconnectedSessionTTL`, and the 30 s of the dashboard's look for them. Then the results
# that page runs share are of no use, either.
_FORGOTTEN_S = 100.0
# Less growth since the last time is not worth the pause of about a third of a second.
_GROWN_BYTES = 48 << 20
_STATM = Path("/proc/self/statm")


class IdleMemory:
    """A thread that looks every ten seconds; *store* returns the store of the pages."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._left = resident_bytes()
        self._last_use = shared_results.RESULTS.used_at  # after which closed tabs were forgotten
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trail-memory", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            used_at = shared_results.RESULTS.used_at
            quiet_s = time.monotonic() - used_at
            forgotten = quiet_s >= _FORGOTTEN_S and used_at != self._last_use
            grown = quiet_s >= _QUIET_S and resident_bytes() > self._left + _GROWN_BYTES
            if forgotten:
                shared_results.RESULTS.clear()
            if forgotten or grown:
                with contextlib.suppress(UnavailableError):  # the store is stopping
                    if release(self._store()):
                        self._left = resident_bytes()
                        self._last_use = used_at if forgotten else self._last_use


def release(store: Store) -> bool:
    """Give back cached blocks of *store*, garbage, and free heap memory.

    Returns whether it did; not while a job takes much memory.
    """
    if not store.release_blocks():
        return False
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim:
        trim(0)
    return True


def resident_bytes() -> int:
    """Return the resident memory of this process, or 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0
