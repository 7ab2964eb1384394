"""The button "Share" of Explore: a short link to what the page shows."""

from urllib.parse import urlencode

import streamlit as st

from trail.core.clock import naive_utc
from trail.core.errors import TrailError
from trail.storage import time_text
from trail.storage.filters import Filter
from trail.views import share_links
from ui import text, url_state
from ui.audit import record_action
from ui.components.share_menu import share_menu
from ui.page import Context, acting_user
from ui.week_start import week_start

_KEY = "share"
_LINK, _ERROR = f"{_KEY}:link", f"{_KEY}:error"


def draw(ctx: Context, filter_: Filter) -> None:
    """Draw the button for the state that the page shows with *filter_*."""
    state = _state(filter_)
    follows = share_links.follows_time(filter_, ctx.now)
    path, link_state, is_fixed = st.session_state.get(_LINK, ("", "", False))
    days = ctx.runtime.settings.store.readable_days
    works = f"works for {text.count(days, 'day')}," if days else "works without an expiry date,"
    share_menu(
        {
            "state": state,
            "isRelative": follows,
            "fixedText": f"{_fixed_text(ctx, filter_)}, also later",
            "relativeText": _relative_text(filter_, follows=follows),
            "untilText": f"The link {works} for people who can sign in.",
            "path": path,
            "base": ctx.runtime.settings.forward.public_url,
            "linkState": link_state,
            "linkIsFixed": is_fixed,
            "error": str(st.session_state.pop(_ERROR, "")),
        },
        _KEY,
        lambda messages: _create(ctx, filter_, fixed=messages[-1]["fixed"]),
    )


def _create(ctx: Context, filter_: Filter, *, fixed: bool) -> None:
    try:
        user = acting_user(share_links.PAGES["explore"])
        # At the moment of the screen, so that the link shows the same rows.
        shown = share_links.with_fixed_times(ctx.store, filter_, ctx.now) if fixed else filter_
        link = share_links.create(
            ctx.runtime.store,
            "explore",
            _state(shown),
            user.username,
            naive_utc(ctx.now),
            ctx.runtime.settings.store.readable_days,
            fixed=fixed,
        )
    except TrailError as error:
        st.session_state[_ERROR] = str(error)
        return
    st.session_state[_LINK] = link.path, _state(filter_), fixed
    times = "fixed times" if fixed else "relative times"
    record_action("shared", user, link.path, f"{times}: {link.query}")


def _state(filter_: Filter) -> str:
    """Return the query string of the page with *filter_* and everything else that it shows."""
    names = {name: url_state.param(name) for name in url_state.PAGE_PARAMS}
    query = url_state.query_params(filter_, **(names | {"view": url_state.opened_view()}))
    return urlencode(query, doseq=True)


def _fixed_text(ctx: Context, filter_: Filter) -> str:
    window = filter_.window(ctx.now)
    end = text.short_timestamp(window.end or naive_utc(ctx.now), filter_.zone)
    if window.start is None:
        return f"Shows everything until {end} ({filter_.tz})"
    return f"Shows {text.short_timestamp(window.start, filter_.zone)} to {end} ({filter_.tz})"


def _relative_text(filter_: Filter, *, follows: bool) -> str:
    if not follows:
        return "The times of this view are fixed already"
    if not filter_.is_relative:
        return "Always the times of the search when it is opened"
    span = time_text.printed(filter_.start, filter_.end, filter_.zone, week_start())
    return f"Always “{span}” when it is opened"
