"""The card "Destructive changes": the newest deletions, deactivations and disconnections."""

from trail.events import counts, events, overview
from ui import event_feed, text
from ui.overview import compared
from ui.overview.view import View

_ROWS = 7


def draw(view: View) -> None:
    """Draw the card; each row is a link to its event."""
    chosen = overview.destructive(view.filter_)
    change = view.change(lambda filter_: counts.count(view.store, filter_, view.now), chosen)
    event_feed.draw(
        events.page(view.store, chosen, view.now, rows=_ROWS).rows,
        chosen,
        "destructive-list",
        title="Destructive changes",
        number=counts.count(view.store, chosen, view.now),
        note=view.missing or compared.described(view, change),
        time=lambda at: text.short_timestamp(at, view.filter_.zone),
        link="Open in Explore",
        empty=view.missing,
    )
