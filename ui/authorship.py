"""Notes on who created an entry, who last changed it, and whether it comes from files."""

import datetime as dt
from collections.abc import Mapping

from trail.access_log.log import COMMAND_LINE
from ui import text, url_state
from ui.triage_menu import name_of


def edited(
    made_by: str, made_at: dt.datetime | None, by: str | None, at: dt.datetime | None
) -> str:
    """Return who last changed an entry and when, or who created it; times are naive UTC."""
    if by and at:
        return f"Last edited by {_by(by, at)}"
    return f"Created by {_by(made_by, made_at)}" if made_by else ""


def from_files(
    origins: Mapping[str, bool], name: str, by: str | None = "", at: dt.datetime | None = None
) -> str:
    """Return a note that the entry *name* comes from files, and whether it was changed here since.

    *origins* are those of its kind, from `config_files.folder.origins`. *by* and *at* (naive UTC)
    describe its last change, if stored. Empty for entries that do not come from files.
    """
    as_in_files = origins.get(name.casefold())
    if as_in_files is None:
        return ""
    if as_in_files:
        return "From files"
    change = "changed here"
    if by and by != COMMAND_LINE:
        change += f" by {_by(by, at)}"
    elif at:
        change += f" {_at(at)}"
    return f"From files, {change}: the next apply overwrites the changes"


def _by(username: str, at: dt.datetime | None) -> str:
    name = name_of(username)
    return f"{name}, {_at(at)}" if at else name


def _at(at: dt.datetime) -> str:
    return text.short_timestamp(at, url_state.timezone())
