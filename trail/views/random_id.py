"""Random identifiers for addresses: short, not guessable, and without look-alike characters."""

import secrets

_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 12  # about 69 bits


def random_id() -> str:
    """Return a new identifier."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
