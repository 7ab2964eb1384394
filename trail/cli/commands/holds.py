"""`holds`: place, list and end legal holds."""

import argparse
import json
from typing import Any

from trail.access_log.log import COMMAND_LINE
from trail.cli.command import Command, add_actions, add_json, moment
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.json_values import json_row
from trail.retention import legal_holds
from trail.storage.duckdb import Store


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    add = actions.add_parser("add", help="place a hold on an event, a target or a period")
    add.add_argument("kind", choices=legal_holds.KINDS, help="what is held")
    add.add_argument("value", nargs="?", default="", help="id of the event or target")
    add.add_argument("--from", dest="start", default="", metavar="TIME", help="UTC, inclusive")
    add.add_argument("--to", dest="end", default="", metavar="TIME", help="UTC, exclusive")
    add.add_argument("--reason", required=True, help="why it is held")
    add_json(add)
    add_json(actions.add_parser("list", help="print the active holds"))
    end = actions.add_parser("end", help="end a hold")
    end.add_argument("hold_id", type=int, metavar="ID", help="number of the hold")


def _run(args: argparse.Namespace, context: Context) -> int:
    store = context.workspace_store()
    if args.action == "add":
        return _add(args, context, store)
    if args.action == "end":
        legal_holds.end(store, args.hold_id)
        context.out.text(f"Hold {args.hold_id} ended\n")
        return 0
    rows = [json_row(row) for row in legal_holds.active(store)]
    if args.json:
        context.out.text("".join(json.dumps(row) + "\n" for row in rows))
        return 0
    listed = [
        (row["hold_id"], row["kind"], _scope(row), row["made_by"], row["reason"]) for row in rows
    ]
    context.out.text(table(("hold", "kind", "scope", "made by", "reason"), listed))
    return 0


def _scope(row: dict[str, Any]) -> str:
    return str(row["value"] or f"{row['from_at']} to {row['to_at']}")


def _add(args: argparse.Namespace, context: Context, store: Store) -> int:
    start, end = (moment(text) if text else None for text in (args.start, args.end))
    number = legal_holds.add(store, args.kind, args.value, start, end, args.reason, COMMAND_LINE)
    events = legal_holds.count_events(store, number)
    report = {"hold_id": number, "events": events}
    text = f"Hold {number} covers {events:,} events"
    context.out.text((json.dumps(report) if args.json else text) + "\n")
    return 0


COMMAND = Command(
    help="place, list and end legal holds",
    run=_run,
    arguments=_arguments,
    examples=(
        "holds add target source-1 --reason 'case 12'",
        "holds add period --from 2026-11-01 --to 2026-12-01 --reason audit",
    ),
    json=False,
    log_kinds={"add": "held", "end": "hold_ended"},
)
