"""The secrets that owners entered in the browser: what is stored, never what it says."""

from dataclasses import dataclass
from pathlib import Path

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
    """How many secrets the new key encrypts, and the names of those that no key decrypts."""

    encrypted: int
    unreadable: tuple[str, ...]

    def sentence(self) -> str:
        """Return the result in words."""
        done = f"Encrypted with the new key: {count(self.encrypted, 'secret')}."
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


def rotate_key(settings: Settings) -> Rotation:
    """Encrypt the stored secrets with a new key, and remove the old one.

    What no key decrypts is kept as it is. Raises what `stored_settings.rotate_key` raises.
    """
    encrypted, unreadable = stored_settings.rotate_key(
        _path(settings), core_settings.box_of(settings)
    )
    return Rotation(encrypted, unreadable)


def _path(settings: Settings) -> Path:
    return stored_settings.path_of(settings.store.path)
