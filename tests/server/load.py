"""Heavy use of a server by one user, in a process of its own: `python -m tests.server.load`.

Arguments: the kind of load, the URL of the server, the session cookie, and the number of clients.
Runs until its standard input ends, then prints the counts of what was answered as JSON.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode, urlsplit

import httpx2
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.tab import Tab
from trail.web.guard import COOKIE

SEARCH = "/api/events?" + urlencode({"from": "90d", "q": " ".join("aeiounrstl"[:8])})
EXPORT = "/export.ndjson?from=90d"
_PAUSE_S = 0.5


async def searches(url: str, sid: str, count: int, answers: Counter[str]) -> None:
    """Search for words that every event contains, in *count* parallel loops."""
    await _in_parallel(url, sid, count, lambda client, n: _search(client, n, answers))


async def exports(url: str, sid: str, count: int, answers: Counter[str]) -> None:
    """Export everything in *count* parallel loops; as many others read almost nothing."""
    host = urlsplit(url)
    slow = [
        asyncio.create_task(_slow_export(str(host.hostname), host.port or 80, sid, answers))
        for _ in range(count)
    ]
    try:
        await _in_parallel(url, sid, count, lambda client, n: _export(client, n, answers))
    finally:
        for task in slow:
            task.cancel()


async def _in_parallel(
    url: str, sid: str, count: int, repeat: Callable[[httpx2.AsyncClient, int], Awaitable[None]]
) -> None:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=url, cookies={COOKIE: sid}, timeout=300, limits=limits
    ) as client:
        await asyncio.gather(*(repeat(client, number) for number in range(count)))


async def _search(client: httpx2.AsyncClient, number: int, answers: Counter[str]) -> None:
    while True:
        # Another text each time, so that no answer is kept.
        response = await client.get(f"{SEARCH}+{number}&limit=1000")
        answers[str(response.status_code)] += 1
        if response.status_code in (429, 503):
            await asyncio.sleep(_PAUSE_S)


async def _export(client: httpx2.AsyncClient, _: int, answers: Counter[str]) -> None:
    while True:
        async with client.stream("GET", EXPORT) as response:
            answers[str(response.status_code)] += 1
            with contextlib.suppress(httpx2.RemoteProtocolError):
                async for chunk in response.aiter_raw():
                    answers["bytes"] += len(chunk)
        if response.status_code in (429, 503):
            await asyncio.sleep(_PAUSE_S)


async def _slow_export(host: str, port: int, sid: str, answers: Counter[str]) -> None:
    while True:
        reader, writer = await asyncio.open_connection(host, port, limit=1)
        head = f"GET {EXPORT} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {COOKIE}={sid}\r\n\r\n"
        writer.write(head.encode())
        answers["slow"] += 1
        try:
            while await reader.read(1):
                await asyncio.sleep(1)
        except ConnectionError:
            pass
        finally:
            writer.close()


def tabs(url: str, sid: str, count: int, answers: Counter[str]) -> None:
    """Open *count* tabs of Explore, each of which runs the page every ten seconds or so."""

    def use(number: int) -> None:
        chance = random.Random(number)
        while not _stop.wait(chance.uniform(0, 10)):
            try:
                with Tab(url.replace("http", "ws") + "/_stcore/stream", sid=sid) as tab:
                    while not tab.closed:
                        tab.run(page="explore", query=f"from={chance.randrange(1, 90)}d")
                        answers[
                            "busy" if "busy" in tab.text or "Too many" in tab.text else "run"
                        ] += 1
                        if _stop.wait(chance.uniform(5, 15)):
                            return
            except InvalidStatus as refused:
                answers[str(refused.response.status_code)] += 1
            except (OSError, TimeoutError, ConnectionClosed):
                answers["lost"] += 1

    for number in range(count):
        threading.Thread(target=use, args=(number,), daemon=True).start()
    _stop.wait()


_stop = threading.Event()


def _fail(problem: threading.ExceptHookArgs) -> None:
    """End the process: without one of its threads the load would be another."""
    traceback.print_exception(problem.exc_type, problem.exc_value, problem.exc_traceback)
    os._exit(1)


def main() -> None:
    """Run one kind of load until standard input ends."""
    os.nice(10)  # clients have machines of their own; here they must not take the server's CPU
    threading.excepthook = _fail
    kind, url, sid, count = sys.argv[1:]
    answers: Counter[str] = Counter()
    work = {"searches": searches, "exports": exports}.get(kind)

    def run() -> None:
        if work:
            asyncio.run(work(url, sid, int(count), answers))
        else:
            tabs(url, sid, int(count), answers)

    threading.Thread(target=run, daemon=True).start()
    sys.stdin.read()
    _stop.set()
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
