"""The card "Sources and integrity": whether events arrive, and whether the trail is unchanged."""

from typing import Literal

from trail.attention.items import items
from trail.core.clock import naive_utc
from trail.ingest import source_health
from trail.ingest.source_health import SourceHealth, State
from trail.notifications import delivery_log
from ui import seal_text, source_text, text, url_state
from ui.components.status_rows import StatusRow, status_rows
from ui.overview.view import View

Level = Literal["good", "high", "medium", "low"]
_LEVELS: dict[State, Level] = {"ok": "good", "failing": "high", "silent": "medium"}
# By the urgency of the most urgent destination that needs attention.
_DELIVERY: dict[str, tuple[str, Level, str]] = {
    "soon": ("▲", "high", "Failing"),
    "later": ("◆", "medium", "Not all delivered"),
}
_DELIVERED: tuple[str, Level, str] = ("✓", "good", "OK")
_INTEGRITY: dict[str, Level] = {"✓": "good", "▲": "high"}


def draw(view: View) -> None:
    """Draw the card; rows are links for those who may open Admin."""
    ctx, settings = view.ctx, view.ctx.runtime.settings
    health = source_health.sources(view.database, settings, naive_utc(view.now))
    rows = [_row(view, source) for source in health] or [_none(view)]
    mark, _, sealed = seal_text.status(ctx).partition(" ")
    if lost := seal_text.lost(ctx):
        mark, sealed = "▲", lost[0].text()
    rows.append(
        {
            "id": "integrity",
            "address": _admin(view, "seals"),
            "mark": mark,
            "level": _INTEGRITY.get(mark, "low"),
            "state": "Trail integrity",
            "name": "Trail integrity",
            "detail": sealed,
            "side": "",
        }
    )
    if delivery := _delivery(view):
        rows.append(delivery)
    status_rows(
        rows,
        "sources-card",
        title="Sources and integrity",
        link="Sources",
        address=_admin(view, "sources"),
    )


def _row(view: View, source: SourceHealth) -> StatusRow:
    mark, word = source_text.STATES[source.state]
    return {
        "id": source.name,
        "address": _admin(view, "sources"),
        "mark": mark,
        "level": _LEVELS.get(source.state, "low"),
        "state": word,
        "name": source.title,
        "detail": source.message,
        "side": source_text.short(source, view.filter_.zone),
    }


def _none(view: View) -> StatusRow:
    until = view.known.until
    return {
        "id": "none",
        "address": _admin(view, "sources"),
        "mark": "○",
        "level": "low",
        "state": "Not connected",
        "name": "No source is connected",
        "detail": "Events come from loaded files. Files do not show which events are missing.",
        "side": f"last event {text.short_timestamp(until, view.filter_.zone)}" if until else "",
    }


def _delivery(view: View) -> StatusRow | None:
    """Return the row about messages to destinations, None where there never was one.

    What it says of them is what the list of what needs attention says.
    """
    counts = delivery_log.counts(view.database).values()
    if not counts:
        return None
    waiting = sum(states.get("waiting", 0) + states.get("sending", 0) for states in counts)
    dead = sum(states.get("dead", 0) for states in counts)
    settings, zone = view.ctx.runtime.settings, view.filter_.zone
    listed = items(
        view.store, settings, view.now, findings=True, muted=True, zone=zone, weekdays=True
    )
    urgencies = {item.urgency for item in listed if item.kind == "delivery"}
    mark, level, state = next(
        (row for urgency, row in _DELIVERY.items() if urgency in urgencies), _DELIVERED
    )
    return {
        "id": "delivery",
        "address": _page(view, url_state.ALERTS, "log"),
        "mark": mark,
        "level": level,
        "state": state,
        "name": "Alert delivery",
        "detail": "",
        "side": f"{waiting:,} waiting, {text.count(dead, 'dead letter')}",
    }


def _admin(view: View, section: str) -> str:
    return _page(view, url_state.ADMIN, section)


def _page(view: View, page: str, section: str) -> str:
    """Return the address of a section of a page for owners, else nothing."""
    if not view.ctx.user.may("configure"):
        return ""
    return url_state.address(page, view.filter_, section=section)
