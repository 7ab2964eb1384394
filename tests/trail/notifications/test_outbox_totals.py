"""Every delivery that is not sent is counted once, under a bounded number of labels."""

import datetime as dt

from trail.notifications.outbox_totals import REASONS, REST, totals
from trail.storage.duckdb import Store

AT = dt.datetime(2026, 11, 24, 12)


def fill(store: Store, count: int) -> None:
    """Store destinations 1 to *count*, with 20 deliveries each in all states and answers."""
    store.write(
        lambda cursor: cursor.execute(
            "insert into destinations (destination_id, kind, name, state) "
            "select range, 'webhook', 'ops@example.com ' || range, 'on' "
            f"from range(1, {count + 1})"
        )
    )
    store.write(
        lambda cursor: cursor.execute(
            "insert into deliveries (delivery_id, destination_id, kind, key, payload, created_at, "
            "state, status) select destination_id * 100 + n, destination_id, 'event', 'k', '{}', "
            f"timestamp '{AT}' + interval (n) minute, "
            "(['sent', 'waiting', 'sending', 'dead', 'dead'])[n % 5 + 1], "
            "([404, 503, 0, null, 302])[n // 5 % 5 + 1] from destinations, range(20) t(n)"
        )
    )


def test_each_destination_has_its_pending_and_dead_by_reason(store: Store) -> None:
    fill(store, 2)
    first, second = totals(store)
    assert (first.destination, first.kind, second.destination) == ("1", "webhook", "2")
    assert (first.pending, first.oldest_at) == (8, AT + dt.timedelta(minutes=1))
    assert first.dead == {"http_4xx": 2, "http_5xx": 2, "http_other": 0, "no_response": 4}


def test_a_destination_without_deliveries_has_zeros(store: Store) -> None:
    fill(store, 1)
    store.write(lambda cursor: cursor.execute("delete from deliveries"))
    (outbox,) = totals(store)
    assert (outbox.pending, outbox.oldest_at) == (0, None)
    assert outbox.dead == dict.fromkeys(REASONS, 0)


def test_labels_are_bounded_and_nothing_is_left_out(store: Store) -> None:
    fill(store, 130)
    found = totals(store)
    assert len(found) == 101
    assert (found[-1].destination, found[-1].kind, found[-1].pending) == (REST, REST, 30 * 8)
    assert sum(outbox.pending + sum(outbox.dead.values()) for outbox in found) == 130 * 16
