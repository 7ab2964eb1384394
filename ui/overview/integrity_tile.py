"""The tile with the result of the last verification of the audit trail, and the last arrival."""

import datetime as dt

from trail.events import store_status
from trail.integrity import seal_status
from ui import seal_text, text
from ui.components.tiles import Tile
from ui.page import Context


def tile(ctx: Context) -> Tile:
    """Return the tile."""
    summary, lost = store_status.status(ctx.runtime.store), seal_text.lost(ctx)
    last_arrival, quarantined = summary["last_arrival"], summary["quarantined"]
    arrived = (
        "last arrival "
        + text.ago(dt.datetime.fromisoformat(last_arrival).replace(tzinfo=None), ctx.now)
        if last_arrival
        else "no events received"
    )
    sealed = seal_status.status(ctx.runtime.store)
    unverified = "Not verified yet" if sealed.sealed_to else "Not sealed yet"
    value = {True: "✓ Unchanged", False: "▲ Changed", None: unverified}[sealed.ok]
    if lost:
        value = "▲ Events missing"
    problems = f"{text.count(sealed.problem_count, 'problem')}, " if sealed.problem_count else ""
    quarantine = f", {text.count(quarantined, 'record')} in quarantine" if quarantined else ""
    return {
        "address": "",
        "name": "Audit trail integrity",
        "value": value,
        "delta": "",
        "tone": "bad" if sealed.problem_count or lost else "",
        "note": f"{problems}{arrived}{quarantine}",
        "trend": [],
    }
