"""The problems that alert rules of this product's own state report, from the attention list."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from trail.attention import ingest_items, product_state
from trail.attention.item import Item
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.notifications import delivery_log
from trail.notifications.state_alerts import Problem
from trail.storage.engine import Engine
from trail.triage import records


def problems(
    engine: Engine, settings: Settings, now: dt.datetime, kinds: Iterable[str]
) -> dict[str, list[Problem]]:
    """Return the present problems at *now* (aware) of each of *kinds*, of `rule.STATE_KINDS`.

    A source counts while it fails, a destination while it is off or fails to deliver.
    """
    made = {
        "source": lambda: _sources(engine, settings, now),
        "delivery": lambda: [
            _problem(product_state.delivery(problem), f"{problem.name} no longer fails.")
            for problem in delivery_log.problems(engine)
            if problem.failing
        ],
        "integrity": lambda: [
            _problem(item, "Trail integrity: no open problem.")
            for item in product_state.integrity(engine, settings)
        ],
    }
    found = {kind: made[kind]() for kind in kinds}
    subjects = [problem.subject for listed in found.values() for problem in listed]
    muted = records.muted(engine, subjects, naive_utc(now))
    return {
        kind: [replace(problem, muted=problem.subject in muted) for problem in listed]
        for kind, listed in found.items()
    }


def _sources(engine: Engine, settings: Settings, now: dt.datetime) -> list[Problem]:
    # A silent source is late or quiet; right after a start each one is.
    return [
        _problem(item, f"{item.title.removesuffix(' fails')} no longer fails.")
        for item in ingest_items.sources(engine, settings, now)
        if item.urgency == "now"
    ]


def _problem(item: Item, ended: str) -> Problem:
    detail = item.reason.partition(" · ")[2]
    text = f"{item.title}: {detail.rstrip('.')}." if detail else f"{item.title}."
    return Problem(item.subject, text, ended)
