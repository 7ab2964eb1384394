"""Comments on a problem: what people wrote about it, and a field for more."""

import streamlit as st

from trail.core import time_labels
from trail.triage.records import MAX_COMMENT_CHARS, Triage
from ui import text, triage_menu, url_state
from ui.page import Context


def draw(ctx: Context, state: Triage, subject: str, what: str) -> None:
    """Draw the comments on *subject*, oldest first, and for who may comment a field for more.

    *state* is that of the subject, *what* names it in the access log.
    """
    comments, zone = state.comments, url_state.timezone()
    st.header(f"Comments: {len(comments):,}" if comments else "Comments", anchor=False)
    if state.mute_reason:
        st.caption(text.escape(f"Muted: {state.mute_reason}"))
    for comment in comments:
        when = time_labels.short(comment.made_at, zone, ctx.now)
        st.text(f"{triage_menu.name_of(comment.made_by)}, {when}\n{comment.text}")
    if not ctx.user.may("triage"):
        if not comments:
            st.text("No comments.")
        return
    # Another field once the comment is there, so that it is empty.
    key = f"comment-{subject}-{len(comments)}"
    with st.form(f"form-{key}", border=False, enter_to_submit=False):
        st.text_area("Comment", key=key, max_chars=MAX_COMMENT_CHARS, height=80)
        st.form_submit_button(
            "Add comment",
            on_click=lambda: triage_menu.say(
                lambda: triage_menu.comment(subject, what, st.session_state[key])
            ),
        )
