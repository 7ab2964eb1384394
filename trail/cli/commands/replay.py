"""`replay`: send again what a destination was sent; counts first, and sends only with `--yes`."""

import argparse
import json

from trail.access_log import log
from trail.cli.command import Command, moment
from trail.cli.context import Context
from trail.core.clock import utc_now, utc_text
from trail.core.errors import InputError
from trail.notifications import destinations, event_streams
from trail.storage import tiers


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("destination", help="name of the destination")
    parser.add_argument(
        "--from", dest="start", required=True, metavar="TIME", help="time of events, inclusive; UTC"
    )
    parser.add_argument("--to", dest="end", default="", metavar="TIME", help="exclusive; UTC")
    parser.add_argument("--yes", action="store_true", help="send; without it, only count")


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = context.workspace_store(), utc_now()
    since, until = moment(args.start), moment(args.end) if args.end else None
    known = {row.name.lower(): row for row in destinations.list_all(store)}
    if not (destination := known.get(args.destination.lower())):
        raise InputError(
            f"Unknown destination {args.destination!r}.",
            f"Known: {', '.join(row.name for row in known.values()) or 'none'}.",
        )
    both = tiers.both(store)
    counted = event_streams.count_replay(both, destination, since, now, until)
    if args.yes:
        number = store.write(
            lambda cursor: event_streams.replay(
                cursor, both, destination.destination_id, since, now, until, confirmed=counted.total
            )
        )
        log.record(
            "replayed",
            log.COMMAND_LINE,
            what=f"destination {destination.name}",
            detail=f"{event_streams.span_text(since, until)}: {number:,}",
        )
    if args.json:
        report = {
            "destination": destination.name,
            "events": counted.events,
            "messages": counted.messages,
            "first": utc_text(counted.first) if counted.first else None,
            "last": utc_text(counted.last) if counted.last else None,
            "queued": args.yes,
        }
        context.out.text(json.dumps(report) + "\n")
        return 0
    queued = f"{counted.total:,} queued.\n" if args.yes else "To send, add --yes.\n"
    context.out.text(f"{counted.text()}\n{queued if counted.total else ''}")
    return 0


COMMAND = Command(
    help="send again what a destination was sent, by time of the events",
    run=_run,
    arguments=_arguments,
    examples=(
        "replay Pager --from 2026-11-23",
        "replay Pager --from 2026-11-23 --to 2026-11-24 --yes",
    ),
    # Records itself; a count changes nothing and gives no data.
    log_kinds={"": None},
)
