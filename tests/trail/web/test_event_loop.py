"""The event loop of the server: calls from threads and messages of websockets, however many."""

import asyncio
import socket
import threading
from typing import Literal

import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect

from tests import own_loop
from trail.web.event_loop import EventLoop

WEBSOCKETS: Literal["websockets-sansio"] = "websockets-sansio"  # as `serve` does


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


def test_a_websocket_gets_all_messages_in_order_whatever_their_size() -> None:
    sizes = [1, 70, 3_000, 40_000, 1, 1, 2_000_000, 5, 300_000, *[200] * 500]
    messages = [bytes([number % 251]) * size for number, size in enumerate(sizes)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for message in messages:
            await send({"type": "websocket.send", "bytes": message})
        await receive()
        await send({"type": "websocket.send", "text": "after a pause"})
        await send({"type": "websocket.close", "code": 1000})

    async def talk() -> list[bytes | str]:
        config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws=WEBSOCKETS)
        server = uvicorn.Server(config)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started:
                await asyncio.sleep(0.005)
            async with connect(
                f"ws://127.0.0.1:{listener.getsockname()[1]}", max_size=None, max_queue=1
            ) as client:
                got = [await client.recv() for _ in messages[:4]]
                await asyncio.sleep(0.05)  # the server cannot send the rest meanwhile
                got += [await client.recv() for _ in messages[4:]]
                await client.send("more")
                got += [message async for message in client]
            server.should_exit = True
            await serving
        return got

    assert own_loop.run(talk(), EventLoop) == [*messages, "after a pause"]
