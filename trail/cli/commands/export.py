"""`export`: write the selected events to a file."""

import argparse
import datetime as dt
import json

from trail.access_log import log
from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.core import atomic_file
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.events import export
from trail.storage import tiers


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_query(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="file to write")
    parser.add_argument(
        "--format",
        choices=tuple(export.FORMATS),
        default="",
        help="format; by default, the extension of the file",
    )
    parser.add_argument(
        "--columns", default="", metavar="NAMES", help="columns in order, separated by commas"
    )
    parser.add_argument(
        "--headers",
        choices=export.HEADERS,
        default="names",
        help="headers of a CSV: names of columns, or their titles on screen",
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    path = context.folder / args.out
    kind = args.format or export.format_of(path.name)
    columns = tuple(args.columns.split(",")) if args.columns else export.default_columns(kind)
    store, now, tally = tiers.both(context.store(False)), dt.datetime.now(dt.UTC), Tally()
    chosen = export.Export(context.read_filter(store, args.query), kind, columns, args.headers)
    try:
        bom = context.settings.export.csv_bom
        with atomic_file.appearing(path) as part, part.open("wb") as file:
            for data in export.stream(store, chosen, now, tally=tally, csv_bom=bom):
                file.write(data)
                tally.sent(data)
    except OSError as error:
        raise InputError(
            f"Cannot write {args.out}: {error.strerror}.", "Choose a file that can be written."
        ) from error
    log.record(
        "exported",
        log.COMMAND_LINE,
        what=str(path),
        detail=chosen.filter.query(),
        file_format=kind,
        rows=tally.rows,
        size=tally.size,
        digest=tally.digest,
    )
    report = {"out": str(path), "format": kind, "rows": tally.rows, "bytes": tally.size}
    text = f"{tally.rows:,} events, {tally.size:,} bytes: {args.out}"
    context.out.text((json.dumps(report) if args.json else text) + "\n")
    return 0


COMMAND = Command(
    help="write the selected events to a file",
    run=_run,
    arguments=_arguments,
    examples=(
        "export --out trail.csv --query 'from=90d&tz=Europe/Oslo'",
        "export --out trail.ocsf.ndjson --query from=7d",
    ),
    log_kinds={"": None},
    reads_only=True,
)
