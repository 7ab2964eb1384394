"""`evidence`: write an evidence pack to a file."""

import argparse
import datetime as dt
import json

from trail.access_log import log
from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core import atomic_file
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.evidence import pack
from trail.evidence.period import ADDRESS


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_query(parser)
    parser.add_argument(
        "--sign-off", type=int, metavar="NUMBER", help="pack of a sign-off, of its own period"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="ZIP file to write")


def _run(args: argparse.Namespace, context: Context) -> int:
    path = context.folder / args.out
    store, now = context.store(False), dt.datetime.now(dt.UTC)
    if args.sign_off is None:
        filter_ = context.read_filter(store, args.query)
        prepared = pack.prepare(store, context.settings, filter_, now)
    elif args.query:
        raise InputError("A sign-off has its own filter.", "Omit --query.")
    else:
        prepared = pack.prepare_signed(store, context.settings, args.sign_off, now)
    tally = Tally()
    try:
        with atomic_file.appearing(path) as part, part.open("wb") as file:
            for data in prepared.stream(tally):
                file.write(data)
                tally.sent(data)
    except OSError as error:
        raise InputError(
            f"Cannot write {args.out}: {error.strerror}.", "Choose a file that can be written."
        ) from error
    query = prepared.period.filter.query()
    log.record(
        "evidence",
        log.COMMAND_LINE,
        what=ADDRESS,
        detail=query,
        file_format="zip",
        rows=tally.rows,
        size=tally.size,
        digest=tally.digest,
    )
    if args.json:
        report = {
            "out": str(path),
            "rows": tally.rows,
            "bytes": tally.size,
            "sha256": tally.digest,
            "query": query,
            "files": prepared.files,
        }
        context.out.text(json.dumps(report) + "\n")
        return 0
    rows = [(file_["sha256"], file_["bytes"], file_["name"]) for file_ in prepared.files]
    context.out.text(table(("sha256", "bytes", "file"), rows))
    context.out.text(
        f"{prepared.period.description()}: {tally.rows:,} events, {tally.size:,} bytes, "
        f"{args.out}\n"
    )
    return 0


COMMAND = Command(
    help="write an evidence pack for an auditor, as a ZIP file",
    run=_run,
    arguments=_arguments,
    examples=(
        "evidence --out pack.zip --query 'from=2026-11-01&to=2026-12-01'",
        "evidence --out pack.zip --sign-off 3",
    ),
    log_kinds={"": None},
)
