"""Slowing down the guessing of passwords: delays that grow, and always end.

Separate because it knows neither users nor requests. Three windows slide over wrong passwords: one
username from one address, one address, one username from anywhere. None of them locks for ever,
and the last one leaves alone the addresses that a user has signed in from, so nobody can keep an
owner out by guessing at the owner's name.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW = 15 * 60.0
LONGEST = 15 * 60.0
PAIR, ADDRESS, USERNAME = 10, 30, 50  # wrong passwords in the window before the first delay
MOST_KEYS = 20_000


@dataclass(slots=True)
class _Tries:
    times: list[float] = field(default_factory=list)
    excess: int = 0
    until: float = 0.0


class Throttle:
    """Wrong passwords of the last quarter of an hour, and the delays they cost."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait(self, username: str, address: str) -> int:
        """Return the seconds to wait before the next password is looked at; 0 for none."""
        now = self._clock()
        with self._lock:
            ends = [
                self._tries[key].until
                for key, _ in self._keys(username, address)
                if key in self._tries
            ]
        left = max([0.0, *(end - now for end in ends)])
        return int(left) + (left > int(left))

    def failed(self, username: str, address: str) -> None:
        """Count one wrong password."""
        now = self._clock()
        with self._lock:
            for key, free in self._keys(username, address):
                tries = self._tries.setdefault(key, _Tries())
                self._tries.move_to_end(key)
                tries.times = [each for each in tries.times if now - each < WINDOW][-USERNAME:]
                if not tries.times:
                    tries.excess = 0
                tries.times.append(now)
                if len(tries.times) > free or tries.excess:
                    tries.excess += 1
                    tries.until = now + min(LONGEST, 2.0 ** (tries.excess - 1))
            while len(self._tries) > MOST_KEYS:
                self._tries.popitem(last=False)

    def passed(self, username: str, address: str) -> None:
        """Forget the wrong passwords of this user from this address, which is trusted now."""
        with self._lock:
            self._tries.pop((f"{username}\n{address}", "pair"), None)
            self._trusted[username, address] = None
            self._trusted.move_to_end((username, address))
            while len(self._trusted) > MOST_KEYS:
                self._trusted.popitem(last=False)

    def _keys(self, username: str, address: str) -> list[tuple[tuple[str, str], int]]:
        keys = [((f"{username}\n{address}", "pair"), PAIR), ((address, "address"), ADDRESS)]
        if (username, address) not in self._trusted:
            keys.append(((username, "username"), USERNAME))
        return keys


def sentence(seconds: int) -> str:
    """Return what the person reads while a delay runs."""
    return f"Too many tries. Try again in {seconds} second{'s' if seconds != 1 else ''}."


THROTTLE = Throttle()
