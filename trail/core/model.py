"""The shared types: what a loader yields, a batch reports and a row contains.

Separate because loaders, the store and the pages all speak these and nothing else of each other.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pydantic import SecretStr

from trail.core.networks import Network
from trail.core.section import Section
from trail.core.settings import Settings, variable

# The columns of one event, in the order in which every table, export and command gives them.
EVENT_COLUMNS = (
    "event_id",
    "occurred_at",
    "ingested_at",
    "action",
    "action_raw",
    "category",
    "kind",
    "outcome",
    "risk",
    "actor_id",
    "actor_type",
    "actor_email",
    "actor_name",
    "target_type",
    "target_id",
    "target_name",
    "workspace_id",
    "verified",
    "raw",
)

# An event with what proves it: the actor's id as the record gives it, which seals are over.
RECORD_COLUMNS = (*EVENT_COLUMNS, "recorded_actor_id")

# What the archive keeps besides, for the database that wrote it: see `trail.storage.cold_tier`.
ARCHIVE_KEYS = {
    "at": "timestamp",
    "arrived": "timestamp",
    **dict.fromkeys(("action_key", "actor_key", "target_key", "identity_key"), "integer"),
    **dict.fromkeys(("batch_id", "search_key"), "integer"),
    **dict.fromkeys(("forwarded", "echo", "unverified", "future_dated"), "boolean"),
}

ACTOR_TYPES = ("user", "token", "system", "unknown")
OUTCOMES = ("success", "failure", "unknown")


@dataclass(slots=True)
class RefusalReason:
    """A reason why records of a batch were quarantined: the count, and the first one as a sample.

    `line` is the position of the sample, whose text is truncated; `last_line` is the last position.
    """

    reason: str
    count: int
    line: int
    sample: str
    last_line: int = 0


# What a quarantined record keeps of its bytes at least; it is kept whole if a line may be so long.
QUARANTINE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not become an event: where it stood, why, and its bytes.

    `size` is how many bytes it had, where `raw` is only its beginning. `verified` is that of
    `Chunk`, for when the record is tried again.
    """

    line: int
    reason: str
    raw: bytes
    size: int = 0
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of one source.

    `records` has two columns: `line` (int64, 1-based line or record number) and `raw` (string or
    string_view; UTF-8 text that is meant to be one JSON value); and a third where the source can
    prove where a record comes from: `verified` (bool). `progress` is the share of the source that
    has been read, 0 to 1. `mark` is the source's cursor after this chunk, in its own format,
    empty at its end; it is kept in the same transaction as the records. With `named`, a call that
    bears the name of a known action is an event without more. With `mapped`, a person or the source
    chose the fields of the records, so that one without an actor, a target or a workspace is an
    event too.
    """

    records: pa.Table
    rejects: tuple[Reject, ...] = ()
    progress: float = 0.0
    mark: str | None = None
    named: bool = False
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One file to load, and how to read it."""

    path: Path
    mapping: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name that batches and quarantine show."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of a table, with the `first` value of each, and the field that each contains.

    `fields` maps each field to its column, or to an empty string; it is empty for a table whose
    columns need no mapping. The columns `unused` belong to no field. A mapping must name the
    columns of the fields `needed` before the table can be read.
    """

    names: tuple[str, ...]
    first: tuple[str, ...]
    fields: dict[str, str]
    unused: tuple[str, ...]
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loader:
    """One file format: `accepts` recognizes it by content, `read` yields its records.

    Loaders are tried in the order of `rank`, lowest first. `example` returns a small valid file.
    `columns` describes the columns of a table file; it raises the errors of `read`, except for
    missing columns.
    """

    name: str
    title: str
    rank: int
    accepts: Callable[[Path], bool]
    read: Callable[[Source, Settings], Iterator[Chunk]]
    example: Callable[[], bytes]
    columns: Callable[[Source, Settings], TableColumns] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A source that the server collects from, with a settings section of its own.

    `example` maps the settings that enable it to valid values. Sources are shown in the order of
    `rank`.
    """

    name: str
    title: str
    rank: int
    section: type[Section]
    example: Mapping[str, Any]

    @property
    def setting(self) -> str:
        """Return the name of the setting that enables it, such as `folder.path`."""
        return f"{self.section.section}.{next(iter(self.example))}"

    @property
    def setting_hint(self) -> str:
        """Return that setting with its variable: `folder.path (TRAIL_FOLDER__PATH)`."""
        return f"{self.setting} ({variable(self.setting)})"

    def configured(self, settings: Settings) -> bool:
        """Return whether all settings that enable it have a value."""
        section = settings.of(self.section)
        return all(_has_value(getattr(section, name)) for name in self.example)


