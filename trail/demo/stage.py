"""What the stories share: the cast, the clock and the resources."""

from dataclasses import dataclass

from trail.demo.batch import DAY_MS
from trail.demo.resources import World
from trail.demo.thing import Resource

# Name, role and region of the people in the stories; the first is the owner.
CAST: tuple[tuple[str, str, str], ...] = (
    ("Maren Holt", "owner", "London"),
    ("Ingrid Solheim", "data engineer", "Berlin"),
    ("Marcus Oyelaran", "implementation developer", "New York"),
    ("Tomasz Wrona", "contractor", "Berlin"),
    ("Hannah Decker", "data engineer", "London"),
    ("Priya Raman", "marketer", "Bengaluru"),
    ("Luca Ferri", "implementation developer", "London"),
)
OWNER, DORMANT, EGRESS, LEAVER, CARELESS, REMOVED, WEEKENDER = range(len(CAST))
_MINUTE = 60_000
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """The window, and the actor numbers of the cast."""

    world: World
    days: int
    all_days: int  # with those after the window, in which what still goes on goes on
    last_weekday: int  # of the window's last day
    events: int
    people: tuple[int, ...]  # actor numbers of the cast
    accounts: tuple[Resource, ...]  # the cast as targets of removals
    token: int  # actor number of the token with unusual activity

    def at(self, back: int, hour: int, minute: float, *, workday: bool = False) -> int:
        """Return the time on the day *back* days before the window's end, or the workday before."""
        weekday = (self.last_weekday - (back - 1)) % 7
        if workday:
            back += max(0, weekday - _FRIDAY)
        day = max(0, self.days - back)
        return int(day * DAY_MS + (hour * 60 + minute) * _MINUTE)


def absences(days: int) -> list[tuple[int, int]]:
    """Return members of the cast whose ordinary work stops, with the day of the window."""
    return [
        (DORMANT, days - min(36, (days + 1) // 2)),
        (REMOVED, max(0, days - 8)),
        (LEAVER, max(0, days - 1)),
    ]


def audiences(s: Stage, count: int) -> list[Resource]:
    """Return *count* audiences that are never deleted."""
    audiences = s.world.pools["audience"]
    while len(audiences) < count:
        s.world.add(s.world.reserve("audience"))
    for audience in audiences[:count]:
        audience.pinned = True
    return audiences[:count]


def checkout(s: Stage) -> Resource:
    """Return the production source that two incidents share."""
    name = '"Web checkout v4"'
    for source in s.world.pools["source"]:
        if source.quoted == name:
            return source
    return s.world.pin("source", "Web checkout v4")
