"""The seals: how they stand, what is wrong and what to do about it, what was removed lawfully.

Verifying runs beside the page; accepting what is there needs a reason, and stays in the chain.
"""

import pandas as pd
import streamlit as st

from trail.errors import TrailError
from trail.outbox import destinations
from trail.seals import accepting, keys, mirror, standing
from trail.seals.known import Shortfall
from trail.seals.mirror import Files
from trail.seals.standing import Standing
from ui import seal_text, text
from ui.audit import record_action
from ui.page import Context

_LISTED, _REMOVED = 20, 400
_EVERY_S = 0.5


def draw(ctx: Context) -> None:
    """Draw how the seals stand, what is wrong, the way out, the key, and what was removed."""
    where = mirror.files(ctx.runtime.store.path, ctx.runtime.settings)
    found = standing.standing(ctx.runtime.store)
    lost = _lost(ctx, found)
    with st.container(border=True, gap="xsmall"):
        _stand(ctx)
    if found.problems or lost:
        with st.container(border=True, gap="xsmall"):
            _problems(found, lost)
        with st.container(border=True, gap="xsmall"):
            _accept(ctx, found, lost)
    with st.container(border=True, gap="xsmall"):
        _key(ctx, where)
    with st.container(border=True, gap="xsmall"):
        _removed(ctx)


def _lost(ctx: Context, found: Standing) -> tuple[Shortfall, ...]:
    """Return what was lost; deleted rows only where no day tells of them yet."""
    return tuple(each for each in seal_text.lost(ctx) if not (each.deleted and found.problem_count))


def _stand(ctx: Context) -> None:
    st.subheader("Each closed day is sealed", anchor=False)
    st.text(seal_text.standing(ctx))
    if ctx.runtime.schedule.verifying:
        st.fragment(_verifying, run_every=_EVERY_S)(ctx)
    else:
        st.button("Verify now", disabled=ctx.runtime.demo, on_click=_verify, args=(ctx,))
    st.caption("Every day is verified once a day by itself.")


def _verify(ctx: Context) -> None:
    record_action("verified", ctx.user, "seals", "asked for on the page")
    ctx.runtime.schedule.verify_now()


def _verifying(ctx: Context) -> None:
    """Draw how far verifying is; once it is done, draw the page anew."""
    if not ctx.runtime.schedule.verifying:
        st.rerun()
    job = next(each for each in ctx.runtime.schedule.health() if each.name == "seals")
    st.progress(job.share, f"Verifying, {job.share:.0%}")


def _problems(found: Standing, lost: tuple[Shortfall, ...]) -> None:
    st.subheader("What is wrong, and what to do", anchor=False)
    told = [each.text() for each in lost]
    for sentence in told:
        st.text(f"▲ {sentence}")
    others = [each for each in found.problems if each.text not in told]
    for each in others[:_LISTED]:
        st.text(f"▲ {each.text}")
        st.caption(text.escape(seal_text.advice(each.problem)))
    more = found.problem_count - len(found.problems) + len(others) - _LISTED
    if more > 0:
        st.caption(f"{text.count(more, 'further problem')}: `python -m trail verify`")


def _accept(ctx: Context, found: Standing, lost: tuple[Shortfall, ...]) -> None:
    st.subheader("Accept what is there", anchor=False)
    st.text(
        "When nothing can be mended, each day that does not match is sealed as it is now. Your "
        "name and reason stay in the chain for ever, and every auditor reads them."
    )
    with st.form("accept", border=False):
        reason = st.text_input("Why it is right as it is")
        sure = st.checkbox(
            f"I have looked at {text.count(found.problem_count or len(lost), 'problem')}"
        )
        pressed = st.form_submit_button("Accept and seal")
    if not pressed:
        return
    if not sure:
        st.error("Look at the problems first, and say that you have.")
        return
    try:
        with st.spinner("Sealing"):
            days = accepting.accept(
                ctx.runtime.store, ctx.runtime.settings, reason, ctx.user.username
            )
    except TrailError as problem:
        st.error(text.escape(str(problem)))
        return
    record_action("accepted", ctx.user, text.count(days, "day"), reason)
    ctx.runtime.schedule.verify_now()
    st.rerun()


def _key(ctx: Context, where: Files) -> None:
    st.subheader("The key that signs", anchor=False)
    public = keys.public(where.key)
    if not public:
        st.text("There is no key yet. It is made with the first seal.")
        return
    st.text("Its fingerprint. Tell it to whoever checks a pack, by another way than the pack.")
    st.code(keys.fingerprint(public), language=None)
    st.caption(
        text.escape(
            f"The seals are also in the file {where.mirror.name}{_sent(ctx)}. Whoever holds "
            "database, file and key can make all anew: keep a copy of the seals elsewhere."
        )
    )


def _sent(ctx: Context) -> str:
    names = [each.name for each in destinations.all_of(ctx.runtime.store) if each.seals]
    return f", and are sent to {', '.join(names)}" if names else ""


def _removed(ctx: Context) -> None:
    st.subheader("Removed lawfully", anchor=False)
    rows = standing.removals(ctx.runtime.store)[::-1]
    if not rows:
        st.text("Nothing was removed yet.")
        return
    total = sum(each.gone for each in rows)
    st.text(f"{text.count(total, 'event')} of {text.count(len(rows), 'day')}, each sealed.")
    with st.expander("By day"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Day (UTC)": [str(each.day) for each in rows[:_REMOVED]],
                    "Removed": [each.gone for each in rows[:_REMOVED]],
                    "Why": [each.reason for each in rows[:_REMOVED]],
                    "By": [each.made_by for each in rows[:_REMOVED]],
                }
            ),
            hide_index=True,
            alt="What was removed, by day",
        )
        if len(rows) > _REMOVED:
            st.caption(f"The newest {_REMOVED} of {len(rows):,}")
