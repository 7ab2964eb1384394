"""Change the own password: asks for the current one, and ends the other sessions."""

import streamlit as st

from trail.accounts.login_throttle import wait_message
from trail.core.errors import InputError
from trail.runtime import process
from ui.account import result
from ui.audit import client_address, record_action
from ui.page import acting_user, session_hash

_CARD = "account-password"
_FIELDS = {
    "old": ("Current password", "current-password"),
    "new": ("New password", "new-password"),
    "repeated": ("Repeat the new password", "new-password"),
}


def draw() -> None:
    """Draw the form."""
    st.subheader("Password", anchor=False)
    with st.form(_CARD, border=False, clear_on_submit=False):
        for name, (label, purpose) in _FIELDS.items():
            st.text_input(label, type="password", key=f"{_CARD}-{name}", autocomplete=purpose)
        st.form_submit_button("Change password", on_click=result.attempt, args=(_CARD, _change))
    result.draw(_CARD)
    st.caption("Your other sessions end.")


def _change() -> str:
    """Change the password of whoever is signed in; return what to say."""
    old, new, repeated = (str(st.session_state[f"{_CARD}-{name}"]) for name in _FIELDS)
    st.session_state.update({f"{_CARD}-{name}": "" for name in _FIELDS})
    user, runtime = acting_user(), process.current()
    if new != repeated:
        raise InputError("The two new passwords differ.", "Try again.")
    # As for sign-in: a session that somebody left open must not serve to guess the password.
    if seconds := runtime.throttle.admit(user.username, client_address()):
        raise InputError(wait_message(seconds))
    runtime.users.change_password(user.username, old, new)
    runtime.throttle.record_success(user.username, client_address())
    version = runtime.users.credentials_digest(user.username)
    runtime.sessions.renew(session_hash(), version)
    record_action("password_set", user, user.username)
    return "Password changed"
