"""Destinations of notifications: storage, validation and state.

A destination refers to its secrets by name. The values are read from the settings when sending,
and are never stored, logged or displayed; each is sent to the hosts it belongs to only.
"""

import contextlib
import datetime as dt
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import Forwarder, Notification, Request
from trail.core.sections import Forward
from trail.notifications import addresses, secret_hosts
from trail.notifications.secret_hosts import Secret
from trail.storage import cursors, ledger, query_pairs
from trail.storage.database import Cursor, Engine, Store
from trail.storage.filters import Filter

# `paused` by a user; `off` after a response (410, 401) or a URL that is not allowed.
STATES = ("on", "paused", "off")
_MAX_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination. Times are naive UTC.

    `settings` contains no secrets; `secrets` maps secret fields to names under `forward.secrets`.
    With `streams`, every event that matches `query` is sent; without it, only messages of rules
    and reports. `mark_at`, `mark_time` and `mark_id` are the cursor of the stream. With `seals`,
    seals are sent too: `seal_number` is the last one queued, `seal_mark` that seal in hex.
    `reason` says why it is off. `skipped` counts events that its forwarder does not accept,
    `dropped` dead letters deleted beyond the limit of the log.
    """

    destination_id: int
    kind: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    streams: bool = False
    query: str = ""
    state: str = "on"
    reason: str = ""
    changed_at: dt.datetime | None = None
    made_by: str = ""
    made_at: dt.datetime | None = None
    mark_at: dt.datetime | None = None
    mark_time: dt.datetime | None = None
    mark_id: str = ""
    skipped: int = 0
    dropped: int = 0
    seals: bool = False
    seal_number: int = 0
    seal_mark: str = ""

    @property
    def forwarder(self) -> Forwarder:
        """Return the forwarder of its kind; raises `InputError` for an unknown kind."""
        result = kinds().get(self.kind)
        if not result:
            raise InputError(f"Unknown destination kind {self.kind!r}.")
        return result

    def display_settings(self) -> dict[str, str]:
        """Return the settings for display: only the host of URLs, only the name of secrets."""
        plain = {
            name: _host_of(value) if "://" in value else value
            for name, value in self.settings.items()
        }
        return {**plain, **{name: f"secret {secret!r}" for name, secret in self.secrets.items()}}


@cache
def kinds() -> dict[str, Forwarder]:
    """Return the forwarders under forwarders/, by name."""
    return {item.name: item for item in registry.discover("forwarders", "FORWARDER").values()}


def add(
    cursor: Cursor,
    destination: Destination,
    forward: Forward,
    by: str,
    *,
    demo: bool = False,
    entered: Container[str] = (),
) -> int:
    """Store a new destination and return its ID; a stream starts with the next event.

    The secrets named in *entered* were entered with it, by who knows them: they belong to its host.

    Raises `InputError` for a name in use, for invalid values (see `check`), for a secret that
    belongs to another host, and outside the *demo* workspace for a kind of that alone.
    """
    check(destination, forward)
    if destination.forwarder.demo_only and not demo:
        raise InputError(
            f"{destination.forwarder.title} is for the demo workspace only.",
            "Choose another kind of destination.",
        )
    if cursor.execute(
        "select 1 from destinations where lower(name) = lower($name)", {"name": destination.name}
    ).fetchall():
        raise InputError(
            f"A destination named {destination.name!r} already exists.", "Choose another name."
        )
    _bind(cursor, destination, forward, entered)
    number = int(cursor.execute("select nextval('destination_ids')").fetchall()[0][0])
    with _recorded(cursor, number):
        cursor.execute(
            "insert into destinations values ($id, $kind, $name, $settings, $secrets, $streams, "
            "$query, 'on', '', $now, $by, $now, $mark, null, '', 0, 0, $seals, 0, '')",
            {
                "id": number,
                "kind": destination.kind,
                **_stored(destination),
                "now": utc_now(),
                "by": by,
                "mark": _newest_ingested_at(cursor),
            },
        )
    return number


def _stored(destination: Destination) -> dict[str, Any]:
    """Return the columns that the form of *destination* fills."""
    return {
        "name": destination.name,
        "settings": json.dumps(dict(destination.settings)),
        "secrets": json.dumps(dict(destination.secrets)),
        "streams": destination.streams,
        "query": query_pairs.to_keep(destination.query),
        "seals": destination.seals,
    }


def update(cursor: Cursor, destination: Destination, forward: Forward) -> None:
    """Update name, settings, secrets, filter and subscriptions of the destination of that ID.

    Raises `InputError` as `add` does.
    """
    check(destination, forward)
    _bind(cursor, destination, forward)
    with _recorded(cursor, destination.destination_id):
        cursor.execute(
            "update destinations set name = $name, settings = $settings, secrets = $secrets, "
            "streams = $streams, query = $query, seals = $seals, "
            "mark_at = case when $streams and not streams then $mark else mark_at end, "
            "changed_at = $now where destination_id = $id",
            {
                "id": destination.destination_id,
                **_stored(destination),
                "mark": _newest_ingested_at(cursor),
                "now": utc_now(),
            },
        )


def remove(cursor: Cursor, destination_id: int) -> None:
    """Delete a destination with its queue and its log."""
    with _recorded(cursor, destination_id):
        for table in ("tries", "deliveries", "destinations"):
            cursor.execute(
                f"delete from {table} where destination_id = $id", {"id": destination_id}
            )


def _recorded(cursor: Cursor, destination_id: int) -> contextlib.AbstractContextManager[None]:
    where = "destination_id = $id"
    return ledger.changing(cursor, "destinations", where, {"id": destination_id})


def set_state(
    cursor: Cursor,
    destination_id: int,
    state: str,
    reason: str = "",
    now: dt.datetime | None = None,
) -> None:
    """Set the state of a destination, with the *reason* if it is off.

    Waiting deliveries stay queued. When switched on, they are due at *now* (naive UTC, default:
    the current time) and their attempts start over.
    """
    if state not in STATES:
        raise InputError(f"Unknown destination state {state!r}.", f"Allowed: {', '.join(STATES)}.")
    now = now or utc_now()
    cursor.execute(
        "update destinations set state = $state, said = $said, changed_at = $now "
        "where destination_id = $id",
        {"id": destination_id, "state": state, "said": reason, "now": now},
    )
    if state == "on":
        cursor.execute(
            "update deliveries set due_at = $now, tries = 0 "
            "where destination_id = $id and state = 'waiting'",
            {"id": destination_id, "now": now},
        )


def list_all(engine: Engine) -> list[Destination]:
    """Return all destinations, ordered by name."""
    result = engine.table("select * from destinations order by lower(name), destination_id")
    return [_from_row(row) for row in result.to_pylist()]


def _stored_in(cursor: Cursor) -> list[Destination]:
    """Return all destinations inside a transaction, oldest first."""
    result = cursor.execute("select * from destinations order by destination_id")
    names = [column[0] for column in result.description or ()]
    return [_from_row(dict(zip(names, row, strict=True))) for row in result.fetchall()]


def get(engine: Engine, destination_id: int) -> Destination:
    """Return the destination of that ID; raises `InputError` if there is none."""
    result = engine.table(
        "select * from destinations where destination_id = $id", {"id": destination_id}
    ).to_pylist()
    if not result:
        raise InputError("Destination not found.", "It may have been deleted.")
    return _from_row(result[0])


def build_request(
    store: Store,
    destination: Destination,
    notification: Notification | Sequence[Notification],
    forward: Forward,
    now: dt.datetime,
    entered: Container[str] = (),
) -> Request:
    """Return the request that sends *notification*, with the secrets, at *now* (aware, UTC).

    Several notifications are for a forwarder with `batch` only. The secrets named in *entered* come
    from whom this is done for, and may go to any host. The only function that returns secrets to a
    caller. Raises `InputError` for unusable settings, and if the request would go to a host that a
    secret does not belong to.
    """
    request, all_secrets = _unchecked(destination, notification, forward, now)
    secrets = [secret for secret in all_secrets if secret.name not in entered]
    hosts = secret_hosts.recorded(store)
    if any(secret_hosts.is_unbound(secret, forward, hosts) for secret in secrets):
        hosts = store.write(lambda cursor: _bind(cursor, destination, forward))
    secret_hosts.check(secrets, request.url, forward, hosts or {})
    return request


def _unchecked(
    destination: Destination,
    notification: Notification | Sequence[Notification],
    forward: Forward,
    now: dt.datetime,
) -> tuple[Request, list[Secret]]:
    """Return the request, not yet to be sent, and the secrets that it is made from."""
    forwarder = destination.forwarder
    values = _secret_values(destination, forward)
    if isinstance(notification, Notification):
        request = forwarder.request(notification, destination.settings, values, now)
    else:
        assert forwarder.batch
        request = forwarder.batch.request(notification, destination.settings, values, now)
    secrets = [
        Secret(
            destination.secrets[form_field.name],
            values[form_field.name],
            form_field.signs,
            forwarder.hosts,
        )
        for form_field in forwarder.secrets
        if form_field.name in values
    ]
    return request, secrets


def _bind(
    cursor: Cursor, destination: Destination, forward: Forward, entered: Container[str] = ()
) -> secret_hosts.Hosts:
    """Record the host of each secret of *destination* that may be recorded; return all hosts.

    Those named in *entered* may be, whatever they were before.

    The first time, the hosts of all stored destinations are recorded: they exist since a version
    that recorded none. Raises `InputError` if a secret belongs to another host.
    """
    known = secret_hosts.read(cursor)
    hosts = {name: list(items) for name, items in (known or {}).items()}
    for stored in _stored_in(cursor) if known is None else []:
        with contextlib.suppress(InputError):  # unusable, so that nothing is sent
            check(stored, forward)
            _, secrets, host = _sample(stored, forward)
            for secret in secrets:
                if secret_hosts.is_unbound(secret, forward, None) and host:
                    _append(hosts.setdefault(secret.key, []), host)
    url, secrets, host = _sample(destination, forward)
    for secret in secrets:
        is_new = host and secret_hosts.is_unbound(secret, forward, hosts)
        is_entered = secret.name in entered and "://" not in secret.value
        if host and (is_entered or (is_new and secret_hosts.may_record(secret, host))):
            hosts[secret.key] = [host]
    secret_hosts.check(secrets, url, forward, hosts)
    if known is None or hosts != known:
        secret_hosts.write(cursor, hosts)
    return hosts


def _sample(destination: Destination, forward: Forward) -> tuple[str, list[Secret], str]:
    """Return the URL of a request of *destination*, its secrets, and its host."""
    now = dt.datetime.now(dt.UTC)
    notification = Notification("test", "sample", now, {"title": "Sample", "text": "Sample."})
    request, secrets = _unchecked(destination, notification, forward, now)
    return request.url, secrets, secret_hosts.host_of(request.url)


def _append(items: list[str], item: str) -> None:
    if item not in items:
        items.append(item)


def _secret_values(destination: Destination, forward: Forward) -> dict[str, str]:
    """Return secret values by field; raises `InputError` naming a secret that is not set."""
    values = {}
    for field_name, name in destination.secrets.items():
        secret = forward.secrets.get(name)
        if secret is None or not secret.get_secret_value():
            raise InputError(
                f"The secret {name!r} is not set.",
                f"Set forward.secrets.{name} in secrets.toml or TRAIL_FORWARD__SECRETS__{name}.",
            )
        values[field_name] = secret.get_secret_value().strip()
    return values


def check(destination: Destination, forward: Forward) -> None:
    """Raise `InputError` for an invalid name, filter, setting, secret or URL.

    Hosts are not resolved here; resolved addresses are checked at each attempt.
    """
    if (
        not destination.name.strip()
        or len(destination.name) > _MAX_NAME_LENGTH
        or not destination.name.isprintable()
    ):
        raise InputError(
            "The destination name is missing or invalid.",
            f"Use 1 to {_MAX_NAME_LENGTH} printable characters.",
        )
    Filter.parse(destination.query).check_lasting()
    forwarder = destination.forwarder
    for form_fields, values in (
        (forwarder.settings, destination.settings),
        (forwarder.secrets, destination.secrets),
    ):
        names = [form_field.name for form_field in form_fields]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise InputError(
                f"Unknown {forwarder.title} setting {unknown[0]!r}.",
                f"Allowed: {', '.join(names) or 'none'}.",
            )
        for form_field in form_fields:
            value = values.get(form_field.name, "")
            if form_field.required and not value:
                raise InputError(
                    f"{forwarder.title}: {form_field.title} is missing.", form_field.help
                )
            if value and form_field.choices and value not in form_field.choices:
                raise InputError(
                    f"{forwarder.title}: invalid {form_field.title} {value[:60]!r}.",
                    f"Allowed: {', '.join(form_field.choices)}.",
                )
    if destination.settings.get("url"):
        addresses.parse_url(destination.settings["url"], loopback=forward.allow_loopback)
    _secret_values(destination, forward)


def _newest_ingested_at(cursor: Cursor) -> dt.datetime | None:
    text = cursors.read(cursor, cursors.KEPT)
    return dt.datetime.fromisoformat(text) if text else None


def _from_row(row: dict[str, Any]) -> Destination:
    reason = row.pop("said")
    stored = {"settings": json.loads(row["settings"]), "secrets": json.loads(row["secrets"])}
    stored["query"] = query_pairs.from_kept(row["query"])
    return Destination(**{**row, **stored, "reason": reason})


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "invalid URL"
    return f"{parts.scheme}://{parts.hostname or '?'}"
