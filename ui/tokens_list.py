"""API tokens: your own on Account, all of them on Admin; created, shown once, and revoked."""

import datetime as dt
import functools

import streamlit as st

from trail.accounts import roles
from trail.accounts.api_tokens import DEFAULT_DAYS, MAX_DAYS, Token, Tokens
from trail.core.clock import naive_utc
from trail.core.errors import InputError, UnavailableError
from trail.runtime import process
from ui import own_tokens, shown_once, text, url_state
from ui.account import confirmation, result
from ui.audit import record_action
from ui.page import OWN_ACCOUNT, Context, acting_user

_OWN, _ALL = "own-tokens", "all-tokens"
_NEEDED = {_OWN: OWN_ACCOUNT, _ALL: "manage_users"}
_SCOPES = {"read": "Read: /api and /metrics", "export": "Export: downloads"}
_SHOWN = 50


def draw_own(ctx: Context) -> None:
    """Draw the user's tokens and the form for a new one, up to the user's role."""
    covered = [role for role in roles.ROLES if roles.covers(ctx.user.role, role)]
    _draw(ctx, _OWN, own_tokens.of(ctx.user), covered)
    st.caption("A token stops working when your access ends or your role no longer covers it.")


def draw_all(ctx: Context) -> None:
    """Draw all tokens and the form for a new workspace token, for roles that manage users."""
    owners = {user.account: user.username for user in ctx.runtime.users.all()}
    _draw(ctx, _ALL, _tokens().all(), list(roles.ROLES), owners)


def _tokens() -> Tokens:
    tokens = process.current().tokens
    if tokens is None:
        raise UnavailableError("This server has no API tokens.")
    return tokens


def _draw(
    ctx: Context,
    key: str,
    listed: list[Token],
    allowed: list[str],
    owners: dict[str, str] | None = None,
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
    with st.container():  # always, so that the form below stays open when an error appears
        result.draw(key)
    if not shown_once.draw(key):
        with st.expander("New token"):
            _form(ctx, key, allowed)


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
        parts.insert(0, f"owned by {owners.get(token.owner, 'a removed user')}")
    return " · ".join(parts)


def _form(ctx: Context, key: str, allowed: list[str]) -> None:
    with st.form(f"{key}-form", border=False):
        st.text_input("Token name", key=f"{key}-name", max_chars=64, placeholder="ci")
        st.selectbox("Token role", allowed, format_func=str.capitalize, key=f"{key}-role")
        st.multiselect(
            "Scopes", list(_SCOPES), ["read"], format_func=_SCOPES.__getitem__, key=f"{key}-scopes"
        )
        st.number_input(
            "Days until it expires", 1, MAX_DAYS, DEFAULT_DAYS, key=f"{key}-days", width=240
        )
        confirmation.draw_field(ctx.user, f"{key}-confirmation")
        st.form_submit_button(
            "Create token", on_click=result.attempt, args=(key, functools.partial(_create, key))
        )


def _create(key: str) -> str:
    """Create the token described in the form, and show its secret once."""
    user, tokens = acting_user(_NEEDED[key]), _tokens()
    role = str(st.session_state[f"{key}-role"])
    # The form offers covered roles only; a forged message can name any.
    if not roles.covers(user.role, role):
        raise InputError("Your role does not cover this token role.", "Choose another role.")
    name, scopes = str(st.session_state[f"{key}-name"]).strip(), st.session_state[f"{key}-scopes"]
    days = int(st.session_state[f"{key}-days"])
    tokens.check_new(name, role, tuple(scopes), days)  # before a code is used up
    confirmation.check(user, f"{key}-confirmation")
    owner = user.account if key == _OWN else ""
    token, secret = tokens.add(name, role, tuple(scopes), days, dt.datetime.now(dt.UTC), owner)
    about = f"{token.role}, {' and '.join(token.scopes)}, until {token.ends_at[:10]}"
    record_action("token_added", user, token.name, about)
    shown_once.keep(key, secret, f"The secret of the token {token.name}:")
    return ""


def _revoke(key: str, name: str) -> str:
    """Revoke a token; on Account, only one of the user's own."""
    user, tokens = acting_user(_NEEDED[key]), _tokens()
    if key == _OWN and name not in {token.name for token in own_tokens.of(user)}:
        raise InputError("This is not your token.", "Ask an owner.")
    tokens.revoke(name)
    record_action("token_revoked", user, name)
    return f"Token {name} revoked"
