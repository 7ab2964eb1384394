"""`serve`: run the dashboard under uvicorn in this process."""

import argparse
import contextlib
import logging
import socket

import uvicorn

from trail.cli.command import Command
from trail.cli.context import Context
from trail.core import log_format
from trail.core.errors import SettingError, TrailError
from trail.runtime import ingest_process, listeners, preflight, shutdown, startup

_log = logging.getLogger("trail.server")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="", help="address to bind; default: server.host")
    parser.add_argument("--port", type=int, default=0, help="port to bind; default: server.port")


def _run(args: argparse.Namespace, context: Context) -> int:
    settings, as_json = context.settings, context.settings.server.log_format == "json"
    host, port = args.host or settings.server.host, args.port or settings.server.port
    with log_format.configured(settings.server.log_format):
        try:
            is_node = settings.store.role == "ingest"
            check = ingest_process.problems if is_node else preflight.problems
            if problems := check(settings, host):
                for problem in problems:
                    if as_json:
                        _log.error("%s", problem)
                    else:
                        context.out.note(f"trail: {problem}\n")
                return 2
            return (_receiving if is_node else _started)(host, port, context)
        except TrailError as error:
            if not as_json:
                raise
            _log.error("%s", error)
            return 2 if isinstance(error, SettingError) else 1


def _started(host: str, port: int, context: Context) -> int:
    settings = context.settings
    with contextlib.ExitStack() as stack:
        # Before anything is created, so that a failed start leaves nothing behind.
        sockets = [stack.enter_context(item) for item in listeners.bind(host, port)]
        _, demo = startup.database(settings)
        startup.open_early(settings)
        stack.callback(startup.close_early)
        lines = [f"Audit trail:  {_url(host, port)}"]
        if demo:
            lines.append("No database yet: this opens the demo workspace.")
        _announce(lines, context)
        return _serve("dashboard:app", host, port, sockets)


def _receiving(host: str, port: int, context: Context) -> int:
    settings = context.settings
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(item) for item in listeners.bind(host, port)]
        stack.enter_context(ingest_process.running(settings))
        _announce([f"Ingest process {settings.store.node}:  {_url(host, port)}"], context)
        return _serve("trail.web.ingest_app:app", host, port, sockets)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _announce(lines: list[str], context: Context) -> None:
    if context.settings.server.log_format == "json":
        for line in lines:
            _log.info("%s", line)
    else:
        banner = "".join(f"  {line}\n" for line in (*lines, "Stop with Ctrl-C."))
        context.out.note(f"\n{banner}\n")


def _serve(app: str, host: str, port: int, sockets: list[socket.socket]) -> int:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            log_config=None,  # see trail.core.log_format
            access_log=False,
            proxy_headers=False,  # see trail.web.proxies
            loop="trail.web.event_loop:EventLoop",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=shutdown.REQUESTS_S,
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
