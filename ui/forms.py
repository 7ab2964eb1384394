"""A form that acts before the page is drawn, so what it changed shows; a refusal keeps the text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from trail.core.errors import TrailError
from ui import text


@contextmanager
def form(name: str, button: str, act: Callable[[], str], clears: tuple[str, ...]) -> Iterator[None]:
    """Draw the fields of the block as a form with *button*, and below it what came of it.

    *act* runs when the button is pressed and returns the sentence to show; the text fields with
    the keys *clears* are empty then. A `TrailError` is shown instead, and the fields stay as typed.
    """
    result = f"{name}-said"

    def press() -> None:
        try:
            st.session_state[result] = (st.success, act())
            st.session_state.update(dict.fromkeys(clears, ""))
        except TrailError as problem:
            st.session_state[result] = (st.error, str(problem))

    with st.form(name, border=False):
        yield
        st.form_submit_button(button, on_click=press)
    if answer := st.session_state.pop(result, None):
        draw, message = answer
        draw(text.escape(message))
