"""The secrets that owners entered in the browser: what is stored, never what it says."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from trail.accounts.second_factors import SecondFactors
from trail.accounts.users import Users
from trail.core import settings as core_settings
from trail.core import stored_settings
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.core.text import count
from trail.runtime import process, startup


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A stored secret: its setting, whether the key decrypts it, and what sets it instead.

    `by` is who entered it and `at` when (ISO 8601, UTC).
    """

    name: str
    is_readable: bool
    fixed_by: str
    by: str
    at: str

    @property
    def state(self) -> str:
        """Return whether it is used, in words."""
        if self.fixed_by:
            return f"Not used: set by {self.fixed_by}"
        return "In use" if self.is_readable else "Cannot be read"


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many secrets and second factors the new key encrypts, and what no key decrypts."""

    secrets: int
    factors: int
    unreadable: tuple[str, ...]

    def sentence(self) -> str:
        """Return the result in words."""
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
    """Remove the stored secret *name*; in a server this takes effect at once.

    Raises `InputError` if there is none, and what `stored` raises.
    """
    with stored_settings.changing(_path(settings)) as entries:
        if not entries.get(name, stored_settings.Entry()).secret:
            raise InputError(f"There is no stored secret {name}.", "List them: secrets list")
        del entries[name]
    if process.is_started():
        startup.reconfigure()


def rotate_key(users: Users, settings: Settings) -> Rotation:
    """Encrypt everything that the key encrypts with a new one, and remove the old one.

    These are the stored secrets and the second factors of *users*. Interrupted at any time, all
    stay readable: until all are encrypted again, the key file holds both keys, and with one that no
    key decrypts it keeps both. Raises `InputError` if there is nothing to encrypt, and what
    `SecretBox.add_key` raises.
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
    """Return whether the key encrypts anything, so that no other key may take its place."""
    return stored_settings.has_secrets(_path(settings)) or bool(
        SecondFactors(users, settings).accounts()
    )


def _path(settings: Settings) -> Path:
    return stored_settings.path_of(settings.store.path)
