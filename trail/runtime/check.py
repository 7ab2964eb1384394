"""The result of one check of the installation."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, and the result as a sentence that says what to do.

    A `problem` prevents the start, or the collection, storage or delivery of events; a `warning`
    does not, but needs attention.
    """

    name: str
    state: State
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def ok(name: str, text: str) -> Check:
    """Return a check without a problem."""
    return Check(name, "ok", text)


def judged(
    name: str, fine: str, problems: Iterable[str] = (), warnings: Iterable[str] = ()
) -> list[Check]:
    """Return a check for each problem and warning, or one with the text *fine* if none."""
    found = [Check(name, "problem", text) for text in problems]
    found += [Check(name, "warning", text) for text in warnings]
    return found or [ok(name, fine)]
