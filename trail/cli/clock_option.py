"""`--confirm-clock`: confirm an implausible clock before retention or sealing goes on."""

import argparse
import datetime as dt

from trail.access_log import log
from trail.cli.context import Context
from trail.integrity import clock_check
from trail.integrity.clock_check import Moments
from trail.storage.duckdb import Store


def add(parser: "argparse.ArgumentParser | argparse._MutuallyExclusiveGroup") -> None:
    """Add `--confirm-clock` to *parser*."""
    parser.add_argument(
        "--confirm-clock",
        action="store_true",
        help="confirm that the clock is right although stored times differ from it",
    )


def confirm(
    args: argparse.Namespace, context: Context, store: Store, now: dt.datetime
) -> Moments | None:
    """Print and confirm the moments if that was requested; return them if they disagree."""
    moments = clock_check.moments(store, now)
    if moments.plausible:
        return None
    if args.confirm_clock:
        context.out.note(f"trail: {moments.text()}\n")
        clock_check.confirm(store, moments)
        log.record("clock_confirmed", log.COMMAND_LINE, what=args.command, detail=moments.times())
        context.out.note("trail: The clock is confirmed.\n")
    return moments
