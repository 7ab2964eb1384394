"""The login throttle: limits per window, across restarts, without locking out other users."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.accounts import login_throttle as module
from trail.accounts.login_throttle import (
    ADDRESS,
    FREE_CODES,
    MAX_DELAY,
    PAIR,
    USERNAME,
    WINDOW,
    Throttle,
    wait_message,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def admitted_attempts(throttle: Throttle, username: str, address: str, times: int = 1) -> int:
    """Return how many of *times* attempts were admitted."""
    return sum(throttle.admit(username, address) == 0 for _ in range(times))


def test_at_most_ten_attempts_per_fifteen_minutes(throttle: Throttle, clock: Clock) -> None:
    admitted = []
    for _ in range(4_000):  # one a second, for more than an hour
        if throttle.admit("maya", "a") == 0:
            admitted.append(clock.now)
        clock.now += 1
    for start in admitted:
        assert sum(start <= item < start + WINDOW for item in admitted) <= PAIR
    assert len(admitted) == 5 * PAIR
    assert throttle.admit("maya", "b") == 0  # another address is still admitted


def test_attempt_is_admitted_after_the_returned_wait(throttle: Throttle, clock: Clock) -> None:
    for _ in range(PAIR):
        assert throttle.admit("maya", "a") == 0
        clock.now += 10
    wait = throttle.admit("maya", "a")
    assert wait == WINDOW - 100
    clock.now += wait - 1
    assert throttle.admit("maya", "a") == 1
    clock.now += 1
    assert throttle.admit("maya", "a") == 0
    assert throttle.admit("maya", "a") > 0  # the second oldest attempt is still in the window


def test_concurrent_attempts_respect_the_limit(throttle: Throttle) -> None:
    start, admitted = threading.Barrier(50), []

    def attempt() -> None:
        start.wait()
        admitted.append(throttle.admit("maya", "a") == 0)

    threads = [threading.Thread(target=attempt) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == PAIR


def test_one_address_with_many_usernames_is_throttled(throttle: Throttle) -> None:
    throttle.admit("maya", "a")
    throttle.record_success("maya", "a")
    assert (
        sum(admitted_attempts(throttle, f"user{number}", "a") for number in range(1000)) == ADDRESS
    )
    assert throttle.admit("somebody else", "b") == 0
    assert throttle.admit("maya", "a") == 0  # a user who has signed in from that address before


def test_many_addresses_with_one_username_are_throttled(throttle: Throttle) -> None:
    throttle.record_success("maya", "home")
    assert (
        sum(admitted_attempts(throttle, "maya", f"address {number}") for number in range(500))
        == USERNAME
    )
    assert throttle.admit("jon", "one more") == 0
    assert throttle.admit("maya", "home") == 0
    assert (
        admitted_attempts(throttle, "maya", "home", 100) == PAIR - 1
    )  # a trusted address has a limit too


def test_ipv6_addresses_are_grouped_by_prefix(throttle: Throttle) -> None:
    admitted = sum(
        admitted_attempts(throttle, "maya", f"2001:db8::{number:x}") for number in range(99)
    )
    assert admitted == PAIR
    assert throttle.admit("maya", "2001:db8:0:1::1") == 0
    assert admitted_attempts(throttle, "jon", "10.0.0.1", PAIR) == PAIR
    assert throttle.admit("jon", "10.0.0.2") == 0


def test_successful_attempts_do_not_count(throttle: Throttle) -> None:
    for _ in range(USERNAME * 2):
        assert throttle.admit("maya", "a") == 0
        throttle.record_success("maya", "a")
    assert admitted_attempts(throttle, "maya", "a", 99) == PAIR


def test_memory_is_bounded(throttle: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 30)
    monkeypatch.setattr(module, "MAX_TRUSTED", 30)
    monkeypatch.setattr(module, "MAX_CODES", 30)
    for number in range(200):
        throttle.admit(f"user{number}", f"address {number}")
        throttle.record_success(f"user{number}", f"address {number}")
        throttle.admit(f"user{number}", f"other address {number}")
        throttle.admit_code(f"user{number}")
    kept = vars(throttle)["_state"]
    assert len(kept.tries) <= 30
    assert len(kept.trusted) <= 30
    assert len(kept.codes) <= 30


def test_wrong_codes_in_a_row_wait_longer_and_longer(throttle: Throttle, clock: Clock) -> None:
    """From whatever address: in a month, fewer than sixty of a million codes are tried."""
    begun, tried = clock.now, []
    while clock.now < begun + 30 * 86_400:
        seconds = throttle.admit_code("maya")
        if seconds == 0:
            tried.append(clock.now)
        assert throttle.admit_code("jon") == 0  # another account is not concerned
        throttle.record_code("jon")
        clock.now += max(seconds, 1)
    waits = [round(later - before) for before, later in itertools.pairwise(tried)]
    assert waits[: FREE_CODES - 1] == [1] * (FREE_CODES - 1)
    grown = waits[FREE_CODES - 1 :]
    assert grown[:3] == [60, 120, 240]
    assert grown == sorted(grown)
    assert grown[-1] == MAX_DELAY
    assert len(tried) < 60
    throttle.record_code("maya")
    assert throttle.code_delay("maya") == 0
    assert sum(throttle.admit_code("maya") == 0 for _ in range(99)) == FREE_CODES


def test_concurrent_codes_respect_the_delay(throttle: Throttle) -> None:
    with ThreadPoolExecutor(20) as pool:
        waits = list(pool.map(lambda _: throttle.admit_code("maya"), range(60)))
    assert waits.count(0) == FREE_CODES


@given(
    wrong=st.integers(0, 60),
    passed=st.floats(-1e6, 1e6),
    restarted=st.booleans(),
)
def test_the_returned_delay_of_a_code_is_the_shortest(
    tmp_path_factory: pytest.TempPathFactory, wrong: int, passed: float, restarted: bool
) -> None:
    clock, path = Clock(), tmp_path_factory.mktemp("tries") / "tries.json"
    throttle = Throttle(clock, path)
    for _ in range(wrong):
        clock.now += throttle.code_delay("maya")
        assert throttle.admit_code("maya") == 0
    clock.now += passed
    if restarted:
        throttle = Throttle(clock, path)
    wait = throttle.code_delay("maya")
    assert 0 <= wait <= MAX_DELAY
    assert wait == 0 or wrong >= FREE_CODES
    assert throttle.admit_code("maya") == wait  # and one that is not admitted does not count
    assert throttle.code_delay("maya") == wait or wait == 0


def test_a_sign_in_with_a_code_uncounts_both_of_its_attempts(throttle: Throttle) -> None:
    """Or an office of many people would be refused after their first sign-ins of a morning."""
    for number in range(ADDRESS * 2):
        assert throttle.admit(f"user{number}", "office") == 0  # the password
        assert throttle.admit(f"user{number}", "office") == 0  # the code
        throttle.record_success(f"user{number}", "office", attempts=2)


class TestPersistence:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "tries.json"

    def test_attempts_survive_a_restart(self, path: Path, clock: Clock) -> None:
        admitted = 0
        for _ in range(100):  # a crash after every third attempt
            admitted += admitted_attempts(Throttle(clock, path), "maya", "a", 3)
            clock.now += 1
        assert admitted == PAIR
        clock.now += WINDOW
        assert Throttle(clock, path).admit("maya", "a") == 0

    def test_trusted_addresses_survive_a_restart(self, path: Path, clock: Clock) -> None:
        Throttle(clock, path).record_success("maya", "home")
        again = Throttle(clock, path)
        for number in range(USERNAME):
            again.admit("maya", f"address {number}")
        assert Throttle(clock, path).admit("maya", "elsewhere") > 0
        assert Throttle(clock, path).admit("maya", "home") == 0

    def test_file_is_private_small_and_contains_no_usernames(
        self, path: Path, clock: Clock
    ) -> None:
        throttle = Throttle(clock, path)
        for number in range(200):
            throttle.admit(f"correct-horse-{number}", f"10.0.0.{number}")
            clock.now += 60
        text = path.read_text()
        assert "horse" not in text
        assert "10.0.0." not in text
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(text) < 16 * 3 * 80

    @pytest.mark.parametrize("damage", ["", "{", "[]", '{"salt": 1}', '{"salt":"x","tries":[1]}'])
    def test_damaged_file_resets_the_counts(self, path: Path, clock: Clock, damage: str) -> None:
        path.write_text(damage)
        assert admitted_attempts(Throttle(clock, path), "maya", "a", 99) == PAIR
        assert admitted_attempts(Throttle(clock, path), "maya", "a", 99) == 0

    def test_attempts_are_counted_when_the_file_cannot_be_written(
        self, path: Path, clock: Clock
    ) -> None:
        path.mkdir()
        assert admitted_attempts(Throttle(clock, path), "maya", "a", 99) == PAIR


def test_wait_message() -> None:
    assert wait_message(8) == "Too many attempts. Try again in 8 seconds."
    assert wait_message(1) == "Too many attempts. Try again in 1 second."
    assert wait_message(840) == "Too many attempts. Try again in 14 minutes."
    assert wait_message(60, "wrong codes") == "Too many wrong codes. Try again in 60 seconds."
    assert wait_message(841) == "Too many attempts. Try again in 15 minutes."
