"""The API tokens of one user, and how to revoke all of them."""

from trail.accounts.api_tokens import Token
from trail.accounts.users import User
from trail.runtime import process
from ui.audit import record_action
from ui.page import acting_user


def of(user: User) -> list[Token]:
    """Return the tokens of *user*, ordered by name; none on a server without tokens."""
    tokens = process.current().tokens
    return [token for token in tokens.all() if token.owner == user.account] if tokens else []


def revoke_all(reason: str) -> int:
    """Revoke the tokens of the signed-in user, each recorded with the *reason*; return how many."""
    user, tokens = acting_user(), process.current().tokens
    names = tokens.revoke_all_of(user.account) if tokens else []
    for name in names:
        record_action("token_revoked", user, name, reason)
    return len(names)
