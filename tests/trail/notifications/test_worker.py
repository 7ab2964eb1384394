"""Delivery worker: responses, retry delays, order, at-least-once delivery, dead letters."""

import datetime as dt
import random
import time
from typing import Any

import pytest

from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.notifications.conftest import KEY, Clock, Make, forward, hook
from trail.core.errors import InputError
from trail.core.model import Notification, Request, Response
from trail.core.settings import Settings
from trail.notifications import deliveries, delivery_log, destinations, test_message
from trail.notifications.destination import Destination
from trail.notifications.retry_policy import DELAYS_S, MAX_ATTEMPTS
from trail.notifications.worker import Forwarding
from trail.storage.duckdb import Store


def enqueue_notices(store: Store, destination: Destination, clock: Clock, *keys: str) -> None:
    """Queue one notice for each of *keys*."""
    store.write(
        lambda cursor: deliveries.enqueue_all(
            cursor,
            destination.destination_id,
            "notice",
            [(key, {"title": key, "text": "Text."}) for key in keys],
            clock(),
        )
    )


def states(store: Store) -> dict[str, str]:
    return {row["key"]: row["state"] for row in delivery_log.list_deliveries(store)}


@pytest.mark.parametrize(
    ("answer", "headers", "state", "destination_state", "wait"),
    [
        (200, {}, "sent", "on", None),
        (204, {}, "sent", "on", None),
        (301, {"Location": "http://127.0.0.1:1/"}, "waiting", "on", 5),
        (400, {}, "dead", "on", None),
        (401, {}, "waiting", "off", None),
        (404, {}, "waiting", "on", 5),
        (410, {}, "waiting", "off", None),
        (413, {}, "dead", "on", None),
        (429, {"Retry-After": "120"}, "waiting", "on", 120),
        (429, {}, "waiting", "on", 5),
        (500, {}, "waiting", "on", 5),
        (503, {"Retry-After": "7200"}, "waiting", "on", 7200),
        ("hang", {}, "waiting", "on", 5),
        ("drip", {}, "waiting", "on", 5),
        ("reset", {}, "waiting", "on", 5),
        ("drop", {}, "waiting", "on", 5),
        ("garbage", {}, "waiting", "on", 5),
        ("long", {}, "sent", "on", None),
        ("reset-after-body", {}, "sent", "on", None),
    ],
)
def test_response_sets_delivery_and_destination_state(
    store: Store,
    make: Make,
    clock: Clock,
    receiver: Receiver,
    answer: int | str,
    headers: dict[str, str],
    state: str,
    destination_state: str,
    wait: float | None,
) -> None:
    receiver.answer, receiver.headers = answer, headers
    destination = hook(store, receiver.url)
    enqueue_notices(store, destination, clock, "a")
    outbox = make()
    outbox.run_once(until_done=True)
    row = delivery_log.list_deliveries(store)[0]
    now = destinations.get(store, destination.destination_id)
    assert (row["state"], now.state) == (state, destination_state)
    if destination_state == "off":
        assert str(answer) in now.reason
    assert len(receiver.taken) == 1
    if wait:
        waited = (row["due_at"] - clock()).total_seconds()
        low, high = (1, 1.1) if "Retry-After" in headers else (0.9, 1.1)
        assert wait * low <= waited <= wait * high
        clock.move(waited - 0.01)
        outbox.run_once(until_done=True)
        assert len(receiver.taken) == 1, "no attempt before the delay ends"
        receiver.answer, receiver.headers = 200, {}
        clock.move(0.02)
        outbox.run_once(until_done=True)
        assert states(store) == {"a": "sent"}
    assert all(
        KEY not in str(item) for item in delivery_log.list_attempts(store, row["delivery_id"])
    )


def test_delivery_becomes_a_dead_letter_after_all_retries(
    store: Store, make: Make, clock: Clock
) -> None:
    destination = hook(store, "https://hooks.example.com/")
    enqueue_notices(store, destination, clock, "first", "second")
    attempts_made: list[tuple[str, dt.datetime]] = []

    def send(_: Destination, request: Request) -> Response:
        attempts_made.append((dict(request.headers)["webhook-id"], clock()))
        return Response(500)

    outbox = make(send)
    for wait in (*DELAYS_S, None):
        outbox.run_once(until_done=True)
        if wait:
            assert states(store)["first"] == "waiting"
            clock.move(wait * 1.1)
    assert len(attempts_made) == MAX_ATTEMPTS == 10
    assert {name for name, _ in attempts_made} == {"notice_first"}, "the second must wait"
    assert states(store) == {"first": "dead", "second": "waiting"}
    outbox.run_once(until_done=True)
    assert attempts_made[-1][0] == "notice_second"
    dead = delivery_log.list_deliveries(store, state="dead")
    store.write(lambda cursor: deliveries.resend(cursor, [dead[0]["delivery_id"]], clock()))
    outbox.send = lambda *_: Response(200)
    clock.move(10)
    outbox.run_once(until_done=True)
    assert set(states(store).values()) == {"sent"}
    assert len(delivery_log.list_attempts(store, dead[0]["delivery_id"])) == 11


