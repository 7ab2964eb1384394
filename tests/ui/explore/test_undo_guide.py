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


def test_what_can_be_undone() -> None:
    part = panel("Warehouses Disabled")
    assert part["title"] == "How to undo this"
    assert [line["label"] for line in part["lines"]] == ["Check first", "Undo", "In Segment"]
    assert part["call"].startswith("PATCH /warehouses/w1\n")
    assert "Replace placeholders" not in part["note"]


def test_what_cannot_be_undone_says_why_first() -> None:
    part = panel("Warehouses Deleted")
    assert part["title"] == "Cannot be undone"
    labels = [line["label"] for line in part["lines"]]
    assert labels == ["Why", "Check first", "Instead", "In Segment"]
    assert part["note"].startswith("Replace placeholders first: metadataId, name. ")


def test_what_is_harmless_has_no_part() -> None:
    assert (
        undo_guide.undo_panel({"action": "Warehouses Created", "target_id": "w1", "raw": ""})
        is None
    )
