"""The text of an event for pages, Slack, e-mail, webhooks and the command line.

Nothing is escaped here; each caller escapes for its own output.
"""

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from trail.core.text import one_line

# The past participle of each kind of change.
VERBS = {
    "create": "created",
    "modify": "changed",
    "delete": "deleted",
    "enable": "enabled",
    "disable": "disabled",
    "connect": "connected",
    "disconnect": "disconnected",
    "download": "downloaded",
}
# An initialism is spelled out ("an API key", "an SQL trait"); "user" and "unique" begin with a y.
_VOWEL_SOUND = re.compile(r"[AEFHILMNORSX][A-Z]|[AEIO][a-z]|(?!us|uni)[aeiou]")
# The verb that ends an action's name; what precedes it is the object.
_VERB_SUFFIX = re.compile(
    r"\s+(created|modified|updated|deleted|enabled|disabled|downloaded|removed|connected"
    r"|disconnected|settings saved)$",
    re.IGNORECASE,
)
_SINGULAR = {
    "Integrations": "Integration",
    "Warehouses": "Warehouse",
    "Destination Filters": "Destination Filter",
}
# What the id of a token begins with, which is left out where it is shown as a name: its type stands
# beside it. Ids of people stay whole: `users/abc` and an unproven `abc` are two actors.
HIDDEN_TYPE = "tokens/"
_TEXT_FIELDS = (
    "action",
    "kind",
    "outcome",
    "actor",
    "actor_id",
    "actor_type",
    "actor_name",
    "actor_email",
    "target_type",
    "target_name",
    "target_id",
)


# Actions that connect one thing to another: the object, the verb, and the other thing.
_CONNECTION = re.compile(r"(.+) ((?:dis)?connected) (to|from) (.+)", re.IGNORECASE)


class Part(TypedDict):
    """A piece of a sentence; names are strong."""

    text: str
    strong: bool


def actor(event: Mapping[str, Any]) -> str:
    """Return the display name of the actor; see `trail.events.actor_names`.

    An event without it, from elsewhere, gives its own name, e-mail or id.
    """
    known = event.get("actor") or event.get("actor_name") or event.get("actor_email")
    return str(known or id_as_name(str(event.get("actor_id") or "")) or "Unknown actor")


def actor_note(event: Mapping[str, Any]) -> str:
    """Return what the event calls its actor if that has another name or e-mail now, or ''."""
    return f"recorded as {event['recorded_as']}" if event.get("recorded_as") else ""


def id_as_name(actor_id: str) -> str:
    """Return the id of an actor as a name: of a token without `tokens/`."""
    return actor_id.removeprefix(HIDDEN_TYPE)


def target(event: Mapping[str, Any]) -> str:
    """Return the target's name, else id, else an empty string."""
    return str(event.get("target_name") or event.get("target_id") or "")


def sentence(event: Mapping[str, Any]) -> str:
    """Return the event as one sentence of printable characters, long names cut.

    Accepts any mapping: missing fields are replaced by neutral text.
    """
    fields = {name: one_line(event.get(name)) for name in _TEXT_FIELDS}
    return "".join(part["text"] for part in sentence_parts(fields))


def sentence_parts(event: Mapping[str, Any], *, with_actor: bool = True) -> list[Part]:
    """Return the event as one sentence, as parts that mark which text is a name.

    Without *with_actor*, for a list of one actor's events: the action and its target.
    """
    name, kind = event.get("action") or "Unknown action", event.get("kind")
    on, object_, tail = target(event), thing(name), ""
    if found := _CONNECTION.fullmatch(name):
        object_, tail = thing(found[1]), f" {found[3].lower()} {article(thing(found[4]))}"
    named = [_part(": "), _part(on, strong=True)] if on else []
    if (
        not with_actor
        or event.get("outcome") == "failure"
        or kind not in VERBS
        or object_ == name.lower()
    ):
        parts = [_part(name, strong=not with_actor or kind == "failure"), *named]
        if with_actor and event.get("actor_type") != "system":
            parts += [_part(", by "), _part(actor(event), strong=True)]
    else:
        with_article = article(object_)
        noun = (event.get("target_type") or "").replace("_", " ")
        if on and object_ in (noun, f"{noun} function"):
            with_article, named = f"the {object_}", [_part(" "), _part(on, strong=True)]
            named += [_part(tail)] if tail else []
            tail = ""
        words = f" {VERBS[kind]} {with_article}{tail}"
        parts = [_part(actor(event), strong=True), _part(words), *named]
    return [*parts, _part(".")]


def _part(text: str, *, strong: bool = False) -> Part:
    return {"text": text, "strong": strong}


def article(noun: str) -> str:
    """Return *noun* with its article: "an audience", "a user"."""
    return f"{'an' if _VOWEL_SOUND.match(noun) else 'a'} {noun}"


def thing(action: str) -> str:
    """Return the object of an action's name: `Warehouses Disabled` gives `warehouse`."""
    words = _VERB_SUFFIX.sub("", action)
    return " ".join(
        word if word.isupper() and len(word) > 1 else word.lower()
        for word in _SINGULAR.get(words, words).split()
    )
