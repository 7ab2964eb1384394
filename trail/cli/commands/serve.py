"""`serve`: run the dashboard under uvicorn in this process."""

import argparse

import uvicorn

from trail.cli.command import Command
from trail.cli.context import Context
from trail.runtime import preflight, startup

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
    _, demo = startup.database(settings)
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
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1


COMMAND = Command(
    help="start the dashboard",
    run=_run,
    arguments=_arguments,
    examples=("serve", "serve --port 8600"),
    json=False,
    place="process",
)
