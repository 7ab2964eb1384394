"""A form whose action runs before the page is drawn; after an error its fields keep their text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from trail.core.errors import TrailError
from ui import text


@contextmanager
def form(
    name: str, button: str, action: Callable[[], str], clears: tuple[str, ...]
) -> Iterator[None]:
    """Draw the fields of the block as a form with *button*, and the result below it.

    A click runs *action*, which returns the message to show, and clears the text fields with the
    keys *clears*. After a `TrailError` its message is shown and the fields keep their text.
    """
    key = f"{name}-result"

    def press() -> None:
        try:
            st.session_state[key] = (st.success, action())
            st.session_state.update(dict.fromkeys(clears, ""))
        except TrailError as error:
            st.session_state[key] = (st.error, str(error))

    with st.form(name, border=False):
        yield
        st.form_submit_button(button, on_click=press)
    if result := st.session_state.pop(key, None):
        draw, message = result
        draw(text.escape(message))
