"""The commands about backups: backup, and restore. Separate from `commands` for their length."""

import argparse
import json
from pathlib import Path
from typing import Any

from trail import access_log
from trail.backup import making, restoring
from trail.backup.making import Made
from trail.backup.restoring import Restored
from trail.desk import Desk, Out
from trail.retention_commands import kept_store
from trail.settings import Settings

_MADE_BY = "command line"


def backup(args: argparse.Namespace, desk: Desk) -> int:
    """Write the whole trail to one file; print what is in it, and what is not."""
    store = kept_store(desk)
    made = making.make(
        store, desk.settings, desk.folder / args.out, archive=not args.without_archive
    )
    making.note(made, access_log.COMMAND_LINE)
    if args.json:
        report = {"out": str(made.path), "bytes": made.bytes, "sha256": made.sha256}
        desk.out.text(json.dumps({**report, **made.manifest.said()}) + "\n")
    else:
        desk.out.text(_words(made, args.out))
    return 0


def restore(args: argparse.Namespace, settings: Settings, folder: Path, out: Out) -> int:
    """Put a backup in its places, or in a folder; print what was put aside and what is missing."""
    done = restoring.restore(
        folder / args.file,
        settings,
        into=folder / args.into if args.into else None,
        replace=args.replace,
        made_by=_MADE_BY,
    )
    out.text(json.dumps(_answer(done)) + "\n" if args.json else _told(done))
    return 0


def _words(made: Made, name: str) -> str:
    held = made.manifest
    lines = [
        f"{name}: {held.events:,} events, {held.seals:,} seals, {len(held.files):,} files, "
        f"{made.bytes:,} bytes, SHA-256 {made.sha256}",
        "It holds the private key of the seals and the hashes of passwords: keep it where only "
        "you can read it.",
    ]
    if held.secrets:
        lines.append(f"Not in it, keep them apart: {', '.join(held.secrets)}.")
    lines += [f"Left out: {each}. {why}" for each, why in held.left_out.items()]
    return "\n".join(lines) + "\n"


def _told(done: Restored) -> str:
    held = done.manifest
    lines = [
        f"Restored from the copy of {held.made_at}: {held.events:,} events, newest "
        f"{held.newest_event or 'none'}, in {done.into.name}"
    ]
    if done.missing is None:
        lines.append("What came after the copy is not here: pull again from then.")
    elif done.missing.events:
        lines.append(
            f"{done.missing.events:,} newer events are missing: pull again from "
            f"{done.missing.first:%Y-%m-%d %H:%M} UTC."
            if done.missing.first
            else f"{done.missing.events:,} newer events are missing: pull again."
        )
    lines.append("Who may sign in, and tokens, are as they were in the copy: look them through.")
    if held.secrets:
        lines.append(f"Not in a backup, put them back: {', '.join(held.secrets)}.")
    if done.problems:
        lines.append(
            f"Verify found {done.problems:,} problems in the copy. Run: python -m trail verify"
        )
    lines += [f"Put aside: {path.name}" for path in done.aside]
    return "\n".join(lines) + "\n"


def _answer(done: Restored) -> dict[str, Any]:
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