def _has_value(value: object) -> bool:
    if isinstance(value, SecretStr):
        return bool(value.get_secret_value().strip())
    return any(map(_has_value, value)) if isinstance(value, tuple) else bool(value)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for the events of [since, until), naive UTC in whole milliseconds.

    `mark` resumes an interrupted request: the mark of its last chunk, or empty.
    """

    since: dt.datetime
    until: dt.datetime
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the workspace's directory; `actor_id` as events carry it (`users/...`)."""

    actor_id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Who and what a workspace is, as its API tells."""

    workspace_id: str
    workspace_name: str
    workspace_slug: str
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Available:
    """What a feed offers: its workspace and events.

    `oldest` is the time of its oldest event (naive UTC), None if there is none. `last_day` is the
    number of events in the last 24 hours; if not `is_exact`, it is a lower bound.
    """

    workspace_name: str
    oldest: dt.datetime | None
    last_day: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(EventSource):
    """A source that is polled for events.

    `pull` yields the events of a request, the last chunk with an empty mark; it raises `InputError`
    for permanent failures and `UnavailableError` for transient ones, as does `directory`, which
    returns the workspace's names and members, `workspace`, which leaves out the members and waits
    for seconds at most, and `available`, which tests the settings at a moment
    (naive UTC) with a bounded number of requests. `every_s` is the polling interval; `overlap` is
    how far each request reaches back for late events. While `fills_gaps` is false, older events are
    not requested. `more` returns the settings of further workspaces by name, each as if it were the
    only one; `more_setting` is the setting of the section that contains their tokens by name.
    """

    pull: Callable[[Settings, Ask], Iterator[Chunk]]
    directory: Callable[[Settings], Directory]
    workspace: Callable[[Settings], Directory]
    available: Callable[[Settings, dt.datetime], Available]
    every_s: Callable[[Settings], float]
    overlap: Callable[[Settings], dt.timedelta] = lambda settings: dt.timedelta()
    fills_gaps: Callable[[Settings], bool] = lambda settings: True
    more: Callable[[Settings], Mapping[str, Settings]] = lambda settings: {}
    more_setting: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One new file of a drop.

    `key` and `version` identify it; `finish` is called with its batch after the load. Records that
    begin on the first `lines_read` lines were loaded before and are skipped.
    """

    key: str
    version: str
    path: Path
    finish: Callable[["Batch"], None]
    lines_read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(EventSource):
    """A place where files appear: `waiting` yields those for which *seen(key, version)* is False.

    `waiting` raises `InputError` or `UnavailableError` when the place cannot be read. `folder` is
    the local folder of the place, None without one.
    """

    waiting: Callable[[Settings, Callable[[str, str], bool]], Iterator[Arrived]]
    every_s: Callable[[Settings], float] = lambda settings: 60.0
    folder: Callable[[Settings], Path | None] = lambda settings: None


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to a receiver: its path, headers (lower-case names, repeats kept) and body."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        """Return every value of the header *name* (lower case)."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Received:
    """The content of a request: the exact text of each record, and whether its origin is proven.

    `answer` goes out with 200 once the records are on disk. `named` is that of `Chunk`. `signature`
    is what proves the origin of at least one record: with other records, the same one is refused
    later, unless `other_proof` covers them all. `refusals`, if not empty, says of each record why
    it goes to quarantine, or nothing.
    """

    records: tuple[bytes, ...]
    verified: tuple[bool, ...]
    answer: bytes = b""
    media_type: str = "application/json"
    named: bool = False
    signature: bytes = b""
    other_proof: bool = False
    refusals: tuple[str, ...] = ()


