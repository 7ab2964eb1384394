"""What the demo workspace sends: alert rules of each kind and a digest, all to its inbox."""

from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.notifications import destinations, rule_store
from trail.notifications.destination import Destination
from trail.notifications.rule import Rule
from trail.runtime.demo_people import OWNER
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

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
    Rule("New actor", "new_actor", query="changes=yes", destinations=(INBOX,)),
    Rule("No events for a day", "silence", silent_minutes=1_440, destinations=(INBOX,)),
    Rule("Source failing", "source", severity="critical", destinations=(INBOX,)),
    Rule("Delivery failing", "delivery", destinations=(INBOX,)),
    Rule("Trail integrity", "integrity", severity="critical", destinations=(INBOX,)),
)


def add(store: Store, settings: Settings) -> None:
    """Store the inbox, the rules and the digest."""

    def write(cursor: Cursor) -> None:
        inbox = Destination(0, "demo_inbox", INBOX)
        number = destinations.add(cursor, inbox, settings.forward, OWNER.username, demo=True)
        digest = DigestSchedule("Weekly digest", number)
        digest_schedules.save(cursor, digest, OWNER.username, utc_now())
        for rule in RULES:
            rule_store.save(cursor, rule, OWNER.username)

    store.write(write)
