"""The worker: for each destination, claim what is due, try it in order, note what became of it.

Each destination has a thread's attention at a time, so that one that hangs holds up no other. The
store knows of every try before it begins; a killed process sends it again, and the receiver tells
by its id that it has it already.
"""

import datetime as dt
import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from trail import marks
from trail.errors import InputError
from trail.model import Answer, Parcel, Request, Verdict
from trail.outbox import deliveries, destinations, elsewhere, history, mail, seal_copies, streams
from trail.outbox.answers import Random
from trail.outbox.deliveries import Delivery, Try
from trail.outbox.destinations import Destination
from trail.outbox.wire import Wire
from trail.settings import Settings
from trail.store import Cursor, Store, utc_now

_log = logging.getLogger("trail.outbox")

Clock = Callable[[], dt.datetime]
Send = Callable[[Destination, Request], Answer]

# So many are noted together, before and after; after a crash at most these are sent twice. Few
# at first: where every fifth try fails, the rest of many would be read in vain.
_FEW_AT_ONCE, _MOST_AT_ONCE = 8, 128
_LONGEST_ROUND_S = 2.0
_THREADS = 8
_TIDY = dt.timedelta(hours=1)


@dataclass(slots=True)
class Forwarding:
    """The running outbox of one store. *clock* gives UTC without zone; *send* makes one try."""

    settings: Settings
    store: Callable[[], Store]
    clock: Clock = utc_now
    random: Random = field(default_factory=secrets.SystemRandom)
    send: Send | None = None
    _wires: dict[int, Wire] = field(default_factory=dict)
    _busy: dict[int, "Future[int]"] = field(default_factory=dict)
    _recovered: Store | None = None
    _tidied: dt.datetime | None = None
    _ending: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, "trail-outbox")
    )

    def round(self, *, until_done: bool = False) -> str:
        """Let every destination that is on, and not being served, send what is due.

        Returns words for the pages. With *until_done* it comes back only when what it began is
        over, having raised whatever went wrong.
        """
        store, now = self.store(), self.clock()
        if self._recovered is not store:
            # One process owns the store and no thread of ours is at it: all of it was cut short.
            wait(self._busy.values())
            store.write(deliveries.recover)
            self._recovered = store
        self._busy = {number: job for number, job in self._busy.items() if not job.done()}
        known, heads, kept = destinations.all_of(store), deliveries.heads(store), marks.kept(store)
        sealed = seal_copies.newest(store) if any(each.seals for each in known) else None
        for each in known:
            waiting, due_at = heads.get(each.destination_id, (0, None))
            is_due = due_at is not None and due_at <= now
            is_behind = waiting <= streams.AHEAD // 2 and (
                streams.is_behind(each, kept) or seal_copies.is_behind(each, sealed)
            )
            idle = each.destination_id not in self._busy
            if each.state == "on" and idle and (is_due or is_behind):
                job = self._pool.submit(self._serve, store, each, is_behind)
                self._busy[each.destination_id] = job
        self._tidy(store, now)
        if until_done:
            for job in list(self._busy.values()):
                job.result()
        off = [each.name for each in known if each.state == "off"]
        return f"Switched off: {', '.join(off)}" if off else f"{len(known):,} destinations"

    def close(self) -> None:
        """Stop; a try that is under way is given a moment, and else counts as not sent."""
        self._ending.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(self._busy.values(), _LONGEST_ROUND_S)
        for wire in self._wires.values():
            wire.close()

    def _serve(self, store: Store, destination: Destination, is_behind: bool) -> int:
        """Send what is due to one destination; return how many were taken."""
        try:
            return self._send_due(store, destination, is_behind)
        except Exception:
            self._recovered = None  # what it had claimed is let go at the next round
            if not self._ending.is_set():
                _log.exception("sending to %s failed", destination.name)
            raise

    def _send_due(self, store: Store, destination: Destination, is_behind: bool) -> int:
        sent, most = 0, _FEW_AT_ONCE
        began = time.monotonic()
        number = destination.destination_id
        while not self._ending.is_set() and time.monotonic() - began < _LONGEST_ROUND_S:
            now = self.clock()
            if is_behind:
                streams.fill(store, destinations.one(store, number), now)
                seal_copies.fill(store, destinations.one(store, number), now)
            claimed = store.write(_claim(number, now, most))
            if not claimed:
                break
            tried, untried = self._try_all(destination, claimed)
            store.write(_settle(destination, tried, untried, self.random))
            sent += sum(each.verdict.kind == "ok" for each in tried)
            if not tried or tried[-1].verdict.kind not in ("ok", "rejected"):
                break
            most = min(most * 2, _MOST_AT_ONCE)
            waiting, due_at = deliveries.head(store, number)
            is_behind = destination.streams and waiting <= streams.AHEAD // 2
            if not is_behind and (due_at is None or due_at > now):
                break
        return sent

    def _try_all(
        self, destination: Destination, claimed: list[Delivery]
    ) -> tuple[list[Try], list[Delivery]]:
        """Return the tries of *claimed* in order up to the first that must wait, and the rest."""
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
        """Return what one try came to, and the status; nothing is noted.

        The verdict is `refused` where settings or address cannot be used.
        """
        forward, home = self.settings.forward, self.settings.forward.public_url.rstrip("/")
        parcel = Parcel(delivery.kind, delivery.key, delivery.created_at, delivery.body, home)
        forwarder = destination.forwarder
        moment = self.clock().replace(tzinfo=dt.UTC)
        send, problem = self.send or self._send, "rejected"
        try:
            values = destinations.secrets_of(destination, forward)
            request = forwarder.request(parcel, destination.settings, values, moment)
            problem = "retry"
            answer = send(destination, request)
        except InputError as error:
            # A setting or an address that will not get better by waiting: a person must look.
            return Verdict("refused", str(error)), 0
        except Exception:
            _log.exception("a %s for %s failed", delivery.kind, destination.name)
            return Verdict(problem, "It failed for a reason of ours; the server's log tells."), 0
        return forwarder.judge(answer), answer.status

    def _send(self, destination: Destination, request: Request) -> Answer:
        forward = self.settings.forward
        loopback, timeout_s = forward.allow_loopback, forward.timeout_s
        if request.method == "MAIL":
            return mail.send(request, loopback=loopback, timeout_s=timeout_s)
        if request.method == "APPRISE":
            return elsewhere.send(request, loopback=loopback, timeout_s=timeout_s)
        wire = self._wires.get(destination.destination_id)
        if wire is None:
            wire = self._wires[destination.destination_id] = Wire(
                loopback=loopback, timeout_s=timeout_s
            )
        return wire.send(request)

    def _tidy(self, store: Store, now: dt.datetime) -> None:
        if self._tidied and now - self._tidied < _TIDY:
            return
        self._tidied = now
        forward = self.settings.forward
        store.write(lambda cursor: history.prune(cursor, forward.log_days, forward.log_rows, now))


