"""The limit on the log: repetitions are counted, long records cut, errors have their own budget."""

import logging
from collections.abc import Iterator

import pytest

from trail.core.log_limit import LogLimit, installed


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def limit(clock: Clock) -> Iterator[LogLimit]:
    made = LogLimit(3, 40_000, clock)
    with installed(made):
        yield made


def test_repetitions_are_counted_in_one_line(
    clock: Clock, limit: LogLimit, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("trail.test.repeated")
    for number in range(500):
        log.warning("Refused request %d", number)
    log.warning("Another message")
    assert [record.getMessage() for record in caplog.records] == [
        "Refused request 0",
        "Refused request 1",
        "Refused request 2",
        "Another message",
    ]
    caplog.clear()
    clock.now += 61
    limit.report()
    limit.report()
    log.warning("Refused request %d", 500)
    assert [record.getMessage() for record in caplog.records] == [
        "497 more suppressed within a minute: Refused request %d",
        "Refused request 500",
    ]


def test_different_messages_have_a_limit_in_bytes(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("trail.test.different")
    for number in range(500):
        log.warning("%s" * (number + 1), *["x" * 1_000] * (number + 1))
    size = sum(len(record.getMessage()) for record in caplog.records)
    assert 10_000 < size < 40_000
    caplog.clear()
    try:
        raise ValueError("y" * 100_000)
    except ValueError:
        log.exception("Errors have a budget of their own")
    assert len(caplog.records) == 1
    text = logging.Formatter().format(caplog.records[0])
    assert "Traceback" in text
    assert "… (cut)" in text
    assert len(text) < 9_000


def test_loggers_are_limited_only_inside_the_block(caplog: pytest.LogCaptureFixture) -> None:
    with installed(LogLimit(1, 40_000)):
        inside = logging.getLogger("trail.test.created_inside")
        for _ in range(5):
            inside.warning("Once")
    assert len(caplog.records) == 1
    for _ in range(3):
        inside.warning("Again")
    assert len(caplog.records) == 4
