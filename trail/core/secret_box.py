"""Encryption of stored secrets with a key that lies apart from them.

The key is in a file of its own or in the environment. Format of a secret: Fernet
(AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec) over JSON that names the secret, so
that one secret cannot be put in the place of another.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from trail.core import atomic_file
from trail.core.errors import SettingError, UnavailableError

_NEW_KEY = (
    'Make one: python -c "from cryptography.fernet import Fernet; '
    'print(Fernet.generate_key().decode())"'
)


class UnreadableError(Exception):
    """A secret that this key cannot decrypt."""


@dataclass(frozen=True, slots=True)
class SecretBox:
    """Encrypts and decrypts secrets. *given* is the key of the settings, else *path* holds it."""

    path: Path
    given: str = field(default="", repr=False)

    def decrypt(self, name: str, secret: str) -> Any:
        """Return the value of the secret called *name*.

        Raises `UnreadableError` if the key is missing or not the one that encrypted it, and
        `SettingError` for a key that is none.
        """
        key = self._key()
        if not key:
            raise UnreadableError
        try:
            content = json.loads(_fernet(key, self._place()).decrypt(secret.encode()))
        except (InvalidToken, ValueError):
            raise UnreadableError from None
        if content.get("name") != name:
            raise UnreadableError
        return content["value"]

    def encrypt(self, name: str, value: Any, *, new_key: bool) -> str:
        """Return *value*, which is JSON, encrypted as the secret called *name*.

        With *new_key*, a missing key file is created (mode 0600). Raises `UnavailableError` if the
        key is missing otherwise or cannot be written, `SettingError` for a key that is none.
        """
        key = self._key() or (self._created() if new_key else "")
        if not key:
            raise UnavailableError(
                f"The key file {self.path.name} is missing, so that secrets cannot be stored.",
                "Restore it, or remove the secrets that it encrypted.",
            )
        content = json.dumps({"name": name, "value": value})
        return _fernet(key, self._place()).encrypt(content.encode()).decode()

    def problem(self) -> str:
        """Return what prevents reading secrets in general, or an empty string."""
        try:
            key = self._key()
        except SettingError as error:
            return str(error)
        return "" if key else f"The key file {self.path.name} is missing."

    def _key(self) -> str:
        if self.given:
            return self.given
        try:
            return self.path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError):
            raise SettingError(
                f"The key file {self.path.name} cannot be read.",
                "Restore it, and let the server's user read it.",
            ) from None

    def _created(self) -> str:
        try:
            with atomic_file.locked(self.path):
                if key := self._key():
                    return key
                key = Fernet.generate_key().decode()
                atomic_file.replace(self.path, f"{key}\n")
        except OSError as error:
            raise UnavailableError(
                f"The key file {self.path.name} cannot be written: {os.strerror(error.errno or 0)}."
            ) from None
        return key

    def _place(self) -> str:
        return "encryption.key" if self.given else f"The key file {self.path.name}"


def _fernet(key: str, place: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise SettingError(f"{place}: not 32 bytes as URL-safe Base64.", _NEW_KEY) from None
