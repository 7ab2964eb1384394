"""The health of each source of events: the one answer for pages, API, metrics, alerts and digests.

It is read from what polls, file checks and receivers record in the database, so that a command
reports the same as the server that collects.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import SecretStr

from trail.core import registry
from trail.core.json_values import json_row
from trail.core.model import Drop, EventSource, Feed, Receiver
from trail.core.settings import Settings
from trail.core.text import count
from trail.events import coverage, store_status
from trail.events.coverage import Silence
from trail.ingest import feeds
from trail.storage import collected_by, cursors, workspaces
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

State = Literal["ok", "failing", "silent", "never", "off"]
STATE_NAMES: dict[State, str] = {
    "ok": "OK",
    "failing": "Failing",
    "silent": "Silent",
    "never": "No event yet",
    "off": "Off",
}

# A check is late after three intervals, and not before the time that also makes a gap.
_LATE_INTERVALS = 3
# A receiver is compared with earlier weeks only after it has listened this long.
_MIN_LISTENING = dt.timedelta(hours=2)
_SIMULATED = "simulated_source"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source of events. Times are UTC without zone, None if there is none.

    `state` is `ok`; `failing`: the newest poll or check failed; `silent`: it is late, or has had no
    event for unusually long; `never`: it has not delivered anything yet; `off`: it collected
    before, and is not configured now. `since` is when a failing, silent or off source last
    delivered or succeeded, or when it first failed. `last_event` is the time of its newest event,
    `last_success` its last successful poll, check or delivery. `message` is plain text that says
    why, without secrets, and empty where there is nothing to say. `interval` is the time between
    two polls or checks, None for a receiver. With `covers_time`, a source that is `ok` shows that
    no event is missing until now; the check of a folder shows only that no file is there.
    """

    name: str
    title: str
    state: State
    since: dt.datetime | None = None
    last_event: dt.datetime | None = None
    last_success: dt.datetime | None = None
    message: str = ""
    interval: dt.timedelta | None = None
    covers_time: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON: times as ISO 8601 in UTC, `interval_s` in seconds."""
        fields = json_row(asdict(self))
        interval = fields.pop("interval")
        del fields["covers_time"]
        return {**fields, "interval_s": interval.total_seconds() if interval else None}


def sources(engine: Engine, settings: Settings, now: dt.datetime) -> tuple[SourceHealth, ...]:
    """Return the health of each configured source at *now* (UTC without zone).

    In the order of their rank, followed by those that are off. Files that people load are not a
    source: nothing is known about when the next one is due.
    """
    recorded = {row["loader"]: row for row in store_status.sources(engine)}
    newest = store_status.newest_events(engine, now)
    known = sorted(_registered(engine, settings, recorded), key=lambda source: source.rank)
    result = [
        _health(engine, source, settings, recorded.get(source.name, {}), newest, now)
        for source in known
        if _is_configured(source, settings)
    ]
    simulated = _simulated(engine, recorded, newest, now)
    if simulated:
        result.append(simulated)
    configured = {health.name for health in result}
    for source in known:
        row = recorded.get(source.name, {})
        last = _last_success(row, source)
        if source.name not in configured and last and _delivered(row):
            result.append(
                SourceHealth(
                    source.name,
                    source.title,
                    "off",
                    since=last,
                    last_event=newest.get(source.name),
                    last_success=last,
                    message="Not configured any more.",
                )
            )
    return tuple(result)


def _is_configured(source: EventSource, settings: Settings) -> bool:
    if isinstance(source, Feed):
        return source.name in {feed.name for feed in feeds.configured(settings)}
    return source.configured(settings)


def failing(health: Iterable[SourceHealth]) -> tuple[SourceHealth, ...]:
    """Return those of *health* that are configured and fail."""
    return tuple(source for source in health if source.state == "failing")


def has_delivered(engine: Engine, name: str) -> bool:
    """Return whether the source *name* has ever delivered a record."""
    return any(row["loader"] == name and _delivered(row) for row in store_status.sources(engine))


def simulate(cursor: Cursor, name: str, title: str, interval: dt.timedelta) -> None:
    """Record that this database has a simulated source, which is polled every *interval*.

    Its polls are recorded by `coverage.note`, as those of a real source.
    """
    about = {"name": name, "title": title, "every_s": interval.total_seconds()}
    cursors.put(cursor, _SIMULATED, json.dumps(about))


def _registered(engine: Engine, settings: Settings, recorded: Iterable[str]) -> list[EventSource]:
    """Return all sources: the feed of each workspace, and the *recorded* ones."""
    polled = {feed.name: feed for feed in registry.of_kind(Feed)}
    found: dict[str, Feed] = {**polled}
    found |= {feed.name: feed for feed in feeds.configured(settings)}
    for name in recorded:
        loader, mark, workspace = name.partition(collected_by.WORKSPACE_MARK)
        if mark and loader in polled and name not in found:
            found[name] = feeds.of_workspace(polled[loader], workspace)
    names = workspaces.of_sources(engine)
    feeds_ = [feeds.titled(feed, names) for feed in found.values()]
    return [*feeds_, *registry.of_kind(Drop), *registry.of_kind(Receiver)]


def _delivered(row: dict[str, Any]) -> bool:
    return bool(row.get("read"))


def _last_success(row: dict[str, Any], source: EventSource) -> dt.datetime | None:
    """Return the last successful poll or check, or the last delivery of a receiver."""
    last: dt.datetime | None = row.get(
        "last_batch_at" if isinstance(source, Receiver) else "watched_until"
    )
    return last


def _health(
    engine: Engine,
    source: EventSource,
    settings: Settings,
    row: dict[str, Any],
    newest: dict[str, dt.datetime],
    now: dt.datetime,
) -> SourceHealth:
    if isinstance(source, Feed | Drop):
        interval = dt.timedelta(seconds=source.every_s(settings))
        state, since, message = _polled(engine, row, interval, now, feed=isinstance(source, Feed))
    else:
        interval = None
        state, since, message = _listening(engine, source.name, row, now)
    last_event, hours = newest.get(source.name), settings.sources.silent_hours
    # When new ones arrived, if they have left the database since.
    quiet_since = last_event or row.get("last_kept_at")
    # Files are not expected at regular times.
    is_due = state == "ok" and hours and not isinstance(source, Drop)
    if is_due and quiet_since and now - quiet_since > dt.timedelta(hours=hours):
        state, since, message = "silent", quiet_since, f"No event for {count(hours, 'hour')}."
    return SourceHealth(
        source.name,
        source.title,
        state,
        since=since,
        last_event=last_event,
        last_success=_last_success(row, source),
        message=_without_secrets(message, source, settings),
        interval=interval,
        covers_time=not isinstance(source, Drop),
    )


def _simulated(
    engine: Engine,
    recorded: dict[str, dict[str, Any]],
    newest: dict[str, dt.datetime],
    now: dt.datetime,
) -> SourceHealth | None:
    mark = cursors.get(engine, _SIMULATED)
    if not mark:
        return None
    about = json.loads(mark)
    row = recorded.get(about["name"], {})
    interval = dt.timedelta(seconds=about["every_s"])
    state, since, message = _polled(engine, row, interval, now, feed=True)
    last_event = newest.get(about["name"])
    return SourceHealth(
        about["name"],
        about["title"],
        state,
        since=since,
        last_event=last_event,
        last_success=row.get("watched_until"),
        message=message,
        interval=interval,
    )


_Judged = tuple[State, dt.datetime | None, str]


def _polled(
    engine: Engine, row: dict[str, Any], interval: dt.timedelta, now: dt.datetime, *, feed: bool
) -> _Judged:
    success, failure = row.get("watched_until"), row.get("failed_at")
    if failure and (success is None or failure > success):
        return "failing", success or row["failed_since"], row["failure"]
    if success is None:
        return "never", None, "Not polled yet." if feed else "Not checked yet."
    late = max(_LATE_INTERVALS * interval, coverage.LATE_AFTER)
    if now - success > late:
        checked = "poll" if feed else "check"
        return "silent", success, f"No {checked} since then: the server was stopped or is busy."
    # What fails beside a success of the same round is older: a gap that is filled later.
    message = row["failure"] if failure == success else ""
    if not _delivered(row):
        return "never", None, message or "No event received yet."
    if feed and (silence := coverage.silence(engine, now)):
        return "silent", silence.since, f"Polls succeed and find no event. {_usual(silence)}"
    return "ok", None, message


def _listening(engine: Engine, name: str, row: dict[str, Any], now: dt.datetime) -> _Judged:
    if not _delivered(row):
        return "never", None, "Nothing received yet."
    listening_since = row.get("watched_since")
    if listening_since and now - listening_since >= _MIN_LISTENING:
        silence = coverage.silence(engine, now, source=name, listening_since=listening_since)
        if silence:
            return "silent", silence.since, f"Nothing received. {_usual(silence)}"
    return "ok", None, ""


def _usual(silence: Silence) -> str:
    return (
        f"The same hours of the {count(silence.weeks, 'week')} before had {silence.low:,} to "
        f"{silence.high:,} events."
    )


def _without_secrets(message: str, source: EventSource, settings: Settings) -> str:
    section = settings.of(source.section)
    for secret in _secrets(getattr(section, name) for name in type(section).model_fields):
        message = message.replace(secret, "…")
    return message


def _secrets(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, SecretStr):
            yield from filter(None, [value.get_secret_value().strip()])
        elif isinstance(value, tuple):
            yield from _secrets(value)
        elif isinstance(value, dict):
            yield from _secrets(value.values())
