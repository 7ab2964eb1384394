"""Shares of the database: nobody starves, slots never leak, users take turns."""

import asyncio
import contextlib
import threading
import time
from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import own_loop
from trail.core.errors import OverloadError, StoppedError
from trail.runtime.fair_share import MAX_WAITING, FairShare
from trail.storage.query_timeout import QueryScope

USERS = ("ana", "bo", "cy")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("join", "join", "leave", "cancel", "fail", "stop")),
        st.sampled_from(USERS),
        st.integers(0, 5),
    ),
    max_size=60,
)


class Visit:
    """One request of a user that holds its slot until it is told to end."""

    def __init__(self, user: str, share: FairShare, log: list["Visit"]) -> None:
        self.user, self.scope = user, QueryScope(0)
        self._end, self._fails = asyncio.Event(), False
        self.task = asyncio.create_task(self._run(share, log))

    async def _run(self, share: FairShare, log: list["Visit"]) -> None:
        with contextlib.suppress(LookupError):
            await self._hold(share, log)

    async def _hold(self, share: FairShare, log: list["Visit"]) -> None:
        async with share.slot_in_loop(self.user, self.scope):
            log.append(self)
            await self._end.wait()
            if self._fails:
                raise LookupError

    def end(self, how: str) -> None:
        self._fails = how == "fail"
        self.task.cancel() if how == "cancel" else self._end.set()


async def settled() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@settings(max_examples=150)
@given(steps=STEPS, total=st.integers(1, 4), per_user=st.integers(1, 3))
def test_users_take_turns_and_slots_never_leak(
    steps: list[tuple[str, str, int]], total: int, per_user: int
) -> None:
    async def run() -> None:
        share, granted = FairShare(total, per_user), list[Visit]()
        holding, waiting = list[Visit](), {user: deque[Visit]() for user in USERS}
        # By user who waits with room for more: the grants to each other user since.
        passed_over: dict[str, Counter[str]] = {}
        for step, user, number in steps:
            if step == "join":
                waiting[user].append(Visit(user, share, granted))
            elif step == "stop" and waiting[user]:
                visit = waiting[user][number % len(waiting[user])]
                visit.scope.stop()
                waiting[user].remove(visit)
            elif step == "cancel" and waiting[user] and number % 2:
                visit = waiting[user].pop()
                visit.end("cancel")
            elif step in ("leave", "cancel", "fail") and holding:
                visit = holding.pop(number % len(holding))
                visit.end(step)
            await settled()
            for visit in granted:
                assert visit is waiting[visit.user].popleft(), "one user's requests keep order"
                holding.append(visit)
                for other, since in passed_over.items():
                    if other != visit.user:
                        since[visit.user] += 1
                        assert since[visit.user] <= 1, "a second turn before another user's first"
                passed_over.pop(visit.user, None)
            granted.clear()
            held = Counter(visit.user for visit in holding)
            assert share.usage() == (len(holding), sum(map(len, waiting.values())))
            assert len(holding) <= total
            assert all(count <= per_user for count in held.values())
            for name in USERS:
                if waiting[name] and held[name] < per_user:
                    assert len(holding) == total, "a slot is free and somebody waits for it"
                    passed_over.setdefault(name, Counter())
                else:
                    passed_over.pop(name, None)
        for visit in [*holding, *(visit for queue in waiting.values() for visit in queue)]:
            visit.end("cancel")
        await settled()
        assert share.usage() == (0, 0)

    own_loop.run(run())


def test_a_user_with_many_requests_delays_nobody_else() -> None:
    share, running, peak = FairShare(3, 2, 30), Counter[str](), Counter[str]()
    lock, waits = threading.Lock(), dict[str, list[float]]()

    def visit(user: str, fails: bool) -> None:
        started = time.monotonic()
        with contextlib.suppress(LookupError), share.slot(user, QueryScope(0)):
            with lock:
                waits.setdefault(user, []).append(time.monotonic() - started)
                running[user] += 1
                peak[user] = max(peak[user], running[user])
            time.sleep(0.02)
            with lock:
                running[user] -= 1
            if fails:
                raise LookupError

    threads = [threading.Thread(target=visit, args=("jon", n % 3 == 0)) for n in range(40)]
    threads += [threading.Thread(target=visit, args=("maya", False)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert share.usage() == (0, 0)
    assert peak["jon"] == 2
    assert len(waits["jon"]) == 40
    assert max(waits["maya"]) < sorted(waits["jon"])[20]


def test_who_waits_too_long_learns_whose_requests_are_in_the_way() -> None:
    share, scope = FairShare(2, 1, 0.05), QueryScope(0)
    with share.slot("jon", scope):

        def again(user: str) -> None:
            with share.slot(user, scope):
                met.append(None)

        met: list[OverloadError | None] = []

        def visit(user: str) -> None:
            try:
                again(user)
            except OverloadError as error:
                met.append(error)

        for user in ("jon", "maya"):
            thread = threading.Thread(target=visit, args=(user,))
            thread.start()
            thread.join(10)
        with_jon, with_maya = met
        assert with_jon is not None and with_jon.own
        assert with_maya is None
        holding, done = threading.Event(), threading.Event()

        def hold() -> None:
            with share.slot("cy", scope):
                holding.set()
                done.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        assert holding.wait(10)
        visitor = threading.Thread(target=visit, args=("maya",))
        visitor.start()
        visitor.join(10)
        done.set()
        thread.join(10)
        assert met[-1] is not None and not met[-1].own
    assert share.usage() == (0, 0)


def test_more_waiting_requests_of_one_user_are_refused_at_once() -> None:
    async def run() -> None:
        share, granted = FairShare(1, 1), list[Visit]()
        visits = [Visit("jon", share, granted) for _ in range(MAX_WAITING + 2)]
        await settled()
        assert [visit.task.done() for visit in visits] == [*[False] * (MAX_WAITING + 1), True]
        with pytest.raises(OverloadError):
            await visits[-1].task
        assert share.usage() == (1, MAX_WAITING)
        for visit in visits:
            visit.end("cancel")
        await settled()
        assert share.usage() == (0, 0)

    own_loop.run(run())


def test_code_inside_a_slot_gets_the_same_slot() -> None:
    share, scope = FairShare(1, 1, 0.05), QueryScope(0)
    with share.slot("jon", scope), share.slot("jon", scope):
        assert share.usage() == (1, 0)
    assert share.usage() == (0, 0)


def test_a_stopped_request_does_not_wait() -> None:
    share, scope = FairShare(1, 1), QueryScope(0)
    met: list[BaseException] = []

    def visit() -> None:
        try:
            with share.slot("jon", scope):
                pass
        except StoppedError as error:
            met.append(error)

    with share.slot("jon", QueryScope(0)):
        thread = threading.Thread(target=visit)
        thread.start()
        while share.usage() != (1, 1):
            time.sleep(0.001)
        scope.stop()
        thread.join(10)
        assert len(met) == 1
        assert share.usage() == (1, 0)
