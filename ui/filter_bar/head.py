"""The head of a page: its title, and the filter bar with everything that narrows it."""

from collections.abc import Callable, Sequence

import streamlit as st

from trail.storage.filters import Filter, Window
from ui import text
from ui.filter_bar import active_filters, export_menu, search_box, time_control


def title(
    name: str,
    summary: str,
    beside: Callable[[], None] | None = None,
    last: Callable[[], None] | None = None,
) -> None:
    """Draw the page's title, and *summary* (trusted HTML) at the right.

    *beside* draws what stands next to the title, *last* what comes after the summary.
    """
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center" if beside else "bottom",
        key="title",
    ):
        st.title(name, anchor=False, width="content")
        if beside:
            beside()
        st.html(f'<span class="trail-summary">{summary}</span>', width="content")
        if last:
            last()


def bar(
    filter_: Filter,
    rows: int,
    *,
    search: bool,
    shown: Sequence[str] = (),
    evidence: bool = False,
) -> None:
    """Draw search, window, time zone and the export of *rows* events in one row.

    *shown* are the columns of the page's table of events. With *evidence* the export menu offers
    the evidence pack.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter-bar"):
        if search:
            search_box.draw(filter_)
        time_control.window(filter_)
        if not search:
            st.space("stretch")
        time_control.zone(filter_)
        export_menu.draw(filter_, rows, shown, evidence=evidence)


def chip_row(filter_: Filter, window: Window, labels: dict[tuple[str, str], str]) -> None:
    """Draw the active filters, and the window at the right."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="chips"
    ):
        active_filters.draw(filter_, labels)
        window_caption(filter_, window)


def window_caption(filter_: Filter, window: Window, more: str = "") -> None:
    """Draw the start and end of the window with the time zone, followed by *more*."""
    assert window.start and window.end
    line = text.window(window.start, window.end, filter_.zone) + more
    st.html(f'<span class="trail-window">{line}</span>', width="content")
