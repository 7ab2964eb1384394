"""The words for what an action does to a target: "deleted", "destination filter".

They come from the name of the action; `PHRASES` has those whose name does not give them.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from trail.core import catalogue
from trail.core.event_text import article, thing
from trail.core.text import one_line

WORKSPACE = "workspace"

_MAX_NOUN = 60


@dataclass(frozen=True, slots=True)
class Phrase:
    """A verb in the past tense, the noun of a target, and what follows it.

    `verb_of_many` is the verb of several events, `tail_of_many` what follows several targets.
    `named_again` stands for the noun where the sentence has just named what it belongs to.
    """

    verb: str
    noun: str
    tail: str = ""
    verb_of_many: str = ""
    tail_of_many: str = ""
    named_again: str = ""


_INVITED = Phrase("sent an invitation to", "user", verb_of_many="sent invitations to")
_SCHEMA = Phrase("changed the schema of", "source")
PHRASES = {
    "Audience CSV Downloaded": Phrase(
        "downloaded", "audience list", named_again="its list of members"
    ),
    "Computed Trait CSV Downloaded": Phrase(
        "downloaded", "computed trait list", named_again="its list of users"
    ),
    "Audience Preview Created": Phrase("previewed", "audience"),
    "Audience Run Forced": Phrase("started a run of", "audience"),
    "Destination Added into Audience": Phrase("added a destination to", "audience"),
    "Destination Removed from Audience": Phrase("removed a destination from", "audience"),
    "Destination Updated for Audience": Phrase("changed a destination of", "audience"),
    "Destinations Listed from Audience": Phrase("listed the destinations of", "audience"),
    "Supported Destinations Listed For Audience": Phrase(
        "listed the possible destinations of", "audience"
    ),
    "Engage Warehouse Source Created": Phrase("created", "Engage warehouse source"),
    "Engage Warehouse Source Modified": Phrase("changed", "Engage warehouse source"),
    "Engage Warehouse Source Deleted": Phrase("deleted", "Engage warehouse source"),
    "Model Settings Saved": Phrase("changed the settings of", "model"),
    "Model State Change Toggled": Phrase("changed the state of", "model"),
    "Policy Created": Phrase("created", "permission policy"),
    "Policy Deleted": Phrase("deleted", "permission policy"),
    "User Policy Updated": Phrase("changed the permissions of", "user"),
    "User Group Policy Updated": Phrase("changed the permissions of", "user group"),
    "Subjects Added to Group": Phrase("added members to", "user group"),
    "User Added To User Group": Phrase(
        "added a member to", "user group", verb_of_many="added members to"
    ),
    "Group Memberships Deleted": Phrase("removed members from", "user group"),
    "User Removed From User Group": Phrase(
        "removed a member from", "user group", verb_of_many="removed members from"
    ),
    "Profiles Sync Warehouse Retrieved": Phrase("viewed", "Profiles Sync warehouse"),
    "Public API Tokens Without Owners Detected": Phrase("left without an owner", "API token"),
    "Source Connected to Tracking Plan": Phrase(
        "connected", "source", "to a tracking plan", "", "to tracking plans"
    ),
    "Source Disconnected From Tracking Plan": Phrase(
        "disconnected", "source", "from a tracking plan", "", "from tracking plans"
    ),
    "Source Connected To Space": Phrase("connected", "source", "to a space", "", "to spaces"),
    "Source Disconnected From Space": Phrase(
        "disconnected", "source", "from a space", "", "from spaces"
    ),
    "Source Debugger Raw Viewed": Phrase("viewed raw events of", "source"),
    "Source Settings Modified": Phrase("changed the settings of", "source"),
    "Storage Destination Settings Validation": Phrase(
        "checked the settings of", "storage destination"
    ),
    "Support Access Granted": Phrase("granted Segment support access to", "workspace"),
    "Support Access Revoked": Phrase("revoked Segment support access to", "workspace"),
    "Support Login": Phrase("logged in as Segment support to", "workspace"),
    "Tracking Plan Operations Updated": Phrase("changed the operations of", "tracking plan"),
    "User Added via SSO": Phrase("added", "user", "by single sign-on"),
    "User Invite Sent": _INVITED,
    "User Invite Accepted": Phrase("accepted", "invitation"),
    "User Invite Deleted": Phrase("deleted", "invitation"),
    "Invite Deleted": Phrase("deleted", "invitation"),
    "Users Invited": _INVITED,
    "New Segment User Invited to Workspace": _INVITED,
    "Non-Segment User Invited to Workspace": _INVITED,
}
_VERB_AT_END = re.compile(r"(.+)\s+([a-z]+ed|sent|begun|made)", re.IGNORECASE)
_VERBS = {"modified": "changed", "updated": "changed", "edited": "changed"}
_NAMES = {"profiles sync": "Profiles Sync", "reverse ETL": "Reverse ETL"}


def phrase(action: str) -> Phrase | None:
    """Return the words for *action*, or None if its name has no verb."""
    if known := PHRASES.get(action):
        return known
    if catalogue.resolve(action).category == "Schema":
        return _SCHEMA
    if found := _VERB_AT_END.fullmatch(action):
        verb, noun = found[2].lower(), thing(f"{found[1]} Created")
        for lower, name in _NAMES.items():
            noun = noun.replace(lower, name)
        return Phrase(_VERBS.get(verb, verb), one_line(noun, _MAX_NOUN))
    return None


def in_general(action: str) -> str:
    """Return what *action* does to any target: "created an integration".

    Where several actions are said in the same words, the name of the action follows.
    """
    words = _in_general(action)
    if words is None:
        return f"performed “{one_line(action, _MAX_NOUN)}”"
    return words if _uses()[words] < 2 else f"{words} ({one_line(action, _MAX_NOUN)})"


def one_of(noun: str) -> str:
    """Return *noun* with its article; there is only one workspace."""
    return f"the {noun}" if noun == WORKSPACE else article(noun)


def plural(noun: str) -> str:
    """Return several of *noun*: "policies", "activations or connections"."""
    if " or " in noun:
        return " or ".join(plural(part) for part in noun.split(" or "))
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun if noun.endswith("s") else f"{noun}s"


def _in_general(action: str) -> str | None:
    words = phrase(action)
    if words is None:
        return None
    return " ".join(filter(None, (words.verb, one_of(words.noun), words.tail)))


@cache
def _uses() -> Counter[str | None]:
    """Return how many actions of the catalogue are said in the same words."""
    return Counter(_in_general(action.name) for action in catalogue.ACTIONS)
