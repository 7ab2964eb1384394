"""Sign-off of a period: the form, the evidence pack, and the signed periods."""

import datetime as dt

import streamlit as st

from trail.evidence import certificate, period, sign_off
from trail.findings import sign_offs
from trail.findings.sign_offs import Signoff
from trail.storage.filters import Filter
from ui import forms, own_activity, seal_text, text
from ui.audit import record_action
from ui.page import Context, acting_user
from ui.slow_read import SlowRead

_REASON = "sign-off-reason"


def draw(ctx: Context, filter_: Filter) -> None:
    """Draw the sign-off of the days of *filter_* that can be signed, and the signed periods."""
    if ctx.user.may("sign_off"):
        with st.container(border=True, gap="small"):
            _form(ctx, filter_)
    with st.container(border=True, gap="small"):
        st.header("Evidence for an auditor", anchor=False)
        st.text(
            "One ZIP file with the events of this period, their seals, decisions, sign-offs and "
            "coverage gaps, and a program that verifies them without this server."
        )
        st.text(seal_text.status(ctx))
        st.link_button(
            "Download evidence pack", period.address(filter_), icon=":material/inventory_2:"
        )
    with st.container(border=True, gap="small"):
        _signed(ctx)


def _form(ctx: Context, filter_: Filter) -> None:
    store, settings, now = ctx.runtime.store, ctx.runtime.settings, dt.datetime.now(dt.UTC)
    drafted = sign_off.draft(ctx.store, settings, filter_, now)

    def sign() -> str:
        user = acting_user("sign_off")
        number = sign_off.sign(
            store,
            settings,
            filter_,
            now,
            st.session_state[_REASON],
            user.username,
            own_activity.actor_ids(ctx),
            user.name,
        )
        record_action("signed_off", user, f"sign-off {number}", filter_.query())
        return f"Sign-off {number} recorded"

    st.header("Sign off this period", anchor=False)
    st.text(drafted.days.sentence())
    if not drafted.period:
        return
    st.text(
        f"{text.count(drafted.events, 'event')}, {text.count(len(drafted.findings), 'finding')}, "
        f"{drafted.undecided:,} undecided. You sign as {ctx.user.name}."
    )
    own_activity.draw_hint(ctx)
    with forms.form("sign", "Sign off", sign, (_REASON,)):
        st.text_input(
            "Reason for signing off with undecided findings"
            if drafted.undecided
            else "Comment (optional)",
            key=_REASON,
        )


def _signed(ctx: Context) -> None:
    st.header("Signed periods", anchor=False)
    store = ctx.store
    # Each is compared with the events of its period, which may be archived.
    with SlowRead(SlowRead.place(), "signed periods", "sign-offs") as reading:
        reading.step("comparison")
        rows = sign_offs.signoffs(store, dt.datetime.now(dt.UTC))
        if not rows:
            st.text("No signed periods")
        workspace = certificate.workspace_of(store, ctx.runtime.settings)
        for row in rows:
            _row(row, workspace)


def _row(row: Signoff, workspace: str) -> None:
    """Draw one signed period, in the texts of its certificate."""
    view = certificate.view(row, workspace)
    with st.container(border=True, gap="small"):
        mark = "✓" if view["unchanged"] else "▲"
        st.text(f"{view['number']} · {view['period']} · {mark} {view['status']}")
        st.text("\n".join([view["summary"], *view["changes"], *filter(None, [view["again"]])]))
        with st.container(horizontal=True):
            for file_format in ("pdf", "html", "json"):
                st.link_button(
                    f"Certificate, {file_format.upper()}",
                    certificate.address(row, file_format),
                    key=f"certificate-{row.signoff_id}-{file_format}",
                )
            st.link_button(
                "Evidence pack",
                period.address_of_signed(row.signoff_id),
                key=f"pack-{row.signoff_id}",
            )
