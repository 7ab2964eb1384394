"""Where a page of events begins or ends: the place of a row in one order, as text for URLs."""

import datetime as dt
from dataclasses import dataclass
from urllib.parse import quote, unquote

from trail.core.clock import naive_utc
from trail.storage.filters import SORT_COLUMNS


@dataclass(frozen=True, slots=True)
class Cursor:
    """A keyset cursor: the time (UTC) and id of the row at a page's edge.

    In the order of a column, *sort* is that order and *value* what the row is sorted by there, as
    text; empty if it has none.
    """

    occurred_at: dt.datetime
    event_id: str
    sort: str = ""
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Return the cursor from its `str` form, or None if invalid."""
        sort, value = "", ""
        first, _, rest = text.partition("~")
        if first.removeprefix("-") in SORT_COLUMNS:
            sort, (value, _, text) = first, rest.partition("~")
        time, _, event_id = text.partition("~")
        try:
            moment = naive_utc(dt.datetime.fromisoformat(time))
        except (ValueError, OverflowError):
            return None
        return cls(moment, event_id, sort, unquote(value)) if event_id else None

    def __str__(self) -> str:
        """Return the cursor in its URL form."""
        place = f"{self.occurred_at.isoformat()}~{self.event_id}"
        if not self.sort:
            return place
        value = quote(self.value, safe="").replace("~", "%7E")
        return f"{self.sort}~{value}~{place}"

    def fits(self, sort: str) -> bool:
        """Return whether the cursor is a place in the order *sort*; both orders of time share."""
        return self.sort == (sort if sort.removeprefix("-") in SORT_COLUMNS else "")
