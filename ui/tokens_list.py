"""API tokens: the own ones on Account, all of them on Admin; made, shown once, and revoked."""

import datetime as dt
import functools

import streamlit as st

from trail.accounts import roles
from trail.accounts.api_tokens import DEFAULT_DAYS, MAX_DAYS, Token, Tokens
from trail.core.clock import naive_utc
from trail.core.errors import InputError, UnavailableError
from trail.runtime import process
from ui import shown_once, text, url_state
from ui.account import result
from ui.audit import record_action
from ui.page import OWN_ACCOUNT, Context, acting_user

_OWN, _ALL = "own-tokens", "all-tokens"
_NEEDED = {_OWN: OWN_ACCOUNT, _ALL: "manage_users"}
_SCOPES = {"read": "Read: /api and /metrics", "export": "Export: downloads"}
_SHOWN = 50


def draw_own(ctx: Context) -> None:
    """Draw the tokens of the user and the form of a new one, of at most the role of the user."""
    listed = [token for token in _tokens().all() if token.owner == ctx.user.account]
    covered = [role for role in roles.ROLES if roles.covers(ctx.user.role, role)]
    _draw(_OWN, listed, covered)
    st.caption("A token stops working when your access ends or your role no longer covers it.")


def draw_all(ctx: Context) -> None:
    """Draw all tokens and the form of a new one of the workspace, for those who manage users."""
    owners = {user.account: user.username for user in ctx.runtime.users.all()}
    _draw(_ALL, _tokens().all(), list(roles.ROLES), owners)


def _tokens() -> Tokens:
    tokens = process.current().tokens
    if tokens is None:
        raise UnavailableError("This server has no API tokens.")
    return tokens


def _draw(
    key: str, listed: list[Token], allowed: list[str], owners: dict[str, str] | None = None
) -> None:
    if not listed:
        st.text("No API tokens")
    for token in listed[:_SHOWN]:
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            with st.container(gap=None, width="content"):
                st.text(token.name)
                st.caption(text.escape(_about(token, owners)))
            st.button(
                "Revoke",
                key=f"{key}-revoke-{token.name}",
                on_click=result.attempt,
                args=(key, functools.partial(_revoke, key, token.name)),
            )
    if len(listed) > _SHOWN:
        st.caption(f"{len(listed) - _SHOWN:,} more: `python -m trail tokens list`")
    result.draw(key)
    if not shown_once.draw(key):
        with st.expander("New token"):
            _form(key, allowed)


def _about(token: Token, owners: dict[str, str] | None) -> str:
    now = dt.datetime.now(dt.UTC)
    end = naive_utc(dt.datetime.fromisoformat(token.ends_at))
    expiry = "expired" if token.is_expired(now) else "until"
    parts = [
        token.role.capitalize(),
        " and ".join(token.scopes),
        f"{expiry} {text.short_timestamp(end, url_state.timezone())}",
        f"last used {token.used_on} (UTC)" if token.used_on else "never used",
    ]
    if owners is not None and token.owner:
        parts.insert(0, f"of {owners.get(token.owner, 'a removed user')}")
    return " · ".join(parts)


def _form(key: str, allowed: list[str]) -> None:
    with st.form(f"{key}-form", border=False):
        st.text_input("Token name", key=f"{key}-name", max_chars=64, placeholder="ci")
        st.selectbox("Token role", allowed, format_func=str.capitalize, key=f"{key}-role")
        st.multiselect(
            "Scopes", list(_SCOPES), ["read"], format_func=_SCOPES.__getitem__, key=f"{key}-scopes"
        )
        st.number_input(
            "Days until it expires", 1, MAX_DAYS, DEFAULT_DAYS, key=f"{key}-days", width=240
        )
        st.form_submit_button(
            "Create token", on_click=result.attempt, args=(key, functools.partial(_create, key))
        )


def _create(key: str) -> str:
    """Create the token of the form, and show its secret once."""
    user, tokens = acting_user(_NEEDED[key]), _tokens()
    role = str(st.session_state[f"{key}-role"])
    # The form offers no other; a forged message can.
    if not roles.covers(user.role, role):
        raise InputError("Your role does not cover the role of this token.", "Choose another one.")
    token, secret = tokens.add(
        str(st.session_state[f"{key}-name"]).strip(),
        role,
        tuple(st.session_state[f"{key}-scopes"]),
        int(st.session_state[f"{key}-days"]),
        dt.datetime.now(dt.UTC),
        owner=user.account if key == _OWN else "",
    )
    about = f"{token.role}, {' and '.join(token.scopes)}, until {token.ends_at[:10]}"
    record_action("token_added", user, token.name, about)
    shown_once.keep(key, secret, f"The secret of the token {token.name}:")
    return ""


def _revoke(key: str, name: str) -> str:
    """Revoke a token; on Account, only one of the user."""
    user, tokens = acting_user(_NEEDED[key]), _tokens()
    of_user = {token.name for token in tokens.all() if token.owner == user.account}
    if key == _OWN and name not in of_user:
        raise InputError("This is not your token.", "Ask an owner.")
    tokens.revoke(name)
    record_action("token_revoked", user, name)
    return f"Token {name} is revoked"
