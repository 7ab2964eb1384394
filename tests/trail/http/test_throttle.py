"""The throttle: delays grow and end, and nobody is locked out by somebody else."""

import pytest

from trail.http import throttle as module
from trail.http.throttle import ADDRESS, LONGEST, PAIR, USERNAME, WINDOW, Throttle, sentence


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def tried(throttle: Throttle, username: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        throttle.failed(username, address)


def test_ten_tries_are_free(throttle: Throttle) -> None:
    tried(throttle, "maya", "a", PAIR)
    assert throttle.wait("maya", "a") == 0
    tried(throttle, "maya", "a")
    assert throttle.wait("maya", "a") == 1


def test_delays_double_and_stop_growing(throttle: Throttle, clock: Clock) -> None:
    tried(throttle, "maya", "a", PAIR)
    waits = []
    for _ in range(13):
        tried(throttle, "maya", "a")
        waits.append(throttle.wait("maya", "a"))
        clock.now += waits[-1]
        assert throttle.wait("maya", "a") == 0  # every delay ends
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert max(waits) <= LONGEST


def test_a_thousand_guesses_at_one_name_get_few_looks(throttle: Throttle, clock: Clock) -> None:
    looked = 0
    while clock.now < WINDOW:
        if throttle.wait("maya", "a") == 0:
            looked += 1
            tried(throttle, "maya", "a")
        clock.now += 1
    assert looked <= PAIR + 11
    assert throttle.wait("maya", "b") == 0  # from another address the owner still gets in


def test_one_address_trying_many_names_is_slowed(throttle: Throttle) -> None:
    for number in range(ADDRESS + 1):
        tried(throttle, f"user{number}", "a")
    assert throttle.wait("somebody else", "a") > 0
    assert throttle.wait("somebody else", "b") == 0


def test_many_addresses_trying_one_name_are_slowed(throttle: Throttle) -> None:
    throttle.passed("maya", "home")
    for number in range(USERNAME + 5):
        tried(throttle, "maya", f"address {number}")
    assert throttle.wait("maya", "one more") > 0
    assert throttle.wait("jon", "one more") == 0
    assert throttle.wait("maya", "home") == 0  # where she has signed in from before


def test_the_window_slides(throttle: Throttle, clock: Clock) -> None:
    tried(throttle, "maya", "a", PAIR + 3)
    clock.now += WINDOW + 1
    tried(throttle, "maya", "a")
    assert throttle.wait("maya", "a") == 0


def test_a_success_forgets_the_pair(throttle: Throttle) -> None:
    tried(throttle, "maya", "a", PAIR)
    throttle.passed("maya", "a")
    tried(throttle, "maya", "a")
    assert throttle.wait("maya", "a") == 0


def test_memory_is_bounded(throttle: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 30)
    for number in range(200):
        tried(throttle, f"user{number}", f"address {number}")
        throttle.passed(f"user{number}", f"address {number}")
    assert len(vars(throttle)["_tries"]) <= 30
    assert len(vars(throttle)["_trusted"]) <= 30


def test_the_sentence() -> None:
    assert sentence(8) == "Too many tries. Try again in 8 seconds."
    assert sentence(1) == "Too many tries. Try again in 1 second."
