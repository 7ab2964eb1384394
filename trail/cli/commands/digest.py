"""`digest`: print the digest of a week or a day."""

import argparse
import datetime as dt
import json

from trail.attention import digest_period, digest_text
from trail.attention.digest import digest
from trail.cli.command import Command
from trail.cli.context import Context
from trail.storage import tiers


def _arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--week", default="", metavar="DATE", help="a day of the week, which begins on Monday"
    )
    which.add_argument("--day", default="", metavar="DATE", help="the day of a daily digest")
    parser.add_argument(
        "--tz", default="", metavar="ZONE", help="time zone of the days; by default the setting"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = tiers.both(context.store(False)), dt.datetime.now(dt.UTC)
    zone = args.tz or context.settings.timezone or "UTC"
    period = digest_period.parse(args.week, args.day, zone, now)
    made = digest(store, context.settings, period, now, findings=True)
    if args.json:
        context.out.text(json.dumps(made.to_dict()) + "\n")
    else:
        context.out.text(digest_text.plain(made))
    return 0


COMMAND = Command(
    help="print the digest of a week (by default the last full one) or of a day",
    run=_run,
    arguments=_arguments,
    examples=("digest --week 2026-11-23", "digest --day 2026-11-27 --tz Europe/Oslo --json"),
    reads_only=True,
)
