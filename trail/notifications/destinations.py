"""Destinations: where things go, whether they may go now, and what is known of each.

A destination names its secrets; their values are read from the settings at the moment of sending
and are in no table, log or answer.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import Forwarder
from trail.core.settings import Forward
from trail.notifications import addresses
from trail.storage import cursors
from trail.storage.database import Cursor, Engine
from trail.storage.filters import Filter

# `on`, `paused` by a person, `off` by an answer (410, 401) or an address that is refused.
STATES = ("on", "paused", "off")
_MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination. Times are UTC without zone.

    `settings` hold no secret; `secrets` gives for each secret blank the name under
    `forward.secrets`. With `streams` every event that `query` chooses goes there; without, only
    what rules and reports send. With `seals` it gets those too: `seal_number` is the last one that
    was put on its way, `seal_mark` that seal in hex. `reason` is why it is off, `skipped` how many
    events its forwarder does not take, `dropped` how many dead letters went for want of room.
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
        """Return how things become requests for it; raises `InputError` for an unknown kind."""
        result = kinds().get(self.kind)
        if not result:
            raise InputError(f"There is no destination of the kind {self.kind!r}.")
        return result

    def shown(self) -> dict[str, str]:
        """Return what a page may show: of addresses the host, of secrets their name."""
        plain = {
            name: _host_of(value) if "://" in value else value
            for name, value in self.settings.items()
        }
        return {**plain, **{name: f"secret {given!r}" for name, given in self.secrets.items()}}


@cache
def kinds() -> dict[str, Forwarder]:
    """Return every forwarder under forwarders/, by its name."""
    return {item.name: item for item in registry.discover("forwarders", "FORWARDER").values()}


def add(cursor: Cursor, made: Destination, forward: Forward, by: str) -> int:
    """Keep *made* as a new destination and return its id; a stream begins with the next event.

    Raises `InputError` for what cannot be used: see `check`.
    """
    check(made, forward)
    if cursor.execute(
        "select 1 from destinations where lower(name) = lower($name)", {"name": made.name}
    ).fetchall():
        raise InputError("There is a destination of this name.", "Choose another name.")
    number = int(cursor.execute("select nextval('destination_ids')").fetchall()[0][0])
    cursor.execute(
        "insert into destinations values ($id, $kind, $name, $settings, $secrets, $streams, "
        "$query, 'on', '', $now, $by, $now, $mark, null, '', 0, 0, $seals, 0, '')",
        {
            "id": number,
            "kind": made.kind,
            "name": made.name,
            "settings": json.dumps(dict(made.settings)),
            "secrets": json.dumps(dict(made.secrets)),
            "streams": made.streams,
            "query": made.query,
            "seals": made.seals,
            "now": utc_now(),
            "by": by,
            "mark": _kept(cursor),
        },
    )
    return number


def change(cursor: Cursor, made: Destination, forward: Forward) -> None:
    """Keep other settings, secrets, filter or name for the destination of that id."""
    check(made, forward)
    cursor.execute(
        "update destinations set name = $name, settings = $settings, secrets = $secrets, "
        "streams = $streams, query = $query, seals = $seals, "
        "mark_at = case when $streams and not streams then $mark else mark_at end, "
        "changed_at = $now where destination_id = $id",
        {
            "id": made.destination_id,
            "name": made.name,
            "settings": json.dumps(dict(made.settings)),
            "secrets": json.dumps(dict(made.secrets)),
            "streams": made.streams,
            "query": made.query,
            "seals": made.seals,
            "mark": _kept(cursor),
            "now": utc_now(),
        },
    )


def remove(cursor: Cursor, destination_id: int) -> None:
    """Forget a destination with all that waits for it and its log."""
    for table in ("tries", "deliveries", "destinations"):
        cursor.execute(f"delete from {table} where destination_id = $id", {"id": destination_id})


def switch(
    cursor: Cursor,
    destination_id: int,
    state: str,
    reason: str = "",
    now: dt.datetime | None = None,
) -> None:
    """Put a destination on, pause it, or note that it went off and why.

    What waits for it stays. Put on, the first that waits is due at *now* (UTC; this moment).
    """
    if state not in STATES:
        raise InputError(f"A destination cannot be {state!r}.", f"Use {', '.join(STATES)}.")
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


def all_of(engine: Engine) -> list[Destination]:
    """Return every destination, by name."""
    result = engine.table("select * from destinations order by lower(name), destination_id")
    return [_made(row) for row in result.to_pylist()]


def one(engine: Engine, destination_id: int) -> Destination:
    """Return the destination of that id; raises `InputError` when there is none."""
    result = engine.table(
        "select * from destinations where destination_id = $id", {"id": destination_id}
    ).to_pylist()
    if not result:
        raise InputError("There is no such destination.", "It may have been removed.")
    return _made(result[0])


def secrets_of(destination: Destination, forward: Forward) -> dict[str, str]:
    """Return the values of the secrets; raises `InputError` naming one that is not set."""
    values = {}
    for blank, name in destination.secrets.items():
        secret = forward.secrets.get(name)
        if secret is None or not secret.get_secret_value():
            raise InputError(
                f"The secret {name!r} is not set.",
                f"Set forward.secrets.{name} in secrets.toml or TRAIL_FORWARD__SECRETS__{name}.",
            )
        values[blank] = secret.get_secret_value().strip()
    return values


def check(made: Destination, forward: Forward) -> None:
    """Raise `InputError` for a name, filter, setting, secret or address that cannot be used.

    Names are not looked up here: what a name stands for is judged at each try.
    """
    if not made.name.strip() or len(made.name) > _MOST_NAME or not made.name.isprintable():
        raise InputError("A destination needs a name.", f"Up to {_MOST_NAME} characters.")
    Filter.parse(made.query)
    forwarder = made.forwarder
    for blanks, given in (
        (forwarder.settings, made.settings),
        (forwarder.secrets, made.secrets),
    ):
        unknown = sorted(set(given) - {blank.name for blank in blanks})
        if unknown:
            raise InputError(f"Unknown {forwarder.title} setting {unknown[0]!r}.")
        for blank in blanks:
            value = given.get(blank.name, "")
            if blank.required and not value:
                raise InputError(f"{forwarder.title}: {blank.title} is missing.", blank.help)
            if value and blank.choices and value not in blank.choices:
                raise InputError(
                    f"{forwarder.title}: {blank.title} cannot be {value[:60]!r}.",
                    f"Use {', '.join(blank.choices)}.",
                )
    if made.settings.get("url"):
        addresses.read(made.settings["url"], loopback=forward.allow_loopback)
    secrets_of(made, forward)


def _kept(cursor: Cursor) -> dt.datetime | None:
    text = cursors.read(cursor, cursors.KEPT)
    return dt.datetime.fromisoformat(text) if text else None


def _made(row: dict[str, Any]) -> Destination:
    reason = row.pop("said")
    stored = {"settings": json.loads(row["settings"]), "secrets": json.loads(row["secrets"])}
    return Destination(**{**row, **stored, "reason": reason})


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address"
    return f"{parts.scheme}://{parts.hostname or '?'}"
