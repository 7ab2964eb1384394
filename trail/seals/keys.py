"""The key that signs the seals: a file beside the database that only its owner may read.

Separate because it is the one secret here: nothing of it is logged, shown or kept elsewhere.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail import durable
from trail.errors import IntegrityError, SettingError, UnavailableError


def make(path: Path) -> Ed25519PrivateKey:
    """Return a new key, written to *path* with mode 0600; one that is there is returned instead.

    Raises `UnavailableError` when it cannot be written.
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
            os.link(fresh, path)  # whole, or not at all; and never over another
        durable.sync(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"The key of the seals cannot be written: {error.strerror}.",
            "Make room, or let the server write beside the database.",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return load(path)


def load(path: Path) -> Ed25519PrivateKey:
    """Return the key of *path*.

    Raises `SettingError` when others may read it, `IntegrityError` when it is gone or no key.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingError(
                f"{path.name} can be read by other users of this machine.",
                f"Run: chmod 600 {path.name}",
            )
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError(
            f"{path.name}, the key of the seals, is gone or damaged.", "Put its copy back."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IntegrityError(f"{path.name} holds another kind of key.", "Put its copy back.")
    return key


def public(path: Path) -> str:
    """Return the public key in hex, or an empty string where there is no usable key."""
    try:
        return load(path).public_key().public_bytes_raw().hex()
    except (IntegrityError, SettingError):
        return ""


def fingerprint(key: str) -> str:
    """Return what people compare of a public key in hex: 32 digits of its SHA-256, in fours."""
    digest = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))
