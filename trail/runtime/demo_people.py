"""Who works with the demo workspace; their decisions, comments and views are part of it."""

from dataclasses import dataclass

from trail.accounts import oidc


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user name, and the name that is shown. The users file has no account of that name."""

    username: str
    name: str

    @property
    def account(self) -> str:
        """Return what their views are stored under, as for users of an identity provider."""
        return f"{oidc.PREFIX}{self.username}"


OWNER, MANAGER = DemoUser("maya", "Maya Lind"), DemoUser("jon", "Jon Berg")
