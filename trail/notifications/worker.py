"""The delivery worker: claim due deliveries of each destination, send in order, record results.

Each destination has at most one thread, so a slow one does not delay the others. Attempts are
recorded before they begin; after a crash they are repeated, and receivers deduplicate by id.
"""

import datetime as dt
import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import Notification, Request, Response, Verdict
from trail.core.settings import Settings
from trail.notifications import (
    deliveries,
    delivery_log,
    destinations,
    event_streams,
    retry_policy,
    seal_delivery,
)
from trail.notifications.deliveries import Delivery, Try
from trail.notifications.destinations import Destination
from trail.notifications.http_transport import HttpTransport
from trail.notifications.retry_policy import Random
from trail.storage import cursors
from trail.storage.database import Cursor, Store

_log = logging.getLogger("trail.outbox")

Clock = Callable[[], dt.datetime]
Send = Callable[[Destination, Request], Response]

# Deliveries claimed together; after a crash at most these are sent twice. Batches start small,
# since a failure returns the rest of a batch to the queue.
_MIN_BATCH, _MAX_BATCH = 8, 128
_LONGEST_ROUND_S = 2.0
_THREADS = 8
_TIDY = dt.timedelta(hours=1)


@dataclass(slots=True)
class Forwarding:
    """The running outbox of one store. *clock* returns naive UTC; *send* replaces the network."""

    settings: Settings
    store: Callable[[], Store]
    clock: Clock = utc_now
    random: Random = field(default_factory=secrets.SystemRandom)
    send: Send | None = None
    _transports: dict[int, HttpTransport] = field(default_factory=dict)
    _busy: dict[int, "Future[int]"] = field(default_factory=dict)
    _recovered: Store | None = None
    _tidied: dt.datetime | None = None
    _ending: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, "trail-outbox")
    )

    def round(self, *, until_done: bool = False) -> str:
        """Start sending what is due to every active, idle destination; return a status text.

        With *until_done*, wait for all sending to end and raise its errors.
        """
        store, now = self.store(), self.clock()
        if self._recovered is not store:
            # Nothing is being sent by this process, so what is marked as sending was interrupted.
            wait(self._busy.values())
            store.write(deliveries.recover)
            self._recovered = store
        self._busy = {number: job for number, job in self._busy.items() if not job.done()}
        known, heads, kept = (
            destinations.all_of(store),
            deliveries.heads(store),
            cursors.kept(store),
        )
        sealed = seal_delivery.newest(store) if any(item.seals for item in known) else None
        for item in known:
            waiting, due_at = heads.get(item.destination_id, (0, None))
            is_due = due_at is not None and due_at <= now
            is_behind = waiting <= event_streams.AHEAD // 2 and (
                event_streams.is_behind(item, kept) or seal_delivery.is_behind(item, sealed)
            )
            idle = item.destination_id not in self._busy
            if item.state == "on" and idle and (is_due or is_behind):
                job = self._pool.submit(self._serve, store, item, is_behind)
                self._busy[item.destination_id] = job
        self._tidy(store, now)
        if until_done:
            for job in list(self._busy.values()):
                job.result()
        off = [item.name for item in known if item.state == "off"]
        return f"Switched off: {', '.join(off)}" if off else f"{len(known):,} destinations"

    def close(self) -> None:
        """Stop; an attempt that does not end within a moment counts as not sent."""
        self._ending.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(self._busy.values(), _LONGEST_ROUND_S)
        for transport in self._transports.values():
            transport.close()

    def _serve(self, store: Store, destination: Destination, is_behind: bool) -> int:
        """Send what is due to one destination; return how many were delivered."""
        try:
            return self._send_due(store, destination, is_behind)
        except Exception:
            self._recovered = None  # the next round releases what it had claimed
            if not self._ending.is_set():
                _log.exception("sending to %s failed", destination.name)
            raise

    def _send_due(self, store: Store, destination: Destination, is_behind: bool) -> int:
        sent, most = 0, _MIN_BATCH
        began = time.monotonic()
        number = destination.destination_id
        while not self._ending.is_set() and time.monotonic() - began < _LONGEST_ROUND_S:
            now = self.clock()
            if is_behind:
                event_streams.fill(store, destinations.one(store, number), now)
                seal_delivery.fill(store, destinations.one(store, number), now)
            claimed = store.write(_claim(number, now, most))
            if not claimed:
                break
            tried, untried = self._try_all(destination, claimed)
            store.write(_settle(destination, tried, untried, self.random))
            sent += sum(item.verdict.kind == "ok" for item in tried)
            if not tried or tried[-1].verdict.kind not in ("ok", "rejected"):
                break
            most = min(most * 2, _MAX_BATCH)
            waiting, due_at = deliveries.head(store, number)
            is_behind = destination.streams and waiting <= event_streams.AHEAD // 2
            if not is_behind and (due_at is None or due_at > now):
                break
        return sent

    def _try_all(
        self, destination: Destination, claimed: list[Delivery]
    ) -> tuple[list[Try], list[Delivery]]:
        """Attempt *claimed* in order until one must wait; return the attempts and the rest."""
        tried: list[Try] = []
        began = time.monotonic()
        for place, delivery in enumerate(claimed):
            if self._ending.is_set() or time.monotonic() - began > _LONGEST_ROUND_S:
                return tried, claimed[place:]
            began_at = self.clock()
            verdict, status = self.try_one(destination, delivery)
            tried.append(Try(delivery, began_at, self.clock(), verdict, status))
            if verdict.kind not in ("ok", "rejected"):
                return tried, claimed[place + 1 :]
        return tried, []

    def try_one(self, destination: Destination, delivery: Delivery) -> tuple[Verdict, int]:
        """Attempt one delivery; return the verdict and the HTTP status. Nothing is recorded.

        The verdict is `refused` for unusable settings or an address that is not allowed.
        """
        forward, home = self.settings.forward, self.settings.forward.public_url.rstrip("/")
        notification = Notification(
            delivery.kind, delivery.key, delivery.created_at, delivery.body, home
        )
        forwarder = destination.forwarder
        moment = self.clock().replace(tzinfo=dt.UTC)
        send, problem = self.send or self._send, "rejected"
        try:
            values = destinations.secrets_of(destination, forward)
            request = forwarder.request(notification, destination.settings, values, moment)
            problem = "retry"
            response = send(destination, request)
        except InputError as error:
            return Verdict("refused", str(error)), 0
        except Exception:
            _log.exception("sending %s to %s failed", delivery.kind, destination.name)
            return Verdict(problem, "Internal error. See the server log."), 0
        return (forwarder.judge or retry_policy.judge)(response), response.status

    def _send(self, destination: Destination, request: Request) -> Response:
        transport = self._transports.get(destination.destination_id)
        if transport is None:
            forward = self.settings.forward
            transport = self._transports[destination.destination_id] = HttpTransport(
                loopback=forward.allow_loopback, timeout_s=forward.timeout_s
            )
        return destination.forwarder.send(request, transport)

    def _tidy(self, store: Store, now: dt.datetime) -> None:
        if self._tidied and now - self._tidied < _TIDY:
            return
        self._tidied = now
        forward = self.settings.forward
        store.write(
            lambda cursor: delivery_log.prune(cursor, forward.log_days, forward.log_rows, now)
        )


