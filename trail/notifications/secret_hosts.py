"""The hosts that each secret may be sent to.

A secret belongs to the hosts that `forward.hosts` names for it; without any, to the host of its own
URL; a secret that is no URL belongs to the hosts it was sent to before this rule existed, which are
recorded in the database, and to the fixed hosts of its kind of destination. Only the settings
change this: whoever may only edit destinations cannot have a secret sent to a server of their own.

Two uses need no entry and are recorded at the first destination: a key that only signs, which is
never sent, and a server on this machine, which `forward.allow_loopback` has to allow.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from trail.core.errors import InputError
from trail.core.sections import Forward
from trail.core.settings import variable
from trail.notifications import addresses
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

# Hosts by the name of the secret.
Hosts = Mapping[str, list[str]]

# The row of the table `marks`.
_MARK = "secret hosts"
_SCHEMES = ("https", "http", "smtps", "smtp")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that a destination uses. With `signs` it is never sent and any port is right.

    `fixed` are the hosts of this kind of destination that no form can change.
    """

    name: str
    value: str
    signs: bool
    fixed: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return the key of its recorded hosts: a host that may verify may not be sent the key."""
        return f"signing with {self.name}" if self.signs else self.name


@dataclass(frozen=True, slots=True)
class _Place:
    """A host in canonical form and its port; None stands for the usual port of any scheme."""

    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def recorded(engine: Engine) -> Hosts | None:
    """Return the recorded hosts, None if nothing was ever recorded."""
    return _parse(cursors.get(engine, _MARK))


def read(cursor: Cursor) -> Hosts | None:
    """Return the recorded hosts inside a transaction, None if nothing was ever recorded."""
    return _parse(cursors.read(cursor, _MARK))


def write(cursor: Cursor, hosts: Hosts) -> None:
    """Record *hosts*."""
    cursors.put(cursor, _MARK, json.dumps(hosts))


def host_of(url: str) -> str:
    """Return the host of a request's *url* as it is recorded, with its port unless usual.

    Empty for a URL of another scheme: the service, which has one address, is in the URL itself.
    """
    place = _of_url(url)
    return str(place) if place else ""


def is_unbound(secret: Secret, forward: Forward, hosts: Hosts | None) -> bool:
    """Return whether the host of *secret* still has to be recorded."""
    return not (
        secret.name in forward.hosts
        or "://" in secret.value
        or (hosts is not None and secret.key in hosts)
    )


def may_record(secret: Secret, host: str) -> bool:
    """Return whether *host*, the first that needs *secret*, becomes its host."""
    name = urlsplit(f"//{host}").hostname or ""
    return secret.signs or host in secret.fixed or addresses.is_loopback_name(name)


def check(secrets: Iterable[Secret], url: str, forward: Forward, hosts: Hosts) -> None:
    """Raise `InputError` if a request to *url* would send one of *secrets* to another host."""
    place = _of_url(url)
    for secret in secrets:
        owners, is_declared = _owners(secret, forward, hosts), secret.name in forward.hosts
        is_url, fixed = "://" in secret.value, list[_Place]()
        if is_url and secret.value == url and (place is None or not is_declared):
            continue  # the secret alone says where it goes
        if not is_url and not is_declared:
            fixed = [_of_setting(secret.name, text) for text in secret.fixed]
        if place is None or not any(
            _matches(place, item, secret.signs) for item in (*owners, *fixed)
        ):
            raise _refused(secret, owners, place)


def _owners(secret: Secret, forward: Forward, hosts: Hosts) -> list[_Place]:
    """Return the hosts that *secret* belongs to; none for a service of Apprise."""
    if "://" in secret.value and secret.name not in forward.hosts:
        own = _of_url(secret.value)
        return [own] if own else []
    names = forward.hosts.get(secret.name) or hosts.get(secret.key, [])
    return [_of_setting(secret.name, text) for text in names]


def _matches(place: _Place, allowed: _Place, any_port: bool) -> bool:
    return place.host == allowed.host and (any_port or place.port == allowed.port)


def _refused(secret: Secret, allowed: list[_Place], place: _Place | None) -> InputError:
    name = secret.name
    owner = " and ".join(map(str, allowed)) or (
        "the service in its own URL" if "://" in secret.value else "no host yet"
    )
    other = str(place) if place else "another service"
    return InputError(
        f"The secret {name!r} belongs to {owner} and is not sent to {other}.",
        f"To change this, set forward.hosts.{name} in trail.toml or "
        f"{variable('forward.hosts')}__{name} to the hosts that may receive it, then restart.",
    )


def _of_url(url: str) -> _Place | None:
    """Return the place that the transports connect to; raises `InputError` as they do."""
    scheme = url.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        return None
    endpoint = addresses.parse_url(url, loopback=True, schemes=_SCHEMES)
    return _Place(endpoint.host, None if endpoint.has_usual_port else endpoint.port)


def _of_setting(name: str, text: str) -> _Place:
    """Return the place of one entry: a host, `host:port`, or a URL, whose path is ignored."""
    try:
        scheme, _, rest = text.strip().rpartition("://")
        parts = urlsplit(f"{scheme or 'https'}://{rest}")
        host = (parts.hostname or "").removesuffix(".")
        host = host if host.isascii() else host.encode("idna").decode()
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port is not None else ""
        place = _of_url(f"{scheme or 'https'}://{host}{port}") if "@" not in rest else None
    except (ValueError, InputError):  # a UnicodeError is a ValueError
        place = None
    if place is None:
        raise InputError(
            f"forward.hosts.{name}: {text[:80]!r} is not a host.", "Use host or host:port."
        )
    return place


def _parse(text: str) -> Hosts | None:
    return json.loads(text) if text else None
