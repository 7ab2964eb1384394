"""The risk of each action, its change history, and the form by which an owner changes it."""

from typing import Any

import streamlit as st

from trail.findings import risks
from ui import tables, text, url_state
from ui.audit import record_action
from ui.page import Context, acts

_MAX_CHANGES = 200
_DEFAULT = "default"
_REASON = "risk-why"


def draw(ctx: Context) -> None:
    """Draw the current risks, the form that changes one, and the change history."""
    store = ctx.runtime.store
    st.caption(
        "A finding scores higher when the risk of its action is higher (0 to 10). Changing a risk "
        "rescores all retained days; each finding shows the version it was scored with."
    )
    rows, changes = risks.current(store), risks.history(store)
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, gap="xsmall"):
        st.subheader("Current risks", anchor=False)
        _current(rows)
    with right:
        if ctx.user.may("configure"):
            with st.container(border=True, gap="xsmall"):
                st.subheader("Change a risk", anchor=False)
                _form(ctx, rows)
        with st.container(border=True, gap="xsmall"):
            st.subheader("Change history", anchor=False)
            _history(changes)


def _current(rows: list[dict[str, Any]]) -> None:
    search = st.text_input("Search actions", placeholder="Search", label_visibility="collapsed")
    shown = [row for row in rows if search.strip().casefold() in row["action"].casefold()]
    if not shown:
        st.text("No matching actions")
        return
    tables.draw(
        {
            "Action": [row["action"] for row in shown],
            "Risk": [row["risk"] for row in shown],
            "Default": [row["catalogue"] for row in shown],
            "Changed in": [f"Version {row['version']}" if row["version"] else "" for row in shown],
        },
        "Risk of each action",
        visible=12,
    )
    st.caption(text.count(len(shown), "action"))


def _form(ctx: Context, rows: list[dict[str, Any]]) -> None:
    by_name = {row["action"]: row for row in rows}
    action = st.selectbox("Action", sorted(by_name), key="risk-action", format_func=text.escape)
    current = by_name[action]
    # A key per action and version, so that the field starts at the current risk.
    key = f"risk-{action}-{current['version']}"
    st.number_input("Risk", 0, 10, current["risk"], key=key)
    st.text_input("Reason", key=_REASON, max_chars=300)
    left, right = st.columns(2)
    left.button(
        "Set risk",
        type="primary",
        on_click=_change,
        args=(ctx, action, current["risk"], key),
        width="stretch",
    )
    right.button(
        "Reset to default",
        on_click=_change,
        args=(ctx, action, current["risk"], None),
        disabled=current["version"] is None,
        width="stretch",
    )


@acts("configure")
def _change(ctx: Context, action: str, before: int, key: str | None) -> None:
    """Set the risk of *action* to the value of the widget *key*, or to the default without one."""
    risk = int(st.session_state[key]) if key else None
    risks.set_risk(ctx.runtime.store, action, risk, st.session_state[_REASON], ctx.user.username)
    value = str(risk) if key else _DEFAULT
    record_action("settings", ctx.user, f"risk of {action}", f"{before} → {value}")
    st.session_state[_REASON] = ""
    st.toast(text.escape(f"{action}: {value}"), duration="long")


def _history(changes: list[dict[str, Any]]) -> None:
    if not changes:
        st.text("All risks have their default value")
        return
    zone = url_state.timezone()
    for row in changes[:_MAX_CHANGES]:
        risk = _DEFAULT if row["risk"] is None else row["risk"]
        st.text(
            f"Version {row['version']}: {row['action']} {risk}\n{row['reason']} "
            f"({row['made_by']}, {text.timestamp(row['made_at'], zone)})"
        )
    if len(changes) > _MAX_CHANGES:
        st.caption(f"{len(changes) - _MAX_CHANGES:,} earlier changes are not shown.")
