"""Limits on connections: a server in this process, and raw sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests import own_loop
from trail.core.limits import Limits
from trail.core.sections import Server
from trail.core.settings import Settings
from trail.web import arrivals, connections
from trail.web.connections import Connection, Connections

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def read_body(request: Request) -> Response:
    try:
        return Response(b"%d bytes" % len(await request.body()))
    except ClientDisconnect:
        return Response(b"", 400)


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for data in websocket.iter_bytes():
        await websocket.send_bytes(b"%d" % len(data))


@dataclass(frozen=True)
class Running:
    port: int
    table: Connections

    async def send(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        return reader, writer

    async def settled(self, count: int) -> None:
        """Wait until *count* connections are open."""
        async with asyncio.timeout(10):
            while len(self.table) != count:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(server: Server = Server(), **limits: Any) -> AsyncIterator[Running]:
    routes = [Route("/", read_body, methods=["GET", "POST"]), WebSocketRoute("/socket", echo)]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_config=None, lifespan="off")
    settings = Settings(server=server, limits=Limits(**limits))
    table = connections.limit([config], settings)
    instance = uvicorn.Server(config)
    task = asyncio.create_task(instance.serve())
    while not instance.started:
        await asyncio.sleep(0.005)
    arrivals.take_over([instance], table)
    yield Running(instance.servers[0].sockets[0].getsockname()[1], table)
    instance.should_exit = True
    await task
    table.end_arrivals()


async def status(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return (await reader.readline()).strip()


async def half_open_connections_give_way() -> None:
    async with running(connections=16) as server:
        waiting = []
        for number in range(20):
            waiting.append(await server.send(HALF))
            await server.settled(min(number + 1, 16))
        for reader, _ in waiting[:4]:
            assert await status(reader) == b"HTTP/1.1 503 Service Unavailable"
        reader, writer = await server.send(GET)
        assert await status(reader) == b"HTTP/1.1 200 OK"
        assert len(server.table) == 16
        # The clients that have waited shortest can still finish their requests.
        waiting[-1][1].write(b"\r\n")
        assert await status(waiting[-1][0]) == b"HTTP/1.1 200 OK"
        for _, other in [*waiting, (reader, writer)]:
            other.close()
        await server.settled(0)


async def one_address_has_its_share(server: Server, expected: int) -> None:
    async with running(server, connections=32, connections_per_address=8) as result:
        waiting = []
        for _ in range(12):
            waiting.append(await result.send(HALF))
            await asyncio.sleep(0.01)
        await result.settled(expected)
        for _, writer in waiting:
            writer.close()


async def slow_requests_are_ended() -> None:
    async with running(head_seconds=0.05, body_seconds=0.05) as server:
        head, first = await server.send(HALF)
        body, second = await server.send(POST)
        again, writer = await server.send(GET)
        assert await status(again) == b"HTTP/1.1 200 OK"
        writer.write(HALF)  # the second request of a connection
        await asyncio.sleep(0.1)
        server.table.sweep()
        for reader in (head, body):
            assert await status(reader) == b"HTTP/1.1 408 Request Timeout"
            assert await reader.readuntil(b"\r\n\r\n")
            assert await reader.read() == b""
        assert b"408 Request Timeout" in await again.read()
        for opened in (first, second, writer):
            opened.close()
        await server.settled(0)


async def heads_arrive_in_any_pieces() -> None:
    async with running() as server:
        reader, writer = await server.send(b"")
        for at in range(len(GET)):
            writer.write(GET[at : at + 1])
            await asyncio.sleep(0.001)
        assert await status(reader) == b"HTTP/1.1 200 OK"
        others = []
        for data, expected in (
            (GET.replace(b"\r\n", b"\n"), b"HTTP/1.1 200 OK"),
            (POST + b"12345678", b"HTTP/1.1 200 OK"),
            (b"\x16\x03\x01", b"HTTP/1.1 400 Bad Request"),  # TLS
            (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"HTTP/1.1 400 Bad Request"),
        ):
            answer, other = await server.send(data)
            assert await status(answer) == expected
            others.append(other)
        _, left = await server.send(HALF)
        left.transport.abort()
        for other in (writer, *others):
            other.close()
        await server.settled(0)


async def many_messages_at_once_keep_their_order() -> None:
    async with running() as server, connect(f"ws://127.0.0.1:{server.port}/socket") as socket:
        for size in range(300):
            await socket.send(bytes(size))
        assert [await socket.recv() for _ in range(300)] == [b"%d" % size for size in range(300)]


async def tabs_are_refused_for_a_second() -> None:
    ask = b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    ask += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    async with running() as server:
        some = Connection(server.table)
        some.address = "127.0.0.1"
        cookie = b"other=1; audit_session=%s"
        server.table.refuse_tabs(some, [(b"cookie", cookie % b"jon")], is_signed_in=True)
        opened = []
        for cookies, expected in (
            (b"Cookie: " + cookie % b"jon" + b"\r\n", b"429 Too Many Requests"),
            (b"Cookie: " + cookie % b"maya" + b"\r\n", b"101 Switching Protocols"),
            (b"", b"101 Switching Protocols"),
        ):
            reader, writer = await server.send(ask + cookies + b"\r\n")
            assert await status(reader) == b"HTTP/1.1 " + expected
            opened.append(writer)
        server.table.refuse_tabs(some, [], is_signed_in=False)
        for data in (ask, ask.replace(b"Upgrade: ", b"Upgrade:")):
            reader, writer = await server.send(data + b"\r\n")
            assert await status(reader) == b"HTTP/1.1 429 Too Many Requests"
            opened.append(writer)
        for writer in opened:
            writer.close()
        await server.settled(0)


async def websockets_have_limits() -> None:
    async with running() as server:
        url = f"ws://127.0.0.1:{server.port}/socket"
        async with connect(url) as socket:
            await socket.send(bytes(60_000))
            assert await socket.recv() == b"60000"
            await socket.send([bytes(10)] * 50)
            assert await socket.recv() == b"500"
            await socket.send(bytes(70_000))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.sent is not None
            assert closed.value.sent.code == 1009
        async with connect(url) as socket:
            with pytest.raises(ConnectionClosed):
                for _ in range(1_000):
                    await socket.ping()
                    await asyncio.sleep(0)
        await server.settled(0)


async def stalled_clients_are_disconnected() -> None:
    async with running(stall_seconds=0.05) as server:
        url = f"ws://127.0.0.1:{server.port}/socket"
        async with connect(url) as socket:
            await socket.send(b"1")
            await server.settled(1)
            server.table.sweep()
            await asyncio.sleep(0.1)
            server.table.sweep()  # nothing is left to be read
            await socket.send(b"1")
            assert [await socket.recv(), await socket.recv()] == [b"1", b"1"]
        await server.settled(0)


def test_half_open_connections_give_way_to_new_ones() -> None:
    own_loop.run(half_open_connections_give_way())


@pytest.mark.parametrize(
    ("proxies", "expected"), [((), 8), (("127.0.0.1",), 12)], ids=["direct", "proxy"]
)
def test_an_address_has_its_share_unless_it_is_a_proxy(
    proxies: tuple[str, ...], expected: int
) -> None:
    server = Server.model_validate({"trusted_proxies": proxies})
    own_loop.run(one_address_has_its_share(server, expected))


def test_slow_requests_are_ended() -> None:
    own_loop.run(slow_requests_are_ended())


def test_heads_arrive_in_any_pieces() -> None:
    own_loop.run(heads_arrive_in_any_pieces())


def test_many_messages_at_once_keep_their_order() -> None:
    own_loop.run(many_messages_at_once_keep_their_order())


def test_tabs_of_a_session_or_an_address_are_refused_for_a_second() -> None:
    own_loop.run(tabs_are_refused_for_a_second())


def test_websockets_have_limits() -> None:
    own_loop.run(websockets_have_limits())


def test_idle_websockets_are_not_stalled() -> None:
    own_loop.run(stalled_clients_are_disconnected())


def test_few_descriptors_lower_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    files = connections.raise_file_limit()
    table = connections.limit([], Settings(limits=Limits(connections=files)))
    assert not table.is_full
    assert "the limit on open files is" in caplog.text
