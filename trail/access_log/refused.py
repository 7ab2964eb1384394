"""Refusals in the access log: a few entries per client and interval, however many requests.

Anyone can cause them without a session, with any cookie, name or address. So they are counted in
bounded memory, apart from the entries of people.
"""

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from trail.access_log.entry import Entry
from trail.core.networks import network_of

# The most entries by kind that one client gets in an interval; 10 for other kinds.
_MOST = {"session_refused": 1, "token_refused": 1}
_MOST_OTHERS = 10
_MOST_CLIENTS = 500  # beyond it, all further clients count as one
_MOST_LINES = 50  # of the process log, per client and interval
SEVERAL, MANY = "several", "many addresses"


def counts(kind: str) -> bool:
    """Return whether entries of *kind* are refusals."""
    return kind.endswith("_refused")


@dataclass(slots=True)
class _Client:
    since: dt.datetime
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    lines: set[tuple[str, str]] = field(default_factory=set)


class Refusals:
    """The refusals of the current interval, by kind, user and network."""

    def __init__(self, interval: dt.timedelta) -> None:
        self._interval = interval
        self._clients: OrderedDict[tuple[str, str, str], _Client] = OrderedDict()

    def add(
        self, entry: Entry, now: dt.datetime, make: Callable[[Entry], None]
    ) -> tuple[Entry, bool]:
        """Count *entry* at *now* (naive UTC); return the entry that counts it, and whether to log.

        *make* gives a new entry its ID and times.
        """
        client = self._client(entry, now)
        what = (entry.what, entry.detail)
        is_logged = what not in client.lines and len(client.lines) < _MOST_LINES
        if is_logged:
            client.lines.add(what)
        if counted := client.entries.get(what):
            counted.times, counted.last_at = counted.times + 1, now
        elif len(client.entries) < _MOST.get(entry.kind, _MOST_OTHERS):
            make(entry)
            client.entries[what] = entry
            return entry, is_logged
        else:
            counted = next(reversed(client.entries.values()))
            counted.times, counted.last_at = counted.times + 1, now
            counted.what, counted.detail = SEVERAL, ""
        if counted.address != entry.address:
            counted.address = network_of(entry.address)
        return counted, is_logged

    def _client(self, entry: Entry, now: dt.datetime) -> _Client:
        while self._clients:
            first = next(iter(self._clients.values()))
            if now - first.since < self._interval and now >= first.since:
                break
            self._clients.popitem(last=False)
        key = (entry.kind, entry.username, network_of(entry.address))
        if key not in self._clients and len(self._clients) >= _MOST_CLIENTS:
            entry.address = MANY
            key = (entry.kind, entry.username, MANY)
        return self._clients.setdefault(key, _Client(now))
