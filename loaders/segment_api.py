"""Segment's Public API: audit events of a period, and the members of the workspace.

The API documents neither the order of events nor which end of a period is included, and cannot
filter by change. Requests overlap, and event ids deduplicate.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from loaders._segment_http import AnswerError, Api, SegmentSettings
from trail.core.clock import naive_utc
from trail.core.errors import UnavailableError
from trail.core.model import Ask, Available, Chunk, Directory, Feed, Person, Reject
from trail.core.settings import Settings
from trail.ingest.json_records import split

# Possible statuses for an expired cursor; the documentation names none.
_CURSOR_EXPIRED = (400, 404, 422)
# The page limit that all list endpoints accept.
_USERS_A_PAGE = 200
_COUNT = re.compile(r"[0-9]{1,15}")
# Segment keeps 90 days.
_LOOK_BACK, _HOUR = dt.timedelta(days=100), dt.timedelta(hours=1)
# Maximum progress before the last page.
_NEARLY = 0.99
# Seconds that a poll waits for the name of its workspace, which is optional.
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a list: exact bytes of the items, next cursor, total items (0 if unknown)."""

    items: list[bytes]
    next: str
    total: int


@dataclass(frozen=True, slots=True)
class _Place:
    """A position in a list: the cursor of the next page, and how many pages precede it."""

    cursor: str = ""
    page: int = 0


