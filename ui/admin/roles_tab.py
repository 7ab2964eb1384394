"""Permissions by role, and the API tokens."""

import datetime as dt

import streamlit as st

from trail.accounts import roles
from ui import tables
from ui.page import Context


def draw(ctx: Context) -> None:
    """Draw the permissions and the API tokens."""
    with st.container(border=True, gap="xsmall"):
        st.subheader("Permissions by role", anchor=False)
        _permissions()
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
