"""What the panel says on undoing an event: data for the component, in words."""

from typing import Any

from ui.explore import undo_guide


def said(action: str, target_id: str = "w1") -> dict[str, Any]:
    """Return what the panel says on an event."""
    part = undo_guide.part({"action": action, "target_id": target_id, "target_type": "", "raw": ""})
    assert part is not None
    return dict(part)


def test_what_can_be_undone() -> None:
    part = said("Warehouses Disabled")
    assert part["title"] == "How to undo this"
    assert [line["label"] for line in part["lines"]] == ["Check first", "Undo", "In Segment"]
    assert part["call"].startswith("PATCH /warehouses/w1\n")
    assert "Fill in" not in part["note"]


def test_what_cannot_be_undone_says_why_first() -> None:
    part = said("Warehouses Deleted")
    assert part["title"] == "Cannot be undone"
    labels = [line["label"] for line in part["lines"]]
    assert labels == ["Why", "Check first", "Instead", "In Segment"]
    assert part["note"].startswith("Fill in first: metadataId, name. ")


def test_what_is_harmless_has_no_part() -> None:
    assert undo_guide.part({"action": "Warehouses Created", "target_id": "w1", "raw": ""}) is None
