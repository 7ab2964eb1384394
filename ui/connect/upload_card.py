"""Connect with a file uploaded in the browser: dry run, columns, and import."""

from collections.abc import Callable

import streamlit as st

from trail.core.errors import TrailError
from trail.core.model import Batch, RefusalReason, TableColumns
from trail.ingest import refusals
from trail.runtime import process
from trail.runtime.upload_job import Progress, UploadDesk
from ui import text, url_state
from ui.audit import record_action
from ui.components.upload import Reason, UploadState, upload
from ui.page import Context, acting_user

ACCEPT = ".csv,.tsv,.txt,.json,.ndjson,.jsonl,.log,.parquet,.gz,.zst"
_REFRESH_S = 1.0
_MAX_REASONS = 6
_VALUE_CHARS = 24
_BUSY = ("checking", "importing")
_ERROR, _QUARANTINE = "connect-upload-error", "connect-upload-quarantine"
_BADGES = {
    "checking": ("Dry run", "blue"),
    "checked": ("Dry run finished", "blue"),
    "importing": ("Importing", "blue"),
    "imported": ("Imported", "green"),
}
# Fields whose columns are always shown; others are shown if the table has no known name for them.
_FIELDS = {
    "timestamp": "Timestamp",
    "type": "Action",
    "actor": "Actor",
    "resourceName": "Target",
}
_MORE_FIELDS = {
    "actorEmail": "Actor e-mail",
    "resourceId": "Target ID",
    "resourceType": "Target type",
    "id": "Event ID",
    "workspaceId": "Workspace ID",
}


def draw(ctx: Context) -> None:
    """Draw the card, refreshed while a file is read."""
    progress = _desk().of(ctx.user.username)
    is_busy = bool(progress and progress.stage in _BUSY)
    st.fragment(_card, run_every=_REFRESH_S if is_busy else None)(ctx, is_busy=is_busy)


def _desk() -> UploadDesk:
    return process.current().schedule.uploads


def _card(ctx: Context, *, is_busy: bool) -> None:
    progress = _desk().of(ctx.user.username)
    if is_busy != bool(progress and progress.stage in _BUSY):
        st.rerun()
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("Upload a file", anchor=False, width="content")
        if progress:
            label, color = _BADGES[progress.stage]
            st.badge(label, color=color)  # type: ignore[arg-type]
    limit = text.byte_size(ctx.runtime.settings.limits.upload_bytes)
    st.caption(
        "For exports older than the history that the API keeps. NDJSON, JSON, CSV or Parquet, "
        f"optionally compressed with gzip or Zstandard, up to {limit}."
    )
    upload(_state(progress), "connect-upload", st.rerun)
    if error := st.session_state.pop(_ERROR, ""):
        st.error(text.escape(error), icon=":material/error:")
    if progress:
        _choices(progress)


def _state(progress: Progress | None) -> UploadState:
    result: UploadState = {
        "accept": ACCEPT,
        "name": "",
        "size": "",
        "title": "",
        "share": None,
        "counts": [],
        "reasons": [],
        "note": "",
        "locked": False,
    }
    if progress is None:
        return result
    batch, columns = progress.batch, progress.columns
    result["name"] = progress.upload.name
    result["size"] = text.byte_size(progress.upload.size)
    result["locked"] = progress.stage == "importing"
    result["title"] = {
        "checking": "Dry run: nothing is stored yet",
        "checked": "Dry run: nothing is stored yet",
        "importing": "Importing",
        "imported": "Stored",
    }[progress.stage]
    if progress.stage in _BUSY:
        result["share"] = progress.share
    if columns and columns.needed:
        result["title"] = "Choose the columns of this table"
        return result
    # Without records, there is nothing to count.
    if batch.read or batch.left_out or progress.stage in _BUSY:
        unread = batch.quarantined or batch.left_out
        new = "new events" if progress.stage in ("checking", "checked") else "events imported"
        result["counts"] = [
            {"key": "new", "text": f"{batch.kept:,}", "label": new},
            {"key": "same", "text": f"{batch.duplicates:,}", "label": "duplicates, skipped"},
            {"key": "bad", "text": f"{unread:,}", "label": "unreadable"},
        ]
    reasons = sorted(batch.reasons.values(), key=lambda reason: -reason.count)
    result["reasons"] = [_reason(reason, progress) for reason in reasons[:_MAX_REASONS]]
    notes = [refusals.sentence(batch), *_left_out(batch, reasons)]
    result["note"] = " ".join(filter(None, notes))
    return result


def _reason(reason: RefusalReason, progress: Progress) -> Reason:
    unit = "Row" if progress.batch.loader == "parquet" else "Line"
    place = f"{unit} {reason.line:,}"
    if reason.count > 1:
        place = f"{unit} {reason.line:,}–{reason.last_line:,}, {text.count(reason.count, 'record')}"
    return {
        "key": reason.reason,
        "place": place,
        "text": reason.reason,
        "sample": reason.sample,
    }


