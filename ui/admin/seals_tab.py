"""The seals: status, problems with their remedies, the signing key, and sealed removals.

Verification runs in the background. Accepting the current state needs a reason, which stays in the
chain.
"""

import datetime as dt

import streamlit as st

from trail.core.errors import InputError
from trail.integrity import acceptance, key_file, mirror, seal_status
from trail.integrity.high_water_mark import Shortfall
from trail.integrity.mirror import Files
from trail.integrity.seal_status import Status
from trail.notifications import destinations
from ui import clock_warning, forms, seal_text, tables, text
from ui.audit import record_action
from ui.page import Context, acting_user, acts

_MAX_PROBLEMS, _MAX_REMOVALS = 20, 400
_REFRESH_S = 0.5
_REASON, _REVIEWED = "accept-reason", "accept-reviewed"


def draw(ctx: Context) -> None:
    """Draw the status, problems with their remedies, the key, and the removals."""
    clock_warning.ask(ctx)
    files = mirror.files(ctx.runtime.store.path, ctx.runtime.settings)
    status = seal_status.status(ctx.runtime.store)
    # Deleted rows are listed as lost only until verification reports the days concerned.
    lost = tuple(
        shortfall
        for shortfall in seal_text.lost(ctx)
        if not (shortfall.deleted and status.problem_count)
    )
    with st.container(border=True, gap="xsmall"):
        _status(ctx)
    if status.problems or lost:
        with st.container(border=True, gap="xsmall"):
            _problems(status, lost)
        with st.container(border=True, gap="xsmall"):
            _accept_form(ctx, status.problem_count or len(lost))
    with st.container(border=True, gap="xsmall"):
        _key(ctx, files)
    with st.container(border=True, gap="xsmall"):
        _removals(ctx)


def _status(ctx: Context) -> None:
    st.subheader("Seals of closed days", anchor=False)
    st.text(seal_text.status(ctx))
    if ctx.runtime.schedule.verifying:
        st.fragment(_progress, run_every=_REFRESH_S)(ctx)
    else:
        st.button("Verify now", on_click=_verify, args=(ctx,))
    st.caption("All days are verified automatically once a day.")


@acts("configure")
def _verify(ctx: Context) -> None:
    record_action("verified", ctx.user, "seals", "requested on the Admin page")
    ctx.runtime.schedule.verify_now()


def _progress(ctx: Context) -> None:
    """Draw the progress of the verification; redraw the page when it is done."""
    if not ctx.runtime.schedule.verifying:
        st.rerun()
    job = next(job for job in ctx.runtime.schedule.health() if job.name == "seals")
    st.progress(job.share, f"Verifying, {text.percent(job.share)}")


def _problems(status: Status, lost: tuple[Shortfall, ...]) -> None:
    st.subheader("Problems and remedies", anchor=False)
    losses = [shortfall.text() for shortfall in lost]
    for loss in losses:
        st.text(f"▲ {loss}")
    others = [problem for problem in status.problems if problem.text not in losses]
    for problem in others[:_MAX_PROBLEMS]:
        st.text(f"▲ {problem.text}")
        st.caption(text.escape(seal_text.remedy(problem.problem)))
    more = status.problem_count - len(status.problems) + len(others) - _MAX_PROBLEMS
    if more > 0:
        st.caption(f"{text.count(more, 'more problem')}. To list all: `python -m trail verify`")


def _accept_form(ctx: Context, problems: int) -> None:
    st.subheader("Accept the current state", anchor=False)
    st.text(
        "If a problem cannot be repaired, seal the days concerned again as they are now. Your name "
        "and reason stay in the chain permanently and are shown to every auditor."
    )
    with forms.form("accept", "Accept and seal", lambda: _accept(ctx), (_REASON,)):
        st.text_input("Reason", key=_REASON)
        st.checkbox(f"I have reviewed {text.count(problems, 'problem')}", key=_REVIEWED)


def _accept(ctx: Context) -> str:
    if not st.session_state[_REVIEWED]:
        raise InputError("The problems are not confirmed as reviewed.", "Select the checkbox.")
    reason = st.session_state[_REASON]
    user = acting_user("configure")
    days = acceptance.accept(ctx.runtime.store, ctx.runtime.settings, reason, user.username)
    accepted = text.count(days, "day")
    record_action("accepted", user, accepted, reason)
    ctx.runtime.schedule.verify_now()
    return f"{accepted} sealed again"


def _key(ctx: Context, files: Files) -> None:
    st.subheader("Signing key", anchor=False)
    public = key_file.public(files.key)
    if not public:
        st.text("No key yet. It is created with the first seal.")
        return
    st.text("Fingerprint. Send it to the auditor separately from the evidence pack.")
    st.code(key_file.fingerprint(public), language=None)
    rows = destinations.list_all(ctx.runtime.store)
    names = ", ".join(destination.name for destination in rows if destination.seals)
    sent = f" and sent to {names}" if names else ""
    st.caption(
        text.escape(
            f"The seals are also stored in {files.mirror.name}{sent}. Anyone with access to the "
            "database, this file and the key can rewrite all seals, so keep a copy elsewhere."
        )
    )


def _removals(ctx: Context) -> None:
    st.subheader("Archived and removed by retention policy", anchor=False)
    rows = seal_status.removals(ctx.runtime.store)[::-1]
    if not rows:
        st.text("No events archived or removed")
        return
    archived = _events_of_days([(row.day, row.archived) for row in rows])
    removed = _events_of_days([(row.day, row.removed) for row in rows])
    st.text(f"Archived: {archived}. Removed: {removed}. Each change is sealed.")
    with st.expander("By day"):
        shown = rows[:_MAX_REMOVALS]
        tables.draw(
            {
                "Day (UTC)": [str(row.day) for row in shown],
                "Archived": [row.archived for row in shown],
                "Removed": [row.removed for row in shown],
                "Reason": [row.reason for row in shown],
                "By": [row.made_by for row in shown],
            },
            "Archived and removed events by day",
        )
        if len(rows) > _MAX_REMOVALS:
            st.caption(f"Newest {_MAX_REMOVALS} of {len(rows):,}")


def _events_of_days(counts: list[tuple[dt.date, int]]) -> str:
    """Return how many events of how many days the *counts* are; a day may be there repeatedly."""
    days = {day for day, events in counts if events}
    if not days:
        return "none"
    events = text.count(sum(events for _, events in counts), "event")
    return f"{events} of {text.count(len(days), 'day')}"
