"""Checks that need the database: clock, sources, deliveries and seals.

While the server has the database open, it runs these checks (`status --json`); otherwise `doctor`
runs them itself.
"""

import datetime as dt
from collections.abc import Iterator

from trail.attention import product_state
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.core.text import count, one_line
from trail.events import store_status
from trail.ingest import source_health
from trail.integrity import clock_check, high_water_mark, mirror, seal_status
from trail.notifications import delivery_log
from trail.runtime import check
from trail.runtime.check import Check
from trail.storage.engine import Engine

_NO_SOURCE = (
    "No source collects events. Open Connect as an owner, or see docs/how-to/connect.md for the "
    "settings."
)


def checks(engine: Engine, settings: Settings, now: dt.datetime) -> list[Check]:
    """Return the checks of the workspace's database *engine*, at *now* in UTC."""
    return [
        *_events(engine),
        *_clock(engine, now),
        *_sources(engine, settings, now),
        *_deliveries(engine),
        *_seals(engine, settings),
    ]


def _events(engine: Engine) -> list[Check]:
    totals = store_status.status(engine)
    stored = count(store_status.stored(totals), "event")
    archived = f", {totals['archived']:,} of them archived" if totals["archived"] else ""
    newest = f", the newest of {totals['newest']}" if totals["newest"] else ""
    return [check.ok("Events", f"{stored}{archived}{newest}.")]


def _clock(engine: Engine, now: dt.datetime) -> list[Check]:
    moments = clock_check.moments(engine, now)
    problems = [] if moments.plausible else [moments.text()]
    return check.judged(
        "Clock", f"{now:%Y-%m-%d %H:%M} UTC is consistent with the stored events.", problems
    )


def _sources(engine: Engine, settings: Settings, now: dt.datetime) -> Iterator[Check]:
    sources = [
        source
        for source in source_health.sources(engine, settings, naive_utc(now))
        if source.state != "off"
    ]
    if not sources:
        yield Check("Sources", "warning", _NO_SOURCE)
    for source in sources:
        success = source.last_success
        texts = [f"{source.title}: {source_health.STATE_NAMES[source.state]}", source.message]
        texts += [f"Last success {success:%Y-%m-%d %H:%M} UTC"] if success else []
        state: check.State = "ok" if source.state == "ok" else "warning"
        yield Check(
            "Sources",
            "problem" if source.state == "failing" else state,
            " ".join(f"{one_line(text).rstrip('.')}." for text in texts if text),
        )


def _deliveries(engine: Engine) -> list[Check]:
    items = [
        (problem, product_state.delivery(problem)) for problem in delivery_log.problems(engine)
    ]
    texts = [
        (problem.failing, f"{item.title}: {item.reason.partition(' · ')[2]}. {item.action_label}.")
        for problem, item in items
    ]
    return check.judged(
        "Destinations",
        "No destination is failing.",
        [text for failing, text in texts if failing],
        [text for failing, text in texts if not failing],
    )


def _seals(engine: Engine, settings: Settings) -> list[Check]:
    status = seal_status.status(engine)
    sealed = f"Sealed up to {status.sealed_to}." if status.sealed_to else "No day is sealed yet."
    lost = high_water_mark.shortfalls(mirror.files(settings.store.path, settings).known)
    problems = [loss.text() for loss in lost]
    if status.problem_count:
        problems.append(
            f"The last verification found {count(status.problem_count, 'problem')}. "
            "Run: python -m trail verify"
        )
    return check.judged("Seals", sealed, problems)
