"""Encryption of stored secrets with a key that is stored separately.

The key is in a file of its own or in the environment. Format of a secret: Fernet
(AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec) over JSON that names the secret, so
that one secret cannot be substituted for another. Several keys are separated by white space or
commas: the first one encrypts and all of them decrypt, so that keys can be rotated.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from trail.core import atomic_file
from trail.core.errors import InputError, SettingError, UnavailableError

_NEW_KEY = (
    'Generate one: python -c "from cryptography.fernet import Fernet; '
    'print(Fernet.generate_key().decode())"'
)


class UnreadableError(Exception):
    """A secret that this key cannot decrypt."""


@dataclass(frozen=True, slots=True)
class SecretBox:
    """Encrypts and decrypts secrets with the key *given* in the settings, or the one in *path*."""

    path: Path
    given: str = field(default="", repr=False)

    def decrypt(self, name: str, secret: str) -> Any:
        """Return the value of the secret called *name*.

        Raises `UnreadableError` if the key is missing or is not the one that encrypted it, and
        `SettingError` for an invalid key.
        """
        keys = self._keys()
        if not keys:
            raise UnreadableError
        try:
            content = json.loads(_fernet(keys, self._place()).decrypt(secret.encode()))
        except (InvalidToken, ValueError):
            raise UnreadableError from None
        if content.get("name") != name:
            raise UnreadableError
        return content["value"]

    def encrypt(self, name: str, value: Any, *, new_key: bool) -> str:
        """Return *value*, which is JSON, encrypted as the secret called *name*.

        With *new_key*, a missing key file is created (mode 0600). Raises `UnavailableError` if the
        key is missing otherwise or cannot be written, `SettingError` for an invalid key.
        """
        keys = self._keys() or (self._created() if new_key else self._missing())
        content = json.dumps({"name": name, "value": value})
        return _fernet(keys, self._place()).encrypt(content.encode()).decode()

    def problem(self) -> str:
        """Return the problem that prevents reading any secret, or an empty string."""
        try:
            if keys := self._keys():
                _fernet(keys, self._place())
        except SettingError as error:
            return str(error)
        return "" if keys else f"The key file {self.path.name} is missing."

    def renewed(self, secrets: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Return *secrets* re-encrypted with the first key, by name, and those no key decrypts."""
        renewed, unreadable = dict[str, str](), list[str]()
        for name, secret in secrets.items():
            try:
                renewed[name] = self.encrypt(name, self.decrypt(name, secret), new_key=False)
            except UnreadableError:
                unreadable.append(name)
        return renewed, unreadable

    def add_key(self) -> None:
        """Put a new key before those in the key file. Raises the errors of `encrypt`.

        Raises `InputError` if the key is a setting, where the new key must be added by hand.
        """
        keys = self._keys() or self._missing()
        if not self.given:
            self._write([Fernet.generate_key().decode(), *keys])
        elif len(keys) < 2:
            raise InputError(
                "encryption.key contains only one key.",
                "Put a new key before it, separated by a space, restart the server, and run this "
                f"again. {_NEW_KEY}",
            )

    def drop_old_keys(self) -> None:
        """Keep only the first key of the key file; a setting is left unchanged."""
        if not self.given:
            self._write(self._keys()[:1])

    def _missing(self) -> Never:
        raise UnavailableError(
            f"The key file {self.path.name} is missing, so secrets cannot be stored.",
            "Restore it, or remove the secrets that it encrypted.",
        )

    def _keys(self) -> list[str]:
        return (self.given or self._content()).replace(",", " ").split()

    def _content(self) -> str:
        try:
            return self.path.read_text(encoding="ascii")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError):
            raise SettingError(
                f"The key file {self.path.name} cannot be read.",
                "Restore it, and make it readable for the server's user.",
            ) from None

    def _created(self) -> list[str]:
        try:
            with atomic_file.locked(self.path):
                if not self._keys():
                    self._write([Fernet.generate_key().decode()])
        except OSError as error:
            raise self._unwritable(error) from None
        return self._keys()

    def _write(self, keys: list[str]) -> None:
        try:
            atomic_file.replace(self.path, "".join(f"{key}\n" for key in keys))
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> UnavailableError:
        reason = os.strerror(error.errno or 0)
        return UnavailableError(f"The key file {self.path.name} cannot be written: {reason}.")

    def _place(self) -> str:
        return "encryption.key" if self.given else f"The key file {self.path.name}"


def _fernet(keys: list[str], place: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise SettingError(f"{place}: not 32 bytes as URL-safe Base64.", _NEW_KEY) from None
