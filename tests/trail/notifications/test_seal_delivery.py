"""Delivery of seals: the whole chain to webhooks, the newest to chats; verification of copies."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests import fixed_clock
from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import ndjson
from tests.trail.integrity.conftest import event
from tests.trail.notifications.conftest import KEY, Clock, Make, forward, hook
from trail.core.settings import Settings
from trail.integrity import mirror, verification
from trail.notifications import deliveries, delivery_log, destinations, seal_delivery
from trail.notifications.destination import Destination
from trail.storage.duckdb import Store

SEALED = dt.datetime(2026, 11, 8, 12)


@pytest.fixture
def sealed(store: Store, load: Load, settings: Settings) -> Store:
    """Return a database with seals for 1 to 6 November."""
    load(ndjson([event(number, of) for of in (1, 2, 5) for number in range(3)]))
    assert fixed_clock.seal(store, settings, SEALED) == 6
    return store


def numbers(receiver: Receiver) -> list[int]:
    """Return the numbers of the received seals, in order of arrival."""
    return [item.json["data"]["number"] for item in receiver.taken if item.answered == 200]


def problems(store: Store, settings: Settings, copy: Path) -> list[str]:
    return [
        problem.problem for problem in verification.verify(store, settings, against=copy).problems
    ]


def test_webhook_receives_the_chain_and_verify_accepts_its_copy(
    sealed: Store, settings: Settings, make: Make, receiver: Receiver, tmp_path: Path
) -> None:
    hook(sealed, receiver.url, seals=True)
    outbox = make()
    outbox.run_once(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
    assert {item.json["type"] for item in receiver.taken} == {"audit.seal"}
    outbox.run_once(until_done=True)
    assert len(receiver.taken) == 6  # without new seals, nothing is sent

    fixed_clock.seal(sealed, settings, SEALED + dt.timedelta(days=1))
    outbox.run_once(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6, 7]
    other = json.dumps({"type": "audit.event", "data": {"event_id": "e1"}})
    bodies = [item.body.decode() for item in receiver.taken]
    data = [json.dumps(item.json["data"]) for item in receiver.taken]
    copies = {
        "messages": [*bodies, other],
        "data": data,
        "copies, in any order": [*reversed(data), *data],
    }
    for name, lines in copies.items():
        copy = tmp_path / "copy.ndjson"
        copy.write_text("\n".join(lines))  # no newline at the end
        assert problems(sealed, settings, copy) == [], name


def test_verify_against_a_copy_detects_removed_seals(
    sealed: Store, settings: Settings, make: Make, receiver: Receiver, tmp_path: Path
) -> None:
    hook(sealed, receiver.url, seals=True)
    make().run_once(until_done=True)
    copy = tmp_path / "copy.ndjson"
    copy.write_bytes(b"".join(item.body + b"\n" for item in receiver.taken))
    sealed.write(lambda cursor: cursor.execute("delete from seals where number > 4") and None)
    mirror_files = mirror.files(sealed.path, settings)
    mirror_files.mirror.write_bytes(
        b"".join(mirror_files.mirror.read_bytes().splitlines(keepends=True)[:4])
    )
    assert problems(sealed, settings, copy).count("seal removed") == 2
    lines = copy.read_text().replace('"events":3', '"events":2', 1)
    copy.write_text(lines)
    assert "copy changed" in problems(sealed, settings, copy)


def test_every_seal_arrives_despite_failures(
    sealed: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    receiver.failing = 0.5
    hook(sealed, receiver.url, seals=True)
    outbox = make()
    for _ in range(60):
        outbox.run_once(until_done=True)
        clock.move(86_400)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
    assert len(receiver.taken) > 6


def test_rebuilt_chain_is_sent_from_the_start(
    sealed: Store, settings: Settings, make: Make, receiver: Receiver
) -> None:
    hook(sealed, receiver.url, seals=True)
    outbox = make()
    outbox.run_once(until_done=True)
    mirror.files(sealed.path, settings).key.unlink()
    fixed_clock.accept(sealed, settings, "the key was lost", "maya")
    outbox.run_once(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6] * 2
    ids = receiver.copies()
    assert len(ids) == 12 and set(ids.values()) == {1}


def test_invalid_seals_are_not_sent(sealed: Store, make: Make, receiver: Receiver) -> None:
    sealed.write(
        lambda cursor: (
            cursor.execute(
                """update seals set line = replace(line, '"events":3', '"events":4') """
                "where number = 5"
            )
            and None
        )
    )
    hook(sealed, receiver.url, seals=True)
    make().run_once(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4]


def test_chat_destination_receives_only_the_newest_seal(
    sealed: Store, sending: Settings, make: Make, receiver: Receiver
) -> None:
    secrets = {"key": SecretStr(KEY), "ops": SecretStr(receiver.url)}
    using = sending.model_copy(update={"forward": forward(secrets=secrets)})
    destination = Destination(0, "slack", "ops", {}, {"url": "ops"}, seals=True)
    sealed.write(lambda cursor: destinations.add(cursor, destination, using.forward, "maya"))
    make(using=using).run_once(until_done=True)
    (received,) = receiver.taken
    newest = seal_delivery.newest_seal(sealed)
    assert newest and newest.number == 6
    assert newest.seal in received.body.decode()
    assert "Seal 6 covers 2026-11-06" in received.body.decode()


def test_cursor_moves_with_the_queued_deliveries(sealed: Store, receiver: Receiver) -> None:
    destination = hook(sealed, receiver.url, seals=True)
    assert seal_delivery.fill(sealed, destination, SEALED) == 6
    (copies,) = destinations.list_all(sealed)
    newest = seal_delivery.newest_seal(sealed)
    assert newest and (copies.seal_number, copies.seal_mark) == (6, newest.seal)
    assert not seal_delivery.is_behind(copies, newest)
    assert {row["kind"] for row in delivery_log.list_deliveries(sealed)} == {"seal"}
    assert "seal" in deliveries.KINDS


def test_seals_are_sent_only_to_subscribed_destinations(
    sealed: Store, make: Make, receiver: Receiver
) -> None:
    destination = hook(sealed, receiver.url)
    outbox = make()
    outbox.run_once(until_done=True)
    assert receiver.taken == []
    subscribed = dataclasses.replace(destination, seals=True)
    sealed.write(lambda cursor: destinations.update(cursor, subscribed, forward()))
    outbox.run_once(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
