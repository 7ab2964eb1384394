"""`serve`: run the dashboard under uvicorn in this process."""

import argparse
import contextlib
import socket

import uvicorn

from trail.cli.command import Command
from trail.cli.context import Context
from trail.runtime import listeners, preflight, startup

_GRACE_S = 10


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
        sockets = [stack.enter_context(item) for item in listeners.bind(host, port)]
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


COMMAND = Command(
    help="start the dashboard",
    run=_run,
    arguments=_arguments,
    examples=("serve", "serve --port 8600"),
    json=False,
    runs_in="process",
)
