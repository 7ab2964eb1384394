"""The time range: a step back and forward, presets, and a panel with a calendar and a text field.

The browser asks `/api/time` what a typed text means; what is chosen comes as a message.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from trail.storage.time_window import MAX_CHARS
from ui.components import messages


class TimePreset(TypedDict):
    """A range with a name, and a short label; `id` is the `from` of the filter."""

    id: str
    label: str
    name: str


class TimeRange(TypedDict):
    """What the control shows: the range in words, its days, and what can be done with it.

    `value` is the preset or empty, `text` what `time_window.typed` reads as the range, `meaning`
    its ends; `first`, `last` and `today` are dates; `week` is the day on which weeks start (Monday
    is 0); `problem` is what was wrong with the last text; `recent` are ranges to type again.
    """

    value: str
    label: str
    text: str
    meaning: str
    first: str
    last: str
    today: str
    week: int
    tz: str
    can_step_back: bool
    can_step_forward: bool
    can_zoom_out: bool
    problem: str
    recent: list[str]


class TimeMessage(TypedDict, total=False):
    """A press: `do` is `preset` with its `id`, `step` with `by`, `zoom`, or `typed` with `text`."""

    do: str
    id: str
    by: int
    text: str


_control = messages.component("trail_time_control", "time_control")


def time_control(
    presets: Sequence[TimePreset],
    common: Sequence[str],
    shown: TimeRange,
    key: str,
    on_messages: Callable[[list[TimeMessage]], None],
) -> None:
    """Draw the control; *presets* are in its panel, those of the ids *common* also in the bar."""
    data = {"presets": list(presets), "common": list(common), **shown}
    messages.draw(_control, key, data, _parse, on_messages, width="content")


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    match message:
        case {"do": "preset", "id": str(name)}:
            return {"do": "preset", "id": name}
        case {"do": "step", "by": 1 | -1 as by} if not isinstance(by, bool):
            return {"do": "step", "by": by}
        case {"do": "typed", "text": str(text)}:
            return {"do": "typed", "text": text[: MAX_CHARS + 1]}
        case {"do": "zoom"}:
            return {"do": "zoom"}
    return None
