"""Secrets that are shown once, for ten minutes, in the browser session that created them."""

import time

import streamlit as st

from ui import text

SECONDS = 600.0


def keep(key: str, secret: str, about: str) -> None:
    """Keep *secret* and its description *about* for `draw` with the same *key*."""
    st.session_state[f"{key}-once"] = (secret, about, time.time() + SECONDS)


def draw(key: str) -> bool:
    """Draw the secret kept under *key* with a button to copy it; return whether there is one."""
    kept = st.session_state.get(f"{key}-once")
    if kept is None:
        return False
    secret, about, until = kept
    if (left := until - time.time()) <= 0:
        del st.session_state[f"{key}-once"]
        return False
    with st.container(border=True, gap="xsmall", key=f"{key}-once-card"):
        st.text(about)
        st.code(secret, language=None, wrap_lines=True)
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.caption(f"Shown once, for another {text.duration(left)}", width="content")
            st.button("Done", key=f"{key}-once-done", on_click=_forget, args=(key,))
    return True


def _forget(key: str) -> None:
    st.session_state.pop(f"{key}-once", None)
