"""The warning that the clock stopped retention and sealing, and the owner's confirmation."""

import streamlit as st

from trail.core.clock import utc_now
from trail.integrity import clock_check
from trail.integrity.clock_check import Moments
from ui import text
from ui.audit import record_action
from ui.page import Context, current_user


def show(ctx: Context) -> None:
    """Draw the warning if the clock is implausible; the demo workspace has none."""
    if not ctx.runtime.demo and not (moments := _moments(ctx)).plausible:
        st.error(text.escape(moments.text()), icon=":material/history:")


def ask(ctx: Context) -> None:
    """Draw the warning and the confirmation if the clock is implausible."""
    if (moments := _moments(ctx)).plausible:
        return
    with st.container(border=True, gap="xsmall"):
        st.subheader("Is the clock right?", anchor=False)
        st.text(f"▲ {moments.text()}")
        with st.container(horizontal=True, vertical_alignment="center"):
            sure = st.checkbox("I have compared the clock with another one", key="clock-sure")
            st.button(
                "Confirm the clock",
                key="clock-confirm",
                disabled=not sure,
                on_click=_confirm,
                args=(ctx, moments),
            )


def _moments(ctx: Context) -> Moments:
    return clock_check.moments(ctx.runtime.store, utc_now())


def _confirm(ctx: Context, shown: Moments) -> None:
    user = current_user()
    if user is None or not user.may("configure"):
        st.toast("Only an owner can confirm the clock.")
        return
    clock_check.confirm(ctx.runtime.store, shown)
    record_action("clock_confirmed", user, "Admin page", shown.times())
    ctx.runtime.schedule.run_now("seals")
    st.toast("The clock is confirmed. Retention and sealing go on.")
