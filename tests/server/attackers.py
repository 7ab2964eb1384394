"""Clients that misbehave: `python -m tests.server.attackers NAME PORT COUNT SECONDS [COOKIE]`.

Each keeps COUNT connections open and replaces those that the server closes. Prints how many it
opened.
"""

import asyncio
import base64
import contextlib
import os
import struct
import sys
from collections.abc import Awaitable, Callable

from streamlit.proto.BackMsg_pb2 import BackMsg

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]
HEAD = b"Host: 127.0.0.1\r\n"


async def half_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: str) -> None:
    writer.write(b"GET / HTTP/1.1\r\n" + HEAD)
    await reader.read()


async def slow_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: str) -> None:
    writer.write(b"GET / HTTP/1.1\r\n" + HEAD + b"X-Padding: ")
    await _drip(writer)


async def slow_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: str) -> None:
    writer.write(b"POST /webhooks/segment HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999\r\n\r\n{")
    await _drip(writer)


async def no_reader(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: str) -> None:
    """Request files without reading the responses."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _number in range(10_000):
        writer.write(b"GET / HTTP/1.1\r\n" + HEAD + b"Accept: text/html\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: str) -> None:
    writer.write(os.urandom(200) + b"\r\n\r\n")
    await reader.read()


async def aborted_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: str) -> None:
    writer.write(b"POST /webhooks/segment HTTP/1.1\r\n" + HEAD + b"Content-Length: 9\r\n\r\n{")
    await asyncio.sleep(0.1)
    writer.transport.abort()


async def tab(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookie: str) -> None:
    """Open a tab and ask for a script run."""
    if await _upgrade(reader, writer, cookie):
        message = BackMsg()
        message.rerun_script.query_string = ""
        writer.write(_frame(2, message.SerializeToString()))
        await reader.read()


async def frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookie: str) -> None:
    """Send script runs as fast as possible."""
    if await _upgrade(reader, writer, cookie):
        message = BackMsg()
        message.rerun_script.query_string = ""
        while True:
            writer.write(_frame(2, message.SerializeToString()))
            await writer.drain()
            await asyncio.sleep(0)  # `drain` alone lets nothing else run while the server reads


async def big_frames(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookie: str
) -> None:
    if await _upgrade(reader, writer, cookie):
        for _number in range(100):
            writer.write(_frame(2, bytes(20_000_000)))
            await writer.drain()


async def pings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookie: str) -> None:
    if await _upgrade(reader, writer, cookie):
        while True:
            writer.write(_frame(9, b"") * 1_000)
            await writer.drain()
            await asyncio.sleep(0)


async def _upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookie: str) -> bool:
    key = base64.b64encode(os.urandom(16))
    writer.write(
        b"GET /_stcore/stream HTTP/1.1\r\n"
        + HEAD
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
        b"Sec-WebSocket-Key: "
        + key
        + b"\r\n"
        + (f"Cookie: {cookie}\r\n".encode() if cookie else b"")
        + b"\r\n"
    )
    return b" 101 " in await reader.readline()


def _frame(opcode: int, content: bytes) -> bytes:
    """Return a websocket frame, masked with zeros."""
    size = len(content)
    short = size if size < 126 else 126 if size < 65_536 else 127
    extended = {126: struct.pack("!H", size & 0xFFFF), 127: struct.pack("!Q", size)}.get(short, b"")
    return bytes([0x80 | opcode, 0x80 | short]) + extended + bytes(4) + content


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.5)


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        half_open,
        slow_head,
        slow_body,
        no_reader,
        garbage,
        aborted_body,
        tab,
        frames,
        big_frames,
        pings,
    )
}


async def run(name: str, port: int, count: int, seconds: float, cookie: str) -> int:
    """Keep *count* connections of the attack open for *seconds*; return how many were opened."""
    opened = 0

    async def repeat() -> None:
        nonlocal opened
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                opened += 1
                try:
                    await ATTACKS[name](reader, writer, cookie)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.2)

    tasks = [asyncio.create_task(repeat()) for _ in range(count)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return opened


if __name__ == "__main__":
    os.nice(10)  # an attacker has a machine of its own; here it must not take the server's CPU
    given = sys.argv[1:]
    print(
        asyncio.run(
            run(given[0], int(given[1]), int(given[2]), float(given[3]), "".join(given[4:]))
        )
    )
