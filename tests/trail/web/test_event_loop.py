"""The event loop of the server wakes for every call from a thread, however many come at once."""

import asyncio
import threading

from tests import own_loop
from trail.web.event_loop import EventLoop


def test_no_call_from_a_thread_is_lost() -> None:
    threads, calls, single = 4, 500, 200

    async def called() -> list[int]:
        loop, got = asyncio.get_running_loop(), list[int]()
        done = asyncio.Event()

        def note() -> None:
            got.append(1)
            if len(got) == threads * calls:
                done.set()

        def call() -> None:
            for _ in range(calls):
                loop.call_soon_threadsafe(note)

        for _ in range(threads):
            threading.Thread(target=call).start()
        await asyncio.wait_for(done.wait(), 20)
        for _ in range(single):  # the loop sleeps before each
            woken = loop.create_future()
            threading.Thread(
                target=lambda waits=woken: loop.call_soon_threadsafe(waits.set_result, None)
            ).start()
            await asyncio.wait_for(woken, 20)
        return got

    assert len(own_loop.run(called(), EventLoop)) == threads * calls
