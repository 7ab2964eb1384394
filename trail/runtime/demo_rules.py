"""The alert rules of the demo workspace, one of each kind, and the inbox that they report to."""

from trail.core.settings import Settings
from trail.notifications import destinations, rule_store
from trail.notifications.destinations import Destination
from trail.notifications.rule import Rule
from trail.runtime.demo_people import OWNER
from trail.storage.database import Cursor, Store

INBOX = "Demo inbox"

RULES = (
    Rule(
        "Consent or access removed",
        query="action=Destination Filters Deleted&action=Warehouse Credential Deleted"
        "&action=Subjects Added to Group",
        severity="critical",
        why="Filters keep data from tools without consent.",
        destinations=(INBOX,),
    ),
    Rule(
        "Warehouse run keeps failing",
        query="action=Warehouse Run Failed",
        threshold=4,
        window_minutes=120,
        roll_up_minutes=720,
        destinations=(INBOX,),
    ),
    Rule("Incident without recovery", "incidents", open_minutes=120, destinations=(INBOX,)),
    Rule(
        "Highly unusual activity",
        "findings",
        score=90,
        severity="critical",
        daily_cap=10,
        destinations=(INBOX,),
    ),
    Rule("No events for a day", "silence", silent_minutes=1_440, destinations=(INBOX,)),
)


def add(store: Store, settings: Settings) -> None:
    """Store the inbox and the rules."""

    def write(cursor: Cursor) -> None:
        inbox = Destination(0, "demo_inbox", INBOX)
        destinations.add(cursor, inbox, settings.forward, OWNER.username)
        for rule in RULES:
            rule_store.save(cursor, rule, OWNER.username)

    store.write(write)
