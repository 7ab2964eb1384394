"""People and tokens: who is active, new, dormant or gone; all of one actor; one target's life."""

import datetime as dt
import time

import streamlit as st

from trail.core import event_text
from trail.filters import Filter
from trail.queries import counts, people, timeline
from trail.store import utc_now
from ui import filter_bar, text, url_state
from ui.page import Context, Page
from ui.people import actor_detail, actor_list, target_history


def render(ctx: Context) -> None:
    """Draw everybody, or the one whom the address names."""
    filter_ = url_state.current_filter()
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    began = time.perf_counter()
    who, what = url_state.param("who"), url_state.param("what")
    window = timeline.bounded(store, filter_.window(now), now)
    if what:
        life = people.life(store, what)
        _title("Target" if not life else str(life["label"]), "", began)
        _back()
        target_history.draw(ctx, filter_, what, life)
        return
    found = people.everybody(store, filter_.cleared(), now)
    if who:
        one = next((each for each in found if each.actor_id == who), None)
        _title(_name(one) if one else who, "", began)
        _back()
        filter_bar.bar(_only(filter_, who), one.events if one else 0, search=False)
        filter_bar.window_caption(filter_, window)
        actor_detail.draw(ctx, filter_.cleared(), who, one)
        return
    active = sum(each.state in ("active", "new") for each in found)
    _title("People and tokens", f"<b>{active:,}</b> of {len(found):,} active", began)
    filter_bar.bar(filter_, counts.count(ctx.runtime.store, filter_, now), search=False)
    filter_bar.window_caption(filter_, window)
    actor_list.draw(ctx, filter_.cleared(), found, utc_now())


def _title(name: str, summary: str, began: float) -> None:
    took = (time.perf_counter() - began) * 1000
    filter_bar.title(text.escape(name), f"{summary}{' · ' if summary else ''}{took:.0f} ms")


def _name(one: people.Somebody) -> str:
    return event_text.actor_label(one.actor_id, one.name or one.email or one.actor_id)


def _only(filter_: Filter, who: str) -> Filter:
    return filter_.cleared().put("actor", who, "include")


def _back() -> None:
    way = url_state.query_params(url_state.current_filter())
    st.page_link(
        url_state.PEOPLE, label="Everybody", icon=":material/arrow_back:", query_params=way
    )


PAGE = Page("people", "People", render, order=40)

if __name__ == "__main__":
    PAGE.run()
