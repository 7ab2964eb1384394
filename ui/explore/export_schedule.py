"""The dialog of scheduled exports: those that exist, with their last result, and a new one."""

import datetime as dt

import streamlit as st

from trail.core.errors import TrailError
from trail.events import export as exports
from trail.notifications import destinations
from trail.storage.filters import Filter
from trail.views import scheduled_exports
from trail.views.scheduled_exports import ScheduledExport
from ui import text
from ui.audit import record_action
from ui.explore import columns
from ui.page import Context, acts

CAPABILITY = "configure"
_FOLDER = "Folder of exports"
_CADENCES = {"daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}


@st.dialog("Scheduled exports", width="medium")
def dialog(ctx: Context, filter_: Filter, name: str) -> None:
    """Show the scheduled exports, and the form of a new one for *filter_*."""
    if not ctx.user.may(CAPABILITY):
        return
    _form(ctx, filter_, name)
    names = {item.destination_id: item.name for item in destinations.list_all(ctx.runtime.store)}
    for export in scheduled_exports.list_all(ctx.runtime.store):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap="xsmall"):
                _describe(export, names)
            st.button(
                "Delete",
                key=f"delete-export-{export.export_id}",
                on_click=_delete,
                args=(ctx, export),
                width="content",
            )


def _form(ctx: Context, filter_: Filter, name: str) -> None:
    targets: dict[str, int | None] = {
        f"Message to {item.name}": item.destination_id
        for item in destinations.list_all(ctx.runtime.store)
    }
    if ctx.runtime.settings.export.folder:
        targets = {_FOLDER: None, **targets}
    if not targets:
        st.info("Set export.folder, or add a destination on Alerts.", icon=":material/info:")
        return
    with st.form("schedule-export", border=False):
        st.text_input("Name", name, max_chars=80, key="export-name")
        left, middle, right = st.columns(3)
        left.selectbox("Period", _CADENCES, format_func=_CADENCES.__getitem__, key="export-cadence")
        titles = exports.FORMAT_TITLES
        middle.selectbox("Format", titles, format_func=titles.__getitem__, key="export-format")
        right.selectbox("Send to", list(targets), key="export-target", format_func=text.escape)
        st.caption(
            "Each export covers one whole period, in the zone "
            f"{text.escape(filter_.tz)}, with the filter as it is now, and is made an hour after "
            "the period ends. A message contains the number of events and a link to them, which "
            "asks for a sign-in. The file itself is not sent."
        )
        st.form_submit_button(
            "Schedule export", type="primary", on_click=_create, args=(ctx, filter_, targets)
        )
    if error := st.session_state.pop("export-error", ""):
        st.error(text.escape(error))


@acts(CAPABILITY)
def _create(ctx: Context, filter_: Filter, targets: dict[str, int | None]) -> None:
    state = st.session_state
    target, file_format = state["export-target"], state["export-format"]
    try:
        export = scheduled_exports.create(
            ctx.runtime.store,
            state["export-name"],
            filter_,
            columns=columns.shown()
            if file_format == "csv"
            else exports.default_columns(file_format),
            file_format=file_format,
            cadence=state["export-cadence"],
            destination_id=targets[target],
            made_by=ctx.user.username,
            now=dt.datetime.now(dt.UTC),
            readable_days=ctx.runtime.settings.store.readable_days,
        )
    except TrailError as error:
        state["export-error"] = str(error)
        return
    change = f"{export.cadence} {export.format}, {target}: {export.query}"
    record_action("settings", ctx.user, f"scheduled export {export.name}", change)


@acts(CAPABILITY)
def _delete(ctx: Context, export: ScheduledExport) -> None:
    scheduled_exports.delete(ctx.runtime.store, export.export_id)
    record_action("settings", ctx.user, f"scheduled export {export.name}", "deleted")


def _describe(export: ScheduledExport, names: dict[int, str]) -> None:
    made = f"{exports.FORMAT_TITLES[export.format]} file in the {_FOLDER.lower()}"
    if export.destination_id is not None:
        name = names.get(export.destination_id, "a deleted destination")
        made = f"message to {name} with a link"
    st.text(f"{export.name}\n{_CADENCES[export.cadence]}: {made}")
    try:
        due = text.short_timestamp(export.due_at, export.zone)
        st.caption(f"Next: {due}, {text.escape(export.zone.key)}")
    except TrailError as error:
        st.caption(text.escape(str(error)))
    if export.last_error:
        st.error(text.escape(f"Last export failed: {export.last_error}"))
    elif export.last_at:
        ago = text.ago(export.last_at, dt.datetime.now(dt.UTC))
        size = f", {text.byte_size(export.last_bytes)}" if export.last_bytes else ""
        rows = text.count(export.last_rows or 0, "event")
        st.caption(text.escape(f"✓ {export.last_file}: {rows}{size}, {ago}"))
