"""Comments on an incident: what people wrote about it, and a field for more."""

import streamlit as st

from trail.core import time_labels
from trail.incidents import incident_text
from trail.incidents.columns import Scene
from trail.incidents.listing import Line
from trail.triage import records
from trail.triage.records import MAX_COMMENT_CHARS
from ui import text, triage_menu
from ui.page import Context


def draw(ctx: Context, line: Line, scene: Scene) -> None:
    """Draw the comments, oldest first, and for who may comment a field for another one."""
    comments = line.triage.comments
    st.header(f"Comments: {len(comments):,}" if comments else "Comments", anchor=False)
    if line.triage.mute_reason:
        st.caption(text.escape(f"Muted: {line.triage.mute_reason}"))
    for comment in comments:
        when = time_labels.short(comment.made_at, scene.zone, scene.now)
        st.text(f"{scene.names.get(comment.made_by, comment.made_by)}, {when}\n{comment.text}")
    if not ctx.user.may("triage"):
        if not comments:
            st.text("No comments.")
        return
    subject = records.subject("incident", line.incident.incident_id)
    what = incident_text.target_label(line.incident)
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
