"""`serve`: run the dashboard under uvicorn in this process."""

import argparse
import contextlib
import socket

import uvicorn

from trail.cli.command import Command
from trail.cli.context import Context
from trail.core.errors import SettingError, UnavailableError
from trail.runtime import preflight, startup

_GRACE_S = 10
_MAX_PORT = 65_535


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="", help="address to bind; default: server.host")
    parser.add_argument("--port", type=int, default=0, help="port to bind; default: server.port")


def _run(args: argparse.Namespace, context: Context) -> int:
    settings, note = context.settings, context.out.note
    host, port = args.host or settings.server.host, args.port or settings.server.port
    if problems := preflight.problems(settings, host):
        for problem in problems:
            note(f"trail: {problem}\n")
        return 2
    with contextlib.ExitStack() as stack:
        # Before anything is created, so that a failed start leaves nothing behind.
        sockets = [stack.enter_context(item) for item in _listeners(host, port)]
        _, demo = startup.database(settings)
        startup.open_early(settings)
        stack.callback(startup.close_early)
        return _serve(host, port, sockets, context, demo=demo)


def _serve(
    host: str, port: int, sockets: list[socket.socket], context: Context, *, demo: bool
) -> int:
    note = context.out.note
    shown = f"[{host}]" if ":" in host else host
    note(f"\n  Audit trail:  http://{shown}:{port}\n")
    if demo:
        note("  No database yet: this opens the demo workspace.\n")
    note("  Stop with Ctrl-C.\n\n")
    server = uvicorn.Server(
        uvicorn.Config(
            "dashboard:app",
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            proxy_headers=False,  # see trail.web.proxies
            loop="trail.web.event_loop:EventLoop",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    try:
        server.run(sockets=sockets)
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1


def _listeners(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of *host*; raise `UnavailableError` if one fails."""
    bound: list[socket.socket] = []
    if not 1 <= port <= _MAX_PORT:  # getaddrinfo would wrap it around
        raise SettingError(f"Invalid port {port}.", f"Use 1 to {_MAX_PORT}.")
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listener = socket.socket(family, kind, protocol)
            bound.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
    except OSError as error:
        for listener in bound:
            listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UnavailableError(
            f"Port {port} on {host} cannot be used: {reason}.",
            "Stop the program that uses it, or choose another: serve --port N",
        ) from error
    return bound


COMMAND = Command(
    help="start the dashboard",
    run=_run,
    arguments=_arguments,
    examples=("serve", "serve --port 8600"),
    json=False,
    runs_in="process",
)
