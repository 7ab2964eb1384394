"""`backup`: write the whole trail to one file."""

import argparse
import json

from trail.access_log.log import COMMAND_LINE
from trail.backup import making
from trail.backup.making import Backup
from trail.cli.command import Command
from trail.cli.context import Context


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help="file to write")
    parser.add_argument("--without-archive", action="store_true", help="omit the archive")


def _run(args: argparse.Namespace, context: Context) -> int:
    backup = making.make(
        context.workspace_store(),
        context.settings,
        context.folder / args.out,
        archive=not args.without_archive,
    )
    making.log(backup, COMMAND_LINE)
    report = {"out": str(backup.path), "bytes": backup.bytes, "sha256": backup.sha256}
    text = (
        json.dumps({**report, **backup.manifest.to_dict()})
        if args.json
        else _text(backup, args.out)
    )
    context.out.text(f"{text}\n")
    return 0


def _text(backup: Backup, name: str) -> str:
    manifest = backup.manifest
    lines = [
        f"{name}: {manifest.events:,} events, {manifest.seals:,} seals, "
        f"{len(manifest.files):,} files, {backup.bytes:,} bytes, SHA-256 {backup.sha256}",
        "It contains the private key of the seals and password hashes: store it where only you can "
        "read it.",
    ]
    if manifest.secrets:
        lines.append(f"Not included, store separately: {', '.join(manifest.secrets)}.")
    lines += [f"Omitted: {file}. {reason}" for file, reason in manifest.left_out.items()]
    return "\n".join(lines)


COMMAND = Command(
    help="write the whole trail to one file",
    run=_run,
    arguments=_arguments,
    examples=("backup --out backup.tar.zst",),
    log_kinds={"": None},
)
