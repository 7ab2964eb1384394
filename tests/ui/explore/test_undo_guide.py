"""The undo instructions of the event panel."""

from typing import Any

from ui.explore import undo_guide


def panel(action: str, target_id: str = "w1") -> dict[str, Any]:
    """Return the undo instructions for an event."""
    part = undo_guide.undo_panel(
        {"action": action, "target_id": target_id, "target_type": "", "raw": ""}
    )
    assert part is not None
    return dict(part)


def test_reversible_action_shows_the_call() -> None:
    part = panel("Warehouses Disabled")
    assert part["title"] == "How to undo this"
    assert [line["label"] for line in part["lines"]] == ["Check first", "Undo", "In Segment"]
    assert part["call"].startswith("PATCH /warehouses/w1\n")
    assert "Replace placeholders" not in part["note"]


def test_irreversible_action_says_why_first() -> None:
    part = panel("Warehouses Deleted")
    assert part["title"] == "Cannot be undone"
    labels = [line["label"] for line in part["lines"]]
    assert labels == ["Why", "Check first", "Instead", "In Segment"]
    assert part["note"].startswith("Replace placeholders first: metadataId, name. ")


def test_harmless_action_has_no_undo_section() -> None:
    assert (
        undo_guide.undo_panel({"action": "Warehouses Created", "target_id": "w1", "raw": ""})
        is None
    )
