"""What people are called where only their ids are at hand."""

from collections.abc import Iterable

from trail.core import event_text
from trail.events import people
from trail.storage.database import Engine


def display_names(engine: Engine, actor_ids: Iterable[str]) -> dict[str, str]:
    """Return for each of *actor_ids* a name, else an e-mail, else the id without its kind."""
    asked = list(actor_ids)
    known = people.display_names(engine, asked) if asked else {}
    return {item: event_text.actor_label(item, known.get(item, item)) for item in asked}
