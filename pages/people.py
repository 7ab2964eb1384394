"""People and tokens: who is active, new, dormant or removed; one actor; one target."""

import time

import streamlit as st

from trail.events import counts, people, timeline, value_names
from ui import coverage_banner, filter_bar, url_state
from ui.page import Context, Page
from ui.people import actor_detail, actor_list, target_history


def render(ctx: Context) -> None:
    """Draw all people and tokens, or the actor or target that the URL names."""
    filter_ = url_state.current_filter()
    store, now = ctx.store, ctx.now
    started = time.perf_counter()
    target_id = url_state.param("what")
    actor_id = value_names.actor_id(store, url_state.param("who"))
    window = timeline.bounded(store, filter_.window(now), now)
    if target_id:
        target = people.target_summary(store, target_id)
        with filter_bar.title(str(target["label"]) if target else "Target", _back):
            pass
        filter_bar.caption(_timing(started), filter_)
        target_history.draw(ctx, filter_, target_id, target)
        return
    actors = people.actor_activity(store, filter_.cleared(), now)
    if actor_id:
        actor = next((actor for actor in actors if actor.actor_id == actor_id), None)
        only = filter_.cleared().put("actor", actor_id, "include")
        name = actor_list.label(actor) if actor else actor_id
        filter_bar.head(name, only, actor.events if actor else 0, beside=_back)
        filter_bar.caption(_timing(started), filter_, window)
        coverage_banner.show(ctx)
        actor_detail.draw(ctx, filter_.cleared(), actor_id, actor)
        return
    active = sum(actor.state in ("active", "new") for actor in actors)
    filter_bar.head("People and tokens", filter_, counts.count(store, filter_, now))
    summary = f"<b>{active:,}</b> of {len(actors):,} active · {_timing(started)}"
    filter_bar.caption(summary, filter_, window)
    coverage_banner.show(ctx)
    actor_list.draw(ctx, filter_.cleared(), actors)


def _timing(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"


def _back() -> None:
    st.page_link(
        url_state.PEOPLE,
        label="All people and tokens",
        icon=":material/arrow_back:",
        query_params=url_state.query_params(url_state.current_filter()),
    )


PAGE = Page("people", "People", render, order=40, keeps=url_state.WINDOW_PARAMS)

if __name__ == "__main__":
    PAGE.run()
