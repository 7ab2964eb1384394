"""`export-config`: write rules, destinations, digests and views to YAML files."""

import argparse
import json

from trail.cli.command import Command
from trail.cli.context import Context
from trail.config_files import folder


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="folder to write to; it may exist")


def _run(args: argparse.Namespace, context: Context) -> int:
    counts = folder.export(context.store(False), context.folder / args.folder)
    if args.json:
        context.out.text(json.dumps(counts) + "\n")
    else:
        for name, number in counts.items():
            context.out.text(f"{name}.yaml: {number:,}\n")
    return 0


COMMAND = Command(
    help="write rules, destinations (without secrets), digests and shared views to YAML files",
    run=_run,
    arguments=_arguments,
    examples=("export-config config",),
)
