"""The connection test of a source: a real request that stores nothing."""

import streamlit as st

from trail.core import server_link
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.model import Drop, Feed, Receiver
from trail.core.settings import Settings
from ui import text
from ui.audit import record_action
from ui.page import Context, acting_user


def draw(ctx: Context, source: Feed | Drop | Receiver) -> None:
    """Test *source*, record it, and draw the result or the error."""
    try:
        record_action("tested", acting_user("configure"), f"source {source.name}")
        with st.spinner("Testing"):
            result = check(ctx.runtime.settings, source)
        st.success(text.escape(result), icon=":material/check:")
    except TrailError as error:
        st.error(text.escape(str(error)), icon=":material/error:")


def check(settings: Settings, source: Feed | Drop | Receiver) -> str:
    """Connect to *source* and return the result in one sentence.

    Raises what the source raises; `UnavailableError` if the server does not reach itself,
    `InputError` if it refuses a receiver's request.
    """
    if isinstance(source, Feed):
        directory = source.directory(settings)
        people = text.count(len(directory.people), "person", "people")
        return f"Token accepted: workspace {directory.workspace_name}, {people}"
    if isinstance(source, Drop):
        return f"Readable: {text.count(_files_waiting(settings, source), 'file')} waiting"
    return _check_receiver(settings, source)


def _files_waiting(settings: Settings, drop: Drop) -> int:
    count = 0

    def skip(*_: str) -> bool:
        nonlocal count
        count += 1
        return True  # as if loaded before, so that nothing is fetched

    for _ in drop.waiting(settings, skip):
        pass
    return count


def _check_receiver(settings: Settings, receiver: Receiver) -> str:
    server = server_link.find(settings)
    if server is None:
        raise UnavailableError("The address of this server is unknown.", "Restart the server.")
    probe = receiver.probe(settings)
    host = next(iter(settings.server.allowed_hosts), "127.0.0.1")
    status = server_link.post(server, probe.path, probe.body, {"Host": host, **dict(probe.headers)})
    if status != 200:
        raise InputError(f"{probe.path} answered {status}.", "See the server log.")
    return f"{probe.path} accepts requests that are signed with your key"
