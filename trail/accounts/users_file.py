"""The users file: entries by username, in the format of streamlit-authenticator.

It is read and replaced as a whole, under a lock shared with other processes.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from trail.core import atomic_file, yaml_text
from trail.core.errors import UnavailableError

Entries = dict[str, dict[str, Any]]


def normalize_username(username: str) -> str:
    """Return *username* as it is stored and compared: trimmed and case-folded."""
    return username.strip().casefold()


class UsersFile:
    """The file at *path*. Each call raises `UnavailableError` if it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()

    def stamp(self) -> tuple[int, int, int]:
        """Return a stamp that differs once the file has changed; zeros without a file."""
        return atomic_file.stamp(self._path)

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self._path.exists()

    def entries(self) -> Entries:
        """Return the entries by normalized username; raises `FileNotFoundError` without a file."""
        return _entries_of(self._read())

    @contextlib.contextmanager
    def changing(self) -> Iterator[Entries]:
        """Yield the entries for changes; they are written if the block ends without an error."""
        with self.locked():
            try:
                document = self._read()
            except FileNotFoundError:
                document = {"credentials": {"usernames": {}}}
            entries = _entries_of(document)
            yield entries
            document["credentials"]["usernames"] = entries
            self._write(document)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the file."""
        with self._lock, atomic_file.locked(self._path):
            yield

    def create(self, entries: Entries) -> None:
        """Write a new file with *entries*."""
        self._write({"credentials": {"usernames": entries}})

    def _read(self) -> dict[str, Any]:
        try:
            text = self._path.read_text(encoding="utf-8")
            document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
            _entries_of(document)
        except FileNotFoundError:
            raise
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
            raise UnavailableError(
                "The users file cannot be read.", "The server administrator must repair it."
            ) from None
        assert isinstance(document, dict)
        return document

    def _write(self, document: dict[str, Any]) -> None:
        text = yaml_text.dump(document)
        atomic_file.replace(self._path, text)


class _Loader(yaml.SafeLoader):
    """Refuses repeated keys, of which the last would silently replace the others."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of *node*; raise `UnavailableError` for a repeated key."""
        known: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in known:
                raise _repeated(key.value, key.value)
            known.add(str(key.value))
        return super().construct_mapping(node, deep)


def _entries_of(document: Any) -> Entries:
    entries: Entries = {}
    spellings: dict[str, str] = {}
    for name, entry in document["credentials"]["usernames"].items():
        username = normalize_username(str(name))
        if username in entries:
            raise _repeated(spellings[username], str(name))
        entries[username], spellings[username] = entry, str(name)
    return entries


def _repeated(first: str, second: str) -> UnavailableError:
    return UnavailableError(
        f"The users file contains {first!r} and {second!r}, which are the same username.",
        "Remove or rename one of them in the file.",
    )
