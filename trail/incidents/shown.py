"""What a list shows of the incidents that a filter selects: a group, classes, an owner, an order.

The same parameters in the URL of the page, in the API, in the CSV and in the command.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from trail.core.errors import InputError
from trail.incidents.grouping import CLASSES
from trail.incidents.incident import ORDERS

OPEN, ENDED, TRANSIENT = "open", "ended", "transient"
# The groups that the incidents of a filter are divided into; the last one is hidden by default.
GROUPS = (OPEN, ENDED, TRANSIENT)
# Every incident, those that are hidden by default too.
EVERYTHING = "all"

PARAMS = ("group", "pattern", "owner", "order")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list shows: `group` of `GROUPS`, empty for open and ended ones, or `EVERYTHING`.

    `classes` of `grouping.CLASSES`, empty for all; `owner` is an actor's id, empty for all; `order`
    a name of `incident.ORDERS`, with `-` for descending, or empty for the most urgent first.
    """

    group: str = ""
    classes: tuple[str, ...] = ()
    owner: str = ""
    order: str = ""

    def __post_init__(self) -> None:
        """Raise `InputError` for an unknown group, class or order."""
        for title, value, allowed in (
            ("group", self.group, ("", EVERYTHING, *GROUPS)),
            ("order", self.order.removeprefix("-"), ("", *ORDERS)),
            *(("pattern", name, CLASSES) for name in self.classes),
        ):
            if value not in allowed:
                known = ", ".join(name for name in allowed if name)
                raise InputError(f"Unknown {title} {value[:60]!r}.", f"Allowed: {known}.")

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]], default: str = EVERYTHING) -> "Shown":
        """Return what the parameters `PARAMS` among *pairs* say; without a group, *default*.

        Raises `InputError` for a value that is not allowed.
        """
        values = dict(pairs)
        names = tuple(name for name in values.get("pattern", "").split(",") if name)
        return cls(
            values.get("group", default), names, values.get("owner", ""), values.get("order", "")
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters, the group always among them."""
        rest = [
            ("pattern", ",".join(self.classes)),
            ("owner", self.owner),
            ("order", self.order),
        ]
        return [("group", self.group), *((name, value) for name, value in rest if value)]
