"""Slowing down the guessing of passwords: so many looks in a quarter of an hour, and no more.

Separate because it knows neither users nor requests. Three windows slide over tries: one username
from one address, one address, one username from anywhere. A try counts before its password is
looked at, so that many at the same moment are no way around; a right one is taken back. None of
the windows locks for ever, and where somebody has signed in before only the first one counts, so
nobody can keep an owner out by guessing at the owner's name.
"""

import ipaddress
import logging
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ValidationError

from trail.core import atomic_file

WINDOW = 15 * 60.0
PAIR, ADDRESS, USERNAME = 10, 30, 50  # looks in any window; the next waits for the oldest to leave
MOST_KEYS, MOST_TRUSTED = 20_000, 2_000
_log = logging.getLogger("trail.access")


class _Kept(BaseModel):
    """The file: hashes only, since a name that was typed may be a password in the wrong box."""

    salt: str
    tries: OrderedDict[str, list[float]] = OrderedDict()  # times in seconds since 1970
    trusted: OrderedDict[str, None] = OrderedDict()


class Throttle:
    """The tries of the last quarter of an hour; with a *path* they outlive the process."""

    def __init__(self, clock: Callable[[], float] = time.time, path: Path | None = None) -> None:
        self._clock, self._path = clock, path
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._kept = _read(path) if path else _Kept(salt=secrets.token_hex(16))

    def admit(self, username: str, address: str) -> int:
        """Return 0, counting one try, or the seconds to wait before a password is looked at."""
        with self._lock:
            now, left = self._clock(), 0.0
            keys = self._keys(username, address)
            for key, most in keys:
                times = self._recent(key, now)
                if len(times) >= most:
                    left = max(left, times[-most] + WINDOW - now)
            if left > 0:
                return math.ceil(left)
            for key, _ in keys:
                self._kept.tries[key] = [*self._recent(key, now), now]
                self._kept.tries.move_to_end(key)
            while len(self._kept.tries) > MOST_KEYS:
                self._kept.tries.popitem(last=False)
        self._keep()
        return 0

    def passed(self, username: str, address: str) -> None:
        """Take the admitted try back, for its password was right, and trust the address."""
        with self._lock:
            keys = [key for key, _ in self._keys(username, address)]
            self._kept.tries.pop(keys[0], None)
            for key in keys[1:]:
                if times := self._kept.tries.get(key):
                    times.pop()
            self._kept.trusted[keys[0]] = None
            self._kept.trusted.move_to_end(keys[0])
            while len(self._kept.trusted) > MOST_TRUSTED:
                self._kept.trusted.popitem(last=False)
        self._keep()

    def _recent(self, key: str, now: float) -> list[float]:
        return [each for each in self._kept.tries.get(key, ()) if abs(now - each) < WINDOW]

    def _keys(self, username: str, address: str) -> list[tuple[str, int]]:
        place = _place(address)
        keys = [(self._mark("pair", username, place), PAIR)]
        if keys[0][0] not in self._kept.trusted:
            keys.append((self._mark("address", place), ADDRESS))
            keys.append((self._mark("username", username), USERNAME))
        return keys

    def _mark(self, *parts: str) -> str:
        return sha256("\n".join((self._kept.salt, *parts)).encode()).hexdigest()[:32]

    def _keep(self) -> None:
        if self._path is None:
            return
        with self._writing:  # around both, so that no older state is written over a newer one
            with self._lock:
                now = self._clock()
                for key in [key for key in self._kept.tries if not self._recent(key, now)]:
                    del self._kept.tries[key]
                text = self._kept.model_dump_json()
            try:
                atomic_file.replace(self._path, text)
            except OSError as error:
                _log.error("%s cannot be written: %s", self._path.name, error.strerror)


def sentence(seconds: int) -> str:
    """Return what the person reads while a delay runs."""
    number, unit = (seconds, "second") if seconds < 120 else (-(-seconds // 60), "minute")
    return f"Too many tries. Try again in {number} {unit}{'s' if number != 1 else ''}."


def _place(address: str) -> str:
    """Return what counts as one address: of IPv6 the network, since a line has 2**64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _read(path: Path) -> _Kept:
    try:
        return _Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValidationError):
        _log.warning("%s cannot be read: the tries before the start are not counted", path.name)
    return _Kept(salt=secrets.token_hex(16))