def pull(settings: Settings, ask: Ask) -> Iterator[Chunk]:
    """Yield the events of *ask*, one chunk per page, in the order of the API.

    Resumes at `ask.mark` if it belongs to the same period; restarts once if the cursor expired.
    Raises `InputError` if the API refuses the request, `UnavailableError` if it fails for longer
    than `segment.patience_s` or returns cursors in a circle.
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
    """Return the workspace and its users. Raises the errors of `pull`."""
    query = {"pagination.count": str(_USERS_A_PAGE)}
    people: dict[str, Person] = {}
    with Api(settings) as api:
        about = _about(api)
        for page, _ in _follow(api, "/users", "users", query, _Place()):
            for person in map(_person, page.items):
                if person:
                    people[person.actor_id] = person
    return replace(about, people=tuple(people.values()))


def workspace(settings: Settings) -> Directory:
    """Return the workspace of the token, without its users. Raises the errors of `pull`."""
    section = settings.of(SegmentSettings)
    patience = {"patience_s": min(_PATIENCE_S, section.patience_s)}
    hasty = settings.model_copy(update={section.section: section.model_copy(update=patience)})
    with Api(hasty) as api:
        return _about(api)


def _about(api: Api) -> Directory:
    found = api.get("/", {}, _workspace)
    return Directory(_text(found, "id"), _text(found, "name"), _text(found, "slug"))


def available(settings: Settings, now: dt.datetime) -> Available:
    """Return what is available in the workspace at *now* (naive UTC), with at most 16 requests.

    The oldest event is found by bisecting `_LOOK_BACK` down to an hour; if that hour has more than
    1,000 events, the oldest of the first page is used. Raises the errors of `pull`.
    """
    with Api(settings) as api:
        about = _about(api)
        latest = _between(api, now - dt.timedelta(days=1), now, 1_000)
        first, end = now - _LOOK_BACK, now
        oldest = _between(api, first, end, 1)
        while oldest.items and end - first > _HOUR:
            middle = first + (end - first) / 2
            found = _between(api, first, middle, 1)
            oldest, first, end = (found, first, middle) if found.items else (oldest, middle, end)
        if oldest.items:
            oldest = _between(api, first, end, 1_000)
    count = max(latest.total, len(latest.items))
    return Available(
        about.workspace_name,
        min(filter(None, map(_time, oldest.items)), default=None),
        count,
        is_exact=bool(latest.total) or not latest.next,
    )


def _between(api: Api, since: dt.datetime, until: dt.datetime, count: int) -> _Page:
    query = {
        "startTime": _written(since),
        "endTime": _written(until),
        "pagination.count": str(count),
    }
    return api.get("/audit-events", query, lambda text: _page(text, "events"))


def _time(item: bytes) -> dt.datetime | None:
    """Return the time of an event (naive UTC), or None if it cannot be read."""
    try:
        record = json.loads(item, parse_int=str, parse_float=str)
        return naive_utc(dt.datetime.fromisoformat(record["timestamp"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _follow(
    api: Api, path: str, name: str, query: dict[str, str], place: _Place
) -> Iterator[tuple[_Page, _Place]]:
    """Yield each page of a list and the position after it, whose cursor is empty at the end."""
    followed: set[str] = set()
    restarted = False
    while True:
        asked = {**query, "pagination.cursor": place.cursor} if place.cursor else query
        try:
            page = api.get(path, asked, lambda text: _page(text, name))
        except AnswerError as refusal:
            if not place.cursor or refusal.status not in _CURSOR_EXPIRED:
                raise
            if restarted:
                raise _lost("The Segment API rejected its own cursor twice.") from None
            restarted, followed, place = True, set(), _Place()
            continue
        followed.add(place.cursor)
        if page.next and page.next in followed:
            # The page is valid; its cursor may be correct in another attempt.
            yield page, place
            raise _lost("The Segment API returned a cursor that was used before.")
        place = _Place(page.next, place.page + 1)
        yield page, place
        if not place.cursor:
            return


def _lost(message: str) -> UnavailableError:
    return UnavailableError(message, "Try again in a few minutes.")


def _page(text: bytes, name: str) -> _Page:
    """Parse one response; raises `ValueError` without a list of that *name*."""
    items, rest = split(text, "data", name)
    # Numbers stay text, since very long ones would raise.
    data = json.loads(rest, parse_int=str, parse_float=str)["data"]
    if not isinstance(data, dict):
        raise ValueError("data is not an object")
    pagination = data.get("pagination")
    pagination = {} if pagination is None else pagination
    if not isinstance(pagination, dict):
        raise ValueError("pagination is not an object")
    cursor = pagination.get("next")
    if not isinstance(cursor, str | None):
        raise ValueError("the cursor is not text")
    total = str(pagination.get("totalEntries"))
    return _Page(items, cursor or "", int(total) if _COUNT.fullmatch(total) else 0)


def _chunk(items: list[bytes], first: int, progress: float, mark: str) -> Chunk:
    good: list[tuple[int, str]] = []
    refused: list[Reject] = []
    for number, item in enumerate(items, first):
        try:
            good.append((number, item.decode()))
        except UnicodeDecodeError as error:
            refused.append(Reject(number, f"Not UTF-8 at byte {error.start + 1}", item))
    table = pa.table(
        {
            "line": pa.array([number for number, _ in good], pa.int64()),
            "raw": pa.array([text for _, text in good], pa.large_string()),
            # Authenticated by TLS and the workspace's token.
            "verified": pa.array([True] * len(good), pa.bool_()),
        }
    )
    return Chunk(table, tuple(refused), progress, mark)


def _share(page: _Page, place: _Place, count: int) -> float:
    """Return the progress, 0 to `_NEARLY`; estimated without a total."""
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
    """Return the position to resume at: the beginning if the mark is of another period."""
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


def _workspace(text: bytes) -> dict[str, Any]:
    match json.loads(text):
        case {"data": {"workspace": dict(workspace)}} | {"data": dict(workspace)}:
            return workspace
    raise ValueError("no workspace")


def _person(item: bytes) -> Person | None:
    try:
        user = json.loads(item, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(user, dict) or not _text(user, "id"):
        return None
    return Person(f"users/{_text(user, 'id')}", _text(user, "name"), _text(user, "email"))


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def more(settings: Settings) -> dict[str, Settings]:
    """Return the settings of each further workspace by its name."""
    section = settings.of(SegmentSettings)
    result = {}
    for name, token in section.tokens.items():
        region = section.regions.get(name, section.region)
        own = section.model_copy(update={"token": token, "region": region, "tokens": {}})
        result[name] = settings.model_copy(update={section.section: own})
    return result


LOADER = Feed(
    name="segment_api",
    title="Segment Public API",
    rank=10,
    section=SegmentSettings,
    example={"token": "sgp_example"},
    pull=pull,
    directory=directory,
    workspace=workspace,
    available=available,
    every_s=lambda settings: settings.of(SegmentSettings).every_minutes * 60,
    more=more,
    more_setting="tokens",
    fills_gaps=lambda settings: settings.of(SegmentSettings).backfill,
    overlap=lambda settings: dt.timedelta(hours=settings.of(SegmentSettings).overlap_hours),
)
