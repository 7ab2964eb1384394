"""Routes that query: fair shares, deadlines, and their end when the client disconnects."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from tests import own_loop
from trail.accounts.users import User
from trail.core import server_link
from trail.core.errors import StoppedError
from trail.core.limits import Limits
from trail.core.output import Out
from trail.core.settings import Settings
from trail.runtime import process
from trail.runtime.fair_share import Shares
from trail.runtime.process import Runtime
from trail.storage import query_timeout
from trail.storage.duckdb import Store
from trail.storage.query_timeout import QueryScope
from trail.web import command_route
from trail.web.guard import SCOPE_USER
from trail.web.query_routes import query
from trail.web.streaming import Download

_JOIN = "from range(10000000) a, range(10000000) b where a.range * b.range = 7"
ENDLESS = f"select count(*) {_JOIN}"
JON = User("jon", "Jon Berg", "", "manager")


class Client:
    """One request over ASGI; it stays connected until `leave` is set, and reads unless `stuck`."""

    def __init__(self, *, stuck: bool = False, body: bytes = b"") -> None:
        self._request_body = body
        self.sent: list[Message] = []
        self.leave = asyncio.Event()
        self._stuck, self._has_request = stuck, False

    async def receive(self) -> Message:
        if not self._has_request:
            self._has_request = True
            return {"type": "http.request", "body": self._request_body, "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self._stuck and message["type"] == "http.response.body":
            await asyncio.Event().wait()
        self.sent.append(message)

    def request(self, **headers: str) -> Request:
        scope: Scope = {
            "type": "http",
            "method": "POST" if self._request_body else "GET",
            "path": server_link.PATH if self._request_body else "/",
            "client": ("127.0.0.1", 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "query_string": b"",
            SCOPE_USER: JON,
        }
        return Request(scope, self.receive)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_whole(self) -> bool:
        last = self.sent[-1]
        return last["type"] == "http.response.body" and not last.get("more_body", False)


@pytest.fixture
def start(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shares]:
    """Return a function that makes the current runtime with the given limits."""
    monkeypatch.setattr(process, "_current", [])

    def started(**limits: Any) -> Shares:
        settings, nothing = Settings(limits=Limits(**limits)), cast("Any", None)
        shares = Shares(settings.limits)
        process.start(
            Runtime(settings, store, nothing, nothing, nothing, nothing, False, shares=shares)
        )
        return shares

    return started


def _is_free(shares: Shares) -> bool:
    return all(
        share.usage() == (0, 0) for share in (shares.requests, shares.exports, shares.open_exports)
    )


async def _running(shares: Shares) -> None:
    while not shares.requests.usage()[0] and not shares.exports.usage()[0]:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


def test_a_query_ends_when_its_client_disconnects(
    start: Callable[..., Shares], store: Store
) -> None:
    async def run() -> None:
        shares, client = start(query_seconds=0), Client()

        @query
        def endless(_: Request) -> Response:
            store.table(ENDLESS)
            raise AssertionError("not reached")

        answer = asyncio.create_task(endless(client.request()))
        await _running(shares)
        client.leave.set()
        assert (await asyncio.wait_for(answer, 30)).status_code == 503
        assert _is_free(shares)

    own_loop.run(run())


def test_requests_over_a_share_are_refused_with_a_time_to_retry(
    start: Callable[..., Shares],
) -> None:
    async def run() -> None:
        shares = start(requests=2, requests_per_user=1, wait_seconds=0.05)

        @query
        def fast(_: Request) -> Response:
            return Response(b"done")

        others = QueryScope(0)
        async with shares.requests.slot_in_loop("maya", others):
            assert (await fast(Client().request())).status_code == 200
        hold = asyncio.Event()

        async def hold_slot(user: str) -> None:
            async with shares.requests.slot_in_loop(user, others):
                await hold.wait()

        own = asyncio.create_task(hold_slot("jon"))
        await asyncio.sleep(0)
        refused = await fast(Client().request())
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert b"Too many of your requests" in refused.body
        own.cancel()
        held = [asyncio.create_task(hold_slot(user)) for user in ("maya", "ana")]
        await asyncio.sleep(0.01)
        refused = await fast(Client().request())
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert b"The server is busy" in refused.body
        hold.set()
        await asyncio.gather(*held)
        assert (await fast(Client().request())).status_code == 200
        assert _is_free(shares)

    own_loop.run(run())


@pytest.mark.parametrize("reads_only", [True, False])
def test_the_queries_of_a_command_end_with_its_terminal_if_it_only_reads(
    start: Callable[..., Shares], store: Store, reads_only: bool
) -> None:
    met: list[str] = []

    def command(arguments: list[str], _: Path, out: Out) -> int:
        leave = contextlib.nullcontext() if reads_only else query_timeout.unbounded()
        try:
            with leave:
                started.set()
                if not reads_only:
                    gone.wait(30)
                store.table(ENDLESS if reads_only else "select 1")
            met.append("done")
            out.text("done")
        except StoppedError:
            met.append("stopped")
        except BrokenPipeError:
            met.append("no output")
        ended.set()
        return 0

    started, gone, ended = threading.Event(), threading.Event(), threading.Event()

    async def run() -> None:
        start()
        body = json.dumps({"arguments": [], "folder": "."}).encode()
        client = Client(body=body)
        request = client.request(authorization="Bearer key")
        handler = command_route.route(command, lambda: "key").app
        sent = asyncio.create_task(handler(request.scope, client.receive, client.send))
        await asyncio.to_thread(started.wait, 30)
        await asyncio.sleep(0.1)
        client.leave.set()
        await asyncio.wait_for(sent, 30)
        gone.set()
        assert await asyncio.to_thread(ended.wait, 30)

    own_loop.run(run())
    assert met == (["stopped"] if reads_only else ["done", "no output"])


def _rows(store: Store, sql: str, closed: list[bool]) -> Iterator[bytes]:
    try:
        with store.reading() as reading:
            for batch in reading.batches(sql, {}, 20_000):
                yield b"x" * batch.num_rows
    finally:
        closed.append(True)


async def _download(client: Client, chunks: Iterator[bytes]) -> None:
    request = client.request()
    await asyncio.wait_for(
        Download(request, chunks)(request.scope, client.receive, client.send), 30
    )


@pytest.mark.parametrize("rows", [0, 3_000_000])
def test_a_download_is_sent_whole(start: Callable[..., Shares], store: Store, rows: int) -> None:
    async def run() -> None:
        shares, client, closed = start(), Client(), list[bool]()
        await _download(client, _rows(store, f"select * from range({rows})", closed))
        assert client.sent[0]["status"] == 200
        assert (len(client.body), client.is_whole, closed) == (rows, True, [True])
        assert max(len(message.get("body", b"")) for message in client.sent) <= 1 << 20
        assert _is_free(shares)

    own_loop.run(run())


def test_a_head_request_computes_nothing(start: Callable[..., Shares], store: Store) -> None:
    async def run() -> None:
        start(export_query_seconds=0)
        client, closed = Client(), list[bool]()
        request = client.request()
        scope = {**request.scope, "method": "HEAD"}
        chunks = _rows(store, ENDLESS, closed)
        download = Download(request, chunks, {"Content-Disposition": "attachment"}, "text/csv")
        await asyncio.wait_for(download(scope, client.receive, client.send), 30)
        assert client.is_whole
        assert not client.body
        headers = dict(client.sent[0]["headers"])
        assert headers[b"content-disposition"] == b"attachment"
        assert headers[b"content-type"].startswith(b"text/csv")

    own_loop.run(run())


def test_a_download_ends_when_its_client_disconnects(
    start: Callable[..., Shares], store: Store
) -> None:
    """Before the first row, in a query that would take for ever."""

    async def run() -> None:
        shares, client, closed = start(export_query_seconds=0), Client(), list[bool]()
        sent = asyncio.create_task(_download(client, _rows(store, ENDLESS, closed)))
        await _running(shares)
        client.leave.set()
        await sent
        assert closed == [True]
        assert _is_free(shares)

    own_loop.run(run())


@pytest.mark.parametrize(
    ("sql", "limits", "stuck", "status"),
    [
        (ENDLESS, {"export_query_seconds": 0.3}, False, 503),
        ("select * from range(100000)", {"export_idle_seconds": 0.1}, True, 200),
        (f"select * from range(20000) union all (select a.range {_JOIN})",
         {"export_query_seconds": 0.5}, False, None),
        ("select * from range(100000)", {"export_seconds": 0.1}, True, 200),
    ],
    ids=["first row", "stuck client", "next row", "duration"],
)  # fmt: skip
def test_a_download_has_deadlines(
    start: Callable[..., Shares],
    store: Store,
    sql: str,
    limits: dict[str, float],
    stuck: bool,
    status: int | None,
) -> None:
    async def run() -> None:
        shares, client, closed = start(**limits), Client(stuck=stuck), list[bool]()
        await _download(client, _rows(store, sql, closed))
        assert status is None or client.sent[0]["status"] == status
        assert client.is_whole == (client.sent[0]["status"] == 503)
        assert closed == [True]
        assert _is_free(shares)

    own_loop.run(run())


def test_stuck_clients_do_not_keep_others_from_exporting(
    start: Callable[..., Shares], store: Store
) -> None:
    async def run() -> None:
        shares = start(exports=1, exports_per_user=1)
        stuck = [Client(stuck=True) for _ in range(3)]
        sql = "select * from range(100000)"
        slow = [asyncio.create_task(_download(client, _rows(store, sql, []))) for client in stuck]
        while not all(client.sent for client in stuck):
            await asyncio.sleep(0.01)
        client = Client()
        await _download(client, _rows(store, sql, []))
        assert client.is_whole
        for other in stuck:
            other.leave.set()
        await asyncio.sleep(0)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        assert _is_free(shares)

    own_loop.run(run())
