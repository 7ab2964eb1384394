"""Crash safety: after kill -9, every event arrives and only received events are marked sent."""

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
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.notifications import delivery_log
from trail.notifications.worker import Forwarding
from trail.storage.duckdb import Store

ROOT = Path(__file__).parents[3]


def run_outbox_until_killed(path: str) -> None:
    """Run an outbox on the database at *path* until this process is killed."""
    settings = Settings(
        store=StoreSettings(path=Path(path), memory="500MB"), forward=forward(timeout_s=5)
    )
    store = Store.open(settings.store.path, settings)
    outbox = Forwarding(settings, lambda: store)
    while True:
        outbox.run_once(until_done=True)
        time.sleep(0.01)


def _kill_during_delivery(path: Path, random_source: random.Random, receiver: Receiver) -> None:
    # A new interpreter instead of a fork, so that nothing of the test runner is inherited.
    module = "tests.trail.notifications.test_killed"
    code = f"from {module} import run_outbox_until_killed as run; run({str(path)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    before = len(receiver.taken)
    until = time.monotonic() + 60
    while len(receiver.taken) == before and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    assert process.poll() is None, "the process failed before it was killed"
    time.sleep(random_source.uniform(0, 0.08))
    process.kill()
    process.wait()


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_every_event_arrives_in_order_despite_kills(
    store: Store, settings: Settings, load: Load, kills: int
) -> None:
    random_source = random.Random(kills)
    events = 200 * kills
    with Receiver() as receiver:
        hook(store, receiver.url, streams=True)
        load(ndjson(forwarded(n) for n in range(events)))
        store.close()
        for _ in range(kills):
            _kill_during_delivery(settings.store.path, random_source, receiver)
            _assert_sent_deliveries_arrived(settings, receiver)
        using = settings.model_copy(update={"forward": forward(timeout_s=5)})
        last = Store.open(settings.store.path, settings)
        outbox = Forwarding(using, lambda: last)
        with contextlib.ExitStack() as stack:
            stack.callback(last.close)
            stack.callback(outbox.close)
            until = time.monotonic() + 120
            while delivery_log.counts(last)[1] != {"sent": events}:
                outbox.run_once(until_done=True)
                assert time.monotonic() < until
        first_seen = list(dict.fromkeys(receiver.good()))
        assert first_seen == [f"event_{message_id(n)}" for n in range(events)], "all, in order"
        assert len(receiver.taken) <= events + kills * 128


def _assert_sent_deliveries_arrived(settings: Settings, receiver: Receiver) -> None:
    opened = Store.open(settings.store.path, settings)
    try:
        sent = opened.table("select key from deliveries where state = 'sent'")["key"].to_pylist()
    finally:
        opened.close()
    arrived = set(receiver.good())
    assert all(f"event_{key}" in arrived for key in sent)
