"""The setup steps in a row, each a link to where it is done."""

from collections.abc import Sequence
from typing import TypedDict

from ui.components import messages


class StepItem(TypedDict):
    """One step: `mark` is its number or a check mark; it links to `address`, if not empty."""

    id: str
    address: str
    mark: str
    title: str
    state: str
    current: bool


_steps = messages.component("trail_setup_steps", "setup_steps")


def setup_steps(steps: Sequence[StepItem], key: str) -> None:
    """Draw *steps*."""
    messages.draw_links(_steps, key, {"steps": list(steps)})
