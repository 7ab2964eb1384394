"""The field that confirms an action with the current password, or a code of the second factor.

At an unattended session, nobody can act without it, nor use it to guess a password.
"""

import streamlit as st

from trail.accounts.confirmation import Confirmation
from trail.accounts.users import User
from trail.runtime import process
from ui.audit import client_address
from ui.page import factors


def confirmation() -> Confirmation:
    """Return the confirmation checks of this server."""
    runtime = process.current()
    return Confirmation(runtime.users, factors(), runtime.throttle)


def draw_field(user: User, key: str) -> None:
    """Draw the field; none for a provider user, who has neither password nor code here."""
    kind = confirmation().kind(user)
    if kind == "code":
        st.text_input(
            "Your current code or a recovery code",
            key=key,
            autocomplete="one-time-code",
            max_chars=64,
        )
    elif kind:
        st.text_input("Your password", type="password", key=key, autocomplete="current-password")


def check(user: User, key: str) -> None:
    """Empty the field; raise `InputError` unless it contains the password or code of *user*."""
    confirmation().check(user, taken(key), client_address())


def taken(key: str) -> str:
    """Return the text of a field and empty it, so that no page shows it afterwards."""
    text = str(st.session_state.get(key, ""))
    st.session_state[key] = ""
    return text
