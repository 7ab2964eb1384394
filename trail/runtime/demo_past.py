"""The past of the demo workspace: lived through once, at simulated times, by the real code.

Events are loaded in a few steps. After each one, days are sealed, findings and alert rules are
evaluated, and messages are delivered, as the server's jobs would have done.
"""

import datetime as dt
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trail.core.clock import carried, running_from, utc_now
from trail.core.errors import UnavailableError
from trail.core.model import Request, Response
from trail.core.networks import Network
from trail.core.settings import Settings
from trail.findings.refresh import refresh
from trail.ingest.files import load_files
from trail.integrity import clock_check, sealing
from trail.notifications.destination import Destination
from trail.notifications.evaluate import Alerts
from trail.notifications.worker import Forwarding
from trail.runtime import demo_feed, demo_reviews, demo_rules, digest_job, maintenance
from trail.storage.duckdb import Store

# Days before today on which events were loaded, and the hour (UTC). The first load is the import of
# everything before; between two checks of the clock there is at most a week.
_LOADS = ((20, 8), (14, 8), (7, 7), (1, 16))
_IMPORT, _ONLY_LOADED = _LOADS[0], _LOADS[1]
# The first retry is due five seconds after the failure, with some jitter.
_RETRY = dt.timedelta(seconds=8)


def end(now: dt.datetime) -> dt.datetime:
    """Return the time of the last load before *now*."""
    return _at(now, *_LOADS[-1])


def live_through(store: Store, settings: Settings, lines: list[str], now: dt.datetime) -> None:
    """Load the generated *lines* into *store* as if the server had run until `end`.

    Times are UTC without zone. Raises `UnavailableError` if they cannot be loaded.
    """
    past = _Past(store, settings, lines)
    try:
        for load in _LOADS:
            days_ago, hour = load
            with running_from(_at(now, days_ago, hour)):
                past.load(utc_now())
                if load == _IMPORT:
                    demo_rules.add(store, settings)
                if load == _ONLY_LOADED:
                    clock_check.require_plausible(store, utc_now())
                else:
                    past.work(is_first=load == _IMPORT, is_last=load == _LOADS[-1])
            with running_from(_at(now, days_ago, hour) + dt.timedelta(hours=1)):
                demo_reviews.after_load(store, settings, days_ago)
    finally:
        past.close()


def _at(now: dt.datetime, days_ago: int, hour: int) -> dt.datetime:
    return dt.datetime.combine(now.date() - dt.timedelta(days=days_ago), dt.time(hour))


class _NoNetwork:
    """The transport of the past: nothing of it leaves this machine."""

    loopback = False
    timeout_s = 0.0
    networks: tuple[Network, ...] = ()
    ca_file = ""

    def send(self, request: Request) -> Response:
        """Return that nothing was reached."""
        return Response(0, error="The demo has no network.")


class _Past:
    def __init__(self, store: Store, settings: Settings, lines: list[str]) -> None:
        self._store, self._settings, self._lines = store, settings, lines
        self._loaded = 0
        self._alerts = Alerts(settings, lambda: store)
        rng, send = random.Random(1), self._send  # noqa: S311 - jitter of retries
        self._forwarding = Forwarding(settings, lambda: store, random=rng, send=send)
        self._outage = False

    def load(self, until: dt.datetime) -> None:
        """Load the events until a time, as a file of that day."""
        limit = until.isoformat(timespec="milliseconds")
        end = self._loaded
        while end < len(self._lines) and demo_feed.time_of(self._lines[end]) <= limit:
            end += 1
        _load(self._store, self._settings, self._lines[self._loaded : end], until)
        self._loaded = end

    def work(self, *, is_first: bool, is_last: bool) -> None:
        """Do at the present moment what the jobs of the server do.

        What was imported *first* sends no alerts. The first message of the *last* time is delivered
        in the second attempt.
        """
        store, settings, now = self._store, self._settings, utc_now()
        sealing.seal(store, settings, now)
        refresh(store, now)
        self._alerts.run_once()
        if is_first:
            return
        maintenance.evaluate_alerts(store, now)
        if is_last:
            digest_job.run_due(store, settings, now.replace(tzinfo=dt.UTC))
            self._outage = True
            self._deliver()
            self._outage = False
        with running_from(utc_now() + _RETRY):
            self._deliver()

    def _deliver(self) -> None:
        self._forwarding.clock = carried(utc_now)
        self._forwarding.run_once(until_done=True)

    def close(self) -> None:
        self._forwarding.close()

    def _send(self, destination: Destination, request: Request) -> Response:
        if self._outage:
            return Response(503)
        return destination.forwarder.send(request, _NoNetwork())


def _load(store: Store, settings: Settings, lines: Iterable[str], until: dt.datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"demo-workspace-{until:%Y-%m-%d}.ndjson"
        path.write_text("".join(lines), encoding="utf-8")
        for batch in load_files(store, settings, [path]):
            if batch.error:
                raise UnavailableError("The demo workspace could not be created.", batch.error)
