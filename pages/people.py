"""People and tokens: who is active, new, dormant or removed; one actor; one target."""

import time

import streamlit as st

from trail.events import counts, people, timeline, value_names
from trail.storage.filters import Filter, Window
from ui import coverage_banner, filter_bar, url_state
from ui.page import Context, Page
from ui.people import actor_detail, actor_list, target_history
from ui.slow_read import SlowRead

_ALL_TIME = Window(None, None)


def render(ctx: Context) -> None:
    """Draw all people and tokens, or the actor or target that the URL names."""
    filter_ = url_state.current_filter()
    target_id = url_state.param("what")
    actor_id = value_names.actor_id(ctx.store, url_state.param("who"))
    if target_id:
        _target(ctx, filter_, target_id)
    elif actor_id:
        _actor(ctx, filter_, actor_id)
    else:
        _everybody(ctx, filter_)


def _target(ctx: Context, filter_: Filter, target_id: str) -> None:
    started = time.perf_counter()
    with filter_bar.title(people.target_label(ctx.store, target_id) or "Target", _back):
        pass
    coverage_banner.show_missing_archive(ctx, _ALL_TIME)
    with _reading(ctx, f"what={target_id}") as reading:
        reading.step("target")
        target = people.target_summary(ctx.store, target_id)
        filter_bar.caption(_timing(started), filter_)
        target_history.draw(ctx, filter_, target_id, target)


def _actor(ctx: Context, filter_: Filter, actor_id: str) -> None:
    store, now, others = ctx.store, ctx.now, filter_.cleared()
    only = others.put("actor", actor_id, "include")
    name = value_names.labels(store, [only])["actor", actor_id]
    started = time.perf_counter()
    filter_bar.head(name, only, counts.count(store, only, now), beside=_back)
    with _reading(ctx, f"who={actor_id} {filter_.query()}") as reading:
        reading.step("actor")
        actors = people.actor_activity(store, others, now)
        actor = next((actor for actor in actors if actor.actor_id == actor_id), None)
        window = timeline.bounded(store, filter_.window(now), now)
        filter_bar.caption(_timing(started), filter_, window)
        coverage_banner.show(ctx)
        coverage_banner.show_missing_archive(ctx, _ALL_TIME)
        actor_detail.draw(ctx, others, actor_id, actor)


def _everybody(ctx: Context, filter_: Filter) -> None:
    store, now = ctx.store, ctx.now
    started = time.perf_counter()
    filter_bar.head("People and tokens", filter_, counts.count(store, filter_, now))
    with _reading(ctx, filter_.query()) as reading:
        reading.step("people")
        actors = people.actor_activity(store, filter_.cleared(), now)
        active = sum(actor.state in ("active", "new") for actor in actors)
        window = timeline.bounded(store, filter_.window(now), now)
        summary = f"<b>{active:,}</b> of {len(actors):,} active · {_timing(started)}"
        filter_bar.caption(summary, filter_, window)
        coverage_banner.show(ctx)
        coverage_banner.show_missing_archive(ctx, _ALL_TIME)
        actor_list.draw(ctx, filter_.cleared(), actors)


def _reading(ctx: Context, view: str) -> SlowRead:
    """Return the block for what a page shows of all events, as of when an actor was first seen."""
    return SlowRead.of_window(ctx.store, _ALL_TIME, view, SlowRead.place())


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
