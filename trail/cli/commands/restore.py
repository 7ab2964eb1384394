"""`restore`: restore a backup."""

import argparse
import json
from typing import Any

from trail.access_log.log import COMMAND_LINE
from trail.backup import restoring
from trail.backup.restoring import Restored
from trail.cli.command import Command
from trail.cli.context import Context
from trail.core.json_values import json_value


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="backup to restore")
    parser.add_argument("--into", default="", metavar="DIR", help="restore into this folder")
    parser.add_argument(
        "--replace", action="store_true", help="rename an existing trail instead of refusing"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    restored = restoring.restore(
        context.folder / args.file,
        context.settings,
        into=context.folder / args.into if args.into else None,
        replace=args.replace,
        made_by=COMMAND_LINE,
    )
    context.out.text(json.dumps(_report(restored)) + "\n" if args.json else _text(restored))
    return 0


def _text(restored: Restored) -> str:
    manifest, missing = restored.manifest, restored.missing
    lines = [
        f"Restored the backup of {manifest.made_at} into {restored.into.name}: "
        f"{manifest.events:,} events, newest {manifest.newest_event or 'none'}"
    ]
    if missing is None:
        lines.append("Later events are not included: pull again from that time.")
    elif missing.events:
        since = f" from {missing.first:%Y-%m-%d %H:%M} UTC" if missing.first else ""
        lines.append(f"{missing.events:,} newer events are missing: pull again{since}.")
    lines.append("Users and API tokens are those of the backup: review them.")
    if manifest.secrets:
        lines.append(f"Not in the backup, set again: {', '.join(manifest.secrets)}.")
    if restored.problems:
        lines.append(
            f"Verification found {restored.problems:,} problems in the backup. "
            "Run: python -m trail verify"
        )
    lines += [f"Previous file renamed: {path.name}" for path in restored.aside]
    return "\n".join(lines) + "\n"


def _report(restored: Restored) -> dict[str, Any]:
    missing = restored.missing
    return {
        "into": str(restored.into),
        "events": restored.manifest.events,
        "made_at": restored.manifest.made_at,
        "newest_event": restored.manifest.newest_event,
        "missing": missing.events if missing else None,
        "missing_from": json_value(missing.first) if missing else None,
        "missing_to": json_value(missing.last) if missing else None,
        "signed": restored.recorded.signed,
        "seals_taken_over": restored.recorded.taken_over,
        "seals_set_aside": restored.recorded.apart,
        "problems": restored.problems,
        "aside": [str(path) for path in restored.aside],
        "secrets": restored.manifest.secrets,
    }


COMMAND = Command(
    help="restore a backup; the server must not be running",
    run=_run,
    arguments=_arguments,
    examples=("restore backup.tar.zst --into restored/", "restore backup.tar.zst --replace"),
    runs_in="files",
    log_kinds={"": "restored"},
)
