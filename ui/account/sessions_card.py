"""The sessions of the user: where they are signed in, with a button that ends each."""

import datetime as dt
import functools

import streamlit as st

from trail.accounts.session_file import Session
from trail.accounts.sessions import ENDED, user_sessions
from trail.core.clock import naive_utc
from trail.core.errors import InputError
from trail.runtime import process
from ui import own_tokens, text, url_state
from ui.account import result
from ui.audit import record_action
from ui.page import Context, acting_user, session_hash

_CARD = "account-sessions"
_SHOWN = 20


def draw(ctx: Context) -> None:
    """Draw a row for each session, most recently used first."""
    st.subheader("Sessions", anchor=False)
    sessions = user_sessions(ctx.runtime.sessions, ctx.runtime.users, ctx.user.username)
    here = session_hash()
    for number, (key, session) in enumerate(list(sessions.items())[:_SHOWN]):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            with st.container(gap=None, width="content"):
                st.text(session.browser or "Unknown browser")
                st.caption(text.escape(_about(session)))
            if key == here:
                st.text("✓ This session", width="content")
            else:
                st.button(
                    "End session",
                    key=f"{_CARD}-end-{number}",
                    on_click=result.attempt,
                    args=(_CARD, functools.partial(_end, key)),
                )
    if len(sessions) > _SHOWN:
        st.caption(f"{len(sessions) - _SHOWN:,} more are not shown.")
    result.draw(_CARD)
    st.button("Sign out everywhere", on_click=result.attempt, args=(_CARD, _end_all))
    tokens = len(own_tokens.of(ctx.user))
    revoked = f", and revokes your API tokens ({tokens:,})" if tokens else ""
    st.caption(f"Ends all sessions, including this one{revoked}.")


def _about(session: Session) -> str:
    zone = url_state.timezone()
    used = naive_utc(dt.datetime.fromtimestamp(session.seen, dt.UTC))
    began = naive_utc(dt.datetime.fromtimestamp(session.started, dt.UTC))
    parts = [session.address, f"last used {text.short_timestamp(used, zone)}"]
    parts.append(f"signed in {text.short_timestamp(began, zone)}")
    return " · ".join(part for part in parts if part)


def _end(key: str) -> str:
    """End one session of the signed-in user."""
    user, sessions = acting_user(), process.current().sessions
    if key not in sessions.of_user(user.username):
        raise InputError("This session has already ended.")
    sessions.end_hash(key, ENDED)
    record_action("session_ended", user, "signed out from another browser")
    return "Session ended"


def _end_all() -> str:
    """End all sessions of the signed-in user, this one last, and revoke the user's API tokens.

    After the loss of a device or a password, its sessions and tokens must not work.
    """
    user, sessions = acting_user(), process.current().sessions
    record_action("session_ended", user, "signed out everywhere")
    own_tokens.revoke_all("signed out everywhere")
    for key in sorted(sessions.of_user(user.username), key=lambda key: key == session_hash()):
        sessions.end_hash(key, ENDED)
    return ""
