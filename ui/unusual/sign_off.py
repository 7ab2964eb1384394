"""Sign-off of a period: the form, the evidence pack, and the signed periods."""

import datetime as dt
import json

import streamlit as st

from trail.events import counts, people
from trail.evidence import period
from trail.findings import reviews
from trail.findings.model import Finding
from trail.ingest import directory
from trail.storage.filters import Filter
from ui import forms, seal_text, text
from ui.audit import record_action
from ui.page import Context

_REASON = "sign-off-reason"


def draw(ctx: Context, filter_: Filter, findings: list[Finding]) -> None:
    """Draw the sign-off of the window of *filter_* with its *findings*, and earlier ones."""
    with st.container(border=True, gap="small"):
        _form(ctx, filter_, findings)
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
        _signed(ctx, filter_, findings)


def _form(ctx: Context, filter_: Filter, findings: list[Finding]) -> None:
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    undecided = sum(finding.state == reviews.OPEN for finding in findings)

    def sign() -> str:
        reason, own_ids = (
            st.session_state[_REASON],
            people.actor_ids_with_email(store, ctx.user.email),
        )
        number = reviews.sign(store, filter_, now, findings, reason, ctx.user.username, own_ids)
        record_action("signed_off", ctx.user, f"sign-off {number}", filter_.query())
        return f"Sign-off {number} recorded"

    st.header("Sign off this period", anchor=False)
    events = text.count(counts.count(store, filter_, now), "event")
    st.text(
        f"{events}, {text.count(len(findings), 'finding')}, {undecided:,} undecided. "
        f"Signed by {ctx.user.name}."
    )
    with forms.form("sign", "Sign off", sign, (_REASON,)):
        st.text_input(
            "Reason for signing off with undecided findings" if undecided else "Comment (optional)",
            key=_REASON,
        )


def _signed(ctx: Context, filter_: Filter, findings: list[Finding]) -> None:
    st.header("Signed periods", anchor=False)
    store = ctx.runtime.store
    rows = reviews.signoffs(store, dt.datetime.now(dt.UTC))
    if not rows:
        st.text("No signed periods")
    decisions = reviews.decisions_of(store, findings)
    workspace = ctx.runtime.settings.workspace or directory.workspace_name(store)
    for row in rows:
        left, right = st.columns([4, 1], vertical_alignment="center")
        state = f"▲ {row.reopened.capitalize()}" if row.reopened else "✓ Unchanged since sign-off"
        reason = f"\n{row.reason}" if row.reason else ""
        span = text.time_range(row.from_at, row.to_at, filter_.zone)
        left.text(
            f"{row.signoff_id} · {span} · {state}\n"
            f"{text.count(row.events, 'event')}, {text.count(row.findings, 'finding')}, "
            f"{row.undecided:,} undecided · {row.signed_by}, "
            f"{text.timestamp(row.signed_at, filter_.zone)}{reason}"
        )
        document = reviews.certificate(row, decisions, workspace)
        with right, st.container(horizontal=True, horizontal_alignment="right"):
            for kind, content in (
                ("html", reviews.as_page(document)),
                ("json", json.dumps(document, indent=2, ensure_ascii=False)),
            ):
                st.download_button(
                    f"Certificate, {kind.upper()}",
                    content.encode(),
                    f"sign-off-{row.signoff_id}.{kind}",
                    "application/octet-stream",
                    key=f"certificate-{row.signoff_id}-{kind}",
                )
