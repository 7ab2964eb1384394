"""The secrets that owners entered in the browser: their names and states, never their values."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from trail.accounts.second_factors import SecondFactors
from trail.accounts.users import Users
from trail.core import settings as core_settings
from trail.core import stored_settings
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.core.text import count
from trail.notifications import destinations
from trail.notifications.destination import Destination, secret_setting
from trail.runtime import process, startup
from trail.storage.engine import Engine


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A stored secret: its setting, whether the key decrypts it, and what overrides it.

    `by` is the user who entered it, `at` the time (ISO 8601, UTC).
    """

    name: str
    is_readable: bool
    fixed_by: str
    by: str
    at: str

    @property
    def state(self) -> str:
        """Return as text whether the secret is used."""
        if self.fixed_by:
            return f"Not used: set by {self.fixed_by}"
        return "In use" if self.is_readable else "Cannot be read"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The number of secrets and second factors under the new key, and what no key decrypts."""

    secrets: int
    factors: int
    unreadable: tuple[str, ...]

    def sentence(self) -> str:
        """Return the result as a sentence."""
        what = [count(self.secrets, "secret")] if self.secrets else []
        what += [count(self.factors, "second factor")] if self.factors else []
        done = f"Encrypted with the new key: {' and '.join(what) or 'nothing'}."
        if self.unreadable:
            names = ", ".join(self.unreadable)
            return f"{done} The old key is kept, since these cannot be read: {names}."
        return f"{done} The old key is removed."


def stored(settings: Settings) -> list[StoredSecret]:
    """Return the stored secrets by name. Raises `SettingError` for a file that cannot be read."""
    box, path = core_settings.box_of(settings), _path(settings)
    unreadable = stored_settings.values(path, box).unreadable
    return [
        StoredSecret(
            name,
            name not in unreadable,
            core_settings.fixed_by(name) if core_settings.is_editable(name) else "",
            entry.by,
            entry.at,
        )
        for name, entry in sorted(stored_settings.read(path).items())
        if entry.secret
    ]


def remove(settings: Settings, name: str) -> None:
    """Remove the stored secret *name*; in a server this takes effect immediately.

    Raises `InputError` if there is none, and the errors of `stored`.
    """
    with stored_settings.changing(_path(settings)) as entries:
        if not entries.get(name, stored_settings.Entry()).secret:
            raise InputError(f"There is no stored secret {name}.", "List them: secrets list")
        del entries[name]
    if process.is_started():
        startup.reconfigure()


def used_only_by(
    engine: Engine, settings: Settings, some: Collection[Destination]
) -> tuple[str, ...]:
    """Return the stored secrets that only the destinations *some* use; raises like `stored`.

    Secrets set by a file or the environment are not stored ones.
    """
    numbers = {one.destination_id for one in some}
    others = (one for one in destinations.list_all(engine) if one.destination_id not in numbers)
    taken = {name for one in others for name in one.secrets.values()}
    own = {name for one in some for name in one.secrets.values()} - taken
    names = {secret_setting(name) for name in own}
    return tuple(row.name for row in stored(settings) if row.name in names) if names else ()


def remove_with(
    engine: Engine, settings: Settings, deleted: Collection[Destination]
) -> tuple[str, ...]:
    """Remove the secrets that were `used_only_by` the *deleted* destinations; return them."""
    names = used_only_by(engine, settings, deleted)
    for name in names:
        remove(settings, name)
    return names


def rotate_key(users: Users, settings: Settings) -> Rotation:
    """Re-encrypt the stored secrets and the second factors of *users* with a new key.

    After an interruption at any time, all stay readable: the key file contains both keys until
    everything is re-encrypted, and keeps both if something cannot be decrypted. Raises `InputError`
    if there is nothing to encrypt, and the errors of `SecretBox.add_key`.
    """
    box, factors = core_settings.box_of(settings), SecondFactors(users, settings)
    with stored_settings.changing(_path(settings)) as entries, factors.changing_secrets() as codes:
        secrets = {name: entry.secret for name, entry in entries.items() if entry.secret}
        if not secrets and not codes:
            raise InputError("There are no stored secrets.")
        box.add_key()
        renewed, unreadable = box.renewed(secrets)
        renewed_codes, unreadable_codes = box.renewed(codes)
        for name, secret in renewed.items():
            entries[name] = dataclasses.replace(entries[name], secret=secret)
        codes |= renewed_codes
    lost = (*sorted(unreadable), *sorted(unreadable_codes))
    if not lost:
        box.drop_old_keys()
    return Rotation(len(renewed), len(renewed_codes), lost)


def are_encrypted(users: Users, settings: Settings) -> bool:
    """Return whether the key encrypts anything, and so must not be replaced by another key."""
    return stored_settings.has_secrets(_path(settings)) or bool(
        SecondFactors(users, settings).accounts()
    )


def _path(settings: Settings) -> Path:
    return stored_settings.path_of(settings.store.path)
