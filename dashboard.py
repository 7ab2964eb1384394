"""The application: pages, routes, guard and background jobs in one process.

Started by `streamlit run dashboard.py`, `uvicorn dashboard:app` and `python -m trail serve`.
Streamlit finds the app by parsing this file, so `app` must stay a literal `st.App(...)`.
"""

import asyncio
import contextlib
import gc
import logging
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  imported here so that the first page view does not wait for it
import plotly.graph_objects  # noqa: F401  likewise
import streamlit as st
import streamlit.config
import streamlit.file_util
import uvicorn
from starlette.middleware import Middleware
from streamlit.runtime import Runtime
from streamlit.runtime.secrets import secrets_singleton
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from trail.accounts import oidc
from trail.cli.main import run_command
from trail.core import log_format, log_limit, registry, server_link, settings
from trail.core.errors import SettingError
from trail.core.sections import SUB_PATH
from trail.runtime import preflight, shutdown, startup
from trail.web import arrivals, connections, routes
from trail.web.client_limits import ClientLimits
from trail.web.guard import SID_HEADER, USER_HEADER, Guard
from trail.web.oidc_gate import ProviderGate
from trail.web.page_shell import Page, PageShell
from trail.web.proxies import Proxies
from ui import masked_messages

# Threads that run pages pass the interpreter on after this time instead of Python's 5 ms: the event
# loop, which answers probes and pushes, and short queries get their turn sooner.
SWITCH_S = 0.001
# Python looks for garbage after so many new objects instead of 700. A page run makes thousands, and
# most of what it makes needs no search.
GARBAGE_AFTER = 10_000
# How often tabs that were closed too long ago are looked for.
_FORGET_S = 30.0


def configure_listeners() -> list[int]:
    """Set the options of all listening sockets of this process; return their ports.

    TCP_NODELAY: a socket bound before the event loop started lacks it, and every request after the
    first of a connection would take 40 ms longer. Accepted sockets inherit it on Linux.
    """
    ports: list[int] = []
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return ports
    for descriptor in map(int, descriptors):
        with contextlib.suppress(OSError, ValueError), contextlib.ExitStack() as stack:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            item = stack.enter_context(socket.socket(fileno=os.dup(descriptor)))
            if item.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                item.listen(connections.KERNEL_QUEUE)
                ports.append(item.getsockname()[1])
    return ports


def check_options() -> None:
    """Raise `SettingError` for a path prefix or missing options that sign-in needs."""
    headers = st.get_option("server.trustedUserHeaders")
    if headers != {USER_HEADER: "username", SID_HEADER: "sid"}:
        raise SettingError(
            "The .streamlit/config.toml of this project was not loaded.",
            "Start the server in the project folder.",
        )
    if st.get_option("server.baseUrlPath"):
        raise SettingError(f"{SUB_PATH}.", "Remove Streamlit's server.baseUrlPath.")


def disable_forwarded_headers() -> None:
    """Turn off uvicorn's own reading of X-Forwarded headers, which trusts this machine by default.

    `trail.web.proxies` reads them by `server.trusted_proxies`. Only `serve` sets uvicorn's options.
    """
    for item in gc.get_objects():
        if type(item) is ProxyHeadersMiddleware:
            item.trusted_hosts = ()  # type: ignore[assignment]  # it only asks for membership


def keep_secrets_out_of_logs() -> None:
    """Disable log messages of libraries that contain headers or URLs, at any configured level.

    At DEBUG they log raw headers: session cookies, and secrets that a destination echoes.
    """
    for name in ("httpcore2", "uvicorn.error", "websockets"):
        log = logging.getLogger(name)
        log.setLevel(max(log.getEffectiveLevel(), logging.INFO))
    # A URL may contain a one-time code or a search text.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


@contextlib.asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Start what pages and routes share, and stop it at shutdown."""
    loaded = settings.load()
    with log_format.configured(loaded.server.log_format):
        async with _started(loaded):
            yield {}


@contextlib.asynccontextmanager
async def _started(loaded: settings.Settings) -> AsyncIterator[None]:
    check_options()
    disable_forwarded_headers()
    keep_secrets_out_of_logs()
    registry.discover("pages", "PAGE")  # fail at startup if a page file is broken
    if problems := preflight.problems(loaded, loaded.server.host):
        raise SettingError("\n".join(problems))
    sys.setswitchinterval(SWITCH_S)
    log = log_limit.LogLimit(loaded.limits.log_repeats, loaded.limits.log_bytes)
    running = arrivals.servers()
    table = connections.limit([server.config for server in running], loaded)
    with log_limit.installed(log):
        runtime = startup.start(loaded)
        tasks = [
            asyncio.create_task(_publish_port(runtime.settings)),
            asyncio.create_task(connections.keep(table, log.report)),
            asyncio.create_task(_take_over(running, table)),
            asyncio.create_task(_forget_closed_tabs()),
        ]
        try:
            with short_collections():
                yield
        finally:
            for task in tasks:
                task.cancel()
            table.end_arrivals()
            server_link.withdraw(runtime.settings)
            with shutdown.bounded():
                startup.stop()


@contextlib.contextmanager
def short_collections() -> Iterator[None]:
    """Leave out what lives as long as the server when looking for garbage.

    Going through all modules takes a fifth of a second, in which nobody is answered.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _forget_closed_tabs() -> None:
    """End the page sessions that can no longer be resumed.

    Streamlit does so only when the next tab is closed; each holds all that its page shows.
    """
    while True:
        await asyncio.sleep(_FORGET_S)
        storage: Any = Runtime.instance()._session_mgr
        for _, closed in storage._session_storage._cache.expire():
            closed.session.shutdown()


async def _publish_port(loaded: settings.Settings) -> None:
    """Publish the port to commands on this machine and to Streamlit, once the server listens.

    Some servers listen before the lifespan starts, others after; none passes the port to the app.
    """
    while not (ports := configure_listeners()):
        await asyncio.sleep(0.01)
    if loaded.auth.by_provider:
        auth_section = oidc.streamlit_auth(loaded, ports[0])
        secrets_singleton.merge_programmatic_secrets({"auth": auth_section})
    _tokens.append(server_link.publish(loaded, ports[0]).token)


async def _take_over(running: list[uvicorn.Server], table: connections.Connections) -> None:
    """Accept connections instead of asyncio once the server has started."""
    while not all(server.started for server in running):
        await asyncio.sleep(0.01)
    arrivals.take_over(running, table)


_tokens: list[str] = []

# Use the `.streamlit/config.toml` beside this file in any working directory.
streamlit.config._main_script_path = streamlit.config._main_script_path or __file__

_page = Page(Path(streamlit.file_util.get_static_dir()) / "index.html")

app = st.App(
    "ui/main.py",
    routes=routes.all_routes(run_command, lambda: _tokens[-1] if _tokens else ""),
    middleware=[
        Middleware(Proxies),
        Middleware(Guard, inline_scripts=_page.script_sources, mask_message=masked_messages.masked),
        Middleware(ClientLimits),
        Middleware(ProviderGate),
        Middleware(PageShell, page=_page),
    ],
    lifespan=lifespan,
)
