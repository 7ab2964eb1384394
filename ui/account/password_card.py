"""Change your own password: requires the current one and ends your other sessions."""

import streamlit as st

from trail.core.errors import InputError
from trail.runtime import process
from ui import own_tokens, text
from ui.account import confirmation, result
from ui.audit import client_address, record_action
from ui.page import Context, acting_user, session_hash

_CARD = "account-password"
_REVOKING = f"{_CARD}-revoking"
_FIELDS = {
    "old": ("Current password", "current-password"),
    "new": ("New password", "new-password"),
    "repeated": ("Repeat the new password", "new-password"),
}


def draw(ctx: Context) -> None:
    """Draw the form."""
    tokens = len(own_tokens.of(ctx.user))
    st.subheader("Password", anchor=False)
    with st.form(_CARD, border=False, clear_on_submit=False):
        for name, (label, purpose) in _FIELDS.items():
            st.text_input(label, type="password", key=f"{_CARD}-{name}", autocomplete=purpose)
        if tokens:
            st.checkbox(f"Revoke my API tokens ({tokens:,})", True, key=_REVOKING)
        st.form_submit_button("Change password", on_click=result.attempt, args=(_CARD, _change))
    result.draw(_CARD)
    st.caption("A new password ends your other sessions.")


def _change() -> str:
    """Change the signed-in user's password; return the message to show."""
    old, new, repeated = (confirmation.taken(f"{_CARD}-{name}") for name in _FIELDS)
    user, runtime = acting_user(), process.current()
    if new != repeated:
        raise InputError("The new passwords do not match.", "Try again.")
    confirmation.confirmation().check_password(user, old, client_address())
    runtime.users.change_password(user.username, old, new)
    version = runtime.users.credentials_digest(user.username)
    runtime.sessions.renew(session_hash(), version)
    record_action("password_set", user, user.username)
    is_revoking = st.session_state.get(_REVOKING)
    revoked = own_tokens.revoke_all("with a new password") if is_revoking else 0
    return "Password changed" + (f", {text.count(revoked, 'API token')} revoked" if revoked else "")
