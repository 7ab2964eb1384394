"""The card "Most active": the people and tokens with the most events that the page counts."""

from trail.events import counts, overview
from ui.components import ranked_list
from ui.overview.view import View

_ROWS = 7


def draw(view: View) -> None:
    """Draw the card; each row is a link to the events of the actor."""
    chosen = view.counted.put("actor_type", "system", "exclude")
    total = counts.count(view.store, view.counted, view.now)
    top = counts.actors(view.store, chosen, view.now, _ROWS)
    new = overview.new_among(view.store, view.filter_, view.now, [actor.value for actor in top])
    ranked_list.bars(
        [
            {
                "value": actor.value,
                "address": view.explore(view.counted.put("actor", actor.value, "include")),
                "name": actor.label,
                "hint": _hint(actor.value, is_new=actor.value in new),
                "count": actor.count,
                "share": f"{100 * actor.count / total:.0f} %" if total else "",
            }
            for actor in top
        ],
        "most-active",
        title="Most active",
        note=f"Share of all {view.noun}",
    )


def _hint(actor_id: str, *, is_new: bool) -> str:
    """Return what stands after the name of an actor."""
    token = ["token"] if actor_id.startswith("tokens/") else []
    return " · ".join([*token, *(["new"] if is_new else [])])