def _claim(number: int, now: dt.datetime, most: int) -> Callable[[Cursor], list[Delivery]]:
    return lambda cursor: deliveries.claim(cursor, number, now, most)


def _settle(
    destination: Destination, tried: list[Try], untried: list[Delivery], random: Random
) -> Callable[[Cursor], None]:
    def job(cursor: Cursor) -> None:
        deliveries.settle(cursor, destination.destination_id, tried, untried, random)
        last = tried[-1].verdict if tried else None
        if last and last.kind in ("gone", "unauthorised", "refused"):
            destinations.switch(cursor, destination.destination_id, "off", last.text)
            _notify_others(cursor, destination, last.text, tried[-1].ended_at)

    return job


def _notify_others(cursor: Cursor, destination: Destination, reason: str, now: dt.datetime) -> None:
    """Notify every other destination that this one was switched off."""
    others = cursor.execute(
        "select destination_id from destinations where state = 'on' and not streams "
        "and destination_id <> $id order by destination_id",
        {"id": destination.destination_id},
    ).fetchall()
    body = {
        "title": f"{destination.name} was switched off",
        "text": f"{reason} Its deliveries wait until it is switched on.",
        "severity": "warning",
        "at": now,
    }
    key = f"off-{destination.destination_id}-{now.isoformat()}"
    for (number,) in others:
        deliveries.enqueue(cursor, number, "notice", key, body, now)
