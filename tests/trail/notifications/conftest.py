"""Shared fixtures of the outbox tests: local settings, a clock, a receiver, a destination."""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from pydantic import SecretStr

from tests.receiver import Receiver
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.notifications import destinations
from trail.notifications.destination import Destination
from trail.notifications.worker import Forwarding, Send
from trail.storage.duckdb import Store

KEY = "whsec_" + "QUFB" * 12


@dataclass
class Clock:
    """A clock that advances only through `move`."""

    now: dt.datetime = field(default_factory=lambda: dt.datetime(2026, 11, 24, 12, 0))

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


def forward(**overrides: object) -> Forward:
    """Return settings that allow loopback addresses and contain one signing key."""
    values = {"allow_loopback": True, "timeout_s": 0.5, "secrets": {"key": SecretStr(KEY)}}
    return Forward(**{**values, **overrides})  # type: ignore[arg-type]


@pytest.fixture
def sending(settings: Settings) -> Settings:
    """Return settings that allow sending to this machine."""
    return settings.model_copy(update={"forward": forward()})


@pytest.fixture
def clock() -> Clock:
    """Return a fixed clock."""
    return Clock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a running receiver."""
    with Receiver() as running:
        yield running


Make = Callable[..., Forwarding]


@pytest.fixture
def make(store: Store, sending: Settings, clock: Clock) -> Iterator[Make]:
    """Return a function that opens an outbox with the fixed clock; closed after the test."""
    outboxes: list[Forwarding] = []

    def open_outbox(send: Send | None = None, using: Settings = sending) -> Forwarding:
        outbox = Forwarding(using, lambda: store, clock, random.Random(7), send)
        outboxes.append(outbox)
        return outbox

    yield open_outbox
    for outbox in outboxes:
        outbox.close()


def hook(store: Store, url: str, using: Forward | None = None, **overrides: object) -> Destination:
    """Store a signed webhook to *url* and return it."""
    destination = Destination(0, "webhook", "hook", {"url": url}, {"key": "key"})
    destination = replace(destination, **overrides)  # type: ignore[arg-type]
    number = store.write(
        lambda cursor: destinations.add(cursor, destination, using or forward(), "owner")
    )
    return destinations.get(store, number)
