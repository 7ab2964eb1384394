"""The signing key of the seals: a file beside the database that only its owner may read."""

import contextlib
import hashlib
import os
import re
import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail.core import atomic_file
from trail.core.errors import IntegrityError, SettingError, UnavailableError

_NOTE = re.compile(rb"^# newest seal: ([0-9]{1,18})\n", re.MULTILINE)


def make(path: Path) -> Ed25519PrivateKey:
    """Return a new key, written to *path* with mode 0600, or the existing one.

    Raises `UnavailableError` if it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # complete, and never over an existing key
        atomic_file.sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"The signing key cannot be written: {error.strerror}.",
            "Free disk space, or make the database folder writable.",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return load(path)


def load(path: Path) -> Ed25519PrivateKey:
    """Return the key at *path*.

    Raises `SettingError` if other users can read it, `IntegrityError` if it is missing or damaged.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingError(
                f"Other users of this machine can read {path.name}.",
                f"Run: chmod 600 {path.name}",
            )
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError(
            f"The signing key {path.name} is missing or damaged.", "Restore it from its copy."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IntegrityError(f"{path.name} is not an Ed25519 key.", "Restore it from its copy.")
    return key


def newest_seal(path: Path) -> int:
    """Return the number of the newest seal that is noted in the key file; 0 without a note."""
    try:
        noted = _NOTE.findall(path.read_bytes())
    except OSError:
        return 0
    return int(noted[-1]) if noted else 0


def note_newest_seal(path: Path, number: int) -> None:
    """Note in the key file, as a comment, that seals up to *number* were signed with it.

    So a database that is older than its key is noticed, even if all other files are older too.
    Raises `UnavailableError` if it cannot be written.
    """
    try:
        content = _NOTE.sub(b"", path.read_bytes())
        text = f"{content.decode('ascii')}# newest seal: {number}\n"
        atomic_file.replace(path.resolve(), text)
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"The newest seal cannot be noted in {path.name}.",
            "Free disk space, or make the file writable.",
        ) from error


def public(path: Path) -> str:
    """Return the public key in hex, or an empty string without a usable key."""
    try:
        return load(path).public_key().public_bytes_raw().hex()
    except (IntegrityError, SettingError):
        return ""


def fingerprint(key: str) -> str:
    """Return the fingerprint of a public key in hex: 32 digits of its SHA-256 in groups of 4."""
    digest = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))
