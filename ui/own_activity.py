"""The reviewer's own activity, which another reviewer must review."""

import streamlit as st

from trail.events import people
from ui.page import Context

UNLINKED = "the dashboard does not recognize their own activity and lets them review it"


def actor_ids(ctx: Context) -> frozenset[str]:
    """Return the actors that the user's account is linked to."""
    return people.own_actor_ids(ctx.runtime.store, ctx.user.actors)


def draw_hint(ctx: Context) -> None:
    """Say that the user's account has no link, if so."""
    if not ctx.user.actors:
        st.caption(
            "Your account is not linked to a Segment actor, so your own activity is not recognized "
            "here. An owner can link it under Admin, Roles."
        )
