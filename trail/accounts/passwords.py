"""Password rules, bcrypt hashes and their verification."""

import hashlib
import re
import secrets
import string
import unicodedata
from collections.abc import Iterable

import bcrypt

from trail.core.errors import InputError

MIN_CHARACTERS, MAX_BYTES = 12, 72  # bcrypt ignores everything after 72 bytes
MIN_COST = 10  # bcrypt rounds, as a power of two
_MIN_DISTINCT = 4
# On zxcvbn's scale from 0 to 4: more than 10^8 guesses, too many against a stolen bcrypt hash.
MIN_SCORE = 3
# More characters only add strength, and the estimate can take seconds in the worst case.
_ESTIMATED = 40
_PRODUCT_WORDS = ("audit", "trail", "audittrail", "segment", "twilio")
_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


def prepare(password: str) -> str:
    """Return *password* in the form in which it is hashed, as in RFC 8265, section 4.2.2.

    Keyboards and systems compose the same visible letters differently. Spaces of other scripts
    become ASCII spaces, and the result is in NFC.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced)


def forms(password: str) -> list[str]:
    """Return what to compare with a hash: *password* prepared, and as earlier versions hashed it.

    They hashed what was typed, which may have been composed or decomposed.
    """
    decomposed = unicodedata.normalize("NFD", password)
    composed = unicodedata.normalize("NFC", password)
    return list(dict.fromkeys((prepare(password), password, composed, decomposed)))


def hash_password(password: str) -> str:
    """Return the bcrypt hash of *password*, at the default cost of the library."""
    return bcrypt.hashpw(prepare(password).encode(), bcrypt.gensalt()).decode()


def is_hash(text: object) -> bool:
    """Return whether *text* is a bcrypt hash (and not a password in plain text)."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def cost(hash_: str) -> int:
    """Return the rounds of a bcrypt hash, as a power of two."""
    return int(hash_[4:6])


def strength_mark(hash_: str) -> str:
    """Return the proof, stored beside *hash_*, that its password passed `check_strength`."""
    return hashlib.sha256(f"checked {hash_}".encode()).hexdigest()[:16]


def decoy_hash() -> str:
    """Return a well-formed hash that no password matches.

    Verification against it takes as long as against a real hash, so that the response time does
    not reveal which usernames exist.
    """
    letters = "./" + string.ascii_letters + string.digits
    return bcrypt.gensalt().decode() + "".join(secrets.choice(letters) for _ in range(31))


def fits_bcrypt(password: str) -> bool:
    """Return whether bcrypt would use all of *password*."""
    return len(password.strip().encode()) <= MAX_BYTES


def matching_form(password: str, hash_: str) -> str | None:
    """Return the one of the `forms` of *password* that has *hash_*, or None.

    Takes one bcrypt per form, whichever matches.
    """
    tried = []
    for form in forms(password):
        fits = fits_bcrypt(form)
        equal = bcrypt.checkpw(form.strip().encode() if fits else b"", hash_.encode())
        tried.append((equal and fits, form))
    return next((form for equal, form in tried if equal), None)


def form_to_check(password: str, hash_: str) -> str:
    """Return the form of *password* for a library that compares one with *hash_*.

    Takes no bcrypt for a password with a single form, such as one in ASCII.
    """
    if len(forms(password)) == 1:
        return prepare(password)
    return matching_form(password, hash_) or prepare(password)


def matches(password: str, hash_: str) -> bool:
    """Return whether *password* has *hash_*; the time depends only on *password*."""
    return matching_form(password, hash_) is not None


def check_strength(username: str, password: str, *words: str) -> None:
    """Raise `InputError` for a password that is easy to guess or that bcrypt would truncate.

    *words*, such as the user's name, are assumed to be known to an attacker. The error says why
    the estimator considers the password weak.
    """
    password = prepare(password)
    plain = password.casefold()
    if len(password) < MIN_CHARACTERS or plain == username or len(set(password)) < _MIN_DISTINCT:
        raise InputError(
            "This password is too easy to guess.",
            f"Use at least {MIN_CHARACTERS} characters, {_MIN_DISTINCT} of them different.",
        )
    if not fits_bcrypt(password) or password != password.strip():
        raise InputError(
            "This password is too long or has a space at an end.",
            f"Use at most {MAX_BYTES} bytes without leading or trailing spaces.",
        )
    if reason := _weakness(password, (username, *words)):
        raise InputError("This password is too easy to guess.", reason)


def _weakness(password: str, known: Iterable[str]) -> str:
    """Return why *password* is easy to guess for someone who knows *words*, or an empty string."""
    # Loading its word lists takes most of a second, and most commands set no password.
    from zxcvbn import zxcvbn

    parts = [part for text in known for part in (text, *re.split(r"[\W_]+", text)) if part]
    estimate = zxcvbn(password[:_ESTIMATED], [*parts, *_PRODUCT_WORDS])
    if estimate["score"] >= MIN_SCORE:
        return ""
    feedback = estimate["feedback"]
    reasons = [feedback["warning"], *feedback["suggestions"], "Add more words."]
    return next(str(reason) for reason in reasons if reason)
