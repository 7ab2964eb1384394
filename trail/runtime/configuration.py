"""Change a setting while the server runs: checked, stored, and effective without a restart."""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from trail.core import settings as core_settings
from trail.core import stored_settings
from trail.core.clock import naive_utc, utc_now
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.core.stored_settings import Entry
from trail.runtime import process, startup, stored_secrets

_UNSEEN: Any = object()


@dataclass(frozen=True, slots=True)
class Editable:
    """A setting that owners can change, with its value in effect.

    `value` is JSON; for a secret it is None, and `is_set` says whether one is stored. `fixed_by`
    names the variable or file that sets it, so that it cannot be changed here. `by` and `at` (ISO
    8601, UTC) describe the last change in the browser, or are empty.
    """

    name: str
    is_secret: bool
    is_set: bool
    value: Any
    fixed_by: str
    by: str
    at: str

    def changed_at(self) -> dt.datetime:
        """Return `at` as naive UTC; raises `ValueError` if the setting was never changed."""
        return naive_utc(dt.datetime.fromisoformat(self.at))


@dataclass(frozen=True, slots=True)
class Change:
    """A completed change, as text for the access log that never contains a secret."""

    name: str
    before: str
    after: str


def describe(name: str) -> Editable:
    """Return a setting with its value in effect; raises `InputError` if owners cannot change it."""
    settings = process.current().settings
    _check_editable(name)
    value = _plain(core_settings.value_of(settings, name))
    secret = core_settings.is_secret(name)
    entry = stored_settings.read(_path(settings)).get(name, Entry())
    return Editable(
        name,
        secret,
        is_set=bool(value),
        value=None if secret else value,
        fixed_by=core_settings.fixed_by(name),
        by=entry.by,
        at=entry.at,
    )


def change(name: str, value: Any, by: str, *, seen: Any = _UNSEEN) -> Change:
    """Set *name* to *value* (JSON) from now on; *by* is the user.

    *seen* is the value shown when the change was made. Raises `InputError` if the value has changed
    since, for a setting that owners cannot change, or one that a file or the environment
    sets; `SettingError` for an invalid value; `UnavailableError` if it cannot be stored.
    """
    settings = _writable(name)
    core_settings.check_value(name, value)
    at = utc_now().isoformat(timespec="seconds") + "Z"
    # All under the lock, so that no other change and no new key can interleave.
    with stored_settings.changing(_path(settings)) as entries:
        now = process.current().settings
        if seen is not _UNSEEN and _plain(core_settings.value_of(now, name)) != seen:
            raise InputError(
                f"The setting “{core_settings.field_of(name).title}” has changed in the meantime.",
                "Reload the page.",
            )
        if core_settings.is_secret(name):
            is_first = not stored_secrets.are_encrypted(process.current().users, settings)
            secret = core_settings.box_of(settings).encrypt(name, value, new_key=is_first)
            entries[name] = Entry(secret=secret, by=by, at=at)
        else:
            entries[name] = Entry(value, by=by, at=at)
    done = _applied(settings, name)
    is_replaced = core_settings.is_secret(name) and done.before == done.after
    return dataclasses.replace(done, after="replaced") if is_replaced else done


def reset(name: str) -> Change:
    """Remove the stored value of *name*, so that its default applies; raises like `change`."""
    settings = _writable(name)
    with stored_settings.changing(_path(settings)) as entries:
        entries.pop(name, None)
    return _applied(settings, name)


def _applied(before: Settings, name: str) -> Change:
    """Apply the stored settings everywhere; return the change of *name*."""
    return Change(name, _shown(before, name), _shown(startup.reconfigure(), name))


def _writable(name: str) -> Settings:
    """Return the settings in effect, if *name* may be changed here."""
    _check_editable(name)
    if place := core_settings.fixed_by(name):
        raise InputError(f"{name} is set by {place}.", "Change it there, or remove it there.")
    return process.current().settings


def _check_editable(name: str) -> None:
    if not core_settings.is_editable(name):
        raise InputError(f"{name} cannot be changed in the browser.", "Set it in trail.toml.")


def _path(settings: Settings) -> Path:
    return stored_settings.path_of(settings.store.path)


def _shown(settings: Settings, name: str) -> str:
    """Return the value as text; for a secret, only whether it is set."""
    value = _plain(core_settings.value_of(settings, name))
    if core_settings.is_secret(name):
        return "set" if value else "not set"
    return "empty" if value == "" else str(value)


def _plain(value: Any) -> Any:
    """Return *value* as JSON, including the content of secrets."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
