"""The part of the sign-in form for a provider: its button, and what became of a try.

Separate from the form of passwords because the two have nothing in common: here Streamlit sends
the browser away and brings claims back, which count once, as a way to a session of ours.
"""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trail.access_log import log
from trail.accounts import oidc
from trail.accounts.oidc import RefusedError
from trail.accounts.users import User
from trail.runtime import process
from trail.web.guard import ADDRESS_HEADER
from trail.web.oidc_gate import PROBLEM, UNBELIEVED, UNREACHABLE
from ui import text

KEPT = "trail-next"  # where the browser keeps the address that was asked for
_PROBLEMS = {
    UNREACHABLE: "The provider cannot be reached. Try again in a minute, or ask an owner.",
    UNBELIEVED: "The sign-in did not come through. Try again, or ask an owner of this workspace.",
}
_KEEP = f"""
export default function () {{
  const here = window.location.pathname + window.location.search;
  window.sessionStorage.setItem("{KEPT}", here);
}}
"""


def offer(told: DeltaGenerator) -> tuple[User, str] | None:
    """Draw the button; return whom the provider vouches for, and the proof, once it has.

    *told* takes what went wrong.
    """
    label = text.escape(process.current().settings.auth.oidc_label)
    if st.button(f"Sign in with {label}", type="primary", width="stretch"):
        st.login()
    if st.user.to_dict().get("is_logged_in"):
        try:
            return _judged()
        except RefusedError as refusal:
            _note(refusal)
            told.error(str(refusal))
    elif problem := _PROBLEMS.get(st.query_params.get(PROBLEM, "")):
        told.error(problem)
    else:
        # The way back always ends at `/`, where nothing may be kept over this.
        st.components.v2.component("trail_keep", js=_KEEP)(key="trail-keep")
    return None


def _judged() -> tuple[User, str]:
    now = process.current()
    user, proof = oidc.judge(st.user.to_dict(), now.settings.auth, time.time())
    if now.sessions.is_used(proof):
        raise RefusedError("used already", "This sign-in was used already.", "Sign in once more.")
    return user, proof


def _note(refusal: RefusedError) -> None:
    log.note(
        "sign_in_refused",
        refusal.username,
        what=f"by provider: {refusal.reason}",
        address=st.context.headers.get(ADDRESS_HEADER, "unknown"),
        together=True,
    )
