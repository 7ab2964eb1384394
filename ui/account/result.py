"""The result of an action on the Account page, shown once in its card."""

from collections.abc import Callable

import streamlit as st

from trail.core.errors import TrailError
from ui import text


def attempt(card: str, action: Callable[[], str]) -> None:
    """Run *action*, which returns a message, and keep the message or the error for `draw`."""
    try:
        message = action()
    except TrailError as error:
        st.session_state[f"{card}-result"] = (False, str(error))
    else:
        if message:
            st.session_state[f"{card}-result"] = (True, message)


def draw(card: str) -> None:
    """Draw the result of the last action of *card*, if it is new."""
    if kept := st.session_state.pop(f"{card}-result", None):
        (st.success if kept[0] else st.error)(text.escape(kept[1]))
