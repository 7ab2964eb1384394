"""Related events in the event panel: of the same target, and of the same actor at that time."""

import datetime as dt
from typing import Any

from trail.core import event_text
from trail.events import events, target_events
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.event_panel import Related, RelatedRow, Side
from ui.explore.event_links import EventLinks

# Related events that are read, and rows that are shown of them.
_NEAREST, _ROWS = 60, 7
_AROUND = dt.timedelta(minutes=15)


def related(
    engine: Engine, event: dict[str, Any], filter_: Filter, links: EventLinks
) -> dict[Side, Related]:
    """Return the events nearest to *event* in time of each side, with times in the filter's zone.

    Raises what the database raises, such as `UnavailableError`.
    """
    result: dict[Side, Related] = {}
    sides: tuple[Side, ...] = ("target", "actor")
    groups = events.related(engine, event, _NEAREST)
    for side in sides:
        total, rows = groups[side]
        result[side] = {
            "total": total,
            "rows": _merged([_row(side, row, event, filter_, links) for row in rows]),
            "href": links.to_list(related_filter(filter_, event, side)),
        }
    return result


def related_filter(filter_: Filter, event: dict[str, Any], side: Side) -> Filter:
    """Return the filter for the events of the same target, or of the actor within 15 minutes."""
    if side == "target":
        target = target_events.target_filter(event, filter_.tz)
        return target or filter_.cleared()
    at = event["occurred_at"]
    return url_state.with_range(
        filter_.cleared().put("actor", event["actor_id"], "include"),
        at - _AROUND,
        at + _AROUND + dt.timedelta(microseconds=1),
    )


def _merged(lines: list[RelatedRow]) -> list[RelatedRow]:
    """Return the lines nearest to the current one; equal ones that follow each other are one."""
    result: list[RelatedRow] = []
    counts: list[int] = []
    for line in lines:
        last = result[-1] if result else None
        same = last and (last["title"], last["detail"]) == (line["title"], line["detail"])
        if last and same and not (line.get("current") or last.get("current")):
            counts[-1] += 1
        else:
            result.append(line)
            counts.append(1)
    for place, number in enumerate(counts):
        if number > 1:
            # The outermost row may stand for more events than were read.
            is_cut = len(lines) == _NEAREST and place in (0, len(counts) - 1)
            result[place]["title"] += f" × {number}{'+' if is_cut else ''}"
    here = next((n for n, line in enumerate(result) if line.get("current")), 0)
    first = max(min(here - _ROWS // 2, len(result) - _ROWS), 0)
    return result[first : first + _ROWS]


def _row(
    side: Side, row: dict[str, Any], event: dict[str, Any], filter_: Filter, links: EventLinks
) -> RelatedRow:
    current = row["event_id"] == event["event_id"]
    offset = text.time_offset(row["occurred_at"] - event["occurred_at"])
    when = text.short_timestamp(row["occurred_at"], filter_.zone)
    return {
        "when": when if side == "target" else "This event" if current else offset,
        "title": row["action"],
        "detail": event_text.actor(row) if side == "target" else event_text.target(row),
        "event_id": row["event_id"],
        "href": links.to_event(row["event_id"], row["occurred_at"]),
        "current": current,
    }
