"""The second step of the sign-in: the code of an authenticator app, or a recovery code.

If any user has a second factor, a wrong password leads here too, and then every code fails: only
someone with both learns that the password was right, and nobody learns who has a second factor.
"""

import time
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trail.access_log import log
from trail.accounts.confirmation import Confirmation
from trail.accounts.login_throttle import FREE_CODES, wait_message
from trail.accounts.second_factors import SecondFactors
from trail.runtime import process
from trail.web.guard import ADDRESS_HEADER

WRONG = "Sign-in failed: check the username, the password and the code."
_HELD, _CODE = "sign-in-held", "sign-in-code"
_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Held:
    """A completed first step: the user, and whether the password was right.

    It is in the server's memory for the tab, which browser messages cannot change.
    """

    username: str
    has_password: bool


def hold(held: Held) -> None:
    """Request the code as the next step."""
    digest = process.current().users.credentials_digest(held.username)
    st.session_state[_HELD] = (held, digest, time.time() + _SECONDS)
    st.rerun()


def is_held() -> bool:
    """Return whether the code is the next step."""
    if _HELD in st.session_state and time.time() > st.session_state[_HELD][2]:
        del st.session_state[_HELD]
    return _HELD in st.session_state


def draw(message: DeltaGenerator) -> str:
    """Draw the form; return the username once password and code are right, else ""."""
    st.text(
        "Enter the code from your authenticator app, or a recovery code. If you have no second "
        "factor, the username or the password was wrong."
    )
    with st.form(_CODE):
        code = st.text_input("Code", autocomplete="one-time-code", max_chars=64)
        pressed = st.form_submit_button("Sign in")
    # Shown to everybody: a message about a delay would reveal that the password was right.
    st.html(
        f'<div class="note">After {FREE_CODES} wrong codes in a row, only recovery codes are '
        "accepted for a minute. The delay doubles with each further wrong code, up to a day.</div>"
    )
    st.button("Back", on_click=lambda: st.session_state.pop(_HELD, None), type="tertiary")
    if not pressed:
        return ""
    held, digest, _ = st.session_state[_HELD]
    refusal = _refusal(held, digest, code)
    if refusal:
        message.error(refusal)
        return ""
    del st.session_state[_HELD]
    return str(held.username)


def _refusal(held: Held, digest: str, code: str) -> str:
    """Use up *code*; return why the sign-in failed, or an empty string."""
    runtime, address = process.current(), st.context.headers.get(ADDRESS_HEADER, "unknown")
    # Counted like password attempts, so that codes cannot be guessed.
    if seconds := runtime.throttle.admit(held.username, address):
        return wait_message(seconds)
    user = runtime.users.get(held.username) if held.has_password else None
    factors = SecondFactors(runtime.users, runtime.settings)
    confirmation = Confirmation(runtime.users, factors, runtime.throttle)
    is_right = confirmation.is_code_of(user, code)
    # The password or role may have changed since the first step.
    if is_right and runtime.users.credentials_digest(held.username) == digest:
        runtime.throttle.record_success(held.username, address, attempts=2)
        return ""
    if held.has_password:
        log.record("sign_in_refused", held.username, what="wrong code", address=address, merge=True)
    return WRONG
