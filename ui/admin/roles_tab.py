"""Permissions by role, the users, and the API tokens."""

import datetime as dt

import streamlit as st

from trail.accounts import roles
from ui import forms, own_activity, tables, text
from ui.audit import record_action
from ui.page import Context

_USER, _ACTORS = "link-user", "link-actors"


def draw(ctx: Context) -> None:
    """Draw the permissions, the users and the API tokens."""
    with st.container(border=True, gap="xsmall"):
        st.subheader("Permissions by role", anchor=False)
        _permissions()
    with st.container(border=True, gap="xsmall"):
        st.subheader("Users", anchor=False)
        _users(ctx)
    with st.container(border=True, gap="xsmall"):
        st.subheader("API tokens", anchor=False)
        _tokens(ctx)


def _permissions() -> None:
    rows = roles.CAPABILITIES.values()
    by_role = {
        role.capitalize(): ["✓ yes" if role in allowed else "– no" for _, allowed in rows]
        for role in roles.ROLES
    }
    tables.draw(
        {"Permission": [label for label, _ in rows], **by_role},
        "Permissions by role",
        visible=len(rows),
    )


def _users(ctx: Context) -> None:
    users = ctx.runtime.users.all()
    tables.draw(
        {
            "Username": [user.username for user in users],
            "Name": [user.name for user in users],
            "Role": [user.role.capitalize() for user in users],
            "Segment actors": [", ".join(user.actors) or "Not linked" for user in users],
        },
        "Users",
    )
    if unlinked := [user.username for user in users if user.may("decide") and not user.actors]:
        st.text(
            f"▲ {text.count(len(unlinked), 'account')} that can review without a linked actor: "
            f"{', '.join(unlinked)}. Without a link, {own_activity.UNLINKED}."
        )
    with st.expander("Link an account"):
        _link_form(ctx, [user.username for user in users])
    st.caption("Manage users on the server: `python -m trail users`")
    if ctx.runtime.settings.auth.by_provider:
        st.caption(
            "Users of the identity provider are not listed: the provider decides who has a role. "
            f"Its claim `{ctx.runtime.settings.auth.oidc_actor_claim}` links them to actors; "
            f"without it, {own_activity.UNLINKED}."
        )


def _link_form(ctx: Context, usernames: list[str]) -> None:
    with forms.form("link", "Save link", lambda: _link(ctx), (_ACTORS,)):
        st.selectbox("User", usernames, key=_USER)
        st.text_input(
            "Actor IDs, separated by commas; empty removes the link",
            placeholder="users/abc123",
            key=_ACTORS,
        )


def _link(ctx: Context) -> str:
    username = st.session_state[_USER]
    actors = [part for part in st.session_state[_ACTORS].replace(",", " ").split() if part]
    ctx.runtime.users.set_actors(username, actors)
    record_action("linked", ctx.user, username, ", ".join(actors))
    return f"{username} is linked to {', '.join(actors) or 'no actor'}"


def _tokens(ctx: Context) -> None:
    now = dt.datetime.now(dt.UTC)
    tokens = ctx.runtime.tokens.all() if ctx.runtime.tokens else []
    if tokens:
        tables.draw(
            {
                "Name": [token.name for token in tokens],
                "Role": [token.role.capitalize() for token in tokens],
                "Scopes": [", ".join(token.scopes) for token in tokens],
                "Expires (UTC)": [
                    f"{token.ends_at[:10]}{' ▲ expired' if token.is_expired(now) else ''}"
                    for token in tokens
                ],
                "Last used": [token.used_on or "Never" for token in tokens],
            },
            "API tokens",
        )
    else:
        st.text("No API tokens")
    st.caption("Manage API tokens on the server: `python -m trail tokens`")
