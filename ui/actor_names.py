"""Display names of actors by id."""

from collections.abc import Iterable

from trail.core import event_text
from trail.events import people
from trail.storage.database import Engine


def display_names(engine: Engine, actor_ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each of *actor_ids*, else the email, else the id without its type."""
    ids = list(actor_ids)
    names = people.display_names(engine, ids) if ids else {}
    return {id_: event_text.actor_label(id_, names.get(id_, id_)) for id_ in ids}
