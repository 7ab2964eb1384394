"""`pull`: poll the configured sources for events."""

import argparse
import datetime as dt
from collections.abc import Iterator

from trail.cli.batch_report import Progress, report_batches
from trail.cli.command import Command
from trail.cli.context import Context
from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import Batch, Feed
from trail.ingest import feeds, polling
from trail.storage.filters import Filter


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", default="", metavar="90d", help="request events again from this time on"
    )
    parser.add_argument("--workspace", default="", metavar="NAME", help="poll only this workspace")
    parser.add_argument(
        "--sweep", action="store_true", help="request all days again and count missed events"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    polled = [
        feed
        for feed in feeds.configured(context.settings)
        if not args.workspace or feeds.workspace_of(feed) == args.workspace
    ]
    if args.workspace and not polled:
        named = filter(None, map(feeds.workspace_of, feeds.configured(context.settings)))
        known = ", ".join(sorted(named)) or "none"
        raise InputError(f"Unknown workspace {args.workspace!r}.", f"Known: {known}.")
    if not polled:
        names = " or ".join(feed.setting_hint for feed in registry.of_kind(Feed))
        raise InputError("No source is configured for polling.", f"Set {names}.")
    now = utc_now()
    since = Filter.parse(f"from={args.since}").window(dt.datetime.now(dt.UTC)).start

    def batches(progress: Progress | None) -> Iterator[Batch]:
        for feed in polled:
            yield polling.pull(
                context.store(True),
                context.settings,
                feed,
                now,
                since=since if args.since else None,
                sweep=args.sweep,
                progress=progress,
            )

    return report_batches(context, batches, json_output=args.json)


COMMAND = Command(
    help="poll Segment's Public API for events",
    run=_run,
    arguments=_arguments,
    examples=("pull", "pull --since 30d"),
    log_kinds={"": "polled"},
)