def test_deliveries_are_tried_again_and_deleted_one_by_one_and_by_reason(
    store: Store, make: Make, clock: Clock
) -> None:
    destination = hook(store, "https://hooks.example.com/")
    enqueue_notices(store, destination, clock, "a", "b", "c", "d", "e")
    answers = {"notice_a": 400, "notice_b": 413, "notice_c": 400, "notice_d": 500}
    outbox = make(lambda _, request: Response(answers[dict(request.headers)["webhook-id"]]))
    outbox.run_once(until_done=True)
    assert states(store) == {"a": "dead", "b": "dead", "c": "dead", "d": "waiting", "e": "waiting"}
    first, second = delivery_log.dead_letters(store)
    assert (first.status, len(first.delivery_ids), first.destination) == (400, 2, "hook")
    assert (second.status, len(second.delivery_ids)) == (413, 1)
    ids = {row["key"]: row["delivery_id"] for row in delivery_log.list_deliveries(store)}
    outbox.send = lambda *_: Response(200)
    clock.move(1)
    # The last one waits behind "d", which is not due yet.
    store.write(lambda cursor: deliveries.resend(cursor, (*first.delivery_ids, ids["e"]), clock()))
    outbox.run_once(until_done=True)
    assert states(store) == {"a": "sent", "b": "dead", "c": "sent", "d": "sent", "e": "sent"}
    deleted = store.write(lambda cursor: deliveries.delete(cursor, ids.values()))
    assert deleted == 1, "what was sent stays in the log"
    assert delivery_log.list_attempts(store, ids["b"]) == []
    assert delivery_log.dead_letters(store) == []
    assert len(delivery_log.list_attempts(store, ids["a"])) == 2


def run_until_all_sent(outbox: Forwarding, clock: Clock, store: Store, total: int) -> None:
    """Run the outbox, advancing the clock, until *total* deliveries are sent."""
    outbox._pruned_at = dt.datetime.max  # disables pruning of the log
    for round_number in range(total):
        outbox.run_once(until_done=True)
        clock.move(100_000)
        if round_number % 50 == 0 and delivery_log.counts(store) == {1: {"sent": total}}:
            return
    raise AssertionError("not all deliveries were sent")


@pytest.mark.timeout(900)
def test_a_thousand_events_arrive_in_order_despite_failures(
    store: Store, make: Make, clock: Clock, load: Load
) -> None:
    random_source = random.Random(3)
    attempted: list[str] = []
    accepted: list[str] = []

    def send(_: Destination, request: Request) -> Response:
        name = dict(request.headers)["webhook-id"]
        attempted.append(name)
        if random_source.random() < 0.2:
            return Response(random_source.choice([0, 429, 500, 503]))
        accepted.append(name)
        return Response(200)

    hook(store, "https://hooks.example.com/", streams=True)
    load(ndjson(forwarded(n) for n in range(1_000)))
    run_until_all_sent(make(send), clock, store, 1_000)
    assert accepted == [f"event_{message_id(n)}" for n in range(1_000)], "each once, in order"
    assert len(attempted) <= 1_500


def test_events_arrive_in_order_over_http_despite_failures(
    store: Store, make: Make, clock: Clock, load: Load, receiver: Receiver
) -> None:
    receiver.failing = 0.2
    hook(store, receiver.url, streams=True)
    load(ndjson(forwarded(n) for n in range(300)))
    run_until_all_sent(make(), clock, store, 300)
    assert receiver.good() == [f"event_{message_id(n)}" for n in range(300)]
    assert len(receiver.taken) <= 450


def test_stream_follows_ingest_order_and_filter(
    store: Store, make: Make, load: Load, receiver: Receiver
) -> None:
    load(ndjson([forwarded(1)]))
    destination = hook(store, receiver.url, streams=True, query="kind=disable")
    later = [forwarded(n, "Warehouse Disabled" if n % 2 else "Space Modified") for n in (9, 8, 7)]
    load(ndjson(later))
    load(ndjson([forwarded(5, "Warehouse Disabled")]))
    make().run_once(until_done=True)
    assert receiver.good() == [f"event_{message_id(n)}" for n in (7, 9, 5)]
    assert receiver.taken[0].json["data"]["action"] == "Warehouses Disabled"
    assert destinations.get(store, destination.destination_id).skipped == 0


