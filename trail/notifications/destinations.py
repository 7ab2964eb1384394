"""Storage of destinations, and the requests that are sent to them.

A secret of a destination is sent to the hosts it belongs to only.
"""

import contextlib
import datetime as dt
import json
from collections.abc import Container, Sequence
from typing import Any

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import Notification, Request
from trail.core.sections import Forward
from trail.notifications import secret_hosts
from trail.notifications.destination import Destination
from trail.notifications.secret_hosts import Secret
from trail.storage import cursors, ledger, query_pairs
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

# `paused` by a user; `off` after a response (410, 401) or a URL that is not allowed.
STATES = ("on", "paused", "off")


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

    The secrets named in *entered* were entered together with it, and are bound to its host.

    Raises `InputError` for a name in use, for invalid values (see `Destination.check`), for a
    secret that belongs to another host, and outside the *demo* workspace for a demo-only kind.
    """
    destination.check(forward)
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
    destination.check(forward)
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

    Several notifications require a forwarder with `batch`. The secrets named in *entered* were just
    entered by the user and may go to any host. This is the only function that returns secrets to a
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
    values = destination.secret_values(forward)
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

    Hosts of secrets named in *entered* are always recorded.

    The first call records the hosts of all stored destinations, which may come from a version that
    recorded none. Raises `InputError` if a secret belongs to another host.
    """
    known = secret_hosts.read(cursor)
    hosts = {name: list(items) for name, items in (known or {}).items()}
    for stored in _stored_in(cursor) if known is None else []:
        with contextlib.suppress(InputError):  # unusable, so that nothing is sent
            stored.check(forward)
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


def _newest_ingested_at(cursor: Cursor) -> dt.datetime | None:
    text = cursors.read(cursor, cursors.KEPT)
    return dt.datetime.fromisoformat(text) if text else None


def _from_row(row: dict[str, Any]) -> Destination:
    reason = row.pop("said")
    stored = {"settings": json.loads(row["settings"]), "secrets": json.loads(row["secrets"])}
    stored["query"] = query_pairs.from_kept(row["query"])
    return Destination(**{**row, **stored, "reason": reason})
