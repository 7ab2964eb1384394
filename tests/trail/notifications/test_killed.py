"""kill -9 while forwarding: nothing unsent, and nothing marked sent that was not received."""

import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.notifications.conftest import forward, hook
from trail.core.settings import Settings
from trail.core.settings import Store as StoreSettings
from trail.notifications import delivery_log
from trail.notifications.worker import Forwarding
from trail.storage.database import Store

ROOT = Path(__file__).parents[3]


def forward_for_ever(path: str) -> None:
    """Run an outbox over the database at *path* until somebody kills this process."""
    settings = Settings(
        store=StoreSettings(path=Path(path), memory="500MB"), forward=forward(timeout_s=5)
    )
    store = Store.open(settings.store.path, settings)
    outbox = Forwarding(settings, lambda: store)
    while True:
        outbox.round(until_done=True)
        time.sleep(0.01)


def _killed_at_a_bad_moment(path: Path, chance: random.Random, receiver: Receiver) -> None:
    # A process of its own in every way: what a test runner has started must not come along.
    code = (
        f"from tests.trail.notifications.test_killed import forward_for_ever as f; f({str(path)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    before = len(receiver.taken)
    until = time.monotonic() + 60
    while len(receiver.taken) == before and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    assert process.poll() is None, "it was to be killed, not to fail"
    time.sleep(chance.uniform(0, 0.08))
    process.kill()
    process.wait()


@pytest.mark.parametrize("kills", [20, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_killed_again_and_again(store: Store, settings: Settings, load: Load, kills: int) -> None:
    chance = random.Random(kills)
    events = 200 * kills
    with Receiver() as receiver:
        hook(store, receiver.url, streams=True)
        load(ndjson(forwarded(n) for n in range(events)))
        store.close()
        for _ in range(kills):
            _killed_at_a_bad_moment(settings.store.path, chance, receiver)
            _nothing_is_marked_that_did_not_arrive(settings, receiver)
        using = settings.model_copy(update={"forward": forward(timeout_s=5)})
        last = Store.open(settings.store.path, settings)
        outbox = Forwarding(using, lambda: last)
        with contextlib.ExitStack() as stack:
            stack.callback(last.close)
            stack.callback(outbox.close)
            until = time.monotonic() + 120
            while delivery_log.counts(last)[1] != {"sent": events}:
                outbox.round(until_done=True)
                assert time.monotonic() < until
        first_seen = list(dict.fromkeys(receiver.good()))
        assert first_seen == [f"event_{message_id(n)}" for n in range(events)], "all, in order"
        assert len(receiver.taken) <= events + kills * 128


def _nothing_is_marked_that_did_not_arrive(settings: Settings, receiver: Receiver) -> None:
    opened = Store.open(settings.store.path, settings)
    try:
        sent = opened.table("select key from deliveries where state = 'sent'")["key"].to_pylist()
    finally:
        opened.close()
    arrived = set(receiver.good())
    assert all(f"event_{key}" in arrived for key in sent)
