"""The columns of the event table: those of the open saved view, else as the user chose them.

A change of columns inside a view belongs to the view: it is kept until another one is opened, or
until it is saved there. The user's own columns stay as they were.
"""

from typing import Any

import streamlit as st

from ui.column_layout import ColumnLayout

_KEY = "view-columns"


def use(view_id: str, columns: tuple[str, ...]) -> None:
    """Show *columns* of the view that is open; an empty tuple leaves the user's own.

    What was changed since this view was opened stays.
    """
    known = st.session_state.get(_KEY, {})
    changed = known.get("changed") if known.get("view") == view_id else None
    st.session_state[_KEY] = {"view": view_id, "columns": columns, "changed": changed}


def forget_changes() -> None:
    """Show the columns of the open view as they are saved; for use when one is opened or saved."""
    st.session_state.pop(_KEY, None)


class ViewLayout(ColumnLayout):
    """The layout whose choice of columns a saved view may replace; widths are the user's own."""

    def _saved(self, part: str) -> Any:
        used = st.session_state.get(_KEY, {})
        if part == "names" and used.get("columns"):
            return list(used["changed"] or used["columns"])
        return super()._saved(part)

    def _save(self, value: dict[str, object] | None) -> None:
        used = st.session_state.get(_KEY, {})
        if used.get("columns"):
            names = value.get("names") if value else None
            used["changed"] = names if names != list(used["columns"]) else None
            own = super()._saved("names")
            widths = value.get("widths") if value else None
            value = {"names": own, "widths": widths} if own or widths else None
        super()._save(value)
