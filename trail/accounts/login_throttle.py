"""The rate limit on sign-in attempts, against password guessing.

Three sliding windows of 15 minutes count attempts: per username and address, per address, and per
username. An attempt counts before its password is checked, so that concurrent attempts do not
bypass the limit; a successful one is uncounted. From an address where the user signed in before,
only the first window counts, so that nobody can lock out an owner by guessing.

Second-factor codes count as attempts too. After ten consecutive wrong codes, from any address, the
next code is delayed by a minute, and by twice as long after each further one.
"""

import contextlib
import logging
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ValidationError

from trail.core import atomic_file
from trail.core.errors import InputError
from trail.core.networks import network_of

WINDOW = 15 * 60.0
PAIR, ADDRESS, USERNAME = 10, 30, 50  # attempts in any window
FREE_CODES = 10  # wrong codes in a row without a delay
FIRST_DELAY, MAX_DELAY = 60.0, 86_400.0  # seconds
MAX_KEYS, MAX_TRUSTED, MAX_CODES = 20_000, 2_000, 2_000
_log = logging.getLogger("trail.access")


class _State(BaseModel):
    """The file: hashes only, since a typed name may be a password in the wrong field."""

    salt: str
    tries: OrderedDict[str, list[float]] = OrderedDict()  # times in seconds since 1970
    trusted: OrderedDict[str, None] = OrderedDict()
    codes: OrderedDict[str, tuple[int, float]] = OrderedDict()  # wrong ones in a row, last time


class Throttle:
    """The attempts of the last 15 minutes; with a *path*, they are stored in a file."""

    def __init__(self, clock: Callable[[], float] = time.time, path: Path | None = None) -> None:
        self._clock, self._path = clock, path
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._state = _read(path) if path else _State(salt=secrets.token_hex(16))

    def admit(self, username: str, address: str) -> int:
        """Count an attempt and return 0, or return the seconds to wait before the next one."""
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
                self._state.tries[key] = [*self._recent(key, now), now]
                self._state.tries.move_to_end(key)
            while len(self._state.tries) > MAX_KEYS:
                self._state.tries.popitem(last=False)
        self._save()
        return 0

    @contextlib.contextmanager
    def attempt(self, username: str, address: str) -> Iterator[None]:
        """Count the block as an attempt, which succeeds if it ends without an error.

        Raises `InputError` while a delay runs.
        """
        if seconds := self.admit(username, address):
            raise InputError(wait_message(seconds))
        yield
        self.record_success(username, address)

    def record_success(self, username: str, address: str, attempts: int = 1) -> None:
        """Discard the admitted *attempts*, which were correct, and trust the address."""
        with self._lock:
            keys = [key for key, _ in self._keys(username, address)]
            self._state.tries.pop(keys[0], None)
            for key in keys[1:]:
                if times := self._state.tries.get(key):
                    del times[-attempts:]
            self._state.trusted[keys[0]] = None
            self._state.trusted.move_to_end(keys[0])
            while len(self._state.trusted) > MAX_TRUSTED:
                self._state.trusted.popitem(last=False)
        self._save()

    def admit_code(self, subject: str) -> int:
        """Count a code for *subject* and return 0, or return the seconds to wait before it."""
        with self._lock:
            key, seconds = self._key("codes", subject), self._code_delay(subject)
            if not seconds:
                wrong, _ = self._state.codes.pop(key, (0, 0.0))
                self._state.codes[key] = (wrong + 1, self._clock())
                while len(self._state.codes) > MAX_CODES:
                    self._state.codes.popitem(last=False)
        self._save()  # in any case, as it takes time
        return seconds

    def record_code(self, subject: str) -> None:
        """Reset the count of wrong codes for *subject* after a correct one."""
        with self._lock:
            self._state.codes.pop(self._key("codes", subject), None)
        self._save()

    def code_delay(self, subject: str) -> int:
        """Return the seconds to wait before the next code for *subject*."""
        with self._lock:
            return self._code_delay(subject)

    def _code_delay(self, subject: str) -> int:
        wrong, last = self._state.codes.get(self._key("codes", subject), (0, 0.0))
        if wrong < FREE_CODES:
            return 0
        delay = min(FIRST_DELAY * 2.0 ** min(wrong - FREE_CODES, 30), MAX_DELAY)
        return max(0, math.ceil(delay - abs(self._clock() - last)))

    def _recent(self, key: str, now: float) -> list[float]:
        return [at for at in self._state.tries.get(key, ()) if abs(now - at) < WINDOW]

    def _keys(self, username: str, address: str) -> list[tuple[str, int]]:
        network = network_of(address)
        keys = [(self._key("pair", username, network), PAIR)]
        if keys[0][0] not in self._state.trusted:
            keys.append((self._key("address", network), ADDRESS))
            keys.append((self._key("username", username), USERNAME))
        return keys

    def _key(self, *parts: str) -> str:
        return sha256("\n".join((self._state.salt, *parts)).encode()).hexdigest()[:32]

    def _save(self) -> None:
        if self._path is None:
            return
        with self._writing:  # around both, so that an older state never replaces a newer one
            with self._lock:
                now = self._clock()
                for key in [key for key in self._state.tries if not self._recent(key, now)]:
                    del self._state.tries[key]
                text = self._state.model_dump_json()
            try:
                atomic_file.replace(self._path, text)
            except OSError as error:
                _log.error("%s cannot be written: %s", self._path.name, error.strerror)


def wait_message(seconds: int, what: str = "attempts") -> str:
    """Return the message while a delay runs, after too many of *what*."""
    number, unit = (seconds, "second") if seconds < 120 else (-(-seconds // 60), "minute")
    return f"Too many {what}. Try again in {number} {unit}{'s' if number != 1 else ''}."


def _read(path: Path) -> _State:
    try:
        return _State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValidationError):
        _log.warning("%s cannot be read: earlier sign-in attempts are not counted", path.name)
    return _State(salt=secrets.token_hex(16))
