"""Names chosen by users, such as those of rules, destinations and views."""

from trail.core.errors import InputError

MAX_LENGTH = 80  # characters


def check_name(name: str, noun: str) -> None:
    """Raise `InputError` unless *name* has 1 to 80 printable characters, not only spaces.

    *noun* is the kind of the named entry, such as `rule`.
    """
    if not name.strip() or len(name) > MAX_LENGTH or not name.isprintable():
        raise InputError(
            f"The {noun} name is missing or invalid.",
            f"Use 1 to {MAX_LENGTH} printable characters.",
        )
