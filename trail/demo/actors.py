"""The actors of the demo workspace, numbered: Segment itself, then the tokens, then the users."""

from dataclasses import dataclass

from trail.demo.tokens import TOKENS

SYSTEM = 0
FIRST_TOKEN = 1
FIRST_PERSON = FIRST_TOKEN + len(TOKENS)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as parts of records; ``subject`` is empty for Segment itself."""

    user_id: str
    subject: str
    subject_with_email: str
    api: str


def user(identity: str, email: str) -> Actor:
    """Return the parts of records in which this user acts."""
    subject = f',"subject":"users/{identity}"'
    api = f'"actor":"users/{identity}","actorEmail":"{email}"'
    return Actor(identity, subject, f'{subject},"subject_email":"{email}"', api)


def token(identity: str) -> Actor:
    """Return the parts of records in which this API token acts."""
    subject = f',"subject":"tokens/{identity}"'
    return Actor(identity, subject, subject, f'"actor":"tokens/{identity}"')


SYSTEM_ACTOR = Actor("__system__", "", "", '"actor":"__system__"')