def _left_out(batch: Batch, reasons: list[RefusalReason]) -> list[str]:
    more = len(reasons) - _MAX_REASONS
    result = [f"{text.count(more, 'more reason')}."] if more > 0 else []
    if batch.left_out:
        result.append(f"{text.count(batch.left_out, 'unreadable record')} not stored.")
    return result


def _choices(progress: Progress) -> None:
    """Draw the actions for the current stage of the upload."""
    batch = progress.batch
    if progress.error:
        st.error(text.escape(progress.error), icon=":material/error:")
    if progress.stage == "checked" and progress.columns and progress.columns.fields:
        _columns(progress, progress.columns)
    quarantine = f"Quarantine {text.count(batch.quarantined, 'unreadable record')}"
    if progress.stage == "checked" and batch.kept and batch.quarantined:
        st.checkbox(quarantine, value=True, key=_QUARANTINE)
    with st.container(horizontal=True):
        if progress.stage == "checked" and batch.kept:
            label = f"Import {text.count(batch.kept, 'event')}"
            _button(label, "import", lambda: _import(progress), primary=True)
        elif progress.stage == "checked" and batch.quarantined:
            _button(quarantine, "import", lambda: _import(progress))
        if progress.stage in _BUSY:
            _button("Cancel", "cancel", lambda: _cancel(progress))
        if progress.stage == "checked":
            _button("Discard", "discard", lambda: _discard(progress))
        if progress.stage == "imported":
            _button("Done", "done", lambda: _discard(progress))
            st.page_link(url_state.EXPLORE, label="Open Explore")


def _button(label: str, name: str, act: Callable[[], None], *, primary: bool = False) -> None:
    kind = "primary" if primary else "secondary"
    st.button(label, key=f"connect-upload-{name}", type=kind, on_click=_safely, args=(act,))  # type: ignore[arg-type]


def _safely(act: Callable[[], None]) -> None:
    try:
        act()
    except TrailError as error:
        st.session_state[_ERROR] = str(error)


def _columns(progress: Progress, columns: TableColumns) -> None:
    """Draw the choice of a column for each field, with the column's first value."""
    st.markdown("**Columns**")
    first = dict(zip(columns.names, columns.first, strict=False))
    clear = {name: title for name, title in _MORE_FIELDS.items() if name not in columns.needed}
    with st.container(gap="xsmall", key="connect-upload-columns"):
        for name, title in (_FIELDS | _MORE_FIELDS).items():
            if name not in clear:
                _column(progress, name, title, columns, first)
    with st.expander("More fields"):
        for name, title in clear.items():
            _column(progress, name, title, columns, first)
    shown = sum(bool(columns.fields.get(name)) for name in clear)
    zone = "times without a zone are read as UTC"
    st.caption(
        f"{text.count(shown, 'more column')} matched by name · {len(columns.unused):,} kept as "
        f"other data · {zone}"
    )


def _column(
    progress: Progress, name: str, title: str, columns: TableColumns, first: dict[str, str]
) -> None:
    chosen = columns.fields.get(name, "")
    key = f"connect-upload-column-{progress.upload.upload_id}-{name}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(title, width=92)
        st.selectbox(
            title,
            columns.names,
            index=columns.names.index(chosen) if chosen else None,
            placeholder="Choose a column",
            label_visibility="collapsed",
            key=key,
            on_change=_safely,
            args=(lambda: _map(progress, name, st.session_state[key]),),
            width=150,
        )
        value = first.get(chosen, "")
        shown = value if len(value) <= _VALUE_CHARS else f"{value[:_VALUE_CHARS]}…"
        st.text(shown, width="stretch")


def _map(progress: Progress, name: str, column: str | None) -> None:
    acting_user("configure")
    mapping = {key: value for key, value in progress.upload.mapping.items() if key != name}
    if column:
        mapping[name] = column
    _desk().map_columns(progress.upload, mapping)


def _import(progress: Progress) -> None:
    user = acting_user("configure")
    batch, keeps = progress.batch, st.session_state.get(_QUARANTINE, True)
    detail = f"{text.count(batch.kept, 'event')}, {text.count(batch.duplicates, 'duplicate')}"
    unread = "quarantined" if keeps else "unreadable and not stored"
    _desk().import_now(progress.upload, quarantine=keeps)
    record_action(
        "imported", user, progress.upload.name, f"{detail}, {batch.quarantined:,} {unread}"
    )


def _cancel(progress: Progress) -> None:
    user = acting_user("configure")
    if progress.stage == "importing":
        _desk().stop(progress.upload)
        record_action("discarded", user, progress.upload.name, "import canceled")
    else:
        _discard(progress)


def _discard(progress: Progress) -> None:
    user = acting_user("configure")
    if progress.stage != "imported":
        record_action("discarded", user, progress.upload.name)
    _desk().discard(progress.upload)
