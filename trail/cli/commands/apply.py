"""`apply`: apply rules, destinations, digests and views of YAML files."""

import argparse
import json

from trail.access_log.log import COMMAND_LINE, record
from trail.cli.command import Command
from trail.cli.context import Context
from trail.config_files import folder
from trail.core.text import count, printable
from trail.runtime import stored_secrets

_SIGNS = {"add": "+", "change": "~", "delete": "-"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="FOLDER", help="folder with files as written by export-config"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would change")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="delete entries that the files do not contain, for kinds that have a file in FOLDER",
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    store, settings = context.store(True), context.settings
    made = folder.plan(store, settings, context.folder / args.folder, prune=args.prune)
    pruned = folder.deleted_destinations(store, made)
    secrets = stored_secrets.used_only_by(store, settings, pruned)
    folder.apply(store, settings, made, COMMAND_LINE, dry_run=args.dry_run)
    if not args.dry_run:
        secrets = stored_secrets.remove_with(store, settings, pruned)
        for name in secrets:
            record("settings", COMMAND_LINE, what=name, detail="set → not set")
    if args.json:
        rows = [one.to_dict() for one in made.differences]
        result = {"dry_run": args.dry_run, "same": made.same, "differences": rows}
        context.out.text(json.dumps({**result, "deleted_secrets": secrets}) + "\n")
        return 0
    for one in made.differences:
        context.out.text(f"{_SIGNS[one.action]} {one.kind}: {printable(one.name)}\n")
        for line in one.lines:
            context.out.text(f"    {printable(line)}\n")
    for name in secrets:
        context.out.text(f"- secrets: {name}\n")
    changes = count(len(made.differences), "change")
    done = "would be made (dry run)" if args.dry_run else "made"
    context.out.text(f"{changes} {done}, {made.same:,} unchanged\n")
    return 0


COMMAND = Command(
    help="apply rules, destinations, digests and shared views from YAML files",
    run=_run,
    arguments=_arguments,
    examples=("apply config --dry-run", "apply config --prune"),
    log_kinds={"": "settings"},
    log_subject=lambda args: (
        "configuration files",
        f"applied {args.folder}" + (", pruned" if args.prune else ""),
    ),
)
