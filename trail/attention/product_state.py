"""Items about the state of this product: failed deliveries, and the trail's integrity."""

import datetime as dt
import zlib

from trail.attention.item import Item, Urgency, page_of
from trail.core.settings import Settings
from trail.core.text import count, one_line
from trail.integrity import high_water_mark, mirror, seal_status
from trail.notifications import delivery_log
from trail.notifications.delivery_log import Problem
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.triage.records import subject


def deliveries(engine: Engine) -> list[Item]:
    """Return an item for each destination that did not get its messages, failing ones first."""
    listed = sorted(delivery_log.problems(engine), key=lambda problem: not problem.failing)
    return [delivery(problem) for problem in listed]


def delivery(problem: Problem) -> Item:
    """Return the item for a destination with *problem*."""
    urgency: Urgency = "soon" if problem.failing else "later"
    if problem.off:
        title = f"{problem.name} is switched off"
    elif problem.dead:
        title = f"{count(problem.dead, 'message')} not delivered to {problem.name}"
    else:
        title = f"{count(problem.retrying, 'message')} to {problem.name} delayed"
    letters = f" · {count(problem.dead, 'dead letter')}" if problem.off and problem.dead else ""
    return Item(
        subject("delivery", str(problem.destination_id)),
        "delivery",
        urgency,
        title,
        f"Delivery · {one_line(problem.answer).rstrip('.') or 'no answer'}{letters}",
        problem.since,
        "/alerts?section=destinations" if problem.off else "/alerts?section=log",
        "open",
        "Fix destination" if problem.failing else "Open log",
    )


def integrity(engine: Engine, settings: Settings) -> list[Item]:
    """Return one item if events were lost, or if the last verification found problems."""
    since: dt.datetime | None
    lost = losses(engine, settings)
    last = seal_status.status(engine)
    if lost:
        missing = sum(loss.was - loss.there for loss in lost)
        title = f"The database has lost {count(missing, 'event')}"
        since = lost[0].found_at
    elif last.problem_count:
        title = f"Verification found {count(last.problem_count, 'problem')}"
        since = last.verified_at
    else:
        return []
    problem = f" · {one_line(last.problems[0].text)}" if last.problems else ""
    return [
        Item(
            subject("integrity"),
            "integrity",
            "now",
            title,
            f"Trail integrity{problem}",
            since,
            page_of("integrity"),
            "open",
            "Open seals",
        )
    ]


def stored_settings(settings: Settings) -> list[Item]:
    """Return an item for each problem of what owners stored, such as a secret without its key."""
    made = []
    for problem in settings.problems:
        title, _, remedy = problem.partition(". ")
        made.append(
            Item(
                subject("settings", f"{zlib.crc32(problem.encode()):08x}"),
                "settings",
                "soon",
                title.rstrip("."),
                f"Settings · {remedy.rstrip('.')}" if remedy else "Settings",
                None,
                page_of("settings"),
                "open",
                "Open settings",
            )
        )
    return made


def losses(engine: Engine, settings: Settings) -> tuple[high_water_mark.Shortfall, ...]:
    """Return the unresolved losses of events of the workspace's own database."""
    # The demo's database and archived months have no mark.
    if not isinstance(engine, Store) or engine.path != settings.store.path.absolute():
        return ()
    return high_water_mark.shortfalls(mirror.files(engine.path, settings).known)
