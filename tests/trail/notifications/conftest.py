"""What tests of the outbox share: settings for this machine, a clock, and a destination."""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from pydantic import SecretStr

from tests.receiver import Receiver
from trail.core.settings import Forward, Settings
from trail.notifications import destinations
from trail.notifications.destinations import Destination
from trail.notifications.worker import Forwarding, Send
from trail.storage.database import Store

KEY = "whsec_" + "QUFB" * 12


@dataclass
class Clock:
    """A clock that goes only when it is moved."""

    now: dt.datetime = field(default_factory=lambda: dt.datetime(2026, 11, 24, 12, 0))

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


def forward(**given: object) -> Forward:
    """Return settings that allow this machine, and know one signing key."""
    made = {"allow_loopback": True, "timeout_s": 0.5, "secrets": {"key": SecretStr(KEY)}}
    return Forward(**{**made, **given})  # type: ignore[arg-type]


@pytest.fixture
def sending(settings: Settings) -> Settings:
    """Return settings with which to send to this machine."""
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
    """Return a function that makes an outbox on the fixed clock; closed after the test."""
    made: list[Forwarding] = []

    def opened(send: Send | None = None, using: Settings = sending) -> Forwarding:
        one = Forwarding(using, lambda: store, clock, random.Random(7), send)
        made.append(one)
        return one

    yield opened
    for item in made:
        item.close()


def hook(store: Store, url: str, using: Forward | None = None, **given: object) -> Destination:
    """Keep a signed webhook to *url* and return it."""
    wanted = Destination(0, "webhook", "hook", {"url": url}, {"key": "key"})
    wanted = replace(wanted, **given)  # type: ignore[arg-type]
    number = store.write(
        lambda cursor: destinations.add(cursor, wanted, using or forward(), "owner")
    )
    return destinations.one(store, number)
