"""Sign-in with an OpenID provider: the button of the form, and the result of the redirect.

Streamlit redirects the browser to the provider and returns the claims, which start one session.
"""

import time
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trail.access_log import log
from trail.accounts import oidc
from trail.accounts.oidc import RefusedError
from trail.accounts.users import User
from trail.runtime import process
from trail.web.guard import ADDRESS_HEADER
from trail.web.oidc_gate import PROBLEM, REJECTED, UNREACHABLE
from ui import text

NEXT_KEY = "trail-next"  # key of the requested address in the browser's session storage
_PROBLEMS = {
    UNREACHABLE: "The identity provider is unreachable. Try again in a minute or ask an owner.",
    REJECTED: "The sign-in failed. Try again or ask an owner of this workspace.",
}
_STORE_ADDRESS = Path(__file__).with_name("remember_address.js").read_text(encoding="utf-8")


def draw(message: DeltaGenerator) -> tuple[User, str] | None:
    """Draw the button; after the redirect, return the user and the single-use proof.

    Errors are shown in *message*.
    """
    label = text.escape(process.current().settings.auth.oidc_label)
    if st.button(f"Sign in with {label}", type="primary", width="stretch"):
        st.login()
    if st.user.to_dict().get("is_logged_in"):
        try:
            return _verified_user()
        except RefusedError as refusal:
            _record_refusal(refusal)
            message.error(str(refusal))
    elif problem := _PROBLEMS.get(st.query_params.get(PROBLEM, "")):
        message.error(problem)
    else:
        # The redirect ends at `/`, which must not replace the stored address.
        store = st.components.v2.component("trail_keep", js=_STORE_ADDRESS)
        store(key="trail-keep", data={"key": NEXT_KEY})
    return None


def _verified_user() -> tuple[User, str]:
    runtime = process.current()
    user, proof = oidc.verify_claims(st.user.to_dict(), runtime.settings.auth, time.time())
    if runtime.sessions.is_used(proof):
        raise RefusedError("used already", "This sign-in was already used.", "Sign in again.")
    return user, proof


def _record_refusal(refusal: RefusedError) -> None:
    log.record(
        "sign_in_refused",
        refusal.username,
        what=f"by provider: {refusal.reason}",
        address=st.context.headers.get(ADDRESS_HEADER, "unknown"),
        merge=True,
    )
