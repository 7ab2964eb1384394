"""Changes on the Alerts page: check the role, then write and record the change.

Callbacks run before their page, so the page's own check does not protect them.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from trail.core.errors import TrailError
from trail.runtime import process
from trail.storage.connection import Cursor
from ui import text
from ui.audit import record_action
from ui.page import acting_user

CAPABILITY = "configure"

Result = TypeVar("Result")
# Writes in a transaction on behalf of the named user.
Job = Callable[[Cursor, str], Result]


def write(
    what: str, job: Job[Result], detail: str | Callable[[Result], str] = "", kind: str = "settings"
) -> Result:
    """Run *job* as the user of the session and record it; return its result.

    *what* names the changed thing in the access log, *detail* the change, from the result if it is
    a function. Raises `InputError` for users without permission, and the errors of *job*.
    """
    user = acting_user(CAPABILITY)
    result = process.current().store.write(lambda cursor: job(cursor, user.username))
    record_action(kind, user, what, detail if isinstance(detail, str) else detail(result))
    return result


def attempt(
    what: str, job: Job[Result], detail: str | Callable[[Result], str] = "", kind: str = "settings"
) -> Result | None:
    """Call `write` for a button: an error is shown as a toast, and None is returned."""
    try:
        return write(what, job, detail, kind)
    except TrailError as error:
        st.toast(text.escape(str(error)), duration="long")
        return None


def counted(counts: Mapping[str, int]) -> str:
    """Return the result of an import as text: `2 added, 1 updated`."""
    return f"{counts['new']:,} added, {counts['changed']:,} updated"
