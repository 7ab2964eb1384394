"""A destination of notifications: its settings, what they may be, and how they are shown.

A destination refers to its secrets by name. The values are read from the settings when sending,
and are never stored, logged or displayed.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from trail.core import registry
from trail.core.errors import InputError
from trail.core.model import Forwarder
from trail.core.names import check_name
from trail.core.sections import Forward
from trail.core.settings import variable
from trail.notifications import addresses
from trail.storage.filters import Filter


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
        result = all_kinds().get(self.kind)
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

    def check(self, forward: Forward) -> None:
        """Raise `InputError` for an invalid name, filter, setting, secret or URL.

        Hosts are not resolved here; resolved addresses are checked at each attempt.
        """
        check_name(self.name, "destination")
        Filter.parse(self.query).check_lasting()
        forwarder = self.forwarder
        for form_fields, values in (
            (forwarder.settings, self.settings),
            (forwarder.secrets, self.secrets),
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
        if self.settings.get("url"):
            addresses.parse_url(self.settings["url"], loopback=forward.allow_loopback)
        self.secret_values(forward)

    def secret_values(self, forward: Forward) -> dict[str, str]:
        """Return secret values by field; raises `InputError` naming a secret that is not set."""
        values = {}
        for field_name, name in self.secrets.items():
            secret = forward.secrets.get(name)
            if secret is None or not secret.get_secret_value():
                raise InputError(
                    f"The secret {name!r} is not set.",
                    f"Set {secret_setting(name)} in secrets.toml or "
                    f"{variable('forward.secrets')}__{name}.",
                )
            values[field_name] = secret.get_secret_value().strip()
        return values


def secret_setting(name: str) -> str:
    """Return the setting that holds the secret *name* of destinations."""
    return f"forward.secrets.{name}"


@cache
def all_kinds() -> dict[str, Forwarder]:
    """Return the forwarders under forwarders/, by name."""
    return {item.name: item for item in registry.discover("forwarders", "FORWARDER").values()}


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "invalid URL"
    return f"{parts.scheme}://{parts.hostname or '?'}"
