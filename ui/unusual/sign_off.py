"""Signing a period: what is signed, what is missing, and the signatures so far."""

import datetime as dt
import json

import streamlit as st

from trail import directory, reviews
from trail.errors import TrailError
from trail.evidence import period
from trail.filters import Filter
from trail.findings.model import Finding
from trail.queries import counts
from ui import seal_text, text
from ui.audit import record_action
from ui.page import Context
from ui.unusual.finding_detail import own_ids


def draw(ctx: Context, filter_: Filter, found: list[Finding]) -> None:
    """Draw the form and the list of signatures."""
    with st.container(border=True, gap="small"):
        _form(ctx, filter_, found)
    with st.container(border=True, gap="small"):
        _evidence(ctx, filter_)
    with st.container(border=True, gap="small"):
        _signed(ctx, filter_, found)


def _form(ctx: Context, filter_: Filter, found: list[Finding]) -> None:
    now = dt.datetime.now(dt.UTC)
    total = counts.count(ctx.runtime.store, filter_, now)
    undecided = sum(each.state == reviews.OPEN for each in found)
    st.header("Sign this period", anchor=False)
    st.text(
        f"{text.count(total, 'event')}, {text.count(len(found), 'finding')}, "
        f"{undecided:,} undecided. Signed as {ctx.user.name}."
    )
    with st.form("sign", border=False):
        reason = st.text_input(
            "Remark" if not undecided else "Why it is signed with undecided findings"
        )
        pressed = st.form_submit_button("Sign", type="primary")
    if pressed:
        try:
            number = reviews.sign(
                ctx.runtime.store, filter_, now, found, reason, ctx.user.username, own_ids(ctx)
            )
            record_action("signed_off", ctx.user, f"sign-off {number}", filter_.query())
            st.success(f"Signed as number {number}")
        except TrailError as problem:
            st.error(text.escape(str(problem)))


def _evidence(ctx: Context, filter_: Filter) -> None:
    st.header("Hand it to an auditor", anchor=False)
    st.text(
        "One file with the events of this period, their seals, what was decided and signed, when "
        "nobody looked, and a program that checks all of it without this one."
    )
    st.text(seal_text.standing(ctx))
    st.link_button("Evidence pack", period.address(filter_), icon=":material/inventory_2:")


def _signed(ctx: Context, filter_: Filter, found: list[Finding]) -> None:
    st.header("Signed periods", anchor=False)
    store = ctx.runtime.store
    rows = reviews.signoffs(store, dt.datetime.now(dt.UTC))
    if not rows:
        st.text("No period has been signed yet.")
    decisions = reviews.decisions_of(store, found)
    workspace = ctx.runtime.settings.workspace or directory.workspace_name(store)
    for row in rows:
        left, right = st.columns([4, 1], vertical_alignment="center")
        mark = f"▲ {row.reopened}" if row.reopened else "✓ as signed"
        remark = f"\n{row.reason}" if row.reason else ""
        left.text(
            f"{row.signoff_id} · {text.time_range(row.from_at, row.to_at, filter_.zone)} · {mark}\n"
            f"{text.count(row.events, 'event')}, {text.count(row.findings, 'finding')}, "
            f"{row.undecided:,} undecided · {row.signed_by}, "
            f"{text.timestamp(row.signed_at, filter_.zone)}{remark}"
        )
        document = reviews.certificate(row, decisions, workspace)
        with right, st.container(horizontal=True, horizontal_alignment="right"):
            for kind, data in (
                ("html", reviews.as_page(document)),
                ("json", json.dumps(document, indent=2, ensure_ascii=False)),
            ):
                st.download_button(
                    f"Certificate, {kind.upper()}",
                    data.encode(),
                    f"sign-off-{row.signoff_id}.{kind}",
                    "application/octet-stream",
                    key=f"certificate-{row.signoff_id}-{kind}",
                )
