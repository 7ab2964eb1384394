"""The one thing that is started: pages, routes, guard and workers in one process.

`streamlit run dashboard.py`, `uvicorn dashboard:app` and `python -m trail serve` all start this.
Streamlit finds the app by reading this file, so `app` has to stay a literal `st.App(...)`.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import pandas  # noqa: F401  imported here so that the first visitor does not wait for it
import plotly.graph_objects  # noqa: F401  likewise
import streamlit as st
import streamlit.config
from starlette.middleware import Middleware
from streamlit.runtime.secrets import secrets_singleton

from trail.accounts import oidc
from trail.cli.main import run_command
from trail.core import registry, server_link, settings
from trail.core.errors import SettingError
from trail.core.model import Receiver
from trail.runtime import preflight, process, startup
from trail.web import access_log_export, api, auth, command_route, evidence_export, metrics, push
from trail.web.guard import SID_HEADER, USER_HEADER, Guard
from trail.web.oidc_gate import ProviderGate


def no_delay() -> list[int]:
    """Send small answers at once on every listening socket of this process; return their ports.

    A socket that was bound before the event loop started lacks TCP_NODELAY; each request after a
    connection's first would wait 40 ms for it. Accepted sockets inherit the option on Linux.
    """
    ports: list[int] = []
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return ports
    for descriptor in descriptors:
        with (
            contextlib.suppress(OSError, ValueError),
            socket.socket(fileno=os.dup(int(descriptor))) as item,
        ):
            if item.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ports.append(item.getsockname()[1])
    return ports


def check_options() -> None:
    """Refuse to start without the options of `.streamlit/config.toml`: nobody could sign in."""
    headers = st.get_option("server.trustedUserHeaders")
    if headers != {USER_HEADER: "username", SID_HEADER: "sid"}:
        raise SettingError(
            "Streamlit has not read this project's .streamlit/config.toml.",
            "Start it from the project's folder.",
        )


def log_to_terminal() -> None:
    """Write what this project logs to the terminal, unless whoever starts it has set up logging."""
    if not logging.getLogger().handlers:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("trail").setLevel(logging.INFO)


def keep_headers_out_of_the_log() -> None:
    """Let no library write at DEBUG what it was sent, whatever level whoever starts it has set.

    Those are headers as they came: session cookies, and whatever a receiver of ours echoes.
    """
    for name in ("httpcore2", "uvicorn.error", "websockets"):
        log = logging.getLogger(name)
        log.setLevel(max(log.getEffectiveLevel(), logging.INFO))
    # An address may hold a one-time code or what somebody looks for; neither belongs in a log.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


@contextlib.asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Open what pages and routes share, and close it at the end."""
    log_to_terminal()
    check_options()
    keep_headers_out_of_the_log()
    registry.discover("pages", "PAGE")  # a broken page file stops the start, not a visitor
    known = settings.load()
    if wrong := preflight.problems(known, known.server.host):
        raise SettingError("\n".join(wrong))
    now = startup.start(known)
    announcing = asyncio.create_task(_announce(now.settings))
    try:
        yield {}
    finally:
        announcing.cancel()
        server_link.withdraw(now.settings)
        startup.stop()


async def _announce(known: settings.Settings) -> None:
    """Tell commands of this machine, and Streamlit, where the process listens, once it does.

    Some servers listen before the lifespan starts, others after; none tells the app where.
    """
    while not (ports := no_delay()):
        await asyncio.sleep(0.01)
    if known.auth.by_provider:
        message = oidc.streamlit_auth(known, ports[0])
        secrets_singleton.merge_programmatic_secrets({"auth": message})
    _tokens.append(server_link.publish(known, ports[0]).token)


_tokens: list[str] = []

# Read `.streamlit/config.toml` beside this file whatever the working directory is.
streamlit.config._main_script_path = streamlit.config._main_script_path or __file__

app = st.App(
    "ui/main.py",
    routes=[
        *auth.ROUTES,
        *api.ROUTES,
        *access_log_export.ROUTES,
        *evidence_export.ROUTES,
        *metrics.ROUTES,
        *push.routes(registry.of_kind(Receiver), lambda: process.current().intake),
        command_route.route(run_command, lambda: _tokens[-1] if _tokens else ""),
    ],
    middleware=[Middleware(Guard), Middleware(ProviderGate)],
    lifespan=lifespan,
)
