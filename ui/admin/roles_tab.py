"""Permissions by role, and the API tokens."""

import streamlit as st

from trail.accounts import roles
from ui import tables, tokens_list
from ui.page import Context


def draw(ctx: Context) -> None:
    """Draw the permissions and the API tokens."""
    with st.container(border=True, gap="xsmall"):
        st.subheader("Permissions by role", anchor=False)
        _permissions()
    with st.container(border=True, gap="xsmall"):
        st.subheader("API tokens", anchor=False)
        tokens_list.draw_all(ctx)


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
