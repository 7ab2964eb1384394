"""The part of the event panel that explains how to undo an event."""

from collections.abc import Mapping
from typing import Any

from trail.events import undo
from ui.components.event_panel import PanelUndo, UndoLine

_HOSTS = "Host: api.segmentapis.com (EU: eu1.api.segmentapis.com). This page sends no request."


def undo_panel(event: Mapping[str, Any]) -> PanelUndo | None:
    """Return the undo instructions for *event*, or None if there is nothing to undo."""
    recipe = undo.recipe(event)
    if recipe is None:
        return None
    lines: list[UndoLine] = []
    if recipe.cannot:
        lines.append({"label": "Why", "text": recipe.cannot})
    lines.append({"label": "Check first", "points": recipe.check})
    lines.append({"label": "Instead" if recipe.cannot else "Undo", "text": recipe.undo})
    lines.append({"label": "In Segment", "text": recipe.screen})
    fill = f"Replace placeholders first: {', '.join(recipe.missing)}. " if recipe.missing else ""
    return {
        "title": "Cannot be undone" if recipe.cannot else "How to undo this",
        "lines": lines,
        "call": recipe.call,
        "note": fill + _HOSTS,
    }
