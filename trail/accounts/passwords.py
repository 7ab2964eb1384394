"""Passwords: which are accepted, how they are hashed, and how one is checked.

Separate from the users file because the commands, the form and the file all need the same rules.
"""

import hashlib
import re
import secrets
import string

import bcrypt

from trail.core.errors import InputError

SHORTEST, LONGEST_BYTES = 12, 72  # bcrypt reads 72 bytes; what comes after them would not count
LOWEST_COST = 10  # rounds of bcrypt, as a power of two
_FEWEST_LETTERS = 4
_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


def hashed(password: str) -> str:
    """Return the bcrypt hash of *password*, in the cost that the library uses."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode()


def is_hash(text: object) -> bool:
    """Return whether *text* is a bcrypt hash and not, say, a password in plain text."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def cost(hash_: str) -> int:
    """Return the rounds of a bcrypt hash, as a power of two."""
    return int(hash_[4:6])


def judged(hash_: str) -> str:
    """Return the mark that says beside *hash_* that its password passed `check` when it was set."""
    return hashlib.sha256(f"checked {hash_}".encode()).hexdigest()[:16]


def decoy_hash() -> str:
    """Return a well-formed hash that belongs to no password.

    Checking against it takes as long as against a real one, so time does not tell who exists.
    """
    letters = "./" + string.ascii_letters + string.digits
    return bcrypt.gensalt().decode() + "".join(secrets.choice(letters) for _ in range(31))


def fits(password: str) -> bool:
    """Return whether bcrypt would read all of *password*."""
    return len(password.strip().encode()) <= LONGEST_BYTES


def matches(password: str, hash_: str) -> bool:
    """Return whether *password* is the one of *hash_*; one bcrypt whatever is given."""
    right = bcrypt.checkpw(password.strip().encode() if fits(password) else b"", hash_.encode())
    return right and fits(password)


def check(username: str, password: str) -> None:
    """Raise `InputError` for a password that is easy to guess or that bcrypt cannot take."""
    plain = password.casefold()
    if len(password) < SHORTEST or plain == username or len(set(password)) < _FEWEST_LETTERS:
        raise InputError(
            "This password is too easy to guess.", f"Use at least {SHORTEST} mixed characters."
        )
    if not fits(password) or password != password.strip():
        raise InputError(
            "This password cannot be used.",
            f"Use at most {LONGEST_BYTES} bytes, with no space at either end.",
        )
