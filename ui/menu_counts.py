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
        _counts(key="menu-counts", data={"counts": _of(ctx)})


def _of(ctx: Context) -> list[_Count]:
    pages, now = discover_pages(), ctx.now
    chosen = url_state.current_filter()
    window = replace(Filter(), start=chosen.start, end=chosen.end, tz=chosen.tz)
    result = []
    if pages["failures"].allows(ctx.user):
        number = incidents.summary(ctx.store, window, now).open
        result.append(_count("failures", number, "open"))
    if pages["unusual"].allows(ctx.user):
        number = len(findings.queue(ctx.store, window, now).undecided)
        result.append(_count("unusual", number, "to review"))
    return [one for one in result if one["number"] != "0"]


def _count(path: str, number: int, meaning: str) -> _Count:
    return {"path": path, "number": f"{number:,}", "meaning": f"{number:,} {meaning}"}
