"""The cards "Most active people" and "Most active tokens": who did most of what the page counts."""

import datetime as dt

from trail.events import counts
from trail.events import people as actors
from trail.events.people import ActorActivity
from ui import text, url_state
from ui.components import ranked_list
from ui.overview.view import View

_ROWS = 6
# A shorter silence says nothing about a person.
_DORMANT = dt.timedelta(days=6)


def people(view: View) -> None:
    """Draw the most active people; each row is a link to the events of one."""
    _draw(view, "user", "Most active people")


def tokens(view: View) -> None:
    """Draw the most active tokens; each row is a link to the events of one."""
    _draw(view, "token", "Most active tokens")


def _draw(view: View, actor_type: str, title: str) -> None:
    total = counts.count(view.store, view.counted, view.now)
    everybody = {
        actor.actor_id: actor
        for actor in actors.actor_activity(view.store, view.filter_, view.now)
        if actor.actor_type == actor_type
    }
    chosen = view.counted.put("actor_type", actor_type, "include")
    ranked_list.bars(
        [
            {
                "value": actor.value,
                "address": view.explore(view.counted.put("actor", actor.value, "include")),
                "name": actor.label,
                "hint": _hint(view, everybody.get(actor.value)),
                "count": actor.count,
                "share": text.percent(actor.count / total) if total else "",
            }
            for actor in counts.actors(view.store, chosen, view.now, _ROWS)
        ],
        f"most-active-{actor_type}",
        title=title,
        empty=view.missing,
        note=f"Share of all {view.noun}",
        link=_link(view, list(everybody.values())),
        address=url_state.address(url_state.PEOPLE, view.filter_),
    )


def _hint(view: View, actor: ActorActivity | None) -> str:
    """Return what stands after the name of *actor*."""
    return "new" if actor and actor.state == "new" and view.has_earlier else ""


def _link(view: View, everybody: list[ActorActivity]) -> str:
    """Return the words of the link to People: who was active before, and is not any more."""
    window = view.window
    dormant = sum(actor.state == "dormant" and not actor.removed_at for actor in everybody)
    is_long = window.start and window.end and window.end - window.start >= _DORMANT
    return f"{dormant:,} dormant" if dormant and is_long else "People"
