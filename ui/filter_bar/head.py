"""The head of a page: its title, and the filter bar with everything that narrows it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trail.storage.filters import Filter, Window
from trail.web import email_masks
from ui import text
from ui.filter_bar import active_filters, export_menu, search_box, time_control
from ui.page import current_user

Draw = Callable[[], None]


def head(
    name: str,
    filter_: Filter,
    rows: int | None,
    *,
    labels: Mapping[tuple[str, str], str] | None = None,
    beside: Draw | None = None,
    last: Draw | None = None,
    refresh: Draw | None = None,
) -> None:
    """Draw the head of a page of *rows* events: title, window and zone, and what narrows them.

    With *labels*, which name values by facet and value, the search and the active filters are in a
    row of their own. *beside* draws what stands next to the title, *last* what ends the row,
    *refresh* what ends that of the active filters. Without *rows* the page draws the `export`.
    """
    with title(name, beside):
        time_control.window(filter_)
        time_control.zone(filter_)
        if labels is None and rows is not None:
            export_menu.draw(filter_, rows)
        if last:
            last()
    if labels is not None:
        with st.container(horizontal=True, vertical_alignment="top", gap="small", key="filter-bar"):
            with st.container(
                horizontal=True, vertical_alignment="top", gap="small", key="filters"
            ):
                is_shown = not email_masks.is_masked(current_user()) and search_box.draw(filter_)
                active_filters.draw(filter_, labels, with_search=not is_shown)
            if refresh:
                refresh()
            if rows is not None:
                export_menu.draw(filter_, rows)


@contextlib.contextmanager
def title(name: str, beside: Draw | None = None) -> Iterator[None]:
    """Draw the page's title, next to it *beside*, and at the right what the block draws.

    Where the window is too narrow for both, the block is in a row of its own.
    """
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="title"
    ):
        with _row("title-lead"):
            st.title(text.escape(name), anchor=False, width="content")
            if beside:
                beside()
        with _row("title-controls"):
            yield


def _row(key: str) -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", width="content", key=key)


def caption(
    summary: str, filter_: Filter, window: Window | None = None, more: str = ""
) -> Callable[[str], None]:
    """Draw the *window* with its time zone, followed by *more*, and *summary* (trusted HTML).

    Return a function that draws another summary in its place.
    """
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="caption",
    ):
        if window:
            window_caption(filter_, window, more)
        place = st.empty()

    def draw(summary: str) -> None:
        place.html(f'<span class="trail-summary">{summary}</span>', width="content")

    draw(summary)
    return draw


def window_caption(filter_: Filter, window: Window, more: str = "") -> None:
    """Draw the start and end of the window with the time zone, followed by *more*."""
    assert window.start and window.end
    line = text.window(window.start, window.end, filter_.zone) + more
    st.html(f'<span class="trail-window">{line}</span>', width="content")
