"""Short links to the state of a page, with fixed or with relative times.

A link works for as long as events can be read: after that, none of those that existed when it was
made is left. It grants nothing: whoever opens it signs in, and sees what the role allows.
"""

import datetime as dt
import re
from dataclasses import dataclass, replace

from trail.core.clock import naive_utc, utc_text
from trail.core.errors import InputError
from trail.core.text import count
from trail.storage import search_time
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import NO, Filter
from trail.views.random_id import LENGTH, random_id

MAX_OF_USER = 1_000  # links that have not expired
MAX_QUERY_CHARS = 40_000
# The pages that links may open, and the capability that each requires.
PAGES = {"explore": "explore"}
_ID = re.compile(rf"[0-9A-Za-z]{{{LENGTH}}}")
_TICK = dt.timedelta(microseconds=1)


class ExpiredError(InputError):
    """A link that does not exist, or no longer."""


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link: the page, its query string, and when it was made (UTC, without zone)."""

    link_id: str
    page: str
    query: str
    made_at: dt.datetime

    @property
    def path(self) -> str:
        """Return the path of the link on the server."""
        return f"/s/{self.link_id}"

    @property
    def target(self) -> str:
        """Return the address that the link leads to, relative to `path`."""
        return f"../{self.page}?{self.query}"


def follows_time(filter_: Filter, now: dt.datetime) -> bool:
    """Return whether *filter_* selects other times later than at *now* (aware)."""
    return filter_.is_relative or search_time.absolute(filter_.q, filter_, now) != filter_.q


def with_fixed_times(engine: Engine, filter_: Filter, now: dt.datetime) -> Filter:
    """Return *filter_* with the times that it selects at *now* (aware), so that they stay these.

    A range without an end selects events that are dated in the future, too, so it ends after the
    newest one. A relative range leaves them out, which is said explicitly where there are some.
    Raises `FilterError` if the search has too many terms with its times written out.
    """
    window, moment = filter_.window(now), naive_utc(now)
    start, end = window.start, window.end
    if end is None:
        newest = engine.table("select max(occurred_at) as at from events")["at"][0].as_py()
        end = max(moment, newest + _TICK if newest else moment)
    end = max(start, end) if start else end
    fixed = replace(
        filter_,
        start=utc_text(start) if start else "",
        end=utc_text(end),
        q=search_time.absolute(filter_.q, filter_, now),
    )
    fixed.check()
    if filter_.is_relative and not filter_.choice("future_dated"):
        dated = engine.table(
            "select 1 from events where future_dated and occurred_at < $end "
            "and ($start::timestamp is null or occurred_at >= $start) limit 1",
            {"start": start, "end": end},
        )
        if dated.num_rows or end > moment:
            return fixed.put("future_dated", NO, "include")
    return fixed


def create(
    store: Store,
    page: str,
    query: str,
    made_by: str,
    now: dt.datetime,
    days: int | None,
    *,
    fixed: bool,
) -> ShareLink:
    """Store a link to *page* with the query string *query*, and return it.

    The same state gives the same link, which then works for another *days* (None: for ever).
    Expired links are deleted. *now* is UTC without zone. Raises `InputError` beyond the limits.
    """
    if page not in PAGES:
        raise InputError(f"Page {page!r} has no links.", f"Allowed: {', '.join(PAGES)}.")
    if len(query) > MAX_QUERY_CHARS:
        raise InputError("The filter is too long for a link.", "Remove some of its values.")
    state = {"page": page, "query": query, "by": made_by, "fixed": fixed}

    def write(cursor: Cursor) -> ShareLink:
        cursor.execute(
            "delete from share_links where made_at < $before",
            {"before": _oldest(now, days)},
        )
        known = cursor.execute(
            "update share_links set made_at = $now where page = $page and query = $query "
            "and made_by = $by and fixed = $fixed returning link_id",
            {**state, "now": now},
        ).fetchall()
        if known:
            return ShareLink(known[0][0], page, query, now)
        ((number,),) = cursor.execute(
            "select count(*) from share_links where made_by = $by", {"by": made_by}
        ).fetchall()
        if number >= MAX_OF_USER:
            raise InputError(
                f"You have {MAX_OF_USER:,} links.",
                f"Each expires {count(days, 'day')} after its creation."
                if days
                else "They do not expire. Share a view that you shared before.",
            )
        link = ShareLink(random_id(), page, query, now)
        cursor.execute(
            "insert into share_links values ($id, $page, $query, $fixed, $by, $now)",
            {**state, "id": link.link_id, "now": now},
        )
        return link

    return store.submit(write, versioned=False).result()


def find(engine: Engine, link_id: str, now: dt.datetime, days: int | None) -> ShareLink:
    """Return the link of that ID; raises `ExpiredError` if there is none at *now* (UTC).

    Links work for *days* (None: for ever).
    """
    rows = (
        engine.table(
            "select link_id, page, query, made_at from share_links "
            "where link_id = $id and made_at >= $before",
            {"id": link_id, "before": _oldest(now, days)},
        ).to_pylist()
        if _ID.fullmatch(link_id)
        else []
    )
    if not rows:
        works = f"Links work for {count(days, 'day')}. " if days else ""
        raise ExpiredError(
            "This link does not exist or has expired.", f"{works}Ask the sender for a new one."
        )
    return ShareLink(**rows[0])


def _oldest(now: dt.datetime, days: int | None) -> dt.datetime:
    """Return when a link that works at *now* was made at the earliest."""
    if days is None:
        return dt.datetime.min  # noqa: DTZ901 - UTC
    return now - dt.timedelta(days=days)