def _claim(number: int, now: dt.datetime, most: int) -> Callable[[Cursor], list[Delivery]]:
    return lambda cursor: deliveries.claim(cursor, number, now, most)


def _settle(
    destination: Destination, tried: list[Try], untried: list[Delivery], random: Random
) -> Callable[[Cursor], None]:
    def job(cursor: Cursor) -> None:
        deliveries.settle(cursor, destination.destination_id, tried, untried, random)
        last = tried[-1].verdict if tried else None
        if last and last.kind in ("gone", "unauthorised", "refused"):
            destinations.switch(cursor, destination.destination_id, "off", last.words)
            _tell_others(cursor, destination, last.words, tried[-1].ended_at)

    return job


def _tell_others(cursor: Cursor, destination: Destination, words: str, now: dt.datetime) -> None:
    """Say on every other way to people that this one is off."""
    others = cursor.execute(
        "select destination_id from destinations where state = 'on' and not streams "
        "and destination_id <> $id order by destination_id",
        {"id": destination.destination_id},
    ).fetchall()
    told = {
        "title": f"{destination.name} was switched off",
        "text": f"{words} What is to be sent there waits.",
        "severity": "warning",
        "at": now,
    }
    key = f"off-{destination.destination_id}-{now.isoformat()}"
    for (number,) in others:
        deliveries.enqueue(cursor, number, "notice", key, told, now)
