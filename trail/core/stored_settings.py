"""The file of settings that owners change in the browser; its secrets are encrypted.

It is stored beside the database. The environment and settings files take precedence over it. A
secret whose key is missing or wrong stays in the file and counts as not set.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trail.core import atomic_file
from trail.core.errors import SettingError
from trail.core.secret_box import SecretBox, UnreadableError

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored setting: its JSON `value`, or the value encrypted as `secret`.

    `by` is the user who changed it last, `at` the time (ISO 8601, UTC).
    """

    value: Any = None
    secret: str = ""
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class StoredValues:
    """The content of the file: values by setting, and the settings with unreadable secrets."""

    values: Mapping[str, Any]
    unreadable: tuple[str, ...] = ()

    def nested(self) -> dict[str, Any]:
        """Return the values as nested sections; names have at most three parts."""
        result: dict[str, Any] = {}
        for name, value in self.values.items():
            *sections, last = name.split(".", 2)
            inner = result
            for section in sections:
                inner = inner.setdefault(section, {})
            inner[last] = value
        return result


def path_of(database: Path) -> Path:
    """Return the path of the stored settings of *database*."""
    return database.with_name(f"{database.stem}.settings.json")


def read(path: Path) -> dict[str, Entry]:
    """Return the stored settings by name; none if the file does not exist.

    Raises `SettingError` for a file that cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] > _VERSION:
            raise SettingError(
                f"{path.name} was written by a newer version.", "Start that version."
            )
        return {name: Entry(**entry) for name, entry in document["settings"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SettingError(
            f"{path.name} cannot be read.", "Restore it from a backup, or move it away."
        ) from None


def values(path: Path, box: SecretBox) -> StoredValues:
    """Return the stored values, decrypted. Raises `SettingError` like `read`."""
    result: dict[str, Any] = {}
    unreadable: list[str] = []
    for name, entry in read(path).items():
        try:
            result[name] = box.decrypt(name, entry.secret) if entry.secret else entry.value
        except (UnreadableError, SettingError):
            unreadable.append(name)
    return StoredValues(result, tuple(unreadable))


def has_secrets(path: Path) -> bool:
    """Return whether the file contains secrets. Raises `SettingError` like `read`."""
    return any(entry.secret for entry in read(path).values())


@contextlib.contextmanager
def changing(path: Path) -> Iterator[dict[str, Entry]]:
    """Yield the entries for changes; they are written if the block ends without an error."""
    with atomic_file.locked(path):
        entries = read(path)
        yield entries
        document = {
            "version": _VERSION,
            "settings": {name: _fields(entry) for name, entry in sorted(entries.items())},
        }
        atomic_file.replace(path, json.dumps(document, indent=2) + "\n")


def _fields(entry: Entry) -> dict[str, Any]:
    content = {"secret": entry.secret} if entry.secret else {"value": entry.value}
    return {**content, "by": entry.by, "at": entry.at}
