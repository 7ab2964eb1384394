"""A saved view as one user sees it, and what may be stored as one."""

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from trail.core.account_key import username_of
from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.names import check_name
from trail.storage.filters import Filter

# The account that owns shared views from configuration files; not a valid username.
FILES = "~configuration-files"
MAX_COLUMNS = 40
_COLUMN = re.compile(r"[a-z][a-z0-9_.]{0,63}")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who uses views, by `User.account`; `manages` the shared views of others, too."""

    account: str
    name: str
    manages: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A view as one user sees it; `owner` is a `User.account`, and empty for a built-in one.

    `query` is a query string without zone: views follow the zone of their reader. Without a range
    they follow the reader's, too. Without `columns` the reader's own are shown. `changed_at` is
    naive UTC.
    """

    view_id: str
    name: str
    query: str
    columns: tuple[str, ...] = ()
    owner: str = ""
    owner_name: str = ""
    shared: bool = False
    former: bool = False
    starred: bool = False
    is_default: bool = False
    purpose: str = ""
    changed_at: dt.datetime | None = field(default=None, compare=False)

    @property
    def is_built_in(self) -> bool:
        """Return whether nobody can change the view."""
        return not self.owner

    @property
    def owner_text(self) -> str:
        """Return the name of the owner, and that the account no longer exists."""
        name = self.owner_name or username_of(self.owner)
        return f"{name} (former user)" if self.former else name

    def may_change(self, viewer: Viewer) -> bool:
        """Return whether *viewer* may save, rename, share and delete the view."""
        if self.is_built_in:
            return False
        return self.is_owned_by(viewer.account) or (self.shared and viewer.manages)

    def is_owned_by(self, account: str) -> bool:
        """Return whether the view is of this user, not of a former one of the same name."""
        return bool(self.owner) and self.owner == account and not self.former

    def to_dict(self) -> dict[str, Any]:
        """Return the view for JSON."""
        return {
            "view_id": self.view_id,
            "name": self.name,
            "query": self.query,
            "columns": list(self.columns),
            "built_in": self.is_built_in,
            "owner": username_of(self.owner),
            "owner_name": self.owner_name,
            "former_owner": self.former,
            "shared": self.shared or self.is_built_in,
            "starred": self.starred,
            "default": self.is_default,
        }


def checked_name(name: str, noun: str = "view") -> str:
    """Return *name* without surrounding and repeated spaces; raises `InputError` if invalid."""
    name = " ".join(name.split())
    check_name(name, noun)
    return name


def checked_columns(columns: Sequence[str]) -> str:
    """Return *columns* as JSON; raises `InputError` for too many or invalid names."""
    if len(columns) > MAX_COLUMNS or not all(_COLUMN.fullmatch(name) for name in columns):
        raise InputError("Invalid columns.", f"Use up to {MAX_COLUMNS} names of columns.")
    return json.dumps(list(columns))


def query_of(filter_: Filter) -> str:
    """Return the query string of *filter_* as a view stores it: without zone.

    Times that are written without an offset are moments of the filter's zone, and stay these.
    """
    zone = filter_.zone
    start, end = _moment(filter_.start, zone), _moment(filter_.end, zone)
    return replace(filter_, start=start, end=end, tz=Filter().tz).query()


def _moment(text: str, zone: ZoneInfo) -> str:
    try:
        moment = dt.datetime.fromisoformat(text)
        return text if moment.tzinfo else utc_text(moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return text  # a relative time
