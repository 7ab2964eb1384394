"""`demo`: write a realistic demo workspace to a file."""

import argparse
import json

from trail.cli.command import Command, not_negative
from trail.cli.context import Context
from trail.core import atomic_file
from trail.core.errors import InputError


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help="NDJSON file to write")
    parser.add_argument(
        "--events", type=not_negative, default=20_000, metavar="N", help="number of events"
    )
    parser.add_argument(
        "--days", type=not_negative, default=90, metavar="N", help="days that the events cover"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the same seed gives the same bytes"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    from trail import demo  # imports numpy

    def progress(done: int) -> None:
        context.out.progress(done / args.events, f"{done:,} of {args.events:,} events")

    try:
        with atomic_file.appearing(context.folder / args.out) as part:
            demo.write(part, args.events, args.days, args.seed, progress=progress)
    except OSError as error:
        raise InputError(
            f"Cannot write {args.out}: {error.strerror}.", "Choose a file that can be written."
        ) from error
    report = {"out": args.out, "events": args.events, "days": args.days, "seed": args.seed}
    text = json.dumps(report) if args.json else f"{args.events:,} events: {args.out}"
    context.out.text(f"{text}\n")
    return 0


COMMAND = Command(
    help="write a realistic demo workspace as NDJSON",
    run=_run,
    arguments=_arguments,
    examples=("demo --out demo.ndjson --events 100000",),
    runs_in="process",
)
