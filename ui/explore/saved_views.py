"""The saved views beside the title of Explore: open, star, save, rename, share, delete."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from trail.accounts import oidc
from trail.config_files import folder
from trail.core.errors import TrailError
from trail.events import overview
from trail.storage.filters import Filter
from trail.views import former_owners, saved_views
from trail.views.view import FILES, View, Viewer, query_of
from ui import authorship, url_state
from ui.audit import record_action
from ui.components.view_menu import OpenView, ViewMessage, ViewRow, view_menu
from ui.explore import columns, export_schedule, view_columns
from ui.page import Context, acting_user
from ui.session import askable

_KEY = "saved-views"
_ERROR, _SCHEDULING = f"{_KEY}:error", f"{_KEY}:scheduling"


def opened_filter(ctx: Context) -> Filter:
    """Return the filter of the page: that of the URL or, without one, of the view that is open.

    Without any parameter that is the default view. The URL stays as it is then, so that Back leads
    to the page before. The columns are those of the view that is open.
    """
    url_state.set_default_view("")
    views = saved_views.visible(ctx.runtime.store, ctx.user.account)
    filter_ = url_state.current_filter()
    default = None if st.query_params else next((v for v in views if v.is_default), None)
    opened = default or _opened(views)
    if opened and set(st.query_params) <= {"view"}:
        # Limits may have been lowered since it was saved.
        with contextlib.suppress(TrailError):
            filter_ = applied(opened, filter_)
            url_state.set_default_view(default.view_id if default else "")
    view_columns.use(opened.view_id if opened else "", opened.columns if opened else ())
    return filter_


def draw_notice(ctx: Context) -> None:
    """Draw a notice if the URL names a view that the user does not have."""
    if not url_state.param("view"):
        return
    if _opened(saved_views.visible(ctx.runtime.store, ctx.user.account)):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="view-not-found"):
        st.warning(
            "View not found. It may have been deleted, or is private.", icon=":material/warning:"
        )
        st.button(
            "Remove the view from the address", on_click=lambda: url_state.put_params(view="")
        )


def _opened(views: list[View]) -> View | None:
    opened_id = url_state.opened_view()
    return next((view for view in views if view.view_id == opened_id), None)


def applied(view: View, filter_: Filter) -> Filter:
    """Return the filter of *view*, in the zone and, if it has none, the range of *filter_*.

    Raises `FilterError` for a view that can no longer be read.
    """
    asked = Filter.parse(askable(Filter.parse(view.query).pairs()))
    opened = replace(overview.in_one_choice(asked), tz=filter_.tz)
    if opened.start or opened.end:
        return opened
    return replace(opened, start=filter_.start, end=filter_.end)


def is_edited(view: View, filter_: Filter) -> bool:
    """Return whether *filter_* or the columns differ from those of *view*."""
    if view.columns and view.columns != columns.shown():
        return True
    try:
        return query_of(applied(view, filter_)) != query_of(filter_)
    except TrailError:
        return True


def draw(ctx: Context, filter_: Filter) -> None:
    """Draw the menu of the views, and the form that saves *filter_*."""
    viewer = _viewer(ctx)
    views = saved_views.visible(ctx.runtime.store, viewer.account)
    views = former_owners.marked(views, ctx.runtime.users.accounts(), oidc.PREFIX)
    opened = _opened(views)
    may_alert = ctx.user.may("configure")
    if opened:
        state = OpenView(
            opened.view_id,
            opened.name,
            is_edited(opened, filter_),
            opened.starred,
            opened.is_default,
            opened.may_change(viewer),
            opened.shared,
            opened.former,
            mayAlert=may_alert,
            mayExport=may_alert,
        )
    else:
        narrows = bool(filter_.choices or filter_.q)
        name = "Unsaved view" if narrows else "All events"
        state = OpenView("", name, mayAlert=may_alert, mayExport=may_alert)
    origins = folder.origins(ctx.runtime.store, "views")
    rows = [_all_events(), *(_row(view, viewer.account, origins) for view in views)]
    error = str(st.session_state.pop(_ERROR, ""))
    view_menu(rows, state, error, _KEY, lambda messages: _on_messages(ctx, filter_, messages))
    if st.session_state.pop(_SCHEDULING, False):
        export_schedule.dialog(ctx, filter_, state.name)


def _viewer(ctx: Context) -> Viewer:
    return Viewer(ctx.user.account, ctx.user.name, manages=ctx.user.may("configure"))


def _all_events() -> ViewRow:
    return {
        "id": "",
        "name": "All events",
        "note": "",
        "group": "",
        "starred": False,
        "isDefault": False,
    }


def _row(view: View, account: str, origins: Mapping[str, bool]) -> ViewRow:
    own = view.is_owned_by(account)
    if view.is_built_in:
        group, note = "Built in", view.purpose
    elif own:
        group, note = "Yours", "Shared with everyone" if view.shared else "Only you see it"
    else:
        group, note = "Shared", f"By {view.owner_text}"
    if view.shared and (origin := authorship.from_files(origins, view.name, at=view.changed_at)):
        note = origin if view.owner == FILES else f"{note} · {origin}"
    return {
        "id": view.view_id,
        "name": view.name,
        "note": note,
        "group": "Starred" if view.starred else group,
        "starred": view.starred,
        "isDefault": view.is_default,
    }


def _on_messages(ctx: Context, filter_: Filter, messages: list[ViewMessage]) -> None:
    viewer = _viewer(ctx)
    for message in messages:
        try:
            _act(ctx, viewer, filter_, message)
        except TrailError as error:
            st.session_state[_ERROR] = str(error)


def _act(ctx: Context, viewer: Viewer, filter_: Filter, message: ViewMessage) -> None:
    """Carry out one action."""
    do, view_id = message["do"], message["id"]
    if do == "open":
        if view_id:
            views = saved_views.visible(ctx.runtime.store, viewer.account)
            filter_ = applied(saved_views.find(views, view_id), filter_)
        else:
            filter_ = filter_.cleared()
        view_columns.forget_changes()
        url_state.set_url(filter_, view=view_id, disabled="")
    elif do == "alert":
        url_state.open_page(
            url_state.ALERTS,
            Filter(tz=filter_.tz),
            rule=replace(filter_, start="", end="", sort="newest").query(),
            name=message["name"],
            section="rules",
        )
    elif do == "schedule":
        st.session_state[_SCHEDULING] = True
    else:
        _change(ctx, viewer, filter_, message)


def _change(ctx: Context, viewer: Viewer, filter_: Filter, message: ViewMessage) -> None:
    """Change a view or its marks, and record it."""
    user = acting_user("explore")
    store, do, view_id = ctx.runtime.store, message["do"], message["id"]
    changed, change = "", ""
    if do == "create":
        view_id = saved_views.create(
            store,
            viewer,
            message["name"],
            filter_,
            columns=columns.shown(),
            shared=message["shared"],
        )
        changed = message["name"]
        change = f"created, {_visibility(shared=message['shared'])}: {query_of(filter_)}"
        url_state.set_url(filter_, view=view_id)
    elif do == "save":
        changed = saved_views.save(
            store, viewer, url_state.opened_view(), filter_, columns.shown()
        ).name
        view_columns.forget_changes()
        change = f"saved: {query_of(filter_)}"
    elif do == "rename":
        changed = saved_views.rename(store, viewer, view_id, message["name"]).name
        change = f"renamed to {message['name']}"
    elif do == "publish":
        changed = saved_views.set_shared(store, viewer, view_id, shared=message["on"]).name
        change = _visibility(shared=message["on"])
    elif do == "delete":
        view = saved_views.delete(store, viewer, view_id)
        changed, change = view.name, f"deleted: {view.query}"
        url_state.set_url(filter_, view="")
    elif do == "star":
        star = message["on"]
        changed = saved_views.star(store, viewer.account, view_id, starred=star).name
        change = "starred" if star else "star removed"
    elif do == "default":
        on = message["on"]
        changed = saved_views.set_default(store, viewer.account, view_id, is_default=on).name
        change = "made the default" if on else "no longer the default"
    if changed:
        record_action("view_saved", user, f"view {changed}", change)


def _visibility(*, shared: bool) -> str:
    return "shared with everyone" if shared else "private"