class RefusedError(Exception):
    """A request that a receiver does not take: the status and the body to answer with."""

    def __init__(self, status: int, body: bytes = b"", reason: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.body = body
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver(EventSource):
    """A source that posts events to this server at `paths`.

    `read` returns the events of a request or raises `RefusedError`; it stores nothing. `max_bytes`
    limits the body. `probe` returns a valid request without events, to test the connection.
    `purposes` are sentences for the docs, by path. `signature_header` is the header that proves a
    request; without one, it is a write key as the user name of HTTP Basic.
    """

    paths: tuple[str, ...]
    max_bytes: Callable[[Settings], int]
    read: Callable[[Sent, Settings], Received]
    probe: Callable[[Settings], Sent]
    purposes: Mapping[str, str] = field(default_factory=dict)
    signature_header: str = ""


@dataclass(slots=True)
class Batch:
    """What one load did: read = kept + duplicates + quarantined.

    `linked` of the duplicates are other reports of a change that is already stored; their records
    are kept with it. `left_out` counts unreadable records that were not stored on request; they are
    not part of `read`. `reasons` and `looks_like` explain the records that
    cannot be read; see `trail.ingest.refusals`. `last_line` is the line on which the last record of
    a dropped file begins. `workspace_id` is the workspace of its records that name none: that of
    the token that they were polled with.
    """

    source: str
    loader: str
    batch_id: int | None = None
    workspace_id: str = ""
    read: int = 0
    kept: int = 0
    duplicates: int = 0
    quarantined: int = 0
    linked: int = 0
    left_out: int = 0
    error: str = ""
    skipped: bool = False
    reasons: dict[str, RefusalReason] = field(default_factory=dict)
    looks_like: dict[str, int] = field(default_factory=dict)
    last_line: int = 0

    def report(self) -> dict[str, Any]:
        """Return the fields as `load --json` prints them, the most frequent reason first."""
        reasons = sorted(self.reasons.values(), key=lambda reason: -reason.count)
        fields = asdict(self)
        del fields["last_line"]
        return {
            **fields,
            "reasons": [asdict(reason) for reason in reasons],
            "looks_like": [
                {"product": name, "count": count} for name, count in self.looks_like.items()
            ],
        }


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a destination's form.

    `example` is a valid value: shown beside the field, and used to preview and to test. `signs`
    means that a secret is never sent: requests are only signed with it.
    """

    name: str
    title: str
    help: str = ""
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""
    signs: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """What a destination receives: an event, alert, finding, incident, notice, seal, digest, test.

    `body` holds the fields of DESIGN section 6 by name, times as ISO 8601 in UTC; for an alert,
    those of `trail.notifications.evaluate`. `key` is the same for every attempt and replay. `home`
    is the public URL of this dashboard, or empty.
    """

    kind: str
    key: str
    created_at: dt.datetime
    body: Mapping[str, Any]
    home: str = ""


# Settings or secrets of a destination, by field name.
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a destination. HTTP uses `method`; other transports have their own URLs.

    For SMTP, `url` is `smtp://host:port` (STARTTLS) or `smtps://host:port`, `body` a whole message,
    and `headers` the envelope: `from`, `to` (one each), `user` and `password`. For Apprise, `url`
    is Apprise's own and `body` is JSON with title, body and type.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Response:
    """A service's response: status (0 for none), headers (lower case), up to 64 kB of body.

    `error` says why there is no status.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a response means: `kind` is ok, retry, gone, unauthorised, rejected or refused.

    `rejected` concerns this message only; `gone`, `unauthorised` and `refused` switch the
    destination off. `wait_s` is the delay that the service asked for, None without one. `text` is
    one sentence for the delivery log.
    """

    kind: str
    text: str
    wait_s: float | None = None


class Transport(Protocol):
    """Connections to one destination, restricted to addresses that may be reached.

    With `loopback`, this machine is allowed too, and so are private `networks`. `timeout_s` limits
    one attempt. `ca_file` contains further certificate authorities, or is empty.
    """

    loopback: bool
    timeout_s: float
    networks: tuple[Network, ...]
    ca_file: str

    def send(self, request: Request) -> Response:
        """Send *request* over HTTPS; raises `InputError` for an address that is not allowed."""
        ...


@dataclass(frozen=True, slots=True)
class Batching:
    """Several messages in one request, at most `size` of the same `group`, in order.

    `request` builds the request for several notifications. `judge` gets the response and their
    number, and returns the verdict of each; if it returns fewer, the other messages count as not
    sent. If it returns none for several messages, the batch is sent again in halves. Once all are
    sent, the next request waits `pause_s` seconds, so that later messages are batched.
    """

    size: int
    request: Callable[[Sequence[Notification], Values, Values, dt.datetime], Request]
    judge: Callable[[Response, int], list[Verdict]]
    group: Callable[[Notification, Values], str] = lambda notification, settings: ""
    pause_s: float = 0


@dataclass(frozen=True, slots=True)
class Forwarder:
    """One kind of destination.

    `request` builds the request, without side effects, from a notification, the destination's
    settings, its secrets by field name, and the current time (aware, UTC); it raises `InputError`
    for unusable settings. `send` delivers it, over HTTP by default. `judge` interprets the
    response, by `trail.notifications.retry_policy.judge` if None. `accepts` returns False for what
    must not be sent there. `exact` means that the receiver stores the body unchanged. `hosts` are
    those of the service, which the form cannot change. `demo_only` means
    that the form offers it in the demo workspace only. With `batch`, queued messages are sent
    together.
    """

    name: str
    title: str
    settings: tuple[FormField, ...]
    secrets: tuple[FormField, ...]
    request: Callable[[Notification, Values, Values, dt.datetime], Request]
    send: Callable[[Request, Transport], Response] = lambda request, http: http.send(request)
    judge: Callable[[Response], Verdict] | None = None
    accepts: Callable[[Notification, Values], bool] = lambda notification, settings: True
    exact: bool = False
    hosts: tuple[str, ...] = ()
    demo_only: bool = False
    batch: Batching | None = None
