"""What the things of one user are stored under: the username, and the ID of the account if any.

Unlike the username alone it is not that of another user who is added under the name later.
"""

_MARK = "~"  # in no username


def account_key(username: str, account_id: str) -> str:
    """Return the key of the account; without an ID it is the username."""
    return f"{username}{_MARK}{account_id}" if account_id else username


def username_of(key: str) -> str:
    """Return the username of a key of `account_key`."""
    return key.partition(_MARK)[0]
