"""`status`: print what the store contains and the state of its sources."""

import argparse
import datetime as dt
import json
from dataclasses import asdict
from typing import Any

from trail.cli.command import Command
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.clock import utc_now, utc_text
from trail.core.json_values import json_row
from trail.core.settings import Settings
from trail.events import store_status
from trail.ingest import nodes, source_health
from trail.integrity import high_water_mark, mirror
from trail.runtime import database_checks
from trail.storage.duckdb import Store


def _sources(store: Store, settings: Settings) -> list[dict[str, Any]]:
    """Return the counts of each source with its health; `state` is empty for loaded files."""
    counts = {row["loader"]: row for row in store_status.sources(store)}
    health = {source.name: source for source in source_health.sources(store, settings, utc_now())}
    result = []
    for name in sorted({*counts, *health}):
        row = counts.get(name, {"loader": name, "read": 0, "kept": 0})
        known = asdict(health[name]) if name in health else {"state": "", "message": ""}
        state = {field: known.get(field) for field in ("state", "since", "last_event", "message")}
        result.append(json_row({**row, **state, "failing": known["state"] == "failing"}))
    return result


def _run(args: argparse.Namespace, context: Context) -> int:
    store = context.store(False)
    summary = store_status.status(store)
    sources = _sources(store, context.settings)
    mark = mirror.files(store.path, context.settings).known
    problems = [shortfall.text() for shortfall in high_water_mark.shortfalls(mark)]
    processes = nodes.nodes(store, context.settings)
    problems += [problem for node in processes for problem in node.problems(utc_now())]
    if args.json:
        checks = database_checks.checks(store, context.settings, dt.datetime.now(dt.UTC))
        report = {
            **summary,
            "sources": sources,
            "ingest": [node.to_dict() for node in processes],
            "problems": problems,
            "checks": [check.to_dict() for check in checks],
        }
        context.out.text(json.dumps(report) + "\n")
        return 0
    totals = [
        (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value or "none")
        for name, value in summary.items()
    ]
    context.out.text(table(("total", "value"), totals))
    loaded = [
        (
            row["loader"],
            row["read"],
            row["kept"],
            f"{row['state'] or 'ok'} {row['message']}".strip(),
        )
        for row in sources
    ]
    context.out.text(table(("source", "read", "kept", "state"), loaded))
    if processes:
        titles = ("ingest process", "last report", "bytes in its log", "parts waiting")
        context.out.text(
            table(
                titles,
                [
                    (
                        node.node,
                        utc_text(node.seen_at) if node.seen_at else "none",
                        node.log_bytes,
                        node.waiting_parts,
                    )
                    for node in processes
                ],
            )
        )
    for problem in problems:
        context.out.text(f"{problem}\n")
    return 0


COMMAND = Command(
    help="print what the store contains",
    run=_run,
    examples=("status --json",),
    log_kinds={"": None},
)
