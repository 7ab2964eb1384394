"""Tables with rows of one height, of which a page shows a limited number at once."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import pandas as pd
import streamlit as st

ROW = 32


class Heights(TypedDict):
    """Heights in px, as keyword arguments of `st.dataframe`."""

    row_height: int
    height: int


def height(rows: int, most: int) -> Heights:
    """Return the heights, in px, of a table of *rows* that shows *most* of them at once."""
    return {"row_height": ROW, "height": (min(rows, most) + 1) * ROW + 3}


def draw(
    columns: Mapping[str, list[Any]],
    alt: str,
    *,
    visible: int | None = None,
    key: str | None = None,
    on_select: Callable[[int], None] | None = None,
    selected: int | None = None,
    config: Mapping[str, Any] | None = None,
    width: int | None = None,
) -> int | None:
    """Draw a table of equally long *columns* by title; return the index of the selected row.

    At most *visible* rows show at once (default: Streamlit's choice). With a *key* a row can be
    selected; *on_select* is called with its index. *selected* is the index selected at first.
    *config* holds Streamlit's column configuration by title; *width* is in px.
    """

    def picked() -> int | None:
        rows = st.session_state[key]["selection"]["rows"] if key and key in st.session_state else []
        return int(rows[0]) if rows else None

    def select() -> None:
        index = picked()
        if on_select and index is not None:
            on_select(index)

    options: dict[str, Any] = {"column_config": config, "width": width or "stretch"}
    if visible is not None:
        options |= height(len(next(iter(columns.values()))), visible)
    if key:
        rows = [] if selected is None else [selected]
        options |= {
            "key": key,
            "on_select": select,
            "selection_mode": "single-row",
            "selection_default": {"selection": {"rows": rows, "columns": [], "cells": []}},
        }
    st.dataframe(pd.DataFrame(columns), hide_index=True, alt=alt, **options)
    return picked() if key else None


@st.fragment
def folded(title: str, key: str, columns: Callable[[], Mapping[str, list[Any]]]) -> None:
    """Draw the table of a chart under *title*, collapsed; *columns* is called once it is opened."""
    with st.expander(title, key=key, on_change="rerun") as expander:
        if expander.open:
            st.dataframe(columns(), hide_index=True, height=240)
