"""Seals that are sent away: the whole chain to a program, the newest to people; verify reads it."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import ndjson
from tests.trail.integrity.conftest import event
from tests.trail.notifications.conftest import KEY, Clock, Make, forward, hook
from trail.core.settings import Settings
from trail.integrity import acceptance, mirror, sealing, verification
from trail.notifications import deliveries, delivery_log, destinations, seal_delivery
from trail.notifications.destinations import Destination
from trail.storage.database import Store

SEALED = dt.datetime(2026, 11, 8, 12)


@pytest.fixture
def sealed(store: Store, load: Load, settings: Settings) -> Store:
    """Return a store of which 1 to 6 November are sealed."""
    load(ndjson([event(number, of) for of in (1, 2, 5) for number in range(3)]))
    assert sealing.seal(store, settings, SEALED) == 6
    return store


def numbers(receiver: Receiver) -> list[int]:
    """Return the numbers of the seals that arrived, in their order."""
    return [item.json["data"]["number"] for item in receiver.taken if item.answered == 200]


def problems(store: Store, settings: Settings, copy: Path) -> list[str]:
    return [
        problem.problem for problem in verification.verify(store, settings, against=copy).problems
    ]


def test_a_webhook_gets_the_chain_and_verify_reads_what_it_stored(
    sealed: Store, settings: Settings, make: Make, receiver: Receiver, tmp_path: Path
) -> None:
    hook(sealed, receiver.url, seals=True)
    outbox = make()
    outbox.round(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
    assert {item.json["type"] for item in receiver.taken} == {"audit.seal"}
    outbox.round(until_done=True)
    assert len(receiver.taken) == 6  # once there is nothing new, nothing is sent

    sealing.seal(sealed, settings, SEALED + dt.timedelta(days=1))
    outbox.round(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6, 7]
    other = json.dumps({"type": "audit.event", "data": {"event_id": "e1"}})
    bodies = [item.body.decode() for item in receiver.taken]
    data = [json.dumps(item.json["data"]) for item in receiver.taken]
    kept = {
        "messages": [*bodies, other],
        "data": data,
        "copies, in any order": [*reversed(data), *data],
    }
    for name, lines in kept.items():
        copy = tmp_path / "copy.ndjson"
        copy.write_text("\n".join(lines))  # no newline at the end
        assert problems(sealed, settings, copy) == [], name


def test_the_copy_tells_what_was_taken_from_database_and_mirror(
    sealed: Store, settings: Settings, make: Make, receiver: Receiver, tmp_path: Path
) -> None:
    hook(sealed, receiver.url, seals=True)
    make().round(until_done=True)
    copy = tmp_path / "copy.ndjson"
    copy.write_bytes(b"".join(item.body + b"\n" for item in receiver.taken))
    sealed.write(lambda cursor: cursor.execute("delete from seals where number > 4") and None)
    where = mirror.files(sealed.path, settings)
    where.mirror.write_bytes(b"".join(where.mirror.read_bytes().splitlines(keepends=True)[:4]))
    assert problems(sealed, settings, copy).count("seal removed") == 2
    lines = copy.read_text().replace('"events":3', '"events":2', 1)
    copy.write_text(lines)
    assert "copy changed" in problems(sealed, settings, copy)


def test_each_seal_arrives_through_failures(
    sealed: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    receiver.failing = 0.5
    hook(sealed, receiver.url, seals=True)
    outbox = make()
    for _ in range(60):
        outbox.round(until_done=True)
        clock.move(86_400)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
    assert len(receiver.taken) > 6


def test_a_chain_that_was_made_anew_is_sent_anew(
    sealed: Store, settings: Settings, make: Make, receiver: Receiver
) -> None:
    hook(sealed, receiver.url, seals=True)
    outbox = make()
    outbox.round(until_done=True)
    mirror.files(sealed.path, settings).key.unlink()
    acceptance.accept(sealed, settings, "the key was lost", "maya")
    outbox.round(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6] * 2
    ids = receiver.copies()
    assert len(ids) == 12 and set(ids.values()) == {1}


def test_what_does_not_hold_is_not_sent(sealed: Store, make: Make, receiver: Receiver) -> None:
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
    make().round(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4]


def test_people_are_told_the_newest_seal_only(
    sealed: Store, sending: Settings, make: Make, receiver: Receiver
) -> None:
    secrets = {"key": SecretStr(KEY), "ops": SecretStr(receiver.url)}
    using = sending.model_copy(update={"forward": forward(secrets=secrets)})
    wanted = Destination(0, "slack", "ops", {}, {"url": "ops"}, seals=True)
    sealed.write(lambda cursor: destinations.add(cursor, wanted, using.forward, "maya"))
    make(using=using).round(until_done=True)
    (taken,) = receiver.taken
    newest = seal_delivery.newest(sealed)
    assert newest and newest.number == 6
    assert newest.seal in taken.body.decode()
    assert "Seal 6 covers 2026-11-06" in taken.body.decode()


def test_the_place_and_the_deliveries_are_kept_together(sealed: Store, receiver: Receiver) -> None:
    made = hook(sealed, receiver.url, seals=True)
    assert seal_delivery.fill(sealed, made, SEALED) == 6
    (kept,) = destinations.all_of(sealed)
    newest = seal_delivery.newest(sealed)
    assert newest and (kept.seal_number, kept.seal_mark) == (6, newest.seal)
    assert not seal_delivery.is_behind(kept, newest)
    assert {row["kind"] for row in delivery_log.page(sealed)} == {"seal"}
    assert "seal" in deliveries.KINDS


def test_without_the_tick_nothing_is_sent(sealed: Store, make: Make, receiver: Receiver) -> None:
    made = hook(sealed, receiver.url)
    outbox = make()
    outbox.round(until_done=True)
    assert receiver.taken == []
    ticked = dataclasses.replace(made, seals=True)
    sealed.write(lambda cursor: destinations.change(cursor, ticked, forward()))
    outbox.round(until_done=True)
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
