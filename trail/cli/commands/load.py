"""`load`: load files and folders."""

import argparse
import contextlib
import tempfile
from pathlib import Path

from trail.cli.batch_report import report_batches
from trail.cli.command import Command, read_mapping
from trail.cli.context import Context
from trail.core.errors import InputError
from trail.ingest.files import files, load_files
from trail.storage.duckdb import Store


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder")
    parser.add_argument("--dry-run", action="store_true", help="check and count, store nothing")
    parser.add_argument("--mapping", metavar="FILE", help="TOML file that maps fields to columns")


def _run(args: argparse.Namespace, context: Context) -> int:
    mapping = read_mapping(context.folder / args.mapping) if args.mapping else {}
    paths = [context.folder / path for path in args.paths]
    files(paths)  # a missing file must not create a database
    with contextlib.ExitStack() as stack:
        store = _dry_run_store(context, stack) if args.dry_run else context.store(True)
        return report_batches(
            context,
            lambda progress: load_files(
                store,
                context.settings,
                paths,
                mapping=mapping,
                dry_run=args.dry_run,
                progress=progress,
            ),
            json_output=args.json,
            dry_run=args.dry_run,
        )


def _dry_run_store(context: Context, stack: contextlib.ExitStack) -> Store:
    """Return the store to compare with, an empty one if there is none yet."""
    try:
        return context.store(False)
    except InputError:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = Store.open(Path(folder) / "empty.duckdb", context.settings)
        stack.callback(store.close)
        return store


COMMAND = Command(
    help="load files and folders",
    run=_run,
    arguments=_arguments,
    examples=("load export.ndjson", "load --dry-run dump/", "load --mapping columns.toml log.csv"),
)
