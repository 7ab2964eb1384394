"""The delivery worker: claim due deliveries of each destination, send in order, record results.

Each destination has at most one thread, so a slow one does not delay the others. Attempts are
recorded before they begin; after a crash they are repeated, and receivers deduplicate by id.
"""

import datetime as dt
import itertools
import logging
import secrets
import threading
import time
from collections.abc import Callable, Container
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import Notification, Request, Response, Verdict
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.notifications import (
    deliveries,
    delivery_log,
    destinations,
    event_streams,
    retry_policy,
    seal_delivery,
)
from trail.notifications.deliveries import Attempt, Delivery
from trail.notifications.destination import Destination
from trail.notifications.http_transport import HttpTransport
from trail.notifications.retry_policy import Random
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.outbox")

Clock = Callable[[], dt.datetime]
Send = Callable[[Destination, Request], Response]

# Deliveries claimed together; after a crash at most these are sent twice. Batches start small,
# since a failure returns the rest of a batch to the queue.
_MIN_BATCH, _MAX_BATCH = 8, 128
_MAX_RUN_S = 2.0
_THREADS = 8
_PRUNE_INTERVAL = dt.timedelta(hours=1)


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
    _paused_until: dict[int, dt.datetime] = field(default_factory=dict)
    _recovered: Store | None = None
    _pruned_at: dt.datetime | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, "trail-outbox")
    )

    def configure(self, settings: Settings) -> None:
        """Use *settings* from the next attempt on."""
        self.settings = settings

    def run_once(self, *, until_done: bool = False) -> str:
        """Start sending what is due to every active, idle destination; return a status text.

        With *until_done*, wait for all sending to end and raise its errors.
        """
        store, now = self.store(), self.clock()
        if self._recovered is not store:
            # This process sends nothing yet, so deliveries marked as sending were interrupted.
            wait(self._busy.values())
            store.write(deliveries.recover)
            self._recovered = store
        self._busy = {
            destination_id: job for destination_id, job in self._busy.items() if not job.done()
        }
        all_destinations, queue_heads, newest_event_at = (
            destinations.list_all(store),
            deliveries.heads(store),
            cursors.kept(store),
        )
        newest_seal = (
            seal_delivery.newest_seal(store)
            if any(item.seals for item in all_destinations)
            else None
        )
        for item in all_destinations:
            waiting, due_at = queue_heads.get(item.destination_id, (0, None))
            is_due = due_at is not None and due_at <= now
            is_behind = waiting <= event_streams.BATCH_SIZE // 2 and (
                event_streams.is_behind(item, newest_event_at)
                or seal_delivery.is_behind(item, newest_seal)
            )
            resting = now < self._paused_until.get(item.destination_id, now)
            idle = item.destination_id not in self._busy and not resting
            if item.state == "on" and idle and (is_due or is_behind):
                job = self._pool.submit(self._serve, store, item, is_behind)
                self._busy[item.destination_id] = job
        self._prune_log(store, now)
        if until_done:
            for job in list(self._busy.values()):
                job.result()
        off = [item.name for item in all_destinations if item.state == "off"]
        return (
            f"Switched off: {', '.join(off)}" if off else f"{len(all_destinations):,} destinations"
        )

    def close(self) -> None:
        """Stop; an attempt that does not end within `_MAX_RUN_S` counts as not sent."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(self._busy.values(), _MAX_RUN_S)
        for transport in self._transports.values():
            transport.close()

    def _serve(self, store: Store, destination: Destination, is_behind: bool) -> int:
        """Send what is due to one destination; return how many were delivered."""
        try:
            return self._send_due(store, destination, is_behind)
        except Exception:
            self._recovered = None  # the next run releases the claimed deliveries
            if not self._stopping.is_set():
                _log.exception("sending to %s failed", destination.name)
            raise

    def _send_due(self, store: Store, destination: Destination, is_behind: bool) -> int:
        sent, batch_size = 0, max(_MIN_BATCH, _batch_size(destination))
        began = time.monotonic()
        destination_id = destination.destination_id
        while not self._stopping.is_set() and time.monotonic() - began < _MAX_RUN_S:
            now = self.clock()
            if is_behind:
                event_streams.fill(store, destinations.get(store, destination_id), now)
                seal_delivery.fill(store, destinations.get(store, destination_id), now)
            claimed = store.write(_claim(destination_id, now, batch_size))
            if not claimed:
                break
            attempts, unattempted = self._attempt_all(destination, claimed)
            store.write(_settle(destination, attempts, unattempted, self.random))
            sent += sum(item.verdict.kind == "ok" for item in attempts)
            if not attempts or any(
                item.verdict.kind not in ("ok", "rejected") for item in attempts
            ):
                break
            batch_size = max(batch_size, min(batch_size * 2, _MAX_BATCH))
            waiting, due_at = deliveries.head(store, destination_id)
            is_behind = destination.streams and waiting <= event_streams.BATCH_SIZE // 2
            if not is_behind and (due_at is None or due_at > now):
                break
        else:
            return sent  # there is more
        batch = destination.forwarder.batch
        pause = dt.timedelta(seconds=batch.pause_s if batch else 0)
        self._paused_until[destination_id] = self.clock() + pause
        return sent

    def _attempt_all(
        self, destination: Destination, claimed: list[Delivery]
    ) -> tuple[list[Attempt], list[Delivery]]:
        """Attempt *claimed* in order until one must wait; return the attempts and the rest."""
        attempts: list[Attempt] = []
        began, most = time.monotonic(), _batch_size(destination)
        limit, rest = most, claimed
        while rest and not (self._stopping.is_set() or time.monotonic() - began > _MAX_RUN_S):
            group, began_at = _group(destination, rest[:limit]), self.clock()
            verdicts, status = self._attempt_group(destination, group)
            if (
                not verdicts
            ):  # rejected as a whole: sending halves finds the rejected message sooner
                limit = max(len(group) // 2, 1)
                continue
            limit, ended_at = min(limit * 2, most), self.clock()
            attempts += [
                Attempt(delivery, began_at, ended_at, verdict, status)
                for delivery, verdict in zip(group, verdicts, strict=False)
            ]
            rest = rest[len(verdicts) :]
            if not all(verdict.kind in ("ok", "rejected") for verdict in verdicts):
                break
        return attempts, rest

    def attempt(
        self,
        destination: Destination,
        delivery: Delivery,
        forward: Forward | None = None,
        entered: Container[str] = (),
    ) -> tuple[Verdict, int]:
        """Attempt one delivery; return the verdict and the HTTP status. Nothing is recorded.

        For a destination that is not stored yet, *forward* replaces the settings, including the
        secrets named in *entered*. The verdict is `refused` for unusable settings or a forbidden
        address.
        """
        (verdict,), status = self._attempt_group(destination, [delivery], forward, entered)
        return verdict, status

    def _attempt_group(
        self,
        destination: Destination,
        group: list[Delivery],
        forward: Forward | None = None,
        entered: Container[str] = (),
    ) -> tuple[list[Verdict], int]:
        """Attempt *group* in one request; return the verdicts of its first deliveries, and status.

        A group of several that was rejected as a whole has no verdicts; see `model.Batching`.
        """
        forward = forward or self.settings.forward
        public_url = forward.public_url.rstrip("/")
        forwarder, batch = destination.forwarder, destination.forwarder.batch
        notifications = [
            Notification(item.kind, item.key, item.created_at, item.body, public_url)
            for item in group
        ]
        now = self.clock().replace(tzinfo=dt.UTC)
        send, problem = self.send or self._send, "rejected"
        try:
            request = destinations.build_request(
                self.store(),
                destination,
                notifications if batch else notifications[0],
                forward,
                now,
                entered,
            )
            problem = "retry"
            response = send(destination, request)
        except InputError as error:
            return [Verdict("refused", str(error))], 0
        except Exception:
            _log.exception("sending %s to %s failed", group[0].kind, destination.name)
            if problem == "rejected" and len(group) > 1:
                return [], 0
            return [Verdict(problem, "Internal error. See the server log.")], 0
        if batch:
            return batch.judge(response, len(group)), response.status
        return [(forwarder.judge or retry_policy.judge)(response)], response.status

    def _send(self, destination: Destination, request: Request) -> Response:
        transport = self._transports.get(destination.destination_id)
        if transport is None:
            forward = self.settings.forward
            transport = self._transports[destination.destination_id] = HttpTransport(
                loopback=forward.allow_loopback,
                timeout_s=forward.timeout_s,
                networks=forward.networks,
                ca_file=forward.ca_file,
            )
        return destination.forwarder.send(request, transport)

    def _prune_log(self, store: Store, now: dt.datetime) -> None:
        if self._pruned_at and now - self._pruned_at < _PRUNE_INTERVAL:
            return
        self._pruned_at = now
        forward = self.settings.forward
        store.write(
            lambda cursor: delivery_log.prune(cursor, forward.log_days, forward.log_rows, now)
        )


def _batch_size(destination: Destination) -> int:
    batch = destination.forwarder.batch
    return batch.size if batch else 1


def _group(destination: Destination, waiting: list[Delivery]) -> list[Delivery]:
    """Return the first of *waiting* that may be sent in one request."""
    batch = destination.forwarder.batch
    if not batch:
        return waiting[:1]
    keys = (
        batch.group(
            Notification(item.kind, item.key, item.created_at, item.body), destination.settings
        )
        for item in waiting
    )
    _, group = next(itertools.groupby(zip(keys, waiting, strict=True), lambda pair: pair[0]))
    return [item for _, item in group]


def _claim(
    destination_id: int, now: dt.datetime, batch_size: int
) -> Callable[[Cursor], list[Delivery]]:
    return lambda cursor: deliveries.claim(cursor, destination_id, now, batch_size)


def _settle(
    destination: Destination, attempts: list[Attempt], unattempted: list[Delivery], random: Random
) -> Callable[[Cursor], None]:
    def job(cursor: Cursor) -> None:
        deliveries.settle(cursor, destination.destination_id, attempts, unattempted, random)
        switched_off = ("gone", "unauthorised", "refused")
        last = next((one for one in attempts if one.verdict.kind in switched_off), None)
        if last:
            destinations.set_state(cursor, destination.destination_id, "off", last.verdict.text)
            _notify_others(cursor, destination, last.verdict.text, last.ended_at)

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
    for (destination_id,) in others:
        deliveries.enqueue(cursor, destination_id, "notice", key, body, now)
