"""Numbers in the menu: open incidents beside Failures, findings to review beside Unusual."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import streamlit as st

from trail.accounts.users import User
from trail.core.errors import TrailError
from trail.findings import queries as findings
from trail.incidents import queries as incidents
from trail.runtime import process
from trail.storage.filters import Filter
from ui import url_state
from ui.page import Context, discover_pages, turn

_counts = st.components.v2.component(
    "trail_menu_counts", js=Path(__file__).with_name("menu_counts.js").read_text(encoding="utf-8")
)


class _Count(TypedDict):
    path: str
    number: str
    meaning: str


def draw(user: User) -> None:
    """Show the numbers of the window that the menu keeps, which are those of the pages."""
    ctx = Context(user, process.current())
    with contextlib.suppress(TrailError), turn(user):
        pages = discover_pages()
        counts = [
            count
            for path, count in _of(ctx).items()
            if pages[path].allows(user) and count["number"] != "0"
        ]
        _counts(key="menu-counts", data={"counts": counts})


def _of(ctx: Context) -> dict[str, _Count]:
    """Return the count of each page by its path; of the same data, once a minute."""
    store, now = ctx.store, ctx.now
    chosen = url_state.current_filter()
    window = replace(Filter(), start=chosen.start, end=chosen.end, tz=chosen.tz)

    def make() -> dict[str, _Count]:
        open_ = incidents.summary(store, window, now).open
        undecided = len(findings.queue(store, window, now).undecided)
        return {
            "failures": _count("failures", open_, "open"),
            "unusual": _count("unusual", undecided, "to review"),
        }

    minute = now.replace(second=0, microsecond=0)
    return store.shared(("menu counts", window.query(), minute), make, lambda _: 500)


def _count(path: str, number: int, meaning: str) -> _Count:
    return {"path": path, "number": f"{number:,}", "meaning": f"{number:,} {meaning}"}
