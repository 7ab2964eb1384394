"""What each role may do, who has it, and which tokens ask without a person."""

import datetime as dt

import pandas as pd
import streamlit as st

from trail import roles
from ui import tables
from ui.page import Context


def draw(ctx: Context) -> None:
    """Draw the table of roles, the users and the tokens."""
    with st.container(border=True, gap="xsmall"):
        st.subheader("What each role may do", anchor=False)
        _capabilities()
    with st.container(border=True, gap="xsmall"):
        st.subheader("Users", anchor=False)
        _users(ctx)
    with st.container(border=True, gap="xsmall"):
        st.subheader("API tokens", anchor=False)
        _tokens(ctx)


def _capabilities() -> None:
    shown: dict[str, list[str]] = {"May": [words for words, _ in roles.CAPABILITIES.values()]}
    for role in roles.ROLES:
        shown[role.capitalize()] = [
            "✓ yes" if role in allowed else "– no" for _, allowed in roles.CAPABILITIES.values()
        ]
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        **tables.height(len(roles.CAPABILITIES), len(roles.CAPABILITIES)),
        alt="What each role may do",
    )


def _users(ctx: Context) -> None:
    found = ctx.runtime.users.all()
    st.dataframe(
        pd.DataFrame(
            {
                "Username": [user.username for user in found],
                "Name": [user.name for user in found],
                "Role": [user.role.capitalize() for user in found],
            }
        ),
        hide_index=True,
        alt="Users",
    )
    st.caption("Added and removed on the server: `python -m trail users`")
    if ctx.runtime.settings.auth.by_provider:
        st.caption("Who signs in with the provider is not listed: the provider says who has a role")


def _tokens(ctx: Context) -> None:
    now = dt.datetime.now(dt.UTC)
    found = ctx.runtime.tokens.all() if ctx.runtime.tokens else []
    if not found:
        st.text("There is no token.")
    else:
        st.dataframe(
            pd.DataFrame(
                {
                    "Name": [token.name for token in found],
                    "Role": [token.role.capitalize() for token in found],
                    "For": [" and ".join(token.scopes) for token in found],
                    "Until (UTC)": [
                        f"{token.ends_at[:10]}{' ▲ expired' if token.over(now) else ''}"
                        for token in found
                    ],
                    "Last used": [token.used_on or "Never" for token in found],
                }
            ),
            hide_index=True,
            alt="API tokens",
        )
    st.caption("Made and revoked on the server: `python -m trail tokens`")
