"""Segment's Public API: the audit events of a span of time, and who is who in the workspace.

The API documents neither the order of events nor which end of a span belongs to it, and has no
way to ask what changed. So each ask takes what comes, and event ids make asking again harmless.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from loaders._segment_http import AnswerError, Api, SegmentSettings
from trail.core.errors import UnavailableError
from trail.core.model import Ask, Chunk, Directory, Feed, Person
from trail.core.settings import Settings
from trail.ingest.json_records import elements

# What may come for a cursor that has grown too old; which of them is not documented.
_CURSOR_REFUSED = (400, 404, 422)
# The limit that every list has had, not only the newer ones.
_USERS_A_PAGE = 200
_COUNT = re.compile(r"[0-9]{1,15}")
# The share of the answer that is never passed before its last page.
_NEARLY = 0.99


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a list: its items' exact texts, the next cursor, and how many items there are.

    `total` is zero where the API does not tell.
    """

    items: list[str]
    next: str
    total: int


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a list: what to ask the next page with, and how many pages lie before it."""

    cursor: str = ""
    page: int = 0


def pull(settings: Settings, ask: Ask) -> Iterator[Chunk]:
    """Yield the events of *ask*, one chunk a page, as the API gives them.

    Goes on from `ask.mark` when that belongs to the same span, else begins anew; so it does, once,
    when the API no longer knows the place. Raises `InputError` when the API refuses the ask, and
    `UnavailableError` when it fails for longer than `segment.patience_s` or goes in circles.
    """
    count = settings.of(SegmentSettings).page_events
    query = {
        "startTime": _written(ask.since),
        "endTime": _written(ask.until),
        "pagination.count": str(count),
    }
    start = _place(ask)
    seen, progress = 0, 0.0
    with Api(settings) as api:
        for page, place in _follow(api, "/audit-events", "events", query, start):
            first = seen + 1
            seen += len(page.items)
            progress = max(progress, _share(page, place, count))
            mark = _mark(ask, place) if place.cursor else ""
            yield _chunk(page.items, first, progress if place.cursor else 1.0, mark)


def directory(settings: Settings) -> Directory:
    """Return the workspace and its users. Raises as `pull` does."""
    query = {"pagination.count": str(_USERS_A_PAGE)}
    people: dict[str, Person] = {}
    with Api(settings) as api:
        workspace = api.get("/", {}, _workspace)
        for page, _ in _follow(api, "/users", "users", query, _Place()):
            for person in map(_person, page.items):
                if person:
                    people[person.actor_id] = person
    return Directory(
        _text(workspace, "id"),
        _text(workspace, "name"),
        _text(workspace, "slug"),
        tuple(people.values()),
    )


def _follow(
    api: Api, path: str, name: str, query: dict[str, str], place: _Place
) -> Iterator[tuple[_Page, _Place]]:
    """Yield each page of a list and the place after it, whose cursor is empty at the end."""
    followed: set[str] = set()
    anew = False
    while True:
        asked = {**query, "pagination.cursor": place.cursor} if place.cursor else query
        try:
            page = api.get(path, asked, lambda text: _page(text, name))
        except AnswerError as refusal:
            if not place.cursor or refusal.status not in _CURSOR_REFUSED:
                raise
            if anew:
                raise _lost("Segment's API twice forgot which page was next.") from None
            anew, followed, place = True, set(), _Place()
            continue
        followed.add(place.cursor)
        if page.next and page.next in followed:
            # The page counts, but its successor may be right when it is asked for again.
            yield page, place
            raise _lost("Segment's API gave a page as the next one that came before.")
        place = _Place(page.next, place.page + 1)
        yield page, place
        if not place.cursor:
            return


def _lost(message: str) -> UnavailableError:
    return UnavailableError(message, "Try again in a few minutes.")


def _page(text: str, name: str) -> _Page:
    """Read one answer. Raises `ValueError` when it holds no list of that *name*."""
    items = elements(text, "data", name)
    # Numbers stay text, since a long one would raise.
    data = json.loads(text, parse_int=str, parse_float=str)["data"]
    if not isinstance(data, dict):
        raise ValueError("the data is there twice, once as no object")
    pagination = data.get("pagination")
    pagination = {} if pagination is None else pagination
    if not isinstance(pagination, dict):
        raise ValueError("pagination is no object")
    cursor = pagination.get("next")
    if not isinstance(cursor, str | None):
        raise ValueError("a cursor is no text")
    total = str(pagination.get("totalEntries"))
    return _Page(items, cursor or "", int(total) if _COUNT.fullmatch(total) else 0)


def _chunk(items: list[str], first: int, progress: float, mark: str) -> Chunk:
    table = pa.table(
        {
            "line": pa.array(range(first, first + len(items)), pa.int64()),
            "raw": pa.array(items, pa.large_string()),
            # Who answers with the workspace's token over TLS is Segment.
            "verified": pa.array([True] * len(items), pa.bool_()),
        }
    )
    return Chunk(table, progress=progress, mark=mark)


def _share(page: _Page, place: _Place, count: int) -> float:
    """Return how much of the answer has been read, 0 to `_NEARLY`; a guess without a total."""
    if page.total:
        return min(_NEARLY, place.page * count / page.total)
    return min(_NEARLY, place.page / (place.page + 4))


def _written(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _mark(ask: Ask, place: _Place) -> str:
    return json.dumps(
        {
            "since": _written(ask.since),
            "until": _written(ask.until),
            "cursor": place.cursor,
            "page": place.page,
        }
    )


def _place(ask: Ask) -> _Place:
    """Return where the mark of *ask* says to go on: the beginning if it is of another span."""
    try:
        mark = json.loads(ask.mark or "{}")
    except ValueError:
        return _Place()
    match mark:
        case {"since": since, "until": until, "cursor": str(cursor), "page": int(page)} if (
            since == _written(ask.since) and until == _written(ask.until)
        ):
            return _Place(cursor, max(page, 0))
    return _Place()


def _workspace(text: str) -> dict[str, Any]:
    match json.loads(text):
        case {"data": {"workspace": dict(workspace)}} | {"data": dict(workspace)}:
            return workspace
    raise ValueError("no workspace")


def _person(item: str) -> Person | None:
    user = json.loads(item, parse_int=str, parse_float=str)
    if not isinstance(user, dict) or not _text(user, "id"):
        return None
    return Person(f"users/{_text(user, 'id')}", _text(user, "name"), _text(user, "email"))


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


LOADER = Feed(
    name="segment_api",
    title="Segment Public API",
    rank=10,
    section=SegmentSettings,
    example={"token": "sgp_example"},
    pull=pull,
    directory=directory,
    every_s=lambda settings: settings.of(SegmentSettings).every_minutes * 60,
    overlap=lambda settings: dt.timedelta(hours=settings.of(SegmentSettings).overlap_hours),
)