def test_paused_destination_resumes_delivery(
    store: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    destination = hook(store, receiver.url)
    number = destination.destination_id
    enqueue_notices(store, destination, clock, "a")
    outbox = make()
    store.write(lambda cursor: destinations.set_state(cursor, number, "paused"))
    outbox.run_once(until_done=True)
    assert receiver.taken == []
    store.write(lambda cursor: destinations.set_state(cursor, number, "on", now=clock()))
    clock.move(1)
    outbox.run_once(until_done=True)
    assert receiver.good() == ["notice_a"]


def test_other_destinations_are_notified_of_a_switch_off(
    store: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    with Receiver(answer=410) as gone:
        bad = hook(store, gone.url, name="bad")
        hook(store, receiver.url, name="good")
        enqueue_notices(store, bad, clock, "a", "b")
        outbox = make()
        outbox.run_once(until_done=True)
        outbox.run_once(until_done=True)
        assert len(gone.taken) == 1
    assert "bad was switched off" in receiver.taken[0].json["data"]["title"]
    assert delivery_log.counts(store)[bad.destination_id] == {"waiting": 2}


def test_slow_destination_does_not_delay_others(
    store: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    with Receiver(answer="hang") as hanging:
        slow = hook(store, hanging.url, name="slow")
        enqueue_notices(store, slow, clock, "a")
        outbox = make()
        outbox.run_once()
        quick = hook(store, receiver.url, name="quick")
        enqueue_notices(store, quick, clock, "b")
        outbox.run_once()
        until = time.monotonic() + 0.4
        while not receiver.taken and time.monotonic() < until:
            time.sleep(0.01)
        assert receiver.good() == ["notice_b"]


def test_delivery_log_and_dead_letters_are_pruned(store: Store, clock: Clock) -> None:
    destination = hook(store, "https://hooks.example.com/")
    enqueue_notices(store, destination, clock, *(f"k{n}" for n in range(300)))
    store.write(
        lambda cursor: cursor.execute(
            "update deliveries set ended_at = $now, "
            "state = case when delivery_id % 2 = 0 then 'dead' else 'sent' end",
            {"now": clock()},
        )
    )
    store.write(lambda cursor: delivery_log.prune(cursor, 30, 100, clock()))
    assert delivery_log.counts(store)[destination.destination_id] == {"dead": 100, "sent": 100}
    assert destinations.get(store, destination.destination_id).dropped == 50
    clock.move(31 * 86_400)
    store.write(lambda cursor: delivery_log.prune(cursor, 30, 100, clock()))
    assert delivery_log.counts(store)[destination.destination_id] == {"dead": 100}


def test_missing_secret_switches_the_destination_off(
    store: Store, make: Make, clock: Clock, sending: Settings, receiver: Receiver
) -> None:
    destination = hook(store, receiver.url)
    enqueue_notices(store, destination, clock, "a")
    bare = sending.model_copy(update={"forward": forward(secrets={})})
    make(using=bare).run_once(until_done=True)
    now = destinations.get(store, destination.destination_id)
    assert now.state == "off"
    assert "'key' is not set" in now.reason
    assert states(store) == {"a": "waiting"}


def test_test_message_is_marked_and_not_logged(
    store: Store, make: Make, receiver: Receiver
) -> None:
    destination = hook(store, receiver.url)
    preview = test_message.preview(
        destination, Notification("test", "k", dt.datetime(2026, 1, 1), {"x": 1})
    )
    assert "audit.test" in preview
    assert "whsec" not in preview
    outbox = make()
    assert test_message.send_test(outbox, destination).kind == "ok"
    assert receiver.taken[0].json["data"]["test"] is True
    receiver.answer = 410
    assert test_message.send_test(outbox, destination).kind == "gone"
    assert destinations.get(store, destination.destination_id).state == "on"
    assert delivery_log.list_deliveries(store) == []


def test_interrupted_deliveries_are_sent_again(
    store: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    destination = hook(store, receiver.url)
    enqueue_notices(store, destination, clock, "a", "b")
    number = destination.destination_id
    store.write(lambda cursor: deliveries.claim(cursor, number, clock(), 100))
    assert set(states(store).values()) == {"sending"}
    make().run_once(until_done=True)
    assert receiver.good() == ["notice_a", "notice_b"]
    assert {row["tries"] for row in delivery_log.list_deliveries(store)} == {1}


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"name": "two\nlines"},
        {"kind": "pigeon"},
        {"query": "colour=red"},
        {"settings": {}},
        {"settings": {"url": "http://hooks.example.com/"}},
        {"settings": {"url": "https://hooks.example.com/", "more": "x"}},
        {"secrets": {}},
        {"secrets": {"key": "no-such-secret"}},
    ],
)
def test_invalid_destination_is_rejected(store: Store, values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        hook(store, "https://hooks.example.com/", **values)


def test_displayed_settings_hide_url_paths(store: Store) -> None:
    destination = hook(store, "https://hooks.example.com/T000/very-secret-part")
    assert destination.display_settings() == {
        "url": "https://hooks.example.com",
        "key": "secret 'key'",
    }
    with pytest.raises(InputError, match="already exists"):
        hook(store, "https://hooks.example.com/", name="HOOK")
    store.write(lambda cursor: destinations.remove(cursor, destination.destination_id))
    assert destinations.list_all(store) == []
