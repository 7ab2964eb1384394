"""How an event is undone, as the panel says it."""

from collections.abc import Mapping
from typing import Any

from trail import undo
from ui.components.event_panel import PanelUndo, UndoLine

_HOSTS = "Host: api.segmentapis.com, in Europe eu1.api.segmentapis.com. Nothing is sent from here."


def part(event: Mapping[str, Any]) -> PanelUndo | None:
    """Return what the panel says on undoing *event*; None if there is nothing to undo."""
    recipe = undo.recipe(event)
    if recipe is None:
        return None
    lines: list[UndoLine] = []
    if recipe.cannot:
        lines.append({"label": "Why", "text": recipe.cannot})
    lines.append({"label": "Check first", "points": recipe.check})
    lines.append({"label": "Instead" if recipe.cannot else "Undo", "text": recipe.undo})
    lines.append({"label": "In Segment", "text": recipe.screen})
    fill = f"Fill in first: {', '.join(recipe.missing)}. " if recipe.missing else ""
    return {
        "title": "Cannot be undone" if recipe.cannot else "How to undo this",
        "lines": lines,
        "call": recipe.call,
        "note": fill + _HOSTS,
    }
