"""How risky each action counts, who changed that and why; an owner changes it here."""

from typing import Any

import pandas as pd
import streamlit as st

from trail.errors import TrailError
from trail.findings import risks
from ui import tables, text, url_state
from ui.audit import record_action
from ui.page import Context

_MOST_ROWS = 12
_MOST_VERSIONS = 200


def draw(ctx: Context) -> None:
    """Draw the risks in force, the form that changes one, and every change so far."""
    store = ctx.runtime.store
    st.caption(
        "The points of an unusual change grow with the risk of its action, from 0 to 10. A change "
        "of a risk scores all kept days anew; each finding says by which version it was scored."
    )
    found, changes = risks.table(store), risks.history(store)
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, gap="xsmall"):
        st.subheader("Risks in force", anchor=False)
        _in_force(found)
    with right:
        if ctx.user.may("configure"):
            with st.container(border=True, gap="xsmall"):
                st.subheader("Change one", anchor=False)
                _form(ctx, found)
        with st.container(border=True, gap="xsmall"):
            st.subheader("Changes so far", anchor=False)
            _history(changes)


def _in_force(found: list[dict[str, Any]]) -> None:
    asked = st.text_input(
        "Find an action", placeholder="Find an action", label_visibility="collapsed"
    )
    shown = [row for row in found if asked.strip().casefold() in row["action"].casefold()]
    if not shown:
        st.text("No action has that in its name.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Action": [row["action"] for row in shown],
                "Risk": [row["risk"] for row in shown],
                "As shipped": [row["catalogue"] for row in shown],
                "Changed": [f"version {row['version']}" if row["version"] else "" for row in shown],
            }
        ),
        hide_index=True,
        **tables.height(len(shown), _MOST_ROWS),
        alt="The risk of each action",
    )
    st.caption(text.count(len(shown), "action"))


def _form(ctx: Context, found: list[dict[str, Any]]) -> None:
    by_name = {row["action"]: row for row in found}
    action = st.selectbox("Action", sorted(by_name), key="risk-action", format_func=text.escape)
    now = by_name[action]
    # Its own key for each action, so that the number begins at the risk in force.
    key = f"risk-{action}-{now['version']}"
    st.number_input("Risk", 0, 10, now["risk"], key=key)
    st.text_input("Why", key="risk-why", max_chars=300)
    left, right = st.columns(2)
    left.button(
        "Set the risk", type="primary", on_click=_put, args=(ctx, action, key), width="stretch"
    )
    right.button(
        "Back to as shipped",
        on_click=_put,
        args=(ctx, action, None),
        disabled=now["version"] is None,
        width="stretch",
    )


def _put(ctx: Context, action: str, key: str | None) -> None:
    risk = int(st.session_state[key]) if key else None
    try:
        risks.put(ctx.runtime.store, action, risk, st.session_state["risk-why"], ctx.user.username)
    except TrailError as problem:
        st.toast(text.escape(str(problem)), duration="long")
        return
    told = f"{risk}" if key else "as shipped"
    record_action("settings", ctx.user, f"risk of {action}", told)
    st.session_state["risk-why"] = ""
    st.toast(text.escape(f"{action}: {told}"), duration="long")


def _history(changes: list[dict[str, Any]]) -> None:
    if not changes:
        st.text("Every risk is as shipped.")
        return
    zone = url_state.timezone()
    for row in changes[:_MOST_VERSIONS]:
        risk = "as shipped" if row["risk"] is None else row["risk"]
        st.text(
            f"Version {row['version']}: {row['action']} {risk}\n{row['reason']} "
            f"({row['made_by']}, {text.timestamp(row['made_at'], zone)})"
        )
    if len(changes) > _MOST_VERSIONS:
        st.caption(f"{len(changes) - _MOST_VERSIONS:,} earlier changes are not shown.")
