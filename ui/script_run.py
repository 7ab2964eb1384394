"""What Streamlit knows of the script run of this thread: its user, and whether it needs it still.

Streamlit ends a run at its next call of Streamlit, which comes only after the query that runs now.
It tells nobody before, so that this reads its request for the end.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)


def identity() -> Mapping[str, object]:
    """Return what the trusted headers say of the user; empty outside of a script run.

    `st.user` returns the same, and each time looks for files of secrets.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return context.user_info if context else {}


_in_action: ContextVar[bool] = ContextVar("in action", default=False)


@contextlib.contextmanager
def action() -> Iterator[None]:
    """Run the block to its end, whatever else the tab asks for meanwhile: it carries out a press.

    The message of a component, which the browser repeats, would otherwise end at its own repeat.
    """
    token = _in_action.set(True)
    try:
        yield
    finally:
        _in_action.reset(token)


def superseded() -> Callable[[], bool]:
    """Return a function that tells whether the run of this thread is no longer needed.

    A run that a pressed button started is always needed, since it carries out an action, and so is
    an `action`. The function may be called from any thread.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context and any(state.trigger_value for state in context.session_state.get_widget_states()):
        return lambda: False
    return replaced()


def replaced() -> Callable[[], bool]:
    """Return a function that tells whether another run of the tab waits for this one to end.

    For what only reads, after a press has been carried out. Never true inside an `action`.
    """
    context = get_script_run_ctx(suppress_warning=True)
    requests = context.script_requests if context else None
    if requests is None or _in_action.get():
        return lambda: False
    return lambda: _ends(requests)


def _ends(requests: ScriptRequests) -> bool:
    state, data = requests._state, requests._rerun_data
    if state == ScriptRequestType.RERUN:
        return _preempts(data)
    return state == ScriptRequestType.STOP


def _preempts(data: RerunData) -> bool:
    # As in `ScriptRequests.on_scriptrunner_yield`: a fragment waits for the end of the script.
    return not data.fragment_id_queue or data.is_fragment_scoped_rerun
