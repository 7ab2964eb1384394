"""`apply`: apply rules, destinations, digests and views of YAML files."""

import argparse
import json

from trail.access_log.log import COMMAND_LINE
from trail.cli.command import Command
from trail.cli.context import Context
from trail.config_files import folder
from trail.core.text import count, printable

_SIGNS = {"add": "+", "change": "~", "delete": "-"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="folder with the files of export-config")
    parser.add_argument("--dry-run", action="store_true", help="print what would change")
    parser.add_argument(
        "--prune", action="store_true", help="delete what the files do not name, kind by kind"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    store, settings = context.store(True), context.settings
    made = folder.plan(store, settings, context.folder / args.folder, prune=args.prune)
    if not args.dry_run:
        folder.apply(store, settings, made, COMMAND_LINE)
    if args.json:
        rows = [one.to_dict() for one in made.differences]
        result = {"dry_run": args.dry_run, "same": made.same, "differences": rows}
        context.out.text(json.dumps(result) + "\n")
        return 0
    for one in made.differences:
        context.out.text(f"{_SIGNS[one.action]} {one.kind}: {printable(one.name)}\n")
        for line in one.lines:
            context.out.text(f"    {printable(line)}\n")
    changes = count(len(made.differences), "change")
    done = "would be made (dry run)" if args.dry_run else "made"
    context.out.text(f"{changes} {done}, {made.same:,} unchanged\n")
    return 0


COMMAND = Command(
    help="apply rules, destinations, digests and shared views of YAML files",
    run=_run,
    arguments=_arguments,
    examples=("apply config --dry-run", "apply config --prune"),
    log_kinds={"": "settings"},
    log_subject=lambda args: (
        "configuration files",
        f"applied {args.folder}" + (", pruned" if args.prune else ""),
    ),
)
