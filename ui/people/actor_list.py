"""Everybody in one table, and what a reviewer would want to know first."""

import datetime as dt

import pandas as pd
import streamlit as st

from trail.core import event_text
from trail.filters import Filter
from trail.queries import counts, events, overview, people
from trail.queries.people import Somebody
from ui import event_feed, tables, text, url_state
from ui.page import Context

_STATES = {
    "active": "● Active",
    "new": "◆ New",
    "dormant": "○ Dormant",
    "never": "– No event",
}
_FEED = 8


def draw(ctx: Context, filter_: Filter, found: list[Somebody], now: dt.datetime) -> None:
    """Draw who should not act any more, the table, and the changes of membership."""
    _gone(found, filter_)
    _unowned(ctx, found)
    with st.container(border=True, gap="xsmall"):
        _table(found, filter_, now)
    with st.container(border=True, key="membership"):
        _membership(ctx, filter_)


def _gone(found: list[Somebody], filter_: Filter) -> None:
    late = [each for each in found if each.after_removal]
    for each in late:
        st.warning(
            text.escape(
                f"{_name(each)} was removed {text.timestamp(_at(each.removed_at), filter_.zone)} "
                f"and has {text.count(each.after_removal, 'event')} after that."
            ),
            icon=":material/person_off:",
        )


def _unowned(ctx: Context, found: list[Somebody]) -> None:
    makers = people.makers(ctx.runtime.store)
    removed = {each.actor_id for each in found if each.removed_at}
    acting = [each for each in found if each.actor_type == "token" and each.events]
    orphans = [
        each
        for each in acting
        if each.actor_id in makers and makers[each.actor_id]["maker_id"] in removed
    ]
    for each in orphans:
        maker = makers[each.actor_id]["maker_name"]
        st.warning(
            text.escape(f"Token {_name(each)} still acts; {maker}, who made it, was removed."),
            icon=":material/key_off:",
        )
    untold = [each for each in acting if each.actor_id not in makers]
    if untold:
        names = ", ".join(_name(each) for each in untold[:5])
        more = f" and {len(untold) - 5:,} more" if len(untold) > 5 else ""
        st.caption(
            text.escape(
                f"No kept event tells who made {text.count(len(untold), 'token')}: {names}{more}."
            )
        )


def _table(found: list[Somebody], filter_: Filter, now: dt.datetime) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("Everybody", anchor=False, width="content")
        st.caption("Press a row to see all that somebody did", width="content")
    key = f"everybody-{filter_.query()}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            url_state.set_url(filter_, who=found[rows[0]].actor_id)

    aware = now.replace(tzinfo=dt.UTC)
    st.dataframe(
        pd.DataFrame(
            {
                "Name": [_name(each) for each in found],
                "Kind": ["Token" if each.actor_type == "token" else "Person" for each in found],
                "State": [
                    "✕ Removed" if each.removed_at else _STATES[each.state] for each in found
                ],
                "Last seen": [
                    text.ago(each.last_at, aware) if each.last_at else "" for each in found
                ],
                "Events": [each.events for each in found],
                "Changes": [each.changes for each in found],
                "Destructive": [each.destructive for each in found],
                "E-mail": [each.email for each in found],
                "Id": [each.actor_id for each in found],
            }
        ),
        column_config={
            "Name": st.column_config.TextColumn(width=210),
            "E-mail": st.column_config.TextColumn(width=200),
            **{
                name: st.column_config.NumberColumn(format="localized", width=96)
                for name in ("Events", "Changes", "Destructive")
            },
        },
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        hide_index=True,
        **tables.height(len(found), 15),
        alt="People and tokens",
    )


def _membership(ctx: Context, filter_: Filter) -> None:
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    chosen = overview.changes(filter_).put("category", "Access Management", "include")
    page = events.page(store, chosen, now, rows=_FEED)
    total = counts.count(store, chosen, now)

    event_feed.draw(
        page.rows,
        chosen,
        "membership-list",
        title="Who may enter and act",
        note=f"{total:,} in this window",
        time=lambda at: text.weekday_time(at, filter_.zone),
    )


def _name(each: Somebody) -> str:
    return event_text.actor_label(each.actor_id, each.name or each.email or each.actor_id)


def _at(moment: dt.datetime | None) -> dt.datetime:
    assert moment
    return moment
