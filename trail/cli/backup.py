"""The commands `backup` and `restore`."""

import argparse
import json
from pathlib import Path
from typing import Any

from trail.access_log import log
from trail.backup import making, restoring
from trail.backup.making import Backup
from trail.backup.restoring import Restored
from trail.cli.context import Context
from trail.cli.retention import existing_store
from trail.core.output import Out
from trail.core.settings import Settings

_MADE_BY = "command line"


def backup(args: argparse.Namespace, context: Context) -> int:
    """Write the whole trail to one file; print what it contains and what it omits."""
    made = making.make(
        existing_store(context),
        context.settings,
        context.folder / args.out,
        archive=not args.without_archive,
    )
    making.log(made, log.COMMAND_LINE)
    if args.json:
        report = {"out": str(made.path), "bytes": made.bytes, "sha256": made.sha256}
        context.out.text(json.dumps({**report, **made.manifest.to_dict()}) + "\n")
    else:
        context.out.text(_backup_text(made, args.out))
    return 0


def restore(args: argparse.Namespace, settings: Settings, folder: Path, out: Out) -> int:
    """Restore a backup to its paths or a folder; print renamed files and missing events."""
    done = restoring.restore(
        folder / args.file,
        settings,
        into=folder / args.into if args.into else None,
        replace=args.replace,
        made_by=_MADE_BY,
    )
    out.text(json.dumps(_report(done)) + "\n" if args.json else _restore_text(done))
    return 0


def _backup_text(made: Backup, name: str) -> str:
    manifest = made.manifest
    lines = [
        f"{name}: {manifest.events:,} events, {manifest.seals:,} seals, "
        f"{len(manifest.files):,} files, {made.bytes:,} bytes, SHA-256 {made.sha256}",
        "It contains the private key of the seals and password hashes: store it where only you can "
        "read it.",
    ]
    if manifest.secrets:
        lines.append(f"Not included, store separately: {', '.join(manifest.secrets)}.")
    lines += [f"Omitted: {file}. {reason}" for file, reason in manifest.left_out.items()]
    return "\n".join(lines) + "\n"


def _restore_text(done: Restored) -> str:
    manifest, missing = done.manifest, done.missing
    lines = [
        f"Restored the backup of {manifest.made_at} into {done.into.name}: "
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
    if done.problems:
        lines.append(
            f"Verification found {done.problems:,} problems in the backup. "
            "Run: python -m trail verify"
        )
    lines += [f"Previous file renamed: {path.name}" for path in done.aside]
    return "\n".join(lines) + "\n"


def _report(done: Restored) -> dict[str, Any]:
    missing = done.missing
    return {
        "into": str(done.into),
        "events": done.manifest.events,
        "made_at": done.manifest.made_at,
        "newest_event": done.manifest.newest_event,
        "missing": missing.events if missing else None,
        "missing_from": f"{missing.first.isoformat()}Z" if missing and missing.first else None,
        "missing_to": f"{missing.last.isoformat()}Z" if missing and missing.last else None,
        "signed": done.recorded.signed,
        "seals_taken_over": done.recorded.taken_over,
        "seals_set_aside": done.recorded.apart,
        "problems": done.problems,
        "aside": [str(path) for path in done.aside],
        "secrets": done.manifest.secrets,
    }
